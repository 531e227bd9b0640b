"""What was downloaded or flown into the local catalogue: each file checked, taken once, and told of."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agro.domain.errors import AgroError, BadInput, Refusal, Told
from agro.sources import safe
from agro.sources.orthomosaic import sidecar_of
from agro.sources.raster import opened
from agro.store.publish import Store, writing
from flows.ingest_flight import take_flight
from flows.ingest_records import take_heights, take_weather
from flows.ingest_safe import take_safe
from flows.settings import Settings
from flows.taken import Taken
from flows.trace import unexpected

Taker = Callable[[Path, Store, Settings], Taken]


@dataclass(frozen=True)
class Ingested:
    """What came of a call: what is now in the catalogue, and what was refused, by name."""

    catalog: Path
    taken: tuple[Taken, ...]
    refused: tuple[Refusal, ...]


def ingest(settings: Settings, paths: Sequence[Path], into: Path | None) -> Ingested:
    """Take files and folders into the local catalogue: that of imagery.catalog, or another folder. Raises AgroError.

    One that cannot be used is refused by name; the others go on. What is there already stays as it is.
    """
    folder = _folder(settings, into)
    taken: list[Taken] = []
    refused: list[Refusal] = []
    with writing(folder, settings.store.wait_s) as store:
        for path in (part for given in paths for part in _parts(given)):
            try:
                taken.append(_taker_of(path)(path, store, settings))
            except AgroError as error:
                refused.append(error.refusal)
            except Exception as error:  # one file must not sink the others, whatever it holds
                refused.append(unexpected(error))
    refused += [told for one in taken for told in one.told]
    return Ingested(folder / "catalog.json", tuple(taken), tuple(refused))


def _folder(settings: Settings, into: Path | None) -> Path:
    if into is not None:
        return into.resolve()
    if settings.imagery.catalog is None or settings.imagery.source == "twin":
        raise BadInput(
            "INGEST-WHERE",
            "no local catalogue is named",
            "give its folder with --into DIR, or its file with --set imagery.catalog=DIR/catalog.json",
        )
    return settings.imagery.catalog.parent


def _parts(path: Path) -> Iterator[Path]:
    """A file or a product; a folder of several is taken file by file."""
    if not path.is_dir() or safe.looks_like(path) or _has_grids(path):
        yield path
        return
    yield from (part for part in sorted(path.iterdir()) if _could_be(part))


def _could_be(path: Path) -> bool:
    """Whether a file of a folder is meant for us; a sidecar comes with its mosaic."""
    endings = (".tif", ".tiff", ".csv", ".xlsx", ".json", ".zip")
    return safe.looks_like(path) or (path.suffix.lower() in endings and not path.name.startswith("."))


def _taker_of(path: Path) -> Taker:
    if not path.exists():
        raise BadInput("FILE-MISSING", "{where}: there is no such file", "check the path", where=str(path))
    kind = _kind(path)
    if kind is None:
        raise BadInput(
            "INGEST-KIND",
            "{where}: is none of what is taken in: {expected}",
            "give one of these",
            where=path.name,
            expected=Told("a SAFE product, an orthomosaic, a table of weather, a model of heights", {}),
        )
    return kind


def _kind(path: Path) -> Taker | None:
    """What takes a path in, by what it looks like; None where nothing does."""
    if safe.looks_like(path):
        return take_safe
    if path.suffix.lower() in (".tif", ".tiff") and _is_flight(path):
        return take_flight
    if path.suffix.lower() in (".tif", ".tiff"):
        return take_heights
    if path.suffix.lower() in (".csv", ".xlsx", ".nc", ".json") or _has_grids(path):
        return take_weather
    return None


def _has_grids(path: Path) -> bool:
    """Whether a folder holds NetCDF: a grid has a file a quantity and day, and all belong together."""
    return path.is_dir() and any(path.glob("*.nc"))


def _is_flight(path: Path) -> bool:
    """Whether a raster is an orthomosaic: by its sidecar, by several bands, or because it lies nowhere."""
    if sidecar_of(path).is_file():
        return True
    with opened(path) as source:
        return source.count > 1 or source.crs is None
