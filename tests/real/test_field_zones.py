"""Zones of real fields against harvests that they were not drawn from."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from yield_maps import PIXEL_M, las_rosas, montana_protein, vineyard

from agro.agromaps.stability import season_scores, temporal_stability
from agro.agromaps.zone_proof import explained_share, zone_means
from agro.agromaps.zone_shape import outlines
from agro.agromaps.zones import FieldZones, ZoneRules, field_zones
from agro.domain.grid import Grid


def made(seasons: xr.DataArray, rules: ZoneRules) -> FieldZones:
    field = np.isfinite(seasons.values).any(axis=0)
    return field_zones(seasons, xr.DataArray(field, dims=("y", "x")), PIXEL_M, rules)


@pytest.mark.parametrize("width_m", [6.0, 24.0])
def test_three_harvests_that_share_little_leave_one_zone(real: Path, width_m: float) -> None:
    """Yields of this field correlate by .14 to .31 between years: zones of two years explain 3 to 13 % of the third."""
    seasons = vineyard(real)
    found = made(seasons, ZoneRules(width_m))
    assert found.count == 1 and found.reason is not None and found.reason.code == "ZONE-UNPROVED"
    assert found.proof is not None and 0 < found.proof.explained < 0.12
    assert max(found.proof.patches) < 100 < np.isfinite(seasons.values[0]).sum() / 40  # of 5,048 pixels


def test_protein_of_two_years_that_share_nothing_leaves_one_zone(real: Path) -> None:
    seasons = montana_protein(real)
    found = made(seasons.where(np.isfinite(seasons).all("season")), ZoneRules(24.0, fewest_seasons=2))
    assert found.reason is not None and found.reason.code == "ZONE-UNPROVED"
    assert found.proof is not None and abs(found.proof.explained) < 0.1


def test_the_landscape_of_las_rosas_is_found_from_the_other_harvest(real: Path) -> None:
    """Zones of one harvest explain half of the other, as the landscape classes of the trial's authors do."""
    maps = las_rosas(real)
    seasons = xr.concat([maps["y1999"], maps["y2001"]], pd.Index([1999, 2001], name="season"))
    found = made(seasons, ZoneRules(24.0, fewest_seasons=2, least_seen=0.5))
    assert found.count == 2 and found.reason is None and found.proof is not None
    assert min(found.proof.by_season) > 0.4
    scores = season_scores(seasons.values, np.isfinite(seasons.values).any(axis=0))
    published = np.nan_to_num(np.round(maps["topo"].values)).astype("uint8")
    theirs = [
        explained_share(zone_means(published, temporal_stability(np.delete(scores, i, 0))[0]), scores[i])
        for i in (0, 1)
    ]
    assert found.proof.explained == pytest.approx(float(np.mean(theirs)), abs=0.1)
    assert made(seasons, ZoneRules(24.0, least_seen=0.5)).count == 1  # by the rule two harvests are too few


def test_outlines_on_a_real_field_close(real: Path) -> None:
    maps = las_rosas(real)
    seasons = xr.concat([maps["y1999"], maps["y2001"]], pd.Index([1999, 2001], name="season"))
    zone = made(seasons, ZoneRules(24.0, fewest_seasons=2, least_seen=0.5)).layers["zone"].values
    drawn = outlines(zone, Grid("EPSG:32720", 420_000, 6_342_000, 10, *zone.shape))
    assert sum(one.area for one in drawn) / 1e4 == pytest.approx((zone > 0).sum() / 100)
    assert drawn[0].intersection(drawn[1]).area < 1e-3 and shapely.is_valid(drawn).all()
