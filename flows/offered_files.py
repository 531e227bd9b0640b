"""Files that a farm brings in by the portal: read by the doors that runs read them by, kept only where they are good.

A kept file lies in the portal's folder, `files/<kind>/`, one folder a kind, the farm's name before the file's. A run
takes them from there where the settings name that folder (`records.soil`, `records.harvest`, ...).
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd

from agro.domain.errors import BadInput, Refusal, StoreDown, Told
from agro.sources.archive import files_of
from agro.sources.harvest import read_harvest
from agro.sources.outlines import read_outlines
from agro.sources.soil_samples import read_soil_samples
from agro.sources.yield_monitor import read_monitors
from agro.store.publish import digest, file_name
from agro.store.whole_file import write_whole
from flows.harvest_records import known_of
from flows.settings import Settings, crops
from flows.soil_maps import soil_bounds

# Where a run looks for each kind: section and key of the settings.
KINDS: dict[str, tuple[str, str]] = {
    "outlines": ("fields", "path"),
    "soil": ("records", "soil"),
    "harvest": ("records", "harvest"),
    "yield_monitors": ("records", "yield_monitors"),
}
_NEAR_DEG = 0.02  # [°] round the farm's fields: points of a combine farther off are somebody else's


@dataclass(frozen=True)
class Offered:
    """What became of a file: what it holds, what of it was refused, where it is kept; None: nothing was kept."""

    told: tuple[Told, ...]
    refused: tuple[Refusal, ...]
    kept: Path | None


@dataclass(frozen=True)
class Farm:
    """Whose file it is: the farm's id, its outlines, and whose every known field is."""

    farm_id: str
    outlines: gpd.GeoDataFrame
    farm_of: Mapping[str, str]


def folder_of(settings: Settings, kind: str) -> Path:
    """Where the files of a kind are kept."""
    return settings.portal.path / "files" / kind


def taken_by_runs(settings: Settings, kind: str) -> bool:
    """Whether a run reads the files of a kind from there."""
    section, key = KINDS[kind]
    named: Path | None = getattr(getattr(settings, section), key)
    return named is not None and named.resolve() == folder_of(settings, kind).resolve()


def kept_of(settings: Settings, kind: str, farm_id: str) -> list[str]:
    """The names of a farm's kept files."""
    folder, start = folder_of(settings, kind), _start(farm_id)
    return sorted(path.name.removeprefix(start) for path in folder.glob("*") if path.name.startswith(start))


def offer(settings: Settings, kind: str, farm: Farm, name: str, content: bytes) -> Offered:
    """Check a file and keep it where all of it is good. Raises BadInput, TornFile, StoreDown."""
    with tempfile.TemporaryDirectory(prefix="agro-offered-") as place:
        path = Path(place) / file_name(Path(name).name or "file")
        path.write_bytes(content)
        if kind in ("outlines", "soil") and path.suffix.lower() == ".zip":
            path = _unpacked(path)
        told, refused, replaced = _READ[kind](settings, farm, path)
    if refused or not told:
        return Offered(told, refused, None)
    suffix = ".geojson" if replaced is not None else Path(name).suffix.lower()
    stem = "outlines" if replaced is not None else f"{digest(content.hex())[:8]}-{file_name(Path(name).stem)}"
    kept = folder_of(settings, kind) / f"{_start(farm.farm_id)}{stem}{suffix}"
    try:
        write_whole(kept, content if replaced is None else replaced)
    except OSError as error:
        raise StoreDown(
            "FILE-KEEP", "the file cannot be kept ({met})", "tell the operator: make room", met=str(error.strerror)
        ) from None
    return Offered(told, (), kept)


def _start(farm_id: str) -> str:
    return f"{file_name(farm_id)}--"


def _unpacked(path: Path) -> Path:
    """The one file of outlines or samples that a zip holds, with what belongs to it beside. Raises BadInput."""
    folder = path.with_suffix("")
    folder.mkdir()
    found = []
    for name, content in files_of(path).content.items():
        inner = folder / file_name(Path(name).name)
        inner.write_bytes(content)
        found += [inner] if inner.suffix.lower() in (".shp", ".gpkg", ".geojson", ".csv", ".xlsx") else []
    if len(found) != 1:
        raise BadInput(
            "FILE-ZIP",
            "{where}: holds {met} files that could be meant, expected one",
            "put one Shapefile with its .dbf, .shx and .prj, or one other file, into the zip",
            where=path.name,
            met=len(found),
        )
    return found[0]


Read = tuple[tuple[Told, ...], tuple[Refusal, ...], bytes | None]


def _outlines(settings: Settings, farm: Farm, path: Path) -> Read:
    """Outlines: all of them together with those that the farm brought before, as one file."""
    table, refused = read_outlines(path, None, settings.fields.encoding or None, settings.region.bounds or None)
    foreign = [
        BadInput(
            "FILE-FOREIGN", "{where}: the field {met} is of another farm", "take it out, or give it another field_id",
            where=path.name, met=str(row.field_id),
        ).about(field_id=str(row.field_id))
        for row in table.itertuples()
        if (isinstance(row.farm_id, str) and row.farm_id != farm.farm_id)
        or farm.farm_of.get(str(row.field_id), farm.farm_id) != farm.farm_id
    ]  # fmt: skip
    area = float(table["area_ha"].sum())
    told = (Told("{n} outlines, {area} ha", {"n": len(table), "area": f"{area:.1f}"}),) if len(table) else ()
    table["farm_id"] = farm.farm_id
    before = folder_of(settings, "outlines") / f"{_start(farm.farm_id)}outlines.geojson"
    if before.exists():
        old, _ = read_outlines(before)
        table = gpd.GeoDataFrame(
            pd.concat([old[~old["field_id"].isin(table["field_id"])], table], ignore_index=True), crs=4326
        )
    kept = table[["field_id", "farm_id", "district", "crop", "geometry"]]
    return told, (*refused, *foreign), kept.to_json(drop_id=True).encode()


def _soil(settings: Settings, farm: Farm, path: Path) -> Read:
    table, refused = read_soil_samples(path, farm.outlines, soil_bounds(), datetime.now(UTC).date())
    fields = table["field_id"].nunique() if len(table) else 0
    told = (Told("{n} samples of {fields} fields", {"n": len(table), "fields": fields}),) if len(table) else ()
    return told, tuple(refused), None


def _harvest(settings: Settings, farm: Farm, path: Path) -> Read:
    area_ha = dict(zip(farm.outlines["field_id"], farm.outlines["area_ha"], strict=True))
    table, refused = read_harvest(path, known_of(datetime.now(UTC).date()), area_ha, pd.DataFrame())
    told = (Told("{n} rows of harvest", {"n": len(table)}),) if len(table) else ()
    return told, tuple(refused), None


def _monitors(settings: Settings, farm: Farm, path: Path) -> Read:
    read, refused = read_monitors(path, crops(), datetime.now(UTC).date())
    points = sum(len(one.points) for one in read)
    west, south, east, north = farm.outlines.total_bounds if len(farm.outlines) else (0.0, 0.0, 0.0, 0.0)
    near = sum(
        int(
            (
                one.points["lon"].between(west - _NEAR_DEG, east + _NEAR_DEG)
                & one.points["lat"].between(south - _NEAR_DEG, north + _NEAR_DEG)
            ).sum()
        )
        for one in read
    )
    if points and not near:
        refused.append(
            BadInput(
                "FILE-ELSEWHERE",
                "{where}: none of {n} points lies at a field of the farm",
                "choose the log of a field of yours",
                where=path.name,
                n=points,
            ).refusal
        )
    told = (Told("{n} points of a combine, {near} of them at the farm's fields", {"n": points, "near": near}),)
    return told if points else (), tuple(refused), None


_READ: dict[str, Callable[[Settings, Farm, Path], Read]] = {
    "outlines": _outlines,
    "soil": _soil,
    "harvest": _harvest,
    "yield_monitors": _monitors,
}
