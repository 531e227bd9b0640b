"""How far a UAV flight is to be trusted: moved onto the nearest satellite scene, and brought to its reflectance."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from agro.domain.errors import AgroError, BadInput, Told
from agro.domain.grid import Grid
from agro.domain.imagery import SCENE_CLASS_BAND, Acquisition
from agro.imagery.alignment import shift
from agro.imagery.clearsky import keep_believed, quality
from agro.imagery.harmony import Line, line
from agro.imagery.reflectance import reflectance, to_20_m
from agro.sources import orthomosaic, stac
from agro.sources.orthomosaic import Flight
from flows.settings import Settings

FINE = ("blue", "green", "red", "nir")  # the satellite's bands of 10 m; its others are compared on 20 m
_TRIES = 3  # the mosaic is moved and looked at again, until nothing is left to move
_STILL_M = 0.2  # [m]
_DENSE_NDVI = 0.6  # [1]


@dataclass(frozen=True)
class Trust:
    """What became of a flight: `calibrated`, or `relative` with the reason; how it was moved, and each band's line.

    seen      reflectance (y, x) [1] on the grid, moved and, where calibrated, brought to the satellite's
    moved_m   [m] east and north; left_m [m] what a last look still found
    left_out  bands that the satellite does not bear out
    """

    word: str
    seen: xr.Dataset
    why: Told | None = None
    reference: str | None = None
    hours_apart: float | None = None
    moved_m: tuple[float, float] = (0.0, 0.0)
    left_m: float | None = None
    lines: Mapping[str, Line] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def as_properties(self) -> dict[str, Any]:
        """The report, for the item."""
        return {
            "agro:trust": self.word,
            "agro:trust_reason": None if self.why is None else str(self.why),
            "agro:reference": self.reference,
            "agro:reference_hours_apart": self.hours_apart,
            "agro:moved_east_m": round(self.moved_m[0], 2),
            "agro:moved_north_m": round(self.moved_m[1], 2),
            "agro:left_over_m": None if self.left_m is None else round(self.left_m, 2),
            "agro:bands_left_out": list(self.left_out),
            "agro:lines": {
                band: {
                    "slope": round(one.slope, 4),
                    "intercept": round(one.intercept, 4),
                    "r2": round(one.r2, 3),
                    "n_px": one.n_px,
                }
                for band, one in self.lines.items()
            },
        }


def judged(flight: Flight, grid: Grid, looks: list[Acquisition], settings: Settings, rules: Mapping[str, Any]) -> Trust:
    """The flight against the nearest look in time that shows its ground clearly. Raises BadInput, TornFile."""
    bands = [band for band in flight.bands if band != "alpha"]
    seen = orthomosaic.read(flight, grid, bands)
    orthomosaic.check_reflectance(flight, seen)
    if not np.isfinite(seen["red"].values).any():
        raise BadInput(
            "ORTHO-SMALL",
            "{where}: covers no pixel of 10 m to four fifths",
            "fly a larger piece: it is compared with the satellite's pixels",
            where=flight.path.name,
        )
    why = Told("no Sentinel-2 scene within {days} days", {"days": rules["days_apart"]})
    for look in sorted(looks, key=lambda look: abs(look.acquired_at - flight.flown_at)):
        try:
            reference = reference_of(look, grid, bands, settings)
        except AgroError as error:
            why = Told("{scene} cannot be read: {what}", {"scene": look.acquisition_id, "what": error.refusal})
            continue
        common = _common(reference, seen)
        if common < rules["least_px"]:
            why = Told(
                "{scene} shows {n} clear pixels of it, {least} are needed",
                {"scene": look.acquisition_id, "n": common, "least": rules["least_px"]},
            )
            continue
        return _against(flight, grid, look, reference, seen, rules)
    return _alone(flight, seen, why, rules)


def _against(
    flight: Flight, grid: Grid, look: Acquisition, reference: xr.Dataset, seen: xr.Dataset, rules: Mapping[str, Any]
) -> Trust:
    """The flight moved onto a reference and brought to its reflectance, or why it is not."""
    hours = round((flight.flown_at - look.acquired_at).total_seconds() / 3600, 1)
    about: dict[str, Any] = {"reference": look.acquisition_id, "hours_apart": hours}
    found = _moved(flight, grid, reference, seen, rules)
    if found is None:
        told = Told("{scene} and the flight have no pattern in common", {"scene": look.acquisition_id})
        return _alone(flight, seen, told, rules, **about)
    seen, moved_m, left_m = found
    lines = {str(band): _line(reference, seen, str(band)) for band in reference.data_vars}
    good = [b for b, one in lines.items() if one.r2 >= rules["least_r2"] and one.slope > 0]
    about |= {"moved_m": moved_m, "left_m": left_m, "lines": lines}
    if not {"red", "nir"} <= set(good):
        told = Told(
            "its bands do not follow those of {scene} (R2 of red {red}, of nir {nir}; {least} is needed)",
            {
                "scene": look.acquisition_id,
                "red": round(lines["red"].r2, 2),
                "nir": round(lines["nir"].r2, 2),
                "least": rules["least_r2"],
            },
        )
        return _alone(flight, seen, told, rules, **about)
    left_out = tuple(band for band in lines if band not in good)
    brought = xr.Dataset({band: seen[band] * lines[band].slope + lines[band].intercept for band in good})
    return Trust("calibrated", brought, left_out=left_out, **about)


def _moved(
    flight: Flight, grid: Grid, reference: xr.Dataset, seen: xr.Dataset, rules: Mapping[str, Any]
) -> tuple[xr.Dataset, tuple[float, float], float] | None:
    """The flight read again where it truly lies, how far it was moved [m], what is left [m]; None: no pattern."""
    bands = [band for band in reference.data_vars if band in FINE]
    stack = np.stack([reference[band].values for band in bands])
    east = north = left = 0.0
    for n in range(_TRIES):
        found = shift(stack, np.stack([seen[band].values for band in bands]))
        if found is None or (n == 0 and found.clearness < rules["least_clearness"]):
            return None
        right, up = found.right_px * grid.resolution_m, -found.down_px * grid.resolution_m
        left = float(np.hypot(right, up))
        if np.hypot(east + right, north + up) >= rules["largest_shift_m"]:
            raise BadInput(
                "UAV-ALIGN",
                "{where}: lies {met} m away from where Sentinel-2 sees the same ground ({east} m east, {north} m north "
                "would bring it there); less than {expected} m is accepted",
                "stitch the flight again with ground control points or corrected positions of the camera",
                where=flight.path.name,
                met=round(float(np.hypot(east + right, north + up)), 1),
                east=round(east + right, 1),
                north=round(north + up, 1),
                expected=rules["largest_shift_m"],
            )
        if left < _STILL_M or n == _TRIES - 1:
            break
        east, north = east + right, north + up
        seen = orthomosaic.read(flight, grid, [str(band) for band in seen.data_vars], (east, north))
    return seen, (east, north), left


def _line(reference: xr.Dataset, seen: xr.Dataset, band: str) -> Line:
    own = seen[band] if band in FINE else to_20_m(seen[band])
    return line(reference[band].values, own.values)


def _alone(flight: Flight, seen: xr.Dataset, why: Told, rules: Mapping[str, Any], **about: Any) -> Trust:
    """A flight that nothing bears out: kept for looking at, if its numbers can be reflectance at all."""
    red, nir = seen["red"].values, seen["nir"].values
    with np.errstate(invalid="ignore", divide="ignore"):
        dense = nir[(nir - red) / (nir + red) > _DENSE_NDVI]
    low, high = rules["nir_of_dense_crop"]
    if dense.size >= rules["least_px"] and not low <= np.median(dense) <= high:
        raise BadInput(
            "ORTHO-REFLECTANCE",
            "{where}: {share} % of the pixels are no reflectance ({met}; {expected} is possible)",
            "give the scale and offset that turn the file's numbers into reflectance of 0 to 1",
            where=flight.path.name,
            share=round(100 * dense.size / np.isfinite(nir).sum()),
            met=f"nir {np.median(dense):.3g}",
            expected=f"nir {low:g}..{high:g}",
        )
    return Trust("relative", seen, why, **about)


def _common(reference: xr.Dataset, seen: xr.Dataset) -> int:
    return int((np.isfinite(reference["red"].values) & np.isfinite(seen["red"].values)).sum())


def reference_of(look: Acquisition, grid: Grid, bands: list[str], settings: Settings) -> xr.Dataset:
    """What the satellite saw clearly there, each band on its own pixels. Raises BadInput, TornFile."""
    imagery = settings.imagery
    coarse = grid.at(20)
    margin = coarse.padded(int(max(imagery.cloud_margin_m, imagery.shadow_margin_m)) + 20)
    classes = stac.read(look, margin, (SCENE_CLASS_BAND,))[SCENE_CLASS_BAND]
    clear = quality(classes, imagery.cloud_margin_m, imagery.shadow_margin_m)
    rows, columns = coarse.rows_and_columns_in(margin)
    clear = clear[rows, columns]
    found = {}
    for band in bands:
        if band not in look.bands:
            continue
        about = look.bands[band]
        assert about.scale is not None and about.offset is not None  # noqa: S101  every band but the classes has them
        counts = stac.read(look, grid if band in FINE else coarse, (band,))[band]
        kept = keep_believed(reflectance(counts, about.scale, about.offset), clear)
        found[band] = kept if band in FINE else kept.rename({"y": "y20", "x": "x20"})
    return xr.Dataset(found)
