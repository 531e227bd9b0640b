"""What is uncertain in a soil water balance, and the draws that show what it does."""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


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
    source   ours: lognormal factors of mean 1, normal shifts, every draw with its mirror image
    """
    one = {name: np.ones((1, days)) for name in ("rain", "et0")}
    if errors is None:
        return {
            **one,
            "capacity": np.zeros((1, 1)),
            "wilting": np.zeros((1, 1)),
            "kcb": np.ones((1, 1)),
            "start": np.zeros((1, 1)),
        }
    random = np.random.default_rng(errors.seed)

    def normal(columns: int) -> Array:
        half = random.standard_normal((errors.members - errors.members // 2, columns))
        return np.vstack([np.zeros((1, columns)), half, -half[: errors.members // 2]])  # mirrored: the mean stays

    def factor(cv: float, columns: int) -> Array:
        spread = np.sqrt(np.log(1 + cv**2))
        noise = normal(columns) * spread - np.where(np.arange(errors.members + 1) > 0, spread**2 / 2, 0)[:, None]
        return np.asarray(np.exp(noise))

    return {
        "rain": factor(errors.rain_season_cv, 1) * factor(errors.rain_day_cv, days),
        "et0": factor(errors.et0_season_cv, 1) * factor(errors.et0_day_cv, days),
        "capacity": normal(1) * errors.field_capacity_se,
        "wilting": normal(1) * errors.wilting_point_se,
        "kcb": factor(errors.kcb_cv, 1),
        "start": normal(1),
    }
