"""Curves against dates they have not seen, by the length of the gap around them, on real series.

    python bench/season_gaps.py FOLDER [PIXELS]

FOLDER holds `flanders-2018` (a static catalogue and its fields) and `eolearn-slovenia` (an EOPatch). Single looks and
windows of looks are held out; each method foretells them from the rest. What a method has to choose it chooses on the
other half of the fields, or on the other year. Prints a Markdown table and a JSON line.
"""

import json
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import xarray as xr
from scipy.optimize import least_squares
from scipy.signal import savgol_filter

from agro.agromaps.fieldstats import field_pixels, field_rows
from agro.agromaps.vegetation import ndvi
from agro.domain.grid import Grid
from agro.imagery.clearsky import keep_believed, quality
from agro.imagery.reflectance import for_ratios, reflectance
from agro.imagery.series import Stiffness, choose_stiffness, whittaker
from agro.sources import stac

GAPS = ((0, 5), (5, 15), (15, 25), (25, 40), (40, 90))  # [d] above .. up to
WINDOWS_D = (0, 6, 11, 16, 21, 31, 41)  # [d] all looks within so many days are held out
SIDE_PX = 64  # [px] of 10 m, the Flemish patch
NINETY = 1.645  # [1] standard errors to each side of a 90 % interval
Foretold = tuple[np.ndarray, np.ndarray | None]


@dataclass
class Season:
    """One season of looks, (time, place), and another one of the same kind on which choices are made."""

    name: str
    looks: xr.DataArray
    others: xr.DataArray

    @property
    def day(self) -> np.ndarray:
        return (self.looks["time"].values - self.looks["time"].values[0]).astype("timedelta64[D]").astype(int)

    def period(self, looks: xr.DataArray) -> tuple:
        days = looks["time"].values.astype("datetime64[D]")
        return days[0].item(), days[-1].item()


@dataclass
class Score:
    """Errors of one method in one class of gaps."""

    errors: list[np.ndarray] = field(default_factory=list)
    hits: list[np.ndarray] = field(default_factory=list)

    def told(self) -> dict[str, float | int | None]:
        errors = np.concatenate(self.errors)
        hit = float(np.concatenate(self.hits).mean()) if self.hits else None
        return {
            "n": len(errors),
            "rmse": round(float(np.sqrt(np.mean(errors**2))), 4),
            "median_abs": round(float(np.median(np.abs(errors))), 4),
            "bias": round(float(errors.mean()), 4),
            "coverage_90": None if hit is None else round(hit, 3),
        }


def flanders(folder: Path) -> list[Season]:
    """Median NDVI of the clear pixels of each field, where more than 70 % of it is clear."""
    bands = tomllib.loads((Path(__file__).parents[1] / "configs/bands.toml").read_text())["sentinel-2-l2a"]
    fields = gpd.read_file(folder / "fields.gpkg")
    bounds = tuple(fields.to_crs(4326).total_bounds)
    found, refused = stac.find(folder / "catalog/catalog.json", ["sentinel-2-l2a"], bands, bounds)
    assert not refused
    grid = Grid("EPSG:32631", 501_360, 5_629_680, 10, SIDE_PX, SIDE_PX)
    pixels = field_pixels(list(fields["field_id"]), list(fields.to_crs(grid.crs).geometry), 10)
    rows = []
    for look in found:
        counts = stac.read(look, grid, ("red", "nir"))
        classes = quality(stac.read(look, grid.at(20), ("scl",))["scl"], 100.0, 100.0)
        red, nir = (
            keep_believed(for_ratios(reflectance(counts[b], look.bands[b].scale, look.bands[b].offset)), classes)
            for b in ("red", "nir")
        )
        fine = xr.DataArray(classes.values.repeat(2, 0).repeat(2, 1), dims=("y", "x"))
        table = field_rows(xr.Dataset({"ndvi": ndvi(red, nir)}), fine, grid, pixels, few_px=1, low_clear_fraction=0.7)
        rows.append(table["p50"].where(table["clear_fraction"] > 0.7).to_numpy(dtype=float))
    time_seen = np.array([look.acquired_at.replace(tzinfo=None) for look in found], "datetime64[ns]")
    series = xr.DataArray(np.array(rows), dims=("time", "place"), coords={"time": time_seen})
    series = series.assign_coords(place=fields["crop"].to_numpy()).sel(time=slice("2018-03-01", "2018-11-01"))
    return [Season("flanders-2018", series[:, a::2], series[:, 1 - a :: 2]) for a in (0, 1)]


def slovenia(folder: Path, pixels: int) -> list[Season]:
    """NDVI of random pixels outside the mask of clouds, two seasons; thin cloud and shadow are still in it."""
    times = np.array([t[:19] for t in json.loads((folder / "timestamps.json").read_text())], "datetime64[ns]")
    clear = (np.load(folder / "mask/CLM.npy") == 0) & np.load(folder / "mask/IS_VALID.npy")
    values = np.where(clear, np.load(folder / "data/NDVI.npy"), np.nan)[..., 0].reshape(len(times), -1)
    chosen = np.random.default_rng(1).choice(values.shape[1], pixels, replace=False)
    series = xr.DataArray(values[:, chosen].astype(float), dims=("time", "place"), coords={"time": times})
    years = [series.sel(time=slice(f"{year}-03-10", f"{year}-11-01")) for year in (2016, 2017)]
    return [Season("eolearn-slovenia", years[a], years[1 - a]) for a in (0, 1)]


def linear(season: Season, kept: xr.DataArray) -> Foretold:
    """The straight line between the neighbours."""
    drawn = np.full(kept.shape, np.nan)
    for place in range(kept.shape[1]):
        seen = kept.values[:, place] > 0
        if seen.sum() > 1:
            looks = season.looks.values[seen, place]
            drawn[:, place] = np.interp(season.day, season.day[seen], looks, left=np.nan, right=np.nan)
    return drawn, None


def savitzky_golay(season: Season, kept: xr.DataArray) -> Foretold:
    """Composites of 5 days, empty ones filled linearly; window 7, order 2."""
    parts, drawn = season.day // 5, np.full(kept.shape, np.nan)
    middles = np.arange(parts[-1] + 1) * 5 + 2
    for place in range(kept.shape[1]):
        seen = kept.values[:, place] > 0
        count = np.bincount(parts[seen], minlength=len(middles))
        total = np.bincount(parts[seen], season.looks.values[seen, place], minlength=len(middles))
        some = count > 0
        if some.sum() > 1:
            filled = np.interp(middles, middles[some], total[some] / count[some])
            drawn[:, place] = np.interp(season.day, middles, savgol_filter(filled, 7, 2))
    return drawn, None


def curve(stiffness: Stiffness | Callable[[Season], Stiffness]) -> Callable[..., Foretold]:
    """Our curve, of a given stiffness or of one that is chosen on the other half."""
    chosen: dict[int, Stiffness] = {}

    def drawn(season: Season, kept: xr.DataArray) -> Foretold:
        if id(season) not in chosen:
            chosen[id(season)] = stiffness if isinstance(stiffness, Stiffness) else stiffness(season)
        made = whittaker(season.looks, kept, season.period(season.looks), chosen[id(season)])
        there = made.isel(day=season.day)
        return there["curve"].values, np.hypot(there["curve_se"].values, made["noise"].values)

    return drawn


def on_the_other_half(season: Season) -> Stiffness:
    return choose_stiffness(season.others, None, season.period(season.others))


METHODS: dict[str, Callable[..., Foretold]] = {
    "linear": linear,
    "Savitzky-Golay": savitzky_golay,
    "plain Whittaker 100": curve(Stiffness(tension_days=np.inf)),
    "ours, default": curve(Stiffness()),
    "ours, chosen": curve(on_the_other_half),
}


def held_out(season: Season) -> Iterator[np.ndarray]:
    """Each set of looks that is held out, once."""
    sets = {
        ((season.day >= first) & (season.day <= first + window)).tobytes()
        for window in WINDOWS_D
        for first in season.day
    }
    yield from (np.frombuffer(one, bool) for one in sorted(sets))


def gaps(season: Season, out: np.ndarray) -> np.ndarray:
    """Days between the kept neighbours of each held-out look; NaN where one is missing or nothing was held out."""
    there = season.looks.notnull().values
    kept, day = there & ~out[:, None], season.day[:, None].astype(float)
    before = np.maximum.accumulate(np.where(kept, day, -np.inf), axis=0)
    after = np.minimum.accumulate(np.where(kept, day, np.inf)[::-1], axis=0)[::-1]
    return np.where(there & out[:, None] & np.isfinite(after - before), after - before, np.nan)


def judge(seasons: list[Season], methods: dict[str, Callable[..., Foretold]]) -> dict[str, dict[str, dict]]:
    """Scores by method and class of gaps; the same held-out looks for all."""
    scores: dict[str, dict[str, Score]] = {name: {} for name in methods}
    for season in seasons:
        for out in held_out(season):
            length = gaps(season, out)
            if not np.isfinite(length).any():
                continue
            kept = season.looks.notnull() & xr.DataArray(~out, dims="time")
            for name, method in methods.items():
                foretold, error = method(season, kept.astype("float32"))
                missed = foretold - season.looks.values
                for low, high in GAPS:
                    here = (length > low) & (length <= high) & np.isfinite(missed)
                    if here.any():
                        score = scores[name].setdefault(f"{low}-{high}", Score())
                        score.errors.append(missed[here])
                        if error is not None:
                            score.hits.append(np.abs(missed[here]) <= NINETY * error[here])
    ordered = [f"{low}-{high}" for low, high in GAPS]
    return {name: {gap: part[gap].told() for gap in ordered if gap in part} for name, part in scores.items()}


def few_dates(season: Season, draws: int = 20) -> dict[str, dict[str, float]]:
    """Seven dates of a field: our curve against a double logistic, on its other dates between the seven."""
    random, errors = np.random.default_rng(2), {"linear": [], "double logistic": [], "ours, default": []}
    for place in range(season.looks.sizes["place"]):
        one = Season("", season.looks[:, [place]].dropna("time"), season.others)
        for _ in range(draws):
            kept = np.zeros(len(one.day))
            kept[np.sort(random.choice(len(one.day), 7, replace=False))] = 1
            weights = xr.DataArray(kept[:, None], dims=("time", "place"), coords={"time": one.looks["time"]})
            inner = (kept == 0) & (np.maximum.accumulate(kept) > 0) & (np.maximum.accumulate(kept[::-1])[::-1] > 0)
            seen = kept > 0
            fit = double_logistic_through(one.day[seen], one.looks.values[seen, 0])
            errors["double logistic"].append((double_logistic(fit, one.day) - one.looks.values[:, 0])[inner])
            for name in ("linear", "ours, default"):
                errors[name].append((METHODS[name](one, weights)[0] - one.looks.values)[inner, 0])
    every = {name: np.concatenate(parts) for name, parts in errors.items()}
    return {
        n: {"rmse": round(float(np.sqrt(np.mean(e**2))), 4), "median_abs": round(float(np.median(abs(e))), 4)}
        for n, e in every.items()
    }


def double_logistic(fit: np.ndarray, day: np.ndarray) -> np.ndarray:
    low, high, start, rise, end, fall = fit
    return low + (high - low) * (1 / (1 + np.exp(-rise * (day - start))) + 1 / (1 + np.exp(fall * (day - end))) - 1)


def double_logistic_through(day: np.ndarray, looks: np.ndarray) -> np.ndarray:
    """Bounded least squares from the looks' own range, starts on a grid."""
    bounds = ([-0.2, 0, 0, 0.02, 60, 0.02], [1, 1.1, 180, 0.3, 300, 0.3])
    low, high = max(looks.min(), -0.1), max(looks.max(), 0.1)
    tries = [
        least_squares(lambda p: double_logistic(p, day) - looks, [low, high, start, 0.08, end, 0.08], bounds=bounds)
        for start in (40, 90)
        for end in (150, 210)
    ]
    return min(tries, key=lambda one: one.cost).x


def speed(days: int = 150, looks: int = 30, side: int = 512) -> dict[str, float]:
    """Pixels a second of one core, and the seconds of compiling."""
    random = np.random.default_rng(1)
    seen = np.sort(random.choice(days, looks, replace=False)) * np.timedelta64(1, "D")
    time_seen = np.datetime64("2021-05-01", "ns") + seen
    values = xr.DataArray(
        random.random((looks, side, side), "float32"), dims=("time", "y", "x"), coords={"time": time_seen}
    )
    first = np.datetime64("2021-05-01")
    period = (first.item(), (first + days - 1).item())
    start = time.perf_counter()
    whittaker(values[:, :2, :2], None, period)
    compiled = time.perf_counter() - start
    start = time.process_time()
    whittaker(values, None, period)
    return {
        "days": days,
        "looks": looks,
        "px_s": round(side**2 / (time.process_time() - start)),
        "compile_s": round(compiled, 1),
    }


def main() -> None:
    """Judge both places, print a table each and one JSON line."""
    folder, pixels = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 300
    report: dict[str, object] = {"speed": speed()}
    fields = flanders(folder / "flanders-2018")
    every = xr.concat([season.looks for season in fields], "place")
    maize = every.isel(place=np.flatnonzero(every["place"] == "maize"))
    report["seven_dates"] = few_dates(Season("all", every, every))
    report["seven_dates_maize"] = few_dates(Season("maize", maize, maize))
    for seasons in (fields, slovenia(folder / "eolearn-slovenia", pixels)):
        scores = judge(seasons, METHODS)
        print(f"\n{seasons[0].name}: RMSE / median of the absolute error / bias / coverage of the 90 % interval\n")
        classes = list(scores["linear"])
        print("| gap, d | looks | " + " | ".join(scores) + " |\n|" + "---|" * (len(scores) + 2))
        for gap in classes:
            cells = [scores[name][gap] for name in scores]
            text = [
                f"{c['rmse']:.3f} / {c['median_abs']:.3f} / {c['bias']:+.3f} / {c['coverage_90'] or '-'}" for c in cells
            ]
            print(f"| {gap} | {cells[0]['n']} | " + " | ".join(text) + " |")
        report[seasons[0].name] = scores
        report[f"{seasons[0].name} chosen"] = [str(on_the_other_half(season)) for season in seasons]
    print("\n" + json.dumps(report))


if __name__ == "__main__":
    main()
