"""Published yield maps of real fields on pixels of 10 m, for the real tests and the bench."""

import bz2
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

PIXEL_M = 10.0


def vineyard(real: Path) -> xr.DataArray:
    """(season, y, x) yield of three harvests of one Australian field, 49 ha, kriged by its owners on 2 m."""
    import rasterio

    maps = []
    for year in (1, 2, 3):
        with rasterio.open(real / "yield-trials" / "pyprecag" / "rasters" / f"Year{year}_Yield_PRED_2m.tif") as source:
            fine = source.read(1).astype("float64")
            maps.append(coarser(np.where(fine == source.nodata, np.nan, fine), 5))
    return xr.DataArray(np.stack(maps), dims=("season", "y", "x"), coords={"season": [1, 2, 3]})


def argentine_wheat(real: Path) -> xr.Dataset:
    """(y, x) yield `Tg` [t/ha] of one harvest, conductivity `CE30` and `CE90`, `Elev` and soil depth `Pe`; 60 ha."""
    return gridded(argentine_wheat_points(real))


def argentine_wheat_points(real: Path) -> pd.DataFrame:
    """The same as points, `x` and `y` [m] in UTM zone 20 south."""
    raw = bz2.decompress((real / "yield-trials" / "paar_argentina" / "wheat.rda").read_bytes())
    count = (5982).to_bytes(4, "big")
    start, columns = raw.index(count), {}
    for name in ("x", "y", "CE30", "CE90", "Elev", "Pe", "Tg"):
        assert raw[start : start + 4] == count
        columns[name] = np.frombuffer(raw, ">f8", 5982, start + 4).astype("float64")
        start += 4 + 8 * 5982 + 4
    return pd.DataFrame(columns)


def las_rosas(real: Path) -> xr.Dataset:
    """(y, x) of the nitrogen trial: yield of 1999 and 2001 [q/ha] less its mean response to nitrogen, soil brightness
    `bv`, and the landscape class `topo` 1..4 of its authors; the rows of the two years lie between each other."""
    table = pd.read_csv(real / "yield-trials" / "agridat" / "lasrosas.corn.txt", sep="\t")
    x, y = metres(table["long"].to_numpy(), table["lat"].to_numpy())
    table = table.assign(x=x, y=y, topo=table["topo"].map({"LO": 1, "E": 2, "W": 3, "HT": 4}))
    for year, rows in table.groupby("year"):
        response = np.polynomial.Polynomial.fit(rows["nitro"], rows["yield"], 2)
        table[f"y{year}"] = (rows["yield"] - response(rows["nitro"])).reindex(table.index)
    maps = gridded(table[["x", "y", "y1999", "y2001", "bv", "topo"]])
    return maps.assign({name: maps[name].fillna(around(maps[name])) for name in ("y1999", "y2001")})


def montana_protein(real: Path) -> xr.DataArray:
    """(season, y, x) wheat protein [%] of 2016 and 2018, one dryland field of Montana."""
    tables = []
    for year in (2016, 2018):
        name = f"FarmerB_PRO_PRO_{year}_sec35middle.csv"
        table = pd.read_csv(real / "yield-trials" / "ofpe_montana" / name, low_memory=False)
        latitude, longitude = (pd.to_numeric(table[c], errors="coerce") for c in ("y", "x"))
        sound = table["protein"].between(5, 25) & latitude.between(40, 50) & longitude.abs().between(100, 120)
        x, y = metres(-longitude[sound].abs().to_numpy(), latitude[sound].to_numpy())
        tables.append(pd.DataFrame({"x": x, "y": y, f"p{year}": table.loc[sound, "protein"].to_numpy()}))
    maps = gridded(pd.concat(tables, ignore_index=True))
    years = [maps[name].fillna(around(maps[name])) for name in ("p2016", "p2018")]
    return xr.concat(years, pd.Index([2016, 2018], name="season"))


def metres(longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Metres east and north on a plane that touches the field."""
    middle = np.radians(np.nanmedian(latitude))
    return np.radians(longitude) * 6_371_000 * np.cos(middle), np.radians(latitude) * 6_371_000


def gridded(table: pd.DataFrame) -> xr.Dataset:
    """Means of points at x, y [m] on pixels of 10 m, north up."""
    column = np.floor((table["x"] - table["x"].min()) / PIXEL_M).astype(int)
    row = np.floor((table["y"].max() - table["y"]) / PIXEL_M).astype(int)
    means = table.drop(columns=["x", "y"]).groupby([row.rename("y"), column.rename("x")]).mean()
    full = pd.MultiIndex.from_product([range(row.max() + 1), range(column.max() + 1)], names=["y", "x"])
    return means.reindex(full).to_xarray()


def around(layer: xr.DataArray) -> xr.DataArray:
    """The mean of what is known in the 3 x 3 pixels around."""
    from scipy.ndimage import uniform_filter

    known = np.isfinite(layer.values)
    total = uniform_filter(np.where(known, layer.values, 0.0), 3, mode="constant")
    share = uniform_filter(known.astype("float64"), 3, mode="constant")
    return layer.copy(data=np.where(share > 0.05, total / np.maximum(share, 0.05), np.nan))


def coarser(fine: np.ndarray, times: int) -> np.ndarray:
    """Means of blocks at least half of which is known."""
    rows, columns = (-(-n // times) * times for n in fine.shape)
    padded = np.full((rows, columns), np.nan)
    padded[: fine.shape[0], : fine.shape[1]] = fine
    blocks = padded.reshape(rows // times, times, columns // times, times).swapaxes(1, 2).reshape(-1, times * times)
    known = np.isfinite(blocks).sum(axis=1)
    total = np.nansum(blocks, axis=1)
    means = np.where(2 * known >= times * times, total / np.maximum(known, 1), np.nan)
    return means.reshape(rows // times, columns // times)
