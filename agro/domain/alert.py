"""A field, or a part of it, that falls behind what was to be expected of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

What = Literal["part_behind", "field_behind"]


@dataclass(frozen=True)
class Alert:
    """One finding: what, since which look (UTC), the newest clear look (UTC) that it was judged by, and how sure.

    area_ha     [ha] that lies behind
    drop        [1] NDVI below expectation, at the newest look
    noise       [1] NDVI that such a place differs by without any cause; `drop / noise` is the strength
    looks       clear looks that show it; one alone may be an unseen cloud or shadow
    worst       up to three places (x, y) [m] on the grid's CRS, the worst first
    """

    field_id: str
    what: What
    since: datetime
    last_look: datetime
    area_ha: float
    drop: float
    noise: float
    looks: int
    worst: tuple[tuple[float, float], ...]
