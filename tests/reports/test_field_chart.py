"""A field's season as SVG: what is usual, by hand; names are text; nothing that a page's policy forbids."""

from datetime import date

from lxml import etree as xml

from agro.reports.field_chart import Look, SeasonChart, WaterChart, season_svg, spark_svg, usual_curve, water_svg
from agro.reports.interval_bar import interval_bar

LOOKS = (Look(date(2022, 6, 1), 0.4, 1.0), Look(date(2022, 6, 20), 0.5, 0.2), Look(date(2022, 7, 1), 0.8, 0.9))


def test_what_is_usual_lies_between_the_looks_and_has_a_band_from_four_seasons() -> None:
    curves = [([100, 110], [0.2 + n / 10, 0.4 + n / 10]) for n in range(4)]
    day, low, middle, high = usual_curve(curves)[1]  # 95 lies before every look
    assert day == 105 and middle == 0.45 and low is not None and high is not None
    assert round(low, 3) == 0.33 and round(high, 3) == 0.57  # a tenth of 0.3, 0.4, 0.5, 0.6 and nine tenths
    assert [day for day, *_ in usual_curve(curves)] == [100, 105, 110]
    assert usual_curve(curves[:1])[0] == (100, None, 0.2, None)
    assert usual_curve([([100], [0.5]), ([], [])]) == []


def test_the_season_is_whole_svg_without_styles_or_programs() -> None:
    chart = SeasonChart(2022, LOOKS, {2021: LOOKS[:2]}, [(150, 0.3, 0.4, 0.5), (160, 0.4, 0.5, 0.6)], date(2022, 7, 2))
    for text in (season_svg(chart, 340, "ru"), spark_svg(chart, "ru")):
        root = xml.fromstring(text)
        assert not any({"style", "onload", "href"} & set(one.attrib) for one in root.iter()) and "script" not in text
    whole = season_svg(chart, 760, "ru")
    assert whole.count('class="look"') == 2 and whole.count('class="hidden-look"') == 1
    assert "01.07.2022: NDVI 0,80, ясно 90 %" in whole and ">июл<" in whole and ">2021<" in whole
    assert season_svg(SeasonChart(2022, (), {}, (), None), 340, "en").startswith("<svg")


def test_water_is_never_drawn_below_nought() -> None:
    text = water_svg(WaterChart([120, 130], [40.0, 10.0], [5.0, 20.0], [5.0, 2.0], [1.0, 1.0]), 340, "ru")
    ground = 141 - 24  # height less what stands below the plot
    assert (
        max(float(pair.split(",")[1]) for one in xml.fromstring(text) for pair in one.get("points", "").split())
        <= ground
    )


def test_an_interval_without_ends_has_only_its_mark() -> None:
    assert 'class="span"' in interval_bar(2.0, 1.0, 3.0, 4.0) and 'class="span"' not in interval_bar(
        2.0, None, None, 4.0
    )
