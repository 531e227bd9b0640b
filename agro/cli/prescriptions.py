"""Doses: what to apply where, as files for machines and a page for people."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agro.cli.options import AsJson, Config, Sets, StoreDir, asked
from agro.cli.voice import end, told
from agro.domain.errors import BadInput

if TYPE_CHECKING:
    from agro.store.publish import Published


def prescribe(
    field: Annotated[
        list[str], typer.Option("--field", help="The field; may be repeated. All fields by default.", metavar="ID")
    ] = [],  # noqa: B006  typer copies it
    farm: Annotated[str | None, typer.Option(help="Only the fields of this farm.", metavar="ID")] = None,
    district: Annotated[str | None, typer.Option(help="Only the fields of this district.", metavar="NAME")] = None,
    crop: Annotated[str | None, typer.Option(help="What will grow; the season table's by default.")] = None,
    planned_yield: Annotated[float | None, typer.Option(help="Planned yield, t/ha.", metavar="T_HA")] = None,
    nutrient: Annotated[
        list[str], typer.Option("--nutrient", help="n, p2o5, k2o, s or caco3 (lime); may be repeated.")
    ] = [],  # noqa: B006
    product: Annotated[
        list[str], typer.Option("--product", help="A fertiliser at hand; may be repeated.", metavar="CODE")
    ] = [],  # noqa: B006
    terminal: Annotated[
        list[str], typer.Option("--terminal", help="Write the file of this terminal; may be repeated.", metavar="NAME")
    ] = [],  # noqa: B006
    machine_width: Annotated[float | None, typer.Option(help="Working width of the machine, m.", metavar="M")] = None,
    season: Annotated[int | None, typer.Option(help="The season; the coming one by default.", metavar="YEAR")] = None,
    trial: Annotated[
        bool, typer.Option("--trial", help="Prescribe the strips of a trial instead of one rate.")
    ] = False,
    top_dress: Annotated[
        bool, typer.Option("--top-dress", help="Nitrogen in the season, against a strip that was given plenty.")
    ] = False,
    export: Annotated[
        Path | None, typer.Option(help="Copy the files into this folder, a folder a field.", metavar="DIR")
    ] = None,
    store: StoreDir = None,
    as_json: AsJson = False,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """Make prescriptions: doses by soil and planned yield, varied only where that surely pays."""
    with told("ru") as voice:
        voice.as_json = as_json
        from flows.settings import load

        settings = load(config, asked(set_, store))
        voice.language = settings.ui.language
        _check(nutrient, planned_yield, machine_width, season)
        if top_dress and (trial or nutrient):
            raise BadInput(
                "RX-TOGETHER",
                "--top-dress cannot go together with {met}",
                "top dressing is of nitrogen alone: give one or the other",
                met="--trial" if trial else "--nutrient",
            )
        from agro.reports.prescription_words import as_text
        from agro.store.publish import Store
        from flows.advice_office import Request
        from flows.before_sowing import prescribe as make

        request = Request(
            tuple(field), farm, district, crop, planned_yield, tuple(nutrient), tuple(product), tuple(terminal),
            machine_width, season, trial, top_dress,
        )  # fmt: skip
        done = make(settings, request)
        if export is not None:
            for result in done.results:
                _copy(Store(settings.store.path), result, export)
        rows = [_row(result) for result in done.results]
        if as_json:
            nothing, failed = ([one.as_json() for one in refusals] for refusals in (done.nothing, done.failed))
            told_ = {"prescriptions": rows, "nothing": nothing, "failed": failed, "seconds": done.seconds}
            print(json.dumps(told_, ensure_ascii=False))
        else:
            print(as_text(rows, done.before, done.nothing, voice.language))
        end(list(done.failed), voice.language)


def _check(nutrients: list[str], planned_yield: float | None, width: float | None, season: int | None) -> None:
    from agro.domain.work import NUTRIENTS

    for name in nutrients:
        if name not in NUTRIENTS:
            raise BadInput(
                "RX-NUTRIENT",
                "there is no nutrient {met}",
                "take one of {expected}",
                met=name,
                expected=", ".join(NUTRIENTS),
            )
    if season is not None and not 2000 <= season <= 2100:
        raise BadInput("RX-SEASON", "--season is {met}, expected a year from 2000 to 2100", "give a year", met=season)
    for option, value, highest in (("--planned-yield", planned_yield, 150.0), ("--machine-width", width, 60.0)):
        if value is not None and not 0 < value <= highest:
            raise BadInput(
                "RX-OPTION",
                "{option} is {met}, expected above 0 and at most {highest}",
                "yields are in t/ha, widths in m",
                option=option,
                met=value,
                highest=highest,
            )


def _row(result: "Published") -> dict[str, Any]:
    own = {name.removeprefix("agro:"): value for name, value in result.properties.items() if name.startswith("agro:")}
    return {"place": result.place, **own}


def _copy(store: Any, result: "Published", folder: Path) -> None:
    """The assets of a prescription, each checked against its checksum, into the field's own folder."""
    from agro.cli.voice import write
    from agro.store.publish import file_name, read_asset

    place = folder / file_name(str(result.properties["agro:field_id"]))
    place.mkdir(parents=True, exist_ok=True)
    for name, about in result.item["assets"].items():
        write(read_asset(store, result, name), place / about["href"].removeprefix("./"))
