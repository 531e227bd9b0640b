import pickle

import pytest

from agro.domain.errors import AgroError, BadInput, Refusal, Told, TornFile
from agro.domain.layers import LAYERS


def test_a_refusal_says_where_what_and_what_to_do() -> None:
    error = TornFile("RASTER-MISSING", "{where}: the file is not there", "download it again", where="B04.tif")
    told = error.about(acquisition_id="S2_x").as_json()
    assert told == {
        "acquisition_id": "S2_x",
        "field_id": None,
        "code": "RASTER-MISSING",
        "reason": "B04.tif: the file is not there",
        "remedy": "download it again",
    }
    assert str(error) == "RASTER-MISSING: B04.tif: the file is not there"


def test_refusals_cross_process_borders() -> None:
    error = BadInput("X", "{where}: bad", "mend", where=Told("{file}, row {n}", {"file": "a.csv", "n": 3}))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes
    assert isinstance(again, BadInput)
    assert isinstance(again, AgroError)
    assert again.refusal == error.refusal
    assert again.refusal.reason == "a.csv, row 3: bad"


def test_a_text_without_its_fact_is_a_defect() -> None:
    with pytest.raises(KeyError):
        _ = Refusal("X", "{where}: bad", "mend").reason


@pytest.mark.parametrize("layer", LAYERS.values(), ids=lambda layer: layer.name)
def test_every_layers_range_fits_its_encoding(layer) -> None:  # type: ignore[no-untyped-def]
    limits = {"int16": (-32767, 32767), "int32": (-(2**31) + 1, 2**31 - 1), "uint8": (0, 255)}[layer.dtype]
    stored = (layer.lowest / layer.step, layer.highest / layer.step)
    assert limits[0] <= stored[0] <= stored[1] <= limits[1]
    assert layer.unit and layer.meaning and layer.resolution_m in (10, 20, 40)
