"""Terminals: files for them, what comes back from them, and what is in task data."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from agro.cli.options import AsJson, Config, Sets, StoreDir, the_store
from agro.cli.voice import end, told, write

FieldId = Annotated[str, typer.Option(help="The field.", metavar="ID")]


def export_prescription(
    field: FieldId,
    terminal: Annotated[str, typer.Option(help="A terminal of configs/terminals.toml.", metavar="NAME")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to write into.", metavar="DIR")],
    store: StoreDir = None,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """Write the newest prescription of a field for a terminal: the file, and its proof beside it."""
    with told("ru") as voice:
        place = the_store(config, set_, store, voice)
        from agro.reports.words import say
        from flows.published_prescriptions import again
        from flows.settings import load

        settings = load(config, [*set_, f"store.path={place.root}"])
        made = again(settings, place, field, terminal)
        for name, content in made.files.items():
            write(content, output / name)
        print(say("The file was read back and driven over: it says what was prescribed.", voice.language))
        print(say("It was not tried on this very terminal.", voice.language))
        for one in made.told:
            print(say(one.text, voice.language, **one.facts))


def applied(
    file: Annotated[Path, typer.Argument(help="Task data (zip or folder), a shapefile, CSV or XLSX.", metavar="FILE")],
    field: FieldId,
    store: StoreDir = None,
    product: Annotated[str | None, typer.Option(help="Which product, where the log has several.")] = None,
    width_m: Annotated[
        float | None, typer.Option(help="Working width, where the log does not say it.", min=0.1, max=100)
    ] = None,
    behind_m: Annotated[
        float, typer.Option(help="How far behind the logged place it puts out.", min=-20, max=50)
    ] = 0.0,
    as_json: AsJson = False,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """Take back what a machine put out on a field, and hold it against the prescription."""
    with told("ru") as voice:
        place = the_store(config, set_, store, voice)
        from agro.reports.applied import as_text
        from agro.reports.words import say
        from agro.store.index import opened
        from agro.store.publish import writing
        from flows.as_applied import Meant, take_back
        from flows.settings import load

        settings = load(config, [*set_, f"store.path={place.root}"])
        with writing(place.root, settings.store.wait_s) as held, opened(held) as index:
            back = take_back(settings, held, index, file, field, Meant(product, width_m, behind_m))
        if as_json:
            print(json.dumps({**asdict(back), "told": [str(one) for one in back.told]}, ensure_ascii=False))
            return
        print(as_text(back.field_id, back.product, back.unit, asdict(back.comparison), voice.language))
        for one in back.told:
            print(say(one.text, voice.language, **one.facts))


def task_data_read(
    file: Annotated[Path, typer.Argument(help="A zip, a folder or an XML of a terminal.", metavar="FILE")],
    as_json: AsJson = False,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """Tell what is in task data (ISOXML) of any terminal: tasks, rates, logs, and what cannot be read."""
    with told("ru") as voice:
        from agro.reports.task_list import as_text
        from flows.settings import load
        from flows.task_files import look_into

        voice.language = load(config, set_).ui.language
        tasks, logs, unread = look_into(file)
        if as_json:
            failed = [one.as_json() for one in unread]
            print(json.dumps({"tasks": tasks, "logs": logs, "unread": failed}, ensure_ascii=False))
        else:
            print(as_text(tasks, logs, voice.language))
        end(unread, voice.language)


def terminals(as_json: AsJson = False) -> None:
    """List the terminals that files can be written for."""
    with told("ru"):
        from flows.terminal_list import terminals as listed

        rows = listed()
        if as_json:
            print(json.dumps({code: asdict(row) for code, row in rows.items()}, ensure_ascii=False))
            return
        for code, row in rows.items():
            print(f"{code:18}{row.title}")
