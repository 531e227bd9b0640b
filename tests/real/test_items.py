"""Real items and SAFE metadata of several baselines: the offset that we read is the one that the product has."""

import json
import re
from pathlib import Path

import pytest

from agro.domain.errors import BadInput
from agro.sources.stac_scale import scale_and_offset


def test_the_offsets_of_published_items_are_those_of_their_metadata(real: Path) -> None:
    checked = 0
    for path in sorted((real / "stac-safe" / "stactools").glob("*/expected_output.json")):
        metadata = path.parent / "MTD_MSIL2A.xml"
        if not metadata.exists():
            continue
        xml, item = metadata.read_text(), json.loads(path.read_text())
        declared = re.findall(r'<BOA_ADD_OFFSET band_id="3">(-?\d+)<', xml)
        expected = int(declared[0]) / 10_000 if declared else 0.0
        baseline = re.search(r"<PROCESSING_BASELINE>([\d.]+)<", xml)
        assert baseline is not None
        told = scale_and_offset(item["assets"]["red"], item["properties"]["s2:processing_baseline"], False, path.name)
        by_baseline = scale_and_offset({}, baseline[1], False, path.name)
        assert told == by_baseline == (1e-4, expected)
        checked += 1
    assert checked >= 3


def test_real_items_without_a_scale(real: Path) -> None:
    """Planetary Computer declares none and its baseline tells; the oldest Earth Search items say nothing at all."""
    folder = real / "stac-safe" / "odc_stac"
    item = json.loads((folder / "S2B_MSIL2A_20190629T212529_R043_T06VVN_20201006T080531_raster_ext.json").read_text())
    assert scale_and_offset(item["assets"]["B04"], item["properties"]["s2:processing_baseline"], False, "x") == (
        1e-4,
        0.0,
    )
    bare = json.loads((folder / "S2A_28QCH_20200714_0_L2A.json").read_text())
    with pytest.raises(BadInput, match="RASTER-SCALE"):
        scale_and_offset(bare["assets"]["B04"], bare["properties"].get("s2:processing_baseline"), False, "x")
