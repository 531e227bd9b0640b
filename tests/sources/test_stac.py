import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from workshop import KEYS, Made, Scene

from agro.domain.errors import BadInput
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
