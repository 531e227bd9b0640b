"""Real items and SAFE metadata of several baselines: the offset that we read is the one that the product has."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agro.domain.errors import BadInput
from agro.imagery.overpass import overpasses
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


@pytest.mark.parametrize("name", ["flanders-2018", "flanders-2019"])
def test_every_real_look_was_predicted_from_the_repeat_cycle(real: Path, name: str) -> None:
    """118 and 146 real passes: each lies within minutes of a predicted overpass of its place."""
    items = [json.loads(p.read_text()) for p in (real / name / "catalog" / "sentinel-2-l2a").glob("*/*.json")]
    times = sorted(datetime.fromisoformat(item["properties"]["datetime"]) for item in items)
    west, south, east, north = items[0]["bbox"]
    since = times[0] - timedelta(days=1)
    days = (times[-1] - since).days + 2
    predicted = overpasses((west + east) / 2, (south + north) / 2, since, days)
    nearest = [min((look.at - at for look in predicted), key=abs) for at in times]
    # an item's time is the start of its datatake, up to some minutes before the satellite is over the place
    assert timedelta(minutes=-2) < min(nearest) and max(nearest) < timedelta(minutes=10)
    assert len(predicted) / days == pytest.approx(0.4, abs=0.02)  # four looks in ten days: the claim is not idle
    for item in items:  # and from the right side: the satellite stands where the item says that it was looked from
        at = datetime.fromisoformat(item["properties"]["datetime"])
        look = min(predicted, key=lambda one: abs(one.at - at))
        if abs(look.off_track_km) > 40:
            assert (look.off_track_km > 0) == (item["properties"]["view:azimuth"] > 180)
