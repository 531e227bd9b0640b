"""What a machine put out comes back: held against the prescription of the field, and kept."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pyproj import Transformer
from rasterio.features import geometry_mask, rasterize

from agro.agromaps.as_applied import Comparison, compare, laid, looked_up, strokes
from agro.domain.errors import BadInput, Refusal, Told
from agro.domain.grid import Grid, around
from agro.domain.layers import LAYERS
from agro.domain.terminal import Applied
from agro.domain.work import Prescription
from agro.reports.words import KUZBASS
from agro.sources.as_applied import read_applied
from agro.store.index import Index
from agro.store.publish import Store, digest, file_name, now
from agro.store.stac import bbox_of
from flows.keeping import Result, content_of, keep
from flows.plan import read_land
from flows.published_prescriptions import field_of, newest, read
from flows.settings import Settings

ALGORITHM = 2  # raise it when the same log gives other figures
_CELL_M = 2  # [m] of the cells on which strokes are laid
_AROUND_M = 40  # [m] around the field: what falls outside is counted too


@dataclass(frozen=True)
class Meant:
    """What a log leaves open: which of its products (name or code), the working width [m] where it does not say it,

    and how far behind the logged place the machine puts out [m].
    """

    product: str | None = None
    width_m: float | None = None
    behind_m: float = 0.0


_AS_LOGGED = Meant()


@dataclass(frozen=True)
class Returned:
    """What came of a log: whose, the figures, where it is kept, and what a person must be told."""

    field_id: str
    product: str
    unit: str
    comparison: Comparison
    place: str
    prescription: str | None
    told: tuple[Told | Refusal, ...]


def take_back(
    settings: Settings, store: Store, index: Index, path: Path, field_id: str, meant: Meant = _AS_LOGGED
) -> Returned:
    """Read a log, compare it with the newest prescription of the field, keep both. Raises BadInput, TornFile."""
    land = read_land(settings)
    outline, version = field_of(land, field_id)
    applied, told = _chosen(read_applied(path), meant.product, path.name)
    result = newest(index, field_id)
    prescription, parent = (None, None) if result is None else (read(store, result), result.place)
    planned_of, applied = _planned(prescription, applied, meant.product, told)
    rows = _on_ground(applied.rows, land.crs, meant.width_m, path.name)
    grid = around(land.crs, outline.bounds, _CELL_M, _AROUND_M)
    field = _cells(~geometry_mask([outline], grid.shape, grid.transform), grid)
    planned = None if planned_of is None or prescription is None else _rates(prescription, planned_of, grid)
    worked = strokes(rows, meant.behind_m)
    _check_place(worked, field, path.name, field_id)
    comparison = compare(worked, field, planned, _counted(rows["total"]))
    key = digest([content_of(path), version, parent, applied.product, asdict(meant), ALGORITHM])
    place = f"as_applied/{file_name(field_id)}/{key}"
    properties = {
        "datetime": _began(applied),
        "agro:field_id": field_id,
        "agro:product": applied.product,
        "agro:unit": applied.unit,
        "agro:nutrients_pct": _nutrients(prescription, planned_of),
        "agro:parents": [parent] if parent else [],
        "agro:parameters": asdict(meant),
        "agro:comparison": asdict(comparison),
        "agro:simulated": settings.imagery.source == "twin",
    }
    if index.at(place) is None:
        keep(store, index, place, _result(properties, worked, field, planned, grid))
    return Returned(field_id, applied.product, applied.unit, comparison, place, parent, (*told, *applied.unread))


def _chosen(found: list[Applied], product: str | None, where: str) -> tuple[Applied, list[Told]]:
    """The log that is meant: by its name, else the one that covers most."""
    if product is not None and len(found) > 1:
        named = [one for one in found if product.casefold() in one.product.casefold()]
        if len(named) != 1:
            raise BadInput(
                "APPLIED-PRODUCT",
                "{where}: the product {met} is logged {count} times; logged are {known}",
                "give the name as the log has it",
                where=where,
                met=product,
                count=len(named),
                known=", ".join(dict.fromkeys(one.product or "-" for one in found)),
            )
        return named[0], []
    facts = {"count": len(found), "product": found[0].product or "-", "unit": found[0].unit}
    told = [Told("the log tells of {count} products; the widest worked was taken: {product}, {unit}", facts)]
    return found[0], told if len(found) > 1 else []


def _planned(
    prescription: Prescription | None, applied: Applied, product: str | None, told: list[Told]
) -> tuple[int | None, Applied]:
    """Which product of the prescription the log is of; the log in kilograms, where it is in litres."""
    if prescription is None:
        told.append(Told("there is no prescription of this field: only what was applied is told", {}))
        return None, applied
    words = {(product or applied.product).casefold(), applied.product.casefold()} - {""}
    called = [
        n
        for n, one in enumerate(prescription.products)
        if words & {one.code.casefold(), one.russian.casefold(), one.english.casefold()}
    ]
    if not called and len(prescription.products) == 1:
        called = [0]
    if len(called) != 1:
        told.append(Told("the log does not say which product of the prescription it is of", {}))
        return None, applied
    density = prescription.products[called[0]].density_kg_l
    if applied.unit == "l/ha" and density:
        rows = applied.rows.assign(**{name: applied.rows[name] * density for name in ("rate", "target", "total")})
        return called[0], replace(applied, unit="kg/ha", rows=rows)
    if applied.unit != "kg/ha":
        told.append(Told("the log is in {unit}, which cannot be compared with kilograms", {"unit": applied.unit}))
        return None, applied
    return called[0], applied


def _nutrients(prescription: Prescription | None, product: int | None) -> dict[str, float]:
    """What the product holds [% by mass], where it is known which one it is."""
    return {} if prescription is None or product is None else dict(prescription.products[product].content_pct)


def _on_ground(rows: pd.DataFrame, crs: str, width_m: float | None, where: str) -> pd.DataFrame:
    """The rows with a place, x_m and y_m, and a width."""
    placed = rows[rows["lon"].notna() & rows["lat"].notna()]
    width = placed["width_m"].where(placed["width_m"] > 0)
    if width_m is not None:
        width = width.fillna(width_m)
    if width.isna().all() and placed["area_m2"].isna().all():
        raise BadInput(
            "APPLIED-WIDTH",
            "{where}: does not say how wide the machine works",
            "give it with --width-m",
            where=where,
        )
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(placed["lon"].to_numpy(), placed["lat"].to_numpy())
    return placed.assign(width_m=width.ffill().bfill(), x_m=x, y_m=y).reset_index(drop=True)


def _cells(values: np.ndarray, grid: Grid) -> xr.DataArray:
    half = grid.resolution_m / 2
    x = grid.west_m + half + np.arange(grid.width) * grid.resolution_m
    y = grid.north_m - half - np.arange(grid.height) * grid.resolution_m
    return xr.DataArray(values.astype(float), dims=("y", "x"), coords={"y": y, "x": x})


def _rates(prescription: Prescription, product: int, grid: Grid) -> xr.DataArray:
    """The planned rates [kg/ha] on cells; NaN outside all zones."""
    import geopandas as gpd

    shapes = gpd.GeoSeries([zone.outline for zone in prescription.zones], crs=4326).to_crs(grid.crs)
    rates = [zone.rate_kg_ha[product] for zone in prescription.zones]
    drawn = rasterize(
        list(zip(shapes, rates, strict=True)), grid.shape, fill=np.nan, transform=grid.transform, dtype="float64"
    )
    return _cells(drawn, grid)


def _check_place(worked: pd.DataFrame, field: xr.DataArray, where: str, field_id: str) -> None:
    inside = looked_up(field, worked["x_m"].to_numpy(), worked["y_m"].to_numpy()) > 0
    if not inside.any():
        raise BadInput(
            "APPLIED-ELSEWHERE",
            "{where}: nothing in it was put out on the field {field}; {met} strokes lie elsewhere",
            "give the log of this field, or the field of this log",
            where=where,
            field=field_id,
            met=len(worked),
        )


def _counted(total: pd.Series) -> float | None:
    """What the counter of the machine rose by; None where it has none, or it was set back."""
    known = total.dropna()
    if len(known) < 2 or (known.diff() < 0).any():
        return None
    return float(known.iloc[-1] - known.iloc[0])


def _result(
    properties: dict[str, Any], worked: pd.DataFrame, field: xr.DataArray, planned: xr.DataArray | None, grid: Grid
) -> Result:
    meant = np.nan if planned is None else looked_up(planned, worked["x_m"].to_numpy(), worked["y_m"].to_numpy())
    tables = {"strokes": worked.assign(planned=meant)}
    if worked["length_m"].isna().any():
        return Result(properties, bbox_of(grid), {}, tables)
    coarse = grid.at(LAYERS["applied"].resolution_m)
    lying = laid(worked, field)["applied"].values
    times = coarse.resolution_m // grid.resolution_m
    mean = lying.reshape(coarse.height, times, coarse.width, times).mean(axis=(1, 3))
    return Result(properties, bbox_of(grid), {"applied": (mean, coarse)}, tables)


def _began(applied: Applied) -> str:
    """When the work began, ISO, UTC: the machine's clock is taken for that of Kuzbass; now where it had none."""
    began = pd.to_datetime(applied.began_at or None, errors="coerce")
    if pd.isna(began) or began.year < 2000:
        return now()
    return str((began - KUZBASS).isoformat(timespec="milliseconds")) + "Z"
