"""Progress of a long work, on stderr: a bar where a person looks on, lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Step(Protocol):
    """Told after each piece of work."""

    def __call__(self, told: str) -> None: ...


@contextmanager
def progress(title: str, total: int) -> Iterator[Step]:
    """Show how far a work of `total` pieces is; call what it gives after each piece, with a word on it."""
    if not sys.stderr.isatty():
        done = 0

        def line(told: str) -> None:
            nonlocal done
            done += 1
            print(f"{title} {done}/{total} {told}", file=sys.stderr, flush=True)

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        work = bar.add_task(title, total=total, told="")
        yield lambda told: bar.update(work, advance=1, told=told)
