"""Soil and nutrients by district: a surface where one foretells left-out samples, else the fields' averages."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from agro.agromaps.fertility import (
    Classes,
    Criterion,
    class_shares,
    classes_from,
    classify,
    fertility_loss,
    grouping_of,
)
from agro.agromaps.soil import Choice, choose_method, map_property
from agro.domain.errors import AgroError, BadInput, Refusal
from agro.domain.grid import Grid
from agro.domain.soil import DETERMINANDS, Bounds, Determinand
from agro.sources.soil_samples import read_soil_samples
from agro.store.index import Index
from agro.store.publish import Store, digest, file_name
from agro.store.stac import bbox_of
from flows.ground_maps import groups_of
from flows.keeping import Result, content_of, keep
from flows.plan import Land
from flows.settings import CONFIGS, Settings, facts
from flows.soil_ground import PIXEL_HA, SoilGround, newest_of_one_kind, sample_table, soil_ground, sources_of

ALGORITHM = 3  # raise it when the same samples give another map
_FORMATS = (".csv", ".xlsx", ".gpkg", ".geojson")


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
        known = sources_of(group, land, index)
        versions = sorted(zip(own["field_id"], own["version"], strict=True))
        key = digest([identity, versions, known.places, digest(_plain(rules)), ALGORITHM])
        place = f"soil/{file_name(group.name)}/{key}"
        if index.at(place):
            continue
        if samples is None:
            samples, refused = _read(source, land, rules, today)
        here = samples[samples["field_id"].isin(own["field_id"])]
        if here.empty:
            continue
        ground = soil_ground(land, group, known, store, rules["bare_soil"]["least_known"])
        result, few = _district(here, ground, land.crs, rules)
        refused += [_about(why, f"{group.name}, {', '.join(layers)}") for why, layers in few]
        properties = {
            "datetime": f"{here['sampled_on'].astype(str).max()[:10]}T00:00:00Z",
            "agro:district": group.name,
            "agro:inputs": identity,
            "agro:parents": known.places,
            "agro:covariates": [str(name) for name in ground.covariates],
            "agro:samples": len(here),
            "agro:methods": result.properties,
            "agro:simulated": settings.imagery.source == "twin",
        }
        keep(store, index, place, Result(properties, bbox_of(ground.grid), result.layers, result.tables))
    return refused


def _plain(rules: Mapping[str, Any]) -> str:
    return repr(sorted(rules.items(), key=lambda item: item[0]))


def soil_bounds() -> dict[tuple[str, str], Bounds]:
    """What each property of soil can be, by configs/soils.toml."""
    return _bounds(facts(CONFIGS / "soils.toml"))


def _bounds(rules: Mapping[str, Any]) -> dict[tuple[str, str], Bounds]:
    return {
        (row["property"], row.get("method", "")): Bounds(
            row["lowest"], row["highest"], row["usual_low"], row["usual_high"]
        )
        for row in rules["bounds"]
    }


def _read(source: Path, land: Land, rules: Mapping[str, Any], today: date) -> tuple[gpd.GeoDataFrame, list[Refusal]]:
    """All samples of a file or folder; a file that cannot be used is refused alone."""
    bounds = _bounds(rules)
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


def _about(why: Refusal, where: str) -> Refusal:
    return Refusal(why.code, "{where}: {met}", why.remedy, {**why.facts, "where": where, "met": why})


def _district(
    samples: gpd.GeoDataFrame, ground: SoilGround, crs: str, rules: Mapping[str, Any]
) -> tuple[Result, list[tuple[Refusal, list[str]]]]:
    """Every property of one district: surfaces, field averages, classes, and the alarm between two rounds.

    Beside them: why there are too few samples for a surface, and of which properties.
    """
    tables = classes_from(rules["classes"])
    few: dict[str, tuple[Refusal, list[str]]] = {}
    layers: dict[str, tuple[np.ndarray, Grid]] = {}
    choices, averages, shares, methods = [], [], [], {}
    for name, determinand in DETERMINANDS.items():
        rows = newest_of_one_kind(samples, name, determinand.method_column if determinand.methods else None)
        if determinand.layer is None or rows.empty:
            continue
        grouping = grouping_of(name, *_kind(rows, determinand), tables)
        method = grouping.method if grouping else _kind(rows, determinand)[0]
        table = sample_table(rows, name, ground, crs)
        upper = grouping.upper if grouping else ()
        reading = _reading_se(determinand, table["value"], rules["laboratory"])
        choice = choose_method(table, [str(one) for one in ground.covariates], determinand.logarithmic, upper, reading)
        found = _surface(table, determinand, choice, ground)
        about = {"layer": determinand.layer, "method": method, **_when(rows)}
        choices.append({**about, **_told(choice, len(table)), "published": bool(found)})
        averages.append(_field_averages(table, determinand, grouping, ground).assign(**about))
        methods[determinand.layer] = method
        layers |= found
        if choice.reason is not None and choice.reason.code == "SOIL-FEW":
            few.setdefault(choice.reason.reason, (choice.reason, []))[1].append(determinand.layer)
        if found and grouping:
            own = class_shares(classify(found[determinand.layer][0], grouping), grouping, PIXEL_HA)
            shares.append(own.assign(layer=determinand.layer, status=grouping.status))
    out = {
        "choices": pd.DataFrame(choices),
        "fields": pd.concat(averages, ignore_index=True) if averages else pd.DataFrame({"field_id": []}),
        "shares": pd.concat(shares, ignore_index=True) if shares else pd.DataFrame({"layer": []}),
        "samples": samples.reset_index(drop=True),
    }
    loss = _loss(samples, rules["fertility_loss"])
    return Result(methods, None, layers, out | ({"loss": loss} if loss is not None else {})), list(few.values())


def _kind(rows: gpd.GeoDataFrame, determinand: Determinand) -> tuple[str, float]:
    """The extraction method of samples of one kind, empty where none was said, and the end of their layer [cm]."""
    method = rows[determinand.method_column].iloc[0] if determinand.methods else None
    return (method if isinstance(method, str) else ""), float(rows["depth_to_cm"].iloc[0])


def _when(rows: gpd.GeoDataFrame) -> dict[str, Any]:
    depth = f"{rows['depth_from_cm'].iloc[0]:.0f}-{rows['depth_to_cm'].iloc[0]:.0f}"
    return {"depth_cm": depth, "year": int(str(rows["sampled_on"].iloc[0])[:4])}


def _reading_se(determinand: Determinand, values: pd.Series, errors: Mapping[str, Any]) -> float:
    """The standard error of a laboratory's reading, on the scale that is mapped; 0 where nothing is known of it."""
    known = errors.get(determinand.name, {})
    if determinand.logarithmic:
        return float(known.get("se_share", 0.0))
    return float(known.get("se", known.get("se_share", 0.0) * values.mean()))


def _surface(
    table: pd.DataFrame, determinand: Determinand, choice: Choice, ground: SoilGround
) -> dict[str, tuple[np.ndarray, Grid]]:
    """The map and its error, where its skill over the plain average is larger than the error of that skill."""
    if not (choice.surface and choice.scores is not None and choice.scores.skill > choice.scores.skill_se):
        return {}
    found = map_property(table, ground.covariates, choice, ground.fields)
    inside = np.isfinite(ground.fields.values)
    return {
        f"{determinand.layer}{suffix}": (np.where(inside, found[name].values, np.nan), ground.grid)
        for suffix, name in (("", "value"), ("_se", "se"))
    }


def _told(choice: Choice, samples: int) -> dict[str, Any]:
    """How a property is mapped, and how well that tells left-out samples."""
    scores = asdict(choice.scores) if choice.scores else {}
    return {
        "samples": samples,
        "surface": choice.surface,
        "ways": ", ".join(f"{way} {weight:.2f}" for way, weight in choice.weights.items() if weight > 0.005),
        "left_out": choice.folds,
        "reason": choice.reason.reason if choice.reason else "",
        **{name: float(value) for name, value in scores.items() if name != "n"},
    }


def _field_averages(
    table: pd.DataFrame, determinand: Determinand, grouping: Classes | None, ground: SoilGround
) -> pd.DataFrame:
    """The plain average of each sampled field, its standard error where there are several samples, its class."""
    ids = {number: field_id for field_id, number in ground.numbers.items()}
    grouped = table.groupby("field_number")["value"]
    rows = pd.DataFrame({"mean": grouped.mean(), "se": grouped.sem(), "samples": grouped.size()}).reset_index()
    rows["field_id"] = rows.pop("field_number").map(ids)
    rows["unit"] = determinand.unit
    if grouping:
        number = classify(rows["mean"].to_numpy(), grouping)
        rows["class_no"] = number
        rows["class_russian"] = [grouping.russian[int(n) - 1] if np.isfinite(n) else "" for n in number]
    return rows


def _loss(samples: gpd.GeoDataFrame, rules: Mapping[str, Any]) -> pd.DataFrame | None:
    """The alarm of lost fertility between the two newest survey rounds; None where there is one round."""
    criteria = [Criterion(**row) for row in rules["criteria"]]
    surveyed = samples[samples[[one.property for one in criteria]].notna().any(axis=1)]
    year = surveyed["sampled_on"].astype(str).str[:4]
    rounds = sorted(year.unique())
    if len(rounds) < 2:
        return None
    before, after = (_round(surveyed[year == one]) for one in rounds[-2:])
    found = fertility_loss(before, after, criteria, rules["least_criteria"])
    return found.assign(before_year=int(rounds[-2]), after_year=int(rounds[-1]))


def _round(samples: gpd.GeoDataFrame) -> pd.DataFrame:
    methods = [name for name in samples.columns if name.endswith("_method")]
    grouped = samples.groupby("field_id")
    return grouped[list(DETERMINANDS)].mean().join(grouped[methods].first()).reset_index()
