import email
import email.policy
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from workshop import GREEN, Made, Ran, Scene

from agro.domain.errors import BadInput
from flows.settings import load
from flows.watch_fields import watch

SIDE = 60


def scene(day: str, hit: bool = False, **more: Any) -> Scene:
    """A green look; where hit, half of the field in the west lost most of its leaves."""
    random = np.random.default_rng(int(day.replace("-", "")))
    nir = GREEN["nir"] * (1 + random.normal(0, 0.01, (SIDE, SIDE)))
    if hit:
        nir[10:40, 5:15] *= 0.5
    return Scene(f"S2_{day}", when=f"{day}T05:00:00Z", pixels={"nir": nir}, **more)


@pytest.fixture
def watched(make_catalog: Callable[..., Made], run: Callable[..., Ran], tmp_path: Path) -> Callable[..., Any]:
    def go(scenes: list[Scene], name: str, *overrides: str) -> Any:
        made = make_catalog(scenes, side=SIDE, name=name)
        run(made)
        return watch(
            load("stac", made.overrides(tmp_path / "store", f"messages.outbox={tmp_path / 'outbox'}", *overrides))
        )

    return go


def letters(tmp_path: Path) -> list[Any]:
    found = sorted((tmp_path / "outbox").glob("*.eml"))
    return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in found]


def test_a_farm_is_told_once_when_it_begins_and_once_when_it_is_over(
    watched: Callable[..., Any], tmp_path: Path
) -> None:
    calm = [scene("2021-07-01"), scene("2021-07-06"), scene("2021-07-11")]
    assert watched(calm, "a").told == () and letters(tmp_path) == []
    hit = [*calm, scene("2021-07-16", hit=True)]
    first = watched(hit, "b")
    assert (first.alerts, first.told, first.failed) == (1, ("",), ())
    (mail,) = letters(tmp_path)
    text = mail.get_body().get_content()
    assert "west" in text and "16.07.2021" in text and "east" not in text
    assert {a.get_filename() for a in mail.iter_attachments()} == {"places.kml", "places.gpx"}
    assert watched(hit, "c").told == ()
    assert len(letters(tmp_path)) == 1
    assert watched([*hit, scene("2021-07-21")], "d").told == ("",)
    assert len(letters(tmp_path)) == 2 and any(
        "больше не видно" in m.get_body().get_content() for m in letters(tmp_path)
    )


def test_cloud_is_no_news(watched: Callable[..., Any], tmp_path: Path) -> None:
    scl = np.full((SIDE // 2, SIDE // 2), 4)
    scl[5:20, 0:10] = 9
    passes = [scene("2021-07-01"), scene("2021-07-06"), scene("2021-07-11", hit=True, scl=scl)]
    assert watched(passes, "a").alerts == 0


def test_a_letter_that_cannot_be_laid_is_named_and_comes_later(watched: Callable[..., Any], tmp_path: Path) -> None:
    passes = [scene("2021-07-01"), scene("2021-07-06"), scene("2021-07-11", hit=True)]
    (tmp_path / "taken").write_text("")
    done = watched(passes, "a", f"messages.outbox={tmp_path / 'taken'}")
    assert done.told == () and done.failed[0].code == "OUTBOX"
    assert watched(passes, "b").told == ("",)


def test_addresses_that_are_no_table_are_told(watched: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "addresses.csv").write_text("farm;mail\n")
    with pytest.raises(BadInput, match="not a table of addresses"):
        watched([scene("2021-07-01")], "a", f"messages.addresses={tmp_path / 'addresses.csv'}")


def test_a_field_that_is_gone_a_changed_farm_and_odd_names_sink_nobody(
    make_catalog: Callable[..., Made], run: Callable[..., Ran], tmp_path: Path
) -> None:
    passes = [scene("2021-07-01"), scene("2021-07-06"), scene("2021-07-11", hit=True)]

    def go(name: str, scenes: list[Scene], rows: dict[str, Any], drop: str | None = None) -> Any:
        made = make_catalog(scenes, side=SIDE, name=name)
        fields = gpd.read_file(made.fields).assign(**rows)
        fields[fields["field_id"] != drop].to_file(made.fields, driver="GeoJSON", COORDINATE_PRECISION=9)
        run(made)
        return watch(load("stac", made.overrides(tmp_path / "store", f"messages.outbox={tmp_path / 'outbox'}")))

    odd = '../ООО «Заря» <b>"&/'
    assert go("a", passes, {"farm_id": odd}).told == (odd,)
    (path,) = (tmp_path / "outbox").iterdir()
    assert path.parent == tmp_path / "outbox"
    assert go("b", passes, {"farm_id": "another"}).told == (odd, "another")  # one is rid of it, the other has it
    later = [*passes, scene("2021-07-16", hit=True)]
    assert go("c", later, {"farm_id": "another"}, drop="west").failed == ()


def test_past_seasons_tell_what_was_behind_from_the_start_and_are_read_once(
    watched: Callable[..., Any], tmp_path: Path
) -> None:
    before = [scene(f"2020-{day}") for day in ("06-20", "07-01", "07-06", "07-11")]
    hit = [*before, scene("2021-07-01", hit=True), scene("2021-07-06", hit=True)]
    assert watched(hit, "a").alerts == 1
    (mail,) = letters(tmp_path)
    assert "чем в прошлые годы" in mail.get_body().get_content()
    (made,) = (tmp_path / "store" / "patterns" / "2020").iterdir()
    table = pd.read_parquet(made / "patterns.parquet")
    assert set(table["field_id"]) == {"west", "east"} and table["ndvi_top"].notna().all()
    watched([*hit, scene("2021-07-11", hit=True)], "b")
    assert list((tmp_path / "store" / "patterns").glob("*/*")) == [made]


def test_no_look_ahead_a_day_is_told_as_it_was_known(
    make_catalog: Callable[..., Made], run: Callable[..., Ran], tmp_path: Path
) -> None:
    """The same alerts of a day, whether later passes are in the store or not; neither feed its patterns."""
    known = [scene("2020-07-01"), scene("2020-07-06"), scene("2021-07-01"), scene("2021-07-06", hit=True)]
    later = [scene("2021-07-11"), scene("2022-07-01", hit=True)]
    tables = []
    for name, scenes in (("then", known), ("now", [*known, *later])):
        made = make_catalog(scenes, side=SIDE, name=name)
        run(made, store=name)
        out = f"messages.outbox={tmp_path / name / 'o'}"
        assert watch(load("stac", made.overrides(tmp_path / name, out)), date(2021, 7, 6)).alerts == 1
        (item,) = (tmp_path / name / "alerts" / "2021").iterdir()
        tables.append(pd.read_parquet(item / "alerts.parquet"))
        assert [folder.name for folder in (tmp_path / name / "patterns").iterdir()] == ["2020"]
    pd.testing.assert_frame_equal(*tables)


def test_looks_of_one_pass_over_two_tiles_are_one_look(
    make_catalog: Callable[..., Made], run: Callable[..., Ran], tmp_path: Path
) -> None:
    """Each tile's product shows its half only; the alert is that of one image over both."""
    told = []
    for name in ("whole", "halves"):
        scenes = []
        for day, hit in (("2021-07-01", False), ("2021-07-06", False), ("2021-07-11", True)):
            one = scene(day, hit)
            if name == "whole":
                scenes.append(one)
                continue
            for half, hidden in (("N", slice(SIDE // 2, None)), ("S", slice(0, SIDE // 2))):
                nir = np.array(one.pixels["nir"])
                nir[hidden] = np.nan
                scl = np.full((SIDE // 2, SIDE // 2), 4)
                scl[slice(hidden.start // 2 if hidden.start else 0, SIDE // 4 if hidden.stop else None)] = 0
                scenes.append(
                    Scene(
                        f"{one.item_id}_{half}",
                        when=one.when,
                        pixels={"nir": nir},
                        scl=scl,
                        properties={"mgrs:tile": half},
                    )
                )
        made = make_catalog(scenes, side=SIDE, name=name)
        run(made, store=name)
        settings = load("stac", made.overrides(tmp_path / name, f"messages.outbox={tmp_path / name / 'o'}"))
        told.append(watch(settings).alerts)
    assert told == [1, 1]
