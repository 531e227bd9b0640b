"""Soil and nutrients by district: a surface where one foretells left-out samples, else the fields' averages."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from rasterio.features import rasterize

from agro.agromaps.fertility import Classes, Criterion, class_shares, classes_from, classes_of, classify, fertility_loss
from agro.agromaps.soil import Choice, choose_method, map_property
from agro.domain.errors import AgroError, BadInput, Refusal
from agro.domain.grid import Grid, around
from agro.domain.layers import LAYERS
from agro.domain.soil import DETERMINANDS, Bounds, Determinand
from agro.sources.soil_samples import read_soil_samples
from agro.store.index import Index
from agro.store.maps import windowed
from agro.store.publish import Published, Store, digest, file_name
from agro.store.stac import bbox_of
from flows.ground_maps import Group, groups_of
from flows.keeping import Result, content_of, keep
from flows.plan import Land
from flows.settings import CONFIGS, Settings, facts

ALGORITHM = 2  # raise it when the same samples give another map
_FORMATS = (".csv", ".xlsx", ".gpkg", ".geojson")
_RELIEF = ("height", "slope", "twi")
_PIXEL_M, _PIXEL_HA = 20, 0.04
_BELOW_DETECTION = 0.5  # [1] of the limit stands for a figure below it. assumption


@dataclass(frozen=True)
class _Ground:
    """What a district's soil is mapped on: the grid, its covariates (y, x), the number of each pixel's field."""

    grid: Grid
    covariates: xr.Dataset
    fields: xr.DataArray
    numbers: Mapping[str, int]


def make_soil(
    settings: Settings, land: Land, source: Path | None, store: Store, index: Index, today: date
) -> list[Refusal]:
    """The soil of every district with samples, where it is not made yet; what was refused."""
    if source is None:
        return []
    rules, identity = facts(CONFIGS / "soils.toml"), content_of(source)
    samples: gpd.GeoDataFrame | None = None
    refused: list[Refusal] = []
    for group in groups_of(land):
        own = land.outlines.iloc[list(group.fields)]
        relief = [r for r in index.items("relief") if r.properties["agro:district"] == group.name][-1:]
        versions = sorted(zip(own["field_id"], own["version"], strict=True))
        key = digest([identity, versions, [r.place for r in relief], digest(_plain(rules)), ALGORITHM])
        place = f"soil/{file_name(group.name)}/{key}"
        if index.at(place):
            continue
        if samples is None:
            samples, refused = _read(source, land, rules, today)
        here = samples[samples["field_id"].isin(own["field_id"])]
        if here.empty:
            continue
        ground = _ground(land, group, relief, store)
        result = _district(here, ground, land.crs, rules)
        properties = {
            "datetime": f"{here['sampled_on'].astype(str).max()[:10]}T00:00:00Z",
            "agro:district": group.name,
            "agro:inputs": identity,
            "agro:parents": [r.place for r in relief],
            "agro:samples": len(here),
            "agro:methods": result.properties,
            "agro:simulated": settings.imagery.source == "twin",
        }
        keep(store, index, place, Result(properties, bbox_of(ground.grid), result.layers, result.tables))
    return refused


def _plain(rules: Mapping[str, Any]) -> str:
    return repr(sorted(rules.items(), key=lambda item: item[0]))


def _read(source: Path, land: Land, rules: Mapping[str, Any], today: date) -> tuple[gpd.GeoDataFrame, list[Refusal]]:
    """All samples of a file or folder; a file that cannot be used is refused alone."""
    bounds = {
        (row["property"], row.get("method", "")): Bounds(
            row["lowest"], row["highest"], row["usual_low"], row["usual_high"]
        )
        for row in rules["bounds"]
    }
    files = sorted(p for p in source.iterdir() if p.suffix.lower() in _FORMATS) if source.is_dir() else [source]
    tables, refused = [], []
    for file in files:
        try:
            table, bad = read_soil_samples(file, land.outlines, bounds, today)
        except AgroError as error:
            refused.append(error.refusal)
            continue
        refused += bad
        tables.append(table)
    if not tables and refused:
        return gpd.GeoDataFrame({"field_id": []}, geometry=[], crs=4326), refused
    if not tables:
        raise BadInput(
            "SOIL-NONE",
            "{where}: holds no table of soil samples that can be used",
            "give CSV, XLSX, GeoPackage or GeoJSON with the headings of the documentation",
            where=source.name,
        )
    return gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), crs=4326), refused


def _ground(land: Land, group: Group, relief: list[Published], store: Store) -> _Ground:
    grid = around(land.crs, group.bounds, _PIXEL_M)
    numbers = {str(land.outlines["field_id"].iloc[i]): n for n, i in enumerate(group.fields, start=1)}
    shapes = [(land.on_grid.iloc[i], n) for n, i in enumerate(group.fields, start=1)]
    pixels = rasterize(shapes, grid.shape, fill=0, transform=grid.transform, dtype="int32")
    fields = xr.DataArray(np.where(pixels > 0, pixels, np.nan), dims=("y", "x"))
    coarse = grid.at(LAYERS["height"].resolution_m)
    maps = {}
    for name in _RELIEF if relief else ():
        wide = windowed(store, relief, name, coarse).repeat(2, axis=0).repeat(2, axis=1)
        if np.isfinite(wide[pixels > 0]).all():  # a covariate with holes would leave holes in the map
            maps[name] = (("y", "x"), wide)
    places = {
        "x": grid.west_m + _PIXEL_M * (np.arange(grid.width) + 0.5),
        "y": grid.north_m - _PIXEL_M * (np.arange(grid.height) + 0.5),
    }
    return _Ground(grid, xr.Dataset(maps, places), fields.assign_coords(places), numbers)


def _district(samples: gpd.GeoDataFrame, ground: _Ground, crs: str, rules: Mapping[str, Any]) -> Result:
    """Every property of one district: surfaces, field averages, classes, and the alarm between two rounds.

    A surface is published where its skill over the plain average is larger than the error of that skill.
    """
    tables = classes_from(rules["classes"])
    layers: dict[str, tuple[np.ndarray, Grid]] = {}
    choices, averages, shares, methods = [], [], [], {}
    newest = samples[samples["sampled_on"].astype(str).str[:4] == samples["sampled_on"].astype(str).max()[:4]]
    for name, determinand in DETERMINANDS.items():
        rows, method = _of_one_method(newest, determinand)
        if determinand.layer is None or rows.empty:
            continue
        grouping = _grouping(name, method, tables)
        table = _table(rows, name, ground, crs)
        upper = grouping.upper if grouping else ()
        choice = choose_method(table, [str(one) for one in ground.covariates], determinand.logarithmic, upper)
        surely = choice.surface and choice.scores is not None and choice.scores.skill > choice.scores.skill_se
        choices.append({**_told(determinand.layer, method, choice, len(table)), "published": surely})
        averages.append(_field_averages(table, determinand, grouping, ground))
        methods[determinand.layer] = method or ""
        if surely:
            found = map_property(table, ground.covariates, choice, ground.fields)
            inside = np.isfinite(ground.fields.values)
            for suffix, values in (("", found["value"]), ("_se", found["se"])):
                layers[determinand.layer + suffix] = (np.where(inside, values.values, np.nan), ground.grid)
            if grouping:
                own = class_shares(classify(layers[determinand.layer][0], grouping), grouping, _PIXEL_HA)
                shares.append(own.assign(layer=determinand.layer, status=grouping.status))
    out = {
        "choices": pd.DataFrame(choices),
        "fields": pd.concat(averages, ignore_index=True) if averages else pd.DataFrame({"field_id": []}),
        "shares": pd.concat(shares, ignore_index=True) if shares else pd.DataFrame({"layer": []}),
        "samples": samples.reset_index(drop=True),
    }
    loss = _loss(samples, rules["fertility_loss"])
    return Result(methods, None, layers, out | ({"loss": loss} if loss is not None else {}))


def _of_one_method(samples: gpd.GeoDataFrame, determinand: Determinand) -> tuple[gpd.GeoDataFrame, str | None]:
    """The topsoil samples with a figure, of the extraction method that most of them have."""
    rows = samples[samples[determinand.name].notna()]
    rows = rows[rows["depth_from_cm"].fillna(0) == 0]
    if not determinand.needs_method or rows.empty:
        return rows, None
    column = f"{determinand.name.split('_')[0]}_method"
    method = str(rows[column].mode().iloc[0])
    return rows[rows[column] == method], method


def _grouping(name: str, method: str | None, tables: tuple[Classes, ...]) -> Classes | None:
    try:
        return classes_of(name, method, tables)
    except AgroError:
        return None  # a property without an official grouping is shown in its unit


def _table(rows: gpd.GeoDataFrame, name: str, ground: _Ground, crs: str) -> pd.DataFrame:
    """The samples as the choice of the method needs them: value, place, field, covariates at the place."""
    middle = rows.geometry.to_crs(crs).representative_point()
    below = rows["below_detection"].fillna("").str.split(";").map(lambda names: name in names)
    value = rows[name].astype("float64").where(~below, _BELOW_DETECTION * rows[name].astype("float64"))
    table = pd.DataFrame({"value": value.to_numpy(), "x_m": middle.x.to_numpy(), "y_m": middle.y.to_numpy()})
    table["field_number"] = rows["field_id"].map(ground.numbers).to_numpy()
    grid = ground.grid
    row = ((grid.north_m - table["y_m"]) // _PIXEL_M).astype(int).clip(0, grid.height - 1)
    column = ((table["x_m"] - grid.west_m) // _PIXEL_M).astype(int).clip(0, grid.width - 1)
    for covariate in ground.covariates:
        table[str(covariate)] = ground.covariates[covariate].values[row, column]
    return table


def _told(layer: str, method: str | None, choice: Choice, samples: int) -> dict[str, Any]:
    """How a property is mapped, and how well that tells left-out samples."""
    scores = asdict(choice.scores) if choice.scores else {}
    return {
        "layer": layer,
        "method": method or "",
        "samples": samples,
        "surface": choice.surface,
        "ways": ", ".join(f"{way} {weight:.2f}" for way, weight in choice.weights.items() if weight > 0.005),
        "left_out": choice.folds,
        "reason": choice.reason.reason if choice.reason else "",
        **{name: float(value) for name, value in scores.items() if name != "n"},
    }


def _field_averages(
    table: pd.DataFrame, determinand: Determinand, grouping: Classes | None, ground: _Ground
) -> pd.DataFrame:
    """The plain average of each sampled field, its standard error where there are several samples, its class."""
    ids = {number: field_id for field_id, number in ground.numbers.items()}
    grouped = table.groupby("field_number")["value"]
    rows = pd.DataFrame({"mean": grouped.mean(), "se": grouped.sem(), "samples": grouped.size()}).reset_index()
    rows["field_id"] = rows.pop("field_number").map(ids)
    rows["layer"], rows["unit"] = determinand.layer, determinand.unit
    if grouping:
        number = classify(rows["mean"].to_numpy(), grouping)
        rows["class_no"] = number
        rows["class_russian"] = [grouping.russian[int(n) - 1] if np.isfinite(n) else "" for n in number]
    return rows


def _loss(samples: gpd.GeoDataFrame, rules: Mapping[str, Any]) -> pd.DataFrame | None:
    """The alarm of lost fertility between the two newest survey rounds; None where there is one round."""
    year = samples["sampled_on"].astype(str).str[:4]
    rounds = sorted(year.unique())
    if len(rounds) < 2:
        return None
    before, after = (_round(samples[year == one]) for one in rounds[-2:])
    criteria = [Criterion(**row) for row in rules["criteria"]]
    return fertility_loss(before, after, criteria, rules["least_criteria"])


def _round(samples: gpd.GeoDataFrame) -> pd.DataFrame:
    methods = [name for name in samples.columns if name.endswith("_method")]
    grouped = samples.groupby("field_id")
    return grouped[list(DETERMINANDS)].mean().join(grouped[methods].first()).reset_index()
