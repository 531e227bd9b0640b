"""What there is to look at: pictures, pages, lists of maps, and the field table."""

import json
from pathlib import Path
from typing import Annotated

import typer

from agro.cli.options import AsJson, Config, Output, Sets, StoreDir, the_store
from agro.cli.voice import day_of, told, write
from agro.domain.errors import BadInput

_SHORT = {"yield": "yield_t_ha"}  # names of layers that people write


def export_fieldstats(
    store: StoreDir = None,
    form: Annotated[str, typer.Option("--format", help="csv or parquet.", metavar="FORMAT")] = "csv",
    output: Output = None,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """The field table of the whole store: one row for each field, pass and layer."""
    with told("ru") as voice:
        place = the_store(config, set_, store, voice)
        if form not in ("csv", "parquet"):
            raise BadInput(
                "EXPORT-FORMAT", "--format is {met}, expected csv or parquet", "choose one of them", met=form
            )
        from agro.store.history import fieldstats
        from agro.store.tables import to_csv, to_parquet

        table = fieldstats(place)
        content = to_csv(table).encode() if form == "csv" else to_parquet(table)
        write(content, output)


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
        place = the_store(config, set_, store, voice)
        from flows.pictures import picture
        from flows.sheets import OTHER_LAYERS, one_map

        layer = _SHORT.get(layer, layer)
        if field is not None and layer in OTHER_LAYERS:
            content = one_map(place, field, layer, day_of(date_), voice.language)
        else:
            content = picture(place, field, layer, day_of(date_), voice.language)
        write(content, output)


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
        place = the_store(config, set_, store, voice)
        from flows.sheets import sheet as draw

        write(draw(place, field, day_of(date_), voice.language), output)


def maps(
    store: StoreDir = None,
    field: Annotated[str | None, typer.Option(help="Only what shows this field.", metavar="ID")] = None,
    as_json: AsJson = False,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """List which maps and tables there are."""
    with told("ru") as voice:
        place = the_store(config, set_, store, voice)
        from agro.reports.run_summary import inventory_as_text
        from flows.inventory import inventory

        rows = inventory(place, field)
        if as_json:
            print(json.dumps(rows, ensure_ascii=False))
        else:
            print(inventory_as_text(rows, voice.language))
