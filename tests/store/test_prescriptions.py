import json

import geopandas as gpd
import pytest
from prescriptions import KCL, UREA, odd_field

from agro.domain.errors import Refusal, Told, TornFile
from agro.store.prescriptions import from_geojson, to_geojson


def test_out_and_back_without_loss(tmp_path) -> None:
    why = Refusal(
        "RX-NO-GAIN", "{field}: {met}", "do {what}", {"field": "a", "met": Told("{n} %", {"n": 3}), "what": "x"}
    )
    for one in (odd_field(5, (UREA, KCL)), odd_field(6)):
        assert from_geojson(to_geojson(one), "z") == one
    uniform = odd_field(7)
    uniform = type(uniform)(**{**vars(uniform), "why_uniform": why})
    again = from_geojson(to_geojson(uniform), "z")
    assert again == uniform and again.why_uniform.reason == "a: 3 %"
    (tmp_path / "zones.geojson").write_bytes(to_geojson(odd_field(5, (UREA, KCL))))
    table = gpd.read_file(tmp_path / "zones.geojson")
    assert {"zone", "area_ha", "rate_kg_ha:urea", "rate_kg_ha:kcl"} <= set(table.columns) and len(table) == 3


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b'{"agro:prescription": {"products": 1}}', json.dumps({"agro:prescription": 3}).encode()],
)
def test_something_else_ends_in_a_sentence(content: bytes) -> None:
    with pytest.raises(TornFile, match="PRESCRIPTION-TORN"):
        from_geojson(content, "zones.geojson")
