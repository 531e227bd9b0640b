"""A product as it is downloaded goes into the local catalogue once, and its maps are those of the same imagery by STAC."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from safes import band_of, write_safe, zipped
from workshop import GREEN, Made, Ran, Scene

from agro.store.publish import Store, whole
from flows.ingest import Ingested, ingest
from flows.settings import load

PLACE = "sentinel-2-l2a/S2B_T45UVB_20220701T050711_L2A"


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., Ingested]:
    return lambda *paths: ingest(load("stac"), paths, tmp_path / "local")


def code(done: Ingested) -> str:
    assert not done.taken
    (refusal,) = done.refused
    return refusal.code


def test_the_maps_are_those_of_the_same_pixels_in_a_catalogue(
    tmp_path: Path, take: Callable[..., Ingested], make_catalog: Callable[..., Made], run: Callable[..., Ran]
) -> None:
    random = np.random.default_rng(3)
    seen = {band: np.round(random.uniform(0.02, 0.3, (128, 128)), 4) for band in ("green", "red", "nir")}
    made = make_catalog([Scene("same", "2022-07-01T05:07:09Z", offset=-0.1, baseline="04.00", pixels=seen)], side=128)
    done = take(write_safe(tmp_path, GREEN | seen, {"B4": -7000}))
    assert not done.refused and done.taken[0].new
    item = json.loads((tmp_path / "local" / PLACE / "item.json").read_text())
    assert item["assets"]["red"]["raster:bands"][0]["offset"] == -0.7  # read from the product, band by band
    assert item["assets"]["nir"]["raster:bands"][0]["offset"] == -0.1
    by_stac = run(made, store="stac").plan.land.key and run(made, store="stac")
    by_safe = run(made, f"imagery.catalog={done.catalog}", store="safe")
    assert not by_safe.refused and len(by_safe.done) == 1 and not by_stac.refused
    layers = {}
    for name in ("stac", "safe"):
        (folder,) = (tmp_path / name / "passes" / "2022").iterdir()
        layers[name] = {path.stem: rasterio.open(path).read(1) for path in folder.glob("*.tif")}
    assert layers["safe"].keys() == layers["stac"].keys() >= {"ndvi", "ndre", "lai"}
    for layer in layers["stac"]:
        np.testing.assert_array_equal(layers["safe"][layer], layers["stac"][layer], layer)


def test_a_product_is_taken_once_zipped_or_not(tmp_path: Path, take: Callable[..., Ingested]) -> None:
    root = write_safe(tmp_path)
    first = take(zipped(root))
    band = tmp_path / "local" / PLACE / "red.tif"
    written = band.stat().st_mtime_ns
    again = take(root, root / "MTD_MSIL2A.xml")
    assert [one.new for one in first.taken] == [True] and [one.new for one in again.taken] == [False, False]
    assert not first.refused + again.refused and band.stat().st_mtime_ns == written
    whole(Store(tmp_path / "local"), PLACE)
    with rasterio.open(band) as cog:
        assert cog.profile["tiled"] and cog.profile["blockxsize"] == 512 and cog.nodata == 0
        assert cog.crs.to_epsg() == 32645 and cog.colorinterp[0] == ColorInterp.gray
        assert np.unique(cog.read(1)).tolist() == [1300]  # counts as they were, offset and all


def test_a_second_processing_stands_beside_the_first(tmp_path: Path, take: Callable[..., Ingested]) -> None:
    take(write_safe(tmp_path))
    newer = "S2B_MSIL2A_20220701T050709_N0510_R019_T45UVB_20240701T070709"
    done = take(write_safe(tmp_path, name=newer, baseline="05.10"))
    assert not done.refused and done.taken[0].place == f"sentinel-2-l2a/{newer}"
    listed = json.loads((tmp_path / "local" / "sentinel-2-l2a" / "collection.json").read_text())
    assert sum(link["rel"] == "item" for link in listed["links"]) == 2


@pytest.mark.parametrize("baseline, offset", [("02.14", 0.0), ("05.00", -0.1)])
def test_offsets_by_baseline(tmp_path: Path, take: Callable[..., Ingested], baseline: str, offset: float) -> None:
    assert not take(write_safe(tmp_path, baseline=baseline)).refused
    item = json.loads((tmp_path / "local" / PLACE / "item.json").read_text())
    assert {a["raster:bands"][0].get("offset", offset) for a in item["assets"].values() if "raster:bands" in a} == {
        offset
    }


def _without_a_band(root: Path) -> None:
    band_of(root, "B8A_20m").unlink()


def _cut(root: Path) -> None:
    band = band_of(root, "B04_10m")
    band.write_bytes(band.read_bytes()[:-700])


def _cut_without_a_manifest(root: Path) -> None:
    _cut(root)
    (root / "manifest.safe").unlink()


def _changed(root: Path) -> None:
    band = band_of(root, "B04_10m")
    content = bytearray(band.read_bytes())
    content[-300] ^= 255
    band.write_bytes(content)


def _a_page(root: Path) -> None:
    (root / "manifest.safe").unlink()
    band_of(root, "B04_10m").write_text("<html>login</html>")


def _no_tile(root: Path) -> None:
    shutil.rmtree(root / "GRANULE")


def _silent_on_offsets(root: Path) -> None:
    path = root / "MTD_MSIL2A.xml"
    path.write_text(path.read_text().replace('<BOA_ADD_OFFSET band_id="7">-1000</BOA_ADD_OFFSET>', ""))


def _another_place(root: Path) -> None:
    path = next(root.rglob("MTD_TL.xml"))
    path.write_text(path.read_text().replace("400000", "500000"))


def _a_document_type(root: Path) -> None:
    path = root / "MTD_MSIL2A.xml"
    path.write_text(path.read_text().replace("?>\n", '?>\n<!DOCTYPE a [<!ENTITY b "c">]>\n', 1))


@pytest.mark.parametrize(
    "spoil, expected",
    [
        (_without_a_band, "SAFE-INCOMPLETE"),
        (_cut, "SAFE-TRUNCATED"),
        (_cut_without_a_manifest, "SAFE-JP2-CUT"),
        (_changed, "SAFE-CHECKSUM"),
        (_a_page, "RASTER-NOT-IMAGE"),
        (_no_tile, "SAFE-INCOMPLETE"),
        (_silent_on_offsets, "SAFE-OFFSET"),
        (_another_place, "SAFE-PLACE"),
        (_a_document_type, "XML-DTD"),
    ],
)
def test_what_cannot_be_used_ends_in_a_sentence(
    tmp_path: Path, take: Callable[..., Ingested], spoil: Callable[[Path], None], expected: str
) -> None:
    root = write_safe(tmp_path)
    spoil(root)
    assert code(take(root)) == expected
    assert code(take(zipped(root))) == expected
    assert not (tmp_path / "local" / PLACE).exists() and not list((tmp_path / "local" / ".staging").iterdir())


def test_one_bad_product_sinks_no_other(tmp_path: Path, take: Callable[..., Ingested]) -> None:
    bad = write_safe(tmp_path / "bad", level="Level-1C")
    torn = tmp_path / "S2A_torn.zip"
    torn.write_bytes(b"PK\x03\x04 cut")
    done = take(bad, torn, tmp_path / "nowhere", write_safe(tmp_path))
    assert [one.place for one in done.taken] == [PLACE]
    assert [refusal.code for refusal in done.refused] == ["SAFE-LEVEL", "ARCHIVE-TORN", "FILE-MISSING"]
