"""What the last run found, published and refused, kept beside the results for whoever watches."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from agro.reports.run_summary import Summary
from agro.store.publish import now
from agro.store.whole_file import write_whole

_FILE = ".last_run.json"


def remember_run(summary: Summary) -> Summary:
    """Keep what came of a run, in place of the one before; a disk that refuses does not undo the run."""
    with suppress(OSError):
        told = {"ended": now(), **summary.as_json()}
        write_whole(Path(summary.store) / _FILE, json.dumps(told, ensure_ascii=False, default=str).encode())
    return summary


def last_run(store: Path) -> dict[str, Any] | None:
    """What came of the last run; None where none is known."""
    try:
        told: dict[str, Any] = json.loads((store / _FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return told
