"""What was applied, as it comes: time logs, shapefiles, tables; and what ends in a sentence."""

import zipfile
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prescriptions import LAT, LON, degrees
from shapely import Point, box
from task_files import files, packed

from agro.domain.errors import AgroError, BadInput
from agro.sources.as_applied import read_applied
from agro.sources.time_log import decode
from agro.twin.spreader import Spreader, drive

GROUND = degrees(box(0, 0, 400, 190))
BEGAN = datetime(2026, 5, 4, 9, 30)


def driven(**more) -> tuple[bytes, float, float]:
    done = drive(
        GROUND, lambda places: np.where(places[:, 0] < LON + 0.003, 100.0, 200.0), Spreader(**more), "Карбамид", BEGAN
    )
    return done.taskdata, done.fallen_kg, done.passed_ha


def test_a_time_log_by_hand(tmp_path: Path) -> None:
    content, fallen_kg, passed_ha = driven()
    (tmp_path / "log.zip").write_bytes(content)
    (found,) = read_applied(tmp_path / "log.zip")
    assert (found.product, found.unit, found.began_at, found.unread) == ("Карбамид", "kg/ha", "2026-05-04T09:30:00", ())
    on = found.rows[found.rows["working"]]
    assert set(on["rate"]) == {100.0, 200.0} and set(found.rows["width_m"]) == {24.0}
    assert (on["rate"] == on["target"]).all()
    assert found.rows["total"].iloc[-1] == pytest.approx(fallen_kg, abs=1)
    width = ((on["right"] - on["left"]) * on["width_m"]).sum() * 3.0 / 1e4
    assert width == pytest.approx(passed_ha)
    assert on["lat"].between(LAT - 1e-4, LAT + 0.002).all()
    half = on[(on["right"] - on["left"]) < 1]  # the last swath hangs over the border
    assert len(half) > 50 and {(-0.5, 0.5)} != set(zip(half["left"], half["right"], strict=True))


def test_the_same_as_a_table_and_as_points(tmp_path: Path) -> None:
    content, fallen_kg, _ = driven()
    (tmp_path / "log.zip").write_bytes(content)
    (log,) = read_applied(tmp_path / "log.zip")
    rows = log.rows
    table = pd.DataFrame({"Время": pd.Timestamp(BEGAN) + pd.to_timedelta(rows["seconds"], unit="s"), "долгота": rows["lon"], "широта": rows["lat"], "Внесено, кг/га": rows["rate"].map("{:.2f}".format).str.replace(".", ","), "Ширина захвата, м": 24, "Продукт": "Карбамид"})  # fmt: skip
    table.to_csv(tmp_path / "log.csv", index=False, sep=";", date_format="%d.%m.%Y %H:%M:%S", encoding="cp1251")
    (found,) = read_applied(tmp_path / "log.csv")
    np.testing.assert_allclose(found.rows["rate"], rows["rate"])
    np.testing.assert_allclose(found.rows["seconds"], rows["seconds"])
    assert (found.product, found.unit, set(found.rows["width_m"])) == ("Карбамид", "kg/ha", {24.0})
    points = gpd.GeoDataFrame({"Rate_kg_ha": rows["rate"], "swath": 24.0}, geometry=[Point(xy) for xy in zip(rows["lon"], rows["lat"], strict=True)], crs=4326)  # fmt: skip
    points.to_crs(32645).to_file(tmp_path / "log.shp")
    (found,) = read_applied(tmp_path / "log.shp")
    with zipfile.ZipFile(tmp_path / "usb.zip", "w") as archive:
        for part in tmp_path.glob("log.*"):
            archive.write(part, f"Applied/{part.name}")
    (zipped,) = read_applied(tmp_path / "usb.zip")
    pd.testing.assert_frame_equal(zipped.rows, found.rows)
    np.testing.assert_allclose(found.rows[["lon", "lat"]], rows[["lon", "lat"]], atol=1e-7)
    assert found.rows["seconds"].isna().all() and fallen_kg > 0


def test_polygons_bring_their_own_area(tmp_path: Path) -> None:
    squares = [degrees(box(20 * n, 0, 20 * n + 20, 20)) for n in range(5)]
    gpd.GeoDataFrame({"applied_l_ha": [90.0] * 5}, geometry=squares, crs=4326).to_file(tmp_path / "a.geojson")
    (found,) = read_applied(tmp_path / "a.geojson")
    assert found.unit == "l/ha" and found.rows["area_m2"].tolist() == pytest.approx([400] * 5, rel=5e-3)


@pytest.mark.parametrize(
    ("heading", "code"),
    [
        ("lon,lat,rate", "APPLIED-UNIT"),
        ("lon,lat,норма_ц_га", "APPLIED-UNIT"),
        ("lon,rate_kg_ha", "APPLIED-COLUMNS"),
        ("a,b", "APPLIED-COLUMNS"),
    ],
)
def test_a_table_that_does_not_say_enough(tmp_path: Path, heading: str, code: str) -> None:
    (tmp_path / "t.csv").write_text(heading + "\n" + ",".join(["1"] * len(heading.split(","))) + "\n")
    with pytest.raises(BadInput, match=code):
        read_applied(tmp_path / "t.csv")


def test_task_data_without_a_log_and_something_else(tmp_path: Path) -> None:
    held = files(driven()[0])
    main = held["TASKDATA/TASKDATA.XML"].replace(b"TLG00001", b"TLG00009")
    (tmp_path / "a.zip").write_bytes(packed({"TASKDATA/TASKDATA.XML": main}))
    with pytest.raises(BadInput, match="APPLIED-NONE"):
        read_applied(tmp_path / "a.zip")
    (tmp_path / "b.zip").write_bytes(packed({"notes.txt": b"x"}))
    with pytest.raises(BadInput, match="APPLIED-FORMAT"):
        read_applied(tmp_path / "b.zip")
    (tmp_path / "c.pdf").write_bytes(b"x")
    with pytest.raises(BadInput, match="TASK-NONE"):
        read_applied(tmp_path / "c.pdf")


def test_a_cut_log_gives_what_is_before_the_cut(tmp_path: Path) -> None:
    held = files(driven()[0])
    whole = held["TASKDATA/TLG00001.bin"]
    (tmp_path / "a.zip").write_bytes(packed({**held, "TASKDATA/TLG00001.bin": whole[: len(whole) // 2 + 3]}))
    (found,) = read_applied(tmp_path / "a.zip")
    assert len(found.rows) > 100 and [one.code for one in found.unread] == ["LOG-TORN"]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_bytes_as_a_log(data: st.DataObject) -> None:
    """Records, or a sentence; never more records than bytes allow."""
    held = files(driven()[0])
    header, content = held["TASKDATA/TLG00001.xml"], held["TASKDATA/TLG00001.bin"][:2000]
    at = data.draw(st.integers(0, len(content)))
    broken = content[:at] + data.draw(st.binary(max_size=200)) + content[at + data.draw(st.integers(0, 100)) :]
    log = decode(header, broken, "log")
    assert len(log.records) <= len(broken) // 16
    try:
        decode(data.draw(st.binary(max_size=100)), broken, "log")
    except AgroError as error:
        assert str(error)
