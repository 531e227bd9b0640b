"""What was downloaded or flown, into the local catalogue."""

from pathlib import Path
from typing import Annotated

import typer

from agro.cli.options import AsJson, Config, Sets
from agro.cli.voice import end, print_json, told


def ingest(
    paths: Annotated[
        list[Path],
        typer.Argument(help="SAFE products, orthomosaics, weather, heights; a folder of them.", metavar="PATH..."),
    ],
    into: Annotated[
        Path | None,
        typer.Option(help="The catalogue's folder; that of imagery.catalog by default.", metavar="DIR"),
    ] = None,
    as_json: AsJson = False,
    config: Config = "stac",
    set_: Sets = [],  # noqa: B006  typer copies it
) -> None:
    """Take files into the local catalogue: each is checked, taken once, and told of."""
    with told("ru") as voice:
        from agro.reports.ingested import ingested_as_text
        from flows.ingest import ingest as take_in
        from flows.settings import load

        settings = load(config, set_)
        voice.language = settings.ui.language
        done = take_in(settings, paths, into)
        if as_json:
            rows = [
                {"source": one.source, "place": one.place, "new": one.new, "about": str(one.sentence), **one.report}
                for one in done.taken
            ]
            print_json({"catalog": str(done.catalog), "taken": rows}, done.refused)
        elif done.taken:
            lines = [(one.source, one.sentence, one.place, one.new) for one in done.taken]
            print(ingested_as_text(str(done.catalog), lines, voice.language))
        end(list(done.refused), voice.language)
