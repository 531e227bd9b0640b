"""What the satellites would have counted over the fields of a table: rows a field, pass and layer, without an image."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd

from agro.twin.chance import chance
from agro.twin.growth import State
from agro.twin.light import Cover, with_errors
from agro.twin.passes import Orbit, passes_of
from agro.twin.past import Past
from agro.twin.plots import Plots
from agro.twin.sky import sky_at, sun_angles, through

Angles = tuple[float, float, float, float]  # [deg] zenith and azimuth of the sun, of the view
Measure = Callable[[Mapping[str, np.ndarray], Angles], Mapping[str, np.ndarray]]  # reflectance by band to layers

_MARGIN_M = 100.0  # [m] pixels so near to a cloud are not believed, as the pipeline has it by default
_FINE_LAYERS = ("ndvi", "evi2")  # 10 m; the others 20 m
_FEW_PX, _LOW_CLEAR, _LOW_SUN_DEG = 30, 0.7, 70.0  # as configs/default.toml has them
_BIRCH_LAI = 3.3  # [m2/m2] of young trees in July. assumption
_INSIDE = 0.9  # [1] of a field's pixels lie a pixel away from its edge. assumption
_KEYS = ("field_id", "acquired_at", "acquisition_id", "platform", "layer")
_COLUMNS = (*_KEYS, "mean", "std", "p10", "p50", "p90", "n_px", "clear_fraction", "flag", "bare_sky_mean")
_ORDER = ("field_id", "acquired_at", "acquisition_id", "layer")
_SHARES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}


def watched(was: Past, measure: Measure, bare_sky: bool = False) -> tuple[pd.DataFrame, State]:
    """The rows of every look over the fields on record and the parcels, and the last evening of the seasons.

    Columns as `agro.store.history.fieldstats` gives them, and `bare_sky_mean`: what the look would have shown without a
    cloud and with a sensor that does not err, NaN where `bare_sky` is not asked for.
    """
    looks = {(when.date() - date(2021, 4, 1)).days: orbit for when, orbit in passes_of(2021)}
    rows, state = [], None
    for state in was.evenings():
        if state.day in looks:
            rows.append(_look(state, looks[state.day], was, measure, bare_sky))
    assert state is not None
    return _named(pd.concat(rows, ignore_index=True), was.work[_known(was)]), state


def _known(was: Past) -> np.ndarray:
    """Whether the outline of each row of `was.work` is on record, or at least in the register of parcels."""
    return np.asarray(was.work["mapped"] | (was.work["use"] != "field"))


def _look(state: State, orbit: Orbit, was: Past, measure: Measure, bare_sky: bool) -> pd.DataFrame:
    """One day of the year on which the satellite looks, in every season and district at once."""
    usual = datetime(2021, 4, 1, 5, 18, tzinfo=UTC) + timedelta(days=state.day)  # the sun is nearly the same each year
    suns = [sun_angles(usual, *place) for place in was.estate.places.values()]
    zenith, azimuth = (float(angle) for angle in np.mean(suns, axis=0))
    light = {band: was.by_field(values) for band, values in was.world.mixed(cover_of(state, was.plots), zenith).items()}
    seen, believed = _below_the_sky(light, state.day, orbit, was)
    kept = _known(was)
    area = was.work["area_ha"].to_numpy()[kept]

    def layers_of(pixels: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        angles = (zenith, azimuth, orbit.view_zenith_deg, orbit.view_azimuth_deg)
        layers = measure({band: values[kept].ravel() for band, values in pixels.items()}, angles)
        return {name: np.asarray(values).reshape(len(area), -1) for name, values in layers.items()}

    bare = {name: values.mean(axis=1) for name, values in (layers_of(light) if bare_sky else {}).items()}
    tables = [
        _rows(area, name, values, believed[kept]).assign(bare_sky_mean=bare.get(name, np.nan))
        for name, values in layers_of(seen).items()
    ]
    return pd.concat(tables, ignore_index=True).assign(day=state.day, orbit=orbit.number, sun_zenith_deg=zenith)


def _below_the_sky(
    light: Mapping[str, np.ndarray], day: int, orbit: Orbit, was: Past
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The bands as the sensor's product shows them, and which pixels a classification would believe."""
    x, y = was.estate.x_m[was.field], was.estate.y_m[was.field]
    seen = {band: np.empty(x.shape) for band in light}
    believed = np.empty(x.shape, bool)
    for (season, district), rows in was.work.groupby(["season", "district"], sort=False).indices.items():
        when = datetime(int(season), 4, 1, 5, 18, tzinfo=UTC) + timedelta(days=day)
        random = chance(was.seed, "look", district, season, day)
        sun = sun_angles(when, *was.estate.places[district])
        opacity, shade, believed[rows] = sky_at(x[rows], y[rows], was.facts["sky"], sun, _MARGIN_M, random)
        mine = with_errors({band: values[rows] for band, values in light.items()}, orbit.sign, random)
        for band, values in through(mine, opacity, shade).items():
            seen[band][rows] = np.maximum(values, 1e-4)
    return seen, believed


def cover_of(state: State, standing: Plots) -> Cover:
    """What the state looks like from above."""
    t = standing.traits
    into = (state.warmth_cd - t.flowering_cd) / 230
    flowers = t.bloom * np.exp(-((2 * into - 1) ** 2) * 1.5) * (state.lai > 0.5)
    out = 1 / (1 + np.exp(-(state.warmth_cd - 260) / 45)) / (1 + np.exp((state.day - 172) / 5))  # birches in leaf
    lai = state.lai * (1 - standing.woody) + _BIRCH_LAI * out * standing.woody
    dead = state.dead_lai * (1 - 0.6 * standing.woody)
    return Cover(
        *(lai, dead, state.wetness, state.root_water, state.nni, standing.brightness, flowers),
        np.broadcast_to(standing.woody, lai.shape),
    )


def _rows(area_ha: np.ndarray, layer: str, values: np.ndarray, believed: np.ndarray) -> pd.DataFrame:
    """One row a field of one layer, as the pipeline counts them; statistics NaN where no pixel is clear."""
    used = np.sort(np.where(believed, values, np.nan), axis=1)  # NaN comes last
    count = believed.sum(axis=1)
    some = count > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(some, np.nansum(used, axis=1) / count, np.nan)
        std = np.where(some, np.sqrt(np.nansum((used - mean[:, None]) ** 2, axis=1) / count), np.nan)
    clear = count / believed.shape[1]
    n_px = np.rint(clear * area_ha * (100 if layer in _FINE_LAYERS else 25) * _INSIDE).astype(int)
    percentiles = {name: _percentile(used, count, share) for name, share in _SHARES.items()}
    return pd.DataFrame(
        {"row": np.arange(len(area_ha)), "layer": layer, "mean": mean, "std": std, **percentiles}
        | {"n_px": n_px, "clear_fraction": clear}
    )


def _named(rows: pd.DataFrame, work: pd.DataFrame) -> pd.DataFrame:
    """The rows with the names of fields and passes and their flags, in the order of the store's reader."""
    mine = work.reset_index(drop=True)
    when = pd.to_datetime(mine["season"].astype(str) + "-04-01 05:18")
    looks = rows[["row", "day", "orbit"]].drop_duplicates().reset_index(drop=True)
    looks["acquired_at"] = when[looks["row"]].to_numpy() + pd.to_timedelta(looks["day"], unit="D").to_numpy()
    looks["acquired_at"] = looks["acquired_at"].dt.tz_localize("UTC").astype("datetime64[us, UTC]")
    stamp = looks["acquired_at"].dt.strftime("%Y%m%d")
    district = mine["district"].str.upper()[looks["row"]].to_numpy()
    looks["acquisition_id"] = "TWIN_" + district + "_" + stamp + "_R" + looks["orbit"].astype(str).str.zfill(3) + "_L2A"
    even = (looks["acquired_at"].dt.tz_localize(None) - pd.Timestamp(1, 1, 1).as_unit("s")).dt.days // 5 % 2
    looks["platform"] = np.where(even, "sentinel-2b", "sentinel-2a")
    looks["field_id"] = mine["field_id"][looks["row"]].to_numpy()
    table = rows.merge(looks, on=["row", "day", "orbit"])
    raised = {
        "no_clear_px": table["n_px"] == 0,
        "few_clear_px": (table["n_px"] > 0) & (table["n_px"] < _FEW_PX),
        "low_clear": (table["n_px"] > 0) & (table["clear_fraction"] < _LOW_CLEAR),
        "low_sun": table["sun_zenith_deg"] > _LOW_SUN_DEG,
    }
    told = np.array([";".join(n for i, n in enumerate(raised) if bits >> i & 1) for bits in range(2 ** len(raised))])
    table["flag"] = told[sum(on.to_numpy().astype(int) << i for i, on in enumerate(raised.values()))]
    return table[list(_COLUMNS)].sort_values(list(_ORDER), ignore_index=True)


def _percentile(ordered: np.ndarray, count: np.ndarray, share: float) -> np.ndarray:
    place = share * np.maximum(count - 1, 0)
    low = np.floor(place).astype(int)[:, None]
    high = np.minimum(low + 1, np.maximum(count - 1, 0)[:, None])
    lower, upper = (np.take_along_axis(ordered, i, axis=1)[:, 0] for i in (low, high))
    return np.asarray(np.where(count > 0, lower + (upper - lower) * (place - low[:, 0]), np.nan))
