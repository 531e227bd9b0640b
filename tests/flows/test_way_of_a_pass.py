import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from workshop import GREEN, KEYS, Made, Ran, Scene

from agro.domain.layers import LAYERS, VEGETATION
from agro.store.history import fieldstats
from agro.store.publish import Store, read_asset, whole
from agro.store.rasters import decode, from_cog

Make, Run = Callable[..., Made], Callable[..., Ran]


def table(tmp_path: Path, name: str = "store"):  # type: ignore[no-untyped-def]
    return fieldstats(Store(tmp_path / name)).set_index(["field_id", "acquisition_id", "layer"])


def maps(tmp_path: Path, acquisition_id: str, name: str = "store") -> dict[str, np.ndarray]:
    store = Store(tmp_path / name)
    (folder,) = store.root.glob(f"passes/*/{acquisition_id}--*")
    result = whole(store, folder.relative_to(store.root).as_posix())
    return {n: decode(LAYERS[n], from_cog(read_asset(store, result, n))[0]) for n in result.item["assets"]}


def test_a_pass_gives_five_layers_and_a_row_for_each_field(make_catalog: Make, run: Run, tmp_path: Path) -> None:
    ran = run(make_catalog([Scene("a", offset=-0.1, baseline="05.09")]))
    assert set(ran.done) == {"a"} and ran.done["a"].layers == VEGETATION and ran.done["a"].clear_fraction == 1.0
    rows = table(tmp_path)
    assert len(rows) == 2 * 5
    expected = (GREEN["nir"] - GREEN["red"]) / (GREEN["nir"] + GREEN["red"])
    assert rows.loc[("west", "a", "ndvi"), "mean"] == pytest.approx(expected, abs=1e-4)
    assert rows.loc[("west", "a", "lai"), "mean"] == pytest.approx(3.2, abs=0.3)
    got = maps(tmp_path, "a")
    assert got["ndvi"].shape == (40, 40) and got["ndre"].shape == (20, 20) and got["quality"].shape == (20, 20)


@pytest.mark.parametrize(
    "scene",
    [
        Scene("a", offset=-0.1, baseline="05.09"),
        Scene("a", offset=-0.7, baseline="05.09"),
        Scene("a", offset=-0.1, baseline="05.09", declared=False, naming="planetary"),
        Scene("a", offset=0.0, baseline=None),
        Scene("a", offset=0.0, baseline="02.09", declared=False),
        Scene("a", offset=0.0, baseline="05.09", properties={"earthsearch:boa_offset_applied": True}),
        Scene("a", naming="cdse"),
    ],
    ids=["-1000", "-7000", "undeclared 05.09", "none", "undeclared 02.09", "applied already", "cdse"],
)
def test_the_same_surface_in_any_encoding_gives_the_same_bytes(
    make_catalog: Make, run: Run, tmp_path: Path, scene: Scene
) -> None:
    random = np.random.default_rng(3)
    for one in (plain := Scene("a"), scene):
        one.pixels = {
            b: np.round(random.uniform(0.01, 0.3, (40, 40) if b in ("green", "red", "nir") else (20, 20)), 4)
            for b in KEYS["cdse"]
            if b != "scl"
        }
        random = np.random.default_rng(3)
    run(make_catalog([plain], name="plain"), store="plain")
    run(make_catalog([scene], name="other"), store="other")
    for name, values in maps(tmp_path, "a", "plain").items():
        np.testing.assert_array_equal(values, maps(tmp_path, "a", "other")[name])


@pytest.mark.parametrize(
    ("crs", "west", "north"),
    [
        ("EPSG:32645", 400_000, 6_100_000),
        ("EPSG:32733", 300_000, 6_250_000),
        ("EPSG:32721", 520_460, 7_400_020),
        ("EPSG:32601", 700_000, 200_000),
    ],
)
def test_any_zone_and_hemisphere(make_catalog: Make, run: Run, tmp_path: Path, crs: str, west: int, north: int) -> None:
    ran = run(make_catalog([Scene("a")], crs=crs, west=west, north=north))
    assert ran.plan.land.crs == crs
    assert ran.done["a"].clear_fraction == 1.0
    assert maps(tmp_path, "a")["ndvi"].shape == (40, 40)


def test_fields_over_two_blocks_are_whole(make_catalog: Make, run: Run, tmp_path: Path) -> None:
    """The patch straddles four blocks; the map is one, and the field's pixels are all there."""
    made = make_catalog([Scene("a")], west=409_400, north=6_103_240)
    ran = run(made)
    assert len(ran.plan.todo[0].blocks) == 4
    rows = table(tmp_path)
    assert rows.loc[("west", "a", "ndvi"), "n_px"] == 18 * 38
    assert np.isfinite(maps(tmp_path, "a")["ndvi"]).all()


def test_cloud_hides_and_its_margin_crosses_blocks(make_catalog: Make, run: Run, tmp_path: Path) -> None:
    scl = np.full((20, 20), 4)
    scl[10, 2] = 9
    one = make_catalog(
        [Scene("a", scl=scl)], west=409_400, north=6_103_240, name="split"
    )  # the border runs at column 10
    run(one)
    hidden = maps(tmp_path, "a")["quality"] == 2
    distance = np.hypot(*(np.mgrid[0:20, 0:20] - np.array([10, 2])[:, None, None]))
    np.testing.assert_array_equal(hidden, distance <= 5)
    assert np.isnan(maps(tmp_path, "a")["ndvi"][20, 4])


def test_every_readable_pass_is_published_however_dark_or_cloudy(make_catalog: Make, run: Run, tmp_path: Path) -> None:
    low = {"view:sun_elevation": 8.0}
    ran = run(
        make_catalog(
            [Scene("cloud", scl=9), Scene("dark", "2021-07-02T05:00:00Z", properties=low), Scene("void", scl=0)]
        )
    )
    assert set(ran.done) == {"cloud", "dark", "void"}
    rows = table(tmp_path)
    assert rows.loc[("west", "cloud", "ndvi"), ["n_px", "clear_fraction", "flag"]].tolist() == [0, 0.0, "no_clear_px"]
    assert np.isnan(rows.loc[("west", "cloud", "ndvi"), "mean"])
    assert (
        "low_sun" in rows.loc[("west", "dark", "lai"), "flag"]
        and "lai_domain" in rows.loc[("west", "dark", "lai"), "flag"]
    )
    assert rows.loc[("west", "void", "ndvi"), "flag"] == "partly_unseen;no_clear_px"


def test_a_missing_asset_leaves_a_layer_out_with_a_reason(make_catalog: Make, run: Run, tmp_path: Path) -> None:
    bare = {"view:azimuth": None}
    ran = run(make_catalog([Scene("a", without=("red", "nir", "green")), Scene("b", properties=bare)]))
    assert ran.done["a"].layers == ("ndre", "ndmi")
    assert ran.done["a"].left_out["ndvi"].reason == "the item names no asset for red, nir"
    assert set(ran.done["b"].left_out) == {"lai"}
    assert set(table(tmp_path).loc["west"].loc["a"].index) == {"ndre", "ndmi"}


def test_an_asset_that_cannot_be_read_fails_its_pass_by_name_and_nothing_of_it_is_seen(
    make_catalog: Make, run: Run, tmp_path: Path
) -> None:
    made = make_catalog([Scene("good"), Scene("torn", scl=9), Scene("gone", "2021-07-03T05:00:00Z")])
    band = made.item("torn").parent / "nir.tif"
    band.write_bytes(band.read_bytes()[: band.stat().st_size - 60])
    (made.item("gone").parent / "swir22.tif").unlink()
    ran = run(made)
    assert set(ran.done) == {"good"}
    assert {name: refusal.code for name, refusal in ran.refused.items()} == {
        "torn": "RASTER-TRUNCATED",
        "gone": "RASTER-MISSING",
    }
    assert not list((tmp_path / "store").glob("*/*/torn*")) and not list((tmp_path / "store/.staging").iterdir())


def test_the_second_run_has_nothing_to_do_and_a_repaired_input_is_taken_up(make_catalog: Make, run: Run) -> None:
    made = make_catalog([Scene("a"), Scene("b")])
    band = made.item("b").parent / "nir.tif"
    content = band.read_bytes()
    band.write_bytes(content[:100])
    assert set(run(made).done) == {"a"}
    band.write_bytes(content)
    again = run(made)
    assert set(again.done) == {"b"} and again.plan.already_published == 1
    assert not run(made).plan.todo


def test_a_new_field_never_remakes_old_maps(make_catalog: Make, run: Run, tmp_path: Path) -> None:
    made = make_catalog([Scene("a")], side=1200)  # 12 km: several blocks, the first fields need some of them
    everything = json.loads(made.fields.read_text())
    _shrink(everything["features"][0], 0.03)
    only_west = {**everything, "features": everything["features"][:1]}
    made.fields.write_text(json.dumps(only_west))
    run(made)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "store").glob("passes/**/*.tif")}
    everything["features"].append(json.loads(json.dumps(everything["features"][1]).replace('"east"', '"new"')))
    _shrink(everything["features"][2], 0.03)
    everything["features"].pop(1)
    made.fields.write_text(json.dumps(everything))
    ran = run(made)
    assert set(ran.done) == {"a"}
    after = {p: p.stat().st_mtime_ns for p in (tmp_path / "store").glob("passes/**/*.tif")}
    assert before.items() <= after.items()
    assert len(list((tmp_path / "store").glob("passes/*/a--*"))) == 2
    rows = table(tmp_path)
    assert rows.loc[("west", "a", "ndvi"), "clear_fraction"] == rows.loc[("new", "a", "ndvi"), "clear_fraction"] == 1.0


def _shrink(feature: dict, share: float) -> None:  # type: ignore[type-arg]
    ring = np.array(
        feature["geometry"]["coordinates"][0]
        if feature["geometry"]["type"] == "Polygon"
        else feature["geometry"]["coordinates"][0][0]
    )
    corner = ring.min(axis=0) if feature["properties"]["field_id"] == "west" else ring.max(axis=0)
    corner = 0.8 * corner + 0.2 * ring.mean(axis=0)
    feature["geometry"] = {"type": "Polygon", "coordinates": [(corner + (ring - corner) * share).tolist()]}


def test_other_parameters_make_another_map_beside_the_old(make_catalog: Make, run: Run, tmp_path: Path) -> None:
    made = make_catalog([Scene("a")])
    run(made)
    run(made, "imagery.cloud_margin_m=60")
    assert len(list((tmp_path / "store").glob("passes/*/a--*"))) == 2


def test_a_damaged_map_is_made_again(make_catalog: Make, run: Run, tmp_path: Path) -> None:
    made = make_catalog([Scene("a")])
    run(made)
    (path,) = (tmp_path / "store").glob("passes/*/*/ndvi.tif")
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    assert set(run(made).done) == {"a"}
    assert path.read_bytes() == content
    assert not run(made).plan.todo


def test_workers_change_nothing(make_catalog: Make, run: Run, tmp_path: Path) -> None:
    made = make_catalog(
        [Scene("a", scl=np.random.default_rng(2).choice([4, 5, 9], (20, 20)))], west=409_400, north=6_103_240
    )
    for workers in (1, 4):
        run(made, f"compute.workers={workers}", store=f"w{workers}")
    one, four = (
        {p.relative_to(root): p.read_bytes() for p in root.glob("*/*/*/*.*") if p.suffix in (".tif", ".parquet")}
        for root in (tmp_path / "w1", tmp_path / "w4")
    )
    assert one == four and len(one) == 9


def _product(name: str, baseline: str, red: float) -> Scene:
    datatake = {"s2:datatake_id": "GS2A_20210701T050001_031000_N05.00", "mgrs:tile": "45UVB"}
    return Scene(name, baseline=baseline, offset=-0.1, properties=datatake, reflectance={**GREEN, "red": red})


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_newest_baseline_of_a_look_is_current_in_every_order_of_arrival(
    make_catalog: Make, run: Run, tmp_path: Path, order: tuple[int, ...]
) -> None:
    """The same look, reprocessed twice and doubled under another id: all stay readable, the newest is current."""
    products = [
        _product("old", "04.00", 0.05),
        _product("between", "05.09", 0.055),
        _product("new", "05.10", 0.06),
        _product("newer_copy", "05.10", 0.06),
    ]
    for n, i in enumerate(order):
        made = make_catalog([products[j] for j in order[: n + 1]], name=f"arrived{n}")
        assert set(run(made).done) == {products[i].item_id}
    rows = table(tmp_path).reset_index()
    assert set(rows["acquisition_id"]) == {"newer_copy"}  # of equals the last by name: a choice that no order changes
    assert len(rows) == 2 * 5
    assert len(list((tmp_path / "store").glob("passes/*/*"))) == 4


def test_going_back_to_earlier_outlines_makes_their_rows_current_again(
    make_catalog: Make, run: Run, tmp_path: Path
) -> None:
    made = make_catalog([Scene("a")])
    first = made.fields.read_text()
    other = json.loads(first)
    ring = np.array(other["features"][0]["geometry"]["coordinates"][0])
    other["features"][0]["geometry"]["coordinates"] = [(ring.mean(axis=0) + (ring - ring.mean(axis=0)) * 0.6).tolist()]
    counted = []
    for outlines in (first, json.dumps(other), first):
        made.fields.write_text(outlines)
        assert set(run(made).done) == {"a"}
        counted.append(int(table(tmp_path).loc[("west", "a", "ndvi"), "n_px"]))
    assert counted[0] == counted[2] > counted[1]
    assert len(table(tmp_path)) == 10 and not run(made).done


def test_two_halves_of_one_look_each_show_their_fields(make_catalog: Make, run: Run, tmp_path: Path) -> None:
    """Two granules of one datatake, each with half of the image: a field's row comes from the one that shows it."""
    both = {"s2:datatake_id": "GS2A_20210701T050001_031000_N05.00", "mgrs:tile": "45UVB"}
    left, right = np.full((20, 20), 4), np.full((20, 20), 4)
    left[:, 10:], right[:, :10] = 0, 0
    run(make_catalog([Scene("x_0", scl=left, properties=both), Scene("x_1", scl=right, properties=both)]))
    rows = table(tmp_path)
    assert (
        rows.loc[("west", "x_0", "ndvi"), "clear_fraction"]
        == rows.loc[("east", "x_1", "ndvi"), "clear_fraction"]
        == 1.0
    )
    assert len(rows) == 10


def test_a_corrected_item_replaces_its_rows_whole(make_catalog: Make, run: Run, tmp_path: Path) -> None:
    made = make_catalog([Scene("a")])
    run(made)
    made.edit("a", lambda item: (item["properties"].update(datetime="2021-07-01T06:00:00Z"), item["assets"].pop("nir")))
    run(made)
    rows = table(tmp_path).reset_index()
    assert set(rows["layer"]) == {"ndre", "ndmi", "lai"} and len(rows) == 6
    assert len(set(rows["acquired_at"])) == 1


def test_one_stray_field_moves_no_map(make_catalog: Make, run: Run, tmp_path: Path) -> None:
    made = make_catalog([Scene("a")])
    outlines = json.loads(made.fields.read_text())
    stray = {"type": "Polygon", "coordinates": [[[55.2, 85.6], [55.21, 85.6], [55.21, 85.601], [55.2, 85.6]]]}
    for n, shift in enumerate((0, -100, -120)):
        moved = json.loads(json.dumps(stray))
        moved["coordinates"][0] = [[x + shift, y - 30] for x, y in moved["coordinates"][0]]
        outlines["features"].append({"type": "Feature", "properties": {"field_id": f"stray{n}"}, "geometry": moved})
    made.fields.write_text(json.dumps(outlines))
    ran = run(made)
    assert ran.plan.land.crs == "EPSG:32645"
    assert {r.code for r in ran.plan.land.refused} == {"GEOM-FAR"}
    assert table(tmp_path).loc[("west", "a", "ndvi"), "n_px"] == 18 * 38
