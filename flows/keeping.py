"""Agromaps into the store: values on a grid become COGs, tables become Parquet, and one item holds them together."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agro.domain.grid import Grid
from agro.domain.layers import LAYERS
from agro.store import rasters
from agro.store import stac as items
from agro.store.cog import Cog
from agro.store.index import Index
from agro.store.publish import Content, Published, Store, publish
from agro.store.tables import to_parquet


@dataclass(frozen=True)
class Result:
    """What is to be kept: layers (y, x) in their own units on their grids, and tables."""

    properties: Mapping[str, Any]
    bbox: tuple[float, float, float, float] | None
    layers: Mapping[str, tuple[np.ndarray, Grid]] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def keep(store: Store, index: Index, place: str, result: Result) -> Published:
    """Publish a result at its place, and tell the index."""
    content: dict[str, Content] = {}
    assets: dict[str, dict[str, Any]] = {}
    for name, (values, grid) in result.layers.items():
        layer = LAYERS[name]
        cog = rasters.to_cog(layer, rasters.encode(layer, values), grid)
        content[name] = cog.content
        assets[name] = items.raster_asset(name, layer.meaning, grid, rasters.described(layer, cog.counted))
    for name, table in result.tables.items():
        content[name] = to_parquet(table)
        assets[name] = items.table_asset(f"{name}.parquet", name.replace("_", " "))
    properties = {**result.properties, "agro:kind": place.split("/", 1)[0]}
    published = publish(store, place, content, items.item(place.rsplit("/", 1)[-1], result.bbox, properties, assets))
    index.add(published)
    return published


def cog_assets(cogs: Mapping[str, Cog], grid: Grid) -> dict[str, dict[str, Any]]:
    """The asset entries of layers over the same ground, each on its own pixels."""
    return {
        name: items.raster_asset(
            name,
            LAYERS[name].meaning,
            grid.at(LAYERS[name].resolution_m),
            rasters.described(LAYERS[name], cog.counted),
        )
        for name, cog in cogs.items()
    }


def content_of(path: Path | None) -> list[list[str]]:
    """Names and sha-256 of a file, or of all files of a folder: what decides a result made from them."""
    if path is None:
        return []
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return [[file.name, _digest(file)] for file in files]


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
