"""The end of a run, and the look whether there is work."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from agro.domain.errors import Refusal
from agro.reports.run_summary import Summary
from agro.store.index import opened
from agro.store.publish import Store
from flows.last_run import remember_run
from flows.plan import Plan, make_plan
from flows.settings import Settings

if TYPE_CHECKING:
    from flows.way_of_a_pass import Done


def looked_for(settings: Settings, until: date | None) -> Summary | None:
    """The summary of a run that would publish nothing, or None where there is work."""
    started = time.monotonic()
    with opened(Store(settings.store.path)) as index:
        plan = make_plan(settings, index, until)
    work = plan.todo or plan.outlines_place or plan.seasons_place
    return None if work else remember_run(summarise(plan, [], settings, time.monotonic() - started))


def summarise(plan: Plan, outcomes: Sequence["Done | Refusal"], settings: Settings, seconds: float) -> Summary:
    """What came of a plan: `outcomes` holds a Done or a Refusal for each pass that was to do."""
    done = [outcome for outcome in outcomes if not isinstance(outcome, Refusal)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    left_out: dict[str, Counter[str]] = {}
    why: dict[str, Refusal] = {}
    for outcome in done:
        for layer, refusal in outcome.left_out.items():
            left_out.setdefault(layer, Counter())[refusal.reason] += 1
            why.setdefault(layer, refusal)
    return Summary(
        acquisitions_found=plan.acquisitions_found,
        published=len(done),
        already_published=plan.already_published,
        failed=(*plan.refused, *refused, *plan.land.refused),
        fields=len(plan.land.outlines),
        layers=tuple(dict.fromkeys((*plan.layers, *(layer for outcome in done for layer in outcome.layers)))),
        seconds=seconds,
        store=str(settings.store.path),
        clear_fraction=sum(outcome.clear_fraction for outcome in done) / len(done) if done else None,
        left_out=left_out,
        left_out_why=why,
        simulated=plan.simulated,
    )
