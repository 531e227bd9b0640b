"""The pages of a farm: all fields by what needs attention, and one field whole."""

from datetime import date
from itertools import groupby
from typing import Annotated, Any
from urllib.parse import quote

import pandas as pd
import shapely
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from markupsafe import Markup

from agro.portal.field_layers import layers_of, note_of
from agro.portal.field_plan_form import crop_choices, plans_of
from agro.portal.field_story import Teller
from agro.portal.map_words import map_words
from agro.portal.people import needs
from agro.portal.prescription_words import prescription_view, work_view
from agro.portal.rendering import language_of, render
from agro.portal.shelf import Shelf
from agro.reports.farm_message import short_of_field
from agro.reports.field_chart import season_svg, spark_svg, water_svg
from agro.reports.words import number, say
from agro.store.accounts import Person
from flows.settings import crop_names, districts

router = APIRouter()
OfFarms = Annotated[Person, Depends(needs("farmer", "agronomist"))]
Day = Annotated[str, Query(max_length=10)]
_A_PAGE = 30  # fields of a list
_ON_MAP = 2_000  # fields of a map
_AROUND = 0.15  # [1] of a field's size is shown round it


@router.get("/fields")
def fields(
    request: Request, person: OfFarms, page: Annotated[int, Query(ge=1, le=1_000_000)] = 1, day: Day = ""
) -> Response:
    """All fields of a person, the one that needs attention most first."""
    shelf, teller = request.app.state.shelf, teller_of(request, person, day)
    rows = shelf.fields_of(person)
    titles = plans_of(request).titles([str(one) for one in rows["field_id"]])
    order = sorted(rows["field_id"], key=lambda one: (teller.rank(one), one))
    pages = max(1, -(-len(order) // _A_PAGE))
    page = min(page, pages)
    own = order[(page - 1) * _A_PAGE : page * _A_PAGE]
    listed = [_brief(teller, rows.loc[one], titles) for one in own]
    rank = {"look": 0, "watch": 1, "unseen": 2, "well": 3}
    listed.sort(key=lambda one: (rank[one["state"]], one["rank"]))
    return render(
        request,
        "fields.html",
        fields=listed,
        counts={state: sum(one["state"] == state for one in listed) for state in rank},
        area=number(float(rows["area_ha"].sum()) if len(rows) else 0.0, 0, teller.language),
        total=len(order),
        page=page,
        pages=pages,
        data=_map_of_all(teller, rows, listed, titles),
        day=day if teller.day else "",
        newest=teller.written(date.fromisoformat(teller.newest_pass[:10])) if teller.newest_pass else "",
        unread=shelf.told_of()["unread"],
    )


@router.get("/fields/{field_id}")
def field(request: Request, person: OfFarms, field_id: str, day: Day = "") -> Response:
    """One field: its map, season, water, forecast, doses, files."""
    shelf: Shelf = request.app.state.shelf
    row, teller = shelf.field(person, field_id), teller_of(request, person, day)
    language, story, plan = teller.language, teller.story(row), plans_of(request).of(field_id)
    water = teller.water(field_id)
    return render(
        request,
        "field.html",
        row=row,
        href=_href(field_id),
        title=plan.title or field_id,
        plan=plan,
        planned="" if plan.planned_yield_t_ha is None else number(10 * plan.planned_yield_t_ha, 1, language),
        crops=crop_choices(language),
        crop=_crop(teller, field_id),
        year=teller.year,
        area=number(float(row["area_ha"]), 1, language),
        district=districts(language).get(row["district"], row["district"] or ""),
        story=story,
        alerts=[(short_of_field(one, language), [_place(place) for place in one.places]) for one in story.news],
        last=_last(teller, story),
        season={width: Markup(season_svg(story.chart, width, language)) for width in (340, 760)},  # noqa: S704  ours
        water=water and {width: Markup(water_svg(water[0], width, language)) for width in (340, 760)},  # noqa: S704
        water_last=water and water[1],
        forecast=teller.forecast(field_id),
        data=(data := _map_of_field(teller, row, story)),
        groups=[(group, list(own)) for group, own in groupby(data["layers"], key=lambda one: one["group"])],
        prescription=prescription_view(shelf, row, language, teller.day),
        work=work_view(request, field_id),
        day=day if teller.day else "",
        yield_unit=say("dt/ha", language) if language == "ru" else say("t/ha", language),
    )


@router.get("/fields/{field_id}/notes/{layer}")
def note(request: Request, person: OfFarms, field_id: str, layer: str, day: Day = "") -> Response:
    """What a layer means on this field."""
    row = request.app.state.shelf.field(person, field_id)
    return JSONResponse({"note": note_of(teller_of(request, person, day), row, layer)})


def teller_of(request: Request, person: Person, day: str = "") -> Teller:
    """Who tells of the fields, as they stood on a day; a day that is none is now."""
    try:
        chosen = date.fromisoformat(day) if day else None
    except ValueError:
        chosen = None
    if chosen is not None and not 2015 <= chosen.year <= 2100:
        chosen = None
    return Teller(request.app.state.shelf, person, chosen, language_of(request))


def to_field(field_id: str, about: str = "") -> RedirectResponse:
    """Back to a field's page after something was done."""
    return RedirectResponse(_href(field_id) + about, 303)


def _href(field_id: str) -> str:
    return f"/fields/{quote(field_id, safe='')}"


def _place(place: tuple[float, float]) -> tuple[str, str]:
    """A place as people write it, and as a navigator takes it."""
    written = f"{place[1]:.5f}, {place[0]:.5f}"
    return written, f"geo:{place[1]:.5f},{place[0]:.5f}"


def _crop(teller: Teller, field_id: str) -> str:
    code = teller.crop(field_id)
    return "" if code is None else crop_names(teller.language).get(code, code)


def _brief(teller: Teller, row: pd.Series, titles: dict[str, str]) -> dict[str, Any]:
    """A field in a list."""
    field_id, language = str(row.name), teller.language
    story = teller.story(row)
    return {
        "field_id": field_id,
        "title": titles.get(field_id, field_id),
        "href": _href(field_id) + (f"?day={teller.day}" if teller.day else ""),
        "farm": row["farm_id"],
        "crop": _crop(teller, field_id),
        "area": number(float(row["area_ha"]), 1, language),
        "state": story.state,
        "rank": teller.rank(field_id),
        "why": story.why,
        "more": max(len(story.news) - 1, 0),
        "last": _last(teller, story),
        "forecast": teller.forecast(field_id),
        "spark": Markup(spark_svg(story.chart, language)),  # noqa: S704  made by us, every word escaped
        "prescribed": bool(teller.shelf.prescriptions(row)),
    }


def _last(teller: Teller, story: Any) -> dict[str, str] | None:
    """The last clear look in figures."""
    if story.last is None:
        return None
    below = story.below
    sign = "" if below is None or abs(below) < 0.005 else ("−" if below < 0 else "+")
    return {
        "day": teller.written(story.last.day),
        "ndvi": number(story.last.ndvi, 2, teller.language),
        "clear": number(100 * story.last.clear, 0, teller.language),
        "below": "" if below is None else f"{sign}{number(abs(below), 2, teller.language)}",
    }


def _map_of_all(
    teller: Teller, rows: pd.DataFrame, listed: list[dict[str, Any]], titles: dict[str, str]
) -> dict[str, Any]:
    states = {one["field_id"]: one["state"] for one in listed}
    features = []
    for field_id, shape in zip(rows["field_id"][:_ON_MAP], rows["geometry"][:_ON_MAP], strict=True):
        middle = shape.representative_point()
        about = {
            "name": titles.get(field_id, field_id),
            "href": _href(field_id) + (f"?day={teller.day}" if teller.day else ""),
            "state": states.get(field_id, "look" if teller.rank(field_id) else "unknown"),
            "middle": [middle.x, middle.y],
        }
        features.append({"type": "Feature", "properties": about, "geometry": shapely.geometry.mapping(shape)})
    bounds = [float(v) for v in rows.total_bounds] if len(rows) else [84.4, 52.1, 89.5, 56.9]
    whole = {"type": "FeatureCollection", "features": features}
    return {"fields": whole, "bounds": bounds, "locale": map_words(teller.language)}


def _map_of_field(teller: Teller, row: pd.Series, story: Any) -> dict[str, Any]:
    west, south, east, north = row.geometry.bounds
    wide, high = _AROUND * (east - west), _AROUND * (north - south)
    places = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": list(place)}}
        for one in story.news
        for place in one.places
    ]
    day = f"?day={teller.day}" if teller.day else ""
    return {
        "bounds": [west - wide, south - high, east + wide, north + high],
        "outline": {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(row.geometry)},
        "places": {"type": "FeatureCollection", "features": places},
        "layers": layers_of(teller, row),
        "maps": f"/api/v1{_href(str(row.name))}/layers/",
        "version": row["version"],
        "notes": [f"{_href(str(row.name))}/notes/", day],
        "hillshade": "/api/v1/background/hillshade/{z}/{x}/{y}.png" if teller.shelf.seen.of("relief") else None,
        "language": teller.language,
        "words": {"nothing": say("not known here", teller.language)},
        "locale": map_words(teller.language),
    }
