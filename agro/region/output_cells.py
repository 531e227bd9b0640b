"""The cells that the index sums: what each district, category of farm and product gave last year and gives this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from agro.domain.errors import BadInput
from agro.region.index_draws import CELL_COLUMNS, damped

CELL = ["district", "category", "product"]
_SUM_OPEN = 0.01  # [1] by which rounded parts may miss their sum. source: ours


@dataclass(frozen=True)
class Rules:
    """Sizes of errors and trends where nothing tells them (configs/scenarios.toml) [1], [a]."""

    area_cv: float
    next_area_cv: float
    livestock_cv: float
    rest_cv: float
    households_cv: float
    yield_cv: float
    damping: float
    trend_years: int


def newest(table: pd.DataFrame, key: list[str], vintage: str, known_on: date) -> pd.DataFrame:
    """The figures in the newest vintage that was known by a day.

    table     rows with `vintage` [day], which may be missing: then the last day of the year after
    key       what a figure is of; `season` or `year` among it
    known_on  day
    returns   one row a key [as the table]
    source    ours: a revision stands beside what it revises
    """
    year = "season" if "season" in table else "year"
    latest = pd.to_datetime((table[year].astype("int64") + 1).astype(str) + "-12-31")
    day = pd.to_datetime(table[vintage]).fillna(latest)
    rows = table[day <= pd.Timestamp(known_on)].assign(_day=day).sort_values("_day", kind="stable")
    return rows.drop_duplicates(key, keep="last").drop(columns="_day")


def parts_of(rows: pd.DataFrame, values: list[str]) -> pd.DataFrame:
    """Categories of farm without a sum among them: its parts where they make it up, else the sum alone.

    rows     with `category` and what it is of in all columns but `values` [any unit]
    values   columns that are summed [any unit]; the first decides
    returns  rows [as they came]
    source   ours
    """
    key = [name for name in ("district", "product", "season") if name in rows]
    whole = rows[rows["category"] == "all"].set_index(key)[values[0]]
    parts = rows[rows["category"] != "all"]
    sums = parts.groupby(key)[values[0]].sum()
    made_up = sums.reindex(whole.index)
    open_ = whole.index[~((made_up - whole).abs() <= _SUM_OPEN * whole.clip(lower=1.0))]
    keys = pd.MultiIndex.from_frame(rows[key])
    keep = np.where(rows["category"] == "all", keys.isin(open_), ~keys.isin(open_))
    return rows[keep.astype(bool)]


def of_crops(grown: pd.DataFrame, fields: pd.DataFrame, year: int, rules: Rules) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Crops of the year before, and of the year.

    grown    district, product, category, season, area_ha [ha], yield_t_ha [t/ha] of past seasons
    fields   (district, product) x (area_ha [ha], yield_t_ha [t/ha], area_cv, year_cv, district_cv, own_cv [1]) of what
             fields show of the year; a yield that nobody foresees is NaN
    returns  two tables of cells with `area_ha` [ha] and `group` missing: `value` [t] of the year before, and the year
    raises   BadInput when a district has crops in other years and none in the year before
    source   ours: where nothing is known of the year, areas go on with a damped trend and yields as usual
    """
    years = grown.groupby("district")["season"].agg(set)
    gone = sorted(district for district, of in years.items() if year - 1 not in of)
    if gone:
        raise BadInput(
            "OUTPUT-DISTRICT-YEAR",
            "{met}: no crop of {year} is in the statistics, but of other years",
            "add that year, or 0 where nothing was grown",
            met=", ".join(map(str, gone)),
            year=year - 1,
        )
    last = grown[grown["season"] == year - 1].set_index(CELL)
    now = pd.concat([_seen(grown, fields, year), _unseen(grown, fields, year, rules)]).set_index(CELL).astype("float64")
    index = last.index.union(now.index)
    before = last.reindex(index)[["area_ha", "yield_t_ha"]]
    before["area_ha"] = before["area_ha"].fillna(0.0)
    before["value"] = (before["area_ha"] * before["yield_t_ha"]).fillna(0.0)
    now = now.reindex(index).fillna(0.0)
    now["value"] = now["area_ha"] * now["yield_t_ha"]
    return before, now.assign(series_cv=0.0)


def _seen(grown: pd.DataFrame, fields: pd.DataFrame, year: int) -> pd.DataFrame:
    """What fields show, spread over the categories as last year's area was."""
    usual = grown[grown["season"].between(year - 3, year - 1)]
    rows = []
    for (district, product), own in fields.iterrows():
        of = usual[(usual["district"] == district) & (usual["product"] == product)].sort_values("season")
        of = of[of["season"] == of["season"].max()]
        share = of.groupby("category")["area_ha"].sum()
        share = share / share.sum() if share.sum() > 0 else pd.Series({"organisations": 1.0})
        for category, part in share.items():
            rows.append({**own, "district": district, "category": category, "product": product, "area_ha": part * own["area_ha"]})  # fmt: skip  # noqa: E501
    columns = [*CELL, "area_ha", "yield_t_ha", "area_cv", "year_cv", "district_cv", "own_cv"]
    return pd.DataFrame(rows, columns=columns)


def _unseen(grown: pd.DataFrame, fields: pd.DataFrame, year: int, rules: Rules) -> pd.DataFrame:
    """Crops that no field of any district shows: as households grow them."""
    shown = set(fields.index.get_level_values("product"))
    rows = []
    for (district, category, product), own in grown[~grown["product"].isin(shown)].groupby(CELL):
        own = own.sort_values("season")
        if own["season"].iloc[-1] != year - 1:
            continue  # given up before
        area = damped(own["area_ha"].tolist(), rules.damping, rules.trend_years)
        value, cv = usual_yield(own.set_index("season")["yield_t_ha"], rules)
        rows.append({"district": district, "category": category, "product": product, "area_ha": area, "yield_t_ha": value, "area_cv": rules.area_cv, "year_cv": cv, "district_cv": 0.0, "own_cv": 0.0})  # fmt: skip  # noqa: E501
    columns = [*CELL, "area_ha", "yield_t_ha", "area_cv", "year_cv", "district_cv", "own_cv"]
    return pd.DataFrame(rows, columns=columns)


def usual_yield(yields: pd.Series, rules: Rules) -> tuple[float, float]:
    """What a crop yields in a year that nobody foresees.

    yields   [t/ha] by season
    returns  mean of the last seasons [t/ha], and the deviation of a year from it [1]
    source   ours: the plain average; a deviation that is assumed where fewer than 4 seasons show it
    """
    last = yields.dropna().sort_index().iloc[-rules.trend_years :]
    if last.empty:
        return 0.0, 0.0
    mean = float(last.mean())
    if len(last) < 4 or not mean:
        return mean, rules.yield_cv
    return mean, float(last.std(ddof=1)) * float(np.sqrt(1 + 1 / len(last))) / mean


def of_series(series: pd.DataFrame, group: Mapping[str, str], year: int, rules: Rules) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip  # noqa: E501
    """Series of the year before, and of the year by their damped trend.

    series   product, district, category, season, value [t or thousand]
    group    of each product
    returns  two tables of cells: `value` [unit of the product]
    raises   BadInput when a district's series misses the year before
    source   damped trend
    """
    before, now = [], []
    for (district, category, product), own in series.groupby(CELL):
        values = own.set_index("season")["value"].sort_index()
        if year - 1 not in values.index:
            raise BadInput(
                "OUTPUT-SERIES-YEAR",
                "{met}: the series has no figure of {year}",
                "add that year to the table of series, or 0 where nothing was produced",
                met=f"{district} / {category} / {product}",
                year=year - 1,
            )
        cell = {"district": district, "category": category, "product": product, "area_ha": np.nan}
        run = _without_holes(values[values.index < year])
        cv = rules.livestock_cv if group[str(product)] == "livestock" else rules.rest_cv
        before.append({**cell, "value": run[-1]})
        now.append({**cell, "value": damped(run, rules.damping, rules.trend_years), "series_cv": cv})
    columns = [*CELL, "area_ha", "value"]
    first = pd.DataFrame(before, columns=columns).set_index(CELL)
    second = pd.DataFrame(now, columns=[*columns, "series_cv"]).set_index(CELL)
    return first, second.assign(year_cv=0.0, district_cv=0.0, own_cv=0.0, area_cv=0.0)


def _without_holes(values: pd.Series) -> list[float]:
    """The years that lead to the last one without a gap."""
    years = values.index.to_numpy()
    gaps = np.flatnonzero(np.diff(years) > 1)
    return [float(value) for value in values.iloc[gaps[-1] + 1 if len(gaps) else 0 :]]


def year_after(now: pd.DataFrame, grown: pd.DataFrame, series: pd.DataFrame, year: int, rules: Rules) -> pd.DataFrame:
    """Cells of the year after the open one: nobody knows its fields or its weather.

    now      cells of the open year
    grown, series  as for `of_crops` and `of_series`
    year     the open one [a]
    returns  cells [unit of the product]: areas as in the open year, yields as usual, series two years ahead
    source   ours
    """
    then = now.copy()
    for cell in now.index:
        district, _, product = cell
        if np.isnan(now.loc[cell, "area_ha"]):
            own = series[(series[CELL] == list(cell)).all(axis=1) & (series["season"] < year)].set_index("season")
            run = _without_holes(own["value"].sort_index())
            then.loc[cell, "value"] = damped(run, rules.damping, rules.trend_years, 2)
            then.loc[cell, "series_cv"] = np.sqrt(2) * now.loc[cell, "series_cv"]
            continue
        own = grown[(grown["district"] == district) & (grown["product"] == product) & (grown["season"] < year)]
        if own.empty:
            own = grown[(grown["product"] == product) & (grown["season"] < year)]
        yields = own.groupby("season")[["area_ha", "yield_t_ha"]].apply(_mean_yield)
        value, cv = usual_yield(yields, rules) if len(yields) else (float(now.loc[cell, "yield_t_ha"]), rules.yield_cv)
        columns = ["yield_t_ha", "value", "year_cv", "district_cv", "own_cv", "area_cv"]
        then.loc[cell, columns] = [value, value * now.loc[cell, "area_ha"], cv, 0.0, 0.0, rules.next_area_cv]
    return then


def _mean_yield(own: pd.DataFrame) -> float:
    return float(np.average(own["yield_t_ha"], weights=own["area_ha"])) if own["area_ha"].sum() > 0 else np.nan


def cells_of(*parts: pd.DataFrame, group: Mapping[str, str], households_cv: float) -> pd.DataFrame:
    """Crops and series as one table of cells.

    parts    tables of cells [unit of the product]
    group    of each product
    households_cv  what figures of households' crops miss alike [1]
    returns  (district, category, product) x (CELL_COLUMNS, `area_ha` [ha], `yield_t_ha` [t/ha], `group`)
    raises   BadInput when a product of a district and category comes both from fields and from a series
    source   ours
    """
    whole = pd.concat([part for part in parts if len(part)])
    twice = whole.index[whole.index.duplicated()]
    if len(twice):
        raise BadInput(
            "OUTPUT-TWICE",
            "{met}: stands in the statistics of crops and in the table of series",
            "take it out of one of them",
            met=" / ".join(map(str, twice[0])),
        )
    whole = whole.reindex(columns=[*CELL_COLUMNS, "area_ha", "yield_t_ha"]).astype("float64").sort_index()
    names = list(CELL_COLUMNS)
    whole[names] = whole[names].fillna(0.0)
    whole["group"] = [group[product] for product in whole.index.get_level_values("product")]
    sampled = (whole.index.get_level_values("category") == "households") & (whole["group"] != "livestock")
    return whole.assign(homes_cv=np.where(sampled, households_cv, 0.0))
