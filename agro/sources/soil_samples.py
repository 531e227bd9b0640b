"""Soil samples as laboratories send them: CSV, XLSX, GeoPackage or GeoJSON, each sample told or refused by its name."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from agro.domain.errors import AgroError, BadInput, Refusal, Told
from agro.domain.soil import DETERMINANDS, SAMPLE_COLUMNS, Bounds
from agro.sources.outlines import read_features
from agro.sources.soil_headings import Column, Said, method_of, read_headings
from agro.sources.soil_places import place_in_fields, sample_shapes
from agro.sources.tables import day, number_of, read_rows, text_of

_TABLES = (".csv", ".xlsx")
_FEATURES = (".gpkg", ".geojson", ".json", ".shp", ".parquet")
_BELOW = re.compile(r"^(?:<|менее|ниже|less than)\s*(.+)$", re.IGNORECASE)
_FIRST_DAY = date(1950, 1, 1)  # before it no agrochemical survey. source: ours
_DEEPEST_CM = 300.0  # [cm] deeper is no soil sample
_FEW = 5  # [1] figures from which the middle of a column can tell a slip of unit


def read_soil_samples(
    path: Path,
    outlines: gpd.GeoDataFrame,
    bounds: Mapping[tuple[str, str], Bounds],
    today: date,
    said: Said | None = None,
) -> tuple[gpd.GeoDataFrame, list[Refusal]]:
    """The table of samples (see `agro.domain.soil`) in EPSG:4326, and what was refused: rows, and columns left out.

    path      a .csv, .xlsx, .gpkg or .geojson
    outlines  the fields (see `agro.domain.land`)
    bounds    (determinand, method or "") to what it can be
    today     no sample was taken after it
    said      what the file does not say itself
    raises    BadInput where the file as a whole cannot be used
    """
    said, where = said or Said(), path.name
    if path.suffix.lower() not in (*_TABLES, *_FEATURES):
        raise BadInput(
            "SOIL-FORMAT",
            "{where}: soil samples are read from {expected}, not from {met}",
            "ask the laboratory for a table with one row a sample, or save it as one; of Modus XML, too: its methods "
            "are mostly others than those of the groupings here",
            where=where,
            expected=", ".join((*_TABLES, *_FEATURES)),
            met=path.suffix.lower() or "-",
        )
    table = path.suffix.lower() in _TABLES
    headings, rows, shapes = _from_table(path) if table else _from_features(path, said.layer)
    columns, refused = read_headings(headings, said, where)
    _check_columns(columns, said, shapes is not None, where)
    good: list[dict[str, Any]] = []
    for number, cells in rows:
        told = Told("{file}, row {n}", {"file": where, "n": number})
        place = told if table else Told("{file}, feature {n}", {"file": where, "n": number})
        try:
            if len(cells) != len(headings):
                raise _ragged(place, len(cells), len(headings))
            good.append(_row({c.name: (c, cells[c.place]) for c in columns}, said, bounds, today, place))
        except AgroError as error:
            refused.append(error.refusal)
    good, twice = _without_doubles(good)
    good, mistaken = _without_mistaken_units(good, columns, bounds, where)
    shapes_of, unplaced = sample_shapes(good, shapes, said.crs)
    found, outside = place_in_fields(shapes_of, outlines)
    kept = pd.DataFrame(found, columns=[*SAMPLE_COLUMNS, "geometry"])
    samples = gpd.GeoDataFrame(kept, geometry="geometry", crs=4326)
    return samples, [*refused, *twice, *mistaken, *unplaced, *outside]


def _from_table(path: Path) -> tuple[list[Any], list[tuple[int, list[Any]]], None]:
    rows = read_rows(path)
    filled = [(n, cells) for n, cells in enumerate(rows[1:], start=2) if any(str(c or "").strip() for c in cells)]
    if not filled:
        raise _empty(path.name)
    return rows[0], filled, None


def _from_features(path: Path, layer: str | None) -> tuple[list[Any], list[tuple[int, list[Any]]], gpd.GeoSeries]:
    features = read_features(path, layer, None)
    if not len(features):
        raise _empty(path.name)
    if not isinstance(features, gpd.GeoDataFrame) or features.geometry.name is None or features.crs is None:
        raise BadInput(
            "VECTOR-NO-CRS",
            "{where}: does not say in which coordinate system it is",
            "add the .prj file, or save it with its CRS",
            where=path.name,
        )
    cells = features.drop(columns=[features.geometry.name])
    rows = [(n, [None if pd.isna(c) else c for c in row]) for n, row in enumerate(cells.to_numpy(object), start=1)]
    return list(cells.columns), rows, features.geometry.to_crs(4326)


def _empty(where: str) -> BadInput:
    return BadInput(
        "CSV-EMPTY", "{where}: has no rows", "fill the table or take it out of the configuration", where=where
    )


def _ragged(place: Told, met: int, expected: int) -> BadInput:
    return BadInput(
        "CSV-ROW",
        "{where}: {met} cells, the heading has {expected}",
        "mend the row",
        where=place,
        met=met,
        expected=expected,
    )


def _check_columns(columns: Sequence[Column], said: Said, drawn: bool, where: str) -> None:
    """Refuse a table that lacks what no sample can do without."""
    names = {column.name for column in columns}
    placed = drawn or {"lon", "lat"} <= names or ({"x", "y"} <= names and said.crs is not None) or "field_id" in names
    needs = {
        "«№ образца» (sample_id)": "sample_id" in names,
        "«Долгота», «Широта» (lon, lat) / x, y + crs / «Поле» (field_id)": placed,
        "«Дата отбора» (sampled_on)": "sampled_on" in names or said.sampled_on is not None,
        "«Глубина, см» (depth_from_cm, depth_to_cm)": "depth_cm" in names
        or {"depth_from_cm", "depth_to_cm"} <= names
        or said.depth_cm is not None,
        "P2O5, K2O, pH KCl, ...": bool(names & DETERMINANDS.keys()),
    }
    missing = [need for need, met in needs.items() if not met]
    if missing:
        raise BadInput(
            "SOIL-MISSING",
            "{where}: neither a column nor the one who sends it says {missing}",
            "add the column, or say it with the file",
            where=where,
            missing="; ".join(missing),
        )


def _row(
    cells: Mapping[str, tuple[Column, Any]],
    said: Said,
    bounds: Mapping[tuple[str, str], Bounds],
    today: date,
    place: Told,
) -> dict[str, Any]:
    row: dict[str, Any] = {**dict.fromkeys(SAMPLE_COLUMNS), "place": place, "number": place.facts["n"]}
    text = {name: text_of(cell) for name, (_, cell) in cells.items()}
    if not text["sample_id"]:
        raise BadInput("CSV-CELL", "{where}: {column} is empty", "fill it", where=place, column="sample_id")
    row["sample_id"], row["field_id"] = text["sample_id"], text.get("field_id") or None
    row["place"] = place = Told(
        "{file}, row {n} (sample {sample_id})" if "row" in place.text else "{file}, feature {n} (sample {sample_id})",
        {**place.facts, "sample_id": row["sample_id"]},
    )
    row["laboratory"] = text.get("laboratory") or said.laboratory
    row["sampled_on"] = _sampled_on(cells, text, said, today, place)
    row["depth_from_cm"], row["depth_to_cm"] = _depth(cells, text, said, place)
    below = []
    for name in DETERMINANDS:
        if not text.get(name):
            continue
        column = cells[name][0]
        method = _method(column, text, place) if DETERMINANDS[name].methods else None
        row[name], under = _figure(text[name], column, place)
        _check_bounds(name, row[name], method, bounds, column, place)
        if method:
            row[DETERMINANDS[name].method_column] = method
        below += [name] if under else []
    row["below_detection"] = ";".join(below)
    row.update({axis: _coordinate(text[axis], axis, place) for axis in ("lon", "lat", "x", "y") if text.get(axis)})
    return row


def _figure(text: str, column: Column, place: Told) -> tuple[float, bool]:
    """The figure in our unit, and whether it is only the limit below which the laboratory cannot tell."""
    below = _BELOW.match(text)
    value = number_of(below[1] if below else text)
    if np.isnan(value):
        raise BadInput(
            "SOIL-NUMBER",
            "{where}: {column} is {met}, expected a number",
            "write the laboratory's figure, or leave the cell empty",
            where=place,
            column=column.heading,
            met=text,
        )
    return value * column.factor, below is not None


def _coordinate(text: str, axis: str, place: Told) -> float:
    value = number_of(text)
    if np.isnan(value):
        raise BadInput(
            "SOIL-COORDINATE",
            "{where}: {axis} is {met}, expected decimal degrees or metres",
            "write the coordinate as one number, for instance 85,6123",
            where=place,
            axis=axis,
            met=text,
        )
    return value


def _method(column: Column, text: Mapping[str, str], place: Told) -> str | None:
    """The extraction method of one figure; the cell of its own column of methods goes before the heading."""
    about = DETERMINANDS[column.name]
    own = text.get(about.method_column) or (text.get("method") if about.needs_method else None)
    method = method_of(own) if own else column.method
    if (method is None and (own or about.needs_method)) or (method is not None and method not in about.methods):
        raise BadInput(
            "SOIL-NO-METHOD",
            "{where}: {column} without a method that is known (met {met})",
            "say chirikov, kirsanov, machigin or maslova in the heading, in a column or with the file"
            if about.needs_method
            else "name the method by its author or its GOST, for instance Krupsky and Aleksandrova, Peive and Rinkis",
            where=place,
            column=column.heading,
            met=own or "-",
        )
    if own and column.method and column.method != method:
        raise BadInput(
            "SOIL-METHODS",
            "{where}: the heading {column} says {expected}, the row says {met}",
            "find out by which method it was measured",
            where=place,
            column=column.heading,
            expected=column.method,
            met=method,
        )
    return method


def _check_bounds(
    name: str,
    value: float,
    method: str | None,
    bounds: Mapping[tuple[str, str], Bounds],
    column: Column,
    place: Told,
) -> None:
    limit = bounds.get((name, method or ""), bounds[name, ""])
    if limit.lowest <= value <= limit.highest:
        return
    comma = name in ("ph_kcl", "humus_pct") and limit.lowest <= value / 10 <= limit.highest
    raise BadInput(
        "SOIL-RANGE",
        "{where}: {column} is {met}, expected {low} to {high} {unit}",
        "the decimal comma looks lost: is it {tenth}?" if comma else "check the number and its unit",
        where=place,
        column=column.heading,
        met=round(value, 4),
        low=limit.lowest,
        high=limit.highest,
        unit=DETERMINANDS[name].unit,
        tenth=round(value / 10, 4),
    )


def _sampled_on(
    cells: Mapping[str, tuple[Column, Any]], text: Mapping[str, str], said: Said, today: date, place: Told
) -> date:
    if text.get("sampled_on"):
        column, cell = cells["sampled_on"]
        sampled_on = cell if type(cell) is date else day(cell, text["sampled_on"], place, column.heading)
    elif said.sampled_on is not None:
        sampled_on = said.sampled_on
    else:
        raise BadInput("CSV-CELL", "{where}: {column} is empty", "fill it", where=place, column="sampled_on")
    if not _FIRST_DAY <= sampled_on <= today:
        raise BadInput(
            "SOIL-DATE",
            "{where}: sampled on {met}, expected {low} to {high}",
            "check the date",
            where=place,
            met=sampled_on.isoformat(),
            low=_FIRST_DAY.isoformat(),
            high=today.isoformat(),
        )
    return sampled_on


def _depth(
    cells: Mapping[str, tuple[Column, Any]], text: Mapping[str, str], said: Said, place: Told
) -> tuple[float, float]:
    """The sampled layer [cm]: two columns, one `0-20`, or what was said with the file."""
    if text.get("depth_from_cm") and text.get("depth_to_cm"):
        ends = (number_of(text["depth_from_cm"]), number_of(text["depth_to_cm"]))
    elif text.get("depth_cm"):
        met = re.fullmatch(r"([\d.,]+)\s*[-–—]\s*([\d.,]+)(?:\s*(?:см|cm))?", text["depth_cm"])
        ends = (number_of(met[1]), number_of(met[2])) if met else (np.nan, np.nan)
    else:
        ends = said.depth_cm or (np.nan, np.nan)
    if not 0 <= ends[0] < ends[1] <= _DEEPEST_CM:
        raise BadInput(
            "SOIL-DEPTH",
            "{where}: the sampled layer is {met}, expected from and to in cm, for instance 0-20",
            "write the depth of the layer",
            where=place,
            met=" - ".join(text[name] for name in ("depth_cm", "depth_from_cm", "depth_to_cm") if text.get(name))
            or "-",
        )
    return ends


def _without_doubles(rows: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Refusal]]:
    """Each sample once: a copy is dropped, and where two rows contradict each other none is believed."""
    kept: dict[tuple[Any, ...], dict[str, Any]] = {}
    refused, torn = [], set()
    for row in rows:
        key = (row["sample_id"], row["field_id"], row["depth_from_cm"], row["depth_to_cm"], row["sampled_on"])
        first = kept.setdefault(key, row)
        if first is row:
            continue
        same = all(first.get(k) == row.get(k) for k in {*first, *row} - {"place", "number"})
        torn |= set() if same else {key}
        error = BadInput(
            "SOIL-TWICE" if same else "SOIL-CONFLICT",
            "{where}: row {first} is the same sample"
            if same
            else "{where}: row {first} is the same sample with other figures; neither is used",
            "keep one of them" if same else "find out which row is right, or give each its own number",
            where=row["place"],
            first=first["number"],
        )
        refused.append(error.about(field_id=row["field_id"]))
    return [row for key, row in kept.items() if key not in torn], refused


def _without_mistaken_units(
    rows: list[dict[str, Any]], columns: Sequence[Column], bounds: Mapping[tuple[str, str], Bounds], where: str
) -> tuple[list[dict[str, Any]], list[Refusal]]:
    """Columns whose figures, taken together, contradict the unit of their heading are emptied and told."""
    refused = []
    for column in columns:
        if not DETERMINANDS.get(column.name) or not DETERMINANDS[column.name].needs_method:
            continue
        name, method = column.name, DETERMINANDS[column.name].method_column
        for code in {row[method] for row in rows if row[name] is not None}:
            own = [row for row in rows if row[name] is not None and row[method] == code]
            limit = bounds.get((name, code), bounds[name, ""])
            middle = float(np.median([row[name] for row in own]))
            if len(own) < _FEW or limit.usual_low <= middle <= limit.usual_high:
                continue
            for row in own:
                row[name] = row[method] = None
            error = BadInput(
                "SOIL-UNIT-VALUES",
                "{where}: the middle of the figures in {column} is {met} mg/kg, where soils "
                "have {low} to {high} by this "
                "method; the heading's unit looks wrong, so the column is left out",
                "check whether the laboratory wrote mg per 100 g, and mend the heading",
                where=where,
                column=column.heading,
                met=round(middle, 1),
                low=limit.usual_low,
                high=limit.usual_high,
            )
            refused.append(error.refusal)
    left = [row for row in rows if any(row[name] is not None for name in DETERMINANDS)]
    return left, refused
