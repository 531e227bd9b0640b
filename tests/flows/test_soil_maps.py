"""Laboratory samples to the store: every property by its own newest survey, classes where they are known, the alarm."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from agro.domain.errors import Refusal
from agro.store.index import opened
from agro.store.publish import Store, read_asset, writing
from agro.store.tables import from_parquet
from flows.plan import Land, read_land
from flows.settings import Settings, load
from flows.soil_maps import make_soil

CRS, WEST, NORTH = "EPSG:32645", 400_000, 6_100_000
HEAD = "№ образца;Поле;Долгота;Широта;Глубина, см;Дата отбора"


@pytest.fixture
def region(tmp_path: Path) -> tuple[Settings, Land]:
    """Two fields of 100 ha beside each other; no pass is needed for what the laboratory says."""
    shapes = [box(WEST, NORTH - 1000, WEST + 1000, NORTH), box(WEST + 1000, NORTH - 1000, WEST + 2000, NORTH)]
    fields = gpd.GeoDataFrame({"field_id": ["west", "east"], "district": ["topki"] * 2}, geometry=shapes, crs=CRS)
    fields.to_crs(4326).to_file(tmp_path / "fields.geojson", driver="GeoJSON", COORDINATE_PRECISION=9)
    settings = load("stac", [f"fields.path={tmp_path / 'fields.geojson'}", f"store.path={tmp_path / 'store'}"])
    return settings, read_land(settings)


def rows(
    year: int, figures: Callable[[str, float, np.random.Generator], str], depth: str = "0-20", first: int = 1
) -> list[str]:
    """Forty samples: id, field, place, layer, day, and what the function makes of field and way east (0..2)."""
    random, told = np.random.default_rng(year), []
    for number in range(40):
        x, y = WEST + 25 + 50 * number, NORTH - 100 - 800 * random.random()
        place = gpd.GeoSeries(gpd.points_from_xy([x], [y]), crs=CRS).to_crs(4326).iloc[0]
        field = "west" if x < WEST + 1000 else "east"
        told.append(f"{first + number};{field};{place.x:.6f};{place.y:.6f};{depth};10.05.{year};{figures(field, (x - WEST) / 1000, random)}")  # fmt: skip
    return told


def mapped(region: tuple[Settings, Land], tables: dict[str, str], folder: Path) -> tuple[dict[str, pd.DataFrame], list[str], list[Refusal]]:  # fmt: skip
    settings, land = region
    (folder / "soil").mkdir()
    for name, text in tables.items():
        (folder / "soil" / f"{name}.csv").write_text(text, encoding="utf-8")
    with writing(settings.store.path) as store, opened(store) as index:
        refused = make_soil(settings, land, folder / "soil", store, index, date(2026, 11, 1))
        (result,) = index.items("soil")
        names = [name for name in ("choices", "fields", "shares", "loss") if name in result.item["assets"]]
        found = {name: from_parquet(read_asset(store, result, name)) for name in names}
    return found, list(result.item["assets"]), refused


def test_trace_elements_sulphur_and_nitrate_each_with_its_method_layer_and_class_or_without(
    region: tuple[Settings, Land], tmp_path: Path
) -> None:
    """Zinc by Krupsky and Aleksandrova has no grouping here and is shown as it is; nitrate has that of its layer."""
    heading = f"{HEAD};S, мг/кг;Цинк (Крупского-Александровой), мг/кг;Cu, мг/кг;Бор (Бергера-Труога), мг/кг"
    plain = lambda _, east, random: f"{4 + 5 * east:.1f};{0.5 + east + 0.05 * random.random():.2f};0,{1 + random.integers(8)};{0.4 + 0.3 * east:.2f}".replace(".", ",")  # noqa: E731  # fmt: skip
    nitrate = lambda _, east, random: f"{6 + 8 * east + random.random():.1f}".replace(".", ",")  # noqa: E731
    tables = {
        "обследование": "\n".join([heading, *rows(2021, plain)]),
        "азот": "\n".join([f"{HEAD};N-NO3, мг/кг", *rows(2022, nitrate, "0-40", 101)]),
    }
    found, assets, refused = mapped(region, tables, tmp_path)
    assert not refused
    choices = found["choices"].set_index("layer")
    assert choices.loc["zn", ["method", "depth_cm", "year"]].tolist() == ["krupsky_aleksandrova", "0-20", 2021]
    assert choices.loc["b", "method"] == "berger_truog" and choices.loc["cu", "method"] == ""
    assert choices.loc["n_no3", ["method", "depth_cm", "year"]].tolist() == ["west_siberia_0_40", "0-40", 2022]
    drawn = {name for name in ("s", "zn", "b", "n_no3") if {name, f"{name}_se"} <= set(assets)}
    assert drawn == {"s", "zn", "b", "n_no3"} and "cu" not in assets  # copper is noise here
    fields = found["fields"].set_index(["layer", "field_id"])
    assert (
        fields.loc[("s", "west"), "class_russian"] == "среднее"
        and fields.loc[("s", "east"), "class_russian"] == "среднее"
    )
    assert (
        fields.loc[("n_no3", "west"), "class_russian"] == "среднее"
        and fields.loc[("n_no3", "east"), "class_russian"] == "повышенное"
    )
    assert fields.loc["zn", "class_no"].isna().all() if "class_no" in fields else True
    assert set(found["shares"]["layer"]) == {"s", "n_no3"}
    assert found["shares"].groupby("layer")["share_pct"].sum().tolist() == pytest.approx([100, 100])


def test_the_alarm_of_lost_fertility_is_of_the_field_that_lost_it(
    region: tuple[Settings, Land], tmp_path: Path
) -> None:
    """Humus -20 %, pH of an acid soil -12 %, phosphorus -30 % in the west; a round of nitrate alone hides nothing."""
    heading = f"{HEAD};Гумус, %;pH KCl;P2O5 (Чириков), мг/кг;K2O (Чириков), мг/кг"
    before = lambda field, east, random: "6,0;5,2;120;130"  # noqa: E731
    after = lambda field, east, random: "4,8;4,6;84;128" if field == "west" else "5,9;5,2;118;131"  # noqa: E731
    nitrate = lambda field, east, random: f"{8 + random.random():.1f}".replace(".", ",")  # noqa: E731
    tables = {
        "2016": "\n".join([heading, *rows(2016, before)]),
        "2021": "\n".join([heading, *rows(2021, after, first=201)]),
        "2022": "\n".join([f"{HEAD};N-NO3, мг/кг", *rows(2022, nitrate, "0-40", 401)]),
    }
    found, _, _ = mapped(region, tables, tmp_path)
    loss = found["loss"].set_index("field_id")
    assert loss["alarm"].to_dict() == {"west": True, "east": False}
    assert loss.loc["west", ["before_year", "after_year"]].tolist() == [2016, 2021]
    assert loss.loc["west", "humus_pct_change_pct"] == pytest.approx(-20)
    assert found["choices"].set_index("layer")["year"].to_dict() == {
        "humus": 2021,
        "ph": 2021,
        "p2o5": 2021,
        "k2o": 2021,
        "n_no3": 2022,
    }


def test_the_page_tells_the_alarm(region: tuple[Settings, Land], tmp_path: Path) -> None:
    from flows.panels import OneField, _loss

    heading = f"{HEAD};Гумус, %;pH KCl;P2O5 (Чириков), мг/кг"
    tables = {
        "2016": "\n".join([heading, *rows(2016, lambda *_: "6,0;5,2;120")]),
        "2021": "\n".join([heading, *rows(2021, lambda *_: "4,8;4,6;84", first=201)]),
    }
    mapped(region, tables, tmp_path)
    store = Store(region[0].store.path)
    with opened(store) as index:
        (result,) = index.items("soil")
        field = OneField(pd.Series({"area_ha": 100.0}, name="west"), box(0, 0, 1, 1), CRS, None, "ru")
        told = _loss(store, result, field)
    assert (
        told
        == "ТРЕВОГА: с обследования 2016 г. плодородие значимо снизилось (гумус -20 %, pH -12 %, P2O5 -30 %); выясните причину."
    )
