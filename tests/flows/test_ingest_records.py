"""Weather and heights go into the local catalogue once, and are read there as what they are; bad ones are told."""

import json
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from agro.domain.grid import Grid
from agro.sources.elevation import read
from agro.sources.elevation_files import files_of
from agro.sources.weather import read_weather
from flows.ingest import Ingested, ingest
from flows.settings import load

Take = Callable[..., Ingested]


@pytest.fixture
def take(tmp_path: Path) -> Take:
    return lambda *paths: ingest(load("stac"), paths, tmp_path / "local")


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "station.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_becomes_the_daily_table_once(tmp_path: Path, take: Take) -> None:
    rows = "Дата;tmin_c;tmax_c;Осадки, мм;ветер 10 м, м/с\n01.07.2022;10,5;22;0;3\n02.07.2022;11;24;1,5;2\n04.07.2022;9;21;0;2\n"
    done = take(table(tmp_path, rows))
    assert [r.code for r in done.refused] == ["WEATHER-GAP"] and done.taken[0].new
    kept = read_weather(tmp_path / "local" / "weather" / "station" / "weather.csv")[0]
    assert kept["place"].unique().tolist() == ["station"] and kept["rain_mm"].sum() == 1.5
    assert kept["tmin_c"].iloc[0] == 10.5 and kept["wind_height_m"].iloc[0] == 10 and len(kept) == 4
    assert not take(tmp_path / "station.csv").taken[0].new


@pytest.mark.parametrize(
    "rows, expected",
    [
        ("day,tmin_c,tmax_c,rain\n2022-07-01,10,5,22,0,3\n2022-07-02,11,5,24,0,3\n", "WEATHER-CELLS"),
        ("day,tmin,tmax,rain\n2022-07-01,55,86,0\n2022-07-02,52,80,0\n", "WEATHER-UNIT"),
        ("day,tmin,tmax,rain\n2022-07-01,5,16,0\n2022-07-01,6,18,0\n2022-07-02,5,16,0\n", "WEATHER-TWICE"),
    ],
)
def test_bad_weather_ends_in_a_sentence(tmp_path: Path, take: Take, rows: str, expected: str) -> None:
    assert expected in {r.code for r in take(table(tmp_path, rows)).refused}


def test_a_service_s_answer(tmp_path: Path, take: Take) -> None:
    """The shape of NASA POWER's daily point; -999 is its mark of what is missing."""
    days = {"20220701": 10.0, "20220702": 11.0}
    values = {"T2M_MIN": days, "T2M_MAX": {d: v + 9 for d, v in days.items()}, "PRECTOTCORR": {**days, "20220702": -999.0}, "ALLSKY_SFC_SW_DWN": dict.fromkeys(days, 20.0), "WS2M": days}  # fmt: skip
    units = {"T2M_MIN": "C", "T2M_MAX": "C", "PRECTOTCORR": "mm/day", "ALLSKY_SFC_SW_DWN": "MJ/m^2/day", "WS2M": "m/s"}
    answer = {"properties": {"parameter": values}, "parameters": {n: {"units": u} for n, u in units.items()}, "header": {"fill_value": -999.0}}  # fmt: skip
    path = tmp_path / "point.json"
    path.write_text(json.dumps(answer))
    done = take(path)
    assert [r.code for r in done.refused] == ["WEATHER-MISSING"]
    kept = read_weather(tmp_path / "local" / done.taken[0].place / "weather.csv")[0]
    assert kept["rain_mm"].iloc[0] == 10 and np.isnan(kept["rain_mm"].iloc[1])
    assert kept["radiation_mj_m2"].tolist() == [20, 20] and kept["wind_height_m"].iloc[0] == 2
    path.write_text("{}")
    assert [r.code for r in take(path).refused] == ["WEATHER-JSON"]


def grid_file(path: Path, name: str, units: str, value: float) -> None:
    with netCDF4.Dataset(path, "w") as file:
        for axis, values in (("time", [0, 1]), ("lat", [55.4, 55.3]), ("lon", [86.0, 86.1])):
            file.createDimension(axis, len(values))
            file.createVariable(axis, "f8", (axis,))[:] = values
        file["time"].units = "days since 2022-07-01"
        variable = file.createVariable(name, "f4", ("time", "lat", "lon"), fill_value=-9999.0)
        variable.units = units
        variable[:] = value + np.arange(8).reshape(2, 2, 2)


def test_grids_of_agera5(tmp_path: Path) -> None:
    folder = tmp_path / "agera5"
    folder.mkdir()
    for name, units, value in (
        ("Temperature_Air_2m_Min_24h", "K", 283.15),
        ("Temperature_Air_2m_Max_24h", "K", 293.15),
        ("Precipitation_Flux", "mm d-1", 1.0),
        ("Solar_Radiation_Flux", "J m-2 day-1", 2e7),
        ("Wind_Speed_10m_Mean", "m s-1", 2.0),
        ("Vapour_Pressure_Mean", "hPa", 12.0),
    ):
        grid_file(folder / f"{name}.nc", name, units, value)
    kept, refused = read_weather(folder, places={"topki": (86.09, 55.31)})
    assert not refused and kept["place"].unique().tolist() == ["topki"]
    assert kept["tmin_c"].tolist() == pytest.approx([13, 17]) and kept["rain_mm"].tolist() == [4, 8]
    assert kept["radiation_mj_m2"].tolist() == pytest.approx([20, 20], abs=0.01)
    assert kept["vapour_pressure_kpa"].tolist() == pytest.approx([1.5, 1.9])
    assert ingest(load("stac"), [folder], tmp_path / "local").taken[0].place == "weather/agera5"
    (folder / "Precipitation_Flux.nc").write_bytes(b"\x89HDF torn")
    with pytest.raises(Exception, match="WEATHER-N"):
        read_weather(folder)


def test_heights_with_zeros_for_missing_get_their_mark(tmp_path: Path, take: Take) -> None:
    heights = np.full((80, 80), 250, "int16") + np.arange(80, dtype="int16")
    heights[:, :30] = 0
    path = tmp_path / "dem.tif"
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:32645", transform=from_origin(400_000, 6_100_000, 20, 20), height=80, width=80, count=1, dtype="int16") as raster:  # fmt: skip
        raster.write(heights, 1)
    done = take(path)
    assert not done.refused and "37.5 %" in str(done.taken[0].sentence) and not take(path).taken[0].new
    (kept,) = files_of(tmp_path / "local" / "elevation" / "collection.json")
    with rasterio.open(kept) as cog:
        assert cog.nodata == 0
    asked = Grid("EPSG:32645", 400_000, 6_100_000, 40, 40, 40)
    np.testing.assert_array_equal(read(kept, asked).values, read(path, asked).values)


@pytest.mark.parametrize(("value", "code"), [(32_000, "ELEVATION-RANGE"), (-9999, "ELEVATION-RANGE")])
def test_heights_that_cannot_be_are_told(tmp_path: Path, take: Take, value: int, code: str) -> None:
    heights = np.full((20, 20), 250, "int16")
    heights[3, 4] = value
    path = tmp_path / "dem.tif"
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:32645", transform=from_origin(400_000, 6_100_000, 20, 20), height=20, width=20, count=1, dtype="int16") as raster:  # fmt: skip
        raster.write(heights, 1)
    done = take(path)
    assert [r.code for r in done.refused] == [code] and not done.taken
    assert done.refused[0].facts["met"] == str(value) and not (tmp_path / "local" / "elevation").exists()


def test_a_folder_of_weather_is_taken_file_by_file(tmp_path: Path, take: Take) -> None:
    folder = tmp_path / "stations"
    folder.mkdir()
    rows = "day;tmin_c;tmax_c;rain_mm\n2022-07-01;10;22;0\n2022-07-02;9;21;1\n"
    (folder / "topki.csv").write_text(rows)
    (folder / "yurga.csv").write_text(rows.replace("tmin_c;tmax_c", "tmin_c;tmax"))
    (folder / "torn.csv").write_text("day;tmin\n")
    done = take(folder)
    assert [one.place for one in done.taken] == ["weather/topki", "weather/yurga"] and len(done.refused) == 1
    named = read_weather(tmp_path / "local" / "weather" / "topki" / "weather.csv")[0]
    assert named["place"].unique().tolist() == ["topki"]
