"""Real soil: field data sets with places of samples, and a laboratory's report joined with the points of its grid."""

import re
import zipfile
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from agro.agromaps.fertility import classes_from, classes_of, classify
from agro.agromaps.soil import choose_method, tell_at
from agro.agromaps.soil_methods import Ground, fit_methods
from agro.agromaps.soil_skill import NORMAL_90
from agro.domain.errors import BadInput
from agro.domain.soil import Bounds
from agro.reports.words import reason, remedy
from agro.sources.soil_headings import Said
from agro.sources.soil_samples import read_soil_samples
from flows.settings import CONFIGS


def lime_soda(name: str, target: str) -> tuple[pd.DataFrame, list[str], np.ndarray]:
    loaded = pytest.importorskip("LimeSoDa").load_dataset(name)
    table, places = loaded["Dataset"], np.asarray(loaded["Coordinates"], float)
    covariates = [column for column in table if not column.endswith("_target")]
    samples = table.assign(value=table[f"{target}_target"], x_m=places[:, 0], y_m=places[:, 1])
    return samples, covariates, np.asarray(loaded["Folds"])


@pytest.mark.parametrize(
    ("name", "target", "least_r2"), [("MGS.101", "Clay", 0.70), ("BB.72", "pH", 0.45), ("G.104", "SOC", 0.30)]
)
def test_the_choice_beats_the_forest_or_comes_near_on_fields_of_others(name: str, target: str, least_r2: float) -> None:
    """Outer folds are the package's own, the choice sees the training part only."""
    samples, covariates, fold = lime_soda(name, target)
    told, forest, inside = (np.empty(len(samples)) for _ in range(3))
    for number in np.unique(fold):
        rest, gone = samples[fold != number], samples[fold == number]
        value, error = tell_at(rest, gone, choose_method(rest, covariates))
        told[fold == number], inside[fold == number] = value, np.abs(value - gone["value"]) <= NORMAL_90 * error
        first, last = (
            Ground(part[["x_m", "y_m"]].to_numpy(), part[covariates].to_numpy(), np.zeros(len(part)))
            for part in (rest, gone)
        )
        forest[fold == number] = fit_methods(first, rest["value"].to_numpy(), ("forest",))["forest"](last)[0]
    r2 = [1 - ((samples["value"] - by) ** 2).mean() / samples["value"].var(ddof=0) for by in (told, forest)]
    assert r2[0] > least_r2 and r2[0] > r2[1] - 0.02
    assert 0.85 <= inside.mean() <= 0.99


def test_a_laboratorys_report_of_a_real_field_from_table_to_classes(real: Path, tmp_path: Path) -> None:
    """Figures of the report, points of the sampling grid; headings as a Russian laboratory would write them."""
    folder = real / "soil" / "modus" / "bigdemo"
    zipfile.ZipFile(folder / "locations-shp.zip").extractall(tmp_path)
    points = gpd.read_file(next(tmp_path.rglob("*.shp"))).to_crs(4326)
    rows = []
    for sample in re.findall(r"<SoilSample>.*?</SoilSample>", (folder / "hand-modus.xml").read_text(), re.DOTALL):
        number = re.search(r"<SampleNumber>(\d+)<", sample)
        figures = dict(re.findall(r"<Element>(\w+)</Element><Value>([\d.]+)<", sample))
        assert number is not None
        rows.append((int(number[1]), figures))
    assert len(rows) == len(points) >= 10
    lines = ["№ образца;Широта;Долгота;Глубина, см;Гумус, %;К2О, мг/кг;S, мг/кг"]
    for (number, figures), point in zip(rows, points.geometry, strict=True):
        cells = [
            number,
            point.y,
            point.x,
            "0-20",
            figures["OM"],
            float(figures["K"]) * 1.2046,
            figures.get("SO4-S", ""),
        ]
        lines.append(";".join(str(cell).replace(".", ",") for cell in cells))
    path = tmp_path / "отчёт.csv"
    path.write_bytes("\r\n".join(lines).encode("cp1251"))
    outline = points.to_crs(points.estimate_utm_crs()).union_all().convex_hull.buffer(30)
    fields = gpd.GeoDataFrame(
        {"field_id": ["enyart-east-50"]}, geometry=[outline], crs=points.estimate_utm_crs()
    ).to_crs(4326)
    bounds = {
        ("humus_pct", ""): Bounds(0.1, 25, 0.5, 15),
        ("k2o_mg_kg", ""): Bounds(0, 3000, 25, 900),
        ("s_mg_kg", ""): Bounds(0, 500, 0.5, 100),
    }
    said = Said(methods={"k2o_mg_kg": "maslova"}, sampled_on=date(2021, 9, 24))
    samples, refused = read_soil_samples(path, fields, bounds, date(2026, 1, 1), said)
    assert not refused and len(samples) == len(points) and set(samples["field_id"]) == {"enyart-east-50"}
    assert samples["humus_pct"].between(0.5, 10).all() and samples["k2o_mg_kg"].between(50, 600).all()
    metres = samples.to_crs(samples.estimate_utm_crs())
    table = pd.DataFrame(
        {"x_m": metres.geometry.x, "y_m": metres.geometry.y, "value": samples["k2o_mg_kg"].astype(float)}
    )
    choice = choose_method(table, [], logarithmic=True)
    assert choice.surface or choice.reason is not None
    value, error = tell_at(table, table, choice)
    assert np.isfinite(value).all() and (error > 0).all()
    import tomllib

    tables = classes_from(tomllib.loads((CONFIGS / "soils.toml").read_text())["classes"])
    assert set(classify(value, classes_of("k2o_mg_kg", "maslova", tables))) <= {1, 2, 3, 4, 5, 6}


def test_a_foreign_laboratorys_table_is_refused_with_what_it_lacks(real: Path) -> None:
    """Days of receipt are no days of sampling, `Depth` says no unit, and there is neither field nor place."""
    fields = gpd.GeoDataFrame({"field_id": ["f"]}, geometry=gpd.points_from_xy([0], [0]).buffer(1), crs=4326)
    for path in sorted((real / "soil" / "modus" / "bigdemo").glob("TOKA*.csv")):
        with pytest.raises(BadInput) as met:
            read_soil_samples(path, fields, {}, date(2026, 1, 1))
        assert met.value.refusal.code in ("SOIL-MISSING", "SOIL-COLUMN-TWICE")


def test_every_real_file_is_read_or_refused_with_what_to_do_in_russian(real: Path) -> None:
    """Modus XML, RData, a zip, spreadsheets of other laboratories: a sentence each, and nothing is guessed."""
    fields = gpd.GeoDataFrame({"field_id": ["f"]}, geometry=gpd.points_from_xy([0], [0]).buffer(1), crs=4326)
    expected = {".xml": "SOIL-FORMAT", ".RData": "SOIL-FORMAT", ".zip": "SOIL-FORMAT", ".md": "SOIL-FORMAT"}
    met = {}
    for path in sorted(p for p in (real / "soil").rglob("*") if p.is_file()):
        with pytest.raises(BadInput) as told:
            read_soil_samples(path, fields, {}, date(2026, 1, 1))
        met[path.name] = told.value.refusal
        assert path.name in reason(told.value.refusal, "ru") and re.search("[а-я]{4}", remedy(told.value.refusal, "ru"))
        assert told.value.refusal.code == expected.get(path.suffix, told.value.refusal.code)
    assert len(met) >= 10
    assert "Дата отбора" in reason(met["kuoexample1.xlsx"], "ru")
