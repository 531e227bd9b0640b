from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from combine import Drive, drive, wavy
from shapely.geometry import box

from agro.agromaps.moran import against_neighbours, influential, neighbour_means
from agro.agromaps.yield_cleaning import REASONS, CleaningRules, clean, covered

HOW = Drive(width_m=160, length_m=300)
FIELD = box(HOW.x_m, HOW.y_m, HOW.x_m + HOW.width_m, HOW.y_m + HOW.length_m)
RULES = CleaningRules(highest_t_ha=8.0)


@pytest.fixture(scope="module")
def driven() -> pd.DataFrame:
    return drive(HOW)


def reasons(points: pd.DataFrame, rules: CleaningRules = RULES) -> pd.Series:
    return clean(points, FIELD, rules).points["reason"]


def test_every_point_is_kept_or_has_its_reason(driven: pd.DataFrame) -> None:
    cleaned = clean(driven, FIELD, RULES)
    assert len(cleaned.points) == len(driven) and set(cleaned.points["reason"]) <= {"", *REASONS}
    assert sum(cleaned.counts.values()) == len(driven) and cleaned.counts[""] == len(cleaned.kept)
    assert cleaned.delay.delay_s == pytest.approx(12, abs=0.5)
    assert (cleaned.kept["cleaned_t_ha"] - cleaned.kept["true_t_ha"]).std() < 0.16


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"x_m": np.nan, "y_m": np.nan}, "no_fix"),
        ({"x_m": HOW.x_m + 3000}, "gps_jump"),
        ({"working": False}, "not_working"),
        ({"swath_m": 0.0}, "no_swath"),
        ({"swath_m": 2.0}, "narrow"),
        ({"distance_m": 0.3}, "stopped"),
        ({"distance_m": 5.0}, "too_fast"),
        ({"distance_m": 2.9}, "speed_change"),
        ({"yield_t_ha": np.nan}, "no_yield"),
        ({"yield_t_ha": 0.0}, "null"),
        ({"yield_t_ha": 400.0}, "too_high"),
        ({"yield_t_ha": 7.9}, "outlier"),
    ],
)
def test_a_planted_fault_is_found_by_its_name(driven: pd.DataFrame, change: dict[str, float], reason: str) -> None:
    row = 1500  # inside the field
    rules = replace(RULES, delay_s=0.0)
    spoilt = driven.copy()
    spoilt.loc[row, list(change)] = list(change.values())
    assert reasons(driven, rules)[row] == ""
    assert reasons(spoilt, rules)[row] == reason


def test_four_hundred_tonnes_do_not_reach_their_neighbours(driven: pd.DataFrame) -> None:
    spoilt = driven.copy()
    spoilt.loc[[700, 1500, 2200], "yield_t_ha"] = 400.0
    cleaned = clean(spoilt, FIELD, RULES)
    assert cleaned.kept["cleaned_t_ha"].max() < 6 and cleaned.delay.delay_s == pytest.approx(12, abs=0.5)
    assert (clean(driven, FIELD, RULES).points["reason"] != cleaned.points["reason"]).sum() < 30


def test_ends_of_passes_and_the_border_go(driven: pd.DataFrame) -> None:
    points = clean(driven, FIELD, RULES).points
    first = points.groupby("pass_no").head(4)
    assert set(first["reason"]) <= {"pass_start", "outside"}
    inner = FIELD.buffer(-10.0)
    kept = points[points["reason"] == ""]
    assert kept["x_m"].between(inner.bounds[0], inner.bounds[2]).all()
    assert kept["y_m"].between(inner.bounds[1], inner.bounds[3]).all()


def test_ground_that_was_cut_before_is_told(driven: pd.DataFrame) -> None:
    again = driven[driven["x_m"] == driven["x_m"].iloc[0]].assign(clock_s=lambda t: t["clock_s"] + 90_000)
    again["x_m"] += 1.0  # a whole pass along the first one
    points = pd.concat([driven, again], ignore_index=True)
    outcome = clean(points, None, replace(RULES, delay_s=0.0)).points
    tail = outcome.tail(len(again))
    assert (tail["reason"] == "overlap").mean() > 0.9
    assert (outcome.head(len(driven))["reason"] == "overlap").sum() == 0
    assert covered(points, outcome["pass_no"].to_numpy(), 8.0)[: len(driven)].max() < 0.3


def test_the_last_rules_are_those_of_the_protocol(driven: pd.DataFrame) -> None:
    """The verdict as published, told beside the reason, follows from its definition on what came so far."""
    points = driven.copy()
    points.loc[[900, 1501, 2210], "yield_t_ha"] *= 0.3
    plain = clean(points, FIELD, replace(RULES, confirmed=False))
    ours = clean(points, FIELD, RULES)
    assert (plain.points["flagged"] == ours.points["flagged"]).all()
    left = plain.points[plain.points["reason"].isin(["", "moran_plot", "local_moran"])]
    xy, values = left[["x_m", "y_m"]].to_numpy(), left["cleaned_t_ha"].to_numpy()
    means, count = neighbour_means(xy, values, 40.0)
    expected = np.where(influential(values, means), "moran_plot", np.where(against_neighbours(values, means, count, 0.05), "local_moran", ""))  # fmt: skip
    assert left["reason"].tolist() == expected.tolist() and set(expected) == {"", "moran_plot", "local_moran"}
    gone = ours.points["reason"].isin(["moran_plot", "local_moran"])
    assert gone.any() and (ours.points["flagged"][gone] == ours.points["reason"][gone]).all()
    assert len(ours.kept) > len(plain.kept)


def test_a_good_strip_of_high_yield_stays() -> None:
    """A pass that yields twice as much as those beside it, truly and evenly, is no error."""

    def striped(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return wavy(x, y) + np.where((x > 60) & (x < 100), 2.5, 0.0)

    points = drive(HOW, striped)
    inside = points["x_m"].between(HOW.x_m + 62, HOW.x_m + 98).to_numpy()
    published, ours = (
        (clean(points, FIELD, replace(RULES, confirmed=confirmed)).points["reason"] == "")[inside].mean()
        for confirmed in (False, True)
    )
    assert ours > 0.8 > published


def test_points_in_no_order_and_without_clock_swath_or_speed() -> None:
    x, y = np.meshgrid(np.arange(5.0, 160, 10), np.arange(5.0, 300, 10))
    table = pd.DataFrame({"log": "map", "x_m": HOW.x_m + x.ravel(), "y_m": HOW.y_m + y.ravel()})
    table["yield_t_ha"] = wavy(x.ravel(), y.ravel())
    nothing = ("clock_s", "speed_m_s", "distance_m", "interval_s", "swath_m")
    table = table.assign(**dict.fromkeys(nothing, np.nan), working=True)
    cleaned = clean(table.sample(frac=1, random_state=1), FIELD, RULES)
    assert set(cleaned.counts) <= {"", "border", "moran_plot", "local_moran", "turn"}
    assert not cleaned.delay.sure


def test_nothing_to_clean() -> None:
    empty = drive(HOW).iloc[:0]
    assert clean(empty, FIELD, RULES).counts == {}
    assert clean(drive(HOW).iloc[:1], FIELD, RULES).points["reason"].notna().all()
