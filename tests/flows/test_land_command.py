"""`agro land` and `agro crops` as a person runs them: parcels judged, areas checked, sentences, nothing made twice."""

import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely.affinity import translate
from typer.testing import CliRunner
from workshop import GREEN, Made, Scene, build_catalog, run_plain

from agro.cli import app
from flows.settings import load

DAYS = ("05-25", "06-06", "06-18", "07-02", "07-16", "07-30", "08-12", "08-28")
Said = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def grassland(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Path]:
    """Two fields that stay green in three seasons, mapped; a parcel layer with a third parcel that no pass shows."""
    folder = tmp_path_factory.mktemp("land")
    scenes = [
        Scene(f"s{year}{day}", f"{year}-{day}T05:00:00Z", dict(GREEN)) for year in (2019, 2020, 2021) for day in DAYS
    ]
    made = build_catalog(folder, scenes)
    run_plain(load("stac", made.overrides(folder / "store")))
    fields = gpd.read_file(made.fields).rename(columns={"field_id": "parcel_id"})
    far = fields.iloc[[0]].assign(parcel_id="far", geometry=[translate(fields.geometry.iloc[0], 0.3)])
    layer = gpd.GeoDataFrame(
        pd.concat([fields[["parcel_id", "geometry"]], far[["parcel_id", "geometry"]]]), crs=fields.crs
    )
    layer.to_file(folder / "parcels.geojson", driver="GeoJSON")
    return made, folder


@pytest.fixture
def said(grassland: tuple[Made, Path]) -> Said:
    made, folder = grassland
    sets = [part for one in made.overrides(folder / "store") for part in ("--set", one)]

    def go(*words: str) -> tuple[int, str, str]:
        ran = CliRunner().invoke(app, [*words, "--config", "stac", *sets])
        assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
        assert "Traceback" not in ran.output
        return ran.exit_code, ran.stdout, ran.stderr

    return go


def test_what_stayed_green_is_abandoned_and_what_nobody_saw_is_not_judged(
    said: Said, grassland: tuple[Made, Path]
) -> None:
    layer = str(grassland[1] / "parcels.geojson")
    code, out, _ = said("land", "--parcels", layer, "--json")
    content = json.loads(out)
    told = {row["parcel_id"]: row for row in content["parcels"]}
    assert code == 0 and not content["simulated"] and content["season"] == 2021
    assert told["far"]["kind"] == "unknown" and told["far"]["rank"] is None
    assert (
        told["west"]["kind"] == "abandoned" and told["west"]["since_or_before"] and told["west"]["idle_since"] == 2019
    )
    assert sorted(told[name]["rank"] for name in ("west", "east")) == [1, 2]
    again = json.loads(said("land", "--parcels", layer, "--json")[1])
    assert again == content
    assert len(list((grassland[1] / "store" / "land").iterdir())) == 1
    text = said("land", "--parcels", layer)[1]
    assert "с 2019 года или раньше" in text and "О земле вне слоя участков ничего не утверждается" in text
    assert "никто не проверял" in text


def test_a_sample_is_drawn_checked_and_tells_areas_with_errors(
    said: Said, grassland: tuple[Made, Path], tmp_path: Path
) -> None:
    layer, sample = str(grassland[1] / "parcels.geojson"), tmp_path / "sample.csv"
    assert said("land", "--parcels", layer, "--sample", str(sample))[0] == 0
    head, *rows = sample.read_text().splitlines()
    assert head.split(",") == ["parcel_id", "kind", "place", "lon", "lat", "observed"] and len(rows) == 50
    sample.write_text("\n".join([head, *(row + ("hay" if n < 10 else "залежь") for n, row in enumerate(rows))]))
    code, out, _ = said("land", "--parcels", layer, "--checked", str(sample), "--json")
    areas = {row["class"]: row for row in json.loads(out)["areas"]}
    assert code == 0 and areas["hay"]["area_ha"] == pytest.approx(0.2 * areas["abandoned"]["mapped_ha"])
    assert areas["hay"]["se_ha"] > 0 and json.loads(out)["accuracy"][0] == pytest.approx(0.8)


def test_odd_tables_end_in_sentences(said: Said, grassland: tuple[Made, Path], tmp_path: Path) -> None:
    layer, table = str(grassland[1] / "parcels.geojson"), tmp_path / "t.csv"
    table.write_text("place,parcel_id,kind,observed\n1,west,abandoned,лес\n2,west,abandoned,\n")
    code, _, err = said("land", "--parcels", layer, "--checked", str(table))
    assert code == 3 and "LAND-KIND" in err and "строка 2" in err and "AREA-SAMPLE" in err
    table.write_text("place,parcel_id,kind,observed\n1,west,hay,hay\n2,nobody,abandoned,hay\n")
    code, _, err = said("land", "--parcels", layer, "--checked", str(table))
    assert code == 3 and err.count("LAND-SAMPLE-OLD") == 2
    table.write_text("a,b\n1,2\n")
    assert "CSV-COLUMNS" in said("land", "--parcels", layer, "--checked", str(table))[2]
    assert "FILE-MISSING" in said("land", "--parcels", layer, "--checked", str(tmp_path / "none.csv"))[2]
    table.write_text("Что;Цена, руб/т\nяровая пшеница;13500\nячмень;12000\nовёс;9000\n")
    code, _, err = said("land", "--parcels", layer, "--prices", str(table), "--base-value", "1000")
    assert code == 3 and "LAND-YIELD" in err


def test_without_a_layer_nothing_is_said(said: Said, grassland: tuple[Made, Path], tmp_path: Path) -> None:
    code, _, err = said("land")
    assert code == 2 and "LAND-NO-PARCELS" in err and "--parcels" in err
    nameless = tmp_path / "nameless.geojson"
    gpd.read_file(grassland[1] / "parcels.geojson").drop(columns="parcel_id").to_file(nameless, driver="GeoJSON")
    code, _, err = said("land", "--parcels", str(nameless))
    assert code == 2 and "VECTOR-NO-FIELD-ID" in err and "parcel_id" in err


def test_crops_that_nobody_declared_cannot_be_told_apart(said: Said) -> None:
    code, _, err = said("crops")
    assert code == 2 and ("CROP-NOTHING-DECLARED" in err or "CROP-FEW" in err)
    code, _, err = said("crops", "--season", "1999")
    assert code == 2 and "CROP-NO-SEASON" in err


def test_land_is_told_as_a_day_knew_it(said: Said, grassland: tuple[Made, Path]) -> None:
    """By the end of 2020 two seasons without work are known: three are needed before anything is called abandoned."""
    layer = str(grassland[1] / "parcels.geojson")
    content = json.loads(said("land", "--parcels", layer, "--as-of", "2020-12-31", "--json")[1])
    assert content["season"] == 2020
    assert {row["parcel_id"]: row["kind"] for row in content["parcels"]}["west"] == "unknown"
