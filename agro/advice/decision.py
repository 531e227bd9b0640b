"""To vary or not: one rate is the rule, and a varied one has to prove itself where it was not fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from agro.domain.errors import BadInput, Refusal

Status = Literal["proved", "not_proved", "not_checked"]


@dataclass(frozen=True)
class Scheme:
    """A way from trial strips to doses by zones, and what it earned on a public trial where it was not fitted.

    earned_ha  [money/ha] over the best uniform dose on left-out repetitions and years, by what was left out
    where      which trial
    """

    name: str
    earned_ha: Mapping[str, float]
    where: str


@dataclass(frozen=True)
class Certificate:
    """What is known of the gain of a varied over the best uniform rate, the cost of varying deducted [money/ha].

    status   proved: measured on left-out strips, and the lower end is above zero; not_proved: measured, and it is not;
             not_checked: no local response, nothing was measured
    low      the gain is larger with probability `sure` [1]; NaN where nothing was measured
    why      the reason not to vary; None where the rate varies
    """

    status: Status
    gain_ha: float
    low_ha: float
    high_ha: float
    sure: float
    by: str
    why: Refusal | None

    @property
    def vary(self) -> bool:
        """Whether the response of this field may vary the rate."""
        return self.status == "proved"


def admit(scheme: Scheme) -> None:
    """Refuse a scheme that lost money on a public trial where it was not fitted.

    scheme   with what it earned [money/ha]
    returns  nothing [-]
    raises   BadInput SCHEME-LOSES
    source   ours: whoever loses on left-out strips does not prescribe
    """
    lost = {name: earned for name, earned in scheme.earned_ha.items() if earned < 0}
    if lost:
        worst = min(lost, key=lambda name: lost[name])
        raise BadInput(
            "SCHEME-LOSES",
            "the scheme {scheme} may not prescribe: on {where}, left out {worst}, it lost {lost} a hectare against one rate",  # noqa: E501
            "use a scheme that does not lose there (configs/schemes.toml), or one rate",
            scheme=scheme.name,
            where=scheme.where,
            worst=worst,
            lost=round(-lost[worst], 2),
        )


def decide(
    draws_ha: np.ndarray, gain_ha: float, deduction_ha: float, cost_ha: float, by: str, sure: float
) -> Certificate:
    """Whether varying pays surely enough.

    draws_ha      gain on left-out strips with its errors, before costs [money/ha]
    gain_ha       the same without errors [money/ha]
    deduction_ha  what will not come again [money/ha]
    cost_ha       of varying [money/ha]
    by            what was left out: season or rep
    sure          [1] the probability asked for
    returns       Certificate [money/ha]
    source        ours: varied only where the lower end of the gain is above zero
    """
    left = draws_ha - deduction_ha - cost_ha
    low, high = np.quantile(left, (1 - sure, sure))
    gain = gain_ha - deduction_ha - cost_ha
    if low > 0:
        return Certificate("proved", gain, float(low), float(high), sure, by, None)
    why = BadInput(
        "RX-GAIN",
        "one rate: on strips left out, varying brings {gain} a hectare (from {low} to {high}), not surely above zero",
        "repeat the strips another season, or keep one rate",
        gain=round(gain),
        low=round(float(low)),
        high=round(float(high)),
    ).refusal
    return Certificate("not_proved", gain, float(low), float(high), sure, by, why)


def not_checked(why: Refusal) -> Certificate:
    """What is said where no strips were driven.

    why      why nothing could be measured
    returns  Certificate [money/ha], all NaN
    source   ours
    """
    nan = float("nan")
    return Certificate("not_checked", nan, nan, nan, nan, "", why)


def surely_differ(draws_kg_ha: np.ndarray, step_kg_ha: float, sure: float) -> bool:
    """Whether zones differ by at least one step of the rate, whatever the error of the soil map.

    draws_kg_ha  (draw, zone) doses with their errors [kg/ha]
    step_kg_ha   [kg/ha] of nutrient in one step of the rate
    sure         [1] the probability asked for
    returns      [1] true or false: of the two zones farthest apart on average
    source       ours: a difference smaller than what the machine can hold, or than its own error, is no difference
    """
    middle = draws_kg_ha.mean(axis=0)
    apart = draws_kg_ha[:, int(middle.argmax())] - draws_kg_ha[:, int(middle.argmin())]
    return bool((apart >= step_kg_ha).mean() >= sure)
