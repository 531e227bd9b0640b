"""Named points of publishing at which a test lets the store fail; without AGRO_FAULT nothing happens there.

AGRO_FAULT=point:action:n   at the n-th coming to `point`: `kill` the process as the kernel would, or fail as a disk
                            does (`ENOSPC`, `EIO`, or any other name of errno)
"""

import errno
import os
import signal
from collections import Counter
from functools import cache

# In the order in which one result comes to them; `written` once for each file.
POINTS = ("taken", "staged", "written", "filled", "entering", "entered", "published", "indexed")
_come: Counter[str] = Counter()


def reached(point: str) -> None:
    """Tell that the store has come to a point; here the fault of AGRO_FAULT happens, if it is meant for it."""
    told = _told()
    if told is None or told[0] != point:
        return
    _come[point] += 1
    if _come[point] != told[2]:
        return
    if told[1] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    number = getattr(errno, told[1])
    raise OSError(number, os.strerror(number))


@cache
def _told() -> tuple[str, str, int] | None:
    """The point, the action and the number of AGRO_FAULT."""
    point, _, rest = os.environ.get("AGRO_FAULT", "").partition(":")
    action, _, number = rest.partition(":")
    return (point, action, int(number or 1)) if action else None
