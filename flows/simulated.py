"""The simulated region as the embedded default: made once for its parameters, then read like any catalogue."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agro.domain.errors import BadInput, StoreDown
from agro.reports.words import say
from agro.store.publish import digest, locked
from agro.twin import VERSION
from flows.progress import progress
from flows.settings import CONFIGS, Settings, facts

if TYPE_CHECKING:
    import numpy as np

    from agro.twin.looks import Angles
    from agro.twin.table import Tables
    from flows.plan import Land

_LONGEST_WAIT_S = 1800  # [s] for another run that makes the same region


@dataclass(frozen=True)
class Records:
    """Where the records beside the images are: heights, samples, weather, harvests, moisture; None where none are."""

    elevation: Path | None
    soil: Path | None
    weather: Path | None
    harvest: Path | None
    statistics: Path | None
    harvest_summaries: Path | None
    yield_monitors: Path | None
    moisture: Path | None


def records_of(settings: Settings, land: "Land") -> Records:
    """The records that the settings name, or those of the simulated region."""
    named = {name: getattr(settings.records, name) for name in Records.__dataclass_fields__}
    if settings.imagery.source != "twin":
        return Records(**named)
    own = twin_catalog(settings, land).parents[1]
    made = {name: own / name for name in named} | {"statistics": own / "statistics" / "crops.csv"}
    return Records(**{name: named[name] or (made[name] if made[name].exists() else None) for name in named})


def twin_catalog(settings: Settings, land: "Land") -> Path:
    """The catalogue of the simulated region, made where it is not there yet."""
    twin, rules = settings.twin, facts(CONFIGS / "twin.toml")
    outlines = land.outlines.dropna(subset=["district"])
    if outlines.empty:
        raise BadInput(
            "TWIN-DISTRICT",
            "the simulated region grows where outlines have a district, and none has",
            "add the column district, or choose imagery.source = stac",
        )
    versions = sorted(zip(outlines["field_id"], outlines["version"], outlines["district"], strict=True))
    key = digest(
        [VERSION, twin.seed, twin.seasons, twin.faults, twin.world, land.crs, rules, versions, land.seasons_key]
    )
    path = twin.path / key
    catalog = path / "catalog" / "catalog.json"
    if catalog.is_file():
        return catalog
    from agro.twin.region import make

    total = outlines["district"].nunique() * len(twin.seasons)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _making(path), progress(say("Simulating the region", settings.ui.language), total) as step:
            if catalog.is_file():
                return catalog  # another run made it while we waited
            return make(
                path,
                outlines,
                land.seasons if len(land.seasons) else None,
                rules,
                twin.seasons,
                twin.seed,
                twin.faults,
                land.crs,
                step,
                twin.world,
            )
    except OSError as error:
        raise StoreDown(
            "TWIN-WRITE",
            "{where}: the simulated region cannot be written ({met})",
            "choose another folder with --set twin.path=DIR",
            where=str(path),
            met=str(error),
        ) from error


@contextmanager
def _making(path: Path) -> Iterator[None]:
    """One maker of a region at a time; the others wait for it."""
    lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        locked(lock, _LONGEST_WAIT_S)
        yield
    finally:
        os.close(lock)


def simulated_tables(
    seed: int, seasons: Sequence[int] = tuple(range(2011, 2023)), n_fields: int = 40, **options: Any
) -> "Tables":
    """A simulated region as the tables that the store's readers would give, without an image: seconds, for many seeds.

    Its indices and leaf area are made from its light by the pipeline's own functions. See `agro.twin.table` for
    what the tables hold and for the other options: pixels, mapped_share, trial_share, world.
    """
    from agro.twin.table import tables

    return tables(facts(CONFIGS / "twin.toml"), seed, measure, seasons, n_fields, **options)


def measure(bands: "Mapping[str, np.ndarray]", angles: "Angles") -> "dict[str, np.ndarray]":
    """Reflectance [1] of pixels by band to the layers of the field table."""
    import xarray as xr

    from agro.agromaps.vegetation import INDICES, lai
    from agro.domain.imagery import Angles
    from agro.domain.layers import LAYERS

    pixels = xr.Dataset({name: ("pixel", values) for name, values in bands.items()})
    layers = {name: index(**{band: pixels[band] for band in LAYERS[name].bands}) for name, index in INDICES.items()}
    layers["lai"] = lai(pixels, Angles(*angles))["lai"]
    return {name: values.to_numpy() for name, values in layers.items()}
