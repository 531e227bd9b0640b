"""Items that a service lists: one that cannot be used is told by its name and sinks no other."""

from collections.abc import Iterator
from contextlib import contextmanager

from agro.domain.errors import AgroError, Refusal
from agro.sources.stac import malformed


@contextmanager
def one_of_many(name: str, refused: dict[str, Refusal]) -> Iterator[None]:
    """Whatever is wrong with the item that is read inside comes to stand in `refused` under its name."""
    try:
        yield
    except AgroError as error:
        refused[name] = error.about(acquisition_id=name)
    except Exception as error:  # an item can be malformed in more ways than anybody lists
        refused[name] = malformed(name, error).about(acquisition_id=name)
