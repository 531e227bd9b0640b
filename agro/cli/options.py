"""The options and the store that most commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agro.cli.voice import Voice
from agro.domain.errors import BadInput

if TYPE_CHECKING:
    from agro.store.publish import Store

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
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def asked(overrides: list[str], store: Path | None) -> list[str]:
    """The overrides, with the folder that --store names."""
    return [*overrides, *([f"store.path={store.resolve()}"] if store else [])]


def the_store(config: str, overrides: list[str], store: Path | None, voice: Voice) -> "Store":
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
