"""Who does the work: this process, or the workers of a Dask cluster. Paths and tables travel, pixels do not."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from agro.domain.errors import SourceDown
from flows.plan import Pass
from flows.way_of_a_pass import Done, Season, take

_CONNECTING_S = 30  # [s]
_TRIES_AGAIN = 2  # a worker that dies takes its pass with it; others take it up so often


@contextmanager
def hands(todo: Sequence[Pass], season: Season) -> Iterator[Callable[[Pass], Done]]:
    """What takes a pass its way. On a cluster all are under way at once, and the call waits for one of them.

    The workers need the same paths: the catalogue's folder and the store. Raises SourceDown where no scheduler answers.
    """
    address = season.settings.compute.scheduler
    if address == "threads":
        yield lambda one: take(one, season)
        return
    from distributed import Client

    try:
        client = Client(address, timeout=_CONNECTING_S)
    except OSError as error:
        raise SourceDown(
            "CLUSTER-DOWN",
            "{where}: no Dask scheduler answers there ({met})",
            "start it, or set compute.scheduler to threads",
            where=address,
            met=str(error)[:120],
        ) from None
    with client:
        shared = client.scatter(season, broadcast=True)
        under_way = {
            one.acquisition.acquisition_id: client.submit(take, one, shared, pure=False, retries=_TRIES_AGAIN)
            for one in todo
        }

        def result(one: Pass) -> Done:
            done: Done = under_way[one.acquisition.acquisition_id].result()
            return done

        yield result
