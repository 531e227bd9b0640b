"""Several passes put together: the median of a period."""

from typing import Annotated

import typer

from agro.cli.options import Config, Sets, StoreDir, asked
from agro.cli.voice import day_of, end, told
from agro.domain.errors import BadInput


def composite(
    first: Annotated[str, typer.Option(help="The first day of the period, YYYY-MM-DD.", metavar="DATE")],
    last: Annotated[str, typer.Option(help="Its last day.", metavar="DATE")],
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
    store: StoreDir = None,
) -> None:
    """Publish the median NDVI, NDMI and wetness of the clear looks of a period, and a row for each field."""
    with told("ru") as voice:
        from agro.reports.words import say
        from flows.composites import make_composite
        from flows.settings import load

        settings = load(config, asked(set_, store))
        voice.language = settings.ui.language
        begins, ends = day_of(first), day_of(last)
        if begins is None or ends is None or begins > ends:
            raise BadInput(
                "CLI-PERIOD",
                "{first} is later than {last}",
                "give the first day of the period before the last",
                first=first,
                last=last,
            )
        made, refused = make_composite(settings, begins, ends)
        if made is None:
            print(say("No pass shows the fields in these days", voice.language))
        else:
            looks = len(made.properties["agro:acquisition_ids"])
            print(say("Median of {n} looks: {where}", voice.language, n=looks, where=made.place))
        end(refused, voice.language)
