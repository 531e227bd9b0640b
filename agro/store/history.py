"""What the store knows of all passes: the field table as a whole, the outlines, the maps of one pass."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from geopandas import GeoDataFrame

from agro.domain.errors import BadInput
from agro.store.index import opened
from agro.store.publish import Published, Store, read_asset, torn
from agro.store.tables import from_parquet

_ROW = ["field_id", "acquired_at", "acquisition_id", "layer"]


def fieldstats(store: Store, as_of: str | None = None) -> pd.DataFrame:
    """One row for each field, current acquisition and layer, sorted.

    Of several tables of one pass the newest holds. Of several products of one look the current one for a field is that
    of the newest processing baseline, then the one that shows it whole, or most of it: no order of arrival changes it.
    `as_of` (ISO, UTC): only what was published by then.
    """
    with opened(store) as index:
        results = index.items("fieldstats", as_of)
        tables = [from_parquet(read_asset(store, one, "fields")).assign(place=one.place) for one in results]
    if not tables:
        raise BadInput(
            "STORE-EMPTY", "{where}: nothing is published yet", "run `agro run` first", where=str(store.root)
        )
    return current(pd.concat(tables, ignore_index=True), results).drop(columns="place")


def current(rows: pd.DataFrame, results: Sequence[Published]) -> pd.DataFrame:
    """Of field rows with their `place`, those that hold (see `fieldstats`); `results`: their tables, oldest first."""
    about = {one.place: _about(one, number) for number, one in enumerate(results)}
    rows = rows.assign(
        unseen=rows["flag"].str.contains("partly_unseen"),
        **{name: rows["place"].map({place: told[name] for place, told in about.items()}) for name in _ABOUT},
    )
    newest = rows.groupby(["acquisition_id", "field_id"])["table"].transform("max")
    rows = rows[rows["table"] == newest]
    products = rows.groupby(["look", "field_id", "acquisition_id"], as_index=False).agg(
        baseline=("baseline", "first"), unseen=("unseen", "any"), px=("n_px", "max")
    )
    products["px"] = products["px"].where(products["unseen"], 0)
    products = products.sort_values(["baseline", "unseen", "px", "acquisition_id"], ascending=[True, False, True, True])
    held = products.drop_duplicates(["look", "field_id"], keep="last")[["look", "field_id", "acquisition_id"]]
    rows = rows.merge(held, on=["look", "field_id", "acquisition_id"])
    return rows.drop(columns=[*_ABOUT, "unseen"]).sort_values(_ROW, ignore_index=True)


_ABOUT = ("look", "baseline", "table")


def _about(result: Published, number: int) -> dict[str, Any]:
    """The look and the product that the rows of a table are of."""
    p = result.properties
    major, _, minor = str(p["agro:processing_baseline"] or "0").partition(".")
    return {"look": p["agro:look"], "baseline": f"{major.zfill(4)}.{minor.zfill(4)}", "table": number}


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


def field(store: Store, field_id: str) -> pd.Series:
    """The newest outline row of one field, named by its id. Raises BadInput where there is none."""
    known = outlines(store).set_index("field_id")
    if field_id not in known.index:
        raise BadInput(
            "SHOW-FIELD",
            "there is no field {met} in the store",
            "fields are for instance {expected}",
            met=field_id,
            expected=", ".join(known.index[:5]),
        )
    row: pd.Series = known.loc[field_id]
    return row


def seasons(store: Store, as_of: str | None = None) -> pd.DataFrame:
    """What grew where, the newest row of each field and season; empty where nobody said it."""
    with opened(store) as index:
        tables = [from_parquet(read_asset(store, result, "seasons")) for result in index.items("season_fields", as_of)]
    if not tables:
        return pd.DataFrame({"field_id": [], "season": [], "crop": []})
    return pd.concat(tables, ignore_index=True).drop_duplicates(["field_id", "season"], keep="last")


def yields(store: Store, asset: str, as_of: str | None = None) -> pd.DataFrame:
    """`fields` or `points` of the newest yield map of each season and district; empty where there is none."""
    with opened(store) as index:
        newest = {
            (result.properties["agro:season"], result.properties["agro:district"]): result
            for result in index.items("yield_maps", as_of)
        }
        tables = [from_parquet(read_asset(store, newest[key], asset)) for key in sorted(newest)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def parts_of(store: Store, acquisition_id: str, as_of: str | None = None) -> list[Published]:
    """The parts of one acquisition's map that its current table was counted from."""
    return all_parts(store, as_of)(acquisition_id)


def all_parts(store: Store, as_of: str | None = None) -> Callable[[str], list[Published]]:
    """What gives the parts of any acquisition, by one look at the index; it raises TornFile where one is gone."""
    with opened(store) as index:
        parts = {part.place: part for part in index.items("passes", as_of)}
        tables = {r.properties["agro:acquisition_id"]: r for r in index.items("fieldstats", as_of)}

    def parts_of_one(acquisition_id: str) -> list[Published]:
        parents = tables[acquisition_id].properties["agro:parents"]
        gone = [place for place in parents if place not in parts]
        if gone:
            raise torn(gone[0], "the folder is gone")
        return [parts[place] for place in parents]

    return parts_of_one


def records(store: Store, kind: str, as_of: str | None = None) -> pd.DataFrame:
    """The newest table of `harvest`, `statistics` or `harvest_summaries`; empty where there is none.

    Harvests of several sets of fields stand together, each by its newest table; of one field, season and crop the
    newest row holds. `as_of` (ISO, UTC): only what was published by then.
    """
    with opened(store) as index:
        newest = {result.properties["agro:field_ids"]: result for result in index.items(kind, as_of)}
        results = sorted(newest.values(), key=lambda result: result.created)
        tables = [from_parquet(read_asset(store, result, kind)) for result in results]
    if not tables:
        return pd.DataFrame()
    rows = pd.concat(tables, ignore_index=True)
    return rows.drop_duplicates(["field_id", "season", "crop"], keep="last") if kind == "harvest" else rows


def weather(store: Store, as_of: str | None = None) -> pd.DataFrame:
    """Daily weather that services told, a row a place and day; empty where none did.

    Of several versions of a day the newest holds. `as_of` (ISO, UTC): the newest that was published by then; of days
    that were first asked for later their first version, for the service had them and nobody knew of a correction.
    """
    with opened(store) as index:
        tables = [
            from_parquet(read_asset(store, result, "weather")).assign(late=as_of is not None and result.created > as_of)
            for result in index.items("weather")
        ]
    if not tables:
        return pd.DataFrame()
    rows = pd.concat(tables, ignore_index=True)
    by_then, later = (rows[rows["late"] == late].drop(columns="late") for late in (False, True))
    first = later.drop_duplicates(["place", "day"], keep="first")
    known = pd.concat([by_then.drop_duplicates(["place", "day"], keep="last"), first], ignore_index=True)
    return known.drop_duplicates(["place", "day"], keep="first").sort_values(["place", "day"], ignore_index=True)
