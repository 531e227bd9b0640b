"""What runs: a pass, the review, the watch over fields, and the service that does all of it by itself."""

import json
import signal
import sys
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from agro.cli.options import AsJson, Config, Sets, StoreDir, asked, the_store
from agro.cli.voice import ASKED_TO_STOP, SOME_FAILED, day_of, end, told
from agro.domain.errors import SourceDown

if TYPE_CHECKING:
    from agro.reports.run_summary import Summary


def run(
    config: Config = "default",
    set_: Sets = [],  # noqa: B006  typer copies it
    store: StoreDir = None,
    until: Annotated[
        str | None, typer.Option(help="Only what was seen by the end of this day, YYYY-MM-DD.", metavar="DATE")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find the passes over the fields that are not published yet, map them, publish them."""
    from flows.nothing_new import nothing_new
    from flows.settings import load

    overrides = asked(set_, store)
    with told("ru") as voice:
        voice.as_json = as_json
        settings = load(config, overrides)
        voice.language = settings.ui.language
        last = day_of(until)
        summary = nothing_new(settings, last) or _through_prefect(config, overrides, last)
        from agro.cli.outlook import after_run

        first, output = after_run(settings, last, summary.published > 0)
    _finish(summary, settings.ui.language, as_json, first, output)


def watch(
    until: Annotated[str | None, typer.Option(help="As the end of this day (UTC) saw it.", metavar="DATE")] = None,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
    store: StoreDir = None,
) -> None:
    """Compare the newest clear looks with the ones before, and lay a letter to each farm it is news for."""
    with told("ru") as voice:
        place = the_store(config, set_, store, voice)
        from agro.reports.words import say
        from flows.settings import load
        from flows.watch_fields import watch as watch_once

        done = watch_once(load(config, [*set_, f"store.path={place.root}"]), day_of(until))
        print(say("Fields and parts of fields that fall behind: {n}", voice.language, n=done.alerts))
        print(say("Letters to farms: {n}", voice.language, n=len(done.told)))
        for farm in done.told:
            print(f"  {farm}")
        end(list(done.failed), voice.language)


def review(
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
    store: StoreDir = None,
    as_json: AsJson = False,
) -> None:
    """Make the maps that need whole seasons or the ground: relief, soil, seasons, wetness, water, zones."""
    with told("ru") as voice:
        place = the_store(config, set_, store, voice)
        from agro.reports.run_summary import kinds_as_text
        from flows.settings import load
        from flows.winter_review import review as review_once

        done = review_once(load(config, [*set_, f"store.path={place.root}"]))
        if as_json:
            failed, waiting = ([one.as_json() for one in told_] for told_ in (done.failed, done.waiting))
            told_of = {"made": done.made, "failed": failed, "waiting": waiting, "seconds": done.seconds}
            print(json.dumps(told_of, ensure_ascii=False))
        else:
            print(kinds_as_text(done.made, done.waiting, voice.language))
        end(list(done.failed), voice.language)


def serve(config: Config = "default", set_: Sets = [], store: StoreDir = None) -> None:  # noqa: B006
    """Run by itself: look for passes on a schedule, take each as it comes, and serve the portal. Stop with Ctrl-C."""
    with told("ru") as voice:
        from agro.reports.words import say
        from flows.serve import serve as serve_until_stopped
        from flows.settings import load, placed

        config, overrides = placed(config, asked(set_, store))
        settings = load(config, overrides)
        voice.language = settings.ui.language

        def say_it(sentence: str, **facts: Any) -> None:
            print(say(sentence, voice.language, **facts), file=sys.stderr, flush=True)

        portal = [sys.executable, "-m", "agro.portal.server", config, *overrides]
        serve_until_stopped(settings, config, overrides, say_it, portal if settings.portal.port else None)


def _through_prefect(config: str, overrides: list[str], until: date | None) -> "Summary":
    from agro.reports.words import say
    from flows.orchestra import end_orphans, prepare
    from flows.settings import load

    prepare()
    end_orphans()
    for number in (signal.SIGINT, signal.SIGTERM):  # a service manager's wish ends us as Ctrl-C does
        signal.signal(number, _as_interrupt)
    print(say("Starting Prefect ...", load(config, overrides).ui.language), file=sys.stderr, flush=True)
    from flows.after_pass import by_hand

    try:
        return by_hand(config, overrides, until)
    except RuntimeError as error:  # Prefect's own, before the flow began
        raise SourceDown(
            "PREFECT-DOWN",
            "Prefect, which conducts the run, did not start: {met}",
            "run again; or start a Prefect server and name it in PREFECT_API_URL",
            met=str(error)[:200],
        ) from error


def _as_interrupt(_: int, __: object) -> NoReturn:
    ASKED_TO_STOP.set()
    raise KeyboardInterrupt


def _finish(summary: "Summary", language: str, as_json: bool, first: list[str], output: list[str]) -> NoReturn:
    """The summary, after what is simulated or assumed, before what is foreseen of output."""
    from agro.reports.run_summary import as_text

    text = "\n".join([*first, as_text(summary, language), *output])
    if as_json:
        print(json.dumps(summary.as_json(), ensure_ascii=False))
        print(text, file=sys.stderr)
    else:
        print(text)
    raise typer.Exit(SOME_FAILED if summary.failed else 0)
