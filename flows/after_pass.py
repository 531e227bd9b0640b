"""After a satellite pass: find what is new, take each pass its way, publish, and say what came of it."""

import time
from collections.abc import Sequence
from datetime import date
from typing import Any

from prefect import flow, tags, task
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from agro.domain.errors import AgroError, Refusal
from agro.reports.run_summary import Summary
from agro.reports.words import number, say
from agro.store.index import Index, opened
from agro.store.publish import writing
from flows.hands import hands
from flows.housekeeping import mark_crashed, tag_of_this_process
from flows.last_run import remember_run
from flows.occasions import PUBLISHED, tell
from flows.plan import Plan, make_plan
from flows.progress import progress
from flows.settings import load
from flows.trace import unexpected
from flows.way_of_a_pass import Done, Season, keep_land
from flows.wrap_up import summarise


@flow(name="after-pass")
def after_pass(config: str = "default", overrides: Sequence[str] = (), until: date | None = None) -> State[Any]:
    """Publish every acquisition over the fields that is not published yet. The state holds the Summary.

    config     a name of configs/ or a .toml file
    overrides  section.key=value, as on the command line
    until      only what was seen by the end of that day (UTC)
    """
    started = time.monotonic()
    settings = load(config, overrides)
    mark_crashed(runner_lives=True)
    with writing(settings.store.path, settings.store.wait_s) as store, opened(store) as index:
        plan = make_plan(settings, index, until)
        season = Season(settings, plan.land, store)
        for result in keep_land(season, plan.outlines_place, plan.seasons_place):
            index.add(result)
        outcomes = _take_all(plan, season, index)
    summary = remember_run(summarise(plan, outcomes, settings, time.monotonic() - started))
    if summary.published:
        tell(PUBLISHED, settings, {"published": summary.published})
    name = "CompletedWithErrors" if summary.failed else None
    told = f"{summary.published} published, {summary.already_published} before, {len(summary.failed)} refused"
    return Completed(name=name, message=told, data=summary)


def by_hand(config: str, overrides: Sequence[str], until: date | None) -> Summary:
    """Run the flow in this process, tagged with it, so that its death can be seen."""
    with tags(tag_of_this_process()):
        state: Any = after_pass(config, overrides, until, return_state=True)
    summary: Summary = state.result()
    return summary


def _take_all(plan: Plan, season: Season, index: Index) -> list[Done | Refusal]:
    """Each pass in a task of its own; what fails is named, and the others go on."""
    outcomes: list[Done | Refusal] = []
    language = season.settings.ui.language
    waiting = {one.acquisition.acquisition_id: one for one in plan.todo}

    @task(name="take-pass", task_run_name="{acquisition_id}")
    def take_pass(acquisition_id: str) -> State[Any]:
        try:
            done = hand(waiting[acquisition_id])
            for result in done.published:
                index.add(result)
            outcomes.append(done)
        except AgroError as error:
            outcomes.append(error.about(acquisition_id=acquisition_id))
        except Exception as error:  # one pass must not sink the others, whatever it met
            outcomes.append(unexpected(error, acquisition_id))
        else:
            return Completed(message=f"clear {done.clear_fraction:.0%}")
        return Failed(message=str(outcomes[-1]))

    with hands(plan.todo, season) as hand, progress(say("Passes", language), len(waiting)) as step:
        for acquisition_id in waiting:
            take_pass(acquisition_id, return_state=True)
            step(f"{acquisition_id} {_in_a_word(outcomes[-1], language)}")
    return outcomes


def _in_a_word(outcome: Done | Refusal, language: str) -> str:
    if isinstance(outcome, Refusal):
        return say("failed", language) + f" [{outcome.code}]"
    return say("clear {share} %", language, share=number(100 * outcome.clear_fraction, 0, language))
