"""Snow, thaw and the water with which spring begins."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from agro.agromaps.winter import SnowRules, Winter, freeze_day, snow_cover, spring_start, thaw_day, winter_of
from agro.domain.errors import BadInput

RULES = SnowRules(
    snow_below_c=0.0,
    rain_above_c=2.0,
    melt_mm_c_d=4.0,
    melt_above_c=0.0,
    snow_cv=0.2,
    soaked_share=0.5,
    soaked_share_se=0.2,
    autumn_share=0.5,
    autumn_share_se=0.25,
    measured_se_mm=12.0,
)


def weather(first: str = "2020-08-01", last: str = "2021-06-30", rain_mm: float = 1.0) -> pd.DataFrame:
    """A winter of a cosine: below zero from late October to late April."""
    days = pd.date_range(first, last)
    warmth = 3 - 20 * np.cos(2 * np.pi * (days.day_of_year - 20) / 365)
    return pd.DataFrame({"day": days, "tmean_c": np.asarray(warmth), "rain_mm": rain_mm})


def test_snow_by_hand() -> None:
    """10 mm fall at -5; 10 at +1 are half rain, half snow, and 4 melt; at +3 12 of 11 left, so all 11; then rain."""
    days = pd.date_range("2021-03-01", periods=4)
    table = pd.DataFrame({"day": days, "tmean_c": [-5.0, 1.0, 3.0, 4.0], "rain_mm": [10.0, 10.0, 0.0, 2.0]})
    got = snow_cover(table, RULES)
    assert got["snow_mm"].tolist() == [10.0, 11.0, 0.0, 0.0]
    assert got["melt_mm"].tolist() == [0.0, 4.0, 11.0, 0.0]
    assert got["rain_mm"].tolist() == [0.0, 5.0, 0.0, 2.0]


def test_water_that_fell_lies_melted_or_rained() -> None:
    table = weather()
    got = snow_cover(table, RULES)
    reached = (got["melt_mm"] + got["rain_mm"]).cumsum() + got["snow_mm"]
    np.testing.assert_allclose(reached, table["rain_mm"].cumsum(), atol=1e-9)


def test_snow_is_unknown_after_a_gap() -> None:
    table = weather()
    table.loc[150, "rain_mm"] = np.nan
    assert snow_cover(table, RULES)["snow_mm"].isna().sum() == len(table) - 150


def test_a_thaw_in_january_is_not_spring() -> None:
    table = weather()
    expected = table.loc[(table["day"] > "2021-02-01") & (table["tmean_c"] > 0), "day"].iloc[0]
    assert thaw_day(table, 2021) == expected
    table.loc[(table["day"] >= "2021-01-10") & (table["day"] <= "2021-01-14"), "tmean_c"] = 4.0
    assert thaw_day(table, 2021) == expected
    autumn = table.loc[(table["day"] > "2020-09-01") & (table["tmean_c"] < 0), "day"].iloc[0]
    assert freeze_day(table, 2021) == autumn


def test_no_thaw_where_the_table_does_not_show_it() -> None:
    assert thaw_day(weather(first="2021-05-01"), 2021) is None
    assert thaw_day(weather(last="2021-03-01"), 2021) is None
    assert thaw_day(weather(), 2023) is None
    assert freeze_day(weather(first="2020-12-15"), 2021) is None


def test_a_winter_by_hand() -> None:
    """1 mm a day: all that falls between frost and the bare field reaches the soil, half of it soaks in."""
    got = winter_of(weather(), 2021, RULES)
    days = (got.thawed_on - got.frozen_on).days
    assert got.frozen_on.month == 10 and got.thawed_on > date(2021, 4, 10)
    assert got.soaked_mm == pytest.approx(days / 2, abs=1.0)
    assert got.soaked_se_mm == pytest.approx(got.soaked_mm * 2 * np.hypot(0.2, 0.5 * 0.2))
    assert 0 < got.snow_mm <= days


@pytest.mark.parametrize("first", ["2021-01-15", "2021-04-25"])
def test_half_a_winter_is_refused(first: str) -> None:
    with pytest.raises(BadInput, match="does not hold the whole winter") as caught:
        winter_of(weather(first=first), 2021, RULES)
    assert caught.value.refusal.code == "WINTER-INCOMPLETE"


@pytest.mark.parametrize("column", ["rain_mm", "tmean_c"])
def test_a_winter_with_a_hole_is_refused(column: str) -> None:
    table = weather()
    table.loc[table["day"] == "2021-02-03", column] = np.nan
    with pytest.raises(BadInput, match="unknown"):
        winter_of(table, 2021, RULES)


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(BadInput, match="winter"):
        winter_of(weather().iloc[:0], 2021, RULES)


WINTERS = {"topki": Winter(date(2020, 11, 5), date(2021, 4, 18), 110.0, 60.0, 27.0)}


def begun(**columns: object) -> tuple[pd.Series, list[str]]:
    fields = pd.DataFrame(
        {"field_id": ["f"], "place": ["topki"], "available_mm": [170.0]} | {k: [v] for k, v in columns.items()}
    )
    start, table, refused = spring_start(fields, WINTERS, RULES)
    row = table.iloc[0]
    np.testing.assert_array_equal(start.water_mm, [row["water_mm"]])
    return row, [refusal.code for refusal in refused]


def test_measured_moisture_wins() -> None:
    row, refused = begun(measured_on=pd.Timestamp("2021-05-03"), measured_mm=140.0, autumn_mm=10.0)
    assert (row["begins_on"], row["water_mm"], row["water_se_mm"], row["how"]) == (
        pd.Timestamp("2021-05-03"),
        140.0,
        12.0,
        "measured",
    )
    assert not refused
    early, _ = begun(measured_on=pd.Timestamp("2021-03-20"), measured_mm=140.0, measured_se_mm=8.0)
    assert early["begins_on"] == pd.Timestamp("2021-04-18") and early["water_se_mm"] == 8.0


def test_without_it_autumn_and_snow_with_their_large_error() -> None:
    """85 assumed in autumn + 60 of melt = 145, error sqrt(42.5^2 + 27^2); a known autumn has less."""
    row, _ = begun()
    assert (row["water_mm"], row["how"]) == (145.0, "assumed autumn and snow")
    assert row["water_se_mm"] == pytest.approx(np.hypot(42.5, 27.0))
    known, _ = begun(autumn_mm=40.0, autumn_se_mm=15.0)
    assert (known["water_mm"], known["how"]) == (100.0, "autumn balance and snow")
    assert known["water_se_mm"] == pytest.approx(np.hypot(15.0, 27.0))
    full, _ = begun(autumn_mm=150.0)
    assert full["water_mm"] == 170.0 and full["water_se_mm"] > 40


def test_never_at_field_capacity_by_default() -> None:
    row, refused = begun(place="elsewhere")
    assert np.isnan(row["water_mm"]) and pd.isna(row["begins_on"]) and refused == ["WATER-START"]
    measured, refused = begun(place="elsewhere", measured_on=pd.Timestamp("2021-05-03"), measured_mm=90.0)
    assert measured["water_mm"] == 90.0 and not refused


def test_a_measured_slip_is_refused_and_the_others_stay() -> None:
    fields = pd.DataFrame(
        {"field_id": ["a", "b"], "place": "topki", "available_mm": 170.0, "measured_mm": [1400.0, 150.0]}
        | {"measured_on": pd.Timestamp("2021-05-03")}
    )
    start, table, refused = spring_start(fields, WINTERS, RULES)
    assert [(refusal.field_id, refusal.code) for refusal in refused] == [("a", "WATER-MEASURED")]
    assert np.isnan(start.water_mm[0]) and start.water_mm[1] == 150.0
    assert np.isnat(start.day[0]) and start.day[1] == np.datetime64("2021-05-03")
    assert table["field_id"].tolist() == ["a", "b"]
