"""Looking after the store."""

from typing import Annotated

import typer

from agro.cli.options import Config, Sets, StoreDir, the_store
from agro.cli.voice import end, told


def store_reindex(store: StoreDir = None, config: Config = "default", set_: Sets = []) -> None:  # noqa: B006
    """Make the index anew from the published items."""
    with told("ru") as voice:
        place = the_store(config, set_, store, voice)
        from agro.reports.words import say
        from agro.store.index import reindex
        from agro.store.publish import writing

        with writing(place.root):
            count, torn = reindex(place)
        print(say("Indexed: {n}", voice.language, n=count))
        end(torn, voice.language)


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
        place = the_store(config, set_, store, voice)
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
