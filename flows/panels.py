"""What each picture of a field shows, and what is said below it: from the newest results that tell of the field."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
from shapely import Geometry

from agro.agromaps.fertility import Classes, classes_from
from agro.agromaps.season import SeasonRules, flags_of
from agro.domain.grid import Grid, around
from agro.domain.layers import LAYERS, RELIEF
from agro.domain.soil import DETERMINANDS
from agro.reports.field_sheet import Panel
from agro.reports.styles import STYLES
from agro.reports.words import day, number, say
from agro.store import history
from agro.store.index import Index
from agro.store.maps import windowed
from agro.store.publish import Published, Store, read_asset
from agro.store.tables import from_parquet
from flows.settings import CONFIGS, facts
from flows.yield_panel import newest_with, yield_panel

_AROUND_M = 60  # [m] of ground shown around a field
_ENOUGH_CLEAR = 0.5  # [1] of the field: a look that shows less is passed over
SOIL = {one.layer: name for name, one in DETERMINANDS.items() if one.layer}
KIND = {
    **dict.fromkeys(RELIEF, "relief"),
    **dict.fromkeys(SOIL, "soil"),
    **{name: "seasons" for name in LAYERS if name.startswith("season_")},
    **{"wetness": "moisture", "wetness_s1": "radar_wetness", "zone": "zones", "bare_brightness": "bare_soil"},
    "field_capacity": "field_moisture",
    **dict.fromkeys(("yield_t_ha", "yield_se"), "yield_maps"),
}


@dataclass(frozen=True)
class OneField:
    """One field of the store: its row, its outline [m] in the store's CRS, the day to look from, the language."""

    row: pd.Series
    outline: Geometry
    crs: str
    until: datetime | None
    language: str

    def grid(self, layer: str) -> Grid:
        """The pixels around it."""
        return around(self.crs, self.outline.bounds, LAYERS[layer].resolution_m, _AROUND_M)

    def say(self, text: str, **told: Any) -> str:
        """A sentence in its language; numbers come with their digits, as (value, digits)."""
        words = {
            name: number(one[0], one[1], self.language) if isinstance(one, tuple) else one for name, one in told.items()
        }
        return say(text, self.language, **words)

    def rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of a table that are of it."""
        return table[table["field_id"] == self.row.name] if len(table) else table


def vegetation(store: Store, field: OneField) -> Panel:
    """The newest clear look at the field."""
    rows = history.fieldstats(store)
    look = newest_clear(field.rows(rows), field)
    return look_panel(store, field, look, [] if look is None else history.parts_of(store, look["acquisition_id"]))


def newest_clear(rows: pd.DataFrame, field: OneField) -> pd.Series | None:
    """The newest look at the field, of its rows, that shows enough of it by the day."""
    if rows.empty:
        return None
    rows = rows[(rows["layer"] == "ndvi") & (rows["clear_fraction"] >= _ENOUGH_CLEAR)]
    rows = rows[rows["acquired_at"] <= field.until] if field.until else rows
    return None if rows.empty else rows.sort_values("acquired_at").iloc[-1]


def look_panel(store: Store, field: OneField, look: pd.Series | None, parts: list[Published]) -> Panel:
    """A look at the field by its row and its parts."""
    if look is None:
        return Panel("ndvi", None, None, missing=field.say("no clear look is published by then"))
    grid = field.grid("ndvi")
    values = windowed(store, parts, "ndvi", grid)
    told = field.say("pass of {day}", day=day(look["acquired_at"], field.language))
    note = field.say(
        "Middle of the field {middle}; a tenth of it is below {low}.", middle=(look["p50"], 2), low=(look["p10"], 2)
    )
    return Panel("ndvi", values, grid, told, note)


def panel(store: Store, index: Index, field: OneField, layer: str) -> Panel:
    """One of the other layers, from the newest result that shows the field; wetness, where leaves do not hide it."""
    kind = KIND[layer]
    missing = field.say(_MISSING[kind]) if kind in _MISSING else field.say("not made yet: run agro review")
    nothing = Panel(layer, None, None, missing=missing)
    results = _showing(store, index, field, kind, layer)
    if not results and field.until is not None and _showing(store, index, replace(field, until=None), kind, layer):
        return replace(nothing, missing=field.say("nothing was known of it by this day"))
    if not results:
        return nothing
    having = [result for result in results if layer in result.item["assets"]]
    if not having:
        return _average(store, results[-1], field, layer) if kind == "soil" else nothing
    grid = field.grid(layer)
    values = windowed(store, having, layer, grid).astype("float64")
    if LAYERS[layer].is_class:
        values[values == LAYERS[layer].nodata] = np.nan
    shown = _Shown(store, index, field, layer, having, values, grid)
    return _DRAWN.get(kind, _season)(shown)


@dataclass(frozen=True)
class _Shown:
    """One layer of a field as it is published: the results that have it, newest last, and its values (y, x)."""

    store: Store
    index: Index
    field: OneField
    layer: str
    having: list[Published]
    values: np.ndarray
    grid: Grid

    @property
    def newest(self) -> Published:
        """The newest of the results."""
        return self.having[-1]

    @property
    def pass_of(self) -> str:
        """Of which pass it is."""
        seen = datetime.fromisoformat(self.newest.properties["datetime"])
        return self.field.say("pass of {day}", day=day(seen, self.field.language))

    def table(self, name: str) -> pd.DataFrame:
        """A table of the newest result."""
        return from_parquet(read_asset(self.store, self.newest, name))

    def spread(self) -> str:
        """Between what the values lie."""
        known = self.values[np.isfinite(self.values)]
        if not known.size:
            return ""
        digits = STYLES[self.layer].digits
        low, middle, high = ((float(v), digits) for v in np.percentile(known, (5, 50, 95)))
        return self.field.say("From {low} to {high}, in the middle {middle}.", low=low, high=high, middle=middle)


def _showing(store: Store, index: Index, field: OneField, kind: str, layer: str) -> list[Published]:
    """The newest results of a kind over the field: of one pass, one season, or one district."""
    west, south, east, north = field.row.geometry.bounds
    here = []
    for result in index.items(kind):
        box = result.item.get("bbox")
        if box and box[0] <= east and box[2] >= west and box[1] <= north and box[3] >= south:
            here.append(result)
    if field.until is not None and kind != "relief":  # the ground does not change; all else was not known before
        here = [r for r in here if datetime.fromisoformat(r.properties["datetime"]) <= field.until]
    if kind in ("moisture", "radar_wetness", "field_moisture"):
        here.sort(key=lambda r: str(r.properties["datetime"]))
        return next(([r] for r in reversed(here) if _clear_here(store, r, field, layer)), [])
    if kind == "yield_maps":
        return newest_with(store, here, str(field.row.name))
    if kind == "bare_soil":
        return list({r.properties["agro:block"]: r for r in here}.values())
    if kind == "seasons" and here:
        last = max(r.properties["agro:season"] for r in here)
        newest = {r.properties["agro:block"]: r for r in here if r.properties["agro:season"] == last}
        return list(newest.values())
    return here[-1:]


def _clear_here(store: Store, result: Published, field: OneField, layer: str) -> bool:
    rows = from_parquet(read_asset(store, result, "fields"))
    mine = field.rows(rows[rows["layer"] == layer])
    flag = str(mine["flag"].iloc[0]) if len(mine) else ""
    return bool(len(mine) and mine["clear_fraction"].iloc[0] >= _ENOUGH_CLEAR and f"{layer}_domain" not in flag)


def _moisture(shown: _Shown) -> Panel:
    """Wetness from above, and whether the balance agrees with it."""
    flag = windowed(shown.store, shown.having, "wetness_flag", shown.grid)
    shown.values[(flag != 0) & (flag != LAYERS["wetness_flag"].nodata)] = np.nan
    note = shown.field.say(
        "0 is the driest and 1 the wettest seen here, upper 5 cm. Hatched: not seen, or under leaves."
    )
    return Panel(shown.layer, shown.values, shown.grid, shown.pass_of, f"{note} {_agreement(shown)}".strip())


def _agreement(shown: _Shown) -> str:
    """Whether the wetness of this season rises and falls with the balance's; nothing where too few days tell."""
    year = int(shown.newest.properties["datetime"][:4])
    water = [r for r in shown.index.items("water") if r.properties["agro:season"] == year]
    mine = shown.field.rows(from_parquet(read_asset(shown.store, water[-1], "agreement"))) if water else pd.DataFrame()
    if mine.empty or not np.isfinite(mine["spearman_rho"].iloc[0]):
        return ""
    told = {"rho": (float(mine["spearman_rho"].iloc[0]), 2), "n": int(mine["n_dates"].iloc[0])}
    if mine["flag"].iloc[0]:
        return shown.field.say(
            "Does NOT agree with the water balance ({rho} on {n} days): trust neither without a look at the field.",
            **told,
        )
    return shown.field.say("Agrees with the water balance ({rho} on {n} days).", **told)


def _radar(shown: _Shown) -> Panel:
    """Wetness by radar."""
    note = shown.field.say(
        "0 is as at a place's driest and 1 as at its wettest looks by radar, upper 5 cm; cloud does not matter. "
        "Hatched: leaves hide the soil, or it was not seen. It has no error of its own."
    )
    return Panel(shown.layer, shown.values, shown.grid, shown.pass_of, note)


def _field_capacity(shown: _Shown) -> Panel:
    """Moisture in per cent of field capacity, and how well measurements tell it."""
    anchored = shown.index.at(str(shown.newest.properties["agro:parents"][-1]))
    soil = str(shown.field.rows(shown.table("fields"))["soil_group"].iloc[0])
    told = anchored.properties["agro:anchors"][soil] if anchored else {}
    note = shown.field.say(
        "By {n} measurements on {dates} days; on days left out it missed by {error} %, the plain mean by {mean} %.",
        n=told.get("n_pairs", "-"),
        dates=told.get("n_dates", "-"),
        error=(float(told.get("rmse_pct", np.nan)), 0),
        mean=(float(told.get("rmse_of_mean_pct", np.nan)), 0),
    )
    return Panel(shown.layer, shown.values, shown.grid, shown.pass_of, note)


def _relief(shown: _Shown) -> Panel:
    heights = windowed(shown.store, shown.having, "height", shown.grid).astype("float64")
    return Panel(shown.layer, shown.values, shown.grid, note=shown.spread(), heights=heights)


def _season(shown: _Shown) -> Panel:
    """A season's layer, and what stands against it on most of the field."""
    told = shown.field.say("season {year}", year=shown.newest.properties["agro:season"])
    flags = windowed(shown.store, shown.having, "season_flag", shown.grid)
    known = flags[flags != LAYERS["season_flag"].nodata]
    usual = float(np.bincount(known).argmax()) if known.size else np.nan
    against = [say(one.text, shown.field.language, **one.facts) for one in flags_of(usual, _season_rules(shown.newest))]
    if against and not np.isfinite(shown.values).any():
        return Panel(shown.layer, None, None, told, missing="; ".join(against))
    return Panel(shown.layer, shown.values, shown.grid, told, "; ".join(filter(None, [shown.spread(), *against])))


def _season_rules(result: Published) -> SeasonRules:
    """The limits that a season's layers were made by; the days are not told here."""
    kept, nowhen = result.properties["agro:parameters"], (date.min, date.max)
    names = SeasonRules.__dataclass_fields__.keys() & kept.keys()
    return SeasonRules(nowhen, nowhen, **{name: kept[name] for name in names})


def _soil(shown: _Shown) -> Panel:
    """A nutrient in the classes of its method, with the error of the map."""
    layer, field = shown.layer, shown.field
    error = windowed(shown.store, [shown.newest], f"{layer}_se", shown.grid)
    table = shown.table("choices")
    choice = table[table["layer"] == layer].iloc[0]
    grouping = _grouping(SOIL[layer], str(choice["method"]))
    names = (grouping.russian if field.language == "ru" else grouping.names) if grouping else ()
    classes = _with_ends(grouping, names, field) if grouping else ()
    digits = STYLES[layer].digits
    note = field.say(
        "{n} samples; middle {middle} ± {error} (standard error of a place).",
        n=int(choice["samples"]),
        middle=(float(np.nanmedian(shown.values)), digits),
        error=(float(np.nanmedian(error)), digits),
    )
    if grouping is None:
        note = f"{note} {field.say('No classes are known for it: the figure is shown as it is.')}"
    note = f"{note} {_loss(shown.store, shown.newest, field)}".strip()
    told = field.say("survey of {year}, {depth} cm", year=int(choice["year"]), depth=choice["depth_cm"])
    return Panel(layer, shown.values, shown.grid, told, note, classes=classes)


def _with_ends(grouping: Classes, names: tuple[str, ...], field: OneField) -> tuple[tuple[float, str], ...]:
    """The classes' upper ends, and their names with the figures that they hold."""
    digits = max(0, -int(np.floor(np.log10(grouping.step))))
    lows = (None, *(end + grouping.step for end in grouping.upper))
    labels = []
    for low, high, name in zip(lows, (*grouping.upper, None), names, strict=True):
        if low is None:
            labels.append(field.say("{name}, up to {high}", name=name, high=(high, digits)))
        elif high is None:
            labels.append(field.say("{name}, from {low}", name=name, low=(low, digits)))
        else:
            labels.append(f"{name}, {number(low, digits, field.language)}–{number(high, digits, field.language)}")
    return tuple(zip((*grouping.upper, np.inf), labels, strict=True))


def _loss(store: Store, result: Published, field: OneField) -> str:
    """The alarm of lost fertility between two surveys of the field, if there is one."""
    if "loss" not in result.item["assets"]:
        return ""
    mine = field.rows(from_parquet(read_asset(store, result, "loss")))
    if mine.empty or not mine["alarm"].iloc[0]:
        return ""
    names = {"humus_pct": field.say("humus"), "ph_kcl": "pH", "p2o5_mg_kg": "P2O5", "k2o_mg_kg": "K2O"}
    told = {name: float(mine[f"{name}_change_pct"].iloc[0]) for name in names if f"{name}_change_pct" in mine}
    changes = [f"{names[name]} {number(change, 0, field.language)} %" for name, change in told.items() if change < 0]
    return field.say(
        "ALARM: since the survey of {year} fertility was lost ({changes}); look into the reason.",
        year=int(mine["before_year"].iloc[0]),
        changes=", ".join(changes),
    )


def _grouping(name: str, method: str) -> Classes | None:
    """The classes of a property by its method; None where none are known."""
    tables = classes_from(facts(CONFIGS / "soils.toml")["classes"])
    return next((one for one in tables if (one.property, one.method) == (name, method)), None)


def _average(store: Store, result: Published, field: OneField, layer: str) -> Panel:
    """What is told of a nutrient of which no map is drawn: the field's average."""
    rows = from_parquet(read_asset(store, result, "fields"))
    mine = field.rows(rows[rows["layer"] == layer]) if len(rows) else rows
    if not len(mine):
        return Panel(layer, None, None, missing=field.say("no soil samples of this field"))
    row = mine.iloc[0]
    missing = field.say(
        "Average of the field: {mean} {unit} ({n} samples). No map is drawn: none told left-out samples better than the average.",  # noqa: E501
        mean=(float(row["mean"]), STYLES[layer].digits),
        unit=row["unit"],
        n=int(row["samples"]),
    )
    return Panel(layer, None, None, missing=f"{missing} {_loss(store, result, field)}".strip())


def _zones(shown: _Shown) -> Panel:
    """The field's zones, how far apart they are, or why the field is one."""
    field = shown.field
    mine, own = field.rows(shown.table("fields")), field.rows(shown.table("zones"))
    if len(mine) and mine["code"].iloc[0] == "ZONE-SEASONS":
        missing = field.say("One zone for now: too few seasons of crops alike were seen here.")
        return Panel("zone", None, None, missing=missing)
    if not len(mine) or int(mine["zones"].iloc[0]) == 1:
        missing = field.say("One zone: parts of this field do not differ in the same way year after year.")
        return Panel("zone", None, None, missing=missing)
    values = np.where(np.isin(shown.values, own["zone"]), shown.values, np.nan)
    classes = tuple(
        (float(row.zone), field.say("{zone}: {area} ha", zone=int(row.zone), area=(row.area_ha, 1)))
        for row in own.sort_values("zone").itertuples()
    )
    note = field.say(
        "1 is the poorest. Drawn without a season they explain {share} % of it.",
        share=(100 * float(mine["explained"].iloc[0]), 0),
    )
    told = field.say("from {n} seasons", n=int(mine["seasons"].iloc[0]))
    return Panel("zone", values, shown.grid, told, note, classes=classes)


def water(store: Store, index: Index, field: OneField, year: int) -> tuple[pd.DataFrame | None, str]:
    """The field's water of a season, and what is to be said of it."""
    results = [r for r in index.items("water") if r.properties["agro:season"] == year]
    if not results:
        return None, field.say("no weather, so no water balance")
    mine = field.rows(from_parquet(read_asset(store, results[-1], "water")))
    if field.until is not None:
        mine = mine[mine["day"] <= field.until.replace(tzinfo=None)]
    if mine.empty:
        return None, field.say("no balance for this field: agro review says why")
    last = mine.iloc[-1]
    note = field.say(
        "{day}: 0-100 cm {deep} ± {deep_se} mm, 0-20 cm {top} ± {top_se} mm.",
        day=day(last["day"].to_pydatetime().replace(tzinfo=UTC), field.language),
        deep=(float(last["water_100cm_mm"]), 0),
        deep_se=(float(last["water_100cm_mm_se"]), 0),
        top=(float(last["water_20cm_mm"]), 0),
        top_se=(float(last["water_20cm_mm_se"]), 0),
    )
    return mine, note


_MISSING = {
    "soil": "no soil samples of this field",
    "relief": "no height model, so no relief",
    "moisture": "not seen, or wetness edges need more seasons",
    "radar_wetness": "no radar looks of thinly covered soil",
    "yield_maps": "no points of a combine make a map of this field",
}
_DRAWN: dict[str, Callable[[_Shown], Panel]] = {
    "moisture": _moisture,
    "radar_wetness": _radar,
    "field_moisture": _field_capacity,
    "relief": _relief,
    "bare_soil": lambda shown: Panel(shown.layer, shown.values, shown.grid, note=shown.spread()),
    "soil": _soil,
    "yield_maps": lambda shown: yield_panel(
        shown.store, shown.newest, shown.field.row, (shown.layer, shown.values, shown.grid), shown.field.language
    ),
    "zones": _zones,
    "seasons": _season,
}
