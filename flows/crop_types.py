"""What grows where nobody said it: a model of the declared fields, asked of the others and of parcels beyond them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd

from agro.domain.errors import BadInput, Refusal
from agro.region.crops import crop_areas
from agro.store import fitted, history
from agro.store import stac as items
from agro.store.index import Index
from agro.store.publish import Published, digest, publish, read_asset
from agro.store.tables import from_parquet, to_parquet
from flows.harvest_records import records_kept
from flows.keeping import Result, keep
from flows.land import judged
from flows.land_looks import known_by, land_looks
from flows.parcels import layer_named, parcel_stats, read_parcels
from flows.plan import Land, crops_of
from flows.settings import CONFIGS, Settings, facts
from models.crop_features import crop_features, feature_names
from models.crop_file import as_content, model_of
from models.crop_types import OTHER, VERSION, CropModel, CropRules, fit, merged, predict
from models.judge import ground_blocks

ALGORITHM = 1  # raise it when the same model and looks tell another crop
_PLACE_M = 10_000.0  # [m] a square of ground that stands for a farm where none is named. assumption
_PLOUGHED = ("cropland", "no_till")  # kinds of parcels that are asked for a crop
_BELOW = 0.5  # [1] of a parcel below a field on record: it is that field


@dataclass(frozen=True)
class CropsTold:
    """What is said of a season.

    fields    a row a field or parcel without a declared crop: unit_id, district, area_ha, crop, probability, why
    areas     hectares a district and crop, of these
    doubted   declared fields that look surely otherwise: unit_id, observed, told, probability
    model     the model that spoke, and its name
    """

    season: int
    fields: pd.DataFrame
    areas: pd.DataFrame
    doubted: pd.DataFrame
    model: CropModel
    name: str
    failed: tuple[Refusal, ...]
    place: str
    simulated: bool

    @property
    def tried(self) -> tuple[int, float, float, str]:
        """On declared fields of farms the model did not know: how many, share answered, right of these; the rung."""
        own = self.model.left_out
        answered = own[own["told"].notna()]
        right = float((answered["told"] == answered["observed"]).mean()) if len(answered) else 0.0
        return len(own), len(answered) / len(own), right, self.model.chosen


def crop_types(settings: Settings, season: int | None, given: Path | None, as_of: date | None = None) -> CropsTold:
    """Fit a model to the declared crops up to a season (the last seen by default) and ask it of what is undeclared.

    as_of   the last day whose looks are known; None: all
    """
    rules = facts(CONFIGS / "crop_types.toml")
    with records_kept(settings) as (land, _, index, refused):
        looks = land_looks(known_by(history.fieldstats(index.store), as_of), rules["enough_clear"], no_falls=True)
        looks = looks[looks["field_id"].isin(land.outlines["field_id"])]
        season = season or int(looks["season"].max() if len(looks) else 0)
        if not (looks["season"] == season).any():
            raise BadInput(
                "CROP-NO-SEASON",
                "no clear look at any field in {met}",
                "seasons with looks are {expected}",
                met=season,
                expected=", ".join(map(str, sorted(set(looks["season"])))) or "-",
            )
        table = _table(land, looks[looks["season"] <= season], rules)
        beyond, more = _beyond(settings, land, index, given, (season, as_of), rules)
        model, name = _model(table[table["crop"].notna()].reset_index(drop=True), season, settings, rules, index)
        asked = pd.concat([table[(table["season"] == season) & table["crop"].isna()], beyond], ignore_index=True)
        fields = _told(model, asked)
        areas = crop_areas(fields.assign(district=fields["district"].fillna("-")), model.left_out)
        result = _kept(fields, areas, season, name, settings, index)
    return CropsTold(
        season,
        fields,
        areas,
        _doubted(model, season),
        model,
        name,
        (*refused, *more),
        result.place,
        settings.imagery.source == "twin",
    )


def _table(land: Land, looks: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """A row a field and season: features, farm, district, area, and the class of the declared crop (None: none)."""
    features = _features(looks, rules)
    about = pd.DataFrame(land.outlines[["field_id", "farm_id", "district", "area_ha"]])
    middle = land.on_grid.representative_point()
    square = ground_blocks(middle.x.to_numpy(), middle.y.to_numpy(), _PLACE_M).astype(str)
    about["group"] = about["farm_id"].where(about["farm_id"].notna(), "place " + pd.Series(square, about.index))
    rows = features.merge(about, on="field_id")
    last = int(rows["season"].max()) if len(rows) else 0
    grown: dict[tuple[str, int], str] = {}
    for season in sorted(set(rows["season"])):
        outlines = land.outlines if season == last else land.outlines.assign(crop=None)  # an outline's crop is today's
        grown |= {(field_id, season): crop for field_id, crop in crops_of(outlines, land.seasons, season).items()}
    crop = pd.Series([grown.get(key) for key in zip(rows["field_id"], rows["season"], strict=True)], rows.index)
    told = merged(crop.dropna(), rules["classes"]).reindex(rows.index)
    return rows.assign(crop=told.astype("object").where(told.notna(), None)).rename(columns={"field_id": "unit_id"})


def _features(looks: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    period = rules["first_day"], rules["last_day"]
    return crop_features(looks, period, rules["step_days"], rules["longest_gap_days"])


def _beyond(
    settings: Settings,
    land: Land,
    index: Index,
    given: Path | None,
    when: tuple[int, date | None],
    rules: Mapping[str, Any],
) -> tuple[pd.DataFrame, tuple[Refusal, ...]]:
    """The parcels under crops beyond the fields on record, where a layer of parcels is there.

    when   the season, and the last day that is known
    """
    season, as_of = when
    if not layer_named(settings, given):
        return pd.DataFrame(), ()
    parcels = read_parcels(settings, land, given)
    fields = land.on_grid.union_all()
    below = parcels.on_grid.intersection(fields).area / parcels.on_grid.area
    kinds = from_parquet(read_asset(index.store, judged(settings, parcels, land, index, as_of), "parcels"))
    ploughed = set(kinds.loc[kinds["kind"].isin(_PLOUGHED), "parcel_id"])
    own = parcels.outlines[(below < _BELOW).to_numpy() & parcels.outlines["parcel_id"].isin(ploughed)]
    own = own.rename(columns={"parcel_id": "field_id"})
    rows = known_by(parcel_stats(settings, parcels, index), as_of)
    looks = land_looks(rows, rules["enough_clear"], no_falls=True)
    features = _features(looks[looks["field_id"].isin(own["field_id"]) & (looks["season"] == season)], rules)
    if features.empty:
        return pd.DataFrame(), parcels.refused
    rows = features.merge(pd.DataFrame(own[["field_id", "district", "area_ha"]]), on="field_id")
    return rows.rename(columns={"field_id": "unit_id"}), parcels.refused


def _told(model: CropModel, asked: pd.DataFrame) -> pd.DataFrame:
    columns = ["unit_id", "district", "area_ha", "crop", "likely", "probability", "why_code", "why"]
    if asked.empty:
        return pd.DataFrame(columns=columns)
    told = predict(model, asked)
    why = told["why"].map(lambda one: one.reason if one else None)
    code = told["why"].map(lambda one: one.code if one else None)
    return asked[["unit_id", "district", "area_ha"]].join(told.assign(why_code=code, why=why))[columns]


def _doubted(model: CropModel, season: int) -> pd.DataFrame:
    """Fields of the season whose declared crop a model that does not know their farm surely tells otherwise."""
    own = model.left_out[model.left_out["season"] == season]
    own = own[own["told"].notna() & (own["told"] != own["observed"]) & (own["observed"] != OTHER)]
    told = own[["unit_id", "observed", "told"]].assign(probability=own[f"{model.chosen}_p"])
    return told.sort_values("probability", ascending=False, ignore_index=True)


def _model(
    table: pd.DataFrame, season: int, settings: Settings, rules: Mapping[str, Any], index: Index
) -> tuple[CropModel, str]:
    """The model of the declared fields; fitted and kept where it is not there yet."""
    if table.empty:
        raise BadInput(
            "CROP-NOTHING-DECLARED",
            "no field with a declared crop was seen, so no crop can be told from another",
            "declare crops in the table that fields.seasons names",
        )
    names, made_with = feature_names(table), fitted.versions(VERSION)
    key = digest([sha256(to_parquet(table)).hexdigest(), names, rules, made_with])
    name = f"crop-types/{key}"
    standing = index.at(f"models/{name}")
    if standing is not None:
        return model_of(fitted.read_model(index.store, standing, VERSION)), name
    model = fit(table, names, CropRules(**rules["rules"]))
    properties = {
        "datetime": f"{season}-12-31T00:00:00Z",
        "agro:kind": "models",
        "agro:seasons": sorted({int(one) for one in table["season"]}),
        "agro:chosen": model.chosen,
        "agro:classes": list(model.classes),
        "agro:made_with": dict(made_with),
        "agro:simulated": settings.imagery.source == "twin",
    }
    content = {fitted.MODEL: fitted.to_skops(as_content(model)), "left_out": to_parquet(model.left_out)}
    assets = {
        fitted.MODEL: fitted.asset("fitted classifier of crops"),
        "left_out": items.table_asset("left_out.parquet", "what was said of farms left out"),
    }
    index.add(publish(index.store, f"models/{name}", content, items.item(key, None, properties, assets)))
    return model, name


def _kept(
    fields: pd.DataFrame, areas: pd.DataFrame, season: int, name: str, settings: Settings, index: Index
) -> Published:
    rows = [[str(cell) for cell in row] for row in fields.itertuples(index=False)]
    place = f"crop_types/{season}--{digest([rows, name, ALGORITHM])}"
    properties = {
        "datetime": f"{season}-12-31T00:00:00Z",
        "agro:season": season,
        "agro:parents": [f"models/{name}"],
        "agro:answered": round(float(fields["crop"].notna().mean()), 4) if len(fields) else 0.0,
        "agro:simulated": settings.imagery.source == "twin",
    }
    standing = index.at(place)
    if standing is not None:
        return standing
    return keep(index.store, index, place, Result(properties, None, tables={"fields": fields, "areas": areas}))
