"""One short letter to a farm: which field, what, since when, the last clear look, where to go and look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as xml

from agro.domain.alert import STRIP, Alert
from agro.reports.words import day, number, say

_MOST_TOLD = 8  # a letter is read on a phone: the rest is counted


@dataclass(frozen=True)
class News:
    """An alert as a farmer needs it: what became of it (`new`, `confirmed`, `over`), of which field, and the places.

    area_ha   [ha] of the whole field
    places    (longitude, latitude) [deg], the worst first
    mown      whether such a crop is mown green, or nobody said what grows
    """

    alert: Alert
    became: str
    field_name: str
    crop: str | None
    area_ha: float
    places: tuple[tuple[float, float], ...]
    mown: bool = False


@dataclass(frozen=True)
class Letter:
    """What is sent: subject, plain text, and the places as KML and GPX."""

    subject: str
    text: str
    kml: bytes
    gpx: bytes


def letter(farm: str, news: Sequence[News], seen_at: datetime, simulated: bool, language: str) -> Letter:
    """The letter to one farm.

    farm       its name [-]
    news       what changed, in the order in which it is told [-]
    seen_at    the newest pass (UTC)
    simulated  whether the images are simulated
    language   `ru` or `en`
    returns    Letter [-]
    source     ours
    """
    open_fields = len({one.alert.field_id for one in news if one.became != "over"})
    last = day(seen_at, language)
    subject = (
        say("{farm}: fields that need a look: {n} (pass of {day})", language, farm=farm, n=open_fields, day=last)
        if open_fields
        else say("{farm}: nothing is behind any more of what was told (pass of {day})", language, farm=farm, day=last)
    )
    lines = [say("SIMULATED DATA: the imagery is made by the program, not by a satellite", language)] * simulated
    lines += [_told(one, language) for one in news[:_MOST_TOLD]]
    if len(news) > _MOST_TOLD:
        lines.append(say("... and {n} more in the attached places", language, n=len(news) - _MOST_TOLD))
    if any(one.places for one in news if one.became != "over"):
        lines.append(say("The places to go to are attached: places.kml for maps, places.gpx for navigators.", language))
    lines.append(say("A satellite sees that plants are behind, not why: look before you act.", language))
    points = [
        (_printable(f"{one.field_name} {n}"), place)
        for one in news
        if one.became != "over"
        for n, place in enumerate(one.places, start=1)
    ]
    return Letter(subject, "\n\n".join(lines) + "\n", _kml(points), _gpx(points))


def short_of_field(one: News, language: str) -> str:
    """One piece of news in a line, where the field's name stands beside it already.

    one       what became of an alert
    language  `ru` or `en`
    returns   text [-]
    source    ours
    """
    told = say(
        "{what}: NDVI {drop} below expectation since {since}, looks that show it: {n}",
        language,
        what=_what(one.alert, language),
        drop=number(one.alert.drop, 2, language),
        since=day(one.alert.since, language),
        n=one.alert.looks,
    )
    return told[:1].upper() + told[1:]


def _told(one: News, language: str) -> str:
    alert = one.alert
    field = say(
        "Field {name}{crop}, {area} ha",
        language,
        name=one.field_name,
        crop=f", {one.crop}" if one.crop else "",
        area=number(one.area_ha, 1, language),
    )
    if one.became == "over":
        return say(
            "{field}: what was seen on {since} is not seen any more: recovered, mown, harvested, or too long ago.",
            language,
            field=field,
            since=day(alert.since, language),
        )
    sure = (
        say("seen once: a cloud that was not recognised is possible", language)
        if alert.looks == 1
        else say("confirmed by {n} looks", language, n=alert.looks)
    )
    told = say(
        "{field}: {what}, NDVI {drop} below expectation, since {since}; {sure}. Last clear look {last}.",
        language,
        field=field,
        what=_what(alert, language),
        drop=number(alert.drop, 2, language),
        since=day(alert.since, language),
        sure=sure,
        last=day(alert.last_look, language),
    )
    if alert.well_at is not None:
        told += " " + say("Seen well last on {day}.", language, day=day(alert.well_at, language))
    if one.mown:
        told += " " + say("If it was mown, that is the reason.", language)
    if not one.places:
        return told
    places = "; ".join(f"{latitude:.5f}, {longitude:.5f}" for longitude, latitude in one.places)
    return f"{told} {say('Look at', language)}: {places}."


def _what(alert: Alert, language: str) -> str:
    """What is behind, and behind what."""
    if alert.what == "field_behind":
        return say("the whole field is behind its neighbours of the same crop", language)
    area = number(alert.area_ha, 1, language)
    if alert.length_m >= STRIP * alert.width_m > 0:
        return say(
            "a strip of {area} ha, {length} m by {width} m, is behind the rest of the field: perhaps missed in sowing "
            "or spreading",
            language,
            area=area,
            length=number(alert.length_m, 0, language),
            width=number(alert.width_m, 0, language),
        )
    if alert.against == "past_seasons":
        return say(
            "a part of {area} ha is behind the rest of the field, more than in past seasons", language, area=area
        )
    return say("a part of {area} ha is behind the rest of the field, more than before", language, area=area)


def _printable(name: str) -> str:
    """A name without the signs that no XML may hold."""
    return "".join(sign for sign in name if sign.isprintable())


def _kml(points: Sequence[tuple[str, tuple[float, float]]]) -> bytes:
    """KML 2.2 placemarks. source: OGC 07-147r2."""
    root = xml.Element("kml", xmlns="http://www.opengis.net/kml/2.2")
    document = xml.SubElement(root, "Document")
    for name, (longitude, latitude) in points:
        mark = xml.SubElement(document, "Placemark")
        xml.SubElement(mark, "name").text = name
        xml.SubElement(xml.SubElement(mark, "Point"), "coordinates").text = f"{longitude:.6f},{latitude:.6f}"
    return _written(root)


def _gpx(points: Sequence[tuple[str, tuple[float, float]]]) -> bytes:
    """GPX 1.1 waypoints. source: www.topografix.com/GPX/1/1."""
    root = xml.Element("gpx", version="1.1", creator="agro", xmlns="http://www.topografix.com/GPX/1/1")
    for name, (longitude, latitude) in points:
        waypoint = xml.SubElement(root, "wpt", lat=f"{latitude:.6f}", lon=f"{longitude:.6f}")
        xml.SubElement(waypoint, "name").text = name
    return _written(root)


def _written(root: xml.Element) -> bytes:
    content: bytes = xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return content
