"""What the pipeline would read of simulated regions after each pass, drawn without files; and what was planted.

A region that was drawn once lies in the folder for temporary files.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from agro.agromaps.fieldstats import FieldPixels, field_pixels
from agro.agromaps.vegetation import evi2, ndvi
from agro.domain.layers import Quality
from agro.imagery.clearsky import on_pixels_of, quality
from agro.twin.drawn import Season, below, evenings, looks_of, season_of, seen
from agro.twin.land import Ground, ground, sampled
from agro.twin.past import Past, past
from agro.twin.region import _SAMPLES, VERSION, on_record
from flows.looks import Looks
from flows.settings import CONFIGS, facts

SEASONS = (2020, 2021, 2022)
CRS = "EPSG:32645"
KEPT = Path(tempfile.gettempdir()) / f"agro-bench-alerts-{VERSION}"
_MARGIN_M = 100.0  # [m] as configs/default.toml has it, of clouds and of shadows
_STEP = 1e-4  # [1] of the published maps


@dataclass(frozen=True)
class Drawn:
    """One district's season: its clear looks, what grew, and the planted pixels (field_id, kind, on, x_m, y_m)."""

    ndvi: Looks
    evi2: Looks
    crops: dict[str, str]
    events: pd.DataFrame
    area_ha: dict[str, float]


def region(seed: int, world: str = "first") -> dict[tuple[str, int], Drawn]:
    """All seasons of all districts of one seed and world, by district and season."""
    outlines = gpd.GeoDataFrame(
        pd.concat([gpd.read_file(p) for p in sorted((CONFIGS / "../data/fields").glob("*.geojson"))])
    )
    outlines = outlines.set_crs(4326, allow_override=True).reset_index(drop=True)
    folder = KEPT / world / str(seed)
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name, kept in _draw(outlines, seed, world):
            np.savez_compressed(folder / f"{name}.npz", **kept)
        (folder / "done").touch()
    return {
        (str(district), season): _read(folder / f"{district}-{season}.npz", own)
        for district, own in outlines.groupby("district")
        for season in SEASONS
    }


def _draw(outlines: gpd.GeoDataFrame, seed: int, world: str) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    rules = facts(CONFIGS / "twin.toml")
    places = [ground(outlines, d, CRS, rules, max(SEASONS), seed) for d in sorted(outlines["district"].unique())]
    was = past(rules, seed, sampled(places, _SAMPLES, seed), on_record(SEASONS), None, world)
    for place in places:
        own = outlines[outlines["district"] == place.district]
        for season in SEASONS:
            started = time.monotonic()
            yield f"{place.district}-{season}", _season(place, own, season, was)
            print(
                f"seed {seed}, {world} world, {place.district} {season}: {time.monotonic() - started:.0f} s",
                file=sys.stderr,
                flush=True,
            )


def _season(place: Ground, own: gpd.GeoDataFrame, season: int, was: Past) -> dict[str, np.ndarray]:
    """The believed values of the fields' pixels at each look, and the truth."""
    work = was.work[(was.work["season"] == season) & (was.work["district"] == place.district)]
    days = was.days[(was.days["place"] == place.district) & was.days["radiation_mj_m2"].notna()]
    drawn = season_of(place, work, days[days["day"].dt.year == season], was)
    due, pixels = looks_of(drawn, was.facts, was.seed), _pixels(own)
    row, column = pixels.rows + place.grid.north_m // 10, pixels.columns - place.grid.west_m // 10
    kept: dict[str, list[Any]] = {"ndvi": [], "evi2": [], "seen_at": []}
    for day, (states, around) in enumerate(evenings(drawn)):
        if day not in due:
            continue
        bands, classes = seen(due[day], below(drawn, states, around), was)
        red, nir = (xr.DataArray(np.round(bands[band], 4), dims=("y", "x")) for band in ("red", "nir"))
        mark = quality(xr.DataArray(classes, dims=("y", "x")), _MARGIN_M, _MARGIN_M)
        clear = (on_pixels_of(mark, red) == Quality.CLEAR).values[row, column]
        if not clear.any():
            continue
        for name, layer in (("ndvi", ndvi(red, nir)), ("evi2", evi2(red, nir))):
            kept[name].append(np.where(clear, np.rint(layer.values[row, column] / _STEP), -32768).astype("int16"))
        kept["seen_at"].append(due[day].when.timestamp())
    return {**{name: np.array(values) for name, values in kept.items()}, **_truth(drawn, work)}


def _truth(drawn: Season, work: pd.DataFrame) -> dict[str, np.ndarray]:
    told = []
    for field_id, (harm, index) in drawn.harms.items():
        x, y = drawn.place.x_y_m(index)
        on = pd.Timestamp(drawn.season, 4, 1, tz="UTC") + pd.Timedelta(days=harm.day)
        told.append(pd.DataFrame({"field_id": field_id, "kind": harm.kind, "on": on.timestamp(), "x_m": x, "y_m": y}))
    events = pd.concat(told) if told else pd.DataFrame({n: [] for n in ("field_id", "kind", "on", "x_m", "y_m")})
    named = {f"event_{name}": events[name].to_numpy(str if name in ("field_id", "kind") else float) for name in events}
    return {**named, "field_id": work["field_id"].to_numpy(str), "crop": work["crop"].to_numpy(str)}


def _pixels(own: gpd.GeoDataFrame) -> FieldPixels:
    return field_pixels(list(own["field_id"]), list(own.geometry.to_crs(CRS)), 10)


def _read(file: Path, own: gpd.GeoDataFrame) -> Drawn:
    with np.load(file) as kept:
        pixels = _pixels(own)
        seen_at = tuple(datetime.fromtimestamp(second, UTC) for second in kept["seen_at"])
        looks = [
            Looks(np.where(kept[name] == -32768, np.nan, kept[name] * _STEP).astype("float32"), seen_at, pixels, CRS)
            for name in ("ndvi", "evi2")
        ]
        events = pd.DataFrame({name: kept[f"event_{name}"] for name in ("field_id", "kind", "on", "x_m", "y_m")})
        events["on"] = pd.to_datetime(events["on"], unit="s", utc=True)
        crops = dict(zip(kept["field_id"].tolist(), kept["crop"].tolist(), strict=True))
    area_ha = dict(zip(pixels.field_ids, np.diff(pixels.start) / 100, strict=True))
    return Drawn(looks[0], looks[1], crops, events, area_ha)


if __name__ == "__main__":
    for text in sys.argv[1:]:
        region(int(text))
