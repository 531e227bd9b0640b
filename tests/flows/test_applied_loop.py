"""The loop closes: prescription, file, a simulated spreader that drives the file, its log, the balance."""

import json
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import pytest
from prescriptions import SPREADER, UAN, UREA, degrees, prescribed
from shapely import box
from shapely.affinity import translate
from task_files import packed
from typer.testing import CliRunner

from agro.cli import app
from agro.domain.errors import BadInput
from agro.domain.work import Prescription
from agro.store import stac as items
from agro.store.index import opened
from agro.store.prescriptions import to_geojson
from agro.store.publish import Store, publish, writing
from agro.store.terminal_drive import rules_of_map
from agro.twin.spreader import Spreader, drive
from flows.as_applied import Meant, take_back
from flows.plan import read_land
from flows.settings import Settings, load
from flows.terminal_files import _read, terminal_file
from flows.terminal_list import terminal_named

BEGAN = datetime(2026, 5, 4, 9, 30)
BLOCKS = [box(120 * n, 0, 120 * n + 120, 360) for n in range(6)]
RATES = [100.0, 200.0, 150.0, 250.0, 100.0, 220.0]


def settings_of(folder: Path) -> Settings:
    ground = degrees(box(0, 0, 720, 360))
    table = gpd.GeoDataFrame({"field_id": ["f-1", "f-2"]}, geometry=[ground, translate(ground, 0.05)], crs=4326)
    (folder / "fields.geojson").write_text(table.to_json())
    return load(
        "stac",
        [
            f"fields.path={folder / 'fields.geojson'}",
            f"store.path={folder / 'store'}",
            "fields.seasons=",
            "ui.language=ru",
        ],
    )


def prescription(settings: Settings, products=(UREA,)) -> Prescription:
    version = str(read_land(settings).outlines["version"].iloc[0])
    rates = [(rate,) * len(products) for rate in RATES]
    return prescribed(
        [degrees(one) for one in BLOCKS], rates, products, field_id="f-1", outline_version=version, fallback=150.0
    )


def published(settings: Settings, one: Prescription) -> None:
    properties = {"datetime": "2026-04-20T00:00:00Z", "agro:field_id": one.field_id, "agro:outline_version": one.outline_version, "agro:machine": vars(SPREADER), "agro:kind": "prescriptions"}  # fmt: skip
    assets = {"zones": {"href": "zones.geojson", "type": "application/geo+json", "title": "zones", "roles": ["data"]}}
    with writing(settings.store.path) as store, opened(store) as index:
        index.add(
            publish(
                store,
                f"prescriptions/{one.field_id}/k",
                {"zones": to_geojson(one)},
                items.item("k", None, properties, assets),
            )
        )


def spread(one: Prescription, spreader: Spreader, code: str = "topcon"):
    """The spreader drives what the terminal's file says, not the prescription."""
    terminal = terminal_named(code)
    rules = rules_of_map(_read(terminal_file(one, SPREADER, terminal, "ru").content, terminal)[0])
    return drive(one.boundary, lambda places: rules.rates(places)[:, 0], spreader, "Карбамид", BEGAN, seed=1)


def back(settings: Settings, content: bytes, folder: Path, field_id: str = "f-1", **more):
    (folder / "log.zip").write_bytes(content)
    with writing(settings.store.path) as store, opened(store) as index:
        return take_back(settings, store, index, folder / "log.zip", field_id, Meant(**more))


def test_a_faithful_spreader_closes_the_balance(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    one = prescription(settings)
    published(settings, one)
    done = spread(one, Spreader())
    found = back(settings, done.taskdata, tmp_path)
    figures = found.comparison
    assert figures.applied_kg == pytest.approx(done.fallen_kg, rel=2e-3)
    assert figures.counter_kg == pytest.approx(done.fallen_kg, rel=5e-3)
    assert figures.planned_kg == pytest.approx(one.total_kg[0], rel=2e-3)
    assert figures.applied_kg == pytest.approx(one.total_kg[0], rel=1e-2)
    assert figures.field_ha == pytest.approx(sum(zone.area_ha for zone in one.zones), rel=2e-3)
    assert figures.doubled_ha < 0.01 * figures.field_ha and figures.left_out_ha < 0.01 * figures.field_ha
    assert figures.near > 0.97 and abs(figures.bias_kg_ha) < 1 and figures.lag_s == pytest.approx(0, abs=0.3)
    assert found.prescription == "prescriptions/f-1/k" and found.told == ()


@pytest.mark.parametrize("lag_s", [1.0, 3.0, 5.0])
def test_the_lag_of_a_late_one_is_found(tmp_path: Path, lag_s: float) -> None:
    settings = settings_of(tmp_path)
    one = prescription(settings)
    published(settings, one)
    done = spread(one, Spreader(lag_s=lag_s, rate_spread=0.05, position_error_m=0.3))
    figures = back(settings, done.taskdata, tmp_path).comparison
    assert figures.lag_s == pytest.approx(lag_s, abs=0.5)
    assert figures.error_kg_ha > 5 and figures.near < 0.97


def test_strips_left_out_and_doubled_and_a_counter_that_shows_too_much(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    one = prescription(settings)
    published(settings, one)
    wide = back(settings, spread(one, Spreader(spacing_m=26.0)).taskdata, tmp_path).comparison
    assert wide.left_out_ha == pytest.approx(2 / 26 * wide.field_ha, rel=0.25) and wide.doubled_ha < 0.1
    near = back(settings, spread(one, Spreader(spacing_m=21.0)).taskdata, tmp_path).comparison
    assert near.doubled_ha == pytest.approx(3 / 24 * near.field_ha, rel=0.25) and near.left_out_ha < 0.2
    done = spread(one, Spreader(counter_off=0.05))
    off = back(settings, done.taskdata, tmp_path).comparison
    assert off.counter_kg == pytest.approx(1.05 * off.applied_kg, rel=5e-3)
    late = back(settings, spread(one, Spreader(late_s=2.0)).taskdata, tmp_path).comparison
    assert (late.outside_ha, late.left_out_ha) == pytest.approx((0.216, 0.216), rel=0.15)  # 6 m on 360 m of border


def test_litres_become_kilograms_and_the_result_is_kept_once(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    published(settings, prescription(settings, (UAN,)))
    rows = "lon;lat;внесено_л_га;ширина_м;время\n" + "".join(
        f"{86.05 + n * 5e-5:.6f};55.351;{150 / 1.32:.3f};24;{n}\n" for n in range(200)
    )
    (tmp_path / "log.csv").write_text(rows)
    with writing(settings.store.path) as store, opened(store) as index:
        found = [take_back(settings, store, index, tmp_path / "log.csv", "f-1") for _ in range(2)]
        kept = index.items("as_applied")
    assert len(kept) == 1 and kept[0].place == found[0].place == found[1].place
    assert set(kept[0].item["assets"]) == {"applied", "strokes"}
    assert found[0].unit == "kg/ha" and found[0].comparison.applied_kg == pytest.approx(
        150 * found[0].comparison.worked_ha, rel=1e-4
    )


def test_without_a_prescription_only_what_was_applied_is_told(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    one = prescription(settings)
    found = back(settings, spread(one, Spreader()).taskdata, tmp_path)
    assert found.comparison.planned_kg is None and found.comparison.applied_kg > 0
    assert [str(line) for line in found.told] == [
        "there is no prescription of this field: only what was applied is told"
    ]


def test_the_log_of_another_field_and_a_field_that_nobody_knows(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    content = spread(prescription(settings), Spreader()).taskdata
    with pytest.raises(BadInput, match=r"APPLIED-ELSEWHERE.*f-2"):
        back(settings, content, tmp_path, "f-2")
    with pytest.raises(BadInput, match=r"RX-FIELD.*f-9"):
        back(settings, content, tmp_path, "f-9")
    (tmp_path / "bare.csv").write_text("lon,lat,rate_kg_ha,time\n86.051,55.351,100,1\n86.0512,55.351,100,2\n")
    with writing(settings.store.path) as store, opened(store) as index, pytest.raises(BadInput, match="APPLIED-WIDTH"):
        take_back(settings, store, index, tmp_path / "bare.csv", "f-1")


def test_by_hand_from_the_command_line(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    one = prescription(settings)
    published(settings, one)
    (tmp_path / "log.zip").write_bytes(spread(one, Spreader(lag_s=3.0)).taskdata)
    common = ["--config", "stac", "--set", f"fields.path={tmp_path / 'fields.geojson'}", "--set", "fields.seasons="]
    stored = ["--store", str(tmp_path / "store")]
    run = CliRunner().invoke
    told = run(app, ["applied", str(tmp_path / "log.zip"), "--field", "f-1", *stored, *common])
    assert told.exit_code == 0, told.output
    assert "Поле f-1: Карбамид" in told.output and "Норма запаздывает на 3," in told.output
    as_json = run(app, ["applied", str(tmp_path / "log.zip"), "--field", "f-1", "--json", *stored, *common])
    assert json.loads(as_json.output)["comparison"]["lag_s"] == pytest.approx(3, abs=0.5)
    out = ["export", "prescription", "--field", "f-1", "-o", str(tmp_path / "usb"), *stored, *common]
    told = run(app, [*out, "--terminal", "john-deere"])
    assert told.exit_code == 0 and "На самом терминале файл не пробовали" in told.output, told.output
    proof = json.loads((tmp_path / "usb" / "proof.json").read_text())
    assert proof["terminal"] == "john-deere" and proof["prescription"] == "prescriptions/f-1/k"
    assert (tmp_path / "usb" / "rx-shapefile.zip").stat().st_size > 500
    told = run(app, [*out, "--terminal", "jon-deere"])
    assert told.exit_code == 2 and "возможно, имелось в виду john-deere" in told.output
    told = run(
        app, ["export", "prescription", "--field", "f-2", "--terminal", "topcon", "-o", str(tmp_path), *stored, *common]
    )
    assert told.exit_code == 2 and "нет задания на поле f-2" in told.output
    told = run(app, ["task-data", "read", str(tmp_path / "log.zip")])
    assert told.exit_code == 0 and "записей" in told.output and "actual mass per area" in told.output


def hostile() -> dict[str, bytes]:
    main = b"<ISO11783_TaskData VersionMajor='4'/>"
    locked = bytearray(packed({"TASKDATA.XML": main}))
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        locked[locked.find(mark) + place] |= 1
    return {
        "ARCHIVE-PATH": packed({"../../TASKDATA.XML": main}),
        "ARCHIVE-TOO-LARGE": packed({"TASKDATA.XML": main, "x.bin": bytes(40_000_000)}),
        "ARCHIVE-ENCRYPTED": bytes(locked),
        "ARCHIVE-TORN": packed({"TASKDATA.XML": main})[:40],
        "TASK-NONE": packed({"inner.zip": packed({"TASKDATA.XML": main})}),
        "XML-DTD": packed({"TASKDATA.XML": b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"}),
        "XML-TORN": packed({"TASKDATA.XML": b"<ISO11783_TaskData><TSK A='TSK1'>"}),
    }


@pytest.mark.parametrize("code", list(hostile()))
def test_files_made_to_harm_end_in_a_sentence_and_nothing_is_kept(tmp_path: Path, code: str) -> None:
    settings = settings_of(tmp_path)
    settings.store.path.mkdir()
    (tmp_path / "bad.zip").write_bytes(hostile()[code])
    common = ["--config", "stac", "--set", f"fields.path={tmp_path / 'fields.geojson'}", "--set", "fields.seasons="]
    log = ["applied", str(tmp_path / "bad.zip"), "--field", "f-1", "--store", str(settings.store.path), *common]
    for command in (["task-data", "read", str(tmp_path / "bad.zip")], log):
        told = CliRunner().invoke(app, command)
        expected = "APPLIED-FORMAT" if code == "TASK-NONE" and command is log else code
        assert told.exit_code == 2 and f"[{expected}]" in told.output and "→" in told.output, told.output
        assert "Traceback" not in told.output
    assert not list(settings.store.path.glob("as_applied/*"))


def test_a_field_that_changed_after_the_prescription(tmp_path: Path) -> None:
    from dataclasses import replace

    from flows.published_prescriptions import again

    settings = settings_of(tmp_path)
    published(settings, replace(prescription(settings), outline_version="older"))
    with pytest.raises(BadInput, match=r"RX-STALE.*2026-04-20"):
        again(settings, Store(settings.store.path), "f-1", "topcon")
