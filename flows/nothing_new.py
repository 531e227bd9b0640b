"""The run that has nothing to do: known at once where nothing changed since that was found. No Prefect, no lock."""

import json
import time
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from pathlib import Path

from agro.reports.run_summary import Summary
from agro.sources.changes import signature
from agro.store.publish import digest
from agro.store.whole_file import write_whole
from flows.hub_settings import SERVICES
from flows.settings import CONFIGS, Settings

_FOUND = ".cache/nothing-new.json"  # below the store
_CODE = Path(__file__).parents[1]
_KINDS = ("outlines", "season_fields", "passes", "fieldstats")  # what a run publishes


def nothing_new(settings: Settings, until: date | None) -> Summary | None:
    """The summary of a run that would publish nothing, or None where there is work."""
    started = time.monotonic()
    if not settings.store.path.is_dir():
        return None
    found, seen = settings.store.path / _FOUND, _seen(settings, until)
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        before = json.loads(found.read_bytes())
        if before.pop("seen") == seen:
            before["layers"] = tuple(before["layers"])
            return Summary(**before, failed=(), seconds=time.monotonic() - started)
    from flows.wrap_up import looked_for

    summary = looked_for(settings, until)
    if summary and seen and not summary.failed:  # what was refused may be good tomorrow
        told = {name: value for name, value in asdict(summary).items() if name not in ("failed", "seconds")}
        with suppress(OSError):
            write_whole(found, json.dumps({**told, "seen": seen}).encode())
    return summary


def _seen(settings: Settings, until: date | None) -> str | None:
    """All that decides whether there is work, by names, sizes and times of files; None where a service is asked."""
    imagery = settings.imagery
    if imagery.source in SERVICES:
        return None
    places = [_CODE / "agro", _CODE / "flows", CONFIGS, settings.fields.path, settings.fields.seasons]
    places.append(settings.twin.path if imagery.source == "twin" else imagery.catalog and imagery.catalog.parent)
    places += [settings.store.path / kind for kind in _KINDS]
    return digest([settings.model_dump(mode="json"), str(until), signature(*(place for place in places if place))])
