"""To vary or not: one rate is the rule, and a varied one has to prove itself where it was not fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from agro.domain.errors import BadInput, Refusal, Told

Status = Literal["proved", "not_proved", "not_checked"]
_UNTRIED = Told("fields with strips of so few seasons", {})


@dataclass(frozen=True)
class Scheme:
    """A way from trial strips to doses by zones, and what it earned where it was not fitted.

    earned_ha   [currency/ha] over the best uniform dose on left-out repetitions and years of a public trial
    where       which trial
    currency    of that trial
    by_seasons  [RUB/ha] on simulated fields whose truth is known, costs deducted, mean of all fields: by the seasons of
                strips that it had [1], then by the name of the fields
    """

    name: str
    earned_ha: Mapping[str, float]
    where: str
    currency: str
    by_seasons: Mapping[int, Mapping[str, float]]


@dataclass(frozen=True)
class Demand:
    """What is asked of varying: its cost [currency/ha] is deducted, and the rest is above zero so surely [1]."""

    cost_ha: float
    sure: float
    currency: str


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


def admit(scheme: Scheme, seasons: int) -> None:
    """Refuse a scheme that lost money where it was not fitted: on a public trial, or on simulated fields.

    scheme   with what it earned [currency/ha]
    seasons  of the strips that are to decide [1]
    returns  nothing [-]
    raises   BadInput SCHEME-LOSES, SCHEME-SEASONS where it lost with strips of so few seasons, or was never tried
    source   ours: whoever loses on left-out strips does not prescribe
    """
    worst, earned = min(scheme.earned_ha.items(), key=lambda one: one[1])
    if earned < 0:
        raise BadInput(
            "SCHEME-LOSES",
            "the scheme {scheme} may not prescribe: on {where}, left out {worst}, it lost {lost} {currency} a hectare against one rate",  # noqa: E501
            "use a scheme that does not lose there (configs/schemes.toml), or one rate",
            scheme=scheme.name,
            where=Told(scheme.where, {}),
            worst=Told(worst, {}),
            lost=round(-earned, 2),
            currency=Told(scheme.currency, {}),
        )
    tried = scheme.by_seasons.get(max((n for n in scheme.by_seasons if n <= seasons), default=0), {})
    lost = [(earned, Told(name, {})) for name, earned in tried.items()] or [(-np.inf, _UNTRIED)]
    earned, fields = min(lost, key=lambda one: one[0])
    if earned < 0:
        raise BadInput(
            "SCHEME-SEASONS",
            "one rate: by strips of so few seasons ({seasons}) nobody may vary it; the scheme {scheme} loses that way or was not tried ({worst})",  # noqa: E501
            "repeat the strips another season, or keep one rate",
            seasons=seasons,
            scheme=scheme.name,
            worst=fields,
        )


def decide(draws_ha: np.ndarray, gain_ha: float, deduction_ha: float, by: str, demand: Demand) -> Certificate:
    """Whether varying pays surely enough.

    draws_ha      gain on left-out strips with its errors, before costs [currency/ha]
    gain_ha       the same without errors [currency/ha]
    deduction_ha  what will not come again [currency/ha]
    by            what was left out: season or rep
    demand        cost [currency/ha] and how surely [1]
    returns       Certificate [currency/ha]
    source        ours: varied only where the lower end of the gain is above zero
    """
    left, sure = draws_ha - deduction_ha - demand.cost_ha, demand.sure
    low, high = np.quantile(left, (1 - sure, sure))
    gain = gain_ha - deduction_ha - demand.cost_ha
    if low > 0:
        return Certificate("proved", gain, float(low), float(high), sure, by, None)
    why = BadInput(
        "RX-GAIN",
        "one rate: on strips left out, varying brings {gain} {currency} a hectare (from {low} to {high}), not surely above zero",  # noqa: E501
        "repeat the strips another season, or keep one rate",
        gain=round(gain),
        low=round(float(low)),
        high=round(float(high)),
        currency=Told(demand.currency, {}),
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
