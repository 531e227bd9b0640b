"""Curves of yield over dose for the zones of a field, from sums over cells, for many draws of the yields at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

Scheme = Literal["each_zone", "shared"]
_TINY = 1e-12


class ZoneSums:
    """Sums over cells by fold, block and zone: of 1, x, x^2 with each other and with each draw of the yields."""

    def __init__(self, cells: pd.DataFrame, yields: np.ndarray, blocks: bool) -> None:
        self.blocks = blocks
        codes, self.zones = pd.factorize(cells["zone"], sort=True)
        x, weight = cells["dose"].to_numpy(), cells["weight"].to_numpy()
        powers = np.stack([np.ones_like(x), x, x**2], axis=1)
        shape = int(cells["fold"].max()) + 1, int(cells["block"].max()) + 1, len(self.zones)
        self.normal, self.right = np.zeros((*shape, 3, 3)), np.zeros((*shape, 3, yields.shape[1]))
        self.square, self.count = np.zeros((*shape, yields.shape[1])), np.zeros(shape)
        place = cells["fold"].to_numpy(), cells["block"].to_numpy(), codes
        np.add.at(self.normal, place, weight[:, None, None] * powers[:, :, None] * powers[:, None])
        np.add.at(self.right, place, weight[:, None, None] * powers[:, :, None] * yields[:, None])
        np.add.at(self.square, place, weight[:, None] * yields**2)
        np.add.at(self.count, place, 1.0)
        self.area = np.zeros((shape[0], shape[2]))
        np.add.at(self.area, (cells["fold"].to_numpy(), codes), weight)

    def share(self, folds: list[int]) -> np.ndarray:
        """Of the ground of these folds, by zone [1]."""
        area = self.area[folds].sum(axis=0)
        return np.asarray(area / area.sum())

    def centred(self, folds: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Of each zone in these folds: sums about the mean (zone, 2, 2), (zone, 2, draw), (zone, draw), freedom."""
        normal, right, square = self.normal[folds], self.right[folds], self.square[folds]
        if not self.blocks:
            normal, right, square = (part.sum(axis=(0, 1), keepdims=True) for part in (normal, right, square))
        a, r, s = _about_mean(normal, right, square)
        freedom = self.count[folds].sum(axis=(0, 1)) - (self.count[folds] > 0).sum(axis=(0, 1)) - 1
        return a.sum(axis=(0, 1)), r.sum(axis=(0, 1)), s.sum(axis=(0, 1)), freedom

    def of_field(self, folds: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """The same of the field without a look at zones: (2, 2), (2, draw)."""
        normal, right, square = (part[folds].sum(axis=(0, 1, 2)) for part in (self.normal, self.right, self.square))
        a, r, _ = _about_mean(normal, right, square)
        return a, r


def _about_mean(normal: np.ndarray, right: np.ndarray, square: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = np.maximum(normal[..., :1, :1], _TINY)
    side = normal[..., 1:, :1]
    return (
        normal[..., 1:, 1:] - side * np.swapaxes(side, -1, -2) / n,
        right[..., 1:, :] - side * right[..., :1, :] / n,
        square - (right[..., :1, :] ** 2 / n)[..., 0, :],
    )


@dataclass(frozen=True)
class Curves:
    """Slope and curvature of zones (zone, draw) and of the field (draw); how much of a difference is kept."""

    slope: np.ndarray
    curve: np.ndarray
    field_slope: np.ndarray
    field_curve: np.ndarray
    kept: np.ndarray


def curves_of(sums: ZoneSums, folds: list[int], scheme: Scheme, season_sd_kg_ha: float | None, seasons: int) -> Curves:
    """The curves of some folds.

    sums             of the trial
    folds            which of them [1]
    scheme           `each_zone`: a parabola for each zone alone; `shared`: zones share the curvature
    season_sd_kg_ha  [kg/ha] of a zone's best dose between seasons: slopes are drawn to the field's by as much as their
                     differences may be chance; None: they are taken as they are, to value doses
    seasons          [1] that the folds are of
    returns          Curves [t/ha over kg/ha]
    source           ours; the share that is kept: variance of the differences less that of chance
    """
    a, r, s, freedom = sums.centred(folds)
    if scheme == "each_zone":
        own = np.linalg.pinv(a, hermitian=True) @ r
        whole, right = sums.of_field(folds)
        field = np.linalg.pinv(whole, hermitian=True) @ right
        return Curves(own[:, 0], own[:, 1], field[0], field[1], np.ones_like(own[:, 0]))
    xx, xq, qq = (np.maximum(a[:, 0, 0], _TINY)[:, None], a[:, 0, 1][:, None], a[:, 1, 1][:, None])
    curve = (r[:, 1] - xq / xx * r[:, 0]).sum(axis=0) / max(float((qq - xq**2 / xx).sum()), _TINY)
    slope = (r[:, 0] - curve * xq) / xx
    field = (r[:, 0] - curve * xq).sum(axis=0) / xx.sum()
    kept = np.ones_like(slope)
    if season_sd_kg_ha is not None:
        kept = _kept(slope, field, curve, (xx, sums.share(folds)[:, None]), _noise(a, r, s, slope, curve, freedom), season_sd_kg_ha, seasons)  # fmt: skip  # noqa: E501
    return Curves(field + kept * (slope - field), np.broadcast_to(curve, slope.shape), field, curve, kept)


def _noise(
    a: np.ndarray, r: np.ndarray, s: np.ndarray, slope: np.ndarray, curve: np.ndarray, freedom: np.ndarray
) -> np.ndarray:
    """The variance of a cell of weight 1 about the curves, by draw."""
    explained = (
        2 * (slope * r[:, 0] + curve * r[:, 1])
        - slope**2 * a[:, 0, 0][:, None]
        - 2 * slope * curve * a[:, 0, 1][:, None]
        - curve**2 * a[:, 1, 1][:, None]
    )
    variance: np.ndarray = np.maximum((s - explained).sum(axis=0), 0) / max(float(freedom.sum()) - 1, 1)
    return variance


def _kept(
    slope: np.ndarray,
    field: np.ndarray,
    curve: np.ndarray,
    weights: tuple[np.ndarray, np.ndarray],
    noise: np.ndarray,
    season_sd_kg_ha: float,
    seasons: int,
) -> np.ndarray:
    """How much of each zone's difference is kept: none where the zones differ by no more than chance would have it."""
    xx, share = weights
    error = noise / xx + (2 * curve * season_sd_kg_ha) ** 2 / seasons
    chance = (share * (1 - share) * error).sum(axis=0)
    seen = (share * (slope - field) ** 2).sum(axis=0)
    real = np.maximum(seen - chance, 0) / float((share * (1 - share)).sum())
    kept = real / np.maximum(real + error, _TINY)
    return np.asarray(np.where(curve < 0, kept, 0.0))


def earned(
    true: Curves, doses: np.ndarray, uniform: np.ndarray, prices: np.ndarray, mixed: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """What doses of zones earn over a uniform one.

    true     the curves that value them [t/ha over kg/ha]
    doses    (zone, draw) [kg/ha]
    uniform  (draw) [kg/ha]
    prices   (2, draw) of a tonne of yield and a kilogram of nutrient [money]
    mixed    (draw) share of a zone that gets another zone's dose [1]
    share    (zone) of the ground [1]
    returns  (draw) [money/ha]
    source   ours
    """

    def profit(slope: np.ndarray, curve: np.ndarray, dose: np.ndarray) -> np.ndarray:
        return np.asarray(prices[0] * (slope * dose + curve * dose**2) - prices[1] * dose)

    weight = share[:, None]
    own = (weight * (profit(true.slope, true.curve, doses) - profit(true.slope, true.curve, uniform))).sum(axis=0)
    slope, curve = (weight * true.slope).sum(axis=0), (weight * true.curve).sum(axis=0)
    strayed = (weight * (profit(slope, curve, doses) - profit(slope, curve, uniform))).sum(axis=0)
    return np.asarray((1 - mixed) * own + mixed * strayed)
