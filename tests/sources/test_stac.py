import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from workshop import KEYS, Made, Scene

from agro.domain.errors import BadInput, TornFile
from agro.domain.grid import Grid
from agro.sources import stac
from flows.settings import CONFIGS, band_aliases

ALIASES = band_aliases(CONFIGS / "bands.toml", ["sentinel-2-l2a"])
WORLD = (-180.0, -90.0, 180.0, 90.0)


def find(made: Made, **more: object):  # type: ignore[no-untyped-def]
    arguments = {"collections": ["sentinel-2-l2a"], "aliases": ALIASES, "bbox": WORLD, **more}
    return stac.find(made.catalog, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("naming", KEYS)
def test_the_names_of_three_providers_mean_the_same_bands(make_catalog: Callable[..., Made], naming: str) -> None:
    found, refused = find(make_catalog([Scene("a", naming=naming)]))
    assert not refused
    assert set(found[0].bands) == set(KEYS["earth-search"])
    assert found[0].crs == "EPSG:32645"


def test_what_is_found_is_ordered_and_kept_within_time_and_place(make_catalog: Callable[..., Made]) -> None:
    made = make_catalog([Scene("late", "2021-08-01T05:00:00Z"), Scene("early", "2021-05-01T05:00:00Z")])
    found, _ = find(made)
    assert [look.acquisition_id for look in found] == ["early", "late"]
    assert find(made, until=datetime(2021, 6, 1, tzinfo=UTC))[0][0].acquisition_id == "early"
    assert find(made, bbox=(0.0, 0.0, 1.0, 1.0)) == ([], [])
    assert find(made, collections=["sentinel-1-grd"]) == ([], [])


def test_two_looks_of_one_day_are_two(make_catalog: Callable[..., Made]) -> None:
    made = make_catalog([Scene("a", "2021-07-01T05:00:00Z"), Scene("b", "2021-07-01T05:00:30Z")])
    assert len(find(made)[0]) == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda item: item["properties"].update(datetime="2021-07-01T05:00:00"), "SCENE-TIME"),
        (lambda item: item["properties"].update(datetime="2199-07-01T05:00:00Z"), "SCENE-TIME"),
        (lambda item: item["properties"].update(datetime="1970-01-01T00:00:00Z"), "SCENE-TIME"),
        (lambda item: item["properties"].update(datetime=None), "STAC-ITEM"),
        (lambda item: item["assets"].clear(), "STAC-BANDS"),
        (lambda item: item["assets"].pop("scl"), "STAC-NO-SCL"),
        (lambda item: item["assets"]["red"].update(href="../../../../../../etc/passwd"), "PATH-OUTSIDE"),
        (lambda item: item["assets"]["red"].update(href="/etc/passwd"), "PATH-OUTSIDE"),
        (lambda item: item["assets"]["red"].update(href="%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd"), "PATH-OUTSIDE"),
        (lambda item: item["assets"]["red"].update(href="file:///etc/passwd"), "PATH-OUTSIDE"),
        (lambda item: item["assets"]["red"].update(href="/vsicurl/http://127.0.0.1:9/x.tif"), "PATH-FORBIDDEN"),
        (lambda item: item["assets"]["red"].update(href="http://169.254.169.254/latest"), "PATH-FORBIDDEN"),
        (lambda item: item["assets"]["red"]["raster:bands"][0].update(scale="a lot"), "RASTER-SCALE-VALUE"),
        (lambda item: item["assets"]["red"]["raster:bands"][0].update(scale=0), "RASTER-SCALE-VALUE"),
        (lambda item: item.update(geometry={"type": "Polygon", "coordinates": "?"}), "STAC-FOOTPRINT"),
        (lambda item: item.pop("properties"), "STAC-ITEM"),
        (lambda item: item.update(id=None), "STAC-ITEM"),
    ],
)
def test_a_bad_item_is_refused_by_name_and_the_others_go_on(
    make_catalog: Callable[..., Made], change: Callable, code: str
) -> None:  # type: ignore[type-arg]
    made = make_catalog([Scene("good"), Scene("bad")])
    made.edit("bad", change)
    found, refused = find(made)
    assert [look.acquisition_id for look in found] == ["good"]
    assert [(r.acquisition_id, r.code) for r in refused] == [("bad", code)]


def test_a_symbolic_link_leads_nowhere(make_catalog: Callable[..., Made]) -> None:
    made = make_catalog([Scene("bad")])
    band = made.item("bad").parent / "red.tif"
    band.unlink()
    band.symlink_to("/etc/passwd")
    assert find(made)[1][0].code == "PATH-OUTSIDE"


@pytest.mark.parametrize("content", ["{", "[]", '"text"', "\xff", "[" * 100_000])
def test_broken_json_is_refused_by_the_name_of_its_file(make_catalog: Callable[..., Made], content: str) -> None:
    made = make_catalog([Scene("good"), Scene("bad")])
    made.item("bad").write_bytes(content.encode("latin-1"))
    found, refused = find(made)
    assert len(found) == 1
    assert refused[0].acquisition_id == "bad" and refused[0].code in ("STAC-JSON", "FILE-ENCODING")


def test_a_catalogue_that_cannot_be_opened_is_no_catalogue(tmp_path: Path, make_catalog: Callable[..., Made]) -> None:
    with pytest.raises(BadInput, match="CATALOG-MISSING"):
        stac.find(tmp_path / "none.json", ["x"], ALIASES, WORLD)
    made = make_catalog([Scene("a")])
    made.catalog.write_text('{"type": "Catalog"}')
    with pytest.raises(BadInput, match="STAC-CATALOG"):
        find(made)


def test_the_same_item_listed_twice_is_one_and_two_of_a_name_are_none(make_catalog: Callable[..., Made]) -> None:
    made = make_catalog([Scene("a"), Scene("b")])
    path = made.catalog.parent / "sentinel-2-l2a" / "collection.json"
    collection = json.loads(path.read_text())
    collection["links"] += collection["links"][:1]
    path.write_text(json.dumps(collection))
    assert len(find(made)[0]) == 2
    made.edit("b", lambda item: item.update(id="a"))
    found, refused = find(made)
    assert not found and [r.code for r in refused] == ["SCENE-CONFLICT"]


def test_catalogues_that_point_at_each_other_end(make_catalog: Callable[..., Made]) -> None:
    made = make_catalog([Scene("a")])
    catalog = json.loads(made.catalog.read_text())
    catalog["links"].append({"rel": "child", "href": "./catalog.json"})
    made.catalog.write_text(json.dumps(catalog))
    assert len(find(made)[0]) == 1


def test_counts_come_as_they_are_and_zero_beyond_the_image(make_catalog: Callable[..., Made]) -> None:
    pixels = np.arange(1600.0).reshape(40, 40) / 10_000 + 0.01
    made = make_catalog([Scene("a", pixels={"red": pixels})])
    look = find(made)[0][0]
    assert stac.bounds(look, made.crs) == (400_000, 6_099_600, 400_400, 6_100_000)
    grid = Grid(made.crs, 399_980, 6_100_020, 10, 44, 44)
    counts = stac.read(look, grid, ["red", "nir"])
    assert counts["red"].dtype == "uint16"
    np.testing.assert_array_equal(counts["red"].values[2:42, 2:42], np.rint(pixels * 10_000))
    assert counts["red"].values[:2].sum() == 0 and counts["nir"].values[:, 42:].sum() == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda item: item["assets"]["red"].update({"raster:bands": {"scale": 1}, "bands": None}),
        lambda item: item["assets"]["red"].update({"raster:bands": [None]}),
        lambda item: item["assets"]["red"].update(href="x" * 5000),
        lambda item: item.update(id="bad\ud800"),
        lambda item: item["assets"].update(red=None),
        lambda item: item.update(bbox=[1], geometry=None),
    ],
)
def test_no_malformed_item_sinks_another(make_catalog: Callable[..., Made], change: Callable) -> None:  # type: ignore[type-arg]
    made = make_catalog([Scene("good"), Scene("bad", baseline=None)])
    made.edit("bad", change)
    found, refused = find(made)
    assert [look.acquisition_id for look in found] == ["good"]
    assert len(refused) == 1 and refused[0].as_json()["reason"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_not_known(make_catalog: Callable[..., Made], value: float) -> None:
    made = make_catalog([Scene("a")])
    made.edit(
        "a",
        lambda item: (
            item["properties"].update({"view:sun_elevation": value, "proj:epsg": value}),
            item["assets"]["red"]["raster:bands"][0].update(nodata=value),
        ),
    )
    (look,), refused = find(made)
    assert not refused and look.crs is None and look.angles.sun_zenith_deg is None and look.bands["red"].nodata == 0


def nest(made: Made, between: str, item_assets: dict) -> None:  # type: ignore[type-arg]
    """Put a catalogue between the collection and its items, and let the collection speak of their assets."""
    path = made.catalog.parent / "sentinel-2-l2a" / "collection.json"
    collection = json.loads(path.read_text())
    links, collection["links"] = collection["links"], [{"rel": "child", "href": f"./{between}.json"}]
    path.write_text(json.dumps({**collection, "item_assets": item_assets}))
    middle = {"type": "Catalog", "stac_version": "1.0.0", "id": between, "description": "2021", "links": links}
    (path.parent / f"{between}.json").write_text(json.dumps(middle))


def test_a_collection_speaks_for_silent_assets_through_any_depth(make_catalog: Callable[..., Made]) -> None:
    made = make_catalog([Scene("a", baseline="05.09", declared=False)])
    nest(made, "y2021", {"red": {"raster:bands": [{"scale": 1e-4, "offset": 0.0}]}})
    bands = find(made)[0][0].bands
    assert (bands["red"].offset, bands["nir"].offset) == (0.0, -0.1)


def test_an_assets_own_word_comes_before_its_collections(make_catalog: Callable[..., Made]) -> None:
    made = make_catalog([Scene("a", baseline="05.09")])
    own = {"raster:bands": None, "bands": [{"raster:scale": 1e-4, "raster:offset": -0.1}]}
    made.edit("a", lambda item: item["assets"]["red"].update(own))
    nest(made, "y2021", {"red": {"raster:bands": [{"scale": 1e-4, "offset": 0.0}]}})
    assert find(made)[0][0].bands["red"].offset == -0.1


def test_items_of_other_collections_are_not_ours_wherever_they_hang(make_catalog: Callable[..., Made]) -> None:
    made = make_catalog([Scene("a"), Scene("radar")])
    made.edit("radar", lambda item: item.update(collection="sentinel-1-grd", assets={"vv": {"href": "./vv.tif"}}))
    found, refused = find(made)
    assert [look.acquisition_id for look in found] == ["a"] and not refused


def test_two_broken_items_of_one_file_name_are_two(make_catalog: Callable[..., Made]) -> None:
    made = make_catalog([Scene("a"), Scene("b"), Scene("c")])
    path = made.catalog.parent / "sentinel-2-l2a" / "collection.json"
    collection = json.loads(path.read_text())
    for name in "abc":
        made.item(name).rename(made.item(name).with_name("item.json"))
    collection["links"] = [{"rel": "item", "href": f"./{name}/item.json"} for name in "abc"]
    path.write_text(json.dumps(collection))
    for name in "ab":
        made.item(name).with_name("item.json").write_text("{")
    found, refused = find(made)
    assert [look.acquisition_id for look in found] == ["c"]
    assert sorted(str(r.acquisition_id) for r in refused) == ["a", "b"]


def test_a_part_of_the_catalogue_that_is_gone_is_named_and_the_rest_goes_on(make_catalog: Callable[..., Made]) -> None:
    made = make_catalog([Scene("a")])
    catalog = json.loads(made.catalog.read_text())
    catalog["links"].append({"rel": "child", "href": "./gone/collection.json"})
    made.catalog.write_text(json.dumps(catalog))
    found, refused = find(made)
    assert len(found) == 1 and [(r.code, r.acquisition_id) for r in refused] == [("FILE-MISSING", None)]


def test_a_declared_checksum_is_checked(make_catalog: Callable[..., Made]) -> None:
    made = make_catalog([Scene("a")])
    right = "1220" + hashlib.sha256((made.item("a").parent / "red.tif").read_bytes()).hexdigest()
    for checksum, sound in ((right, True), ("1220" + "0" * 64, False)):
        made.edit("a", lambda item, c=checksum: item["assets"]["red"].update({"file:checksum": c}))
        (look,), _ = find(made)
        if sound:
            stac.bounds(look, made.crs)
        else:
            with pytest.raises(TornFile, match="RASTER-CHECKSUM"):
                stac.bounds(look, made.crs)


def test_a_folder_with_a_percent_sign(make_catalog: Callable[..., Made]) -> None:
    assert len(find(make_catalog([Scene("a")], name="поля%202021"))[0]) == 1
