"""What a satellite brings: one look from above, and the shape of what is read from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import xarray as xr

    from agro.domain.errors import Refusal
    from agro.domain.grid import Grid

SCENE_CLASS_BAND = "scl"  # Sentinel-2's scene classification: classes, not reflectance


@dataclass(frozen=True)
class Band:
    """One asset of an acquisition: where it is, and what turns its counts into what was measured.

    counts * scale + offset is in `unit`: reflectance [1], backscatter [dB] or as power [1]; both are None for classes
    (`scl`). `size` [byte] and `checksum` (multihash of the file, where the catalogue declares one) are part of the
    acquisition's identity.
    """

    name: str
    href: str
    scale: float | None = None
    offset: float | None = None
    nodata: int = 0
    size: int | None = None
    checksum: str | None = None
    unit: str = "1"


@dataclass(frozen=True)
class Angles:
    """Sun and view of one look [deg]: zenith from the vertical, azimuth clockwise from north."""

    sun_zenith_deg: float | None = None
    sun_azimuth_deg: float | None = None
    view_zenith_deg: float | None = None
    view_azimuth_deg: float | None = None

    @property
    def complete(self) -> bool:
        """Whether all four are known."""
        return None not in (self.sun_zenith_deg, self.sun_azimuth_deg, self.view_zenith_deg, self.view_azimuth_deg)


@dataclass(frozen=True)
class Acquisition:
    """One look from above: the source's own id, time (UTC), bands, angles, footprint (WKT, EPSG:4326) or None.

    `relative_orbit` is told of radar, which sees the ground differently from each of its tracks.
    """

    acquisition_id: str
    acquired_at: datetime
    platform: str
    collection: str
    bands: dict[str, Band]
    angles: Angles = field(default_factory=Angles)
    footprint: str | None = None
    crs: str | None = None
    processing_baseline: str | None = None
    tile: str | None = None
    datatake: str | None = None
    relative_orbit: int | None = None

    @property
    def look_id(self) -> str:
        """The look itself, the same through every door and in every reprocessing: platform, tile, datatake time.

        Where an item names no datatake, its own instant stands for it; where it names no tile, the item is its look.
        """
        if self.tile is None:
            return self.acquisition_id
        instant = self.datatake or f"{self.acquired_at:%Y%m%dT%H%M%S}"
        return f"{self.platform.casefold()}_{self.tile}_{instant}"


class ImagerySource(Protocol):
    """What every imagery source module offers."""

    def find(self, until: datetime | None) -> tuple[list[Acquisition], list[Refusal]]:
        """All acquisitions known by `until`, and the ones that cannot be used, by name."""

    def read(self, acquisition: Acquisition, grid: Grid, bands: tuple[str, ...]) -> xr.Dataset:
        """Counts (y, x) `uint16` [1] of the named bands on the grid; 0 = nothing there. Raises BadInput, TornFile."""
