from typing import Any

import pytest

from agro.domain.errors import BadInput
from agro.sources.stac_scale import scale_and_offset

OLD, NEW = "02.14", "05.09"


def asset(**band: Any) -> dict[str, Any]:
    return {"raster:bands": [band]}


@pytest.mark.parametrize(
    ("described", "baseline", "applied", "expected"),
    [
        (asset(scale=1e-4, offset=-0.1), NEW, False, (1e-4, -0.1)),
        (asset(scale=1e-4, offset=0), OLD, False, (1e-4, 0.0)),
        (asset(scale=1e-4, offset=0), None, False, (1e-4, 0.0)),
        (asset(scale=1e-4, offset=-0.7), NEW, False, (1e-4, -0.7)),
        (asset(scale=1e-4, offset=-0.1), OLD, False, (1e-4, -0.1)),  # what the item says, whatever its baseline
        (asset(scale=1e-4), OLD, False, (1e-4, 0.0)),
        ({"bands": [{"raster:scale": 1e-4, "raster:offset": -0.1}]}, NEW, False, (1e-4, -0.1)),
        ({"raster:scale": 1e-4, "raster:offset": -0.1}, NEW, False, (1e-4, -0.1)),
        ({}, OLD, False, (1e-4, 0.0)),
        ({}, NEW, False, (1e-4, -0.1)),
        (asset(scale=1e-4, offset=-0.1), NEW, True, (1e-4, 0.0)),  # already in the counts: never twice
        ({}, NEW, True, (1e-4, 0.0)),
    ],
)
def test_what_an_item_says(
    described: dict[str, Any], baseline: str | None, applied: bool, expected: tuple[float, float]
) -> None:
    assert scale_and_offset(described, baseline, applied, "x") == expected


@pytest.mark.parametrize(
    ("described", "baseline", "code"),
    [
        ({}, None, "RASTER-SCALE"),
        ({}, "unknown", "RASTER-SCALE"),
        (asset(offset=-0.1), NEW, "RASTER-SCALE"),
        (asset(scale=1e-4), NEW, "RASTER-OFFSET"),
        (asset(scale=1e-4), None, "RASTER-OFFSET"),
        (asset(scale=True, offset=0), OLD, "RASTER-SCALE-VALUE"),
        (asset(scale=float("nan"), offset=0), OLD, "RASTER-SCALE-VALUE"),
        (asset(scale=1e-4, offset=-1000), NEW, "RASTER-SCALE-VALUE"),
    ],
)
def test_what_it_leaves_open_is_refused(described: dict[str, Any], baseline: str | None, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        scale_and_offset(described, baseline, False, "x")
    assert refused.value.refusal.code == code
