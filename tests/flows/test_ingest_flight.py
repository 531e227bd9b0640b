"""A UAV flight put aside and mis-scaled on purpose: found, corrected, and taken as a pass; what cannot be, told."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from rasterio.windows import from_bounds
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner
from workshop import GREEN, Made, Ran, Scene

from agro.cli import app
from agro.domain.grid import Grid
from agro.store.publish import Store, whole
from agro.twin.flight import write_flight
from flows.ingest import Ingested, ingest
from flows.settings import load

WEST, NORTH, SIDE = 400_000, 6_100_000, 64
GROUND = (WEST + 40, NORTH - 600, WEST + 600, NORTH - 40)
WRONG = {"red": (1.3, 0.01), "nir": (0.8, 0.03)}
Take = Callable[..., Ingested]


def textured(seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    cover = gaussian_filter(random.standard_normal((SIDE, SIDE)), 1.5)
    cover = np.clip(0.5 + 0.25 * cover / cover.std(), 0.02, 0.98)
    return {"green": 0.09 - 0.04 * cover, "red": 0.13 - 0.10 * cover, "nir": 0.22 + 0.25 * cover}


@pytest.fixture
def made(make_catalog: Callable[..., Made]) -> Made:
    return make_catalog([Scene("near", "2021-07-01T05:00:00Z", pixels=textured(5))], side=SIDE)


@pytest.fixture
def take(tmp_path: Path, made: Made) -> Take:
    def go(*paths: Path, into: str = "local") -> Ingested:
        return ingest(load("stac", made.overrides(tmp_path / "store")), paths, tmp_path / into)

    return go


FLOWN_AT = datetime(2021, 7, 3, 3, 30, tzinfo=UTC)


def flown(made: Made, name: str = "flight", pattern: int = 5, **more: Any) -> Path:
    """A flight two days after the scene, at another hour: what stands there has changed a little."""
    grid = Grid("EPSG:32645", WEST, NORTH, 10, SIDE, SIDE)
    grown = 1 + 0.03 * gaussian_filter(np.random.default_rng(8).standard_normal((SIDE, SIDE)), 2) / 0.14
    light = {band: pixels * grown for band, pixels in textured(pattern).items()}
    light["rededge1"] = np.full((SIDE, SIDE), GREEN["rededge1"])
    return write_flight(light, grid, GROUND, made.folder / f"{name}.tif", FLOWN_AT, 3, **more)


def layers(store: Path) -> dict[str, np.ndarray]:
    """The layers of the only pass, over the middle of the flight's ground."""
    (folder,) = (store / "passes" / "2021").iterdir()
    west, south, east, north = GROUND
    found = {}
    for path in folder.glob("*.tif"):
        with rasterio.open(path) as layer:
            window = from_bounds(west + 40, south + 40, east - 40, north - 40, layer.transform)
            found[path.stem] = layer.read(1, window=window, masked=True)
    return found


def test_a_flight_put_aside_and_mis_scaled_is_found_corrected_and_passes(
    tmp_path: Path, made: Made, take: Take, run: Callable[..., Ran]
) -> None:
    path = flown(made, aside_m=(2.5, -3.0), wrong=WRONG)
    done = take(path)
    assert [r.facts["band"] for r in done.refused] == ["rededge1"]  # flat in the made scene, so nothing bears it out
    (one,) = done.taken
    report = one.report
    assert one.place.startswith("uav/") and report["trust"] == "calibrated" and report["reference"] == "near"
    assert report["moved_east_m"] == pytest.approx(-2.5, abs=0.7)
    assert report["moved_north_m"] == pytest.approx(3.0, abs=0.7)
    assert report["left_over_m"] < 1.0
    for band, (gain, offset) in WRONG.items():  # the mosaic's own picture is a little smoother than the satellite's
        line = report["lines"][band]
        assert line["slope"] == pytest.approx(1 / gain, rel=0.15) and line["r2"] > 0.9 and line["n_px"] > 2000
        assert line["intercept"] == pytest.approx(-offset / gain, abs=0.05)
    own = whole(Store(tmp_path / "local"), one.place.replace("uav/", "uav-fine/"))
    with rasterio.open(tmp_path / "local" / own.place / "mosaic.tif") as mosaic, rasterio.open(path) as given:
        assert mosaic.res == given.res == (0.5, 0.5) and mosaic.descriptions == ("green", "red", "rededge1", "nir")
        assert mosaic.transform.c - given.transform.c == pytest.approx(report["moved_east_m"], abs=0.01)
        np.testing.assert_array_equal(mosaic.read(2), given.read(2))
    assert own.item["assets"]["mosaic"]["raster:bands"][1]["scale"] == pytest.approx(
        1e-4 * report["lines"]["red"]["slope"], rel=1e-3
    )
    again = take(path)
    assert [(t.place, t.new) for t in again.taken] == [(one.place, False)]
    satellite = run(made, store="satellite")
    flight = run(made, f"imagery.catalog={done.catalog}", 'imagery.collections=["uav"]', store="uav")
    assert list(flight.done) == [one.place.removeprefix("uav/")] and not flight.refused and not satellite.refused
    by_flight, by_satellite = layers(tmp_path / "uav"), layers(tmp_path / "satellite")
    assert set(by_flight) >= {"ndvi", "evi2", "quality"} and "ndre" not in by_flight
    apart = np.abs(by_satellite["ndvi"].astype(float) - by_flight["ndvi"]) * 1e-4
    assert apart.count() > 1900 and np.median(apart.compressed()) < 0.03


def test_by_hand_from_the_command_line(tmp_path: Path, made: Made) -> None:
    sets = [word for one in made.overrides(tmp_path / "store") for word in ("--set", one)]
    path = flown(made, aside_m=(2.5, -3.0), wrong=WRONG)
    done = CliRunner().invoke(app, ["ingest", str(path), "--into", str(tmp_path / "local"), "--json", *sets])
    (taken,) = json.loads(done.stdout)["taken"]
    assert done.exit_code == 3 and taken["place"].startswith("uav/") and taken["trust"] == "calibrated"
    shown = CliRunner().invoke(app, ["ingest", str(path), "--into", str(tmp_path / "local"), *sets])
    assert "облёт 2021-07-03 03:30, приведён к near" in shown.stdout


def test_far_aside_is_refused_with_what_was_found(made: Made, take: Take) -> None:
    done = take(flown(made, aside_m=(40.0, 0.0)))
    (refusal,) = done.refused
    assert refusal.code == "UAV-ALIGN" and not done.taken
    assert refusal.facts["east"] == pytest.approx(-40, abs=8)


def test_without_a_scene_near_in_time_it_is_relative_only(tmp_path: Path, made: Made, take: Take) -> None:
    path = flown(made)
    sidecar = path.with_suffix(".toml")
    sidecar.write_text(sidecar.read_text().replace("2021-07-03", "2021-07-20"))
    done = take(path)
    assert done.taken[0].place.startswith("uav-relative/") and [r.code for r in done.refused] == ["UAV-RELATIVE"]
    assert done.taken[0].report["trust"] == "relative" and not (tmp_path / "local" / "uav").exists()


def test_another_field_s_pattern_is_not_believed(made: Made, take: Take) -> None:
    done = take(flown(made, pattern=99))
    assert not done.taken or done.taken[0].report["trust"] == "relative"
    assert {r.code for r in done.refused} <= {"UAV-RELATIVE", "UAV-ALIGN"} and done.refused


def rewritten(path: Path, change: Callable[[dict[str, Any], np.ndarray], np.ndarray], alpha: bool = False) -> Path:
    with rasterio.open(path) as source:
        profile, pixels = source.profile, source.read()
    pixels = change(profile, pixels)
    profile |= {"count": len(pixels), "dtype": pixels.dtype}
    with rasterio.open(path, "w", **profile) as target:
        if alpha:
            target.colorinterp = [ColorInterp.gray] * (len(pixels) - 1) + [ColorInterp.alpha]
        target.write(pixels)
    return path


def _with_alpha(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels, np.full_like(pixels[:1], 255)])


def test_an_alpha_band_is_told_and_once_named_it_masks(made: Made, take: Take) -> None:
    path = rewritten(flown(made), lambda profile, pixels: _with_alpha(pixels), alpha=True)
    assert [r.code for r in take(path).refused] == ["ORTHO-ALPHA"]
    sidecar = path.with_suffix(".toml")
    sidecar.write_text(sidecar.read_text().replace('"nir"]', '"nir", "alpha"]'))
    assert [r.code for r in take(path).refused] == ["UAV-BAND"]


def _eight_bits(profile: dict[str, Any], pixels: np.ndarray) -> np.ndarray:
    profile["photometric"] = "minisblack"  # else four bands of 8 bits are taken for a picture with transparency
    return (pixels // 40).clip(0, 255).astype("uint8")


def _nowhere(profile: dict[str, Any], pixels: np.ndarray) -> np.ndarray:
    del profile["crs"], profile["transform"]
    return pixels


def _another_continent(profile: dict[str, Any], pixels: np.ndarray) -> np.ndarray:
    profile |= {"crs": "EPSG:32614", "transform": from_origin(734_314, 4_488_979, 0.5, 0.5)}
    return pixels


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(
    "change, sidecar, expected",
    [
        (_eight_bits, ("", ""), "ORTHO-8-BIT"),
        (_nowhere, ("", ""), "ORTHO-NO-PLACE"),
        (_another_continent, ("", ""), "ORTHO-ELSEWHERE"),
        (None, ("scale = 0.0001", "scale = 1"), "ORTHO-REFLECTANCE"),
        (None, ("scale = 0.0001", ""), "ORTHO-SIDECAR-VALUE"),
        (None, ("+00:00", ""), "ORTHO-SIDECAR-VALUE"),
        (None, ('"green", ', ""), "ORTHO-BANDS"),
        (None, ('"green"', '"grün"'), "ORTHO-SIDECAR-VALUE"),
        (None, ("bands =", "bands"), "CFG-TOML"),
        (None, ("camera", "kamera"), "ORTHO-SIDECAR-VALUE"),
    ],
)
def test_what_cannot_be_used_ends_in_a_sentence(
    made: Made, take: Take, change: Any, sidecar: tuple[str, str], expected: str
) -> None:
    path = flown(made)
    told = path.with_suffix(".toml")
    told.write_text(told.read_text().replace(*sidecar) if sidecar[0] else told.read_text())
    if change is not None:
        rewritten(path, change)
    done = take(path)
    assert [r.code for r in done.refused] == [expected] and not done.taken


def test_without_a_sidecar_nobody_knows_its_bands(made: Made, take: Take) -> None:
    path = flown(made)
    path.with_suffix(".toml").unlink()
    assert [r.code for r in take(path).refused] == ["ORTHO-SIDECAR"]


def test_a_colour_picture_gives_greenness_and_no_ndvi(tmp_path: Path, made: Made, take: Take) -> None:
    path = tmp_path / "picture.tif"
    pixels = np.full((3, 600, 600), 60, "uint8")
    pixels[1] = 120  # green: (240 - 120) / (240 + 120) = 1/3
    lon_lat = Transformer.from_crs("EPSG:32645", "EPSG:4326", always_xy=True).transform(WEST + 100, NORTH - 100)
    place = from_origin(*lon_lat, 0.5 / 64_000, 0.5 / 111_300)
    with rasterio.open(
        path, "w", driver="GTiff", crs="EPSG:4326", transform=place, width=600, height=600, count=3, dtype="uint8"
    ) as raster:
        raster.write(pixels)
    path.with_suffix(".toml").write_text('time = 2021-07-02T04:00:00Z\nbands = ["red", "green", "blue"]\n')
    done = take(path)
    assert not done.refused and done.taken[0].place.startswith("uav-visible/")
    folder = tmp_path / "local" / done.taken[0].place
    assert sorted(p.name for p in folder.glob("*.tif")) == ["gli.tif"] and not (tmp_path / "local" / "uav").exists()
    values = rasterio.open(folder / "gli.tif").read(1, masked=True).compressed()
    assert len(values) > 700 and set(values.tolist()) == {3333}
    assert "no NDVI" in str(done.taken[0].sentence) and not take(path).taken[0].new
