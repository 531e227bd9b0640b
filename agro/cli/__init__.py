"""The roof for hands: `agro ...`, a thin door to the flows. Heavy things are imported inside commands."""

import json
import signal
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from agro.cli.voice import ASKED_TO_STOP, SOME_FAILED, Voice, day_of, end, told, write
from agro.domain.errors import BadInput, SourceDown

if TYPE_CHECKING:
    from agro.reports.run_summary import Summary
    from agro.store.publish import Store

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
    with told("ru") as voice:
        voice.as_json = as_json
        settings = load(config, overrides)
        voice.language = settings.ui.language
        last = day_of(until)
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
    with told("ru") as voice:
        place = _store(config, set_, store, voice)
        if form not in ("csv", "parquet"):
            raise BadInput(
                "EXPORT-FORMAT", "--format is {met}, expected csv or parquet", "choose one of them", met=form
            )
        from agro.store.history import fieldstats
        from agro.store.tables import to_csv, to_parquet

        table = fieldstats(place)
        content = to_csv(table).encode() if form == "csv" else to_parquet(table)
        write(content, output)


@store_app.command("reindex")
def store_reindex(store: StoreDir = None, config: Config = "default", set_: Sets = []) -> None:  # noqa: B006
    """Make the index anew from the published items."""
    with told("ru") as voice:
        place = _store(config, set_, store, voice)
        from agro.reports.words import say
        from agro.store.index import reindex
        from agro.store.publish import writing

        with writing(place.root):
            count, torn = reindex(place)
        print(say("Indexed: {n}", voice.language, n=count))
        end(torn, voice.language)


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
    with told("ru") as voice:
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
        end([refusal for _, refusal in torn], voice.language)


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
    with told("ru") as voice:
        place = _store(config, set_, store, voice)
        from flows.pictures import picture
        from flows.sheets import OTHER_LAYERS, one_map

        if field is not None and layer in OTHER_LAYERS:
            content = one_map(place, field, layer, day_of(date_), voice.language)
        else:
            content = picture(place, field, layer, day_of(date_), voice.language)
        write(content, output)


@app.command()
def sheet(
    output: Annotated[Path, typer.Option("-o", "--output", help="The PNG to write.", metavar="FILE")],
    field: Annotated[str, typer.Option(help="The field.", metavar="ID")],
    store: StoreDir = None,
    date_: Annotated[str | None, typer.Option("--date", help="As seen by this day.", metavar="DATE")] = None,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """Draw a field's page: vegetation, moisture twice, relief, soil, zones."""
    with told("ru") as voice:
        place = _store(config, set_, store, voice)
        from flows.sheets import sheet as draw

        write(draw(place, field, day_of(date_), voice.language), output)


@app.command()
def maps(
    store: StoreDir = None,
    field: Annotated[str | None, typer.Option(help="Only what shows this field.", metavar="ID")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """List which maps and tables there are."""
    with told("ru") as voice:
        place = _store(config, set_, store, voice)
        from agro.reports.run_summary import inventory_as_text
        from flows.inventory import inventory

        rows = inventory(place, field)
        if as_json:
            print(json.dumps(rows, ensure_ascii=False))
        else:
            print(inventory_as_text(rows, voice.language))


@app.command()
def watch(
    until: Annotated[str | None, typer.Option(help="As the end of this day (UTC) saw it.", metavar="DATE")] = None,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
    store: StoreDir = None,
) -> None:
    """Compare the newest clear looks with the ones before, and lay a letter to each farm it is news for."""
    with told("ru") as voice:
        place = _store(config, set_, store, voice)
        from agro.reports.words import say
        from flows.settings import load
        from flows.watch_fields import watch as watch_once

        done = watch_once(load(config, [*set_, f"store.path={place.root}"]), day_of(until))
        print(say("Fields and parts of fields that fall behind: {n}", voice.language, n=done.alerts))
        print(say("Letters to farms: {n}", voice.language, n=len(done.told)))
        for farm in done.told:
            print(f"  {farm}")
        end(list(done.failed), voice.language)


@app.command()
def review(
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
    store: StoreDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Make the maps that need whole seasons or the ground: relief, soil, seasons, wetness, water, zones."""
    with told("ru") as voice:
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
        end(list(done.failed), voice.language)


@app.command()
def serve(config: Config = "default", set_: Sets = [], store: StoreDir = None) -> None:  # noqa: B006
    """Run by itself: look for passes on a schedule, and take each as soon as it comes. Stop it with Ctrl-C."""
    with told("ru") as voice:
        from agro.reports.words import say
        from flows.serve import serve as serve_until_stopped
        from flows.settings import load, placed

        config, overrides = placed(config, [*set_, *([f"store.path={store}"] if store else [])])
        settings = load(config, overrides)
        voice.language = settings.ui.language

        def say_it(sentence: str, **facts: Any) -> None:
            print(say(sentence, voice.language, **facts), file=sys.stderr, flush=True)

        serve_until_stopped(settings, config, overrides, say_it)


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


def _finish(summary: "Summary", language: str, as_json: bool) -> NoReturn:
    from agro.reports.run_summary import as_text

    if as_json:
        print(json.dumps(summary.as_json(), ensure_ascii=False))
        print(as_text(summary, language), file=sys.stderr)
    else:
        print(as_text(summary, language))
    raise typer.Exit(SOME_FAILED if summary.failed else 0)


def _store(config: str, overrides: list[str], store: Path | None, voice: Voice) -> "Store":
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


def main() -> None:
    """The `agro` command."""
    app()
