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
    # Soil: a map and its standard error are two layers; of p2o5, k2o, n_no3 and s the error is that of a skewed
    # distribution (agro.agromaps.soil.interval_90). The extraction method of p2o5 and k2o stands with the item.
    Layer("humus", "%", 0.0, 25.0, 20, (), "humus of the sampled layer", step=1e-3),
    Layer("humus_se", "%", 0.0, 25.0, 20, (), "standard error of humus", step=1e-3, statistics=False),
    Layer("ph", "pH", 0.0, 14.0, 20, (), "acidity in potassium chloride", step=1e-3),
    Layer("ph_se", "pH", 0.0, 14.0, 20, (), "standard error of acidity", step=1e-3, statistics=False),
    Layer("p2o5", "mg/kg", 0.0, 2000.0, 20, (), "available phosphorus by the item's method", step=0.1),
    Layer("p2o5_se", "mg/kg", 0.0, 2000.0, 20, (), "standard error of phosphorus", step=0.1, statistics=False),
    Layer("k2o", "mg/kg", 0.0, 3000.0, 20, (), "available potassium by the item's method", step=0.1),
    Layer("k2o_se", "mg/kg", 0.0, 3000.0, 20, (), "standard error of potassium", step=0.1, statistics=False),
    Layer("n_no3", "mg/kg", 0.0, 300.0, 20, (), "nitrogen of nitrate", step=0.01),
    Layer("n_no3_se", "mg/kg", 0.0, 300.0, 20, (), "standard error of nitrate nitrogen", step=0.01, statistics=False),
    Layer("s", "mg/kg", 0.0, 500.0, 20, (), "available sulphur", step=0.02),
    Layer("s_se", "mg/kg", 0.0, 500.0, 20, (), "standard error of sulphur", step=0.02, statistics=False),
)

LAYERS: dict[str, Layer] = {row.name: row for row in _ROWS}
VEGETATION = ("ndvi", "evi2", "ndre", "ndmi", "lai")
