"""Bad records through the whole command: each ends in a sentence with its code, where it is and what to do, in Russian."""

import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from typer.testing import CliRunner
from workshop import GREEN, Made, Scene, build_catalog, run_plain

from agro.cli import app
from flows.settings import load

SIDE = 150  # [px] two fields of 112 ha
SAMPLES = "№ образца;Долгота;Широта;Глубина, см;Дата отбора;{}"
FIGURES = "Гумус, %;pH KCl;P2O5 (Чириков), мг/кг"
BARE = {**GREEN, "red": 0.14, "nir": 0.22}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, list[str]]:
    """A store of one season with four clear looks, reviewed once without any record."""
    root = tmp_path_factory.mktemp("records")
    days = ("05-10", "06-10", "07-10", "08-20")
    scenes = [
        Scene(f"S2_2021{d}", f"2021-{d}T05:00:00Z", GREEN if "07" in d else BARE, scl=4 if "07" in d else 5)
        for d in days
    ]
    made = build_catalog(root, scenes, side=SIDE)
    overrides = made.overrides(root / "store")
    run_plain(load("stac", overrides))
    seasons = root / "seasons.csv"
    seasons.write_text("field_id,season,crop\nwest,2021,spring wheat\neast,2021,spring wheat\n")
    return made, [*overrides, f"fields.seasons={seasons}"]


def command(overrides: list[str], *more: str) -> tuple[int, str]:
    """`agro review` with these settings: its exit code and what it said."""
    flags = [flag for override in (*overrides, *more) for flag in ("--set", override)]
    done = CliRunner().invoke(app, ["review", "--config", "stac", *flags])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.exit_code, done.output


def places(made: Made, count: int) -> list[tuple[float, float]]:
    """So many points inside the fields, longitude and latitude."""
    random = np.random.default_rng(1)
    x, y = (made.west + random.uniform(50, SIDE * 10 - 50, count) for _ in range(2))
    shapes = gpd.GeoSeries(gpd.points_from_xy(x, made.north - (y - made.west)), crs=made.crs).to_crs(4326)
    return [(p.x, p.y) for p in shapes]


def survey(
    made: Made,
    path: Path,
    count: int = 12,
    figures: str = FIGURES,
    values: str = "6,1;5,4;{p}",
    move: Callable[[float, float], tuple[float, float]] = lambda x, y: (x, y),
) -> Path:
    rows = [
        f"{n};{move(x, y)[0]:.6f};{move(x, y)[1]:.6f};0-20;10.05.2021;{values.format(p=90 + n)}"
        for n, (x, y) in enumerate(places(made, count), start=1)
    ]
    path.write_text("\n".join([SAMPLES.format(figures), *rows]) + "\n", encoding="utf-8")
    return path


def heights(path: Path, crs: str, corner: tuple[float, float], pixel: float, side: int) -> Path:
    place = {"crs": crs, "transform": rasterio.transform.from_origin(*corner, pixel, pixel)}
    shape = {"count": 1, "dtype": "float32", "height": side, "width": side}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place) as dem:
        dem.write(np.add.outer(np.arange(side), np.arange(side)).astype("float32") * 0.2 + 150, 1)
    return path


def cut_in_the_middle(made: Made, folder: Path) -> Path:
    """Heights of the west field and of half of the east one."""
    side = (SIDE * 10 * 3 // 4 + 1_500) // 30
    return heights(folder / "высоты.tif", made.crs, (made.west - 1_500, made.north + 1_500), 30, side)


def in_degrees(made: Made, folder: Path) -> Path:
    """The numbers are degrees, the coordinate system is in metres."""
    return heights(folder / "высоты.tif", made.crs, (85.0, 55.0), 0.0003, 200)


def until_june(folder: Path) -> Path:
    days = pd.date_range("2020-08-01", "2021-06-10")
    mean = 3 - 18 * np.cos(2 * np.pi * (days.day_of_year - 20) / 365)
    table = pd.DataFrame({"day": days.date, "tmin_c": mean - 5, "tmax_c": mean + 5, "tmean_c": mean, "rain_mm": 1.0})
    table.to_csv(folder / "погода.csv", index=False)
    return folder / "погода.csv"


CASES = {
    "samples outside every field": (
        lambda made, folder: survey(made, folder / "почва.csv", move=lambda x, y: (x + 0.5, y)),
        "soil",
        ("SOIL-OUTSIDE", "почва.csv, строка 2 (образец 1)", "не попадает ни в одно поле", "проверьте координаты"),
    ),
    "swapped coordinates": (
        lambda made, folder: survey(made, folder / "почва.csv", move=lambda x, y: (y, x)),
        "soil",
        ("SOIL-SWAPPED", "почва.csv, строка 2 (образец 1)", "похоже, долгота и широта переставлены"),
    ),
    "pH 72": (
        lambda made, folder: survey(made, folder / "почва.csv", values="6,1;72;{p}"),
        "soil",
        ("SOIL-RANGE", "почва.csv, строка 2 (образец 1)", "pH KCl", "72", "потеряна десятичная запятая", "7.2"),
    ),
    "mg/100 g given as mg/kg": (
        lambda made, folder: survey(made, folder / "почва.csv", values="6,1;5,4;9,{p}"),
        "soil",
        ("SOIL-UNIT-VALUES", "почва.csv", "P2O5 (Чириков), мг/кг", "мг на 100 г"),
    ),
    "an unknown method": (
        lambda made, folder: survey(made, folder / "почва.csv", figures="Гумус, %;pH KCl;P2O5 (Олсен), мг/кг"),
        "soil",
        ("SOIL-COLUMNS", "почва.csv", "P2O5 (Олсен), мг/кг"),
    ),
    "no method": (
        lambda made, folder: survey(made, folder / "почва.csv", figures="Гумус, %;pH KCl;P2O5, мг/кг"),
        "soil",
        ("SOIL-NO-METHOD", "почва.csv, строка 2 (образец 1)", "Чирикова, Кирсанова, Мачигина"),
    ),
    "three samples for 200 ha": (
        lambda made, folder: survey(made, folder / "почва.csv", count=3),
        "soil",
        ("SOIL-FEW", "topki, humus, ph, p2o5", "по 3 образцам поверхность не строится", "отберите больше образцов"),
    ),
    "a height model in degrees": (
        in_degrees,
        "elevation",
        ("ELEVATION-CRS-UNIT", "высоты.tif", "угол 85 55", "метр", "укажите ту систему координат"),
    ),
    "a height model that ends in the middle of the field": (
        cut_in_the_middle,
        "elevation",
        ("ELEVATION-UNCOVERED", "✗ east: в модели высот нет данных на", "модель высот, которая покрывает поле"),
    ),
    "weather that stops in June": (
        lambda made, folder: until_june(folder),
        "weather",
        ("WATER-WEATHER-ENDS", "погода: погода кончается 2021-06-10", "2021-08-20", "до конца сентября"),
    ),
}


def test_what_only_waits_for_another_season_is_no_fault(published: tuple[Made, list[str]], tmp_path: Path) -> None:
    overrides = [*published[1], f"store.path={tmp_path / 'store'}"]
    run_plain(load("stac", overrides))
    code, said = command(overrides)
    assert code == 0 and "✗" not in said and "Ждёт следующих сезонов или съёмок" in said, said


@pytest.mark.parametrize("case", CASES)
def test_a_bad_record_ends_in_a_sentence_that_helps(
    published: tuple[Made, list[str]], case: str, tmp_path: Path
) -> None:
    made, overrides = published
    write, record, words = CASES[case]
    code, said = command(overrides, f"records.{record}={write(made, tmp_path)}")
    assert code == 3, said
    for word in (f"[{words[0]}]", *words[1:]):
        assert word in said.replace("\u202f", " "), f"{word}: {said[said.find('✗') :]}"
    assert "Traceback" not in said and "→" in said


def test_a_season_with_four_clear_dates_is_told_and_not_guessed(
    published: tuple[Made, list[str]], tmp_path: Path
) -> None:
    overrides = published[1]
    code, said = command(overrides)
    assert code == 0 and "✗" not in said, said  # time alone mends it
    store = ["--store", next(o for o in overrides if o.startswith("store.path=")).removeprefix("store.path=")]
    shown = CliRunner().invoke(app, ["show", "--field", "west", "--layer", "season_peak", "-o", str(tmp_path / "x.png"), *store])  # fmt: skip
    assert shown.exit_code == 2 and "SHOW-EMPTY" in shown.output and "меньше 6" in shown.output, shown.output
    listed = CliRunner().invoke(app, ["maps", "--json", *store])
    kinds = {row["kind"] for row in json.loads(listed.output)}
    assert "seasons" in kinds and not {"moisture", "moisture_edges"} & kinds


def test_a_height_model_that_truly_is_in_degrees_is_read(published: tuple[Made, list[str]], tmp_path: Path) -> None:
    """GLO-30 comes in degrees: slopes of a plane are those of the plane."""
    made, overrides = published
    bounds = gpd.read_file(made.fields).total_bounds
    path = heights(tmp_path / "glo30.tif", "EPSG:4326", (bounds[0] - 0.3, bounds[3] + 0.2), 1 / 3600, 2_000)
    code, said = command(overrides, f"records.elevation={path}")
    assert "ELEVATION" not in said and "рельеф: 1" in said, (code, said)
