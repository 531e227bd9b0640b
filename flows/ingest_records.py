"""Weather and heights into the local catalogue: read as they will be read later, and kept in one plain form."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from agro.domain.errors import BadInput, Told
from agro.sources.elevation import check_heights, check_numbers, metres_in
from agro.sources.elevation_voids import zero_is_missing
from agro.sources.raster import opened
from agro.sources.weather import read_weather
from agro.store import catalogue
from agro.store import stac as items
from agro.store.own_pixels import OwnPixels, write_own
from agro.store.publish import Store, digest, file_name, now
from agro.store.tables import to_csv
from flows.keeping import content_of
from flows.plan import read_land
from flows.settings import Settings
from flows.taken import Taken, known
from flows.weather_records import points_of

WEATHER, HEIGHTS = "weather", "elevation"
_WINDOW_PX = 2048


def take_weather(path: Path, store: Store, settings: Settings) -> Taken:
    """A table, a grid or a service's answer as one daily table with units in its headings; gaps are told."""
    places = _places(settings)
    table, told = read_weather(path, settings.records.wind_height_m, places=places)
    inputs = digest([content_of(path), settings.records.wind_height_m, sorted((places or {}).items())])
    place = f"{WEATHER}/{file_name(path.stem)}"
    there = known(store, place, inputs, path)
    sentence = Told(
        "daily weather of {places} from {first} to {last}",
        {
            "places": ", ".join(sorted(set(table["place"]))[:5]),
            "first": f"{table['day'].min():%Y-%m-%d}",
            "last": f"{table['day'].max():%Y-%m-%d}",
        },
    )
    if there is None:
        kept = table.assign(day=table["day"].dt.strftime("%Y-%m-%d")).drop(columns="wind_height_m")
        height = table["wind_height_m"].dropna().unique()
        if len(height):
            kept = kept.rename(columns={"wind_m_s": f"wind_{height[0]:g}m_m_s"})
        properties = {"datetime": now(), catalogue.INPUTS: inputs}
        assets = {"weather": {"href": "weather.csv", "type": "text/csv", "roles": ["data"]}}
        content = {"weather": to_csv(kept.dropna(axis="columns", how="all")).encode()}
        catalogue.add(store, place, content, _item(place, None, properties, assets))
    return Taken(path.name, place, sentence, there is None, tuple(told))


def _places(settings: Settings) -> dict[str, tuple[float, float]] | None:
    """Where the weather of each district is asked of a grid; None where no fields or districts are named."""
    land = None if settings.fields.path is None else read_land(settings)
    if land is None or land.outlines["district"].isna().all():
        return None
    return {at.name: (at.longitude, at.latitude) for at in points_of(land)}


def take_heights(path: Path, store: Store, _: Settings) -> Taken:
    """A model of heights in its own pixels; zeros that stand for missing data get the mark that they lack."""
    inputs, place = digest(content_of(path)), f"{HEIGHTS}/{file_name(path.stem)}"
    there = known(store, place, inputs, path)
    with opened(path) as source:
        check_numbers(source, path)
        about = path.stat()
        void = source.nodata is None and zero_is_missing(path, about.st_mtime_ns, about.st_size)
        sentence = _heights_told(source, path, void=void)
        if there is None:
            nodata = 0.0 if void else source.nodata
            own = OwnPixels(source.crs.to_wkt(), source.transform, source.shape, source.dtypes[0], nodata, ["heights"])
            target = store.staging / f"{file_name(path.stem)}-heights.tif"
            content = {"heights": write_own(target, own, ((w, source.read(window=w)) for w in _windows(source)))}
            told = {"proj:code": source.crs.to_string(), "agro:zero_is_missing": void}
            properties = {"datetime": now(), **told, catalogue.INPUTS: inputs}
            assets = {"heights": {"href": "heights.tif", "type": "image/tiff; application=geotiff", "roles": ["data"]}}
            degrees = transform_bounds(source.crs, "EPSG:4326", *source.bounds)
            catalogue.add(store, place, content, _item(place, degrees, properties, assets))
    return Taken(path.name, place, sentence, there is None)


def _windows(source: Any) -> Iterator[Window]:
    for row in range(0, source.height, _WINDOW_PX):
        for column in range(0, source.width, _WINDOW_PX):
            yield Window(column, row, min(_WINDOW_PX, source.width - column), min(_WINDOW_PX, source.height - row))


def _heights_told(source: Any, path: Path, *, void: bool) -> Told:
    """Lowest and highest height, and the share without. Raises BadInput, also where a number cannot be a height."""
    low, high, known_px, metres = np.inf, -np.inf, 0, metres_in(source, path.name)
    for window in _windows(source):
        heights = source.read(1, window=window, masked=True).astype("float64").filled(np.nan)
        heights = heights[np.isfinite(heights) & ~((heights == 0) & void)]
        heights = (heights * source.scales[0] + source.offsets[0]) * metres
        check_heights(heights, path.name)
        if heights.size:
            low, high, known_px = min(low, heights.min()), max(high, heights.max()), known_px + heights.size
    if not known_px:
        raise BadInput(
            "ELEVATION-NOTHING",
            "{where}: has no height anywhere",
            "give a height model that covers the fields",
            where=path.name,
        )
    missing = round(100 * (1 - known_px / (source.height * source.width)), 1)
    return Told(
        "heights from {low} to {high} m, {missing} % without (zeros that mark missing data: {void})",
        {
            "low": round(float(low), 1),
            "high": round(float(high), 1),
            "missing": missing,
            "void": Told("yes" if void else "no", {}),
        },
    )


def _item(
    place: str,
    bbox: tuple[float, float, float, float] | None,
    properties: Mapping[str, Any],
    assets: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    collection, name = place.split("/", 1)
    return items.item(name, bbox, properties, assets) | {"collection": collection}
