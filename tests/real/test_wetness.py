"""Wetness on real passes: against published rasters and edges of Lachish, and against the rain of Flanders."""

import json
import tomllib
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from scipy.ndimage import binary_erosion
from workshop import figure

from agro.agromaps.fieldstats import field_pixels
from agro.agromaps.moisture import WetnessRules, agreement, shortwave_transform, wetness
from agro.agromaps.moisture_counts import add_counts, edge_counts
from agro.agromaps.moisture_edges import Edge, EdgeRules, Edges, fit_edges
from agro.agromaps.radar_wetness import radar_references, radar_wetness
from agro.agromaps.vegetation import ndvi
from agro.domain.errors import BadInput
from agro.domain.grid import Grid
from agro.domain.layers import LAYERS, Quality
from agro.imagery.clearsky import quality
from agro.imagery.reflectance import for_ratios, reflectance, to_20_m
from agro.sources import stac

CONFIGS = Path(__file__).parents[2] / "configs"
CONFIG = tomllib.loads((CONFIGS / "moisture.toml").read_text())
RULES, WETNESS = EdgeRules(**CONFIG["edges"]), WetnessRules(**CONFIG["wetness"])
PUBLISHED = Edges("lachish", "swir16", "linear", Edge(-0.154980, 3.312686), Edge(-0.278092, 6.785908), 0.31, 0.85)


def plane(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, dims=("y", "x"))


@dataclass
class LachishDay:
    day: date
    swir16: xr.DataArray
    swir22: xr.DataArray
    ndvi: xr.DataArray
    transform: xr.DataArray
    inner: np.ndarray


@pytest.fixture(scope="module")
def lachish(real: Path) -> list[LachishDay]:
    days = []
    for path in sorted((real / "optram/extdata/STR").glob("*.tif")):
        name = path.name.removeprefix("STR_")
        bands, transform, greenness = (
            rasterio.open(path.parents[1] / kind / f"{kind}_{name}").read().astype("float64")
            for kind in ("BOA", "STR", "NDVI")
        )
        inner = binary_erosion(np.isfinite(transform[0]), iterations=2)
        layers = (bands[10] / 1e4, bands[11] / 1e4, greenness[0], transform[0])
        days.append(LachishDay(date.fromisoformat(name[:10]), *map(plane, layers), inner))
    assert len(days) == 10
    return days


def counts_of(days: list[LachishDay]) -> pd.DataFrame:
    field = xr.zeros_like(days[0].ndvi, dtype="int16")
    return add_counts([edge_counts(d.ndvi, d.transform, field, ["lachish"], d.day) for d in days])


def test_the_published_transform_is_ours_of_band_11(lachish: list[LachishDay]) -> None:
    """It was made before the rasters were warped, so a pixel differs a little and a border pixel (mixed with 0) much."""
    apart = {name: [] for name in ("swir16", "swir22")}
    for day in lachish:
        for name, differences in apart.items():
            differences.append(np.abs(shortwave_transform(getattr(day, name)) - day.transform).values[day.inner])
    ours, other = (np.concatenate(apart[name]) for name in ("swir16", "swir22"))
    told = f"median {np.median(ours):.4f}, 99 % below {np.quantile(ours, 0.99):.3f}"
    figure("transformed shortwave reflectance", "10 published rasters of Lachish (B11)", "0", told)
    assert np.median(ours) < 0.003 and np.quantile(ours, 0.99) < 0.11 and ours.max() < 0.6
    assert np.median(other) > 2


def test_wetness_by_the_published_edges(lachish: list[LachishDay]) -> None:
    """From the band and their greenness, against their transform in plain NumPy."""
    apart = []
    for day in lachish:
        got = wetness(day.ndvi, day.swir16, PUBLISHED, WETNESS)["wetness"].values
        v, s = day.ndvi.values, day.transform.values
        dry, wet = -0.154980 + 3.312686 * v, -0.278092 + 6.785908 * v
        expected = np.clip((s - dry) / (wet - dry), 0, 1)
        sure = day.inner & np.isfinite(got) & (s < 1.15 * wet)
        assert sure.sum() > 0.9 * (day.inner & np.isfinite(v)).sum()
        apart.append(np.abs(got - expected)[sure])
    told = f"median {np.median(np.concatenate(apart)):.4f}, 99 % below {np.quantile(np.concatenate(apart), 0.99):.3f}"
    figure("surface wetness by the published edges", "the published rasters of Lachish", "0", told)
    assert np.median(np.concatenate(apart)) < 0.002
    assert np.quantile(np.concatenate(apart), 0.99) < 0.06


def test_a_season_of_four_clear_dates_is_refused(lachish: list[LachishDay]) -> None:
    with pytest.raises(BadInput, match="2022: 4, 2023: 6"):
        fit_edges(counts_of(lachish), RULES)


def test_our_edges_lie_by_the_published_ones(lachish: list[LachishDay]) -> None:
    """Dry within 3 % of the width, wet 9 to 18 % lower; two of our standard errors hold them all.

    No choice of dates or rules among these ten gives the published numbers: they stand on other passes.
    """
    edges = fit_edges(counts_of(lachish), replace(RULES, band="swir16", fewest_dates_a_season=4))
    for at in (0.35, 0.5, 0.65, 0.8):
        (dry, wet), (their_dry, their_wet) = edges.at(at), PUBLISHED.at(at)
        width = their_wet - their_dry
        assert abs(dry - their_dry) < 0.03 * width and 0.05 * width < their_wet - wet < 0.2 * width
    ours = (edges.dry.intercept, edges.dry.slope, edges.wet.intercept, edges.wet.slope)
    theirs = (-0.154980, 3.312686, -0.278092, 6.785908)
    dry, wet = (f"{a:.3f} + {b:.3f} V" for a, b in (ours[:2], ours[2:]))
    figure(
        "edges of wetness",
        "published: dry -0.155 + 3.313 V, wet -0.278 + 6.786 V",
        "other dates",
        f"dry {dry}, wet {wet}",
    )
    assert (np.abs(np.subtract(ours, theirs)) < 2 * np.array(edges.standard_errors)).all()
    assert edges.n_px == 48180 and edges.n_dates == 10


def test_counts_stand_for_the_pixels(lachish: list[LachishDay]) -> None:
    """Edges from all pixels by plain NumPy, bin by bin."""
    edges = fit_edges(counts_of(lachish), replace(RULES, band="swir16", fewest_dates_a_season=4))
    v, s = (np.concatenate([getattr(d, name).values.ravel() for d in lachish]) for name in ("ndvi", "transform"))
    points = []
    for low in np.arange(edges.ndvi_low, edges.ndvi_high - 1e-6, 0.005):
        own = s[(v >= low - 1e-9) & (v < low + 0.005 - 1e-9) & np.isfinite(s)]
        if len(own) >= 20:
            quarter, three = np.quantile(own, (0.25, 0.75))
            reach = 1.5 * (three - quarter) / 1.349
            own = own[(own >= quarter - reach) & (own <= three + reach)]
            points.append((low + 0.0025, *np.quantile(own, (0.05, 0.95))))
    at = np.array(points)
    for place in (0.35, 0.5, 0.65, 0.8):
        for got, column in zip(edges.at(place), (1, 2), strict=True):
            slope, intercept = np.polyfit(at[:, 0], at[:, column], 1)
            assert got == pytest.approx(intercept + slope * place, rel=0.01)


@dataclass
class Flanders:
    days: list[date]
    ndvi: list[xr.DataArray]
    swir22: list[xr.DataArray]
    cells: dict[str, tuple[np.ndarray, np.ndarray]]
    crops: dict[str, str]
    rain: pd.Series

    def of_fields(self, maps: list[xr.DataArray], days: pd.DatetimeIndex) -> pd.DataFrame:
        """Dates x fields: mean of a field where at least 70 % of it is told, and NDVI is below 0.5."""
        rows = {name: [_mean(layer.values[cells]) for layer in maps] for name, cells in self.cells.items()}
        return pd.DataFrame(rows, index=days)


def _mean(values: np.ndarray) -> float:
    seen = np.isfinite(values)
    return float(values[seen].mean()) if seen.mean() >= 0.7 else float("nan")


GRID = Grid("EPSG:32631", 501360, 5629680, 20, 32, 32)


@pytest.fixture(scope="module")
def flanders(real: Path) -> Flanders:
    folder = real / "flanders-2018"
    fields = gpd.read_file(folder / "fields.gpkg")
    pixels = field_pixels(fields["field_id"].tolist(), fields.geometry.tolist(), 20)
    cells = {}
    for i, name in enumerate(pixels.field_ids):
        own = slice(pixels.start[i], pixels.start[i + 1])
        if not pixels.flags[i] and pixels.start[i + 1] - pixels.start[i] >= 5:
            cells[name] = (pixels.rows[own] + GRID.north_m // 20, pixels.columns[own] - GRID.west_m // 20)
    aliases = tomllib.loads((CONFIGS / "bands.toml").read_text())["sentinel-2-l2a"]
    bbox = tuple(fields.to_crs(4326).total_bounds)
    found, refused = stac.find(folder / "catalog/catalog.json", ["sentinel-2-l2a"], aliases, bbox)
    assert not refused
    looks: dict[date, tuple[xr.DataArray, xr.DataArray]] = {}
    for look in found:
        classes = quality(stac.read(look, GRID, ["scl"])["scl"], 100, 100)
        clear = classes == Quality.CLEAR
        if clear.sum() < 100:
            continue
        fine, coarse = stac.read(look, GRID.at(10), ["red", "nir"]), stac.read(look, GRID, ["swir22"])
        bands = {
            name: for_ratios(reflectance(counts, look.bands[str(name)].scale, look.bands[str(name)].offset))  # type: ignore[arg-type]
            for name, counts in {**fine, **coarse}.items()
        }
        greenness = ndvi(to_20_m(bands["red"]), to_20_m(bands["nir"]))
        looks.setdefault(look.acquired_at.date(), (greenness.where(clear), bands["swir22"].where(clear)))
    days = sorted(looks)
    weather = pd.read_csv(folder / "weather.csv", parse_dates=["date"]).set_index("date")
    rain, sums = 0.0, []
    for fallen in weather["precip_mm"]:
        rain = 0.85 * rain + fallen
        sums.append(rain)
    before = pd.Series(sums, weather.index).shift(1)  # rain of the days before, remembered by 85 % a day
    crops = dict(zip(fields["field_id"], fields["crop"], strict=True))
    return Flanders(days, [looks[d][0] for d in days], [looks[d][1] for d in days], cells, crops, before)


def flanders_counts(flanders: Flanders, crop: str | None) -> pd.DataFrame:
    group = xr.full_like(flanders.ndvi[0], -1)
    for name, (rows, columns) in flanders.cells.items():
        if crop in (None, flanders.crops[name]):
            group.values[rows, columns] = 0
    return add_counts(
        [
            edge_counts(greenness, shortwave_transform(swir), group, [crop or "all"], day)
            for day, greenness, swir in zip(flanders.days, flanders.ndvi, flanders.swir22, strict=True)
        ]
    )


def test_edges_of_two_seasons_in_flanders(flanders: Flanders) -> None:
    """Maize passes through all greenness, so its edges stand; grass is hardly ever bare, and its edges are refused."""
    assert len(flanders.days) == 56
    assert {flanders.crops[name] for name in flanders.cells} == {"maize", "grassland"}
    maize = fit_edges(flanders_counts(flanders, "maize"), RULES)
    assert maize.seasons == (2017, 2018) and maize.n_bins > 75
    assert maize.dry.r2 > 0.8 and maize.wet.r2 > 0.8  # type: ignore[operator]
    assert 0.2 < maize.standard_errors[3] < 0.6
    with pytest.raises(BadInput, match="EDGES-BINS"):
        fit_edges(flanders_counts(flanders, "grassland"), RULES)


def test_wetness_by_light_against_rain(flanders: Flanders) -> None:
    """Tillage darkens bare maize fields, so there it does not follow the rain: the cross-check says so."""
    edges = fit_edges(flanders_counts(flanders, None), RULES)
    pairs = zip(flanders.ndvi, flanders.swir22, strict=True)
    maps = [wetness(greenness, swir, edges, WETNESS)["wetness"].where(greenness < 0.5) for greenness, swir in pairs]
    days = pd.DatetimeIndex(flanders.days)
    seen = flanders.of_fields(maps, days)
    got = agreement(seen, pd.DataFrame(dict.fromkeys(seen, flanders.rain.reindex(days)))).set_index("field_id")
    maize = got[[flanders.crops[name] == "maize" for name in got.index]]
    rho = ", ".join(f"{value:.2f}" for value in maize["spearman_rho"])
    figure("wetness of bare maize fields against rain", "Flanders 2018, rank correlation by field", "at least 0.4", rho)
    assert len(maize) == 2 and (maize["n_dates"] >= 8).all()
    assert (maize["flag"] == "low_agreement").all() and maize["spearman_rho"].between(-0.4, 0.4).all()


def test_wetness_by_radar_against_rain(real: Path, flanders: Flanders) -> None:
    """Two orbits over two maize fields: on one it follows the rain, on the other it does not."""
    correlations = {}
    for orbit in (0, 1):
        times, stack = radar(real / "flanders-2018/catalog/sentinel-1-grd", orbit)
        greenness = xr.concat(flanders.ndvi, pd.DatetimeIndex(flanders.days).as_unit("ns").rename("time"))
        greenness = greenness.interpolate_na("time").interp(time=stack["time"])
        index = radar_wetness(stack, greenness, radar_references(stack, greenness, 12))
        days = times.normalize()
        seen = flanders.of_fields(list(index), days)
        got = agreement(seen, pd.DataFrame(dict.fromkeys(seen, flanders.rain.reindex(days))))
        correlations[orbit] = got.set_index("field_id")["spearman_rho"].dropna()
    by_field = pd.DataFrame(correlations).mean(axis=1)
    assert set(by_field.index) == {"flanders-2018-05", "flanders-2018-08"}
    assert by_field["flanders-2018-05"] > 0.5 and abs(by_field["flanders-2018-08"]) < 0.3


def radar(folder: Path, orbit: int) -> tuple[pd.DatetimeIndex, xr.DataArray]:
    """VV [dB] of one relative orbit; the two pass eight minutes apart."""
    times, looks = [], []
    for item in sorted(folder.glob("*/*.json")):
        content = json.loads(item.read_text())
        assert content["assets"]["vv"]["raster:bands"][0]["unit"] == "dB"
        instant = pd.Timestamp(content["properties"]["datetime"]).tz_localize(None)
        if (instant.minute >= 36) == bool(orbit):
            with rasterio.open(item.parent / "VV.tif") as raster:
                looks.append(raster.read(1))
            times.append(instant)
    index = pd.DatetimeIndex(times).as_unit("ns")
    return index, xr.DataArray(np.stack(looks), dims=("time", "y", "x"), coords={"time": index})


def test_2019_has_no_bands_for_it(real: Path) -> None:
    """A pass with 20 m bands only has no NDVI, so two full seasons cannot be put together here."""
    aliases = tomllib.loads((CONFIGS / "bands.toml").read_text())["sentinel-2-l2a"]
    found, _ = stac.find(
        real / "flanders-2019/catalog/catalog.json", ["sentinel-2-l2a"], aliases, (-180.0, -90.0, 180.0, 90.0)
    )
    assert found and {band for look in found for band in LAYERS["wetness"].bands if band not in look.bands} == {
        "red",
        "nir",
    }
