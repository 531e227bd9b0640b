"""The roof for hands: `agro ...`, a thin door to the flows. Heavy things are imported inside commands."""

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from agro.domain.errors import AgroError, BadInput, Refusal, SourceDown

if TYPE_CHECKING:
    from agro.reports.run_summary import Summary
    from agro.store.publish import Store

UNUSABLE, SOME_FAILED, UNEXPECTED, INTERRUPTED = 2, 3, 1, 130  # exit codes

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Satellite passes to agromaps of fields.",
)
export_app = typer.Typer(no_args_is_help=True, help="Write what is published into one file.")
store_app = typer.Typer(no_args_is_help=True, help="Look after the store.")
app.add_typer(export_app, name="export")
app.add_typer(store_app, name="store")

Config = Annotated[str, typer.Option(help="A name in configs/ or a .toml file.", metavar="NAME_OR_FILE")]
Sets = Annotated[
    list[str], typer.Option("--set", help="Override one key; may be repeated.", metavar="SECTION.KEY=VALUE")
]
StoreDir = Annotated[
    Path | None, typer.Option("--store", help="The store's folder; the configuration's by default.", metavar="DIR")
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="The file to write; standard output by default.", metavar="FILE")
]


@app.command()
def run(
    config: Config = "default",
    set_: Sets = [],  # noqa: B006  typer copies it
    store: StoreDir = None,
    until: Annotated[
        str | None, typer.Option(help="Only what was seen by the end of this day, YYYY-MM-DD.", metavar="DATE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Find the passes over the fields that are not published yet, map them, publish them."""
    from flows.settings import load
    from flows.wrap_up import nothing_new

    overrides = [*set_, *([f"store.path={store.resolve()}"] if store else [])]
    with _told("ru") as voice:
        voice.as_json = as_json
        settings = load(config, overrides)
        voice.language = settings.ui.language
        last = _day(until)
        summary = nothing_new(settings, last) or _through_prefect(config, overrides, last)
    _finish(summary, settings.ui.language, as_json)


@export_app.command("fieldstats")
def export_fieldstats(
    store: StoreDir = None,
    form: Annotated[str, typer.Option("--format", help="csv or parquet.", metavar="FORMAT")] = "csv",
    output: Output = None,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """The field table of the whole store: one row for each field, pass and layer."""
    with _told("ru") as voice:
        place = _store(config, set_, store, voice)
        if form not in ("csv", "parquet"):
            raise BadInput(
                "EXPORT-FORMAT", "--format is {met}, expected csv or parquet", "choose one of them", met=form
            )
        from agro.store.history import fieldstats
        from agro.store.tables import to_csv, to_parquet

        table = fieldstats(place)
        content = to_csv(table).encode() if form == "csv" else to_parquet(table)
        _write(content, output)


@store_app.command("reindex")
def store_reindex(store: StoreDir = None, config: Config = "default", set_: Sets = []) -> None:  # noqa: B006
    """Make the index anew from the published items."""
    with _told("ru") as voice:
        place = _store(config, set_, store, voice)
        from agro.reports.words import say
        from agro.store.index import reindex
        from agro.store.publish import writing

        with writing(place.root):
            count, torn = reindex(place)
        print(say("Indexed: {n}", voice.language, n=count))
        _end(torn, voice.language)


@store_app.command("verify")
def store_verify(
    store: StoreDir = None,
    set_aside: Annotated[
        bool, typer.Option("--set-aside", help="Move what is damaged out of the way; the next run makes it again.")
    ] = False,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """Read every published byte and check it against its checksum."""
    with _told("ru") as voice:
        place = _store(config, set_, store, voice)
        from agro.reports.words import say
        from agro.store import publish
        from agro.store.index import verify

        checked = list(verify(place))
        torn = [(where, refusal) for where, refusal in checked if refusal is not None]
        if set_aside and torn:
            with publish.writing(place.root):
                for where, _ in torn:
                    publish.set_aside(place, where)
        print(say("Checked: {n}, damaged: {bad}", voice.language, n=len(checked), bad=len(torn)))
        _end([refusal for _, refusal in torn], voice.language)


@app.command()
def show(
    output: Annotated[Path, typer.Option("-o", "--output", help="The PNG to write.", metavar="FILE")],
    store: StoreDir = None,
    field: Annotated[str | None, typer.Option(help="One field; all fields where it is left out.", metavar="ID")] = None,
    layer: Annotated[str, typer.Option(help="The layer to draw.")] = "ndvi",
    date_: Annotated[
        str | None,
        typer.Option("--date", help="The last pass by this day; the last clear one by default.", metavar="DATE"),
    ] = None,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """Draw a layer of a field, or of all fields, as a picture."""
    with _told("ru") as voice:
        place = _store(config, set_, store, voice)
        from flows.pictures import picture

        content = picture(place, field, layer, _day(date_), voice.language)
        _write(content, output)


@app.command()
def watch(
    until: Annotated[str | None, typer.Option(help="As the end of this day (UTC) saw it.", metavar="DATE")] = None,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
    store: StoreDir = None,
) -> None:
    """Compare the newest clear looks with the ones before, and lay a letter to each farm it is news for."""
    with _told("ru") as voice:
        place = _store(config, set_, store, voice)
        from agro.reports.words import say
        from flows.settings import load
        from flows.watch_fields import watch as watch_once

        done = watch_once(load(config, [*set_, f"store.path={place.root}"]), _day(until))
        print(say("Fields and parts of fields that fall behind: {n}", voice.language, n=done.alerts))
        print(say("Letters to farms: {n}", voice.language, n=len(done.told)))
        for farm in done.told:
            print(f"  {farm}")
        _end(list(done.failed), voice.language)


@app.command()
def review(
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
    store: StoreDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Make the maps that need whole seasons or the ground: relief, soil, seasons, wetness, water, zones."""
    with _told("ru") as voice:
        place = _store(config, set_, store, voice)
        from agro.reports.run_summary import kinds_as_text
        from flows.settings import load
        from flows.winter_review import review as review_once

        done = review_once(load(config, [*set_, f"store.path={place.root}"]))
        if as_json:
            failed = [refusal.as_json() for refusal in done.failed]
            print(json.dumps({"made": done.made, "failed": failed, "seconds": done.seconds}, ensure_ascii=False))
        else:
            print(kinds_as_text(done.made, voice.language))
        _end(list(done.failed), voice.language)


@app.command()
def serve(config: Config = "default", set_: Sets = [], store: StoreDir = None) -> None:  # noqa: B006
    """Run by itself: look for passes on a schedule, and take each as soon as it comes. Stop it with Ctrl-C."""
    with _told("ru") as voice:
        from agro.reports.words import say
        from flows.serve import serve as serve_until_stopped
        from flows.settings import load, placed

        config, overrides = placed(config, [*set_, *([f"store.path={store}"] if store else [])])
        settings = load(config, overrides)
        voice.language = settings.ui.language

        def told(sentence: str, **facts: Any) -> None:
            print(say(sentence, voice.language, **facts), file=sys.stderr, flush=True)

        serve_until_stopped(settings, config, overrides, told)


_ASKED_TO_STOP = threading.Event()
_NOTHING_DONE = {
    "acquisitions_found": 0,
    "published": 0,
    "already_published": 0,
    "fields": 0,
    "layers": [],
    "seconds": 0.0,
    "store": None,
}


class _Voice:
    """How errors are told: the language follows the settings once they are read."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.as_json = False


@contextmanager
def _told(language: str) -> Iterator[_Voice]:
    """Errors end here, once, as a sentence and an exit code."""
    voice = _Voice(language)
    try:
        yield voice
    except AgroError as error:
        _unless_interrupted(voice)
        _complain([error.refusal], voice.language)
        if voice.as_json:
            print(json.dumps(_NOTHING_DONE | {"failed": [error.refusal.as_json()]}, ensure_ascii=False))
        raise typer.Exit(UNUSABLE) from None
    except KeyboardInterrupt:
        _ASKED_TO_STOP.set()
        _unless_interrupted(voice)
    except BrokenPipeError:
        raise typer.Exit(0) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        _unless_interrupted(voice)
        from flows.trace import unexpected

        _complain([unexpected(error)], voice.language)
        raise typer.Exit(UNEXPECTED) from None


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
    _ASKED_TO_STOP.set()
    raise KeyboardInterrupt


def _unless_interrupted(voice: _Voice) -> None:
    """End as interrupted where somebody asked for it: Ctrl-C ends Prefect's server too, which looks like a fault."""
    if _ASKED_TO_STOP.is_set():
        told = Refusal("INTERRUPTED", "interrupted", "run again: what is published stays, the rest is made then")
        _complain([told], voice.language)
        raise typer.Exit(INTERRUPTED) from None


def _finish(summary: "Summary", language: str, as_json: bool) -> NoReturn:
    from agro.reports.run_summary import as_text

    if as_json:
        print(json.dumps(summary.as_json(), ensure_ascii=False))
        print(as_text(summary, language), file=sys.stderr)
    else:
        print(as_text(summary, language))
    raise typer.Exit(SOME_FAILED if summary.failed else 0)


def _store(config: str, overrides: list[str], store: Path | None, voice: _Voice) -> "Store":
    """The store that is meant, which must exist."""
    from agro.store.publish import Store
    from flows.settings import load

    settings = load(config, overrides)
    voice.language = settings.ui.language
    root = store.resolve() if store else settings.store.path
    if not root.is_dir():
        raise BadInput(
            "STORE-MISSING", "{where}: there is no store", "run `agro run` first, or check --store", where=str(root)
        )
    return Store(root)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise BadInput(
            "CLI-DATE", "{met} is no date, expected YYYY-MM-DD", "write the date so, for instance 2022-07-15", met=text
        ) from None


def _write(content: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    filling = output.with_name(f".{output.name}.filling")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        filling.write_bytes(content)
        filling.replace(output)
    except OSError as error:
        filling.unlink(missing_ok=True)
        raise BadInput(
            "FILE-WRITE",
            "{where}: cannot be written ({met})",
            "choose another file with -o",
            where=str(output),
            met=str(error),
        ) from None


def _complain(refusals: list[Refusal], language: str) -> None:
    from agro.reports.run_summary import MOST_SHOWN
    from agro.reports.words import reason, remedy, say

    for refusal in refusals[:MOST_SHOWN]:
        name = f"{refusal.field_id}: " if refusal.field_id else ""
        print(
            f"✗ {name}{reason(refusal, language)} [{refusal.code}]\n    → {remedy(refusal, language)}", file=sys.stderr
        )
    if len(refusals) > MOST_SHOWN:
        print(say("... and {n} more; --json lists all", language, n=len(refusals) - MOST_SHOWN), file=sys.stderr)


def _end(refusals: list[Refusal], language: str) -> None:
    if refusals:
        _complain(refusals, language)
        raise typer.Exit(SOME_FAILED)


def main() -> None:
    """The `agro` command."""
    app()
