"""The dry and the wet edge of a district and crop class, fitted to the counts of all its clear passes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd

from agro.agromaps.moisture_counts import NDVI_STEP, bin_centres, histogram, quantile
from agro.domain.errors import AgroError, BadInput, Refusal

_SIGMA_IQR = 1.349  # [1] quartile distance of a normal distribution in standard deviations
OVERSATURATED = 0.2  # [1] so far above the wet edge is standing water, no moist soil. source: ours, assumption
_FORM = 1  # of the JSON; another form is refused


@dataclass(frozen=True)
class EdgeRules:
    """How edges are fitted and when they are refused: section `edges` of configs/moisture.toml.

    `ndvi_step` [1] is a multiple of 0.005.
    """

    band: str
    shape: Literal["linear", "exponential"]
    fewest_seasons: int
    fewest_dates_a_season: int
    fewest_px: int
    least_share_of_bins: float
    ndvi_step: float
    ndvi_lowest: float
    ndvi_percentiles: tuple[float, float]
    edge_percentiles: tuple[float, float]
    outlier_sigmas: float


@dataclass(frozen=True)
class Edge:
    """One edge: `intercept + slope V` where linear, `intercept exp(slope V)` where exponential; `r2` of the fit."""

    intercept: float
    slope: float
    r2: float | None = None


@dataclass(frozen=True)
class Edges:
    """The two edges of a group (district and crop class) for one shortwave band, and what they were fitted to.

    `covariance` is that of (dry intercept, dry slope, wet intercept, wet slope), None where unknown;
    `ndvi_low..ndvi_high` is the greenness they were fitted over.
    """

    group: str
    band: str
    shape: Literal["linear", "exponential"]
    dry: Edge
    wet: Edge
    ndvi_low: float
    ndvi_high: float
    covariance: tuple[tuple[float, ...], ...] | None = None
    n_px: int = 0
    n_bins: int = 0
    n_dates: int = 0
    seasons: tuple[int, ...] = ()

    @property
    def standard_errors(self) -> tuple[float, ...]:
        """Of dry intercept, dry slope, wet intercept, wet slope; NaN where unknown."""
        if self.covariance is None:
            return (float("nan"),) * 4
        return tuple(float(np.sqrt(row[i])) for i, row in enumerate(self.covariance))

    def at(self, ndvi: Any) -> tuple[Any, Any]:
        """Transformed reflectance [1] of the dry and of the wet edge."""
        if self.shape == "linear":
            return tuple(edge.intercept + edge.slope * ndvi for edge in (self.dry, self.wet))
        return tuple(edge.intercept * np.exp(edge.slope * ndvi) for edge in (self.dry, self.wet))

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, with the number of their form."""
        return {"form": _FORM, **asdict(self)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Edges":
        """The same edges again. Raises BadInput where the form is another or a part is missing."""
        try:
            if content["form"] != _FORM:
                raise KeyError("form")
            if content["shape"] not in ("linear", "exponential"):
                raise KeyError("shape")
            parts = {name: value for name, value in content.items() if name != "form"}
            covariance = parts.pop("covariance")
            return cls(
                **{
                    **parts,
                    "dry": Edge(**parts["dry"]),
                    "wet": Edge(**parts["wet"]),
                    "seasons": tuple(parts["seasons"]),
                    "covariance": None if covariance is None else tuple(tuple(row) for row in covariance),
                }
            )
        except (KeyError, TypeError) as error:
            raise BadInput(
                "EDGES-FORM",
                "{where}: these are not moisture edges of form {expected} ({met})",
                "calibrate the edges again",
                where=content.get("group", "?"),
                expected=_FORM,
                met=str(error)[:80],
            ) from None


def fit_all_edges(counts: pd.DataFrame, rules: EdgeRules) -> tuple[dict[str, Edges], list[Refusal]]:
    """The edges of every group that has enough clear passes, and for the others why not.

    counts   sum of `edge_counts` over all passes known [px]
    rules    when and how
    returns  edges [1] by group, and refusals
    source   as `fit_edges`
    """
    fitted, refused = {}, []
    for group, own in counts.groupby("group", sort=True):
        try:
            fitted[str(group)] = fit_edges(own, rules)
        except AgroError as error:
            refused.append(error.refusal)
    return fitted, refused


def largest_move(held: Edges, fitted: Edges) -> float:
    """By how much wetness between two pairs of edges differs at most.

    held, fitted  edges of one group; infinite where the band or the shape is another
    returns       the largest change of wetness [1] of what was dry, wet and in the middle, over the greenness of both
    source        ours
    """
    if (held.band, held.shape) != (fitted.band, fitted.shape):
        return float("inf")
    ndvi = np.linspace(max(held.ndvi_low, fitted.ndvi_low), min(held.ndvi_high, fitted.ndvi_high), 21)
    (dry, wet), (new_dry, new_wet) = held.at(ndvi), fitted.at(ndvi)
    moves = [np.abs((dry + w * (wet - dry) - new_dry) / (new_wet - new_dry) - w).max() for w in (0.0, 0.5, 1.0)]
    return float(max(moves))


def fit_edges(counts: pd.DataFrame, rules: EdgeRules) -> Edges:
    """Dry and wet edge of one group, with the errors that the choice of dates brings.

    counts   `edge_counts` of one group, summed over at least two seasons [px]
    rules    when and how
    returns  Edges [1], a season being a calendar year; r2 on the scale of the fit (ln for exponential); covariance by
             leaving out one date at a time, as pixels of one date share its weather and are no independent witnesses
    raises   BadInput when seasons, dates or bins are too few, or the wet edge is not above the dry one
    source   Sadeghi 2017, 10.1016/j.rse.2017.05.041; exponential: Ambrosone 2020, 10.1016/j.jag.2020.102113; bins,
             outliers and quantiles as rOPTRAM 0.3.1 documents them; jackknife: Tukey 1958
    """
    group = str(counts["group"].iloc[0]) if len(counts) else "?"
    usable = counts[counts["ndvi_bin"] >= round(rules.ndvi_lowest / NDVI_STEP)]
    seen = usable.groupby("seen_on")["n_px"].sum()
    dates = [day for day, n_px in seen.items() if n_px >= rules.fewest_px]
    seasons = _seasons(dates, rules, group)
    by_date = np.stack([histogram(usable[usable["seen_on"] == day]) for day in dates])
    whole = by_date.sum(axis=0)
    points = _points(whole, rules, group)
    dry, wet = (_line(points.ndvi, edge, rules.shape) for edge in (points.dry, points.wet))
    edges = Edges(group, rules.band, rules.shape, dry, wet, points.ndvi_low, points.ndvi_high)
    _checked(edges)
    return replace(
        edges,
        covariance=_jackknifed(by_date, whole, rules, group),
        n_px=int(whole.sum()),
        n_bins=len(points.ndvi),
        n_dates=len(dates),
        seasons=seasons,
    )


@dataclass(frozen=True)
class _Points:
    ndvi: np.ndarray
    dry: np.ndarray
    wet: np.ndarray
    ndvi_low: float
    ndvi_high: float


def _seasons(dates: Sequence[date], rules: EdgeRules, group: str) -> tuple[int, ...]:
    met = pd.Series([day.year for day in dates], dtype="int64").value_counts().sort_index()
    if len(met) < rules.fewest_seasons:
        raise BadInput(
            "EDGES-SEASONS",
            "{where}: clear passes of {met} season(s), moisture edges need {expected}",
            "add passes of earlier years; until then there is no wetness map of this group",
            where=group,
            met=len(met),
            expected=rules.fewest_seasons,
        )
    full = met[met >= rules.fewest_dates_a_season]
    if len(full) < rules.fewest_seasons:
        raise BadInput(
            "EDGES-DATES",
            "{where}: clear dates by season {met}; moisture edges need {seasons} seasons with {expected} each",
            "add passes; until then there is no wetness map of this group",
            where=group,
            met=", ".join(f"{season}: {n}" for season, n in met.items()),
            seasons=rules.fewest_seasons,
            expected=rules.fewest_dates_a_season,
        )
    return tuple(int(season) for season in met.index)


def _points(matrix: np.ndarray, rules: EdgeRules, group: str) -> _Points:
    """Edge points of each bin of greenness; found twice, the second time without standing water."""
    times = round(rules.ndvi_step / NDVI_STEP)
    total = np.cumsum(matrix.sum(axis=1))
    first, last = (int(np.searchsorted(total, share * total[-1])) for share in rules.ndvi_percentiles)
    number = (last - first) // times + 1
    inside = matrix[first : first + number * times]
    rows = np.pad(inside, ((0, number * times - len(inside)), (0, 0))).reshape(number, times, -1).sum(axis=1)
    ndvi = (first + times * (np.arange(number) + 0.5)) * NDVI_STEP
    enough = rows.sum(axis=1) >= rules.fewest_px
    if enough.sum() < max(3, rules.least_share_of_bins * number):
        raise BadInput(
            "EDGES-BINS",
            "{where}: {met} of {expected} bins of NDVI hold {fewest} pixels, moisture edges need {share} %",
            "add passes, or take crops together that are grown alike",
            where=group,
            met=int(enough.sum()),
            expected=number,
            fewest=rules.fewest_px,
            share=round(100 * rules.least_share_of_bins),
        )
    rows, ndvi = rows[enough], ndvi[enough]
    _, wet = _dry_and_wet(rows, rules)
    rows = np.where(bin_centres() > _flooding(ndvi, wet)[:, None], 0, rows)
    enough = rows.sum(axis=1) >= rules.fewest_px
    dry, wet = _dry_and_wet(rows[enough], rules)
    return _Points(ndvi[enough], dry, wet, first * NDVI_STEP, (first + number * times) * NDVI_STEP)


def _flooding(ndvi: np.ndarray, wet: np.ndarray) -> np.ndarray:
    """Transformed reflectance from which on a flooded bin is standing water; infinite in the other bins.

    The median of slopes is not bent by flooded bins; where no bin is flooded, nothing may be cut from the wet edge.
    """
    from scipy.stats import theilslopes

    slope, intercept, *_ = theilslopes(np.log(wet), ndvi)
    limit = np.exp(intercept + slope * ndvi) * (1 + OVERSATURATED)
    return np.where(wet > limit, limit, np.inf)


def _dry_and_wet(rows: np.ndarray, rules: EdgeRules) -> tuple[np.ndarray, np.ndarray]:
    lower, upper = (quantile(rows, share) for share in (0.25, 0.75))
    reach = rules.outlier_sigmas * (upper - lower) / _SIGMA_IQR
    centres = bin_centres()
    kept = np.where((centres < (lower - reach)[:, None]) | (centres > (upper + reach)[:, None]), 0, rows)
    dry, wet = (quantile(kept, share) for share in rules.edge_percentiles)
    return dry, wet


def _line(ndvi: np.ndarray, edge: np.ndarray, shape: str) -> Edge:
    fitted = np.log(edge) if shape == "exponential" else edge
    slope, intercept = np.polyfit(ndvi, fitted, 1)
    spread = np.sum((fitted - fitted.mean()) ** 2)
    r2 = float(1 - np.sum((fitted - intercept - slope * ndvi) ** 2) / spread) if spread > 0 else 0.0
    return Edge(float(np.exp(intercept) if shape == "exponential" else intercept), float(slope), r2)


def _checked(edges: Edges) -> None:
    for ndvi in (edges.ndvi_low, edges.ndvi_high):
        dry, wet = edges.at(ndvi)
        if not wet > dry:
            raise BadInput(
                "EDGES-CROSSED",
                "{where}: at NDVI {ndvi} the wet edge ({wet}) is not above the dry one ({dry})",
                "add passes after rain and after drought; until then there is no wetness map of this group",
                where=edges.group,
                ndvi=round(ndvi, 3),
                wet=round(float(wet), 3),
                dry=round(float(dry), 3),
            )


def _jackknifed(
    by_date: np.ndarray, whole: np.ndarray, rules: EdgeRules, group: str
) -> tuple[tuple[float, ...], ...] | None:
    """Covariance of the four coefficients when each date in turn is left out."""
    left_out = []
    for one in by_date:
        try:
            points = _points(whole - one, rules, group)
        except BadInput:
            return None  # the edges stand on a single date: their error is not known
        dry, wet = (_line(points.ndvi, edge, rules.shape) for edge in (points.dry, points.wet))
        left_out.append((dry.intercept, dry.slope, wet.intercept, wet.slope))
    apart = np.asarray(left_out) - np.mean(left_out, axis=0)
    covariance = (len(apart) - 1) / len(apart) * apart.T @ apart
    return tuple(tuple(float(value) for value in row) for row in covariance)
