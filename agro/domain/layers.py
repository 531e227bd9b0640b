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
    `statistics` says whether the field table gets rows of it.
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

    @property
    def is_class(self) -> bool:
        """Whether a value names a class: then it is never averaged, and stays the integer that is stored."""
        return self.unit == "class"


def _with_error(name: str, unit: str, highest: float, meaning: str, element: str, step: float) -> tuple[Layer, Layer]:
    """A map of the soil and its standard error."""
    error = f"standard error of {element}"
    return (
        Layer(name, unit, 0.0, highest, 20, (), meaning, step=step),
        Layer(f"{name}_se", unit, 0.0, highest, 20, (), error, step=step, statistics=False),
    )


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
        "swir22",
        "1",
        0.0,
        2.0,
        20,
        ("swir22",),
        "reflectance at 2190 nm, kept because the edges of surface wetness are known later than the pass",
        statistics=False,
    ),
    Layer(
        "wetness",
        "1",
        0.0,
        1.0,
        20,
        ("red", "nir", "swir22"),
        "relative wetness of the upper 0 to 5 cm between the driest and the wettest seen; no share of field capacity",
    ),
    Layer(
        "wetness_se",
        "1",
        0.0,
        3.0,
        20,
        ("red", "nir", "swir22"),
        "standard error of wetness from its edges and the noise of the image",
        statistics=False,
    ),
    Layer(
        "wetness_flag",
        "class",
        0,
        15,
        20,
        (),
        "0 sound; sum of 1 clipped to 0..1, 2 water of a dense canopy, 4 NDVI outside the edges, 8 standing water",
        step=1,
        dtype="uint8",
        nodata=255,
        statistics=False,
    ),
    Layer(
        "field_capacity",
        "%",
        0.0,
        200.0,
        20,
        ("red", "nir", "swir22"),
        "moisture of the upper 5 cm in per cent of field capacity, by measurements in these fields",
        step=0.02,
    ),
    Layer("height", "m", -500, 9000, 40, (), "height above the sea of the model's surface", step=1e-2, dtype="int32"),
    Layer("slope", "deg", 0, 90, 40, ("height",), "steepness of the ground", step=1e-2),
    Layer("slope_se", "deg", 0, 90, 40, ("height",), "standard error of slope", step=1e-2),
    Layer(
        "aspect",
        "deg",
        0,
        360,
        40,
        ("height",),
        "where the ground falls to, clockwise from north; none on level ground; a circle has no plain mean",
        step=1e-1,
        statistics=False,
    ),
    Layer("aspect_se", "deg", 0, 180, 40, ("height",), "standard error of aspect", step=1e-1),
    Layer(
        "profile_curvature", "1/m", -0.3, 0.3, 40, ("height",), "curvature along the fall, above 0 convex", step=1e-5
    ),
    Layer("profile_curvature_se", "1/m", 0, 0.3, 40, ("height",), "standard error of profile curvature", step=1e-5),
    Layer("plan_curvature", "1/m", -0.3, 0.3, 40, ("height",), "curvature across the fall, above 0 convex", step=1e-5),
    Layer("plan_curvature_se", "1/m", 0, 0.3, 40, ("height",), "standard error of plan curvature", step=1e-5),
    Layer(
        "specific_catchment_area",
        "m2/m",
        0,
        2e9,
        40,
        ("height",),
        "ground that drains through the pixel over the pixel's width",
        step=1,
        dtype="int32",
    ),
    Layer("twi", "1", 0, 32, 40, ("height",), "topographic wetness index: where water gathers", step=1e-3),
    Layer(
        "ls_factor",
        "1",
        0,
        20_000,
        40,
        ("height",),
        "length and steepness of slope in erosion",
        step=1e-2,
        dtype="int32",
    ),
    Layer(
        "runoff_flag",
        "class",
        0,
        2,
        40,
        ("height",),
        "0 the whole catchment is known; 1 it is cut by the edge of the heights; 2 in a closed hollow",
        step=1,
        dtype="uint8",
        nodata=255,
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
    Layer("season_green_days", "d", 0.0, 366.0, 10, (), "days with the index above the limit of green", step=1),
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
    Layer("vv", "dB", -50.0, 25.0, 20, ("vv",), "radar backscatter, sent and received vertically", step=0.01),
    Layer("vv_dry", "dB", -50.0, 25.0, 20, ("vv",), "backscatter of a pixel's driest looks from one orbit", step=0.01),
    Layer("vv_wet", "dB", -50.0, 25.0, 20, ("vv",), "backscatter of a pixel's wettest looks from one orbit", step=0.01),
    Layer("vv_looks", "1", 0.0, 10_000.0, 20, ("vv",), "looks at thin cover that vv_dry and vv_wet are of", step=1),
    Layer(
        "wetness_s1",
        "1",
        0.0,
        1.0,
        20,
        ("vv",),
        "relative wetness of thinly covered soil by radar: a pixel's backscatter between its driest and wettest looks",
    ),
    Layer(
        "zone",
        "class",
        0,
        9,
        10,
        (),
        "productivity zone of a field, 1 the lowest; 0 outside the field",
        step=1,
        dtype="uint8",
        nodata=0,
        statistics=False,
    ),
    Layer(
        "zone_stability",
        "class",
        0,
        3,
        10,
        (),
        "season after season: 1 low, 2 high, 3 now low and now high; 0 outside, or fewer than two seasons",
        step=1,
        dtype="uint8",
        nodata=0,
        statistics=False,
    ),
    Layer(
        "applied",
        "kg/ha",
        0.0,
        20_000.0,
        10,
        (),
        "what a machine put out by its own log, all passes together",
        step=0.1,
        dtype="int32",
        statistics=False,
    ),
    Layer(
        "rate",
        "kg/ha",
        0.0,
        20_000.0,
        10,
        (),
        "rate of a product as weighed, by its prescription",
        step=0.1,
        dtype="int32",
        statistics=False,
    ),
    Layer(
        "sufficiency",
        "1",
        0.0,
        1.0,
        20,
        ("rededge1", "nir08"),
        "NDRE over that of a strip with plenty of nitrogen, or of the field's best tenth: for looking only",
        statistics=False,
    ),
    Layer(
        "gli",
        "1",
        -1.0,
        1.0,
        10,
        ("red", "green", "blue"),
        "greenness of a colour camera (green leaf index): no NDVI, not to be compared between flights",
        statistics=False,
    ),
    Layer("yield_t_ha", "t/ha", 0.0, 300.0, 10, (), "yield by a combine's monitor", step=0.01, statistics=False),
    Layer("yield_se", "t/ha", 0.0, 30.0, 10, (), "standard error of a place's yield", step=1e-3, statistics=False),
    # Soil: a map and its standard error are two layers; of p2o5, k2o, n_no3 and s the error is that of a skewed
    # distribution (agro.agromaps.soil.interval_90). The extraction method of p2o5 and k2o stands with the item.
    # Bare soil: what passes of several seasons show of it, without what was common to a date.
    Layer("bare_red", "1", 0.0, 2.0, 20, ("red", "nir"), "reflectance of bare soil in red"),
    Layer("bare_nir", "1", 0.0, 2.0, 20, ("red", "nir"), "reflectance of bare soil in near infrared"),
    Layer("bare_swir22", "1", 0.0, 2.0, 20, ("swir22",), "reflectance of bare soil at 2190 nm"),
    Layer("bare_brightness", "1", 0.0, 2.0, 20, ("red", "nir"), "brightness of bare soil: dark has more humus"),
    Layer("bare_brightness_se", "1", 0.0, 2.0, 20, (), "standard error of bare_brightness", statistics=False),
    Layer("bare_looks", "1", 0.0, 10_000.0, 20, (), "clear looks at bare soil", step=1, statistics=False),
    # Soil: a map and its standard error, that of the soil and not of a laboratory's reading, are two layers. But for
    # humus and ph the error is that of a skewed distribution (agro.agromaps.soil.interval_90). The extraction method
    # of p2o5, k2o and the trace elements stands with the item.
    *_with_error("humus", "%", 25.0, "humus of the sampled layer", "humus", 1e-3),
    *_with_error("ph", "pH", 14.0, "acidity in potassium chloride", "acidity", 1e-3),
    *_with_error("p2o5", "mg/kg", 2000.0, "available phosphorus by the item's method", "phosphorus", 0.1),
    *_with_error("k2o", "mg/kg", 3000.0, "available potassium by the item's method", "potassium", 0.1),
    *_with_error("n_no3", "mg/kg", 300.0, "nitrogen of nitrate", "nitrate nitrogen", 0.01),
    *_with_error("s", "mg/kg", 500.0, "available sulphur", "sulphur", 0.02),
    *_with_error("cu", "mg/kg", 300.0, "mobile copper by the item's method", "copper", 0.01),
    *_with_error("zn", "mg/kg", 500.0, "mobile zinc by the item's method", "zinc", 0.02),
    *_with_error("mn", "mg/kg", 2000.0, "mobile manganese by the item's method", "manganese", 0.1),
    *_with_error("co", "mg/kg", 100.0, "mobile cobalt by the item's method", "cobalt", 0.005),
    *_with_error("b", "mg/kg", 50.0, "mobile boron by the item's method", "boron", 0.002),
    *_with_error("mo", "mg/kg", 20.0, "mobile molybdenum by the item's method", "molybdenum", 0.001),
)

LAYERS: dict[str, Layer] = {row.name: row for row in _ROWS}
VEGETATION = ("ndvi", "evi2", "ndre", "ndmi", "lai")
KEPT = ("swir22",)  # what a pass keeps for maps that come later
RELIEF = (
    "height",
    "slope",
    "slope_se",
    "aspect",
    "aspect_se",
    "profile_curvature",
    "profile_curvature_se",
    "plan_curvature",
    "plan_curvature_se",
    "specific_catchment_area",
    "twi",
    "ls_factor",
    "runoff_flag",
)
