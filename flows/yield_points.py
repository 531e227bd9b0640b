"""Points of combines to the fields and seasons that they are of."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import Transformer

from agro.domain.errors import AgroError, BadInput, Refusal
from agro.domain.harvest import Known, Monitored
from flows.plan import Land, crops_of

_FEWEST = 20  # [1] points of a log that follow each other in a field: fewer are jumps or a way past it. source: ours
_NEAR_M = 15.0  # [m] a point so near to an outline is of that field. source: ours


@dataclass(frozen=True)
class Drive:
    """The points of one file in one field and season, and what grew there."""

    monitored: Monitored
    points: pd.DataFrame
    field: int
    season: int
    crop: str


def drives_of(read: Sequence[Monitored], land: Land, known: Known) -> tuple[list[Drive], list[Refusal]]:
    """The points by file, field and season; what lies in no field, or nobody knows the season or crop of, is told."""
    drives: list[Drive] = []
    refused: list[Refusal] = []
    for monitored in read:
        try:
            points = _in_fields(monitored, land)
        except AgroError as error:
            refused.append(error.refusal)
            continue
        for number, own in points.groupby("field", sort=True):
            field_id = str(land.outlines["field_id"].iloc[int(number)])
            try:
                season = _season(monitored, own)
                crop = _crop(monitored, land, field_id, season)
                _check_unit(monitored, own, crop, field_id, known)
            except AgroError as error:
                refused.append(error.about(field_id=field_id))
                continue
            drives.append(Drive(monitored, own.drop(columns="field"), int(number), season, crop))
    return drives, refused


def _in_fields(monitored: Monitored, land: Land) -> pd.DataFrame:
    """The points in metres with the number of the field that each is of.

    A point in no field is of the one in which its log was before: it is left out there, by name.
    """
    points = monitored.points
    turn = Transformer.from_crs(4326, land.crs, always_xy=True)
    x, y = turn.transform(points["lon"].to_numpy(), points["lat"].to_numpy())
    points = points.assign(
        x_m=np.where(points["lon"].notna(), x, np.nan), y_m=np.where(points["lat"].notna(), y, np.nan)
    )
    known = points.dropna(subset=["x_m", "y_m"])
    places = gpd.GeoDataFrame(index=known.index, geometry=gpd.points_from_xy(known["x_m"], known["y_m"]), crs=land.crs)
    fields = gpd.GeoDataFrame({"field": range(len(land.on_grid))}, geometry=list(land.on_grid), crs=land.crs)
    if monitored.field_id is not None:
        fields = fields[(land.outlines["field_id"] == monitored.field_id).to_numpy()]
    nearest = gpd.sjoin_nearest(places, fields, max_distance=_NEAR_M) if len(fields) else places.iloc[:0]
    if nearest.empty:
        raise _nowhere(monitored, known, land, fields)
    found = nearest["field"].groupby(level=0).first().reindex(points.index)
    found = _settled(found, points["log"])
    return points.assign(field=found).dropna(subset=["field"])


def _settled(found: pd.Series, log: pd.Series) -> pd.Series:
    """The field of each point; where a log is in a field for some points only, it jumped there, or passed by."""
    stretch = ((found != found.shift()) | (log != log.shift())).cumsum()
    long = found.where(found.groupby(stretch).transform("size") >= _FEWEST)
    settled = long if long.notna().any() else found
    by_log = settled.groupby(log)
    return by_log.ffill().fillna(by_log.bfill())


def _nowhere(monitored: Monitored, known: pd.DataFrame, land: Land, fields: gpd.GeoDataFrame) -> BadInput:
    if monitored.field_id is not None and fields.empty:
        return BadInput(
            "SEASON-FIELD",
            "{where}: there is no field {met} among the outlines",
            "check the id, or add the outline",
            where=monitored.where,
            met=monitored.field_id,
        )
    west, south, east, north = land.outlines.total_bounds
    swapped = known["lat"].between(west, east).any() and known["lon"].between(south, north).any()
    return BadInput(
        "MONITOR-OUTSIDE",
        "{where}: no point lies in a field, for instance {met}",
        "longitude and latitude look swapped" if swapped else "check the coordinates, or add the field's outline",
        where=monitored.where,
        met=f"{known['lon'].iloc[0]:.5f} {known['lat'].iloc[0]:.5f}",
    )


def _season(monitored: Monitored, points: pd.DataFrame) -> int:
    if monitored.season is not None:
        return monitored.season
    years = points["day"].dt.year.dropna()
    if years.empty:
        raise BadInput(
            "MONITOR-SEASON",
            "{where}: tells no day, so nobody knows the season",
            "write season = 2022 into the .toml beside it",
            where=monitored.where,
        )
    return int(years.mode().iloc[0])


def _crop(monitored: Monitored, land: Land, field_id: str, season: int) -> str:
    """What grew there: by the season table, the outlines or the one who sends the file; they must agree."""
    table = land.seasons
    grown = table[(table["field_id"] == field_id) & (table["season"] == season)]["crop"] if len(table) else table
    told = monitored.crop
    if len(grown) and told is not None and str(grown.iloc[0]) != told:
        raise BadInput(
            "HARVEST-CROP",
            "{where}: a harvest of {met}, but field {field_id} grew {expected} in {season}",
            "mend this table, or that of what grew where",
            where=monitored.where,
            met=told,
            expected=str(grown.iloc[0]),
            field_id=field_id,
            season=season,
        )
    crop = told or crops_of(land.outlines, land.seasons, season).get(field_id)
    if crop is None:
        raise BadInput(
            "MONITOR-CROP",
            "{where}: nobody says what grew on field {field_id} in {season}",
            'add it to the table of what grew where, or write crop = "wheat" into the .toml beside the file',
            where=monitored.where,
            field_id=field_id,
            season=season,
        )
    return crop


def _check_unit(monitored: Monitored, points: pd.DataFrame, crop: str, field_id: str, known: Known) -> None:
    """Refuse yields that no field of the crop has in their middle: their unit is another than was said."""
    sound = points["yield_t_ha"][points["yield_t_ha"] > 0]
    limit = known.bounds.get(crop)
    if limit is None or sound.empty or sound.median() <= limit.highest_t_ha:
        return
    tenth = sound.median() / 10 <= limit.highest_t_ha
    raise BadInput(
        "YIELD-RANGE",
        "{where}: {met} t/ha of {crop}, expected 0 to {high} t/ha",
        "it looks like centners: is it {tenth} t/ha?" if tenth else "check the number and its unit",
        where=monitored.where,
        met=round(float(sound.median()), 2),
        crop=crop,
        high=limit.highest_t_ha,
        tenth=round(float(sound.median()) / 10, 2),
    )
