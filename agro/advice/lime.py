"""Lime by hydrolytic acidity: how much calcium carbonate brings the soil's acidity to rest."""

from __future__ import annotations

from dataclasses import dataclass

from agro.domain.errors import BadInput


@dataclass(frozen=True)
class LimeRule:
    """t/ha of CaCO3 for 1 mmol/100 g, 1 cm and 1 g/cm3; below which pH it is needed; the most at once [t/ha]."""

    factor: float
    needed_below_ph: float
    most_t_ha: float


def lime_dose(
    acidity_mmol_100g: float | None, ph_kcl: float | None, depth_cm: float, density_g_cm3: float, rule: LimeRule
) -> float:
    """Calcium carbonate for a field.

    acidity_mmol_100g  hydrolytic acidity [mmol/100 g], None where it was not measured
    ph_kcl             [pH] in potassium chloride, None where it was not measured
    depth_cm           [cm] of the layer to be limed
    density_g_cm3      [g/cm3] of it
    rule               factor, need and cap
    returns            [kg/ha] of CaCO3; 0 where the soil is not sour
    raises             BadInput LIME-ACIDITY without a measured acidity: pH alone does not tell the dose
    source             full dose by hydrolytic acidity, 0.05 x acidity x depth x density [t/ha]
    """
    if acidity_mmol_100g is None:
        raise BadInput(
            "LIME-ACIDITY",
            "no lime: hydrolytic acidity was not measured here, and pH alone does not tell the dose",
            "order the determination (GOST 26212-91) and add the column «Гидролитическая кислотность, ммоль/100 г»",
        )
    if ph_kcl is not None and ph_kcl >= rule.needed_below_ph:
        return 0.0
    full = rule.factor * acidity_mmol_100g * depth_cm * density_g_cm3
    return 1000.0 * min(full, rule.most_t_ha)
