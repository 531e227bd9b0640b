"""Zones of real fields, tried on yields that they were not drawn from. Folder of real data: AGRO_REAL_DATA.

Shares of variance of a left-out season, or of left-out squares of ground, never of random pixels. One zone explains 0.
Prints a table in markdown and one JSON line.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from agro.agromaps.clusters import clearest, fuzzy_clusters
from agro.agromaps.stability import season_scores, temporal_stability
from agro.agromaps.zone_proof import explained_share, zone_means
from agro.agromaps.zone_shape import spread, workable
from agro.agromaps.zones import FieldZones, ZoneRules, field_zones

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from yield_maps import PIXEL_M, argentine_wheat, las_rosas, montana_protein, vineyard

WIDTH_M = 24.0  # a spreader
SQUARES = 4  # a side: squares of ground that are left out


def main() -> None:
    """Every field, then the table and the JSON."""
    real = Path(os.environ["AGRO_REAL_DATA"])
    rosas = las_rosas(real)
    rosas_years = xr.concat([rosas["y1999"], rosas["y2001"]], pd.Index([1999, 2001], name="season"))
    bright = rosas[["bv"]].to_array("layer")
    protein = montana_protein(real)
    shared = protein.where(np.isfinite(protein).all("season"))
    rows = [
        by_season("vineyard yield, 3 harvests, 24 m", vineyard(real), ZoneRules(WIDTH_M)),
        by_season("vineyard yield, 3 harvests, 6 m", vineyard(real), ZoneRules(6.0)),
        by_season("Montana wheat protein, 2 harvests", shared, ZoneRules(WIDTH_M, fewest_seasons=2)),
        by_season(
            "Las Rosas maize, 2 harvests",
            rosas_years,
            ZoneRules(WIDTH_M, fewest_seasons=2, least_seen=0.5),
            rosas["topo"],
        ),
        by_season(
            "Las Rosas maize, 2 harvests and soil brightness",
            rosas_years,
            ZoneRules(WIDTH_M, fewest_seasons=2, least_seen=0.5),
            rosas["topo"],
            bright,
        ),
        by_season("Las Rosas maize, by the rule of 3 seasons", rosas_years, ZoneRules(WIDTH_M, least_seen=0.5)),
        by_ground("Argentine wheat, from soil and relief", argentine_wheat(real), "Tg", ("CE30", "CE90", "Elev", "Pe")),
        by_ground("Las Rosas 1999, from soil brightness", rosas, "y1999", ("bv",), "topo"),
        by_ground("Las Rosas 2001, from soil brightness", rosas, "y2001", ("bv",), "topo"),
    ]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for row in rows:
        print("| " + " | ".join(str(row.get(name, "")) for name in columns) + " |")
    print(json.dumps(rows))


def by_season(
    name: str,
    seasons: xr.DataArray,
    rules: ZoneRules,
    published: xr.DataArray | None = None,
    static: xr.DataArray | None = None,
) -> dict[str, object]:
    """Zones by the rule, and what they, k-means and published zones explain of each season left out."""
    field = np.isfinite(seasons.values).any(axis=0)
    started = time.perf_counter()
    found = field_zones(seasons, xr.DataArray(field, dims=("y", "x")), PIXEL_M, rules, static)
    row: dict[str, object] = {"field": name, "ha": round(field.sum() * PIXEL_M**2 / 1e4, 1), "zones": found.count}
    row["s"] = round(time.perf_counter() - started, 2)
    if found.proof is None:
        return row | {"why one": found.reason.reason if found.reason else ""}
    scores = season_scores(seasons.values, field)
    count = int(found.scores.loc[found.scores["chosen"], "clusters"].iloc[0])
    row |= {"clusters asked": count, "left out": "season", "ours": percents(found.proof.by_season)}
    row |= {"± se": percents(found.proof.by_season_se), "independent px": [round(n) for n in found.proof.patches]}
    row["k-means on pixels"] = percents([plain(scores, left_out, count) for left_out in range(len(scores))])
    if published is not None:
        drawn_by_others = np.nan_to_num(np.round(published.values)).astype("uint8")
        row["published zones"] = percents(
            [
                explained_share(zone_means(drawn_by_others, temporal_stability(np.delete(scores, i, 0))[0]), scores[i])
                for i in range(len(scores))
            ]
        )
        row["ARI with published"] = agreement(found, drawn_by_others)
    return row | {"static used": found.with_static, "why one": found.reason.reason if found.reason else ""}


def plain(scores: np.ndarray, left_out: int, count: int) -> float:
    """What k-means of the other seasons' mean explains, pixel by pixel, with no thought of a machine."""
    mean, _ = temporal_stability(np.delete(scores, left_out, axis=0))
    zone = np.zeros(mean.shape, "uint8")
    known = np.isfinite(mean)
    zone[known] = KMeans(count, n_init=10, random_state=1).fit_predict(mean[known][:, None]) + 1
    return explained_share(zone_means(zone, mean), scores[left_out])


def by_ground(
    name: str, maps: xr.Dataset, yielded: str, layers: tuple[str, ...], published: str | None = None
) -> dict[str, object]:
    """Zones from what the soil shows, and what they explain of the yield of squares of ground left out."""
    field = np.isfinite(maps[layers[0]].values)
    features = season_scores(np.stack([maps[layer].values for layer in layers]), field)[:, field].T
    features = np.nan_to_num(features)
    chosen = clearest([fuzzy_clusters(features, count, 1.4, 20, 1) for count in range(2, 6)])
    raw, crisp = np.zeros(field.shape, "uint8"), np.zeros(field.shape, "uint8")
    raw[field] = chosen.of(features) + 1
    ours = workable(spread(raw, field), PIXEL_M, WIDTH_M, 0.5)
    crisp[field] = KMeans(chosen.count, n_init=10, random_state=1).fit_predict(features) + 1
    target = maps[yielded].values
    row: dict[str, object] = {"field": name, "ha": round(field.sum() * PIXEL_M**2 / 1e4, 1)}
    row |= {"zones": len(np.unique(ours[field])), "clusters asked": chosen.count, "left out": "squares of ground"}
    row |= {"ours": percents([foreseen(ours, target)]), "k-means on pixels": percents([foreseen(crisp, target)])}
    if published:
        drawn = np.nan_to_num(np.round(maps[published].values)).astype("uint8")
        row["published zones"] = percents([foreseen(drawn, target)])
        row["ARI with published"] = round(adjusted_rand_score(drawn[field], ours[field]), 2)
    return row


def foreseen(zone: np.ndarray, target: np.ndarray) -> float:
    """1 - error / variance where each square's yield is foreseen from the zones' means in the other squares."""
    known = (zone > 0) & np.isfinite(target)
    rows, columns = np.nonzero(known)
    of_row, of_column = (np.argsort(np.argsort(i, kind="stable")) * SQUARES // len(i) for i in (rows, columns))
    square, values, classes = of_row * SQUARES + of_column, target[known], zone[known]
    error = spread_ = 0.0
    for one in np.unique(square):
        inside = square == one
        mean = values[~inside].mean()
        for c in np.unique(classes[inside]):
            other, here = values[~inside & (classes == c)], values[inside & (classes == c)]
            error += float(((here - (other.mean() if len(other) else mean)) ** 2).sum())
            spread_ += float(((here - mean) ** 2).sum())
    return 1 - error / spread_


def agreement(found: FieldZones, drawn: np.ndarray) -> float:
    """Adjusted Rand index where both have zones."""
    both = (found.layers["zone"].values > 0) & (drawn > 0)
    return round(float(adjusted_rand_score(drawn[both], found.layers["zone"].values[both])), 2)


def percents(shares: list[float] | tuple[float, ...]) -> list[int]:
    """Shares as whole percents."""
    return [round(100 * share) for share in shares]


if __name__ == "__main__":
    main()
