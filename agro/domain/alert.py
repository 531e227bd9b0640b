"""A field, or a part of it, that falls behind what was to be expected of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

What = Literal["part_behind", "field_behind"]
Against = Literal["past_seasons", "this_season", "neighbours"]
STRIP = 6.0  # [1] length over width: seeders and spreaders draw such, soil and weather seldom. ours


@dataclass(frozen=True)
class Alert:
    """One finding: what, since which look (UTC), the newest clear look (UTC) that it was judged by, and how sure.

    against     what it is behind: the field's own pattern of past seasons, its own earlier looks of this season, or
                its neighbours of the same crop
    well_at     the newest clear look (UTC) before `since` that showed the place and nothing wrong; None: it was never
                seen well since the field is green
    area_ha     [ha] that lies behind
    drop        [1] NDVI below expectation, at the newest look
    first_drop  [1] the same at the look it was found at
    noise       [1] NDVI that such a place differs by without any cause; `drop / noise` is the strength
    looks       clear looks that show it; one alone may be an unseen cloud or shadow
    length_m, width_m  [m] of a part, along and across; 0 for a whole field
    worst       up to three places (x, y) [m] on the grid's CRS, the worst first
    """

    field_id: str
    what: What
    against: Against
    since: datetime
    well_at: datetime | None
    last_look: datetime
    area_ha: float
    drop: float
    first_drop: float
    noise: float
    looks: int
    length_m: float
    width_m: float
    worst: tuple[tuple[float, float], ...]
