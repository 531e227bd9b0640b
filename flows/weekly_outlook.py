"""What the fields will yield, as of a day: after each pass that changed something, and every week."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
from prefect import flow

from agro.domain.errors import AgroError, BadInput, Refusal
from agro.domain.outlook import Forecast, Misses
from agro.store.index import Index, opened
from agro.store.publish import Published, Store, digest, read_asset
from agro.store.tables import from_parquet
from flows.boards import lay
from flows.district_yields import districts_and_region
from flows.forecast_tables import as_table, from_table
from flows.harvest_records import records_kept
from flows.keeping import Result, keep
from flows.output_outlook import Output, newest_outlook, output_of
from flows.plan import Land
from flows.settings import Settings, load
from flows.yield_models import Season, fitted_model, season_known
from models.yield_ladder import PLAIN, tell_rung
from models.yields import predict

ALGORITHM = 1  # raise it when the same model and features give another forecast


@dataclass(frozen=True)
class Outlook:
    """The forecasts of one day: of fields, then of districts and the region; what could not be told; where it lies."""

    as_of: date
    fields: tuple[Forecast, ...]
    districts: tuple[Forecast, ...]
    failed: tuple[Refusal, ...]
    place: str
    simulated: bool
    district_of: Mapping[str, str] = field(default_factory=dict)
    output: Output | None = None


@flow(name="weekly-outlook")
def weekly_outlook(config: str = "default", overrides: Sequence[str] = ()) -> Outlook:
    """Foresee the yields of every field and district. config and overrides as for `after_pass`."""
    return outlook(load(config, overrides))


def outlook(settings: Settings, as_of: date | None = None, district: str | None = None) -> Outlook:
    """The same without Prefect, as of a day; without one, of the last day that is known of the season.

    `district` is refused before anything is made where no outline lies in it.
    """
    with records_kept(settings) as (land, records, index, refused):
        _known_district(land, district)
        as_of = as_of or last_known(index, land, datetime.now(UTC).date())
        season = season_known(settings, land, records, index, as_of)
        result, failed, missed = _forecasts(season, index)
        told, summed = (from_parquet(read_asset(index.store, result, name)) for name in ("fields", "districts"))
        output = output_of(settings, season, land, result, missed, index)
        if output is not None and settings.output.board is not None:
            lay(output.board, settings.output.board, index)
    where = told.dropna(subset=["district"]).set_index("subject")["district"].to_dict()
    failures = (*refused, *failed)
    return Outlook(
        season.as_of,
        tuple(from_table(told)),
        tuple(from_table(summed)),
        failures,
        result.place,
        season.simulated,
        where,
        output,
    )


def newest_or_made(
    settings: Settings, as_of: date | None, fresh: bool
) -> tuple[Mapping[str, Any] | None, list[Refusal]]:
    """The newest indicator of the store; made where there is none, or where `fresh` passes may have changed it."""
    if as_of is None and not fresh:
        with opened(Store(settings.store.path)) as index:
            standing = newest_outlook(index)
        if standing is not None:
            return standing, []
    try:
        done = outlook(settings, as_of)
    except AgroError as error:
        return None, [error.refusal]
    told = done.output
    return (told.indicator, [*done.failed, *told.failed]) if told else (None, list(done.failed))


def _known_district(land: Land, district: str | None) -> None:
    known = {str(one) for one in land.outlines["district"].dropna()}
    if district is not None and district not in known:
        raise BadInput(
            "FORECAST-DISTRICT",
            "no field on record lies in a district {met}",
            "districts are {expected}",
            met=district,
            expected=", ".join(sorted(known)) or "–",
        )


def of_district(done: Outlook, district: str | None) -> list[Forecast]:
    """The sums of all districts; or of one district with each of its fields."""
    if district is None:
        return list(done.districts)
    own = [one for one in done.districts if one.scope == "district" and one.subject == district]
    return [*own, *(one for one in done.fields if done.district_of.get(one.subject) == district)]


def last_known(index: Index, land: Land, today: date) -> date:
    """Today; where nothing is known of this year, the day of the newest look, else the end of the newest season."""
    looks = [result.properties["datetime"][:10] for result in index.items("fieldstats")]
    newest = date.fromisoformat(max(looks)) if looks else None
    seasons = [int(one) for one in land.seasons["season"].unique()] if len(land.seasons) else []
    if today.year in seasons or (newest and newest.year == today.year):
        return today
    return min(today, newest or date(max(seasons, default=today.year), 12, 31))


def _forecasts(season: Season, index: Index) -> tuple[Published, list[Refusal], dict[str, Misses | None]]:
    """Every crop that is harvested, by its own model; the item that holds them all; what each crop's model missed."""
    now = season.table[season.table["season"] == season.as_of.year]
    fields: list[Forecast] = []
    districts: list[Forecast] = []
    failed: list[Refusal] = []
    models: list[str] = []
    plain: list[dict[str, Any]] = []
    missed: dict[str, Misses | None] = {}
    for crop in sorted(set(now["crop"]) - set(season.rules["never_harvested"])):
        try:
            model, name = fitted_model(season, crop, index)
            asked = season.asked(crop)
            own = predict(model, asked, season.as_of, season.day, name)
            sums = districts_and_region(season, model, name, asked, own, index)
        except AgroError as error:
            failed.append(error.refusal)
            continue
        plain += [{rung: tell_rung(rung, {}, model.past, asked) for rung in PLAIN}]
        models.append(name)
        missed[crop] = model.missed
        fields += own
        districts += sums
    told, summed = as_table(fields), as_table(districts)
    where = now.set_index("unit_id")[["farm_id", "district", "area_ha"]]
    told = told.join(where.reindex(told["subject"]).reset_index(drop=True))
    for rung in PLAIN:  # beside each forecast, so that its skill can be told when the harvest is in
        told[f"{rung}_t_ha"] = np.concatenate([one[rung] for one in plain]) if plain else []
    key = digest([season.as_of.isoformat(), models, _plain(told), _plain(summed), ALGORITHM])
    place = f"forecasts/{season.as_of:%Y%m%d}--{key}"
    properties: dict[str, Any] = {
        "datetime": f"{season.as_of:%Y-%m-%d}T23:59:59Z",
        "agro:as_of": season.as_of.isoformat(),
        "agro:season": season.as_of.year,
        "agro:models": models,
        "agro:parents": [*season.parents, *(f"models/{name}" for name in models)],
        "agro:answered": round(float(told["answered"].mean()), 4) if len(told) else 0.0,
        "agro:simulated": season.simulated,
    }
    standing = index.at(place)
    if standing is None:
        standing = keep(index.store, index, place, Result(properties, None, tables={"fields": told, "districts": summed}))  # fmt: skip  # noqa: E501
    return standing, failed, missed


def _plain(table: pd.DataFrame) -> list[list[str]]:
    return [[str(cell) for cell in row] for row in table.itertuples(index=False)]
