import io
from collections import Counter
from datetime import UTC, datetime

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from agro.domain.errors import BadInput, Refusal
from agro.domain.grid import Grid
from agro.domain.layers import VEGETATION, Quality
from agro.reports.field_map import FieldView, field_picture, overview_picture
from agro.reports.run_summary import Summary, as_text
from agro.reports.styles import STYLES

TORN = BadInput("RASTER-EMPTY", "{where}: the file has no bytes", "download it again", where="B04.tif")
WHY = Refusal("LAYER-BANDS", "the item names no asset for {met}", "take items that have it", {"met": "red"})
SUMMARY = Summary(
    acquisitions_found=5, published=3, already_published=1, failed=(TORN.about(acquisition_id="S2_x"),), fields=10,
    layers=("ndvi",), seconds=1.5, store="/s", clear_fraction=0.4, left_out={"ndvi": Counter({WHY.reason: 2})},
    left_out_why={"ndvi": WHY}, simulated=True,
)  # fmt: skip


def test_the_summary_counts_close_and_names_what_failed() -> None:
    told = SUMMARY.as_json()
    failed = [f for f in told["failed"] if f["acquisition_id"]]
    assert told["acquisitions_found"] == told["published"] + told["already_published"] + len(failed)
    assert failed[0] == {
        "acquisition_id": "S2_x",
        "field_id": None,
        "code": "RASTER-EMPTY",
        "reason": "B04.tif: the file has no bytes",
        "remedy": "download it again",
    }


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "ru",
            [
                "МОДЕЛЬНЫЕ ДАННЫЕ",
                "Найдено съёмок: 5",
                "S2_x: B04.tif: файл пуст [RASTER-EMPTY]",
                "→ скачайте его заново",
                "1,5 с",
                "в записи нет каналов red",
            ],
        ),
        ("en", ["SIMULATED DATA", "Satellite passes found: 5", "B04.tif: the file has no bytes", "1.5 s"]),
    ],
)
def test_the_summary_for_a_person(language: str, words: list[str]) -> None:
    text = as_text(SUMMARY, language)
    for word in words:
        assert word in text


def image(content: bytes) -> np.ndarray:
    return matplotlib.image.imread(io.BytesIO(content))


def view(values: np.ndarray, quality: int = Quality.CLEAR) -> FieldView:
    days = pd.to_datetime(["2021-06-20T05:00:00Z", "2022-06-01T05:00:00Z", "2022-07-01T05:00:00Z"])
    history = pd.DataFrame({"acquired_at": days, "p10": 0.3, "p50": [0.5, 0.4, 0.6], "p90": 0.7, "n_px": 9})
    grid = Grid("EPSG:32645", 0, 100, 10, 10, 10)
    return FieldView(
        "f1",
        "ndvi",
        datetime(2022, 7, 1, 5, tzinfo=UTC),
        1.0,
        values,
        np.full((10, 10), quality),
        grid,
        box(10, 10, 90, 90),
        history,
        crop="овёс",
        area_ha=0.64,
        simulated=True,
    )


def test_the_colours_say_where_it_is_worse() -> None:
    """The left half is bare, the right half is dense: sand left, darker green right; the same in grey print."""
    values = np.full((10, 10), 0.1)
    values[:, 5:] = 0.9
    drawn = image(field_picture(view(values), "ru"))
    height, width, _ = drawn.shape
    left, right = drawn[int(0.4 * height), int(0.3 * width)], drawn[int(0.4 * height), int(0.5 * width)]
    assert left[:3].mean() > 0.75 and right[:3].mean() < 0.35
    assert right[1] > right[0] and right[1] > right[2]


def test_cloud_is_grey_and_hatched_not_green() -> None:
    drawn = image(field_picture(view(np.full((10, 10), np.nan), Quality.CLOUD), "ru"))
    height, width, _ = drawn.shape
    patch = drawn[int(0.45 * height) : int(0.5 * height), int(0.35 * width) : int(0.4 * width), :3]
    assert np.ptp(patch, axis=2).max() < 0.08
    assert patch.std() > 0.02


@pytest.mark.parametrize("layer", VEGETATION)
@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_layer_and_the_overview_can_be_drawn(layer: str, language: str) -> None:
    fields = pd.DataFrame(
        {
            "field_id": ["a-1", "a-2"],
            "group": ["a", "a"],
            "geometry": [box(0, 0, 500, 500), box(600, 0, 900, 500).difference(box(700, 100, 750, 150))],
            "value": [0.5, np.nan],
            "seen_at": pd.to_datetime(["2022-07-01T05:00:00Z", None]),
        }
    )
    drawn = image(overview_picture(fields, layer, {"a": "Топкинский район"}, False, language))
    assert drawn.shape[0] > 400 and drawn[..., :3].std() > 0.05


def test_colours_fall_steadily_in_lightness_so_that_a_grey_print_can_be_read() -> None:
    for name, style in STYLES.items():
        red, green, blue = np.array(style.colour_map(np.linspace(0, 1, 11)))[:, :3].T
        steps = np.diff(0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2)
        assert (steps < 0).all() or (steps > 0).all(), name
