from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree as xml

from agro.domain.alert import Alert
from agro.reports.farm_message import News, letter

AT = datetime(2026, 7, 10, 5, tzinfo=UTC)
WELL = datetime(2026, 7, 5, 5, tzinfo=UTC)
SEEN = datetime(2026, 7, 12, 5, tzinfo=UTC)


def news(became: str = "new", looks: int = 1, name: str = "topki-7", places: int = 2) -> News:
    alert = Alert(name, "part_behind", "past_seasons", AT, WELL, AT, 4.2, 0.123, 0.123, 0.01, looks, 250.0, 168.0, ())
    return News(alert, became, name, "яровая пшеница", 62.14, tuple((85.1 + i / 10, 55.2) for i in range(places)))


def test_a_letter_says_what_where_since_when_and_how_sure() -> None:
    told = letter("Заря", [news()], SEEN, False, "ru")
    assert told.subject == "Заря: осмотрите поля — 1 (съёмка 12.07.2026)"
    for part in (
        "topki-7, яровая пшеница, 62,1 га",
        "участок 4,2 га",
        "чем в прошлые годы",
        "отставания не было 05.07.2026",
        "на 0,12",
        "с 10.07.2026",
        "облако",
        "55.20000, 85.10000",
    ):
        assert part in told.text
    assert "МОДЕЛЬНЫЕ" not in told.text
    assert "подтверждено съёмками: 3" in letter("Заря", [news(looks=3)], SEEN, False, "ru").text
    assert "МОДЕЛЬНЫЕ ДАННЫЕ" in letter("Заря", [news()], SEEN, True, "ru").text


def test_a_letter_words_what_may_be_the_cause_and_against_what() -> None:
    one = news()
    strip = replace(one, alert=replace(one.alert, length_m=800.0, width_m=40.0, well_at=None))
    text = letter("Заря", [strip], SEEN, False, "ru").text
    assert "полоса 4,2 га, 800 на 40 м" in text and "пропуск при севе" in text and "не было" not in text
    newer = replace(one, alert=replace(one.alert, against="this_season"), mown=True)
    text = letter("Заря", [newer], SEEN, False, "ru").text
    assert "сильнее, чем раньше" in text and "Если здесь косили" in text
    assert "косили" not in letter("Заря", [one], SEEN, False, "ru").text


def test_what_is_over_needs_no_walk() -> None:
    told = letter("Заря", [news("over")], SEEN, False, "ru")
    assert "больше не видно" in told.text and "Осмотрите" not in told.text and "больше не видно" in told.subject
    assert b"Placemark" not in told.kml and b"wpt" not in told.gpx


def test_places_are_sound_xml_whatever_the_name() -> None:
    told = letter("A & B", [news(name='<b>"\x00&')], SEEN, False, "en")
    ns = {"k": "http://www.opengis.net/kml/2.2", "g": "http://www.topografix.com/GPX/1/1"}
    marks = xml.fromstring(told.kml).findall(".//k:Placemark", ns)  # noqa: S314  our own bytes
    points = xml.fromstring(told.gpx).findall("g:wpt", ns)  # noqa: S314  our own bytes
    assert [m.find("k:name", ns).text for m in marks] == ['<b>"& 1', '<b>"& 2']  # type: ignore[union-attr]
    assert [(p.get("lat"), p.get("lon")) for p in points] == [("55.200000", "85.100000"), ("55.200000", "85.200000")]
    assert marks[0].find(".//k:coordinates", ns).text == "85.100000,55.200000"  # type: ignore[union-attr]


def test_a_long_letter_is_cut_and_says_so() -> None:
    told = letter("Заря", [news(name=f"f{i}") for i in range(12)], SEEN, False, "ru")
    assert told.text.count("отстаёт") == 8 and "и ещё 4" in told.text
