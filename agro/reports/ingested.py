"""What `agro ingest` tells: what is now in the local catalogue, a line each."""

from collections.abc import Sequence

from agro.domain.errors import Told
from agro.reports.words import say


def ingested_as_text(catalog: str, lines: Sequence[tuple[str, Told, str, bool]], language: str) -> str:
    """What was taken in, and where.

    catalog   path of the catalogue's file [-]
    lines     of each thing: file, what it is, its place in the catalogue [-], whether it is new
    language  `ru` or `en`
    returns   text [-], two lines a thing
    source    ours
    """
    told = [
        f"✓ {source}: {say(about.text, language, **about.facts)}\n"
        f"    → {place} ({say('new' if new else 'there already', language)})"
        for source, about, place, new in lines
    ]
    return "\n".join([*told, say("Catalogue: {catalog}", language, catalog=catalog)])
