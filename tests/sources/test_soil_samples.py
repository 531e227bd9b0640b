import json
from datetime import date
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box

from agro.domain.errors import BadInput, Refusal
from agro.domain.soil import SAMPLE_COLUMNS, Bounds
from agro.sources.soil_headings import Said, method_of, read_headings
from agro.sources.soil_samples import read_soil_samples

TODAY = date(2026, 6, 1)
FIELDS = gpd.GeoDataFrame(
    {"field_id": ["f1", "f2"]}, geometry=[box(85.60, 55.20, 85.62, 55.21), box(85.63, 55.20, 85.65, 55.21)], crs=4326
)
BOUNDS = {
    ("humus_pct", ""): Bounds(0.1, 25, 0.5, 15),
    ("ph_kcl", ""): Bounds(2.5, 9.5, 3.5, 8.5),
    ("p2o5_mg_kg", ""): Bounds(0, 2000, 20, 600),
    ("p2o5_mg_kg", "machigin"): Bounds(0, 400, 4.5, 150),
    ("k2o_mg_kg", ""): Bounds(0, 3000, 25, 900),
    ("s_mg_kg", ""): Bounds(0, 500, 0.5, 100),
    ("n_no3_mg_kg", ""): Bounds(0, 300, 0.5, 120),
}
HEAD = "№ образца;Поле;Широта;Долгота;Глубина, см;Дата отбора;Гумус, %;рН(KCl);Р2О5 (по Чирикову), мг/кг;S, мг/кг"
GOOD = "1;f1;55,205;85,61;0-20;12.05.2024;6,4;5,3;120;<1,5"


def read(path: Path, said: Said | None = None):  # type: ignore[no-untyped-def]
    return read_soil_samples(path, FIELDS, BOUNDS, TODAY, said)


def table(folder: Path, *rows: str, head: str = HEAD, encoding: str = "utf-8") -> Path:
    path = folder / "lab.csv"
    path.write_bytes("\r\n".join([head, *rows]).encode(encoding))
    return path


def codes(refused: list[Refusal]) -> list[str]:
    return [refusal.code for refusal in refused]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
def test_a_table_as_a_russian_laboratory_writes_it(tmp_path: Path, encoding: str) -> None:
    samples, refused = read(table(tmp_path, GOOD, ";;;;;;;;;", encoding=encoding))
    assert not refused
    assert list(samples.columns) == [*SAMPLE_COLUMNS, "geometry"] and samples.crs.to_epsg() == 4326
    row = samples.iloc[0]
    assert (row["sample_id"], row["field_id"], row["support"]) == ("1", "f1", "point")
    assert (row["depth_from_cm"], row["depth_to_cm"], row["sampled_on"]) == (0, 20, date(2024, 5, 12))
    assert (row["humus_pct"], row["ph_kcl"], row["p2o5_mg_kg"], row["p2o5_method"]) == (6.4, 5.3, 120, "chirikov")
    assert (row["s_mg_kg"], row["below_detection"]) == (1.5, "s_mg_kg")
    assert row["k2o_mg_kg"] is None and row["k2o_method"] is None
    assert (row.geometry.x, row.geometry.y) == (85.61, 55.205)


def test_milligrams_in_100_grams_are_ten_times_as_many_in_a_kilogram(tmp_path: Path) -> None:
    head = HEAD.replace("(по Чирикову), мг/кг", "по Чирикову, мг/100 г")
    samples, refused = read(table(tmp_path, GOOD.replace(";120;", ";12,5;"), head=head))
    assert not refused and samples["p2o5_mg_kg"].tolist() == [125.0]


def test_a_column_whose_figures_contradict_its_unit_is_left_out(tmp_path: Path) -> None:
    rows = [GOOD.replace("1;f1", f"{i};f1", 1).replace(";120;", f";{8 + i};") for i in range(6)]
    samples, refused = read(table(tmp_path, *rows))
    assert codes(refused) == ["SOIL-UNIT-VALUES"] and len(samples) == 6
    assert samples["p2o5_mg_kg"].isna().all() and samples["p2o5_method"].isna().all()
    assert samples["humus_pct"].tolist() == [6.4] * 6
    same_by_machigin = HEAD.replace("Чирикову", "Мачигину")
    samples, refused = read(table(tmp_path, *rows, head=same_by_machigin))
    assert not refused and samples["p2o5_mg_kg"].tolist() == [8, 9, 10, 11, 12, 13]


def test_a_workbook_and_a_geopackage_give_the_same(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["sample_id", "lat", "lon", "depth_from_cm", "depth_to_cm", "sampled_on", "k2o_mg_kg", "метод"])
    book.active.append([7, 55.205, 85.61, 0, 20, date(2024, 5, 12), 101.5, "ГОСТ Р 54650-2011"])
    book.save(tmp_path / "lab.xlsx")
    made = gpd.GeoDataFrame(
        {
            "sample_id": [7],
            "depth_cm": ["0-20 см"],
            "sampled_on": ["2024-05-12"],
            "k2o_mg_kg": [101.5],
            "method": ["kirsanov"],
        },
        geometry=[Point(85.61, 55.205)],
        crs=4326,
    )
    made.to_crs(32645).to_file(tmp_path / "lab.gpkg", engine="pyogrio")
    read_both = [read(tmp_path / name) for name in ("lab.xlsx", "lab.gpkg")]
    assert [refused for _, refused in read_both] == [[], []]
    (one, _), (other, _) = read_both
    assert one.geometry.iloc[0].distance(other.geometry.iloc[0]) < 1e-9
    assert one.drop(columns="geometry").equals(other.drop(columns="geometry"))
    assert one["k2o_method"].tolist() == ["kirsanov"] and one["field_id"].tolist() == ["f1"]


def test_plots_belong_to_the_field_that_holds_most_of_them(tmp_path: Path) -> None:
    plots = {"a": box(85.601, 55.201, 85.605, 55.205), "b": box(85.619, 55.202, 85.624, 55.204)}
    features = [
        {
            "type": "Feature",
            "properties": {"sample": name, "Гумус, %": 5.0, "Глубина, см": "0-20"},
            "geometry": plot.__geo_interface__,
        }
        for name, plot in plots.items()
    ]
    path = tmp_path / "plots.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    samples, refused = read(path, Said(sampled_on=date(2023, 5, 1), laboratory="ЦАС"))
    assert samples[["sample_id", "support", "field_id", "laboratory"]].values.tolist() == [["a", "plot", "f1", "ЦАС"]]
    assert codes(refused) == ["SOIL-OUTSIDE"]


def test_a_mixed_sample_of_a_whole_field_needs_no_coordinates(tmp_path: Path) -> None:
    head = "образец;поле;глубина, см;дата отбора;гумус, %"
    samples, refused = read(table(tmp_path, "1;f2;0-20;01.05.2024;5", "2;f9;0-20;01.05.2024;5", head=head))
    assert samples["support"].tolist() == ["field"] and samples.geometry.iloc[0].equals(FIELDS.geometry[1])
    assert codes(refused) == ["SOIL-FIELD"]


@pytest.mark.parametrize(
    ("row", "code", "says"),
    [
        (GOOD.replace("85,61", "85,625"), "SOIL-OUTSIDE", "318 m"),
        (GOOD.replace("55,205;85,61", "85,61;55,205"), "SOIL-SWAPPED", "exchanged"),
        (GOOD.replace("55,205;85,61", "55 12 18;85,61"), "SOIL-COORDINATE", "55 12 18"),
        (GOOD.replace("1;f1", "1;f2"), "SOIL-OTHER-FIELD", "f2"),
        (GOOD.replace(";5,3;", ";53;"), "SOIL-RANGE", "53"),
        (GOOD.replace(";5,3;", ";-5,3;"), "SOIL-RANGE", "-5.3"),
        (GOOD.replace(";120;", ";12О;"), "SOIL-NUMBER", "12О"),
        (GOOD.replace("12.05.2024", "12.05.2027"), "SOIL-DATE", "2027-05-12"),
        (GOOD.replace("12.05.2024", "5/12/24"), "CSV-DATE", "5/12/24"),
        (GOOD.replace("12.05.2024", ""), "CSV-CELL", "sampled_on"),
        (GOOD.replace("0-20", "пахотный"), "SOIL-DEPTH", "пахотный"),
        (GOOD.replace("0-20", "20-0"), "SOIL-DEPTH", "20-0"),
        (GOOD.replace("1;f1", ";f1"), "CSV-CELL", "sample_id"),
        (GOOD.replace("55,205;85,61", "55,205;"), "SOIL-NOWHERE", "both"),
        ("1;f1;55,2", "CSV-ROW", "3 cells"),
    ],
)
def test_a_bad_row_is_refused_by_its_number_and_does_not_sink_the_rest(
    tmp_path: Path, row: str, code: str, says: str
) -> None:
    samples, refused = read(table(tmp_path, row, GOOD.replace("1;f1", "2;f1")))
    assert samples["sample_id"].tolist() == ["2"]
    assert codes(refused) == [code] and says in refused[0].reason and "row 2" in refused[0].reason


def test_a_lost_comma_is_named_as_such(tmp_path: Path) -> None:
    _, refused = read(table(tmp_path, GOOD.replace(";5,3;", ";72;")))
    assert refused[0].as_json()["remedy"] == "the decimal comma looks lost: is it 7.2?"


def test_a_copy_is_dropped_and_a_contradiction_is_believed_on_neither_side(tmp_path: Path) -> None:
    samples, refused = read(table(tmp_path, GOOD, GOOD))
    assert len(samples) == 1 and codes(refused) == ["SOIL-TWICE"]
    other = GOOD.replace("1;f1", "2;f1")
    samples, refused = read(table(tmp_path, GOOD, GOOD.replace(";120;", ";210;"), other))
    assert samples["sample_id"].tolist() == ["2"] and codes(refused) == ["SOIL-CONFLICT"]


@pytest.mark.parametrize(
    ("head", "said", "codes_met"),
    [
        ("Р2О5, мг/кг", Said(), ["SOIL-NO-METHOD"]),
        ("Р2О5, мг/кг", Said(methods={"p2o5_mg_kg": "olsen"}), ["SOIL-METHOD"]),
        ("Р2О5 по Чирикову", Said(), ["SOIL-UNIT"]),
        ("Р, мг/кг", Said(), ["SOIL-TWO-MEANINGS"]),
        ("рН", Said(), ["SOIL-TWO-MEANINGS"]),
        ("Кальций, мг/кг", Said(), ["SOIL-COLUMNS"]),
        ("Р2О5, мг/кг", Said(methods={"p2o5_mg_kg": "chirikov"}), []),
        ("Р2О5", Said(methods={"p2o5_mg_kg": "chirikov"}, units={"p2o5_mg_kg": "mg/kg"}), []),
    ],
)
def test_no_unit_method_or_meaning_is_guessed(tmp_path: Path, head: str, said: Said, codes_met: list[str]) -> None:
    path = table(tmp_path, "1;f1;0-20;01.05.2024;5;120", head=f"образец;поле;глубина, см;дата отбора;гумус, %;{head}")
    samples, refused = read(path, said)
    assert codes(refused) == codes_met
    whole_row = codes_met == ["SOIL-NO-METHOD"]
    assert len(samples) == (0 if whole_row else 1)
    assert whole_row or (samples["p2o5_mg_kg"].iloc[0] == 120) == (not codes_met)


def test_metres_are_read_in_the_system_that_is_said_and_in_no_other(tmp_path: Path) -> None:
    metres = gpd.GeoSeries([Point(85.61, 55.205)], crs=4326).to_crs(32645).iloc[0]
    path = table(
        tmp_path, f"1;{metres.x};{metres.y};0-20;01.05.2024;5", head="образец;x;y;глубина, см;дата отбора;гумус, %"
    )
    with pytest.raises(BadInput) as met:
        read(path)
    assert met.value.refusal.code == "SOIL-MISSING"
    samples, refused = read(path, Said(crs="EPSG:32645"))
    assert not refused and samples.geometry.iloc[0].distance(Point(85.61, 55.205)) < 1e-8
    assert codes(read(path, Said(crs="EPSG:0"))[1]) == ["SOIL-CRS"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "CSV-EMPTY"),
        (HEAD, "CSV-EMPTY"),
        ("образец;гумус, %\n1;5", "SOIL-MISSING"),
        (f"{HEAD};Гумус %\n{GOOD};5", "SOIL-COLUMN-TWICE"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(text)
    with pytest.raises(BadInput) as met:
        read(path)
    assert met.value.refusal.code == code


def test_a_row_and_its_heading_may_not_name_two_methods(tmp_path: Path) -> None:
    _, refused = read(table(tmp_path, f"{GOOD};Кирсанов", head=f"{HEAD};Метод"))
    assert codes(refused) == ["SOIL-METHODS"]


@pytest.mark.parametrize(
    ("heading", "name", "factor", "method"),
    [
        ("Массовая доля подвижных соединений фосфора (ГОСТ 26204-91), млн-1", "p2o5_mg_kg", 1, "chirikov"),
        ("P₂O₅, мг на 100 г", "p2o5_mg_kg", 10, None),
        ("Обменный калий по Масловой, мг/кг", "k2o_mg_kg", 1, "maslova"),
        ("К2О mg/kg (Machigin)", "k2o_mg_kg", 1, "machigin"),
        ("рНсол.", "ph_kcl", 1, None),
        ("Азот нитратный, мг/кг", "n_no3_mg_kg", 1, None),
        ("Органическое вещество, %", "humus_pct", 1, None),
        ("Метод определения К2О", "k2o_method", 1, None),
        ("Сu, мг/кг", "cu_mg_kg", 1, None),
    ],
)
def test_headings(heading: str, name: str, factor: float, method: str | None) -> None:
    (column,), refused = read_headings([heading], Said(), "t")
    assert not refused and (column.name, column.factor, column.method) == (name, factor, method)


def test_a_slip_in_a_heading_is_told_with_what_it_was_meant_to_be() -> None:
    columns, (refused,) = read_headings(["Гумусс, %", "Кальций"], Said(), "t")
    assert not columns and "Гумусс, % -> humus_pct" in refused.as_json()["remedy"]


@given(st.text(max_size=40))
def test_no_heading_breaks_the_reading(heading: str) -> None:
    columns, refused = read_headings([heading], Said(), "t")
    assert len(columns) + len(refused) == (1 if heading.strip() else 0)
    assert method_of(heading) in (None, "chirikov", "kirsanov", "machigin", "maslova")


def test_a_table_without_one_good_row_and_a_table_without_fields(tmp_path: Path) -> None:
    samples, refused = read(table(tmp_path, GOOD.replace(";5,3;", ";53;")))
    assert (
        len(samples) == 0 and list(samples.columns) == [*SAMPLE_COLUMNS, "geometry"] and samples.crs.to_epsg() == 4326
    )
    assert codes(refused) == ["SOIL-RANGE"]
    with pytest.raises(BadInput, match="SOIL-NO-FIELDS"):
        read_soil_samples(table(tmp_path, GOOD), FIELDS.iloc[:0], BOUNDS, TODAY)
