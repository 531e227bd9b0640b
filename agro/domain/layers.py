"""The register of raster layers. A new map starts with a row here: name, unit, range, meaning, encoding."""

from dataclasses import dataclass
from enum import IntEnum


class Quality(IntEnum):
    """What is known of a pixel of one pass. Values are believed where CLEAR, kept with a warning where UNCERTAIN."""

    NO_DATA = 0
    CLEAR = 1
    CLOUD = 2
    SHADOW = 3
    SNOW = 4
    WATER = 5
    UNCERTAIN = 6


@dataclass(frozen=True)
class Layer:
    """One raster layer.

    `bands` are what it is made of, `lowest..highest` its valid range in `unit`, `resolution_m` its own right pixel.
    On disk a value is `stored * step` in `dtype`, and `nodata` marks what is not believed; inside, that is NaN.
    """

    name: str
    unit: str
    lowest: float
    highest: float
    resolution_m: int
    bands: tuple[str, ...]
    meaning: str
    step: float = 1e-4
    dtype: str = "int16"
    nodata: int = -32768
    statistics: bool = True


_ROWS = (
    Layer("ndvi", "1", -1.0, 1.0, 10, ("red", "nir"), "green cover: normalised difference vegetation index"),
    Layer("evi2", "1", -1.0, 2.0, 10, ("red", "nir"), "green cover that saturates later: two-band enhanced index"),
    Layer("ndre", "1", -1.0, 1.0, 20, ("rededge1", "nir08"), "chlorophyll and nitrogen: red-edge difference index"),
    Layer("ndmi", "1", -1.0, 1.0, 20, ("nir08", "swir16"), "water in the canopy: normalised difference moisture index"),
    Layer(
        "lai",
        "m2/m2",
        0.0,
        8.0,
        20,
        ("green", "red", "rededge1", "rededge2", "rededge3", "nir08", "swir16", "swir22"),
        "green leaf area over ground area",
        step=1e-3,
    ),
    Layer(
        "lai_flag",
        "class",
        0,
        3,
        20,
        (),
        "0 leaf area inside the network's domain; 1 an input outside it; 2 the output was clipped; 3 both",
        step=1,
        dtype="uint8",
        nodata=255,
        statistics=False,
    ),
    Layer(
        "quality",
        "class",
        0,
        6,
        20,
        ("scl",),
        "0 no data, 1 clear, 2 cloud, 3 shadow, 4 snow, 5 water, 6 uncertain",
        step=1,
        dtype="uint8",
        nodata=0,
        statistics=False,
    ),
    Layer(
        "season_start",
        "day of year",
        -366.0,
        731.0,
        10,
        (),
        "green-up reaches a fifth of its rise; days from 1 January of the year of harvest",
        step=0.1,
    ),
    Layer("season_start_se", "d", 0.0, 366.0, 10, (), "standard error of season_start", step=0.1),
    Layer(
        "season_end",
        "day of year",
        -366.0,
        731.0,
        10,
        (),
        "the fall of green has left a fifth; days from 1 January of the year of harvest",
        step=0.1,
    ),
    Layer("season_end_se", "d", 0.0, 366.0, 10, (), "standard error of season_end", step=0.1),
    Layer("season_peak_day", "day of year", -366.0, 731.0, 10, (), "the greenest day", step=0.1),
    Layer("season_peak", "1", -1.0, 2.0, 10, (), "the index on the greenest day"),
    Layer("season_peak_se", "1", 0.0, 2.0, 10, (), "standard error of season_peak"),
    Layer("season_base", "1", -1.0, 2.0, 10, (), "mean of the lowest values before and after the peak"),
    Layer("season_amplitude", "1", 0.0, 2.0, 10, (), "peak above base"),
    Layer("season_amplitude_se", "1", 0.0, 2.0, 10, (), "standard error of season_amplitude"),
    Layer("season_integral", "d", -366.0, 732.0, 10, (), "sum of the daily index from start to end", step=0.05),
    Layer("season_integral_se", "d", 0.0, 366.0, 10, (), "standard error of season_integral", step=0.05),
    Layer(
        "season_greenup_slope",
        "1/d",
        0.0,
        0.3,
        10,
        (),
        "rise of the index in a day between a fifth and four fifths of the rise",
        step=1e-5,
    ),
    Layer("season_green_days", "d", 0.0, 366.0, 10, (), "days with the index above 0.6", step=1),
    Layer("season_gap", "d", 0.0, 366.0, 10, (), "longest time without a clear look while the crop grew", step=1),
    Layer("season_looks", "1", 0.0, 366.0, 10, (), "days with a clear look in the season", step=1),
    Layer(
        "season_flag",
        "class",
        0,
        31,
        10,
        (),
        "sum of: 1 few looks, 2 long gap, 4 no season, 8 start not seen, 16 end not seen",
        step=1,
        dtype="uint8",
        nodata=255,
        statistics=False,
    ),
)

LAYERS: dict[str, Layer] = {row.name: row for row in _ROWS}
VEGETATION = ("ndvi", "evi2", "ndre", "ndmi", "lai")
