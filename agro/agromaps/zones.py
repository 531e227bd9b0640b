"""Productivity zones of one field: where it yields less and more, year after year, or that it is one zone.

The zones are drawn from the seasons' index maps and proved on a season that was left out of the drawing. Without that
proof the field is one zone, and the result says why.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from agro.agromaps.clusters import clearest, fuzzy_clusters, main_components
from agro.agromaps.stability import season_scores, temporal_stability
from agro.agromaps.zone_proof import Proof, prove
from agro.agromaps.zone_shape import spread, workable
from agro.domain.errors import BadInput, Refusal

_MOST_FEATURES = 5  # [1] with more, main components take their place
_KEPT_VARIANCE = 0.9  # [1] share that the main components keep
_MOST_CLUSTERS = 6  # [1] tried and scored
_M2_HA = 10_000.0  # [m2/ha]


@dataclass(frozen=True)
class ZoneRules:
    """What zones must keep to: the machine's width [m], sizes [ha], and what counts as proof.

    `unstable_sd` [1] is the between-season deviation of z from which a pixel is unstable; `least_proof` [1] the share
    of a left-out season's variance that zones must explain; `least_seen` [1] the share of the field that a season
    must show; `fuzziness`, `starts`, `seed` belong to the clusters.
    """

    implement_width_m: float
    smallest_ha: float = 0.5
    smallest_field_ha: float = 5.0
    most_zones: int = 5
    fewest_seasons: int = 3
    least_seen: float = 0.7
    unstable_sd: float = 0.6
    least_proof: float = 0.2
    fuzziness: float = 1.4
    starts: int = 20
    seed: int = 1


@dataclass(frozen=True)
class FieldZones:
    """The zones of a field.

    layers      (y, x) `zone` [class] and `zone_stability` [class], 0 outside the field
    rows        a zone a row: zone, area_ha, index_mean and index_se in the index's unit, z_mean, z_se [1],
                stable_fraction [1]; the errors are between seasons, the pixels are all counted
    scores      a number of clusters a row: clusters, fpi, nce [1], chosen
    proof       what the zones explained of seasons left out; None where they were not put to it
    with_static whether the static layers helped and were used
    reason      why the field is one zone; None where it is more
    """

    layers: xr.Dataset
    rows: pd.DataFrame
    scores: pd.DataFrame
    proof: Proof | None
    with_static: bool
    reason: Refusal | None

    @property
    def count(self) -> int:
        """How many zones."""
        return len(self.rows)

    @property
    def stable_fraction(self) -> float:
        """The share of the field's judged pixels [1] that are low or high season after season; NaN where none is."""
        stability = self.layers["zone_stability"].values
        judged = stability[stability > 0]
        return float((judged < 3).mean()) if len(judged) else np.nan


def field_zones(
    seasons: xr.DataArray, field: xr.DataArray, pixel_m: float, rules: ZoneRules, static: xr.DataArray | None = None
) -> FieldZones:
    """Productivity zones of one field, 1 the lowest, or one zone with the reason.

    seasons  (season, y, x) a season's integral or peak index of crops of one kind [index], NaN not believed
    field    (y, x) True on the field's pixels [1]
    pixel_m  side of a pixel [m]
    rules    machine, sizes, proof
    static   (layer, y, x) what does not change: wetness index, slope, bare soil, P, K, each in its unit; NaN unknown.
             Used only where a left-out season is foreseen better with it
    returns  FieldZones; at most `most_zones` zones [class]
    raises   BadInput when the arrays do not lie on the same pixels, a width is not positive, or the field is empty
    source   Blackmore 2000, 10.1016/S0168-1699(99)00075-7 (means and stability); Fridgen 2004 (clusters); ours: the
             proof by a left-out season, since a fuzzy index finds zones in noise too
    """
    ground = _Ground(_checked(seasons, field, static, pixel_m, rules), pixel_m, rules)
    index, scores = _usable(seasons.values.astype("float64"), ground)
    drawn, why = _drawn(scores, ground, _standardised(static, ground.inside))
    zone = ground.inside.astype("uint8") if drawn is None or why else drawn.zone
    layers = {"zone": zone, "zone_stability": _stability(scores, ground)}
    coords = {name: seasons.coords[name] for name in ("y", "x") if name in seasons.coords}
    return FieldZones(
        xr.Dataset({name: (("y", "x"), values) for name, values in layers.items()}, coords),
        _rows(zone, index, scores, ground),
        drawn.scores if drawn else pd.DataFrame(columns=["clusters", "fpi", "nce", "chosen"]),
        drawn.proof if drawn else None,
        bool(drawn and drawn.with_static and not why),
        why,
    )


@dataclass(frozen=True)
class _Ground:
    """The field's pixels (y, x), their side [m], and the rules its zones keep to."""

    inside: np.ndarray
    pixel_m: float
    rules: ZoneRules

    def hectares(self, where: np.ndarray) -> float:
        """[ha] of pixels (y, x) that are True."""
        return float(where.sum()) * self.pixel_m**2 / _M2_HA


@dataclass(frozen=True)
class _Drawn:
    zone: np.ndarray
    scores: pd.DataFrame
    proof: Proof
    with_static: bool


def _drawn(scores: np.ndarray, ground: _Ground, static: np.ndarray | None) -> tuple[_Drawn | None, Refusal | None]:
    """The zones as drawn, and why they may not stand."""
    rules = ground.rules
    early = _too_little(scores, ground)
    if early:
        return None, early
    tried = [_attempt(scores, ground, layers) for layers in (None, static)[: 1 + (static is not None)]]
    best = max(tried, key=lambda one: one.proof.explained)
    if len(np.unique(best.zone[ground.inside])) < 2:
        return best, Refusal(
            "ZONE-NARROW",
            "one zone: parts that differ are narrower than {width} m, two passes, or smaller than {least} ha",
            "a narrower machine could follow them; otherwise treat the field as one",
            {"width": round(2 * rules.implement_width_m), "least": rules.smallest_ha},
        )
    if not best.proof.holds(rules.least_proof):
        return best, Refusal(
            "ZONE-UNPROVED",
            "one zone: zones drawn without a season explain {met} % (± {error}) of it; needed are {expected} %, "
            "surely more than 0, and no season against the others",
            "treat the field as one; more seasons of crops alike, or soil samples, may show lasting differences",
            {
                "met": round(100 * best.proof.explained),
                "error": round(100 * best.proof.explained_se),
                "expected": round(100 * rules.least_proof),
            },
        )
    return best, None


def _too_little(scores: np.ndarray, ground: _Ground) -> Refusal | None:
    rules, area_ha = ground.rules, ground.hectares(ground.inside)
    if area_ha < rules.smallest_field_ha:
        return Refusal(
            "ZONE-SMALL",
            "one zone: the field's pixels measure {met} ha, zones need {expected} ha",
            "treat the field as one",
            {"met": round(area_ha, 1), "expected": rules.smallest_field_ha},
        )
    fewest = max(rules.fewest_seasons, 2)  # one is left out, so one must remain
    if len(scores) < fewest:
        return Refusal(
            "ZONE-SEASONS",
            "one zone: {met} seasons of crops alike show the field, {expected} are needed",
            "wait for more seasons, or add earlier ones from the archive",
            {"met": len(scores), "expected": fewest},
        )
    return None


def _attempt(scores: np.ndarray, ground: _Ground, static: np.ndarray | None) -> _Drawn:
    """Zones of all seasons, with their proof from drawings that lack one each."""
    rules = ground.rules
    settings = (rules.fuzziness, rules.starts, rules.seed)
    features, _ = _features(scores, ground.inside, static)
    candidates = [fuzzy_clusters(features, count, *settings) for count in range(2, _MOST_CLUSTERS + 1)]
    chosen = clearest([one for one in candidates if one.count <= max(rules.most_zones, 2)])

    def draw(some: np.ndarray) -> np.ndarray:
        features, seen = _features(some, ground.inside, static)
        cluster = fuzzy_clusters(features, chosen.count, *settings).of(features)
        return _shaped(cluster, seen, temporal_stability(some)[0], ground)

    table = pd.DataFrame(
        [(c.count, c.fpi, c.nce, c is chosen) for c in candidates], columns=["clusters", "fpi", "nce", "chosen"]
    )
    return _Drawn(draw(scores), table, prove(scores, draw), static is not None)


def _features(scores: np.ndarray, inside: np.ndarray, static: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """(pixel, feature) of the pixels that a season shows, and which those are (y, x)."""
    mean, _ = temporal_stability(scores)
    seen = inside & np.isfinite(mean)
    columns = [_scaled(mean[seen]), *([] if static is None else [layer[seen] for layer in static])]
    features = np.stack(columns, axis=1)
    if features.shape[1] > _MOST_FEATURES:
        features = main_components(features, _KEPT_VARIANCE)
    return features, seen


def _scaled(values: np.ndarray) -> np.ndarray:
    spread_ = values.std()
    scaled: np.ndarray = (values - values.mean()) / (spread_ if spread_ > 0 else 1.0)
    return scaled


def _standardised(static: xr.DataArray | None, inside: np.ndarray) -> np.ndarray | None:
    """(layer, y, x) z of each static layer that varies; 0, the field's mean, where it is unknown."""
    if static is None:
        return None
    scores = season_scores(static.values.astype("float64"), inside)
    known = scores[[bool(np.isfinite(one).any()) for one in scores]]
    return np.where(np.isfinite(known), known, 0.0) if len(known) else None


def _shaped(cluster: np.ndarray, seen: np.ndarray, mean: np.ndarray, ground: _Ground) -> np.ndarray:
    """(y, x) zones a machine can work, numbered by their mean from 1, the lowest."""
    zone = np.zeros(seen.shape, "uint8")
    zone[seen] = cluster + 1
    zone = spread(zone, ground.inside)
    zone = workable(zone, ground.pixel_m, ground.rules.implement_width_m, ground.rules.smallest_ha)
    return _by_productivity(zone, mean)


def _by_productivity(zone: np.ndarray, mean: np.ndarray) -> np.ndarray:
    left = [int(one) for one in np.unique(zone) if one]
    order = sorted(left, key=lambda one: _mean_in(mean, zone == one))
    number = np.zeros(256, "uint8")
    number[order] = np.arange(1, len(order) + 1)
    numbered: np.ndarray = number[zone]
    return numbered


def _mean_in(values: np.ndarray, where: np.ndarray) -> float:
    known = values[where & np.isfinite(values)]
    return float(known.mean()) if len(known) else 0.0


def _usable(index: np.ndarray, ground: _Ground) -> tuple[np.ndarray, np.ndarray]:
    """The seasons that show enough of the field and vary over it: their index and their z (season, y, x)."""
    seen = np.isfinite(index[:, ground.inside]).mean(axis=1) >= ground.rules.least_seen
    index = index[seen]
    scores = season_scores(index, ground.inside)
    varied = np.isfinite(scores[:, ground.inside]).any(axis=1)
    return index[varied], scores[varied]


def _stability(scores: np.ndarray, ground: _Ground) -> np.ndarray:
    """(y, x) `zone_stability`: 1 low, 2 high, 3 unstable, 0 where fewer than two seasons say."""
    mean, between = temporal_stability(scores)
    classes = np.where(between >= ground.rules.unstable_sd, 3, np.where(mean < 0, 1, 2))
    return np.where(ground.inside & np.isfinite(between), classes, 0).astype("uint8")


def _rows(zone: np.ndarray, index: np.ndarray, scores: np.ndarray, ground: _Ground) -> pd.DataFrame:
    stability = _stability(scores, ground)
    rows = []
    for one in range(1, int(zone.max()) + 1):
        where = zone == one
        judged = stability[where & (stability > 0)]
        stable = float((judged < 3).mean()) if len(judged) else np.nan
        rows.append((one, ground.hectares(where), *_over_seasons(index, where), *_over_seasons(scores, where), stable))
    columns = ["zone", "area_ha", "index_mean", "index_se", "z_mean", "z_se", "stable_fraction"]
    return pd.DataFrame(rows, columns=columns)


def _over_seasons(values: np.ndarray, where: np.ndarray) -> tuple[float, float]:
    """Mean of the seasons' means in a zone, and its standard error between seasons; NaN where it cannot be known."""
    means = np.array([_mean_in(one, where) for one in values if np.isfinite(one[where]).any()])
    error = means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.nan
    return (float(means.mean()) if len(means) else np.nan), float(error)


def _checked(
    seasons: xr.DataArray, field: xr.DataArray, static: xr.DataArray | None, pixel_m: float, rules: ZoneRules
) -> np.ndarray:
    """(y, x) the field's pixels, where everything lies on the same ones."""
    for what, layer in {"seasons": seasons, "static": static}.items():
        if layer is not None and (layer.ndim != 3 or layer.shape[1:] != field.shape):
            raise BadInput(
                "ZONE-PIXELS",
                "{what}: {met} pixels, the field has {expected}",
                "put every layer on the field's pixels first",
                what=what,
                met=tuple(layer.shape),
                expected=tuple(field.shape),
            )
    if not (pixel_m > 0 and rules.implement_width_m > 0):
        raise BadInput(
            "ZONE-WIDTH",
            "the machine's width is {width} m and the pixel {pixel} m, both must be above 0",
            "give the working width of the machine",
            width=rules.implement_width_m,
            pixel=pixel_m,
        )
    inside: np.ndarray = field.values.astype(bool)
    if not inside.any():
        raise BadInput("ZONE-EMPTY", "the field has no pixel", "check the outline against the raster")
    return inside
