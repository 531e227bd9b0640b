"""How the roof for hands speaks: errors end here, once, as a sentence and an exit code; files are written whole."""

import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import typer

from agro.domain.errors import AgroError, BadInput, Refusal

UNUSABLE, SOME_FAILED, UNEXPECTED, INTERRUPTED = 2, 3, 1, 130  # exit codes

ASKED_TO_STOP = threading.Event()
_NOTHING_DONE = {
    "acquisitions_found": 0,
    "published": 0,
    "already_published": 0,
    "fields": 0,
    "layers": [],
    "seconds": 0.0,
    "store": None,
}


class Voice:
    """How errors are told: the language follows the settings once they are read."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.as_json = False


@contextmanager
def told(language: str) -> Iterator[Voice]:
    """Errors end here, once, as a sentence and an exit code."""
    voice = Voice(language)
    try:
        yield voice
    except AgroError as error:
        unless_interrupted(voice)
        complain([error.refusal], voice.language)
        if voice.as_json:
            print_json(_NOTHING_DONE, [error.refusal])
        raise typer.Exit(UNUSABLE) from None
    except KeyboardInterrupt:
        ASKED_TO_STOP.set()
        unless_interrupted(voice)
    except BrokenPipeError:
        raise typer.Exit(0) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        unless_interrupted(voice)
        from flows.trace import unexpected

        complain([unexpected(error)], voice.language)
        raise typer.Exit(UNEXPECTED) from None


def unless_interrupted(voice: Voice) -> None:
    """End as interrupted where somebody asked for it: Ctrl-C ends Prefect's server too, which looks like a fault."""
    if ASKED_TO_STOP.is_set():
        refusal = Refusal("INTERRUPTED", "interrupted", "run again: what is published stays, the rest is made then")
        complain([refusal], voice.language)
        raise typer.Exit(INTERRUPTED) from None


def day_of(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise BadInput(
            "CLI-DATE", "{met} is no date, expected YYYY-MM-DD", "write the date so, for instance 2022-07-15", met=text
        ) from None


def write(content: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    from agro.store.whole_file import write_whole

    try:
        write_whole(output, content)
    except OSError as error:
        raise BadInput(
            "FILE-WRITE",
            "{where}: cannot be written ({met})",
            "choose another file with -o",
            where=str(output),
            met=str(error),
        ) from None


def print_json(values: Mapping[str, object], failed: Sequence[Refusal]) -> None:
    """One JSON object on standard output, with what was refused."""
    print(json.dumps({**values, "failed": [one.as_json() for one in failed]}, ensure_ascii=False))


def complain(refusals: list[Refusal], language: str) -> None:
    from agro.reports.run_summary import MOST_SHOWN
    from agro.reports.words import reason, remedy, say

    for refusal in refusals[:MOST_SHOWN]:
        why = reason(refusal, language)
        named = why if refusal.field_id is None or refusal.field_id in why else f"{refusal.field_id}: {why}"
        print(f"✗ {named} [{refusal.code}]\n    → {remedy(refusal, language)}", file=sys.stderr)
    if len(refusals) > MOST_SHOWN:
        print(say("... and {n} more; --json lists all", language, n=len(refusals) - MOST_SHOWN), file=sys.stderr)


def end(refusals: list[Refusal], language: str) -> None:
    if refusals:
        complain(refusals, language)
        raise typer.Exit(SOME_FAILED)
