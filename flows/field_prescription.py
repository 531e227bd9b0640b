"""One field's prescription: its doses, to vary or not, its parts, its products and kilograms."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import shapely
from rasterio.features import geometry_mask

from agro.advice.decision import Certificate
from agro.advice.doses import Dose, dose, trials_say
from agro.advice.lime import lime_dose
from agro.advice.prescription import Part, fallback_rates, products_for, zones_of
from agro.advice.trial import Design, doses_around, lay_out, tells_apart_kg_ha
from agro.domain.errors import AgroError, BadInput, Refusal, Told
from agro.domain.grid import around
from agro.domain.layers import LAYERS
from agro.domain.work import Prescription
from agro.reports.words import number, say
from agro.store.maps import windowed
from flows.advice_office import Office
from flows.dose_parts import Closed, Field, Parts, Ways, as_zones, parts_of, with_strips
from flows.field_case import Case
from flows.field_soil import SIGNS
from flows.field_trials import Heard, hear, in_zones, productivity_zones, zone_doses
from flows.top_dressing import doses_by_canopy

_CACO3 = "caco3"


@dataclass(frozen=True)
class Draft:
    """A field's prescription and all that is to be told of it.

    doses        by nutrient, of the field as one
    trial        strips that would settle whether to vary (EPSG:4326); None: `no_trial` says why
    tells_apart  [kg/ha] the difference of two zones' best doses that the trial shows
    told         what was assumed, missing or doubtful
    cost         of the products, in the currency of the prices; None where a price is missing
    """

    prescription: Prescription
    case: Case
    doses: Mapping[str, Dose]
    heard: Heard
    parts: tuple[Part, ...]
    trial: gpd.GeoDataFrame | None
    no_trial: Refusal | None
    tells_apart: float
    told: tuple[Told | Refusal, ...]
    cost: float | None


def draft(office: Office, case: Case) -> Draft:
    """The prescription of a case. Raises BadInput, BalanceOpen."""
    plan, field = case.plan, _field(office, case)
    doses = {name: dose(name, plan, known.soil, known.class_of) for name, known in case.known.items()}
    heard, nutrient, zones = _hear(office, case, field)
    by_zone: dict[str, np.ndarray] = {}
    of_canopy: list[Told] = []
    if office.request.top_dress:
        doses, by_zone["n"], of_canopy = doses_by_canopy(office, case, doses)
    elif heard.best is not None and nutrient in doses:
        cap = plan.rules.cap_kg_ha[nutrient]
        doses[nutrient] = _of_trial(doses[nutrient], heard, cap)
        if heard.certificate.vary and heard.gain is not None and zones is not None:
            by_zone[nutrient] = np.minimum(zone_doses(field, zones, heard.gain), cap)
    rules = office.rules["rules"]
    by_soil = {n: k for n, k in case.known.items() if n not in by_zone and not (n == nutrient and heard.best)}
    found = parts_of(field, Ways(plan, by_soil, by_zone, rules["sure"], rules["most_zones"]), doses)
    found, of_lime = _with_lime(office, case, found)
    if not found.doses:
        raise BadInput(
            "RX-NOTHING",
            "no dose can be made of {nutrients}: {why}",
            "see the documentation of prescriptions",
            nutrients=", ".join(office.nutrients),
            why=next((one for one in (*of_lime, *case.told) if isinstance(one, Refusal)), "-"),
        )
    closed = _closed_ground(office, case, field)
    told = (*case.told, *of_lime, *of_canopy, *_of_nitrogen(case, doses, heard), *(one.why for one in closed))
    parts = as_zones(field, found, closed, _why(office, case, found))
    trial, no_trial, tells = _trial(office, case, field, doses)
    if office.request.trial:
        if trial is None:
            assert no_trial is not None  # noqa: S101  one of the two is there
            raise BadInput(no_trial.code, no_trial.text, no_trial.remedy, **no_trial.facts)
        parts = with_strips(field, parts, trial, "n")
    prescription, cost = _prescribed(office, case, parts, _why_uniform(heard, found, case))
    return Draft(prescription, case, doses, heard, tuple(parts), trial, no_trial, tells, told, cost)


def _field(office: Office, case: Case) -> Field:
    on_grid = office.land.on_grid.iloc[case.number]
    grid = around(office.land.crs, on_grid.bounds, LAYERS["rate"].resolution_m)
    inside = geometry_mask([on_grid], grid.shape, grid.transform, invert=True)
    outline = office.land.outlines.geometry.iloc[case.number]
    machine = office.machine
    return Field(outline, on_grid, office.land.crs, grid, inside, machine.implement_width_m, machine.step_kg_ha)


def _hear(office: Office, case: Case, field: Field) -> tuple[Heard, str, gpd.GeoDataFrame | None]:
    """What the field's own strips say, of which nutrient, in which zones."""
    zones = productivity_zones(office.zones.get(case.asked.district), case.field_id, case.strips, field)
    strips = in_zones(case.strips, zones)
    nutrient = str(strips["nutrient"].iloc[0]) if len(strips) else ""
    return hear(strips, office.prices, office.products, case.plan.rules.crop, office.settings.advice), nutrient, zones


def _why(office: Office, case: Case, parts: Parts) -> list[str]:
    """What the soil of each part holds of the nutrients whose doses differ."""
    language = office.settings.ui.language
    told = []
    for i in range(len(parts.outlines)):
        held = [
            f"{SIGNS[name]} {number(float(values[i]), 0, language)}"
            for name, values in parts.contents.items()
            if len(parts.outlines) > 1 and np.ptp(values) > 0 and case.known[name].surface is not None
        ]
        told.append(say("in the soil {held} mg/kg", language, held=", ".join(held)) if held else "")
    return told


def _of_trial(one: Dose, heard: Heard, cap_kg_ha: float) -> Dose:
    """The dose that the field's own response asks for, in the place of the balance's."""
    assert heard.best is not None  # noqa: S101  the caller has looked
    best, gain = heard.best, heard.gain
    asked = best.dose_kg_ha if gain is None else gain.uniform_kg_ha
    given = np.array([min(asked, cap_kg_ha)])
    low, high = (np.array([min(value, cap_kg_ha)]) for value in (best.low_kg_ha, best.high_kg_ha))
    return replace(
        one,
        dose=given,
        low=np.minimum(low, given),
        high=np.maximum(high, given),
        later=np.array([max(asked - cap_kg_ha, 0.0)]),
        draws=np.minimum(best.draws[:, None], cap_kg_ha),
    )


def _with_lime(office: Office, case: Case, parts: Parts) -> tuple[Parts, list[Refusal]]:
    """The parts with their lime, where lime is asked for and acidity was measured."""
    if _CACO3 not in office.nutrients:
        return parts, []
    soil, rule = office.rules["soil"], case.plan.rules.lime
    if case.acidity.expired:
        old = BadInput(
            "LIME-OLD",
            "no lime: hydrolytic acidity was measured on {day}, before the rotation of {years} years",
            "order the determination anew (GOST 26212-91): since then the field may have been limed, or have soured",
            day=case.acidity.sampled_on,
            years=office.rules["validity"]["rotation_years"],
        )
        return parts, [old.refusal]
    try:
        asked = lime_dose(case.acidity.mmol_100g, case.acidity.ph, soil["depth_cm"], soil["density_g_cm3"], rule)
    except AgroError as error:
        return parts, [error.refusal]
    return replace(parts, doses={**parts.doses, _CACO3: np.full(len(parts.outlines), asked)}), []


def _of_nitrogen(case: Case, doses: Mapping[str, Dose], heard: Heard) -> list[Told]:
    """What is to be said of nitrogen beside its dose: trials elsewhere, and what is left for the season."""
    if "n" not in doses or case.looked_at:
        return []
    told, one = [], doses["n"]
    elsewhere = trials_say(case.plan, float(case.known["n"].soil.content_mg_kg), float(one.balance[0]))
    if elsewhere is not None and heard.best is None:
        told.append(elsewhere)
    if float(one.later[0]) >= 1:
        told.append(
            Told(
                "no more than {cap} kg/ha of nitrogen at sowing; up to {later} kg/ha more are decided in the season against an N-rich strip",  # noqa: E501
                {"cap": round(float(one.dose[0])), "later": round(float(one.later[0]))},
            )
        )
    return told


def _closed_ground(office: Office, case: Case, field: Field) -> list[Closed]:
    """Protected strips, and for nitrogen that stays on the surface steep slopes and frozen soil."""
    closed = []
    if office.protected is not None:
        near = office.protected[office.protected.intersects(field.outline)].to_crs(field.crs)
        if len(near):
            why = Told("nothing is applied in the protected strips", {})
            closed.append(Closed(shapely.union_all(near.geometry), frozenset({"*"}), why))
    advice, steepest = office.settings.advice, office.rules["rules"]["steepest_deg"]
    if advice.placement != "surface":
        return closed
    if advice.frozen_soil:
        why = Told("no nitrogen is left on frozen soil", {})
        return [*closed, Closed(field.on_grid, frozenset({"n"}), why)]
    relief = office.relief.get(case.asked.district)
    if relief is None:
        return closed
    coarse = field.grid.at(LAYERS["slope"].resolution_m)
    rows, columns = np.nonzero(windowed(office.store, [relief], "slope", coarse) > steepest)
    size = coarse.resolution_m
    west, north = coarse.west_m + columns * size, coarse.north_m - rows * size
    steep = shapely.union_all(shapely.box(west, north - size, west + size, north))
    if steep.intersects(field.on_grid):
        why = Told("no nitrogen is left on slopes above {limit} degrees", {"limit": steepest})
        closed.append(Closed(steep, frozenset({"n"}), why))
    return closed


def _trial(
    office: Office, case: Case, field: Field, doses: Mapping[str, Dose]
) -> tuple[gpd.GeoDataFrame | None, Refusal | None, float]:
    """The strips that would settle the question of nitrogen, or why none are laid out."""
    rules = office.rules["trial"]
    try:
        if "n" not in doses:
            raise BadInput("TRIAL-N", "trials are laid out for nitrogen only", "ask for n among the nutrients")
        cap = case.plan.rules.season_n_kg_ha
        tried = doses_around(float(doses["n"].dose[0]), rules["shares"], rules["least_step_kg_ha"], cap)
        design = Design(tried, rules["repetitions"], field.width_m, rules["shortest_m"])
        strips = lay_out(field.on_grid, design, seed=int(case.place[-8:], 16))
        laid = replace(design, repetitions=int(strips["rep"].max()))
        tells = tells_apart_kg_ha(laid, rules["strip_sd_t_ha"], rules["curvature_t_kg2"])
        if tells > max(tried) - min(tried):
            raise BadInput(
                "TRIAL-WEAK",
                "no trial: strips of {doses} kg/ha would only show best doses that differ by {apart} kg/ha or more",
                "more repetitions or a wider span of doses may show less",
                doses=", ".join(f"{one:.0f}" for one in sorted(tried)),
                apart=round(tells),
            )
    except AgroError as error:
        return None, error.refusal, float("nan")
    return strips.set_crs(field.crs).to_crs(4326), None, tells


def _why_uniform(heard: Heard, found: Parts, case: Case) -> Refusal | None:
    """Why the field gets one rate; None where it does not."""
    if len(found.outlines) > 1:
        return None
    certificate: Certificate = heard.certificate
    if heard.best is not None:
        return certificate.why
    if any(one.surface is not None for one in case.known.values()):
        return BadInput(
            "RX-ALIKE",
            "one rate: the soil of this field does not surely differ enough to ask for different rates",
            "more samples, or strips of different doses, may show a difference",
        ).refusal
    return BadInput(
        "RX-NO-MAP",
        "one rate: there is no map of this field's soil that tells unseen places better than the average",
        "sample the field by plots of 5 to 10 ha",
    ).refusal


def _prescribed(
    office: Office, case: Case, parts: list[Part], why_uniform: Refusal | None
) -> tuple[Prescription, float | None]:
    """Products, rates and kilograms."""
    plan, advice = case.plan, office.settings.advice
    row = office.land.outlines.iloc[case.number]
    most = {**plan.rules.cap_kg_ha, _CACO3: 1000 * plan.rules.lime.most_t_ha}
    if office.request.trial:
        most["n"] = plan.rules.season_n_kg_ha
    products = products_for(parts, office.products, most)
    zones = zones_of(parts, products, office.machine, most)
    used = [any(zone.rate_kg_ha[i] > 0 for zone in zones) for i in range(len(products))]
    if not any(used) and case.looked_at:
        raise BadInput(
            "RX-ZERO",
            "nothing is to be applied: by the look at its canopy and what was given, the crop has enough nitrogen",
            "nothing is to be done; look at the field if you doubt it",
        )
    if not any(used):
        raise BadInput(
            "RX-ZERO",
            "nothing is to be applied: the soil gives what {yield_t_ha} t/ha of {crop} take",
            "nothing is to be done; check planned yield and soil figures if you doubt it",
            yield_t_ha=plan.yield_t_ha,
            crop=plan.rules.crop,
        )
    products = tuple(itertools.compress(products, used))
    zones = tuple(replace(zone, rate_kg_ha=tuple(itertools.compress(zone.rate_kg_ha, used))) for zone in zones)
    strips = any("*" in part.closed for part in parts)
    farm = str(row["farm_id"]) if isinstance(row["farm_id"], str) else ""
    prescription = Prescription(
        prescription_id=case.place.rsplit("/", 1)[-1],
        field_id=case.field_id,
        field_name=case.field_id,
        farm_id=farm or "-",
        customer=advice.customer or farm or "-",
        season=office.season,
        crop=plan.rules.crop,
        planned_yield_t_ha=plan.yield_t_ha,
        made_on=office.today,
        outline_version=str(row["version"]),
        boundary=row["geometry"],
        products=products,
        zones=zones,
        why_uniform=why_uniform,
        **fallback_rates(zones, office.machine, strips),
    )
    prices = [product.price_rub_t for product in products]
    known = [price for price in prices if price is not None]
    if len(known) < len(prices):
        return prescription, None
    return prescription, float(sum(kg * price / 1000 for kg, price in zip(prescription.total_kg, known, strict=True)))
