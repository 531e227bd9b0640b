"""What a board's tables hold: which figures may be shown, what was before, what was seen of fields, what changed."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from agro.domain.errors import BadInput, Refusal
from agro.region.privacy import Limits, shown, telling
from agro.reports.district_board import T_HA_TO_DT_HA, District, Row, yield_unit
from agro.reports.outlook_text import signed
from agro.reports.words import say
from agro.store import history
from agro.store.index import Index
from agro.store.publish import Published, read_asset
from flows.plan import Land
from flows.sections import Privacy
from flows.settings import CONFIGS, districts, facts
from flows.yield_models import Season

_SEEN_DAYS, _WINDOW_DAYS = 14, 16  # [d] of looks that count as lately; of looks whose greenness is compared
_ENOUGH_CLEAR = 0.3  # [1] of a field
_ROUND_M = 6000.0  # [m] of ground round a district's fields: their outlines are nobody's business
_MOST_CHANGES = 4
FIGURES = "figures"  # asset of a board: the cells of every figure that it shows, and the districts it withholds
Verdict = Mapping[Any, Refusal | None]
Past = Mapping[tuple[str, str | None], Mapping[int, float]]


def limits_of(privacy: Privacy) -> Limits:
    """When a figure may be shown."""
    return Limits(privacy.fewest_farms, privacy.one_farm_pct / 100, privacy.two_farms_pct / 100)


Cells = list[tuple[str, str]]


def figures_of(fields: pd.DataFrame, sums: pd.DataFrame) -> tuple[pd.DataFrame, dict[Any, Cells]]:
    """Each farm's area by (crop, district), and the cells that each figure sums up, the most wanted first.

    Figures are by (crop, district), (crop, None) of the region, and (None, district) of all crops.
    fields, sums   the tables of one day's forecasts
    """
    known = fields.dropna(subset=["district"])
    known = known.assign(farm_id=known["farm_id"].fillna("?"))  # whose fields these are nobody knows: as if one farm's
    by_farm = known.pivot_table(index=["crop", "district"], columns="farm_id", values="area_ha", aggfunc="sum").fillna(0.0)  # fmt: skip  # noqa: E501
    told = sums[(sums["quantity"] == "yield_t_ha") & sums["value"].notna()]
    leaves = [(row.crop, row.subject) for row in told[told["scope"] == "district"].itertuples()]
    area = by_farm.sum(axis=1)
    figures: dict[Any, Cells] = {}
    for crop in told[told["scope"] == "region"]["crop"]:  # it rests on the districts that are told; on all, if none is
        own = [cell for cell in leaves if cell[0] == crop]
        figures[crop, None] = own or [cell for cell in by_farm.index if cell[0] == crop]
    for cell in sorted(leaves, key=lambda one: -float(area.get(one, 0.0))):
        figures[cell] = [cell]
    for district in sorted(known["district"].unique()):
        figures[None, district] = [cell for cell in by_farm.index if cell[1] == district]
    return by_farm, figures


def verdicts(
    fields: pd.DataFrame, sums: pd.DataFrame, limits: Limits, published: Sequence[Cells] = ()
) -> dict[Any, Refusal | None]:
    """What may be shown together. Everybody knows the region's change, which the index tells, and earlier boards.

    published   cells of the figures of other boards of the season
    """
    by_farm, figures = figures_of(fields, sums)
    return shown(by_farm, figures, limits, [list(by_farm.index), *published])


def published_before(index: Index, season: int) -> list[Cells]:
    """The cells of every figure that any board of the season shows."""
    own = [one for one in index.items("boards") if one.properties["agro:season"] == season]
    told = [json.loads(read_asset(index.store, one, FIGURES)) for one in own if FIGURES in one.item["assets"]]
    return [[(crop, district) for crop, district in cells] for one in told for cells in one["shown"]]


def rows_of(
    sums: pd.DataFrame,
    before: pd.DataFrame | None,
    verdict: Verdict,
    past: Past,
    limits: Limits,
    harvested: Mapping[tuple[str, str | None], tuple[float, float]] = MappingProxyType({}),
) -> tuple[Row, ...]:
    """The forecasts that may be shown, and why the others may not; the region first.

    before      the sums of the week before
    harvested   threshed [ha], and its share of what is to be harvested [1]
    """
    of = _by_subject(sums)
    old = {} if before is None else _by_subject(before)
    rows = []
    for (crop, scope, subject, quantity), yields in of.items():
        if quantity != "yield_t_ha":
            continue
        district = None if scope == "region" else subject
        why = verdict.get((crop, district)) or _why(yields, limits)
        if why is not None:
            rows.append(Row(crop, district, None, None, None, None, None, None, None, {}, None, why))
            continue
        tonnes = of[crop, scope, subject, "production_t"]
        earlier = old.get((crop, scope, subject, quantity), {"value": np.nan})
        ends = (_known(row[name]) for row in (yields, tonnes) for name in ("value", "low_80", "high_80"))
        value, low, high, harvest, low_t, high_t = ends
        change, seen = _known(yields["value"] - earlier["value"]), _known(yields["answered"])
        own = past.get((crop, district), {})
        done = harvested.get((crop, district))
        rows.append(Row(crop, district, value, low, high, harvest, low_t, high_t, seen, own, change, None, done))
    return tuple(sorted(rows, key=lambda row: (row.crop, row.district is not None, row.district or "")))


def _known(figure: float) -> float | None:
    return None if figure != figure else float(figure)


def _by_subject(sums: pd.DataFrame) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    return {(row["crop"], row["scope"], row["subject"], row["quantity"]): row for row in sums.to_dict("records")}


def _why(row: Mapping[str, Any], limits: Limits) -> Refusal | None:
    """Why the forecast itself is withheld."""
    if row["value"] == row["value"]:
        return None
    if row["why_code"] == "DISTRICT-FEW-FARMS":
        return telling(np.array([]), limits)  # how few they are is nobody's business either
    return Refusal(row["why_code"], row["why"], row["why_remedy"], json.loads(row["why_facts"]))


def harvested(
    summaries: pd.DataFrame, as_of: date, sums: pd.DataFrame, verdict: Verdict
) -> dict[tuple[str, str | None], tuple[float, float]]:
    """Threshed [ha] and its share [1] by crop and district, as offices told it of whole districts by the day.

    What single farms report is not summed here: from one day to the next it would tell of one farm. The region is told
    where no district that may not be shown has begun.
    """
    told = sums[sums["scope"] == "district"].pivot_table(index=["crop", "subject"], columns="quantity", values="value")
    if summaries.empty or told.empty:
        return {}
    area = told["production_t"] / told["yield_t_ha"]
    day = pd.to_datetime(summaries["day"])
    own = (summaries["season"] == as_of.year) & (day <= pd.Timestamp(as_of)) & summaries["farm_id"].isna()
    rows = summaries[own & summaries["threshed_ha"].gt(0)].assign(day=day).sort_values("day")
    rows = rows.drop_duplicates(["crop", "district"], keep="last").set_index(["crop", "district"])
    to_do = rows["planned_ha"].fillna(area.reindex(rows.index)).clip(lower=rows["threshed_ha"])
    made: dict[tuple[str, str | None], tuple[float, float]] = {}
    for crop, mine in rows["threshed_ha"].groupby(level="crop"):
        open_ = [cell for cell in mine.index if cell in verdict and verdict[cell] is None]
        made |= {cell: (float(mine[cell]), float(mine[cell] / to_do[cell])) for cell in open_ if to_do[cell] > 0}
        if len(open_) == len(mine):
            everywhere = area[[one for one in area.index if one[0] == crop]]
            whole = float(to_do.combine_first(everywhere).reindex(everywhere.index.union(mine.index)).sum())
            made[str(crop), None] = float(mine.sum()), float(mine.sum()) / whole
    return made


def past_yields(index: Index, season: Season) -> dict[tuple[str, str | None], dict[int, float]]:
    """Yields of the three seasons before [t/ha], of districts and the region, as statistics told them by the day."""
    statistics = history.records(index.store, "statistics")
    if statistics.empty:
        return {}
    years = statistics["season"].between(season.as_of.year - 3, season.as_of.year - 1)
    known = pd.to_datetime(statistics["known_on"]) <= pd.Timestamp(season.as_of)
    rows = statistics[years & known].dropna(subset=["area_ha", "barn_t_ha"]).sort_values("known_on")
    rows = rows.drop_duplicates(["district", "crop", "category", "season"], keep="last")
    rows = rows.assign(tonnes=rows["area_ha"] * rows["barn_t_ha"])
    told: dict[tuple[str, str | None], dict[int, float]] = {}
    for keys in (["crop", "season", "district"], ["crop", "season"]):
        sums = rows.groupby(keys)[["tonnes", "area_ha"]].sum()
        mean = (sums["tonnes"] / sums["area_ha"].where(sums["area_ha"] > 0)).dropna()
        for (crop, year, *where), value in mean.items():
            told.setdefault((str(crop), str(where[0]) if where else None), {})[int(year)] = float(value)
    return told


def told_districts(
    land: Land, season: Season, indicator: Mapping[str, Any] | None, verdict: Verdict, index: Index, language: str
) -> tuple[District, ...]:
    """Each district: where its fields lie, what was seen of them, how green they are, what it adds to output."""
    columns = ["field_id", "farm_id", "district", "area_ha"]
    outlines = gpd.GeoDataFrame(land.outlines[columns], geometry=land.on_grid.to_numpy(), crs=land.crs)
    looks, names, places = _looks(index), districts(language), facts(CONFIGS / "districts.toml")
    parts = {row["district"]: row for row in indicator["parts"]} if indicator else {}
    made = []
    for name, own in outlines.dropna(subset=["district"]).groupby("district"):
        code, why = str(name), verdict.get((None, name))
        seen, greener = _progress(looks, own, season.as_of)
        about = places.get(code)
        oktmo = ", ".join(about.get("oktmo", ())) if isinstance(about, dict) else ""
        made.append(
            District(
                code,
                names.get(code, code),
                f"({say('OKTMO', language)} {oktmo})" if oktmo else "",
                own.union_all().convex_hull.buffer(_ROUND_M),
                None if why else len(own),
                seen,
                None if why else greener,
                None if why else parts.get(code),
                why,
                isinstance(about, dict) and bool(about.get("priority")),
            )
        )
    return tuple(made)


def _looks(index: Index) -> pd.DataFrame:
    """Every field's NDVI of the looks that show enough of it."""
    try:
        looks = history.fieldstats(index.store)
    except BadInput:  # nothing seen from above yet
        return pd.DataFrame({"field_id": [], "acquired_at": pd.to_datetime([], utc=True), "p50": []})
    return looks[(looks["layer"] == "ndvi") & (looks["clear_fraction"] >= _ENOUGH_CLEAR)]


def _progress(looks: pd.DataFrame, own: pd.DataFrame, as_of: date) -> tuple[float, float | None]:
    """Share of the area that was seen lately, and how green it is against the same days of other seasons, less 1."""
    rows = looks[looks["field_id"].isin(own["field_id"])]
    day = pd.to_datetime(rows["acquired_at"]).dt.tz_convert(None)
    end, area = pd.Timestamp(as_of) + pd.Timedelta(days=1), own.set_index("field_id")["area_ha"]
    lately = rows[(day < end) & (day >= end - pd.Timedelta(days=_SEEN_DAYS))]["field_id"].unique()
    green: dict[int, float] = {}
    for year in sorted({int(one) for one in day.dt.year.unique()} & set(range(as_of.year + 1))):
        last = end - pd.DateOffset(years=as_of.year - year)
        mean = rows[(day < last) & (day >= last - pd.Timedelta(days=_WINDOW_DAYS))].groupby("field_id")["p50"].mean()
        if len(mean):
            green[year] = float(np.average(mean, weights=area.reindex(mean.index)))
    now = green.pop(as_of.year, None)
    greener = None if now is None or not green else now / float(np.mean(list(green.values()))) - 1
    return float(area.reindex(lately).sum() / area.sum()), greener


def changes(
    rows: Sequence[Row],
    now: Published,
    last: Published | None,
    names: Mapping[str, str],
    index: Index,
    language: str,
) -> list[str]:
    """What changed since the week before, largest first, and what of what is known changed."""
    if last is None:
        return [say("no earlier forecast of this season is kept to compare with", language)]
    first, day = last.properties["agro:as_of"], now.properties["agro:as_of"]
    looks = [one for one in index.items("fieldstats") if first < one.properties["datetime"][:10] <= day]
    models = set(now.properties["agro:models"]) - set(last.properties["agro:models"])
    since = ".".join(reversed(first.split("-"))) if language == "ru" else first
    lines = [say("since {day}: {n} new looks from above; models fitted anew for this day of the season: {m}", language, day=since, n=len(looks), m=len(models))]  # fmt: skip  # noqa: E501
    moved = sorted((row for row in rows if row.change is not None), key=lambda row: -abs(row.change or 0.0))
    for row in moved[:_MOST_CHANGES]:
        where = say("The region", language) if row.district is None else names.get(row.district, row.district)
        change = signed((row.change or 0.0) * (T_HA_TO_DT_HA if language == "ru" else 1.0), language)
        lines.append(f"{names.get(row.crop, row.crop)}, {where}: {change} {yield_unit(language)}")
    return lines
