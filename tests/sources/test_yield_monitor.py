import shutil
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pytest
import time_logs

from agro.domain.errors import AgroError
from agro.domain.harvest import MONITOR_COLUMNS, Monitored
from agro.sources.yield_monitor import read_monitor, read_monitors
from flows.settings import crops

HEAD = "Долгота,Широта,Время,Пройдено (м),Ширина захвата (м),Влажность (%),Урожайность (ц/га)"
ROWS = [f"86.{n:06d},55.3,2022-09-01 10:00:{n:02d},2.0,6.0,15.5,{24 + n}" for n in range(10)]


def table(tmp_path: Path, *rows: str, head: str = HEAD, said: str = "", name: str = "m.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join([head, *(rows or ROWS)]), encoding="utf-8")
    if said:
        path.with_suffix(".toml").write_text(said, encoding="utf-8")
    return path


def read(path: Path) -> Monitored:
    monitored, refused = read_monitor(path, crops(), date(2024, 1, 1))
    assert not refused, refused[0].reason
    return monitored


def test_a_table_with_units_in_its_headings(tmp_path: Path) -> None:
    monitored = read(table(tmp_path))
    points = monitored.points
    assert tuple(points.columns) == MONITOR_COLUMNS and len(points) == 10
    assert points["yield_t_ha"].tolist() == pytest.approx([2.4 + n / 10 for n in range(10)])
    assert points["clock_s"].tolist() == list(range(10)) and str(points["day"].iloc[0]) == "2022-09-01 00:00:00"
    assert points["swath_m"].tolist() == [6.0] * 10 and points["working"].all()
    assert monitored.weight_basis == "bunker" and monitored.crop is None


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    head, rows = HEAD.replace(",", ";"), [row.replace(",", ";").replace(".", ",") for row in ROWS]
    assert read(table(tmp_path, *rows, head=head)).points["yield_t_ha"].iloc[0] == pytest.approx(2.4)


def test_yield_of_flow_interval_distance_and_swath_by_hand(tmp_path: Path) -> None:
    """9 lb/s for 3 s on 6 m times 9 m: 27 lb on 54 m2, 12.247 kg, 2.268 t/ha; 18 % moisture to 14 %."""
    head = "Longitude,Latitude,Flow,Cycles,Distance,Swath,Moisture"
    said = "to_moisture_pct = 14\nseason = 2022\ncrop = 'рожь'\n[columns]\nFlow = 'flow, lb/s'\nCycles = 'interval, s'\nDistance = 'distance, cm'\nSwath = 'swath, cm'\nMoisture = 'moisture, %'"
    monitored = read(table(tmp_path, "86.0,55.3,9,3,600,900,18", head=head, said=said))
    assert monitored.points["yield_t_ha"].iloc[0] == pytest.approx(27 * 0.45359237 / 54 * 10 * 82 / 86)
    assert (monitored.season, monitored.crop, monitored.at_moisture_pct) == (2022, "winter_rye", 14)


def test_places_in_a_named_coordinate_system(tmp_path: Path) -> None:
    head = HEAD.replace("Долгота,Широта", "X,Y")
    monitored = read(table(tmp_path, "436000,6128000,,2,6,15,25", head=head, said='crs = "EPSG:32645"'))
    assert monitored.points[["lon", "lat"]].iloc[0].tolist() == pytest.approx([85.99, 55.29], abs=0.02)


def test_a_shapefile(tmp_path: Path) -> None:
    points = gpd.GeoDataFrame({"YldMassDry": [2.5, 2.6], "Moisture": [14.0, 15.0]}, geometry=gpd.points_from_xy([86.0, 86.1], [55.3, 55.3]), crs=4326)  # fmt: skip
    points.to_crs(32645).to_file(tmp_path / "m.shp")
    (tmp_path / "m.toml").write_text('season = 2021\n[columns]\nYldMassDry = "yield, t/ha"\nMoisture = "moisture, %"')
    monitored = read(tmp_path / "m.shp")
    assert monitored.points["yield_t_ha"].tolist() == [2.5, 2.6]
    assert monitored.points["lon"].tolist() == pytest.approx([86.0, 86.1])


def test_a_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["lon", "lat", "time", "yield, t/ha", "moisture, %"])
    book.active.append([86.0, 55.3, datetime(2022, 9, 1, 10, 0, 0), 2.5, 14])
    book.active.append([86.0, 55.4, datetime(2022, 9, 1, 10, 0, 5), 2.5, 14])
    book.save(tmp_path / "m.xlsx")
    assert read(tmp_path / "m.xlsx").points["clock_s"].tolist() == [0, 5]


def logged(folder: Path, crop: str = "пшеница") -> Path:
    start = datetime(2022, 9, 1, 10, 0)
    values = [(0x54, "DET-1"), (0x63, "DET-1"), (0x43, "DET-1"), (0x8D, "DET-1")]
    records = [
        (start + timedelta(seconds=n), {"A": 55.3 + n * 1e-5, "B": 86.0, "C": 200, "D": 4}, {0: 250_000 + n} | ({1: 155_000, 2: 9_000, 3: 1} if n == 0 else {}))
        for n in range(20)
    ]  # fmt: skip
    return time_logs.task_data(folder, values, records, crop)


def test_task_data_of_a_combine_as_a_folder_and_as_a_zip(tmp_path: Path) -> None:
    folder = logged(tmp_path / "TASKDATA")
    with zipfile.ZipFile(tmp_path / "combine.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"TASKDATA/{file.name.lower()}")
    for path in (folder, tmp_path / "combine.zip"):
        monitored = read(path)
        points = monitored.points
        assert points["yield_t_ha"].iloc[0] == pytest.approx(2.5) and points["moisture_pct"].iloc[-1] == pytest.approx(15.5)  # fmt: skip
        assert points["swath_m"].iloc[5] == 9.0 and points["clock_s"].iloc[-1] == 19.0 and monitored.crop == "spring_wheat"  # fmt: skip


@pytest.mark.parametrize(
    ("head", "row", "said", "code"),
    [
        (HEAD.replace("Долгота,Широта", "X,Y"), ROWS[0], "", "MONITOR-NO-CRS"),
        (HEAD.replace("Долгота,Широта", "X,Y"), ROWS[0], "crs = 'EPSG:1'", "SOIL-CRS"),
        (HEAD.replace("Долгота", "Восточная"), ROWS[0], "", "CSV-MISSING"),
        (HEAD.replace("Урожайность (ц/га)", "Урожайность"), ROWS[0], "", "YIELD-UNIT"),
        (HEAD.replace("Влажность (%)", "Лишнее"), ROWS[0], "", "MONITOR-MOISTURE"),
        (HEAD, "0,0,,2,6,15,25", "", "MONITOR-NOWHERE"),
        (HEAD, "436000,6128000,,2,6,15,25", "", "MONITOR-NOWHERE"),
        (HEAD.replace("Урожайность (ц/га)", "Dry yield (t/ha)"), ROWS[0], "", "MONITOR-DRY"),
        ("lon,lat,flow (kg/s),distance (m),swath (m),interval (s),moisture (%)", "86,55,4,2,0,1,15", "", "MONITOR-SWATH"),
        (HEAD, "86,55.3,2206-09-01 10:00:00,2,6,15,25", "", "MONITOR-DAY"),
        (HEAD, ROWS[0], "crop = 'сойя'", "CROP-UNKNOWN"),
        (HEAD, ROWS[0], "sezon = 2022", "MONITOR-KEY"),
        (HEAD, ROWS[0], "season = 2206", "MONITOR-SAID"),
        (HEAD, ROWS[0], "weight_basis = 'mixed'", "MONITOR-SAID"),
        (HEAD, ROWS[0], "season = ", "CFG-TOML"),
        (HEAD, "86,55.3", "", "CSV-EMPTY"),
    ],
)  # fmt: skip
def test_a_bad_file_ends_in_a_sentence_and_the_others_are_read(
    tmp_path: Path, head: str, row: str, said: str, code: str
) -> None:
    table(tmp_path, row, head=head, said=said)
    table(tmp_path, name="z.csv")
    read_files, refused = read_monitors(tmp_path, crops(), date(2024, 1, 1))
    assert [one.where for one in read_files] == ["z.csv"]
    assert code in [one.code for one in refused]
    assert all("m.csv" in one.reason or "m.toml" in one.reason for one in refused)


def test_ragged_rows_are_counted_and_the_others_stay(tmp_path: Path) -> None:
    monitored, refused = read_monitor(table(tmp_path, *ROWS, "86,55.3", "1,2,3"), crops(), date(2024, 1, 1))
    assert len(monitored.points) == 10 and [one.code for one in refused] == ["MONITOR-ROWS"]
    assert "row 12" in refused[0].reason and "2 rows" in refused[0].reason


def test_words_among_numbers_are_no_numbers(tmp_path: Path) -> None:
    points = read(table(tmp_path, *ROWS, ROWS[0].replace(",24", ",ERROR"))).points
    assert np.isnan(points["yield_t_ha"].iloc[-1]) and len(points) == 11


def test_a_shapefile_without_prj(tmp_path: Path) -> None:
    points = gpd.GeoDataFrame({"y": [1.0]}, geometry=gpd.points_from_xy([86.0], [55.3]), crs=4326)
    points.to_file(tmp_path / "m.shp")
    (tmp_path / "m.prj").unlink()
    with pytest.raises(AgroError) as refused:
        read_monitor(tmp_path / "m.shp", crops(), date(2024, 1, 1))
    assert refused.value.refusal.code == "VECTOR-NO-CRS"


def test_task_data_without_yield_and_a_log_that_is_missing(tmp_path: Path) -> None:
    folder = logged(tmp_path / "TASKDATA")
    (folder / "TLG00001.BIN").rename(folder / "other.bin")
    with pytest.raises(AgroError) as refused:
        read_monitor(folder, crops(), date(2024, 1, 1))
    assert refused.value.refusal.code == "MONITOR-NO-YIELD"


def test_a_zip_that_is_none_and_one_that_swells(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 not a zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("TASKDATA/TLG00001.BIN", b"\x00" * 40_000_000)
    shutil.copy(logged(tmp_path / "TASKDATA") / "TASKDATA.XML", tmp_path / "c.txt")
    read_files, refused = read_monitors(tmp_path, crops(), date(2024, 1, 1))
    assert [one.where for one in read_files] == ["TASKDATA"]
    assert sorted(one.code for one in refused) == ["ARCHIVE-TOO-LARGE", "ARCHIVE-TORN"]
