"""What was harvested: records and monitors into the store, and what they say of each field."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agro.cli.options import AsJson, Config, Sets, StoreDir, asked
from agro.cli.voice import end, print_json, told, write


def yields(
    store: StoreDir = None,
    field: Annotated[str | None, typer.Option(help="Only this field.", metavar="ID")] = None,
    points: Annotated[
        Path | None, typer.Option(help="Write every point of the monitors, with its reason, as CSV.", metavar="FILE")
    ] = None,
    as_json: AsJson = False,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006  typer copies it
) -> None:
    """Read harvests and monitors of combines, clean the points, and map the yield of each field."""
    with told("ru") as voice:
        from agro.reports.yield_summary import yields_as_text
        from flows.settings import crop_names, load
        from flows.yield_maps import take_in

        settings = load(config, asked(set_, store))
        voice.language = settings.ui.language
        done = take_in(settings, field, datetime.now(UTC).date())
        if points is not None:
            from agro.store.tables import to_csv

            write(to_csv(done.points).encode(), points)
        if as_json:
            rows = json.loads(done.fields.to_json(orient="records"))
            print_json({"fields": rows}, done.refused)
        else:
            print(yields_as_text(done.fields, crop_names(voice.language), voice.language))
        end(list(done.refused), voice.language)
