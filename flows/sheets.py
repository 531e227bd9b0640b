"""A field's page, and any map of a field, from what is published."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import Geometry

from agro.agromaps.fertility import classes_from, classes_of
from agro.domain.errors import AgroError, BadInput
from agro.domain.grid import Grid, around
from agro.domain.layers import LAYERS, RELIEF
from agro.domain.soil import DETERMINANDS
from agro.reports.field_sheet import Panel, Sheet, map_picture, sheet_picture
from agro.reports.styles import STYLES
from agro.reports.words import day, number, say
from agro.store import history
from agro.store.index import Index, opened
from agro.store.maps import windowed
from agro.store.publish import Published, Store, read_asset
from agro.store.tables import from_parquet
from flows.pictures import crop_name
from flows.settings import CONFIGS, facts
from flows.yield_panel import newest_with, yield_panel

_AROUND_M = 60  # [m] of ground shown around a field
_ENOUGH_CLEAR = 0.5  # [1] of the field: a look that shows less is passed over
_SOIL = {one.layer: name for name, one in DETERMINANDS.items() if one.layer}
_KIND = {
    **dict.fromkeys(RELIEF, "relief"),
    **dict.fromkeys(_SOIL, "soil"),
    **{name: "seasons" for name in LAYERS if name.startswith("season_")},
    **{"wetness": "moisture", "zone": "zones"},
    **dict.fromkeys(("yield_t_ha", "yield_se"), "yield_maps"),
}
OTHER_LAYERS = tuple(name for name in STYLES if name in _KIND)  # drawn here; those of a pass in flows.pictures


@dataclass(frozen=True)
class _Field:
    """One field of the store: its row, its outline [m] in the store's CRS, and the day to look from."""

    row: pd.Series
    outline: Geometry
    crs: str
    until: datetime | None
    language: str

    def grid(self, layer: str) -> Grid:
        """The pixels around it."""
        return around(self.crs, self.outline.bounds, LAYERS[layer].resolution_m, _AROUND_M)


def sheet(store: Store, field_id: str, until: date | None, language: str) -> bytes:
    """PNG of a field's page. Raises BadInput."""
    with opened(store) as index:
        field = _field(store, index, field_id, until, language)
        panels = (
            _vegetation(store, field),
            *(_panel(store, index, field, layer) for layer in ("wetness", "slope", "p2o5", "zone")),
        )
        water, note = _water(store, index, field)
        simulated = _simulated(index)
        crop = crop_name(store, field.row, _year(field, index), language)
    assumptions = [
        say("Classes of supply by the grouping before 2025; the order now in force was not at hand.", language),
        say("Water: soil constants and snow are assumptions (configs/water.toml).", language),
    ]
    area_ha = float(field.row["area_ha"])
    whole = Sheet(field_id, field.outline, area_ha, crop, panels, water, note, simulated, assumptions)
    return sheet_picture(whole, language)


def one_map(store: Store, field_id: str, layer: str, until: date | None, language: str) -> bytes:
    """PNG of one layer of a field that is not of a single pass. Raises BadInput."""
    with opened(store) as index:
        field = _field(store, index, field_id, until, language)
        panel = _panel(store, index, field, layer)
        if panel.values is None:
            raise BadInput(
                "SHOW-EMPTY",
                "field {field_id}: there is no map of {layer} ({why})",
                "run `agro review`, or choose another layer",
                field_id=field_id,
                layer=layer,
                why=panel.missing or "-",
            )
        crop = crop_name(store, field.row, _year(field, index), language)
        alone = Sheet(field_id, field.outline, float(field.row["area_ha"]), crop, (panel,), None, "", _simulated(index))
    return map_picture(alone, language)


def _field(store: Store, index: Index, field_id: str, until: date | None, language: str) -> _Field:
    row = history.field(store, field_id)
    passes = index.items("passes")
    if not passes:
        raise BadInput(
            "STORE-EMPTY", "{where}: nothing is published yet", "run `agro run` first", where=str(store.root)
        )
    crs = str(passes[-1].properties["proj:code"])
    outline = gpd.GeoSeries([row.geometry], crs=4326).to_crs(crs).iloc[0]
    return _Field(row, outline, crs, datetime.combine(until, time.max, UTC) if until else None, language)


def _simulated(index: Index) -> bool:
    return any(result.properties["agro:simulated"] for result in index.items("outlines"))


def _year(field: _Field, index: Index) -> int:
    """The season that is looked at: that of the day, or of the newest look."""
    if field.until:
        return field.until.year
    return max(int(result.properties["datetime"][:4]) for result in index.items("passes"))


def _vegetation(store: Store, field: _Field) -> Panel:
    """The newest clear look at the field."""
    rows = history.fieldstats(store)
    rows = rows[(rows["layer"] == "ndvi") & (rows["field_id"] == field.row.name)]
    rows = rows[(rows["clear_fraction"] >= _ENOUGH_CLEAR)]
    rows = rows[rows["acquired_at"] <= field.until] if field.until else rows
    if rows.empty:
        return Panel("ndvi", None, None, missing=say("no clear look is published by then", field.language))
    look = rows.sort_values("acquired_at").iloc[-1]
    grid = field.grid("ndvi")
    values = windowed(store, history.parts_of(store, look["acquisition_id"]), "ndvi", grid)
    told = say("pass of {day}", field.language, day=day(look["acquired_at"], field.language))
    note = say(
        "Middle of the field {middle}; a tenth of it is below {low}.",
        field.language,
        middle=number(look["p50"], 2, field.language),
        low=number(look["p10"], 2, field.language),
    )
    return Panel("ndvi", values, grid, told, note)


def _panel(store: Store, index: Index, field: _Field, layer: str) -> Panel:
    """One of the other layers, from the newest result that shows the field; wetness, where leaves do not hide it."""
    kind, language = _KIND[layer], field.language
    nothing = Panel(layer, None, None, missing=say("not made yet: run agro review", language))
    results = _showing(store, index, field, kind)
    if not results and field.until is not None:
        return replace(nothing, missing=say("nothing was known of it by this day", language))
    if not results and kind == "soil":
        return replace(nothing, missing=say("no soil samples of this field", language))
    if not results and kind == "yield_maps":
        return replace(nothing, missing=say("no points of a combine make a map of this field", language))
    if not results:
        return nothing
    grid = field.grid(layer)
    having = [result for result in results if layer in result.item["assets"]]
    if not having:
        return _average(store, results[-1], field, layer) if kind == "soil" else nothing
    values = windowed(store, having, layer, grid).astype("float64")
    if LAYERS[layer].is_class:
        values[values == LAYERS[layer].nodata] = np.nan
    newest = having[-1]
    seen = datetime.fromisoformat(newest.properties["datetime"])
    if kind == "moisture":
        flag = windowed(store, having, "wetness_flag", grid)
        values[(flag != 0) & (flag != LAYERS["wetness_flag"].nodata)] = np.nan
        note = say(
            "0 is the driest and 1 the wettest seen here, upper 5 cm. Hatched: not seen, or under leaves.",
            language,
        )
        return Panel(layer, values, grid, say("pass of {day}", language, day=day(seen, language)), note)
    if kind == "relief":
        heights = windowed(store, having, "height", grid).astype("float64")
        return Panel(layer, values, grid, note=_spread(values, layer, language), heights=heights)
    if kind == "soil":
        return _soil(store, newest, field, layer, values, grid)
    if kind == "yield_maps":
        return yield_panel(store, newest, field.row, (layer, values, grid), language)
    if kind == "zones":
        return _zones(store, newest, field, values, grid)
    told = say("season {year}", language, year=newest.properties["agro:season"])
    return Panel(layer, values, grid, told, _spread(values, layer, language))


def _showing(store: Store, index: Index, field: _Field, kind: str) -> list[Published]:
    """The newest results of a kind over the field: of one pass, one season, or one district."""
    west, south, east, north = field.row.geometry.bounds
    here = []
    for result in index.items(kind):
        box = result.item.get("bbox")
        if box and box[0] <= east and box[2] >= west and box[1] <= north and box[3] >= south:
            here.append(result)
    if field.until is not None and kind != "relief":  # the ground does not change; all else was not known before
        here = [r for r in here if datetime.fromisoformat(r.properties["datetime"]) <= field.until]
    if kind == "moisture":
        here.sort(key=lambda r: str(r.properties["datetime"]))
        return next(([r] for r in reversed(here) if _clear_here(store, r, field)), [])
    if kind == "yield_maps":
        return newest_with(store, here, str(field.row.name))
    if kind == "seasons" and here:
        last = max(r.properties["agro:season"] for r in here)
        newest = {r.properties["agro:block"]: r for r in here if r.properties["agro:season"] == last}
        return list(newest.values())
    return here[-1:]


def _clear_here(store: Store, result: Published, field: _Field) -> bool:
    rows = from_parquet(read_asset(store, result, "fields"))
    mine = rows[(rows["field_id"] == field.row.name) & (rows["layer"] == "wetness")]
    flag = str(mine["flag"].iloc[0]) if len(mine) else ""
    return bool(len(mine) and mine["clear_fraction"].iloc[0] >= _ENOUGH_CLEAR and "wetness_domain" not in flag)


def _spread(values: np.ndarray, layer: str, language: str) -> str:
    known = values[np.isfinite(values)]
    if not known.size:
        return ""
    digits = STYLES[layer].digits
    low, middle, high = (number(float(v), digits, language) for v in np.percentile(known, (5, 50, 95)))
    return say("From {low} to {high}, in the middle {middle}.", language, low=low, high=high, middle=middle)


def _soil(store: Store, result: Published, field: _Field, layer: str, values: np.ndarray, grid: Grid) -> Panel:
    """A nutrient in the classes of its method, with the error of the map."""
    error = windowed(store, [result], f"{layer}_se", grid)
    choice = _choice(store, result, layer)
    name, method = _SOIL[layer], str(choice["method"]) or None
    classes: tuple[tuple[float, str], ...] = ()
    try:
        table = classes_of(name, method, classes_from(facts(CONFIGS / "soils.toml")["classes"]))
        names = table.russian if field.language == "ru" else table.names
        classes = tuple(zip((*table.upper, np.inf), names, strict=True))
    except AgroError:
        classes = ()
    digits = STYLES[layer].digits
    note = say(
        "{n} samples; middle {middle} ± {error} (standard error of a place).",
        field.language,
        n=int(choice["samples"]),
        middle=number(float(np.nanmedian(values)), digits, field.language),
        error=number(float(np.nanmedian(error)), digits, field.language),
    )
    return Panel(layer, values, grid, note=note, classes=classes)


def _average(store: Store, result: Published, field: _Field, layer: str) -> Panel:
    """What is told of a nutrient of which no map is drawn: the field's average."""
    language = field.language
    rows = from_parquet(read_asset(store, result, "fields"))
    mine = rows[(rows["field_id"] == field.row.name) & (rows.get("layer") == layer)] if len(rows) else rows
    if not len(mine):
        return Panel(layer, None, None, missing=say("no soil samples of this field", language))
    row = mine.iloc[0]
    missing = say(
        "Average of the field: {mean} {unit} ({n} samples). No map is drawn: none told left-out samples better than the average.",  # noqa: E501
        language,
        mean=number(float(row["mean"]), STYLES[layer].digits, language),
        unit=row["unit"],
        n=int(row["samples"]),
    )
    return Panel(layer, None, None, missing=missing)


def _choice(store: Store, result: Published, layer: str) -> pd.Series:
    table = from_parquet(read_asset(store, result, "choices"))
    row: pd.Series = table[table["layer"] == layer].iloc[0]
    return row


def _zones(store: Store, result: Published, field: _Field, values: np.ndarray, grid: Grid) -> Panel:
    """The field's zones, how far apart they are, or why the field is one."""
    language = field.language
    about = from_parquet(read_asset(store, result, "fields"))
    rows = from_parquet(read_asset(store, result, "zones"), outlines=True)
    mine, own = about[about["field_id"] == field.row.name], rows[rows["field_id"] == field.row.name]
    if len(mine) and mine["code"].iloc[0] == "ZONE-SEASONS":
        missing = say("One zone for now: too few seasons of one crop were seen here.", language)
        return Panel("zone", None, None, missing=missing)
    if not len(mine) or int(mine["zones"].iloc[0]) == 1:
        missing = say("One zone: parts of this field do not differ in the same way year after year.", language)
        return Panel("zone", None, None, missing=missing)
    values[:] = np.where(np.isin(values, own["zone"]), values, np.nan)
    classes = tuple(
        (float(row.zone), say("{zone}: {area} ha", language, zone=int(row.zone), area=number(row.area_ha, 1, language)))
        for row in own.sort_values("zone").itertuples()
    )
    note = say(
        "1 is the poorest. Drawn without a season they explain {share} % of it.",
        language,
        share=number(100 * float(mine["explained"].iloc[0]), 0, language),
    )
    told = say("from {n} seasons", language, n=int(mine["seasons"].iloc[0]))
    return Panel("zone", values, grid, told, note, classes=classes)


def _water(store: Store, index: Index, field: _Field) -> tuple[pd.DataFrame | None, str]:
    """The field's water of the season, and what is to be said of it."""
    language = field.language
    results = [r for r in index.items("water") if r.properties["agro:season"] == _year(field, index)]
    if not results:
        return None, say("no weather, so no water balance", language)
    table = from_parquet(read_asset(store, results[-1], "water"))
    mine = table[table["field_id"] == field.row.name]
    if field.until is not None:
        mine = mine[mine["day"] <= field.until.replace(tzinfo=None)]
    if mine.empty:
        return None, say("no balance for this field: agro review says why", language)
    last = mine.iloc[-1]
    note = say(
        "{day}: 0-100 cm {deep} ± {deep_se} mm, 0-20 cm {top} ± {top_se} mm.",
        language,
        day=day(last["day"].to_pydatetime().replace(tzinfo=UTC), language),
        **{
            name: number(float(last[column]), 0, language)
            for name, column in (
                ("deep", "water_100cm_mm"),
                ("deep_se", "water_100cm_mm_se"),
                ("top", "water_20cm_mm"),
                ("top_se", "water_20cm_mm_se"),
            )
        },
    )
    return mine, note
