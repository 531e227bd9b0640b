"""Crops told from above: features of a season, honest splits, silence, the file."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from agro.domain.errors import BadInput
from agro.region.crops import crop_areas
from agro.store.fitted import ALLOWED_TYPES, to_skops
from models.crop_features import crop_features, feature_names
from models.crop_file import as_content, model_of
from models.crop_types import OTHER, CropRules, fit, merged, predict

RULES = CropRules(fewest_fields=5, fewest_groups=4, folds=4, least_probability=0.6, hull_margin=1.25)
PERIOD = ("04-25", "09-30")


def table(farms: int = 8, noise: float = 0.05, seed: int = 1) -> pd.DataFrame:
    """Two crops that differ in two of four features, and a farm's own shift."""
    random = np.random.default_rng(seed)
    rows = []
    for farm in range(farms):
        for n in range(6):
            crop = ("wheat", "rape")[n % 2]
            base = np.array([0.3, 0.8, 0.5, 0.2]) + (n % 2) * np.array([0.3, -0.3, 0.0, 0.0])
            values = base + random.normal(0, noise, 4)
            about = {
                "unit_id": f"f{farm}-{n}",
                "season": 2020,
                "group": f"farm{farm}",
                "area_ha": 10.0 + n,
                "crop": crop,
            }
            rows.append({**about, **{f"ndvi_{i}": v for i, v in enumerate(values)}})
    return pd.DataFrame(rows)


NAMES = [f"ndvi_{i}" for i in range(4)]


def test_crops_that_differ_are_told_from_farms_that_were_not_seen() -> None:
    model = fit(table(), NAMES, RULES)
    assert model.chosen != "majority"
    assert (model.left_out["told"] == model.left_out["observed"]).mean() > 0.95
    told = predict(model, table(seed=2))
    assert (told["crop"] == table(seed=2)["crop"]).mean() > 0.95


def test_where_nothing_differs_the_commonest_crop_speaks_and_is_not_told() -> None:
    """A coin cannot be told: half of the fields grow either, so that no probability reaches the least."""
    flat = table().assign(**dict.fromkeys(NAMES, 0.5))
    model = fit(flat, NAMES, RULES)
    assert model.chosen == "majority"
    told = predict(model, flat)
    assert told["crop"].isna().all() and {why.code for why in told["why"]} == {"CROP-UNSURE"}


def test_a_field_that_was_hardly_seen_or_is_like_none_is_not_told() -> None:
    model = fit(table(), NAMES, RULES)
    asked = table(seed=3).head(3)
    asked.loc[0, NAMES[:3]] = np.nan
    asked.loc[1, NAMES] = 9.0
    why = predict(model, asked)["why"]
    assert (why[0].code, why[1].code, why[2]) == ("CROP-UNSEEN", "CROP-UNLIKE", None)


def test_rare_crops_count_as_other_and_too_few_are_refused() -> None:
    rare = table()
    rare.loc[:2, "crop"] = "lupin"
    assert OTHER in fit(rare, NAMES, RULES).classes and "lupin" not in fit(rare, NAMES, RULES).classes
    with pytest.raises(BadInput, match="CROP-FEW"):
        fit(table(farms=3), NAMES, RULES)
    with pytest.raises(BadInput, match="CROP-FEW"):
        fit(table().assign(crop="wheat"), NAMES, RULES)


def test_no_field_of_a_left_out_farm_teaches_its_own_answer() -> None:
    """Each farm's fields carry a mark that names the crop; left out, the mark is worth nothing."""
    marked = table(noise=0.0).assign(**dict.fromkeys(NAMES[1:], 0.5))
    marked["ndvi_0"] = np.arange(len(marked)) / len(marked)
    marked["crop"] = np.where(
        np.random.default_rng(4).random(8)[marked["group"].str[4:].astype(int)] < 0.5, "wheat", "rape"
    )
    model = fit(marked, NAMES, RULES)
    assert (model.left_out["forest"] == model.left_out["observed"]).mean() < 0.8


def test_the_same_model_comes_back_from_its_file() -> None:
    import skops.io

    model = fit(table(), NAMES, RULES)
    content = to_skops(as_content(model))
    assert set(skops.io.get_untrusted_types(data=content)) <= set(ALLOWED_TYPES)
    back = model_of(skops.io.loads(content, trusted=list(ALLOWED_TYPES)))
    asked = table(seed=5)
    assert predict(back, asked)["probability"].tolist() == predict(model, asked)["probability"].tolist()
    assert back.left_out["told"].tolist() == model.left_out["told"].tolist()


def test_nobody_asked_is_nothing_told() -> None:
    assert predict(fit(table(), NAMES, RULES), table().head(0)).empty


def test_spring_cereals_are_one_class() -> None:
    groups = {"spring_cereals": ["spring_wheat", "oats"]}
    assert merged(pd.Series(["oats", "pea"]), groups).tolist() == ["spring_cereals", "pea"]


def test_features_are_lines_between_looks_and_unknown_far_from_them() -> None:
    days = [date(2021, 4, 25) + timedelta(days=n) for n in (0, 30, 150)]
    looks = pd.DataFrame({"field_id": "a", "season": 2021, "day": days, "ndvi": [0.2, 0.8, 0.4]})
    told = crop_features(looks, PERIOD, 15, 30.0).iloc[0]
    assert told["ndvi_0425"] == pytest.approx(0.2) and told["ndvi_0510"] == pytest.approx(0.5)
    assert np.isnan(told["ndvi_0724"]) and told["ndvi_max"] == pytest.approx(0.8)
    assert feature_names(crop_features(looks, PERIOD, 15, 30.0))[0] == "ndvi_0425"


def test_areas_follow_what_was_mistaken_and_add_up() -> None:
    left_out = pd.DataFrame(
        {
            "told": ["wheat"] * 8 + ["rape"] * 4 + [None] * 4,
            "observed": ["wheat"] * 6 + ["rape"] * 2 + ["rape"] * 4 + ["wheat"] * 2 + ["rape"] * 2,
            "area_ha": 10.0,
            "group": [f"g{n % 4}" for n in range(16)],
        }
    )
    told = pd.DataFrame(
        {"district": "d", "crop": ["wheat", "wheat", "rape", None], "area_ha": [40.0, 40.0, 20.0, 20.0]}
    )
    areas = crop_areas(told, left_out).set_index("crop")
    assert areas.loc["wheat", "area_ha"] == pytest.approx(80 * 0.75 + 20 * 0.5)
    assert areas["area_ha"].sum() == pytest.approx(120) and areas.loc["wheat", "se_ha"] > 0


def test_what_nobody_could_check_stays_not_told() -> None:
    left_out = pd.DataFrame({"told": ["wheat", "wheat"], "observed": "wheat", "area_ha": 10.0, "group": ["a", "b"]})
    told = pd.DataFrame({"district": "d", "crop": ["wheat", None], "area_ha": [10.0, 5.0]})
    areas = crop_areas(told, left_out).set_index("crop")
    assert areas.loc["not told", "area_ha"] == 5.0 and np.isnan(areas.loc["not told", "se_ha"])
