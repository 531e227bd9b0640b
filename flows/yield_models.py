"""Yield models of every crop: fitted to what was known on a day, kept whole, read back checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

import pandas as pd

from agro.domain.errors import BadInput
from agro.domain.land import SEASON_COLUMNS
from agro.store import fitted, history
from agro.store import stac as items
from agro.store.index import Index
from agro.store.publish import Published, digest, publish, read_asset
from agro.store.tables import from_parquet, to_parquet
from flows.plan import Land
from flows.settings import CONFIGS, Settings, crop_codes, facts
from flows.simulated import Records
from flows.weather_records import weather_of
from flows.yield_card import card_of, scores_of
from flows.yield_tables import Books, as_known
from models.yield_features import feature_blocks
from models.yield_file import as_content, model_of
from models.yield_ladder import PLAIN, LadderRules
from models.yields import VERSION, YieldModel, fit

ALGORITHM = 1  # raise it when the same books give another table
_GROUND = ("height", "slope", "twi", "humus_pct", "ph_kcl", "p2o5_mg_kg", "k2o_mg_kg")
NAME = "yields"


@dataclass(frozen=True)
class Season:
    """What is known of all fields and seasons on a day.

    table     a row a field and season with its features, see `flows.yield_tables.as_known`
    day       month-day to which the features of every season are known
    rules     configs/yields.toml
    parents   places of what it was made from
    """

    table: pd.DataFrame
    day: str
    as_of: date
    rules: Mapping[str, Any]
    parents: tuple[str, ...]
    simulated: bool

    def past(self, crop: str) -> pd.DataFrame:
        """The harvests of a crop in the seasons before."""
        rows = self.table[(self.table["crop"] == crop) & (self.table["season"] < self.as_of.year)]
        return rows[rows["yield_t_ha"].notna()].reset_index(drop=True)

    def kin(self, crop: str) -> pd.DataFrame:
        """The harvests of other crops of its kind."""
        kind: list[str] = next((kind for kind in self.rules["kinds"] if crop in kind), [])
        parts = [self.past(other) for other in sorted(set(kind) - {crop})]
        return pd.concat(parts, ignore_index=True) if parts else self.table[:0]

    def asked(self, crop: str) -> pd.DataFrame:
        """The fields that grow a crop in the season."""
        rows = self.table[(self.table["crop"] == crop) & (self.table["season"] == self.as_of.year)]
        return rows.reset_index(drop=True)


def season_known(
    settings: Settings, land: Land, records: Records, index: Index, as_of: date, any_season: bool = False
) -> Season:
    """Everything that was known of fields and seasons on a day, as the models are fed with it.

    any_season   also where nothing is known yet of what grows in the day's season
    """
    rules = facts(CONFIGS / "yields.toml")
    first = date.fromisoformat(f"{as_of.year}-{rules['ladder']['first_day']}")
    if as_of < first:
        raise BadInput(
            "FORECAST-EARLY",
            "{met} is too early: the season's first forecast is of {expected}",
            "ask for a later day",
            met=as_of.isoformat(),
            expected=first.isoformat(),
        )
    last = date.fromisoformat(f"{as_of.year}-{rules['ladder']['last_day']}")
    day = min(as_of, last)
    books, parents = books_of(settings, land, records, index, as_of)
    if books.seasons.empty or not (any_season or (books.seasons["season"] == as_of.year).any()):
        raise BadInput(
            "FORECAST-NO-SEASON",
            "what grows in {met} is not known, so nothing can be foreseen",
            "add the season to the table that fields.seasons names, or choose another day with --as-of",
            met=as_of.year,
        )
    table = as_known(books, day, rules, facts(CONFIGS / "water.toml"))
    return Season(table, f"{day:%m-%d}", as_of, rules, parents, settings.imagery.source == "twin")


def books_of(
    settings: Settings, land: Land, records: Records, index: Index, as_of: date
) -> tuple[Books, tuple[str, ...]]:
    """The tables that stand in the store and beside it, and the places of what they were read from."""
    store = index.store
    try:
        looks = history.fieldstats(store)
    except BadInput:  # nothing seen from above yet: weather and soil may tell something all the same
        looks = pd.DataFrame(columns=["field_id", "acquired_at", "layer", "p50", "clear_fraction"])
        looks["acquired_at"] = pd.to_datetime(looks["acquired_at"], utc=True)
    weather, _ = weather_of(settings, records.weather, index, as_of)
    harvest = history.records(store, "harvest")
    if harvest.empty:
        harvest = pd.DataFrame(columns=["field_id", "season", "crop", "harvested_on", "barn_t_ha"])
    fields = pd.DataFrame(land.outlines[["field_id", "farm_id", "district", "area_ha"]])
    seasons = _grown(land, harvest[harvest["season"] < as_of.year], as_of.year)
    ground, places = known_ground(index, set(fields["field_id"]), as_of)
    places += [result.place for kind in ("harvest", "season_fields") for result in index.items(kind)]
    latitude = float(land.outlines.geometry.representative_point().y.mean())
    books = Books(fields.merge(ground, on="field_id", how="left"), seasons, looks, weather, harvest, latitude)
    return books, tuple(sorted(places))


def _grown(land: Land, harvest: pd.DataFrame, season: int) -> pd.DataFrame:
    """What grew where: the season table, then what the harvest says, then, for the season itself, the outlines."""
    declared = land.outlines.dropna(subset=["crop"])[["field_id", "crop"]]
    codes = crop_codes()
    tables = [
        land.seasons,
        harvest[["field_id", "season", "crop"]],
        declared.assign(season=season, crop=declared["crop"].map(lambda word: codes.get(word, word))),
    ]
    rows = pd.concat([pd.DataFrame(table) for table in tables if len(table)] or [pd.DataFrame()], ignore_index=True)
    if rows.empty:
        return rows
    rows = rows.drop_duplicates(["field_id", "season"], ignore_index=True).reindex(columns=list(SEASON_COLUMNS))
    rows["season"] = rows["season"].astype("int64")
    before = rows.assign(season=rows["season"] + 1).set_index(["field_id", "season"])["crop"]
    known = before.reindex(pd.MultiIndex.from_frame(rows[["field_id", "season"]])).to_numpy()
    rows["previous_crop"] = rows["previous_crop"].where(rows["previous_crop"].notna(), known)
    return rows[rows["season"] <= season].reset_index(drop=True)


def known_ground(index: Index, field_ids: set[str], as_of: date) -> tuple[pd.DataFrame, list[str]]:
    """Soil and relief of each field, as columns `ground_*`, by the newest table of each district that looks not ahead.

    Maps of soil follow the colour of bare ground, and so the looks that it was taken from.
    """
    late = {one.place for one in index.items("bare_soil") if _ends(one) > as_of}
    soil = [
        one for one in index.items("soil") if _ends(one) <= as_of and not late & set(one.properties["agro:parents"])
    ]
    parts, places = [], []
    for result in (*index.items("relief"), *soil):
        rows = from_parquet(read_asset(index.store, result, "fields"))
        if len(rows):
            parts.append(rows.loc[rows["layer"].isin(_GROUND), ["field_id", "layer", "mean"]])
            places.append(result.place)
    if not parts:
        return pd.DataFrame({"field_id": pd.Series(dtype="object")}), []
    whole = pd.concat(parts, ignore_index=True)
    whole = whole[whole["field_id"].isin(field_ids)].drop_duplicates(["field_id", "layer"], keep="last")
    wide = whole.pivot(index="field_id", columns="layer", values="mean").astype("float64")
    return wide.add_prefix("ground_").rename_axis(columns=None).reset_index(), places


def _ends(result: Published) -> date:
    return date.fromisoformat(result.properties["datetime"][:10])


def fitted_model(season: Season, crop: str, index: Index) -> tuple[YieldModel, str]:
    """The model of a crop for the season's day, and its name; fitted and kept where it is not there yet.

    The same harvests and features give the same key, so that nothing is fitted twice.
    """
    past, kin, made_with = season.past(crop), season.kin(crop), fitted.versions(VERSION)
    ladder = {name: season.rules["ladder"][name] for name in LadderRules.__dataclass_fields__}
    blocks = feature_blocks(past) if len(past) else {}
    content = [sha256(to_parquet(table)).hexdigest() for table in (past, kin)]
    key = digest([crop, season.day, content, {n: list(c) for n, c in blocks.items()}, ladder, made_with])
    name = f"{NAME}-{crop}/{key}"
    place = f"models/{name}"
    standing = index.at(place)
    if standing is not None:
        return model_of(fitted.read_model(index.store, standing, VERSION)), name
    model = fit(crop, season.day, past, blocks, LadderRules(**ladder), kin)
    index.add(_kept(model, season, place, made_with, index))
    return model, name


def _kept(model: YieldModel, season: Season, place: str, made_with: Mapping[str, str], index: Index) -> Published:
    properties = {
        "datetime": f"{season.as_of:%Y-%m-%d}T00:00:00Z",
        "agro:kind": "models",
        "agro:crop": model.crop,
        "agro:day": model.day,
        "agro:seasons": [int(one) for one in model.past.seasons],
        "agro:chosen": model.chosen,
        "agro:fallback": model.chosen in PLAIN,
        "agro:made_with": dict(made_with),
        "agro:parents": list(season.parents),
        "agro:simulated": season.simulated,
    }
    table = scores_of(model)
    content = {
        fitted.MODEL: fitted.to_skops(as_content(model)),
        "scores": to_parquet(table),
        "card": card_of(model, table, season.simulated).encode(),
    }
    assets = {
        fitted.MODEL: fitted.asset("fitted yield model"),
        "scores": items.table_asset("scores.parquet", "scores of seasons left out"),
        "card": {"href": "card.md", "type": "text/markdown", "title": "what the model is", "roles": ["metadata"]},
    }
    return publish(index.store, place, content, items.item(place.rsplit("/", 1)[-1], None, properties, assets))
