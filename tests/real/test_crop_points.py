"""Crop types of real fields: the points of the French register in Corsica and of surveys in Uganda and South Sudan."""

import sys
from pathlib import Path

import pytest

from models.crop_types import CropRules, fit, predict

sys.path.append(str(Path(__file__).parents[2] / "bench"))
from crop_types import africa_of, corsica_of, feature_names

from flows.settings import CONFIGS, facts

RULES = CropRules(**facts(CONFIGS / "crop_types.toml")["rules"])


def test_places_that_were_left_out_are_told_better_than_by_the_commonest_crop(real: Path) -> None:
    table = corsica_of(real / "worldcereal" / "worldcereal_points")
    model = fit(table, feature_names(table), RULES)
    told = model.left_out
    always = (told["forest"] == told["observed"]).mean()
    answered = told[told["told"].notna()]
    assert always > 1.3 * (told["majority"] == told["observed"]).mean()
    assert len(answered) > 30 and (answered["told"] == answered["observed"]).mean() > always + 0.15


def test_fields_of_another_country_are_hardly_told(real: Path) -> None:
    folder = real / "worldcereal" / "worldcereal_points"
    corsica, africa = corsica_of(folder), africa_of(folder)
    told = predict(fit(corsica, feature_names(corsica), RULES), africa)
    assert told["crop"].isna().mean() > 0.85


@pytest.mark.parametrize("where", [corsica_of, africa_of])
def test_every_point_has_a_class_and_most_of_its_year(real: Path, where) -> None:
    table = where(real / "worldcereal" / "worldcereal_points")
    assert len(table) == 500 and table["crop"].notna().all()
    assert table[feature_names(table)].notna().mean().mean() > 0.9
