"""What is uncertain in a soil water balance, and the draws that show what it does."""

from dataclasses import dataclass

import numpy as np

from agro.domain.errors import BadInput

Array = np.ndarray

_FEWEST = 12  # [1] members: twice the six errors that last all season. source: ours


@dataclass(frozen=True)
class Errors:
    """Standard errors of what goes in; `members` runs show what they do to what comes out.

    rain_season_cv, et0_season_cv [1] one factor for all days · rain_day_cv, et0_day_cv [1] a factor a day ·
    field_capacity_se, wilting_point_se [m3/m3] · kcb_cv [1].
    """

    rain_season_cv: float
    rain_day_cv: float
    et0_season_cv: float
    et0_day_cv: float
    field_capacity_se: float
    wilting_point_se: float
    kcb_cv: float
    members: int = 100
    seed: int = 0


def draws(errors: Errors | None, days: int) -> dict[str, Array]:
    """The factors and shifts of each member; member 0 is undisturbed.

    errors   what is uncertain [1, m3/m3]; None: only the undisturbed member
    days     how many [1]
    returns  `rain` and `et0` factors (member, day) [1]; `kcb` factor, `capacity` and `wilting` shifts [m3/m3] and
             `start` shift in standard errors, (member, 1) each
    raises   BadInput where members are odd or too few
    source   ours: lognormal factors of mean 1, normal shifts, every draw with its mirror image
    """
    if errors is None:
        one, nothing = np.ones((1, days)), np.zeros((1, 1))
        shifts = {"capacity": nothing, "wilting": nothing, "start": nothing}
        return {"rain": one, "et0": one, "kcb": np.ones((1, 1)), **shifts}
    if errors.members < _FEWEST or errors.members % 2:
        raise BadInput(
            "WATER-MEMBERS",
            "{met} runs cannot show an error: an even number from {least} is needed",
            "set errors.members in configs/water.toml to 100",
            met=errors.members,
            least=_FEWEST,
        )
    random, half = np.random.default_rng(errors.seed), errors.members // 2
    # Of unit variance and without correlation in the sample itself: few members then show a linear error exactly.
    steady = np.linalg.qr(random.standard_normal((half, 6)))[0] * np.sqrt(half)
    rain, et0, kcb, capacity, wilting, start = (_mirrored(column[:, None]) for column in steady.T)
    rain_day, et0_day = (_mirrored(random.standard_normal((half, days))) for _ in range(2))
    return {
        "rain": _factor(rain, errors.rain_season_cv) * _factor(rain_day, errors.rain_day_cv),
        "et0": _factor(et0, errors.et0_season_cv) * _factor(et0_day, errors.et0_day_cv),
        "kcb": _factor(kcb, errors.kcb_cv),
        "capacity": capacity * errors.field_capacity_se,
        "wilting": wilting * errors.wilting_point_se,
        "start": start,
    }


def _mirrored(half: Array) -> Array:
    """The undisturbed member, the draws, and their mirror images: their mean is the undisturbed."""
    return np.vstack([np.zeros((1, half.shape[1])), half, -half])


def _factor(normal: Array, cv: float) -> Array:
    """Lognormal factors of mean 1 and this coefficient of variation; the undisturbed member keeps 1."""
    variance = np.log(1 + cv**2)
    factor = np.exp(np.sqrt(variance) * normal - variance / 2)
    factor[0] = 1.0
    return np.asarray(factor)
