"""Seasons by their looks, parcels by their seasons, land to return by rank, and what it would add."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from agro.domain.errors import BadInput
from agro.region.fallow import (
    ParcelRules,
    SeasonRules,
    added_pct,
    covered_in_spring,
    parcel_kinds,
    rank,
    sample_points,
    season_uses,
)
from flows.settings import CONFIGS, facts

RULES = facts(CONFIGS / "land.toml")
SEASON, PARCEL = SeasonRules(**RULES["season"]), ParcelRules(**RULES["parcel"])
WOODY = (PARCEL.woody_from, PARCEL.woody_to)
CURVES = {  # NDVI at the first of May, June, ... October
    "idle": (0.4, 0.72, 0.76, 0.7, 0.55, 0.32),
    "birch": (0.35, 0.75, 0.8, 0.8, 0.72, 0.4),
    "crop": (0.24, 0.30, 0.75, 0.75, 0.28, 0.25),
    "bare": (0.24, 0.25, 0.30, 0.27, 0.28, 0.25),
}


def looks(*seasons: str, parcel_id: str = "p", every: int = 8, cloud: date | None = None) -> pd.DataFrame:
    """A parcel's looks from 2018 on, a name of CURVES or `mown` a season."""
    rows = []
    for year, name in enumerate(seasons, start=2018):
        first = date(year, 4, 28)
        for n in range(0, 156, every):
            day = first + timedelta(days=n)
            ndvi = float(np.interp(n, [3, 34, 64, 95, 126, 156], CURVES["idle" if name == "mown" else name]))
            cut = (day - date(year, 7, 1)).days
            if name == "mown" and cut >= 0:
                ndvi = min(0.72, 0.48 + 0.004 * cut)  # it grows again
            ndvi = 0.15 if day == cloud else ndvi
            rows.append(
                {"parcel_id": parcel_id, "season": year, "day": day, "ndvi": ndvi, "ndmi": ndvi - 0.4, "district": "d"}
            )
    return pd.DataFrame(rows)


def kind(*seasons: str) -> dict[str, object]:
    seen = looks(*seasons)
    uses = season_uses(seen, SEASON, WOODY)
    return parcel_kinds(uses, covered_in_spring(seen, SEASON), PARCEL).iloc[0].to_dict()


@pytest.mark.parametrize("name", ["idle", "birch", "crop", "bare", "mown"])
def test_a_season_is_told_by_its_looks(name: str) -> None:
    expected = "idle" if name == "birch" else name
    assert season_uses(looks(name), SEASON, WOODY)["use"].tolist() == [expected]


def test_one_unseen_cloud_is_no_tillage_and_no_mower() -> None:
    for day in (date(2018, 5, 30), date(2018, 7, 17), date(2018, 8, 18)):
        assert day in set(looks("idle")["day"]), "a look that is there"
        assert season_uses(looks("idle", cloud=day), SEASON, WOODY)["use"].tolist() == ["idle"]


def test_nothing_is_told_of_a_season_that_was_hardly_seen() -> None:
    assert season_uses(looks("idle", every=45), SEASON, WOODY)["use"].tolist() == ["unknown"]


def test_three_idle_seasons_make_abandoned_land_two_do_not() -> None:
    told = kind("crop", "idle", "idle", "idle")
    assert (told["kind"], told["idle_since"], told["since_or_before"], told["cover"]) == (
        "abandoned",
        2019,
        False,
        "grass",
    )
    assert kind("crop", "crop", "idle", "idle")["kind"] == "resting"


def test_land_idle_in_all_seasons_seen_was_left_before_or_then() -> None:
    told = kind("birch", "birch", "birch")
    assert (told["kind"], told["idle_since"], told["since_or_before"], told["cover"]) == (
        "abandoned",
        2018,
        True,
        "woody",
    )
    assert kind("idle", "idle")["kind"] == "unknown"


def test_hay_fallow_and_land_taken_back_are_not_abandoned() -> None:
    assert kind("mown", "mown", "idle")["kind"] == "hay", "a mowing may have been missed once"
    assert kind("crop", "bare", "crop")["kind"] == "cropland"
    assert kind("idle", "idle", "idle", "crop")["kind"] == "cropland"


def test_straw_on_bare_ground_in_every_spring_is_no_tillage() -> None:
    parcels = [looks("crop", "crop", "crop", parcel_id=f"p{n}") for n in range(5)]
    parcels[0]["ndmi"] += 0.03
    seen = pd.concat(parcels)
    told = parcel_kinds(season_uses(seen, SEASON, WOODY), covered_in_spring(seen, SEASON), PARCEL)
    assert told["kind"].tolist() == ["no_till", *["cropland"] * 4]


def parcels() -> pd.DataFrame:
    columns = ["parcel_id", "kind", "idle_since", "cover", "area_ha", "humus_pct", "slope_deg", "distance_km"]
    rows = [
        ("poor", "abandoned", 2016, "grass", 10.0, 3.0, 2.0, 5.0),
        ("rich", "abandoned", 2020, "grass", 10.0, 7.0, 2.0, 5.0),
        ("wood", "abandoned", 2010, "woody", 10.0, 7.0, 2.0, 5.0),
        ("steep", "abandoned", 2020, "grass", 10.0, 8.0, 9.0, 1.0),
        ("unknown", "abandoned", 2020, "grass", 10.0, np.nan, np.nan, 5.0),
        ("worked", "cropland", np.nan, None, 10.0, 8.0, 1.0, 1.0),
    ]
    return pd.DataFrame(rows, columns=columns)


def test_the_rank_follows_soil_cost_and_slope_and_says_what_it_does_not_know() -> None:
    told = rank(parcels(), RULES["rank"], RULES["cost_rub_ha"], 2022).set_index("parcel_id")
    assert "worked" not in told.index
    assert told.loc["rich", "rank"] < told.loc["poor", "rank"] and told.loc["rich", "rank"] < told.loc["wood", "rank"]
    assert told.loc["steep", "too_steep"] and told.loc["steep", "rank"] == len(told)
    assert told.loc["unknown", "unknown"] == "soil, relief" and told.loc["rich", "unknown"] == ""
    assert told.loc["wood", "cost_rub_ha"] == 30_000 + 45_000 and told.loc["rich", "cost_rub_ha"] == 8_000


def test_a_thousand_hectares_of_two_tonnes_at_ten_thousand_are_two_per_cent_of_a_billion() -> None:
    yields = pd.DataFrame(
        {"crop": ["wheat", "oats"], "share": [0.5, 0.5], "yield_t_ha": [3.0, 1.0], "yield_se_t_ha": [0.6, 0.2]}
    )
    value, error = added_pct(yields, {"wheat": 10_000.0, "oats": 10_000.0}, 1e9)
    assert (value, error) == (pytest.approx(2.0), pytest.approx(0.4))


@pytest.mark.parametrize(
    ("change", "prices", "base", "code"),
    [
        ({}, {"wheat": 0.0}, 1e9, "LAND-PRICE"),
        ({}, {"wheat": 1.0}, 0.0, "LAND-PRICE"),
        ({"share": 0.9}, {"wheat": 1.0}, 1e9, "LAND-SHARES"),
        ({"yield_t_ha": np.nan}, {"wheat": 1.0}, 1e9, "LAND-YIELD"),
    ],
)
def test_what_cannot_be_said_of_the_output_is_said_so(change: dict, prices: dict, base: float, code: str) -> None:
    yields = pd.DataFrame({"crop": ["wheat"], "share": [1.0], "yield_t_ha": [3.0], "yield_se_t_ha": [0.6]}).assign(
        **change
    )
    with pytest.raises(BadInput, match=code):
        added_pct(yields, prices, base)


def test_places_to_look_at_are_drawn_by_area_in_each_kind() -> None:
    table = pd.DataFrame(
        {"parcel_id": ["a", "b", "c"], "kind": ["hay", "hay", "abandoned"], "area_ha": [9.0, 1.0, 5.0]}
    )
    drawn = sample_points(table, 400, 1)
    counts = drawn["parcel_id"].value_counts()
    assert counts["c"] == 400 and 340 <= counts["a"] <= 380 and counts["a"] + counts["b"] == 400
    assert drawn.equals(sample_points(table, 400, 1))
