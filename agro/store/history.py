"""What the store knows of all passes: the field table as a whole, the outlines, the maps of one pass."""

import pandas as pd
from geopandas import GeoDataFrame

from agro.domain.errors import BadInput
from agro.store.index import opened
from agro.store.publish import Published, Store, read_asset
from agro.store.tables import from_parquet

_KEY = ["field_id", "acquired_at", "acquisition_id", "layer"]


def fieldstats(store: Store, as_of: str | None = None) -> pd.DataFrame:
    """One row for each field, current acquisition and layer, sorted.

    Of several products of one look, the newest processing baseline is current for the fields that it shows, whatever
    came first; of several tables of one pass, the newest. `as_of` (ISO, UTC): only what was published by then.
    """
    with opened(store) as index:
        tables = [_with_look(store, result) for result in index.items("fieldstats", as_of)]
    if not tables:
        raise BadInput(
            "STORE-EMPTY", "{where}: nothing is published yet", "run `agro run` first", where=str(store.root)
        )
    rows: pd.DataFrame = pd.concat(tables, ignore_index=True).drop_duplicates(_KEY, keep="last")
    ranks = rows[["look", "field_id", "rank"]].groupby(["look", "field_id"])["rank"].transform("max")
    rows = rows[rows["rank"] == ranks].drop(columns=["look", "rank"])
    return rows.sort_values(_KEY, ignore_index=True)


def _with_look(store: Store, result: Published) -> pd.DataFrame:
    """The rows of one table, with the look that they are of and the rank of its product: baseline, then id."""
    rows: pd.DataFrame = from_parquet(read_asset(store, result, "fields"))
    p = result.properties
    major, _, minor = str(p["agro:processing_baseline"] or "0").partition(".")
    rank = f"{major.zfill(4)}.{minor.zfill(4)} {p['agro:acquisition_id']}"
    return rows.assign(look=p["agro:look"], rank=rank)


def outlines(store: Store, as_of: str | None = None) -> GeoDataFrame:
    """All outlines ever published, the newest of each field."""
    with opened(store) as index:
        tables = [
            from_parquet(read_asset(store, result, "fields"), outlines=True)
            for result in index.items("outlines", as_of)
        ]
    if not tables:
        raise BadInput(
            "STORE-EMPTY", "{where}: nothing is published yet", "run `agro run` first", where=str(store.root)
        )
    rows = pd.concat(tables, ignore_index=True).drop_duplicates("field_id", keep="last")
    return GeoDataFrame(rows.sort_values("field_id", ignore_index=True), crs=4326)


def seasons(store: Store, as_of: str | None = None) -> pd.DataFrame:
    """What grew where, the newest row of each field and season; empty where nobody said it."""
    with opened(store) as index:
        tables = [from_parquet(read_asset(store, result, "seasons")) for result in index.items("season_fields", as_of)]
    if not tables:
        return pd.DataFrame({"field_id": [], "season": [], "crop": []})
    return pd.concat(tables, ignore_index=True).drop_duplicates(["field_id", "season"], keep="last")


def parts_of(store: Store, acquisition_id: str, as_of: str | None = None) -> list[Published]:
    """The current parts of one acquisition's map: those of its newest inputs, oldest first."""
    with opened(store) as index:
        parts = [r for r in index.items("passes", as_of) if r.properties["agro:acquisition_id"] == acquisition_id]
    return [part for part in parts if part.properties["agro:inputs"] == parts[-1].properties["agro:inputs"]]
