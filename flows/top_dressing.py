"""Top dressing of nitrogen in the season: doses against a strip with plenty, or a map for looking only."""

from collections.abc import Mapping
from dataclasses import replace

import geopandas as gpd
import numpy as np

from agro.advice.doses import Dose
from agro.advice.sufficiency import TopDressing, top_dressing
from agro.domain.errors import BadInput, Told
from agro.store.publish import Published, digest, file_name
from agro.store.stac import bbox_of
from flows.advice_office import Office
from flows.canopy import Seen
from flows.field_case import Case
from flows.keeping import Result, keep

ALGORITHM = 1  # raise it when the same looks give another index


def seen_of(office: Office, case: Case) -> Seen:
    """What the canopy of a field shows. Raises BadInput."""
    outline = office.land.outlines.geometry.iloc[[case.number]]
    return office.canopy.seen(case.field_id, office.season, case.asked.grid, case.asked.inside, gpd.GeoSeries(outline))


def doses_by_canopy(
    office: Office, case: Case, doses: Mapping[str, Dose]
) -> tuple[dict[str, Dose], np.ndarray, list[Told]]:
    """The field's top dressing and (y, x) that of its pixels of 10 m [kg/ha]. Raises BadInput without a real strip."""
    seen = seen_of(office, case)
    row = office.rules["top_dressing"]
    one, rules = doses["n"], case.plan.rules
    recorded = case.plan.given_kg_ha.get("n")
    given = case.given_before if recorded is None else recorded
    season = min(float(one.balance[0]) + (recorded or 0.0), rules.season_n_kg_ha)  # a recorded dose is off the balance
    rule = TopDressing(row["full_deficit"], row["enough"])
    pixels = top_dressing(seen.index, season, given, 0.0, rule, real_strip=seen.real_strip)
    pixels = np.minimum(pixels, rules.cap_kg_ha["n"])
    mean = float(np.nanmean(pixels[case.asked.inside]))
    if not np.isfinite(mean):
        raise BadInput("TOP-UNSEEN", "the field's own look is not clear over its ground", "wait for a clear pass")
    told = Told(
        "top dressing by the look of {day}: of {season} kg/ha for the season {given} were given at sowing",
        {"day": seen.acquired_at.date(), "season": round(season), "given": round(given)},
    )
    found = replace(one, dose=np.array([mean]), low=np.array([0.0]), high=np.array([max(season - given, mean)]))
    found = replace(found, later=np.zeros(1), draws=np.full((1, 1), mean))
    whole = np.where(np.isfinite(pixels), pixels, mean).repeat(2, axis=0).repeat(2, axis=1)
    return {"n": found}, whole, [told]


def for_looking(office: Office, case: Case) -> Published:
    """The index as a map without a dose, where there is no strip to measure it by. Raises BadInput."""
    seen = seen_of(office, case)
    key = digest([seen.acquisition_id, office.land.outlines["version"].iloc[case.number], seen.real_strip, ALGORITHM])
    place = f"sufficiency/{file_name(case.field_id)}/{key}"
    there = office.index.at(place)
    if there is not None:
        return there
    properties = {
        "datetime": seen.acquired_at.isoformat(),
        "agro:field_id": case.field_id,
        "agro:acquisition_id": seen.acquisition_id,
        "agro:real_strip": seen.real_strip,
        "agro:simulated": office.settings.imagery.source == "twin",
    }
    layers = {"sufficiency": (seen.index, seen.grid)}
    return keep(office.store, office.index, place, Result(properties, bbox_of(seen.grid), layers))
