"""The median of a period from counts to what is published, against the readable functions on the whole image."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from readable import plane, readable_classes, readable_layers
from typer.testing import CliRunner
from workshop import BANDS_10, BANDS_20, Made, Scene

from agro.agromaps.composites import median_of_looks
from agro.agromaps.moisture import WetnessRules, wetness
from agro.agromaps.moisture_edges import Edge, Edges
from agro.cli import app
from agro.domain.grid import Grid, blocks_over
from agro.domain.imagery import Angles
from agro.domain.layers import LAYERS, Quality
from agro.imagery.reflectance import reflectance
from agro.store.publish import Store, read_asset, whole
from agro.store.rasters import decode, encode, from_cog
from agro.store.tables import from_parquet
from flows.composites import make_composite
from flows.plan import find_over, read_land
from flows.settings import load
from flows.windows import Ground
from flows.windows_of_looks import EVERYWHERE, Composite

Make = Callable[..., Made]
SIDE = 1060  # [px] of 10 m: several windows
DAYS = ("2021-06-30T05:00:00Z", "2021-07-05T05:00:00Z", "2021-07-10T05:00:00Z", "2021-07-20T05:00:00Z")
PERIOD = date(2021, 7, 1), date(2021, 7, 31)
EDGES = Edges("d", "swir16", "linear", Edge(0.3, 1.0), Edge(4.0, 6.0), 0.0, 1.0)


def scenes() -> list[Scene]:
    made = []
    for number, when in enumerate(DAYS):
        random = np.random.default_rng(number)
        pixels = {
            band: np.round(random.uniform(0.01, 0.6, (SIDE,) * 2 if band in BANDS_10 else (SIDE // 2,) * 2), 4)
            for band in (*BANDS_10, *BANDS_20)
        }
        scl = random.choice([4, 5, 7], (SIDE // 2,) * 2, p=[0.6, 0.35, 0.05])
        for _ in range(12):
            y, x = random.integers(0, SIDE // 2, 2)
            scl[y : y + 40, x : x + 40] = random.choice([3, 8, 9, 0])
        made.append(Scene(f"s{number}", when, pixels=pixels, scl=scl, offset=-0.1, baseline="05.09"))
    return made


def truth(made: Made, names: list[str]) -> dict[str, np.ndarray]:
    """The medians of the whole image by the readable functions, as they would be stored."""
    seen: dict[str, list[xr.DataArray]] = {"ndvi": [], "ndmi": [], "wetness": []}
    for name in names:
        counts = {}
        for band in ("red", "nir", "nir08", "swir16", "scl"):
            with rasterio.open(made.item(name).parent / f"{band}.tif") as raster:
                counts[band] = raster.read(1)
        classes = readable_classes(counts.pop("scl").astype("uint8"), 0, 100, 100)
        clear = np.where(classes == Quality.CLEAR, classes, Quality.CLOUD).astype("uint8")
        scaling = dict.fromkeys(counts, (1e-4, -0.1))
        stored = readable_layers(counts, scaling, clear, Angles(None, None, None, None), "2.1", ["ndvi", "ndmi"])
        values = {layer: plane(decode(LAYERS[layer], pixels)) for layer, pixels in stored.items()}
        green = values["ndvi"].coarsen(y=2, x=2).reduce(np.mean)
        band = reflectance(plane(counts["swir16"]), 1e-4, -0.1).where(plane(clear) == Quality.CLEAR)
        values["wetness"] = wetness(green, band, EDGES, WetnessRules(0.6, 0.01, 0.02, 0.02))["wetness"]
        for layer, value in values.items():
            seen[layer].append(value)
    return {n: encode(LAYERS[n], median_of_looks(xr.concat(v, "time")).values) for n, v in seen.items()}


@pytest.mark.parametrize("number", [3, 2])
def test_medians_equal_the_readable_functions(make_catalog: Make, number: int) -> None:
    made = make_catalog(scenes(), side=SIDE)
    settings = load("stac", made.overrides(made.folder / "store"))
    land = read_land(settings)
    looks = tuple(find_over(settings, land, PERIOD[1])[0][1 : 1 + number])
    grid = Grid("EPSG:32645", 399_360, 6_103_040, 10, 2048, 2048).cut_to((400_000, 6_089_400, 410_600, 6_100_000))
    assert grid is not None
    ground = Ground(grid, blocks_over(grid.crs, grid.bounds), 2)
    cogs = Composite(settings, land, looks, {EVERYWHERE: EDGES}).cogs(ground, {})
    for name, expected in truth(made, [look.acquisition_id for look in looks]).items():
        stored, where = from_cog(b"".join(cogs[name].content))
        assert (where.west_m, where.north_m, where.shape) == (400_000, 6_100_000, expected.shape)
        marks = (stored == LAYERS[name].nodata) != (expected == LAYERS[name].nodata)
        assert marks.mean() < (1e-3 if name == "wetness" else 1e-12), name  # at the limit of standing water
        assert np.abs(stored.astype(int) - expected)[~marks].max() <= 1, name


def test_a_period_is_published_once_with_its_rows(make_catalog: Make, tmp_path: Path) -> None:
    made = make_catalog([Scene(f"s{n}", when) for n, when in enumerate(DAYS)])
    settings = load("stac", made.overrides(tmp_path / "store"))
    first, refused = make_composite(settings, *PERIOD)
    again, _ = make_composite(settings, *PERIOD)
    assert first is not None and again is not None and not refused
    assert first.place == again.place and first.properties["agro:acquisition_ids"] == ["s1", "s2", "s3"]
    store = Store(tmp_path / "store")
    assert len(list(store.root.glob("composites/*/*"))) == 1 and whole(store, first.place) == again
    rows = from_parquet(read_asset(store, first, "fields"))
    assert set(zip(rows["field_id"], rows["layer"], strict=True)) == {
        (f, n) for f in ("east", "west") for n in ("ndvi", "ndmi")
    }
    assert rows["clear_fraction"].tolist() == [1.0] * 4
    assert rows.set_index("layer").loc["ndvi", "mean"].iloc[0] == pytest.approx((0.40 - 0.03) / 0.43, abs=1e-4)


def test_days_without_a_look_and_looks_without_a_band(make_catalog: Make, tmp_path: Path) -> None:
    made = make_catalog([Scene("whole", DAYS[1]), Scene("lacking", DAYS[2], without=["swir16"])])
    settings = load("stac", made.overrides(tmp_path / "store"))
    nothing, _ = make_composite(settings, date(2020, 1, 1), date(2020, 2, 1))
    made_of, refused = make_composite(settings, *PERIOD)
    assert nothing is None and made_of is not None
    assert made_of.properties["agro:acquisition_ids"] == ["whole"]
    assert [(r.acquisition_id, r.code) for r in refused] == [("lacking", "LAYER-BANDS")]


def test_by_hand_from_the_command_line(make_catalog: Make, tmp_path: Path) -> None:
    made = make_catalog([Scene("s", DAYS[1])])
    sets = [part for override in made.overrides(tmp_path / "store") for part in ("--set", override)]
    words = ["composite", "--config", "stac", "--first", "2021-07-01", "--last", "2021-07-31", *sets]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "composites/2021/2021-07-01--2021-07-31--" in done.stdout
    words[words.index("2021-07-01")] = "2021-08-01"
    assert CliRunner().invoke(app, words).exit_code == 2
