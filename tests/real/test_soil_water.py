"""Evapotranspiration of 6,575 published days; soil water against a neutron probe; the drought of 2018 from space."""

import io
import tomllib
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyfao56
import rasterio
from affine import Affine
from rasterio.features import geometry_mask
from workshop import figure

from agro.agromaps.crop_water import Canopy, Soil, canopy, crops_and_soils
from agro.agromaps.evaporation import reference_evapotranspiration
from agro.agromaps.water import Sky, Start, stopped, water_balance
from agro.agromaps.water_errors import Errors
from agro.sources.weather import read_weather

# Depletion of the whole root zone, 0-105 cm [mm], by neutron probe: year and day of the year, value. Fully irrigated
# maize, plot E42, Greeley, Colorado, 2023. source: kthorp/pyfao56, tests/test07/E42FF2023.sws, mDrmax (CC0).
MEASURED_MM = {
    156: 30.30, 166: 30.15, 172: 43.95, 174: 55.50, 177: 61.80, 184: 54.45, 191: 5.85, 193: 32.10, 194: 43.20,
    198: 38.25, 200: 19.95, 201: 24.75, 205: 5.55, 207: 25.05, 208: 37.20, 212: 55.65, 214: 27.30, 215: 40.50,
    219: 50.85, 221: 16.95, 222: 29.70, 226: 40.20, 229: 35.40, 233: 23.10, 236: 39.90, 240: 53.10, 242: 24.45,
    243: 24.15, 250: 37.20, 257: 27.60, 264: 31.95, 271: 45.45, 285: 48.15, 300: 62.40,
}  # fmt: skip


def rmse(difference: object) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(difference, dtype=float)))))


def test_reference_evapotranspiration_of_6575_published_days(real: Path) -> None:
    """Maricopa, Arizona, 2003-2020, published to 0.01 mm; wind at 3 m, humidity as dew point."""
    lines = (real / "weather/pyfao56/test02/AZMET_Maricopa_ETo.wth").read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Year-DOY"))
    told = pd.read_csv(io.StringIO("\n".join(lines[start:])), sep=r"\s+")
    days = pd.DataFrame(
        {
            "day": pd.to_datetime(told["Year-DOY"], format="%Y-%j"),
            "tmin_c": told["Tmin"],
            "tmax_c": told["Tmax"],
            "dew_point_c": told["Tdew"],
            "radiation_mj_m2": told["Srad"],
            "wind_m_s": told["Wndsp"],
            "wind_height_m": 3.0,
        }
    )
    got = reference_evapotranspiration(days, 33.069, 361.0)
    assert len(got) == 6575 and (got["et0_how"] == "").all()
    apart = rmse(got["et0_mm"] - told["ETref"])
    figure(
        "reference evapotranspiration", "6,575 published days of Maricopa", "goal 0.02 mm/d RMSE", f"{apart:.4f} mm/d"
    )
    assert apart < 0.02


def test_depletion_against_a_neutron_probe(real: Path) -> None:
    """Ours within a tenth of pyfao56's own error, and better than what does without a balance."""
    folder = real / "weather/pyfao56/test07"
    parameters = pyfao56.Parameters()
    parameters.loadfile(str(folder / "E42FF2023.par"))
    inputs = {
        "irr": pyfao56.Irrigation(str(folder / "E42FF2023.irr")),
        "sol": pyfao56.SoilProfile(str(folder / "E42FF2023.sol")),
        "upd": pyfao56.Update(str(folder / "E42FF2023.upd")),
    }
    weather = pyfao56.Weather(str(folder / "LIRFWeather2023.wth"))
    model = pyfao56.Model("2023-122", "2023-305", parameters, weather, cons_p=True, **inputs)
    model.run()
    theirs = model.odata
    column = {name: theirs[name].to_numpy(dtype=float)[:, None] for name in theirs.columns[4:46]}
    days = np.arange(np.datetime64("2023-05-02"), np.datetime64("2023-05-02") + len(theirs))
    crop = Canopy(column["Kcb"], column["Kcmax"], column["fc"], column["Zr"], np.array([0.5]), np.array([1.05]))
    soil = Soil(*(np.array([value]) for value in (0.1844, 0.0922, 0.0623, 8.0, np.nan)))
    start = Start(days[:1], np.array([46.1]), np.array([10.0]), np.array([8.6]))
    got = water_balance(Sky(days, column["Rain"], column["ETref"], column["Irrig"]), crop, soil, start, dtype="float64")
    came, went = column["Rain"][:, 0] + column["Irrig"][:, 0], ("evaporation_mm", "transpiration_mm", "drainage_mm")
    ours = 48.405 - np.cumsum(came - sum(got[name].values[:, 0] for name in went))
    at = [day - 122 for day in MEASURED_MM]
    measured = np.array(list(MEASURED_MM.values()))
    error = {
        "ours": rmse(ours[at] - measured),
        "pyfao56": rmse(column["Drmax"][at, 0] - measured),
        "first measurement": rmse(measured[0] - measured[1:]),
        "last measurement": rmse(np.diff(measured)),
        "their mean": rmse(measured.mean() - measured),
    }
    others = ", ".join(f"{name} {value:.1f}" for name, value in error.items() if name != "ours")
    figure("root-zone depletion", "34 days of a neutron probe, Greeley 2023; RMSE, mm", others, f"{error['ours']:.1f}")
    assert error["ours"] < 1.1 * error["pyfao56"]
    assert error["ours"] < 0.9 * min(error["first measurement"], error["last measurement"])
    assert error["ours"] < error["their mean"]


def greenness(folder: Path, names: list[str]) -> pd.DataFrame:
    """Mean NDVI of the clear pixels of fields on clear days (classes 4 and 5, over half of the field), by day."""
    fields = gpd.read_file(folder / "fields.gpkg").set_index("field_id").to_crs(32631)
    rows: dict[pd.Timestamp, dict[str, float]] = {}
    for item in sorted((folder / "catalog/sentinel-2-l2a").glob("*/*.json")):
        bands = []
        for name in ("B04", "B08", "SCL"):
            with rasterio.open(item.parent / f"{name}.tif") as raster:
                bands.append(raster.read(1).astype(float))
        place = Affine(10, 0, 501360, 0, -10, 5629680)
        red, nir, classes = bands[0], bands[1], bands[2].repeat(2, 0).repeat(2, 1)
        for name in names:
            inside = geometry_mask([fields.geometry[name].buffer(-10)], red.shape, place, invert=True)
            clear = inside & np.isin(classes, (4, 5)) & (red > 0) & (nir > 0)
            if clear.sum() > inside.sum() / 2:
                index = ((nir - red) / (nir + red))[clear].mean()
                rows.setdefault(pd.Timestamp(item.stem.split("_")[2]), {})[name] = index
    return pd.DataFrame.from_dict(rows, orient="index")[names].sort_index()


def test_the_drought_of_2018_is_seen(real: Path) -> None:
    """Rain from the table, greenness from space, soil by default: the store empties in July and the grass shows it."""
    known = tomllib.loads((Path(__file__).parents[2] / "configs/water.toml").read_text())
    weather, refused = read_weather(real / "flanders-2018/weather.csv", 10.0, until=date(2018, 12, 31))
    assert [refusal.code for refusal in refused] == ["WEATHER-ENDS"]
    weather = weather.drop(columns=["et0_mm", "humidity_min_pct"]).join(
        reference_evapotranspiration(weather, 50.816, 20.0)
    )
    weather = weather[weather["day"] >= "2018-01-01"].set_index("day")
    fields = pd.DataFrame({"field_id": ["flanders-2018-04", "flanders-2018-05"], "crop": ["perennial_grass", "maize"]})
    kept, crops, soil, _ = crops_and_soils(fields, known["crops"], known["soil"])
    looks = greenness(real / "flanders-2018", kept["field_id"].tolist())
    daily = (
        looks.reindex(looks.index.union(weather.index)).interpolate("time", limit_direction="both").loc[weather.index]
    )
    wind, humid = (weather[[name]].to_numpy() for name in ("wind_2m_m_s", "humidity_min_pct"))
    holds = 1000 * (soil.field_capacity - soil.wilting_point)
    start = Start(np.repeat(np.datetime64("2018-01-01"), 2), holds / 2, holds * 0.35)
    common = {name: value for name, value in known["errors"].items() if name != "et0"}
    errors = Errors(**common, **known["errors"]["et0"][""])
    sky = Sky(weather.index.to_numpy(), weather[["rain_mm"]].to_numpy(), weather[["et0_mm"]].to_numpy())
    got = water_balance(sky, canopy(daily.to_numpy(), crops, wind, humid), soil, start, errors)
    assert not stopped(got, kept["field_id"].tolist(), date(2018, 11, 30))
    month = got.groupby("day.month").mean()
    water, stress = month["water_100cm_mm"], month["stress"]
    spring, summer = (", ".join(f"{v:.0f}" for v in water.sel(month=m).values) for m in (3, 7))
    figure("available water 0-100 cm, mm, grass and maize", "drought of July 2018, Flanders (March)", spring, summer)
    assert (water.sel(month=3) > 0.85 * holds).all() and (water.sel(month=7) < 0.3 * holds).all()
    assert (got["water_20cm_mm"].sel(day="2018-07").mean("day") < 5).all()
    assert (stress.sel(month=7) < 0.6).all() and (stress.sel(month=[3, 4, 5]) > 0.95).all()
    grass = looks["flanders-2018-04"].groupby(looks.index.to_period("M")).mean()
    assert grass["2018-07"] < grass["2018-05"] - 0.1  # the grass itself, which the balance foretells a little earlier
    dry = got["stress"].isel(field=0) < 0.5
    assert (
        pd.Timestamp("2018-06-20") < pd.Timestamp(got["day"].values[dry.values.argmax()]) < pd.Timestamp("2018-07-15")
    )
