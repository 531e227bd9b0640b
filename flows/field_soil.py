"""What is known of a field's soil before sowing: its map, its average, or what stands for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

from agro.advice.balance import Soil
from agro.advice.rules import LAYER_OF, Rules
from agro.agromaps.fertility import classes_from, classes_of, classify
from agro.domain.errors import AgroError, Refusal, Told
from agro.domain.grid import Grid
from agro.domain.layers import LAYERS
from agro.domain.soil import DETERMINANDS
from agro.store import rasters
from agro.store.index import Index
from agro.store.publish import Published, Store, read_asset
from agro.store.tables import from_parquet
from flows.settings import CONFIGS, facts

_COLUMN = {one.layer: one for one in DETERMINANDS.values() if one.layer}
SIGNS = {"n": "N-NO3", "p2o5": "P2O5", "k2o": "K2O", "s": "S"}
_DEEP_CM = 30.0  # [cm] a layer that reaches below is as dense as the deeper soil


@dataclass(frozen=True)
class Known:
    """One nutrient's soil of one field.

    soil      the field's mean
    surface   (y, x) content and standard error [mg/kg] of its pixels of 20 m on `grid`; None: no map
    class_of  contents [mg/kg] to classes; None where nothing groups them
    classes   names of the classes in Russian and English, the poorest first
    told      what was put in the place of a measurement, or is doubtful
    measured  whether samples of this very field tell it
    """

    soil: Soil
    surface: tuple[np.ndarray, np.ndarray] | None
    grid: Grid | None
    class_of: Callable[[Any], Any] | None
    classes: tuple[tuple[str, str], ...]
    told: tuple[Told | Refusal, ...]
    measured: bool
    sampled_on: date | None
    parent: str = ""


@dataclass(frozen=True)
class Asked:
    """For which field and when: its id, the pixels around it (20 m), which of them are inside, district, season."""

    field_id: str
    grid: Grid
    inside: np.ndarray
    district: str
    season: int
    after_fallow: bool


@dataclass(frozen=True)
class Acidity:
    """Hydrolytic acidity and pH (KCl) of a field, None where nobody measured them, and the result that tells them.

    sampled_on  when the newest sample with hydrolytic acidity was taken
    expired     whether that is before the rotation
    """

    mmol_100g: float | None = None
    ph: float | None = None
    sampled_on: date | None = None
    expired: bool = False
    parent: str = ""


class SoilOfFields:
    """The soil of many fields of one store; each result is read once."""

    def __init__(self, store: Store, index: Index) -> None:
        self._store = store
        self._results = index.items("soil")
        self._classes = classes_from(facts(CONFIGS / "soils.toml")["classes"])
        self._table = cache(self._read_table)
        self._layer = cache(self._read_layer)

    def nutrient(self, asked: Asked, nutrient: str, rules: Rules) -> Known:
        """What is known of a nutrient here. Raises BadInput DOSE-METHOD."""
        name = LAYER_OF[nutrient]
        result = self._newest(asked, name)
        if result is None:
            return self._usual(asked, nutrient, rules)
        method = str(result.properties["agro:methods"].get(name, ""))
        sampled_on, depth = self._sampling(result, asked, name)
        own = self._own_average(result, asked, name)
        if own is None:
            return self._of_others(result, asked, nutrient, rules, method)
        layer_cm, density = _depth(depth, rules)
        use = rules.soil_use(nutrient, method)
        errors, validity = rules.facts["errors"], rules.facts["validity"]
        least = errors["nitrate_cv" if name == "n_no3" else "content_cv"]
        told: list[Told | Refusal] = []
        if _expired(name, sampled_on, asked.season, validity):
            if name == "n_no3":
                return self._usual(asked, nutrient, rules, sampled_on)
            least = errors["old_cv"]
            told.append(
                Told(
                    "{layer}: the samples of {day} are older than the rotation of {years} years; one rate for the field",  # noqa: E501
                    {"layer": SIGNS[nutrient], "day": sampled_on, "years": validity["rotation_years"]},
                )
            )
        surface = None if told else self._surface(result, asked, name)
        mean, se = own
        if surface is not None:
            mean, se = (float(np.nanmean(layer[asked.inside])) for layer in surface)
        soil = Soil(mean, max(se, least * mean), layer_cm, density, use)
        grid = asked.grid if surface is not None else None
        return self._known(nutrient, method, soil, surface, grid, told, True, sampled_on, result.place)

    def acidity(self, asked: Asked, validity: Mapping[str, Any]) -> Acidity:
        """The acidity of the field; `validity` says how long a figure holds."""
        result = self._newest(asked, "ph")
        if result is None:
            return Acidity()
        samples = self._table(result.place, "samples")
        mine = samples[samples["field_id"] == asked.field_id]
        found = [mine[name].mean() if name in mine else np.nan for name in ("hydrolytic_mmol_100g", "ph_kcl")]
        acidity, ph = (None if pd.isna(value) else float(value) for value in found)
        if acidity is None:
            return Acidity(None, ph, parent=result.place)
        day = pd.to_datetime(mine.loc[mine["hydrolytic_mmol_100g"].notna(), "sampled_on"]).max().date()
        return Acidity(acidity, ph, day, _expired("ph", day, asked.season, validity), result.place)

    def _newest(self, asked: Asked, name: str) -> Published | None:
        """The newest result of the district that knows the layer."""
        own = [r for r in self._results if r.properties["agro:district"] == asked.district]
        return next((r for r in reversed(own) if name in r.properties["agro:methods"]), None)

    def _read_table(self, place: str, name: str) -> pd.DataFrame:
        result = next(r for r in self._results if r.place == place)
        table: pd.DataFrame = from_parquet(read_asset(self._store, result, name), outlines=name == "samples")
        return table

    def _read_layer(self, place: str, name: str) -> tuple[np.ndarray, Grid]:
        result = next(r for r in self._results if r.place == place)
        stored, grid = rasters.from_cog(read_asset(self._store, result, name))
        return rasters.decode(LAYERS[name], stored), grid

    def _sampling(self, result: Published, asked: Asked, name: str) -> tuple[date | None, pd.DataFrame]:
        """When the field was sampled last for a layer (else its district), and the depths of these samples."""
        samples = self._table(result.place, "samples")
        told = samples[samples[_COLUMN[name].name].notna()]
        mine = told[told["field_id"] == asked.field_id]
        rows = mine if len(mine) else told
        days = pd.to_datetime(rows["sampled_on"])
        return (days.max().date() if len(days) else None), rows[["depth_from_cm", "depth_to_cm"]]

    def _own_average(self, result: Published, asked: Asked, name: str) -> tuple[float, float] | None:
        rows = self._table(result.place, "fields")
        mine = rows[(rows["field_id"] == asked.field_id) & (rows["layer"] == name)]
        if mine.empty:
            return None
        se = float(mine["se"].iloc[0])
        return float(mine["mean"].iloc[0]), se if np.isfinite(se) else 0.0

    def _surface(self, result: Published, asked: Asked, name: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Content and error on the field's pixels, where a map was published that shows all of it."""
        if name not in result.item["assets"]:
            return None
        found = []
        for layer in (name, f"{name}_se"):
            values, grid = self._layer(result.place, layer)
            window = np.full(asked.grid.shape, np.nan)
            common = asked.grid.cut_to(grid.bounds)
            if common is None:
                return None
            window[common.rows_and_columns_in(asked.grid)] = values[common.rows_and_columns_in(grid)]
            found.append(window)
        return (found[0], found[1]) if np.isfinite(found[0][asked.inside]).mean() > 0.5 else None

    def _of_others(self, result: Published, asked: Asked, nutrient: str, rules: Rules, method: str) -> Known:
        """A field that nobody sampled in a district where others were."""
        name = LAYER_OF[nutrient]
        rows = self._table(result.place, "fields")
        rows = rows[rows["layer"] == name]
        sampled_on, depth = self._sampling(result, asked, name)
        if name == "n_no3" and _expired(name, sampled_on, asked.season, rules.facts["validity"]):
            return self._usual(asked, nutrient, rules)
        layer_cm, density = _depth(depth, rules)
        mean = float(rows["mean"].mean())
        se = max(float(rows["mean"].std(ddof=0)), rules.facts["errors"]["content_cv"] * mean)
        told = Told(
            "{layer}: nobody sampled this field; the mean of {n} sampled fields of the district stands for it, {mean} mg/kg",  # noqa: E501
            {"layer": SIGNS[nutrient], "n": len(rows), "mean": round(mean, 1)},
        )
        soil = Soil(mean, se, layer_cm, density, rules.soil_use(nutrient, method))
        return self._known(nutrient, method, soil, None, None, [told], False, sampled_on, result.place)

    def _usual(self, asked: Asked, nutrient: str, rules: Rules, sampled_on: date | None = None) -> Known:
        """What stands for a soil of which nothing is known: an assumption, and told as one."""
        name = LAYER_OF[nutrient]
        usual = rules.facts["usual_soil"]
        fallow = name == "n_no3" and asked.after_fallow
        mean = usual["n_no3_fallow_mg_kg" if fallow else _COLUMN[name].name]
        method = "chirikov" if _COLUMN[name].needs_method else ""
        layer_cm, density = _depth(None, rules, deep=name == "n_no3")
        facts_of_it = {"layer": SIGNS[nutrient], "mean": float(mean), "day": sampled_on}
        told = (
            Told("{layer}: not measured here; {mean} mg/kg stands for it (assumption)", facts_of_it)
            if sampled_on is None
            else Told(
                "{layer}: the samples of {day} say nothing of this season; {mean} mg/kg stands for it (assumption)",
                facts_of_it,
            )
        )
        soil = Soil(mean, rules.facts["errors"]["usual_cv"] * mean, layer_cm, density, rules.soil_use(nutrient, method))
        return self._known(nutrient, method, soil, None, None, [told], False, sampled_on, "")

    def _known(
        self,
        nutrient: str,
        method: str,
        soil: Soil,
        surface: tuple[np.ndarray, np.ndarray] | None,
        grid: Grid | None,
        told: list[Told | Refusal],
        measured: bool,
        sampled_on: date | None,
        parent: str,
    ) -> Known:
        class_of, names = None, tuple[tuple[str, str], ...]()
        if nutrient != "n":
            try:
                table = classes_of(_COLUMN[LAYER_OF[nutrient]].name, method or None, self._classes)
                class_of = partial(classify, table=table)
                names = tuple(zip(table.russian, table.names, strict=True))
            except AgroError as error:
                told = [*told, error.refusal]
        return Known(soil, surface, grid, class_of, names, tuple(told), measured, sampled_on, parent)


def _depth(depth: pd.DataFrame | None, rules: Rules, deep: bool = False) -> tuple[float, float]:
    """The layer that figures speak of [cm], and its density [g/cm3]."""
    row: Mapping[str, float] = rules.facts["soil"]
    layer = 40.0 if deep else row["depth_cm"]
    if depth is not None and len(depth) and depth["depth_to_cm"].notna().any():
        reach = (depth["depth_to_cm"] - depth["depth_from_cm"].fillna(0)).dropna()
        layer = float(reach.mode().iloc[0])
    return layer, row["deep_density_g_cm3" if layer > _DEEP_CM else "density_g_cm3"]


def _expired(name: str, sampled_on: date | None, season: int, validity: Mapping[str, Any]) -> bool:
    """Whether a figure is too old for a season: nitrate after months, the rest after a rotation."""
    if sampled_on is None:
        return True
    if name == "n_no3":
        return not date(season, 6, 1) - timedelta(days=validity["nitrate_days"]) <= sampled_on <= date(season, 6, 1)
    return season - sampled_on.year > int(validity["rotation_years"])
