"""Season by season, block by block: when the crop rose, peaked and fell, and how much green there was in all."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from rasterio.features import geometry_mask

from agro.agromaps.season import SeasonRules, season
from agro.domain.errors import Refusal
from agro.domain.grid import Block, Grid, blocks_over
from agro.domain.layers import LAYERS
from agro.imagery.clearsky import on_pixels_of
from agro.imagery.series import Stiffness, choose_stiffness, look_weights, looks_within, whittaker
from agro.store import history
from agro.store.index import Index
from agro.store.maps import windowed
from agro.store.publish import Published, Store, digest
from agro.store.stac import bbox_of
from flows.keeping import Result, keep
from flows.plan import Land
from flows.settings import CONFIGS, Settings, facts, season_day

ALGORITHM = 1  # raise it when the same looks give another season
_SAMPLE = 2_000  # pixels that the stiffness is chosen on
_SLICE = 60_000  # pixels whose daily curves are held at once

Look = tuple[datetime, list[Published]]


def make_seasons(settings: Settings, land: Land, store: Store, index: Index, today: date) -> list[Refusal]:
    """The layers of every finished season in every block that holds fields, where they are not made yet."""
    rows = history.fieldstats(store)
    parts = history.all_parts(store)
    rules = facts(CONFIGS / "season.toml")
    for year in sorted({instant.year for instant in rows["acquired_at"]}):
        if season_day(year, settings.maps.season_last_day) >= today:
            continue
        looks = _looks(settings, rows, parts, rules["layer"], year)
        for block in blocks_of(land):
            mapped = [part for _, own in looks for part in own if block.block_id in part.properties["agro:blocks"]]
            places = sorted(part.place for part in mapped)
            if not places:
                continue
            key = digest([places, rules, settings.maps.model_dump(), outlines_in(land, block), ALGORITHM])
            place = f"seasons/{year}/{block.block_id}--{key}"
            if index.at(place):
                continue
            here = [look for look in looks if any(part.place in places for part in look[1])]
            layers, stiffness, grid = _season_of_block(settings, land, store, block, here, year, rules)
            properties = {
                "datetime": f"{season_day(year, settings.maps.season_last_day)}T00:00:00Z",
                "agro:season": year,
                "agro:block": block.block_id,
                "agro:parents": places,
                "agro:parameters": {**rules, **asdict(stiffness)},
                "agro:simulated": settings.imagery.source == "twin",
            }
            keep(store, index, place, Result(properties, bbox_of(grid), {n: (v, grid) for n, v in layers.items()}))
    return []


def _looks(
    settings: Settings, rows: pd.DataFrame, parts: Callable[[str], list[Published]], layer: str, year: int
) -> list[Look]:
    """The current acquisitions of a season that show any field, oldest first."""
    first = datetime.combine(season_day(year, settings.maps.season_first_day), datetime.min.time(), UTC)
    last = datetime.combine(season_day(year, settings.maps.season_last_day), datetime.max.time(), UTC)
    mine = rows[(rows["layer"] == layer) & (rows["n_px"] > 0) & rows["acquired_at"].between(first, last)]
    seen = mine.drop_duplicates("acquisition_id").sort_values("acquired_at")
    return [
        (at.to_pydatetime(), parts(name)) for at, name in zip(seen["acquired_at"], seen["acquisition_id"], strict=True)
    ]


def blocks_of(land: Land) -> list[Block]:
    """The blocks that hold fields."""
    return sorted(
        {block for bounds in land.on_grid.bounds.to_numpy() for block in blocks_over(land.crs, tuple(bounds))}
    )


def outlines_in(land: Land, block: Block) -> list[list[str]]:
    """The ids and versions of the outlines in a block."""
    west, south, east, north = block.bounds
    inside = land.on_grid.cx[west:east, south:north].index
    own = land.outlines.loc[inside]
    return sorted([str(i), str(v)] for i, v in zip(own["field_id"], own["version"], strict=True))


def _season_of_block(
    settings: Settings, land: Land, store: Store, block: Block, looks: list[Look], year: int, rules: dict[str, Any]
) -> tuple[dict[str, np.ndarray], Stiffness, Grid]:
    """The season layers (y, x) of one block's field pixels."""
    maps = settings.maps
    window = season_day(year, maps.season_first_day), season_day(year, maps.season_last_day)
    critical = season_day(year, maps.critical_first_day), season_day(year, maps.critical_last_day)
    thresholds = {n: v for n, v in rules.items() if n not in ("version", "layer")}
    season_rules = SeasonRules(window, critical, **thresholds)
    west, south, east, north = block.bounds
    outlines = land.on_grid.cx[west:east, south:north]
    cut = block.grid(LAYERS[rules["layer"]].resolution_m).cut_to(tuple(outlines.total_bounds))
    grid = cut or block.grid(10)
    inside = geometry_mask(list(outlines), grid.shape, grid.transform, all_touched=True, invert=True)
    values, weights = _series(store, looks, rules["layer"], grid, inside)
    sample = np.random.default_rng(0).permutation(values.sizes["pixel"])[:_SAMPLE]
    stiffness = choose_stiffness(values.isel(pixel=sample), weights.isel(pixel=sample), window)
    found: dict[str, list[np.ndarray]] = {}
    for piece in _slices(values.sizes["pixel"]):
        own, trust = values.isel(pixel=piece), weights.isel(pixel=piece)
        curves = whittaker(own, trust, window, stiffness)
        gaps = looks_within(own, trust, critical)["longest_gap"]
        metrics = season(curves, looks_within(own, trust, window), gaps, season_rules)
        for name, layer in metrics.items():
            found.setdefault(str(name), []).append(np.asarray(layer.values))
    layers = {}
    for name, pieces in found.items():
        layers[name] = np.full(grid.shape, LAYERS[name].nodata if LAYERS[name].is_class else np.nan)
        layers[name][inside] = np.concatenate(pieces)
    return layers, stiffness, grid


def _series(
    store: Store, looks: list[Look], layer: str, grid: Grid, inside: np.ndarray
) -> tuple[xr.DataArray, xr.DataArray]:
    """Values and weights (time, pixel) of the field pixels at each look."""
    values = np.full((len(looks), int(inside.sum())), np.nan, "float32")
    weights = np.zeros_like(values)
    for number, (_, parts) in enumerate(looks):
        now = xr.DataArray(windowed(store, parts, layer, grid), dims=("y", "x"))
        coarse = grid.at(LAYERS["quality"].resolution_m)
        quality = xr.DataArray(windowed(store, parts, "quality", coarse), dims=("y", "x"))
        trust = look_weights(on_pixels_of(quality, now).expand_dims("time"))[0]
        values[number], weights[number] = now.values[inside], trust.values[inside]
    times = np.array([at.replace(tzinfo=None) for at, _ in looks], dtype="datetime64[ns]")
    coordinates = {"time": times}
    return (
        xr.DataArray(values, coordinates, ("time", "pixel")),
        xr.DataArray(weights, coordinates, ("time", "pixel")),
    )


def _slices(pixels: int) -> Iterator[slice]:
    for first in range(0, pixels, _SLICE):
        yield slice(first, min(first + _SLICE, pixels))
