"""What a prescription must be before a machine gets it: whole numbers aside, no rate it cannot mean, no bare ground."""

from itertools import combinations
from math import isfinite

from shapely import union_all

from agro.domain.errors import BadInput
from agro.domain.work import Machine, Prescription

_GROUND_OFF = 1e-3  # [1] of the field's area that zones may miss or leak
_SAME_KG_HA = 1e-6  # [kg/ha]


def check_exportable(prescription: Prescription, machine: Machine) -> None:
    """Every rate is one that the machine can put out, and the zones cover the field and nothing else.

    prescription  rates [kg/ha], outlines in degrees
    machine       its lowest and highest rate [kg/ha]; 0 is always allowed
    returns       nothing
    raises        BadInput
    source        ours: what a machine does with a rate that it cannot put out is not known
    """
    if not prescription.products or not prescription.zones:
        raise BadInput(
            "RX-EMPTY",
            "{field}: the prescription has no product or no zone",
            "make it again with a product",
            field=prescription.field_id,
        )
    _check_rates(prescription, machine)
    _check_ground(prescription)


def _check_rates(prescription: Prescription, machine: Machine) -> None:
    fallbacks = (prescription.default_kg_ha, prescription.outside_kg_ha, prescription.lost_kg_ha)
    for rates in (*(zone.rate_kg_ha for zone in prescription.zones), *fallbacks):
        if len(rates) != len(prescription.products):
            raise BadInput(
                "RX-PRODUCTS",
                "{field}: {met} rates for {expected} products",
                "make the prescription again",
                field=prescription.field_id,
                met=len(rates),
                expected=len(prescription.products),
            )
        for rate in rates:
            low, high = machine.lowest_kg_ha - _SAME_KG_HA, machine.highest_kg_ha + _SAME_KG_HA
            if not isfinite(rate) or (rate != 0 and not low <= rate <= high) or rate < 0:
                raise BadInput(
                    "DOSE-RANGE",
                    "{field}: a rate of {met} kg/ha; the machine puts out 0, or {low} to {high} kg/ha",
                    "mend the limits of the machine or the dose; nothing was written",
                    field=prescription.field_id,
                    met=rate,
                    low=machine.lowest_kg_ha,
                    high=machine.highest_kg_ha,
                )


def _check_ground(prescription: Prescription) -> None:
    ground = prescription.boundary
    whole = union_all([zone.outline for zone in prescription.zones])
    missed = ground.difference(whole).area / ground.area
    leaked = whole.difference(ground).area / ground.area
    twice = sum(a.outline.intersection(b.outline).area for a, b in combinations(prescription.zones, 2)) / ground.area
    if max(missed, leaked, twice) > _GROUND_OFF:
        raise BadInput(
            "RX-COVERAGE",
            "{field}: zones leave {missed} % of the field bare, leak {leaked} % beyond it and overlap by {twice} %",
            "make the prescription again from the field's outline",
            field=prescription.field_id,
            missed=f"{100 * missed:.2f}",
            leaked=f"{100 * leaked:.2f}",
            twice=f"{100 * twice:.2f}",
        )
