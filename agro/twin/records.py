"""What a region has on record beside the images: a height model, a survey of the soil, the weather of each day."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rasterio
from pyproj import Transformer
from rasterio.transform import from_origin
from rasterio.warp import Resampling, reproject

from agro.twin.chance import chance, random_field
from agro.twin.land import Ground

_POSTING_DEG = 1 / 3600  # [deg] of the height model, one arc second as Copernicus GLO-30 has at low latitudes
_HEADINGS = (
    *("Номер образца", "Поле", "Долгота", "Широта", "Глубина от, см", "Глубина до, см", "Дата отбора"),
    *("Гумус, %", "pH KCl", "P2O5 (Чириков), мг/кг", "K2O (Чириков), мг/кг"),
)
_HEIGHT_NOISE_M = 0.6  # [m] of it, correlated over some cells. assumption


def write_elevation(folder: Path, ground: Ground, seed: int) -> None:
    """The height model as it is delivered: degrees, one arc second, whole metres and parts, with noise."""
    folder.mkdir(exist_ok=True)
    west, south, east, north = Transformer.from_crs(ground.grid.crs, 4326, always_xy=True).transform_bounds(
        *ground.grid.bounds
    )
    shape = int((north - south) / _POSTING_DEG) + 1, int((east - west) / _POSTING_DEG) + 1
    place = {"crs": "EPSG:4326", "transform": from_origin(west, north, _POSTING_DEG, _POSTING_DEG)}
    noise = random_field(chance(seed, "elevation", ground.district), shape, 4)
    height = np.full(shape, np.nan, "float32")
    reproject(
        ground.soil.height_m.astype("float32"),
        height,
        src_crs=ground.grid.crs,
        src_transform=ground.grid.transform,
        dst_crs=place["crs"],
        dst_transform=place["transform"],
        dst_nodata=np.nan,
        resampling=Resampling.average,
    )
    size = {"height": shape[0], "width": shape[1], "count": 1, "dtype": "float32", "nodata": np.nan}
    with rasterio.open(
        folder / f"{ground.district}.tif", "w", driver="GTiff", compress="deflate", **size, **place
    ) as dem:
        dem.write(height + _HEIGHT_NOISE_M * noise.astype("float32"), 1)
        dem.units = ("m",)


def write_weather(folder: Path, days: pd.DataFrame) -> None:
    """Every day from the winter before the first season to the last season's end, a file a place."""
    folder.mkdir(exist_ok=True)
    known = ["day", "tmin_c", "tmax_c", "tmean_c", "rain_mm", "radiation_mj_m2"]
    for place, table in days.groupby("place"):
        table[known].to_csv(folder / f"{place}.csv", index=False, float_format="%.3f")


def write_soil_samples(
    folder: Path, truth: Path, ground: Ground, laboratory: Mapping[str, Any], season: int, seed: int
) -> None:
    """A survey in the spring of the first season: a mixed sample a plot, as a laboratory's Russian CSV."""
    folder.mkdir(exist_ok=True)
    truth.mkdir(exist_ok=True)
    random = chance(seed, "laboratory", ground.district)
    to_degrees = Transformer.from_crs(ground.grid.crs, 4326, always_xy=True)
    rows = []
    for number, field_id in enumerate(ground.field_ids, start=1):
        if not ground.fields["mapped"][number - 1]:
            continue
        y, x = (ground.field == number).nonzero()
        side_px = round(100 * np.sqrt(laboratory["plot_ha"]) / 10)
        plots, plot, sizes = np.unique(y // side_px * 10_000 + x // side_px, return_inverse=True, return_counts=True)
        for one in np.flatnonzero(sizes >= min(side_px**2 / 3, sizes.max())):
            mine = plot == one
            nearest = np.argmin((y[mine] - y[mine].mean()) ** 2 + (x[mine] - x[mine].mean()) ** 2)
            middle_x = ground.grid.west_m + 10 * x[mine][nearest] + 5
            middle_y = ground.grid.north_m - 10 * y[mine][nearest] - 5
            longitude, latitude = to_degrees.transform(middle_x, middle_y)
            found = {name: float(values[y[mine], x[mine]].mean()) for name, values in ground.soil.nutrients.items()}
            rows.append(
                (f"{field_id}/{plots[one]}", field_id, longitude, latitude, _measured(found, laboratory, random))
            )
    lines = [";".join(_HEADINGS)]
    lines += [
        ";".join(
            [sample, field_id, f"{longitude:.6f}", f"{latitude:.6f}", "0", "20", f"10.05.{season}"]
            + [_decimal(found[name], digits) for name, digits in zip(ground.soil.nutrients, (2, 2, 0, 0), strict=True)]
        )
        for sample, field_id, longitude, latitude, found in rows
    ]
    (folder / f"{ground.district}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    y, x = (ground.on_record[::2, ::2] > 0).nonzero()
    table = pd.DataFrame({"row": y, "column": x})
    for name, values in ground.soil.nutrients.items():
        table[name] = values[::2, ::2][y, x].astype("float32")
    table["height_m"] = ground.soil.height_m[::2, ::2][y, x].astype("float32")
    table.to_parquet(truth / f"soil-{ground.district}.parquet", index=False)


def _measured(
    found: Mapping[str, float], laboratory: Mapping[str, Any], random: np.random.Generator
) -> dict[str, float]:
    errors = laboratory["error_cv"]
    return {
        name: value * (1 + random.normal(0, errors[name]))
        if name in errors
        else value + random.normal(0, laboratory["ph_error"])
        for name, value in found.items()
    }


def _decimal(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace(".", ",")
