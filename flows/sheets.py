"""A field's page, and any map of a field, from what is published."""

from datetime import UTC, date, datetime, time

import geopandas as gpd

from agro.domain.errors import BadInput
from agro.reports.field_sheet import Panel, Sheet, map_picture, sheet_picture
from agro.reports.styles import STYLES
from agro.reports.words import say
from agro.store import history
from agro.store.index import Index, opened
from agro.store.publish import Store
from flows.panels import KIND, OneField, panel, vegetation, water
from flows.pictures import crop_name

OTHER_LAYERS = tuple(name for name in STYLES if name in KIND)  # drawn here; those of a pass in flows.pictures


def sheet(store: Store, field_id: str, until: date | None, language: str) -> bytes:
    """PNG of a field's page. Raises BadInput."""
    with opened(store) as index:
        field = _field(store, index, field_id, until, language)
        crop = crop_name(store, field.row, _year(field, index), language)
        whole = sheet_of(store, index, field, vegetation(store, field), _year(field, index), crop)
    return sheet_picture(whole, language)


def sheet_of(store: Store, index: Index, field: OneField, greenness: Panel, season: int, crop: str | None) -> Sheet:
    """What a field's page shows, from the newest results; `greenness` is its first map."""
    language = field.language
    others = (panel(store, index, field, layer) for layer in ("wetness", "slope", "p2o5", "zone"))
    balance, note = water(store, index, field, season)
    assumptions = [
        say("Classes of supply by the grouping before 2025; the order now in force was not at hand.", language),
        say("Water: soil constants and snow are assumptions (configs/water.toml).", language),
    ]
    area_ha, panels = float(field.row["area_ha"]), (greenness, *others)
    return Sheet(
        str(field.row.name), field.outline, area_ha, crop, panels, balance, note, _simulated(index), assumptions
    )


def one_map(store: Store, field_id: str, layer: str, until: date | None, language: str) -> bytes:
    """PNG of one layer of a field that is not of a single pass. Raises BadInput."""
    with opened(store) as index:
        field = _field(store, index, field_id, until, language)
        drawn = panel(store, index, field, layer)
        if drawn.values is None:
            raise BadInput(
                "SHOW-EMPTY",
                "field {field_id}: there is no map of {layer} ({why})",
                "run `agro review`, or choose another layer",
                field_id=field_id,
                layer=layer,
                why=drawn.missing or "-",
            )
        crop = crop_name(store, field.row, _year(field, index), language)
        alone = Sheet(field_id, field.outline, float(field.row["area_ha"]), crop, (drawn,), None, "", _simulated(index))
    return map_picture(alone, language)


def _field(store: Store, index: Index, field_id: str, until: date | None, language: str) -> OneField:
    row = history.field(store, field_id)
    passes = index.items("passes")
    if not passes:
        raise BadInput(
            "STORE-EMPTY", "{where}: nothing is published yet", "run `agro run` first", where=str(store.root)
        )
    crs = str(passes[-1].properties["proj:code"])
    outline = gpd.GeoSeries([row.geometry], crs=4326).to_crs(crs).iloc[0]
    return OneField(row, outline, crs, datetime.combine(until, time.max, UTC) if until else None, language)


def _simulated(index: Index) -> bool:
    return any(result.properties["agro:simulated"] for result in index.items("outlines"))


def _year(field: OneField, index: Index) -> int:
    """The season that is looked at: that of the day, or of the newest look."""
    if field.until:
        return field.until.year
    return max(int(result.properties["datetime"][:4]) for result in index.items("passes"))
