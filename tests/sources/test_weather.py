"""Weather tables as people have them, and what is said of the ones that cannot be used."""

from datetime import date
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from agro.domain.errors import BadInput
from agro.reports.words import reason
from agro.sources.weather import WEATHER_COLUMNS, read_weather

RUSSIAN = "Район;Дата;Минимальная температура, °C;Максимальная температура, °С;Осадки, мм;Радиация, МДж/м²;Ветер на 10 м, м/с;Относительная влажность, %"


def write(tmp_path: Path, *lines: str, name: str = "topki.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def codes(refused: list) -> list[str]:  # type: ignore[type-arg]
    return [refusal.code for refusal in refused]


def test_a_russian_table_with_decimal_commas(tmp_path: Path) -> None:
    path = write(tmp_path, RUSSIAN, "Топки;01.06.2021;9,5;21,0;3,2;18,4;3,1;64", "Топки;2021-06-02;−1,0;12;0;20;2;нет")
    table, refused = read_weather(path)
    assert not refused and tuple(table.columns) == WEATHER_COLUMNS
    first = table.iloc[0]
    assert first["place"] == "Топки" and first["day"] == pd.Timestamp("2021-06-01")
    assert first[["tmin_c", "tmax_c", "tmean_c", "rain_mm", "radiation_mj_m2", "wind_m_s", "wind_height_m", "humidity_pct"]].tolist() == [
        9.5, 21.0, 15.25, 3.2, 18.4, 3.1, 10.0, 64.0,
    ]  # fmt: skip
    assert table["tmin_c"].iloc[1] == -1.0 and np.isnan(table["humidity_pct"].iloc[1])


def test_english_headings_and_the_name_of_the_file_as_place(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "date,tmin_c,tmax_c,tmean_c,precip_mm,srad_mj_m2,vapour_pressure_kpa,wind_m_s",
        "2018-07-01,12,25,19,0,22,1.3,3.4",
    )
    table, refused = read_weather(path, wind_height_m=10.0)
    assert not refused
    assert table.iloc[0][["place", "tmean_c", "rain_mm", "wind_height_m"]].tolist() == ["topki", 19.0, 0.0, 10.0]


@pytest.mark.parametrize(
    ("heading", "cell", "column", "value"),
    [
        ("tmax_f", "68", "tmax_c", 20.0),
        ("Temperature_Air_2m_Max_24h, K", "293.15", "tmax_c", 20.0),
        ("Осадки, см", "1.5", "rain_mm", 15.0),
        ("precipitation inch", "0.5", "rain_mm", 12.7),
        ("Solar radiation flux [J m-2 d-1]", "18000000", "radiation_mj_m2", 18.0),
        ("srad_kj_m2", "18000", "radiation_mj_m2", 18.0),
        ("Солнечная радиация, Вт/м²", "200", "radiation_mj_m2", 17.28),
        ("srad MJ/m2/day", "18", "radiation_mj_m2", 18.0),
        ("vapour_pressure_hpa", "13", "vapour_pressure_kpa", 1.3),
        ("wind_2m_km_h", "18", "wind_m_s", 5.0),
        ("Wind_Speed_10m_Mean", "4", "wind_m_s", 4.0),
        ("Ветер на высоте 10 м (м/с)", "4", "wind_m_s", 4.0),
        ("Ветер, м/с (10 м)", "4", "wind_m_s", 4.0),
        ("точка росы, °C", "8", "dew_point_c", 8.0),
        ("rhmax", "93", "humidity_max_pct", 93.0),
        ("ETo, mm/day", "4.2", "et0_mm", 4.2),
    ],
)
def test_a_unit_in_the_heading_is_converted(tmp_path: Path, heading: str, cell: str, column: str, value: float) -> None:
    usual = {"tmin_c": "10", "tmax_c": "25", "rain_mm": "0"}
    usual.pop(column, None)
    path = write(tmp_path, ";".join(["day", *usual, heading]), ";".join(["2021-06-01", *usual.values(), cell]))
    table, refused = read_weather(path)
    assert not refused
    assert table[column].iloc[0] == pytest.approx(value)
    if column == "wind_m_s":
        assert table["wind_height_m"].iloc[0] == (2.0 if "2m" in heading else 10.0)


def test_a_row_of_units_under_the_heading(tmp_path: Path) -> None:
    path = write(tmp_path, "date;tmin;tmax;rain;radiation", ";°C;°C;mm;W/m2", "2021-06-01;10;20;1;250")
    table, _ = read_weather(path)
    assert table["radiation_mj_m2"].iloc[0] == pytest.approx(21.6)


def test_a_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Дата", "tmin_c", "tmax_c", "Осадки, мм", "Высота станции, м"])
    book.active.append([pd.Timestamp("2021-06-01").to_pydatetime(), 10, 20.5, None, 180])
    book.save(tmp_path / "w.xlsx")
    table, refused = read_weather(tmp_path / "w.xlsx")
    assert codes(refused) == ["WEATHER-MISSING"] and "rain_mm is missing on 1 days" in refused[0].reason
    assert table["tmax_c"].iloc[0] == 20.5 and np.isnan(table["rain_mm"].iloc[0])


def june(*rows: str) -> list[str]:
    return ["day;tmin_c;tmax_c;rain_mm", *(f"2021-06-{i:02d};{row}" for i, row in enumerate(rows, start=1))]


@pytest.mark.parametrize(
    ("rows", "guess"),
    [(["283;295;0"] * 4, "Kelvin"), (["50;77;0", "52;80;1", "49;60;0"], "Fahrenheit"), (["9;20;480"] * 3, "sum")],
)
def test_a_unit_is_asked_for_and_never_guessed(tmp_path: Path, rows: list[str], guess: str) -> None:
    with pytest.raises(BadInput, match=rf"is it .*{guess}.*\?") as caught:
        read_weather(write(tmp_path, *june(*rows)))
    assert caught.value.refusal.code == "WEATHER-UNIT"
    assert "может быть, это" in reason(caught.value.refusal, "ru") and guess not in reason(caught.value.refusal, "ru")


@pytest.mark.parametrize("heading", ["radiation", "srad", "vapour_pressure"])
def test_where_no_unit_is_usual_it_has_to_stand_there(tmp_path: Path, heading: str) -> None:
    path = write(tmp_path, f"day;tmin_c;tmax_c;rain_mm;{heading}", "2021-06-01;10;20;0;15")
    with pytest.raises(BadInput, match="unit of column"):
        read_weather(path)


def test_radiation_in_joules_under_a_heading_of_megajoules(tmp_path: Path) -> None:
    path = write(tmp_path, "day;tmin_c;tmax_c;rain_mm;srad_mj_m2", *(f"2021-06-0{i};10;20;0;2.1e7" for i in (1, 2, 3)))
    with pytest.raises(BadInput, match="or J/m2"):
        read_weather(path)


def test_wind_without_its_height_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "day;tmin_c;tmax_c;rain_mm;wind_m_s", "2021-06-01;10;20;0;3")
    with pytest.raises(BadInput, match="at which height"):
        read_weather(path)
    assert read_weather(path, wind_height_m=2.0)[0]["wind_height_m"].iloc[0] == 2.0


def test_what_cannot_be_is_left_out_and_told(tmp_path: Path) -> None:
    rows = ["10;20;0"] * 200
    lines = [
        "day;tmin_c;tmax_c;tmean_c;rain_mm",
        *(f"{day:%Y-%m-%d};10;20;15;0" for day in pd.date_range("2021-03-01", periods=len(rows))),
    ]
    lines[10] = "2021-03-10;21;20;;0"
    lines[20] = "2021-03-20;10;20;15;-3"
    lines[30] = "2021-03-30;10;20;15;-0,01"
    lines[40] = "2021-04-09;10;99;15;0"
    lines[50] = "2021-04-19;10;20;40;0"
    lines[60] = "2021-04-29;10;oops;15;0"
    table, refused = read_weather(write(tmp_path, *lines))
    assert sorted(codes(refused)) == ["WEATHER-CELL"] + ["WEATHER-IMPOSSIBLE"] * 4
    told = "\n".join(refusal.reason for refusal in refused)
    assert "row 11: tmin_c 21, tmax_c 20" in told and "row 21: rain_mm -3" in told and "row 61: tmax_c is oops" in told
    assert table["tmin_c"].isna().sum() == 2 and table["tmax_c"].isna().sum() == 4
    assert table["rain_mm"].isna().sum() == 1 and table["rain_mm"].min() == 0
    assert len(table) == 200


def test_a_day_twice(tmp_path: Path) -> None:
    lines = [f"{day:%Y-%m-%d};10;20;0" for day in pd.date_range("2021-06-01", periods=200)]
    path = write(tmp_path, "day;tmin_c;tmax_c;rain_mm", *lines, lines[3], "2021-06-09;10;20;7")
    table, refused = read_weather(path)
    assert codes(refused) == ["WEATHER-TWICE", "WEATHER-GAP"]
    assert "2021-06-09" in refused[0].reason
    assert len(table) == 200 and np.isnan(table.set_index("day")["rain_mm"]["2021-06-09"])
    assert table.set_index("day")["rain_mm"]["2021-06-04"] == 0


def test_hourly_weather_is_asked_about(tmp_path: Path) -> None:
    lines = [f"2021-06-01 {hour:02d}:00;{hour};{hour + 1};0" for hour in range(24)]
    with pytest.raises(BadInput, match="by the hour"):
        read_weather(write(tmp_path, "day;tmin_c;tmax_c;rain_mm", *lines))


def test_gaps_and_an_early_end_are_named(tmp_path: Path) -> None:
    days = [*pd.date_range("2021-05-01", "2021-05-10"), *pd.date_range("2021-05-14", "2021-06-12")]
    lines = [f"{place};{day:%Y-%m-%d};10;20;0" for place in ("topki", "mariinsk") for day in days]
    table, refused = read_weather(write(tmp_path, "place;day;tmin_c;tmax_c;rain_mm", *lines), until=date(2021, 8, 31))
    assert codes(refused) == ["WEATHER-GAP", "WEATHER-ENDS"] * 2
    assert "mariinsk has no weather from 2021-05-11 to 2021-05-13" in refused[0].reason
    assert "ends on 2021-06-12, 2021-08-31 is needed; the moisture balance holds to 2021-06-12" in refused[1].reason
    assert len(table) == 2 * 43 and table["rain_mm"].isna().sum() == 6
    assert (table.groupby("place")["day"].diff().dropna() == pd.Timedelta(days=1)).all()


def test_a_decimal_comma_between_commas_is_told(tmp_path: Path) -> None:
    path = write(
        tmp_path, "day,tmin_c,tmax_c,rain_mm", "2021-06-01,10,20,0", "2021-06-02,10,5,20,0", "2021-06-03,9,20,0"
    )
    table, refused = read_weather(path)
    assert codes(refused) == ["WEATHER-CELLS", "WEATHER-GAP"]
    assert "decimal comma" in refused[0].reason and "row 3" in refused[0].reason
    assert table["tmin_c"].tolist()[::2] == [10.0, 9.0]


@pytest.mark.parametrize(
    ("heading", "match"),
    [
        ("day;tmin_c;tmax_c", "rain_mm must be there"),
        ("day;tmin_c;rain_mm", "tmin_c, tmax_c must be there"),
        ("day;tmin_c;tmax_c;rain_mm;osadki", "unknown column osadki"),
        ("day;tmin_c;tmax_c;rain_mm;rain_mm", "every column once"),
        ("day;tmin_c;tmax_c;rain_furlong", "unit of column rain_furlong"),
    ],
)
def test_a_heading_that_does_not_do(tmp_path: Path, heading: str, match: str) -> None:
    with pytest.raises(BadInput, match=match):
        read_weather(write(tmp_path, heading, ";".join(["2021-06-01"] + ["1"] * heading.count(";"))))


def test_no_rows_no_days(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no rows"):
        read_weather(write(tmp_path, "day;tmin_c;tmax_c;rain_mm"))
    with pytest.raises(BadInput, match="no row has a day"):
        read_weather(write(tmp_path, "day;tmin_c;tmax_c;rain_mm", "31.31.2021;1;2;0"))
    with pytest.raises(BadInput, match="no row has a day"):
        read_weather(write(tmp_path, "day;tmin_c;tmax_c;rain_mm", "1 июня;1;2;0"))


def test_evaporation_alone_may_stand_for_temperatures(tmp_path: Path) -> None:
    table, _ = read_weather(write(tmp_path, "day;rain_mm;et0_mm", "2021-06-01;0;4.5"))
    assert table["et0_mm"].iloc[0] == 4.5 and np.isnan(table["tmax_c"].iloc[0])


def test_a_folder_is_read_file_by_file_and_a_bad_one_sinks_no_other(tmp_path: Path) -> None:
    write(tmp_path, *june("10;20;0"), name="topki.csv")
    write(tmp_path, *june("10;20;1"), name="mariinsk.csv")
    write(tmp_path, *june("283;295;0", "283;295;0"), name="kemerovo.csv")
    table, refused = read_weather(tmp_path)
    assert table["place"].tolist() == ["mariinsk", "topki"] and codes(refused) == ["WEATHER-UNIT"]
    for name in ("topki.csv", "mariinsk.csv"):
        (tmp_path / name).unlink()
    with pytest.raises(BadInput, match="no file of this folder"):
        read_weather(tmp_path)
