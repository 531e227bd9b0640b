"""A pass of several windows against the readable functions on the whole image, pixel by pixel."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from readable import readable_classes, readable_layers
from workshop import BANDS_10, BANDS_20, Made, Ran, Scene

from agro.domain.grid import Grid
from agro.domain.layers import LAYERS
from agro.store.history import fieldstats
from agro.store.publish import Store, read_asset, whole
from agro.store.rasters import from_cog
from flows.field_lists import kept_field_pixels

Make, Run = Callable[..., Made], Callable[..., Ran]
SIDE = 1100  # [px] of 10 m: four windows, the last ones narrow


def scene(name: str, seed: int) -> Scene:
    random = np.random.default_rng(seed)
    pixels = {
        band: np.round(random.uniform(-0.05, 0.6, (SIDE,) * 2 if band in BANDS_10 else (SIDE // 2,) * 2), 4)
        for band in (*BANDS_10, *BANDS_20)
    }
    for values in pixels.values():
        values[random.random(values.shape) < 0.01] = np.nan
    scl = random.choice([4, 5, 6, 7], (SIDE // 2,) * 2, p=[0.6, 0.3, 0.05, 0.05])
    for _ in range(30):
        y, x = random.integers(0, SIDE // 2, 2)
        scl[y : y + 12, x : x + 20] = random.choice([3, 8, 9, 10, 0])
    return Scene(name, pixels=pixels, scl=scl, offset=-0.1, baseline="05.09")


def parts(tmp_path: Path, acquisition_id: str) -> list[dict[str, tuple[np.ndarray, Grid]]]:
    store, found = Store(tmp_path / "store"), []
    for folder in sorted(store.root.glob(f"passes/*/{acquisition_id}--*")):
        result = whole(store, folder.relative_to(store.root).as_posix())
        found.append({name: from_cog(read_asset(store, result, name)) for name in result.item["assets"]})
    return found


def truth(made: Made, name: str, ran: Ran) -> dict[str, np.ndarray]:
    """The layers of the whole image by the readable functions."""
    counts = {}
    for band in (*BANDS_10, *BANDS_20, "scl"):
        with rasterio.open(made.item(name).parent / f"{band}.tif") as raster:
            counts[band] = raster.read(1)
    classes = readable_classes(counts.pop("scl").astype("uint8"), 0, 100, 100)
    look = next(one.acquisition for one in ran.plan.todo if one.acquisition.acquisition_id == name)
    names = [n for n in LAYERS if n in ("ndvi", "evi2", "ndre", "ndmi", "lai", "lai_flag", "swir22")]
    scaling = dict.fromkeys(counts, (1e-4, -0.1))
    return {**readable_layers(counts, scaling, classes, look.angles, "2.1", names), "quality": classes}


def test_every_window_equals_the_readable_functions(make_catalog: Make, run: Run, tmp_path: Path) -> None:
    made = make_catalog([scene("a", 1)], side=SIDE)
    ran = run(made)
    (part,) = parts(tmp_path, "a")
    expected = truth(made, "a", ran)
    assert set(part) == set(expected)
    for name, (stored, grid) in part.items():
        assert (grid.west_m, grid.north_m, grid.shape) == (400_000, 6_100_000, expected[name].shape)
        step = 1 if name == "lai" else 0
        assert np.abs(stored.astype(int) - expected[name]).max() <= step, name


def test_only_the_blocks_of_the_fields_are_mapped_and_they_as_in_the_whole(
    make_catalog: Make, run: Run, tmp_path: Path
) -> None:
    """A field in the far corner: the ground of the other blocks is neither mapped nor counted."""
    made = make_catalog([scene("a", 2)], side=SIDE)
    outlines = json.loads(made.fields.read_text())
    ring = np.array(outlines["features"][1]["geometry"]["coordinates"][0])
    corner = ring[np.lexsort((ring[:, 1], ring[:, 0]))][-2]  # south-east
    outlines["features"] = outlines["features"][1:]
    outlines["features"][0]["geometry"]["coordinates"] = [(corner + (ring - corner) * 0.05).tolist()]
    made.fields.write_text(json.dumps(outlines))
    ran = run(made)
    (part,), expected = parts(tmp_path, "a"), truth(made, "a", ran)
    for name, (stored, grid) in part.items():
        outside = np.ones(stored.shape, bool)
        for block in ran.plan.todo[0].blocks:
            own = grid.cut_to(block.bounds)
            assert own is not None
            here = own.rows_and_columns_in(grid)
            size = grid.resolution_m
            there = own.rows_and_columns_in(
                Grid(grid.crs, 400_000, 6_100_000, size, SIDE * 10 // size, SIDE * 10 // size)
            )
            assert np.abs(stored[here].astype(int) - expected[name][there]).max() <= (name == "lai")
            outside[here] = False
        assert (stored[outside] == LAYERS[name].nodata).all()
    assert 0 < len(ran.plan.todo[0].blocks) < 4


def test_the_table_of_parts_published_before_is_that_of_one_run(make_catalog: Make, run: Run, tmp_path: Path) -> None:
    made = make_catalog([scene("a", 3)], side=SIDE)
    everything = json.loads(made.fields.read_text())
    run(made, store="at once")
    near = json.loads(json.dumps(everything))
    ring = np.array(near["features"][0]["geometry"]["coordinates"][0])
    near["features"] = near["features"][:1]
    near["features"][0]["geometry"]["coordinates"] = [(ring[0] + (ring - ring[0]) * 0.04).tolist()]
    made.fields.write_text(json.dumps(near))
    run(made)
    made.fields.write_text(json.dumps(everything))
    run(made)
    assert len(list((tmp_path / "store").glob("passes/*/a--*"))) == 2
    one, other = (fieldstats(Store(tmp_path / name)) for name in ("store", "at once"))
    assert one.equals(other)


def test_a_torn_tile_in_the_middle_sinks_the_pass_and_no_other(make_catalog: Make, run: Run) -> None:
    made = make_catalog([scene("a", 4), scene("b", 5)], side=SIDE)
    band = made.item("a").parent / "rededge3.tif"
    content = bytearray(band.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 40_000] = bytes(40_000)
    band.write_bytes(bytes(content))
    ran = run(made, "compute.workers=3")
    assert set(ran.done) == {"b"} and ran.refused["a"].code == "RASTER-TRUNCATED"


def test_the_fields_pixels_are_found_once_and_again_when_outlines_change(
    make_catalog: Make, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run(make_catalog([Scene("a")]))
    store, land = Store(tmp_path / "store"), ran.plan.land
    first = kept_field_pixels(store, land, 10)
    with monkeypatch.context() as patch:
        patch.setattr("flows.field_lists.field_pixels", lambda *_: pytest.fail("found again"))
        kept = kept_field_pixels(store, land, 10)
    assert kept.flags == first.flags and all(np.array_equal(a, b) for a, b in zip(kept.spans, first.spans, strict=True))
    (path,) = (tmp_path / "store" / ".cache").glob("pixels-10.npz")
    for content in (b"", b"torn", path.read_bytes()[:-9]):
        path.write_bytes(content)
        assert np.array_equal(kept_field_pixels(store, land, 10).spans.row, first.spans.row)
    land.outlines["version"] = "other"
    seen = []
    monkeypatch.setattr("flows.field_lists.field_pixels", lambda *_: seen.append(1) or first)
    kept_field_pixels(store, land, 10)
    assert seen == [1]
