"""The output of agriculture in per cent of 2017, as of a day."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agro.cli.forecasts import AsOf
from agro.cli.options import AsJson, Config, Sets, StoreDir, the_store
from agro.cli.voice import day_of, end, print_json, told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from agro.domain.errors import Refusal
    from flows.output_outlook import Output
    from flows.settings import Settings


def outlook(
    as_of: AsOf = None,
    export: Annotated[
        Path | None,
        typer.Option(help="Write the board of districts into this folder: HTML, PDF, XLSX, PNG.", metavar="DIR"),
    ] = None,
    all_districts: Annotated[
        bool,
        typer.Option("--all-districts", help="Also districts that the board withholds, for those who hold the data."),
    ] = False,
    as_json: AsJson = False,
    store: StoreDir = None,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006  typer copies it
) -> None:
    """Foresee agricultural output in per cent of 2017, with its interval and the chance of each scenario."""
    with told("ru") as voice:
        day = day_of(as_of)
        place = the_store(config, set_, store, voice)
        from agro.reports.words import say
        from flows.offices import needed_folder
        from flows.settings import load
        from flows.weekly_outlook import outlook as outlook_of

        chosen = [f"output.board={export.resolve()}"] if export else []
        settings = load(config, [*set_, f"store.path={place.root}", *chosen])
        needed_folder(settings)
        done = outlook_of(settings, day)
        assert done.output is not None  # noqa: S101  the folder is there
        failed = [*done.failed, *done.output.failed]
        if as_json:
            print_json(as_values(done.output, all_districts), failed)
        else:
            print("\n".join(lines_of(done.output, settings, all_districts)))
            if export:
                print(say("Board: {where}", voice.language, where=str(export)))
        end(failed, voice.language)


def _told(output: "Output", all_districts: bool) -> "Mapping[str, Any] | None":
    from flows.kept_outlook import without

    made = output.indicator
    return made if made is None or all_districts else without(made, output.withheld)


def lines_of(output: "Output", settings: "Settings", all_districts: bool) -> list[str]:
    """The outlook for a person, what is simulated or assumed first."""
    from agro.reports.outlook_text import assumed, outlook_as_text
    from flows.output_facts import product_names
    from flows.settings import districts

    language, made = settings.ui.language, _told(output, all_districts)
    simulated = settings.imagery.source == "twin"
    lines = assumed(made, simulated, bool(made and made["demonstration"]), language)
    if made is not None:
        names = product_names(language) | districts(language)
        lines.append(outlook_as_text(made, names, output.scores.to_dict("records"), language))
    return lines


def as_values(output: "Output", all_districts: bool) -> dict[str, Any]:
    """The outlook as plain JSON values."""
    scores = json.loads(output.scores.to_json(orient="records"))
    return {
        "place": output.place,
        "board": output.board.place,
        "indicator": _told(output, all_districts),
        "scores": scores,
    }


def after_run(settings: "Settings", until: "date | None", fresh: bool) -> tuple[list[str], list[str]]:
    """What a run says of output: lines that stand first, and lines that stand last; nothing where no office told any.

    fresh   whether passes were published, so that the forecasts may have changed
    """
    from agro.reports.outlook_text import assumed, headline
    from agro.reports.words import reason, remedy, say
    from agro.store.publish import Store
    from flows.kept_outlook import newest_outlook
    from flows.offices import DEMONSTRATION, folder_of

    folder, language = folder_of(settings), settings.ui.language
    if folder is None:
        return [], []
    first = assumed({}, settings.imagery.source == "twin", folder == DEMONSTRATION, language)
    if not settings.output.after_run:
        return first, []
    made = newest_outlook(Store(settings.store.path)) if until is None and not fresh else None
    refused: list[Refusal] = []
    if made is None:
        from flows.weekly_outlook import indicator_made

        print(say("Foreseeing yields and output ...", language), file=sys.stderr, flush=True)
        made, refused = indicator_made(settings, until)
    last = ["", *headline(made, language)] if made else []
    for one in refused[:5]:
        last += [f"✗ {reason(one, language)} [{one.code}]", f"    → {remedy(one, language)}"]
    return first, last
