"""Soil samples in, prescriptions out: a small farm, by hand and by name; and what is told where something is missing."""

import io
import json
import shutil
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from shapely import box
from small_farm import EAST, PRICES, SEASONS, outline, overrides, settings_of, soil
from typer.testing import CliRunner

from agro.cli import app
from agro.domain.errors import BadInput
from agro.store.index import opened
from agro.store.prescriptions import from_geojson
from agro.store.publish import Published, Store, read_asset, writing
from agro.store.terminal_drive import polygon_ha
from flows import field_soil, prescription_items, terminal_list
from flows.advice_office import Request, open_office
from flows.before_sowing import Prescribed, prescribe
from flows.field_case import _of_one_nutrient, open_case
from flows.plan import read_land
from flows.published_prescriptions import again

DAY = date(2026, 4, 25)


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that has the soil of the farm."""
    folder = tmp_path_factory.mktemp("surveyed")
    done = prescribe(settings_of(folder, "advice.terminals=[]"), Request(field_ids=("zarya-3",)), DAY)
    assert [one.code for one in done.nothing] == ["RX-FALLOW"] and not done.failed
    return folder / "store"


def farm(folder: Path, surveyed: Path | None = None) -> Path:
    if surveyed is not None:
        shutil.copytree(surveyed, folder / "store")
    return folder


def by_field(done: Prescribed) -> dict[str, Published]:
    return {str(result.properties["agro:field_id"]): result for result in done.results}


def codes(done: Prescribed) -> list[tuple[str | None, str]]:
    return [(one.field_id, one.code) for one in done.failed]


def test_a_farm_gets_its_prescriptions_whole_proved_and_once(tmp_path: Path, surveyed: Path) -> None:
    settings = settings_of(farm(tmp_path, surveyed))
    done = prescribe(settings, Request(farm="Заря"), DAY)
    assert not done.failed and [one.field_id for one in done.nothing] == ["zarya-3"]
    poor_in_the_west, after_fallow = (by_field(done)[name] for name in ("zarya-1", "zarya-2"))
    files = {about["href"].removeprefix("./") for about in poor_in_the_west.item["assets"].values()}
    assert files >= {"zones.geojson", "doses.tif", "TASKDATA.zip", "rx-shapefile.zip", "proof.json", "sheet.png"}
    told = poor_in_the_west.properties
    assert told["agro:certificate"]["status"] == "not_checked"
    store = Store(settings.store.path)
    prescription = from_geojson(read_asset(store, poor_in_the_west, "zones"), "zones")
    ground = [polygon_ha(zone.outline) for zone in prescription.zones]
    assert sum(ground) == pytest.approx(told["agro:area_ha"], rel=1e-3) == pytest.approx(polygon_ha(EAST), rel=1e-3)
    for number, ordered in enumerate(told["agro:total_kg"]):
        by_zone = sum(zone.rate_kg_ha[number] * ha for zone, ha in zip(prescription.zones, ground, strict=True))
        assert by_zone == pytest.approx(ordered, rel=1e-3)
        with rasterio.open(
            io.BytesIO(read_asset(store, poor_in_the_west, "doses" if number == 0 else f"doses_{number + 1}"))
        ) as rates:
            map_kg = (
                np.nansum(rates.read(1, masked=True).astype("float64").filled(np.nan) * rates.scales[0])
                * rates.res[0] ** 2
                / 1e4
            )
        assert map_kg == pytest.approx(ordered, rel=0.01)
    phosphorus = [
        zone.dose_kg_ha["p2o5"] for zone in sorted(prescription.zones, key=lambda zone: zone.outline.centroid.x)
    ]
    assert len(phosphorus) > 1 and phosphorus == sorted(phosphorus, reverse=True)  # the east is rich
    proof = json.loads(read_asset(store, poor_in_the_west, "proof"))
    assert set(proof) == {"TASKDATA.zip", "rx-shapefile.zip"} and not any(
        product["differing"] for one in proof.values() for product in one["products"]
    )
    assert told["agro:doses_kg_ha"]["n"]["dose"] > after_fallow.properties["agro:doses_kg_ha"]["n"]["dose"]
    rerun = prescribe(settings, Request(), date(2026, 4, 30))
    assert rerun.before == 2 and [one.place for one in rerun.results] == [one.place for one in done.results]


def test_one_bad_field_sinks_nobody_and_a_batch_is_of_a_farm_or_a_district(tmp_path: Path, surveyed: Path) -> None:
    seasons = SEASONS.replace("zarya-2;2026;яровая пшеница", "zarya-2;2026;гречиха")
    settings = settings_of(farm(tmp_path, surveyed), "advice.terminals=[]", fields__seasons=seasons)
    done = prescribe(settings, Request(field_ids=("zarya-1", "zarya-2", "zarya-9")), DAY)
    assert list(by_field(done)) == ["zarya-1"]
    assert {("zarya-2", "RX-NO-CROP"), ("zarya-9", "RX-FIELD")} < set(codes(done))
    assert any("гречиха" in str(one.facts) for one in done.failed)  # the row of the season table is named
    assert len(prescribe(settings, Request(district="topki"), DAY).results) == 1
    told = CliRunner().invoke(app, ["prescribe", "--farm", "Восход", *cli(tmp_path)])
    assert told.exit_code == 2 and "[RX-NO-FIELD]" in told.output


def test_a_field_that_changed_after_the_prescription(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "advice.terminals=[]", records__soil="")
    first = prescribe(settings, Request(field_ids=("zarya-1",)), DAY)
    west, south, east, north = EAST.bounds
    outline(tmp_path, zarya_1=box(west, south, west + 0.7 * (east - west), north))
    with pytest.raises(BadInput, match="RX-STALE"):
        again(settings, Store(settings.store.path), "zarya-1", "topcon")
    second = prescribe(settings, Request(field_ids=("zarya-1",)), DAY)
    assert codes(second) == [("zarya-1", "RX-OUTLINE")]
    assert first.results[0].place in second.failed[0].remedy.format(**second.failed[0].facts)
    assert second.results[0].properties["agro:area_ha"] < 0.75 * first.results[0].properties["agro:area_ha"]


def test_without_a_map_of_the_soil_one_rate_by_the_average_and_it_is_told(tmp_path: Path, surveyed: Path) -> None:
    seasons = SEASONS.replace("zarya-3;2026;чистый пар", "zarya-3;2026;ячмень")
    settings = settings_of(farm(tmp_path, surveyed), "advice.terminals=[]", fields__seasons=seasons)
    one = by_field(prescribe(settings, Request(field_ids=("zarya-3",)), DAY))["zarya-3"].properties
    assert len(one["agro:rates_kg_ha"]) == 1 and one["agro:why_uniform"]["text"].startswith("one rate: there is no map")
    told = [line["text"] for line in one["agro:told"]]
    assert sum("nobody sampled this field" in text for text in told) == 3
    (tmp_path / "bare").mkdir()
    bare = settings_of(tmp_path / "bare", "advice.terminals=[]", records__soil="")
    alone = by_field(prescribe(bare, Request(field_ids=("zarya-1",)), DAY))["zarya-1"].properties
    assert sum("not measured here" in line["text"] for line in alone["agro:told"]) == 3
    assert len(alone["agro:rates_kg_ha"]) == 1


def test_samples_older_than_the_rotation_give_one_rate_with_a_wider_interval(tmp_path: Path) -> None:
    old = soil(("zarya-1",), day="20.04.2019", rows=2)
    settings = settings_of(tmp_path, "advice.terminals=[]", records__soil=old)
    one = by_field(prescribe(settings, Request(field_ids=("zarya-1",)), DAY))["zarya-1"].properties
    told = [line["text"] for line in one["agro:told"]]
    assert any("older than the rotation" in text for text in told) and any(
        "say nothing of this season" in text for text in told
    )
    assert len(one["agro:rates_kg_ha"]) == 1
    lime = prescribe(settings, Request(field_ids=("zarya-1",), nutrients=("caco3",)), DAY)
    assert codes(lime) == [("zarya-1", "RX-NOTHING")] and "2019-04-20, before the rotation" in lime.failed[0].reason


def test_lime_only_where_acidity_was_measured(tmp_path: Path, surveyed: Path) -> None:
    settings = settings_of(farm(tmp_path, surveyed), "advice.terminals=[]", "advice.highest_kg_ha=9000")
    lime = Request(field_ids=("zarya-1", "zarya-3"), nutrients=("caco3",), crop="ячмень")
    done = prescribe(settings, lime, DAY)
    one = by_field(done)["zarya-1"].properties
    assert one["agro:products"] == ["limestone"] and one["agro:brought_kg_ha"]["caco3"] == pytest.approx(4400, rel=0.1)
    assert codes(done) == [("zarya-3", "RX-NOTHING")] and "hydrolytic acidity" in str(done.failed[0].reason)


def cli(folder: Path, **files: str) -> list[str]:
    told = overrides(folder, "advice.terminals=[]", **files)
    return ["--config", "stac", *(part for one in told for part in ("--set", one))]


@pytest.mark.parametrize(
    ("code", "options", "files"),
    [
        ("RX-YIELD", ["--planned-yield", "40"], {}),
        ("RX-OPTION", ["--planned-yield", "400"], {}),
        ("RX-NUTRIENT", ["--nutrient", "азот"], {}),
        ("RX-SEASON", ["--season", "20222"], {}),
        ("RX-TOGETHER", ["--top-dress", "--trial"], {}),
        ("RX-TOGETHER", ["--top-dress", "--nutrient", "p2o5"], {}),
        ("DOSE-PRODUCT", ["--product", "potassium_chloride", "--nutrient", "n"], {}),
        ("DOSE-FERTILISER", ["--product", "guano"], {}),
        ("TERMINAL-UNKNOWN", ["--terminal", "jon-deere"], {}),
        ("RX-CROP-NAME", ["--crop", "гречка"], {}),
        ("SCHEME-UNKNOWN", ["--set", "advice.scheme=best"], {}),
        ("RX-NO-CROP", [], {"fields__seasons": ""}),
        ("RX-FIELD", ["--field", "zarya-17"], {}),
        ("PRICE-NUMBER", [], {"advice__prices": PRICES.replace("45000", "дорого")}),
        ("PRICE-UNKNOWN", [], {"advice__prices": PRICES.replace("аммофос 12:52", "волшебный порошок")}),
        ("PRICE-COLUMNS", [], {"advice__prices": "Что;Цена\nаммофос 12:52;45000\n"}),
        ("DOSE-UNIT", [], {"advice__trials": "Поле;Сезон;Повторность;Полоса;Доза N;Урожайность, т/га\nzarya-1;2025;1;1;30;2\n"}),
        ("SEASON-FIELD", [], {"advice__trials": "Поле;Сезон;Повторность;Полоса;N, кг/га;Урожайность, т/га\nx;2025;1;1;30;2\n"}),
        ("RX-MACHINE", ["--set", "advice.highest_kg_ha=50"], {}),
        ("RX-MANURE", [], {"fields__seasons": "Поле;Сезон;Культура;Внесено навоза, т/га\nzarya-1;2026;ячмень;80\n"}),
    ],
)  # fmt: skip
def test_what_cannot_be_ends_in_a_sentence(
    tmp_path: Path, code: str, options: list[str], files: dict[str, str]
) -> None:
    chosen = [] if "--field" in options else ["--field", "zarya-1"]
    told = CliRunner().invoke(app, ["prescribe", *chosen, *cli(tmp_path, records__soil="", **files), *options])
    assert told.exit_code in (2, 3) and f"[{code}]" in told.output and "→" in told.output, told.output
    assert "Traceback" not in told.output and any("а" <= letter <= "я" for letter in told.output)


def told_by_hand(folder: Path, *more: str, **files: str) -> tuple[int, str]:
    told = CliRunner().invoke(app, ["prescribe", "--field", "zarya-1", *cli(folder, **files), *more])
    assert "Traceback" not in told.output and told.exit_code in (0, 3), told.output
    return told.exit_code, told.output


def test_what_is_old_changed_or_too_much_is_told_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bare").mkdir()
    code, text = told_by_hand(tmp_path / "bare", records__soil="")
    assert code == 0 and "здесь не измерялся" in text and "нет карты почвы" in text
    code, text = told_by_hand(tmp_path, records__soil=soil(("zarya-1",), day="20.04.2019", rows=2))
    assert code == 0 and "старше ротации севооборота" in text and "норма одна" in text
    west, south, east, north = EAST.bounds
    options = cli(tmp_path, records__soil="")
    outline(tmp_path, zarya_1=box(west, south, west + 0.7 * (east - west), north))
    told = CliRunner().invoke(app, ["prescribe", "--field", "zarya-1", *options])
    assert told.exit_code == 3 and "[RX-OUTLINE]" in told.output
    export = ["export", "prescription", "--field", "zarya-1", "--terminal", "topcon", "-o", str(tmp_path / "usb")]
    outline(tmp_path)
    told = CliRunner().invoke(app, [*export, *options])
    assert told.exit_code == 2 and "[RX-STALE]" in told.output and "Traceback" not in told.output
    few = terminal_list.terminals()["isoxml4"]
    monkeypatch.setattr(prescription_items, "terminal_named", lambda _: replace(few, most_zones=1))
    code, text = told_by_hand(tmp_path, "--nutrient", "p2o5", "--terminal", "isoxml4")
    assert code == 3 and "[RX-MERGE]" in text and "→" in text


def test_missing_prices_leave_the_cost_untold_and_the_gain_unchecked(tmp_path: Path, surveyed: Path) -> None:
    told = CliRunner().invoke(
        app, ["prescribe", "--field", "zarya-1", "--json", *cli(farm(tmp_path, surveyed), advice__prices="")]
    )
    assert told.exit_code == 0, told.output
    one = json.loads(told.stdout)["prescriptions"][0]
    assert one["cost"] is None and one["total_kg"]


def test_more_zones_than_a_terminal_takes_are_joined_and_the_loss_is_told(
    tmp_path: Path, surveyed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = terminal_list.terminals()["isoxml4"]
    monkeypatch.setattr(prescription_items, "terminal_named", lambda _: replace(few, most_zones=2))
    settings = settings_of(farm(tmp_path, surveyed), "advice.terminals=['isoxml4']")
    one = Request(field_ids=("zarya-1",), nutrients=("p2o5",))
    done = prescribe(settings, one, DAY)
    assert len(done.results[0].properties["agro:rates_kg_ha"]) > 2 and not done.failed
    proof = json.loads(read_asset(Store(settings.store.path), done.results[0], "proof"))["TASKDATA.zip"]
    assert proof["zones"] == 2 and proof["moved_by_joining_pct"] > 0
    monkeypatch.setattr(prescription_items, "terminal_named", lambda _: replace(few, most_zones=1))
    refused = prescribe(settings, replace(one, width_m=18.0), DAY)
    assert codes(refused) == [("zarya-1", "RX-MERGE")] and refused.results[0].properties["agro:files"] == []


def test_the_files_lie_in_a_folder_a_field_and_three_terminals_get_theirs(tmp_path: Path, surveyed: Path) -> None:
    names = [part for code in ("amazone", "topcon", "john-deere") for part in ("--terminal", code)]
    out = tmp_path / "usb"
    told = CliRunner().invoke(
        app, ["prescribe", "--farm", "Заря", *names, "--export", str(out), *cli(farm(tmp_path, surveyed))]
    )
    assert told.exit_code == 0, told.output
    assert "не проверено" in told.output and "поле под паром" in told.output
    assert {path.name for path in out.iterdir()} == {"zarya-1", "zarya-2"}
    files = {path.name for path in (out / "zarya-1").iterdir()}
    assert files >= {
        "TASKDATA.zip",
        "TASKDATA-topcon.zip",
        "rx-shapefile.zip",
        "proof.json",
        "sheet.png",
        "zones.geojson",
    }
    assert "TASKDATA/TASKDATA.XML" in zipfile.ZipFile(out / "zarya-1" / "TASKDATA-topcon.zip").namelist()
    zones = gpd.read_file(out / "zarya-1" / "zones.geojson")
    assert len(zones) >= 1 and zones.geometry.is_valid.all()
    with writing(tmp_path / "store") as store, opened(store) as index:
        assert len(index.items("prescriptions")) == 2


def test_another_acidity_is_another_dose_of_lime(
    tmp_path: Path, surveyed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(farm(tmp_path, surveyed), "advice.terminals=[]", "advice.highest_kg_ha=9000")
    lime = Request(field_ids=("zarya-1",), nutrients=("caco3",), crop="ячмень")
    first = by_field(prescribe(settings, lime, DAY))["zarya-1"]
    found = field_soil.Acidity(1.2, 4.6, parent="soil/x")
    monkeypatch.setattr(field_soil.SoilOfFields, "acidity", lambda self, asked, validity: found)
    other = by_field(prescribe(settings, lime, DAY))["zarya-1"]
    assert first.place != other.place and "soil/x" in other.properties["agro:parents"]
    assert other.properties["agro:total_kg"][0] < first.properties["agro:total_kg"][0]


def test_files_of_one_stem_are_both_there(tmp_path: Path, surveyed: Path) -> None:
    settings = settings_of(farm(tmp_path, surveyed), "advice.terminals=['geojson', 'geopackage']")
    one = by_field(prescribe(settings, Request(field_ids=("zarya-1",)), DAY))["zarya-1"]
    names = {asset["href"].rsplit("/", 1)[-1] for asset in one.item["assets"].values()}
    assert set(one.properties["agro:files"]) == {"rx.geojson", "rx.gpkg"} <= names


def test_a_response_is_of_one_nutrient_and_of_seasons_before(tmp_path: Path, surveyed: Path) -> None:
    rows = [
        f"zarya-1;{season};{rep};{number};{dose};{2 + 0.02 * dose - 1e-4 * dose**2 + 0.01 * rep:.3f}\n"
        for season in (2025, 2026)
        for rep in range(1, 5)
        for number, dose in enumerate((0, 30, 60, 90, 120))
    ]
    table = "Поле;Сезон;Повторность;Полоса;{}, кг/га;Урожайность, т/га\n"
    phosphorus = table.format("P2O5") + "".join(rows)
    settings = settings_of(farm(tmp_path, surveyed), "advice.terminals=[]", advice__trials=phosphorus)
    with writing(settings.store.path) as store, opened(store) as index:
        office, _ = open_office(settings, Request(), read_land(settings), store, index, DAY)
        mine = office.trials[office.trials["field_id"] == "zarya-1"]
        heard = _of_one_nutrient(pd.concat([mine, mine.assign(nutrient="n")]), ("n", "p2o5"))
        assert len(mine) == 40 and set(heard["nutrient"]) == {"n"}
        number = list(office.land.outlines["field_id"]).index("zarya-1")
        case = open_case(office, number)
        assert set(case.strips["season"]) == {2025} and set(case.strips["nutrient"]) == {"p2o5"}
