"""A small farm on disk for the tests of prescriptions: two fields and a third, their soil, prices and season table."""

from pathlib import Path

import geopandas as gpd
import numpy as np
from prescriptions import degrees
from shapely import MultiPolygon, box
from shapely.affinity import translate

from flows.settings import Settings, load

SEASON = 2026
EAST = degrees(box(0, 0, 900, 600))  # 54 ha; poor in the west, rich in the east
MIDDLE = translate(EAST, 0.03)
BARE = translate(EAST, 0.06)  # nobody sampled it
FIELDS = {"zarya-1": EAST, "zarya-2": MIDDLE, "zarya-3": BARE}
SEASONS = (
    "Поле;Сезон;Культура;Предшественник;Солома\n"
    "zarya-1;2025;ячмень;;оставлена\nzarya-1;2026;яровая пшеница;ячмень;\n"
    "zarya-2;2026;яровая пшеница;чистый пар;\nzarya-3;2026;чистый пар;;\n"
)
PRICES = (
    "Что;Цена, руб/т\nаммиачная селитра;21000\nаммофос 12:52;45000\nхлористый калий;26000\nазофоска 16:16:16;34000\n"
    "яровая пшеница;13500\nизвестняковая мука;2000\n"
)
_HEAD = "Номер образца;Поле;Долгота;Широта;Глубина от, см;Глубина до, см;Дата отбора;pH KCl;P2O5 (Чириков), мг/кг;K2O (Чириков), мг/кг;N-NO3, мг/кг"


def soil(field_ids=("zarya-1", "zarya-2"), day: str = "20.04.2026", acidity: bool = True, rows: int = 4) -> str:
    """A table of samples, 4 x 8 a field; phosphorus rises from west to east as the square of the way."""
    random, lines = np.random.default_rng(7), [_HEAD + (";Гидролитическая кислотность, ммоль/100 г" if acidity else "")]
    for field_id in field_ids:
        west, south, east, north = FIELDS[field_id].bounds
        for i in range(rows):
            for j in range(8):
                x, y = west + (east - west) * (j + 0.5) / 8, south + (north - south) * (i + 0.5) / rows
                p2o5 = 35 + 75 * (j / 7) ** 2 + random.normal(0, 3)
                found = (random.normal(5.0, 0.05), p2o5, random.normal(62, 4), random.normal(9, 0.7))
                cells = [len(lines), field_id, f"{x:.6f}", f"{y:.6f}", 0, 20, day, *(f"{v:.2f}" for v in found)]
                cells += [f"{random.normal(4, 0.2):.2f}"] if acidity else []
                lines.append(";".join(map(str, cells)))
    return "\n".join(lines) + "\n"


def settings_of(folder: Path, *more: str, **files: str) -> Settings:
    """The farm in a folder; `files` are put in the place of seasons, prices and soil; an empty one is not there."""
    return load("stac", overrides(folder, *more, **files))


def overrides(folder: Path, *more: str, **files: str) -> list[str]:
    """The same as the overrides of a command."""
    outline(folder)
    told = [f"fields.path={folder / 'fields.geojson'}", f"store.path={folder / 'store'}", f"advice.season={SEASON}"]
    texts = {"fields.seasons": SEASONS, "advice.prices": PRICES, "records.soil": soil()}
    texts |= {name.replace("__", "."): text for name, text in files.items()}
    for name, text in texts.items():
        path = folder / f"{name.rsplit('.', 1)[-1]}.csv"
        path.write_text(text)
        told.append(f"{name}={path if text else ''}")
    return [*told, *more]


def outline(folder: Path, **changed: MultiPolygon) -> None:
    """The outlines, some of them changed."""
    shapes = {**FIELDS, **{name.replace("_", "-"): shape for name, shape in changed.items()}}
    table = gpd.GeoDataFrame(
        {"field_id": list(shapes), "farm_id": "Заря", "district": "topki"}, geometry=list(shapes.values()), crs=4326
    )
    (folder / "fields.geojson").write_text(table.to_json())
