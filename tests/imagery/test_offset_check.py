"""Leaves tell whether an offset belongs to its counts."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from workshop import figure

from agro.domain.errors import BadInput
from agro.imagery.offset_check import check_offset

LEAVES = np.full((12, 12), 4)


@pytest.mark.parametrize(("added", "code"), [(-0.1, "SCENE-OFFSET-TWICE"), (0.1, "SCENE-OFFSET-MISSING")])
def test_an_offset_too_many_and_one_too_few(added: float, code: str) -> None:
    red = np.linspace(0.02, 0.08, 144).reshape(12, 12)
    check_offset(red, LEAVES, "right")
    with pytest.raises(BadInput) as met:
        check_offset(red + added, LEAVES, "wrong")
    assert met.value.refusal.code == code


def test_soil_and_few_leaves_prove_nothing() -> None:
    red = np.full((12, 12), 0.25)
    check_offset(red, np.full((12, 12), 5), "bare")
    check_offset(red[:5], LEAVES[:5], "few")
    check_offset(np.full((12, 12), np.nan), LEAVES, "nothing measured")


def test_real_looks_are_told_apart(real: Path) -> None:
    """Every real look over vegetation is taken with its own offset and refused with one more or one less."""
    tried = 0
    for folder in sorted((real / "flanders-2018/catalog/sentinel-2-l2a").iterdir()):
        if not folder.is_dir():
            continue
        with rasterio.open(folder / "B04.tif") as counts, rasterio.open(folder / "SCL.tif") as scl:
            red, classes = counts.read(1) * 1e-4, scl.read(1).repeat(2, 0).repeat(2, 1)
        if (classes == 4).sum() < 100:
            continue
        check_offset(red, classes, folder.name)
        for added in (-0.1, 0.1):
            with pytest.raises(BadInput):
                check_offset(red + added, classes, folder.name)
        tried += 1
    assert tried > 50
    figure("An offset too many or too few, Flanders 2018", f"{tried} looks", "all told", "no right one refused")
