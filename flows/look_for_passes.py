"""Look whether there are passes that are not published yet, and tell it. No pixel is read."""

from collections.abc import Sequence

from prefect import flow

from flows.nothing_new import nothing_new
from flows.occasions import FOUND, tell
from flows.settings import load


@flow(name="look-for-passes")
def look_for_passes(config: str = "default", overrides: Sequence[str] = ()) -> bool:
    """Whether something new was found; `after-pass` starts on that. config and overrides as for `after_pass`."""
    settings = load(config, overrides)
    found = nothing_new(settings, None) is None
    if found:
        tell(FOUND, settings, {})
    return found
