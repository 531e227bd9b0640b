"""Winter: snow by degree days, what of its melt the frozen soil takes, and with which day and water spring begins."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from agro.agromaps.water import Start
from agro.domain.errors import AgroError, BadInput, Refusal

_WINTER_DAYS = 120  # [d] from 1 November to 28 February
_GONE_MM = 1.0  # [mm] of water: less snow than this is none. source: ours
_MOST_OF_CAPACITY = 1.3  # [1] measured water above this share of capacity is a slip of unit or depth. source: ours


@dataclass(frozen=True)
class SnowRules:
    """Numbers of snow and frozen soil.

    snow_below_c, rain_above_c [deg C] of the day's mean · melt_mm_c_d [mm/K/d] above melt_above_c [deg C] ·
    snow_cv [1] error of the winter's snow · soaked_share, soaked_share_se [1] of melt on frozen soil ·
    autumn_share, autumn_share_se [1] of the soil's store at freeze-up where last autumn's balance is not given ·
    measured_se_mm [mm] of a measured store whose error is not given.
    """

    snow_below_c: float
    rain_above_c: float
    melt_mm_c_d: float
    melt_above_c: float
    snow_cv: float
    soaked_share: float
    soaked_share_se: float
    autumn_share: float
    autumn_share_se: float
    measured_se_mm: float


@dataclass(frozen=True)
class Winter:
    """One winter of one place: frozen_on, thawed_on [date], snow_mm at its most, soaked_mm and soaked_se_mm [mm]."""

    frozen_on: date
    thawed_on: date
    snow_mm: float
    soaked_mm: float
    soaked_se_mm: float


def snow_cover(weather: pd.DataFrame, rules: SnowRules) -> pd.DataFrame:
    """Snow on the ground and its melt, day by day.

    weather  day [date], tmean_c [deg C], rain_mm of any precipitation [mm]; in order, without gaps
    rules    numbers of snow [deg C, mm/K/d]
    returns  day, snow_mm of water on the ground in the evening, melt_mm and rain_mm that reached the soil [mm]; NaN
             from the first day on whose weather is
    source   degree-day method, Martinec 1960 in the form of WMO 1986; rain and snow mixed linearly between two limits
    """
    mean, fell = (weather[name].to_numpy("float64") for name in ("tmean_c", "rain_mm"))
    wet = np.clip((mean - rules.snow_below_c) / (rules.rain_above_c - rules.snow_below_c), 0, 1)
    thirst = rules.melt_mm_c_d * np.maximum(mean - rules.melt_above_c, 0)
    lying, melt = np.full(len(mean), np.nan), np.full(len(mean), np.nan)
    snow = 0.0
    for i in range(len(mean)):
        before = snow + fell[i] * (1 - wet[i])
        melt[i] = np.minimum(before, thirst[i])
        lying[i] = snow = before - melt[i]
    rain = np.where(np.isnan(lying), np.nan, fell * wet)
    return pd.DataFrame({"day": weather["day"].to_numpy(), "snow_mm": lying, "melt_mm": melt, "rain_mm": rain})


def thaw_day(weather: pd.DataFrame, season: int) -> pd.Timestamp | None:
    """The day from which spring stays warm: every sum of daily means from it to the end of June is above zero.

    weather  day [date], tmean_c [deg C]; in order, without gaps
    season   year [a]
    returns  the day [date]; None where it thawed before the table begins, or has not thawed by its end
    source   ours: the lowest point of the summed temperature, the usual stable passage through 0 deg C
    """
    spring = _between(weather, f"{season}-01-01", f"{season}-06-30")
    total = spring["tmean_c"].cumsum().to_numpy()
    if not len(total) or np.isnan(total).any() or total.min() > 0 or total.argmin() == len(total) - 1:
        return None
    return pd.Timestamp(spring["day"].iloc[int(total.argmin()) + 1])


def freeze_day(weather: pd.DataFrame, season: int) -> pd.Timestamp | None:
    """The day from which the autumn before a season stays cold: sums of daily means from it are below zero.

    weather  day [date], tmean_c [deg C]; in order, without gaps
    season   year of harvest [a]
    returns  the day [date]; None where it froze before the table begins, or did not freeze
    source   ours: the highest point of the summed temperature, mirror of `thaw_day`
    """
    autumn = _between(weather, f"{season - 1}-08-01", f"{season}-01-31")
    total = autumn["tmean_c"].cumsum().to_numpy()
    if not len(total) or np.isnan(total).any() or total.max() < 0 or total.argmax() == len(total) - 1:
        return None
    return pd.Timestamp(autumn["day"].iloc[int(total.argmax()) + 1])


def _between(weather: pd.DataFrame, first: str, last: str) -> pd.DataFrame:
    days = pd.to_datetime(weather["day"])
    return weather[(days >= pd.Timestamp(first)) & (days <= pd.Timestamp(last))]


def winter_of(weather: pd.DataFrame, season: int, rules: SnowRules) -> Winter:
    """What one winter left in the soil of a place, and when the season's balance can begin.

    weather  day [date], tmean_c [deg C], rain_mm [mm] of one place, from before the autumn's frost
    season   year of harvest [a]
    rules    numbers of snow and frozen soil [deg C, mm/K/d, 1]
    returns  Winter: thawed_on is the day after the first evening of spring without snow; soaked_mm [mm] with its error.
             A winter whose mean is above 0 deg C and that never stays cold begins its spring on 1 March
    raises   BadInput where the table does not hold the whole winter, or has a gap in it
    source   ours: share of melt that frozen soil takes; its error is large and stays with the number
    """
    frozen, thawed = freeze_day(weather, season), thaw_day(weather, season)
    mild = _between(weather, f"{season - 1}-11-01", f"{season}-02-28")
    if (frozen is None or thawed is None) and len(mild) == _WINTER_DAYS and mild["tmean_c"].mean() > 0:
        return _without_frost(mild, season, rules)
    if frozen is None or thawed is None:
        days = pd.to_datetime(weather["day"])
        raise BadInput(
            "WINTER-INCOMPLETE",
            "the weather from {first} to {last} does not hold the whole winter before {season}: the snow is unknown",
            "give daily weather from August {before} to the end of June, or measured spring moisture of the fields",
            first=f"{days.min():%Y-%m-%d}" if len(days) else "?",
            last=f"{days.max():%Y-%m-%d}" if len(days) else "?",
            season=season,
            before=season - 1,
        )
    cover = snow_cover(_between(weather, str(frozen.date()), f"{season}-06-30"), rules)
    late = cover[pd.to_datetime(cover["day"]) >= thawed]
    free = late[late["snow_mm"] < _GONE_MM]
    if free.empty:
        raise BadInput(
            "WINTER-GAP",
            "the winter before {season} has a gap in its weather, or its snow never melts: the snow is unknown",
            "fill the days, or give measured spring moisture of the fields",
            season=season,
        )
    bare = pd.Timestamp(free["day"].iloc[0])
    wet = cover[pd.to_datetime(cover["day"]) <= bare]
    reached = float(wet["melt_mm"].sum() + wet["rain_mm"].sum())
    error = reached * float(np.hypot(rules.soaked_share_se, rules.soaked_share * rules.snow_cv))
    return Winter(
        frozen.date(),
        (bare + pd.Timedelta(days=1)).date(),
        float(cover["snow_mm"].max()),
        reached * rules.soaked_share,
        error,
    )


def _without_frost(mild: pd.DataFrame, season: int, rules: SnowRules) -> Winter:
    """A winter that never stayed cold: a share of its rain stays in the soil, spring begins on 1 March."""
    fell = float(mild["rain_mm"].sum(skipna=False))
    if np.isnan(fell):
        raise BadInput(
            "WINTER-GAP",
            "the winter before {season} has a gap in its weather, or its snow never melts: the snow is unknown",
            "fill the days, or give measured spring moisture of the fields",
            season=season,
        )
    first, spring = date(season - 1, 11, 1), date(season, 3, 1)
    return Winter(first, spring, 0.0, rules.soaked_share * fell, rules.soaked_share_se * fell)


def spring_start(
    fields: pd.DataFrame, winters: Mapping[str, Winter], rules: SnowRules
) -> tuple[Start, pd.DataFrame, list[Refusal]]:
    """The day and the water with which the balance of each field begins.

    fields   field_id, place [-], available_mm between wilting point and field capacity in 0-100 cm [mm], and any of
             measured_on [date], measured_mm, measured_se_mm of plant-available water in 0-100 cm [mm], autumn_mm,
             autumn_se_mm at freeze-up from last season's balance [mm]; NaN where not known
    winters  the winter of each place; a place without one needs measured moisture
    rules    numbers of snow and frozen soil [1, mm]
    returns  Start (field) [date, mm]; a table field_id, begins_on [date], water_mm, water_se_mm [mm], how [text]
             (`measured`, `autumn balance and snow`, `assumed autumn and snow`); the refusals by field, which have NaN
    source   ours: measured before modelled; never field capacity by default
    """
    rows, refused = [], []
    for row in fields.to_dict("records"):
        try:
            rows.append(_begins(row, winters, rules))
        except AgroError as error:
            refused.append(error.about(field_id=str(row["field_id"])))
            rows.append((pd.NaT, np.nan, np.nan, ""))
    table = pd.DataFrame(rows, columns=["begins_on", "water_mm", "water_se_mm", "how"], index=fields.index)
    table.insert(0, "field_id", fields["field_id"])
    days = pd.to_datetime(table["begins_on"]).to_numpy().astype("datetime64[D]")
    water, error_mm = (table[name].to_numpy("float64") for name in ("water_mm", "water_se_mm"))
    return Start(days, water, error_mm), table, refused


def _begins(
    row: Mapping[Any, Any], winters: Mapping[str, Winter], rules: SnowRules
) -> tuple[pd.Timestamp, float, float, str]:
    winter, most = winters.get(row["place"]), float(row["available_mm"])
    if _known(row, "measured_mm") and _known(row, "measured_on"):
        measured = float(row["measured_mm"])
        if not 0 <= measured <= _MOST_OF_CAPACITY * most:
            raise BadInput(
                "WATER-MEASURED",
                "measured {met} mm of plant-available water in 0-100 cm, the soil holds {most} mm",
                "check unit and depth, or the field capacity and wilting point of the soil",
                met=measured,
                most=round(most),
            )
        day = pd.Timestamp(row["measured_on"])
        day = max(day, pd.Timestamp(winter.thawed_on)) if winter else day
        error = float(row["measured_se_mm"]) if _known(row, "measured_se_mm") else rules.measured_se_mm
        return day, min(measured, most), error, "measured"
    if winter is None:
        raise BadInput(
            "WATER-START",
            "neither measured spring moisture nor the winter's weather is known: the balance cannot begin",
            "give moisture measured in spring, or daily weather from August on; field capacity is never assumed",
        )
    autumn, error, how = rules.autumn_share * most, rules.autumn_share_se * most, "assumed autumn and snow"
    if _known(row, "autumn_mm"):
        autumn, how = float(row["autumn_mm"]), "autumn balance and snow"
        error = float(row["autumn_se_mm"]) if _known(row, "autumn_se_mm") else error
    water = min(autumn + winter.soaked_mm, most)
    return pd.Timestamp(winter.thawed_on), water, float(np.hypot(error, winter.soaked_se_mm)), how


def _known(row: Mapping[Any, Any], name: str) -> bool:
    return name in row and not pd.isna(row[name])
