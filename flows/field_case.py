"""One field's case before anything is computed: what is to grow, what is known, and so where its result stands."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import pandas as pd
import shapely
from rasterio.features import geometry_mask

from agro.advice.doses import Plan
from agro.advice.rules import LAYER_OF, rules_for
from agro.domain.errors import AgroError, BadInput, Refusal, Told
from agro.domain.grid import around
from agro.domain.layers import LAYERS
from agro.store.publish import digest, file_name
from flows.advice_office import Office, crop_code
from flows.field_soil import Acidity, Asked, Known
from flows.plan import crops_of
from flows.published_prescriptions import nitrogen_prescribed

ALGORITHM = 3  # raise it when the same inputs give another prescription


@dataclass(frozen=True)
class Case:
    """A field's case before anything is computed: its place in the store, plan, what is known, which look was taken.

    acidity       of a case of lime: hydrolytic [mmol/100 g] and pH, and the result they are of
    given_before  [kg/ha] of nitrogen by the prescription before, of a case of top dressing
    """

    place: str
    field_id: str
    number: int
    plan: Plan
    asked: Asked
    known: Mapping[str, Known]
    strips: pd.DataFrame
    acidity: Acidity
    looked_at: str
    given_before: float
    told: tuple[Told | Refusal, ...]


def open_case(office: Office, number: int) -> Case:
    """What decides a field's prescription, and so its place. Raises BadInput."""
    row = office.land.outlines.iloc[number]
    field_id, district = str(row["field_id"]), row["district"] if isinstance(row["district"], str) else "fields"
    plan, told = _plan(office, field_id)
    grid = around(office.land.crs, office.land.on_grid.iloc[number].bounds, LAYERS["p2o5"].resolution_m)
    inside = geometry_mask([office.land.on_grid.iloc[number]], grid.shape, grid.transform, invert=True)
    asked = Asked(field_id, grid, inside, str(district), office.season, plan.previous_crop == "fallow")
    known: dict[str, Known] = {}
    for nutrient in office.nutrients:
        if nutrient not in LAYER_OF:
            continue
        try:
            known[nutrient] = office.soil.nutrient(asked, nutrient, plan.rules)
        except AgroError as error:
            told.append(error.refusal)
    told += [line for one in known.values() for line in one.told]
    driven, of_strips = office.driven.strips(field_id, asked.district, office.land.crs)
    told_of = office.trials[office.trials["field_id"] == field_id]
    strips = pd.concat([table for table in (told_of, driven) if len(table)]) if len(driven) else told_of
    strips = _of_one_nutrient(strips[strips["season"] < office.season], office.nutrients)
    acidity = office.soil.acidity(asked, office.rules["validity"]) if "caco3" in office.nutrients else Acidity()
    looked_at, given_before, marks = "", 0.0, ""
    if office.request.top_dress:
        looked_at = str(office.canopy.look(field_id, office.season)["acquisition_id"])
        given_before = nitrogen_prescribed(office.index, field_id, str(row["version"]), office.season)
        marks = office.canopy.marks
        strips = strips.iloc[:0]
    told += of_strips if len(strips) else []
    identity = [*_identity(office, row, plan, known, strips), repr(acidity), looked_at, given_before, marks]
    place = f"prescriptions/{file_name(field_id)}/{digest(identity)}"
    return Case(
        place, field_id, number, plan, asked, known, strips, acidity, looked_at, given_before, tuple(told)
    )  # fmt: skip


def _of_one_nutrient(strips: pd.DataFrame, asked: Sequence[str]) -> pd.DataFrame:
    """The strips of the first nutrient asked for that has any: a response is of one nutrient."""
    heard = next((name for name in asked if (strips["nutrient"] == name).any()), None)
    return strips[strips["nutrient"] == heard]


def _identity(
    office: Office, row: pd.Series, plan: Plan, known: Mapping[str, Known], strips: pd.DataFrame
) -> list[Any]:
    """All that decides a prescription's content."""
    advice, request = office.settings.advice, office.request
    marks = (
        None if office.protected is None else sha256(b"".join(shapely.to_wkb(office.protected.geometry))).hexdigest()
    )
    zones = office.zones.get(row["district"])
    relief = office.relief.get(row["district"])
    return [
        *(row["version"], office.season, plan.rules.crop, plan.yield_t_ha, plan.previous_crop),
        *(plan.straw_t_ha, plan.manure_t_ha, dict(plan.given_kg_ha), list(office.nutrients)),
        [[product.code, dict(product.content_pct), product.price_rub_t] for product in office.products],
        office.prices.get(plan.rules.crop),
        {name: [one.parent, float(one.soil.content_mg_kg)] for name, one in known.items()},
        [marks, zones[0].place if zones else None, relief.place if relief else None, strips.to_csv(index=False)],
        [asdict(office.machine), request.trial, advice.scheme, advice.varying_cost_ha],
        [advice.placement, advice.frozen_soil, advice.customer],
        [digest(repr(office.rules)), office.settings.ui.language, advice.currency, ALGORITHM],
    ]


def _plan(office: Office, field_id: str) -> tuple[Plan, list[Told | Refusal]]:
    """What is to grow, and what was there before."""
    land, season, told = office.land, office.season, list[Told | Refusal]()
    rows = (
        land.seasons[land.seasons["field_id"] == field_id].set_index("season") if len(land.seasons) else pd.DataFrame()
    )
    now = rows.loc[season] if season in rows.index else pd.Series(dtype=object)
    before = rows.loc[season - 1] if season - 1 in rows.index else pd.Series(dtype=object)
    named = office.request.crop or now.get("crop") or _of_outline(office, field_id)
    if named is None:
        raise BadInput(
            "RX-NO-CROP",
            "nobody says what will grow here in {season}",
            "give it with --crop, or add the season to the season table",
            season=season,
        )
    crop = crop_code(named)
    if crop == "fallow":
        raise BadInput(
            "RX-FALLOW",
            "no fertiliser in {season}: the field lies fallow",
            "give the crop with --crop if the plan has changed",
            season=season,
        )
    rules = rules_for(crop, office.rules)
    planned = office.request.planned_yield_t_ha
    if planned is None:
        planned = rules.usual_t_ha
        told.append(Told("planned yield: nobody said it; the usual one of the crop stands for it", {}))
    previous = _text(now.get("previous_crop")) or _text(before.get("crop"))
    if previous is None:
        told.append(Told("the previous crop is not known: taken as a cereal without credit", {}))
    straw = 0.0
    if _text(before.get("straw")) == "left" and previous in office.rules["crops"]:
        old = office.rules["crops"][previous]
        straw = old["usual_t_ha"] * old["straw_t_t"]
        told.append(
            Told("straw of the previous crop was left: {met} t/ha by its usual yield", {"met": round(straw, 1)})
        )
    elif _text(before.get("straw")) is None:
        told.append(Told("whether straw was left is not known: none is credited", {}))
    given = {n: float(now[f"{n}_kg_ha"]) for n in ("n", "p2o5", "k2o") if pd.notna(now.get(f"{n}_kg_ha"))}
    manure = float(now["manure_t_ha"]) if pd.notna(now.get("manure_t_ha")) else 0.0
    if rules.assumed:
        told.append(Told("removal by this crop is an assumption", {}))
    told.append(Told("coefficients of use, class rule and caps are assumptions (configs/doses.toml)", {}))
    return Plan(rules, float(planned), previous, straw, manure, given), told


def _of_outline(office: Office, field_id: str) -> str | None:
    """The crop that is declared with the outline."""
    return crops_of(office.land.outlines, pd.DataFrame(), office.season).get(field_id)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
