"""How each layer is drawn: the question that it answers, its name, its colours, its scale for all seasons.

Colours follow meaning, their lightness falls steadily, and no rainbow is among them.
"""

from dataclasses import dataclass

from matplotlib.colors import LinearSegmentedColormap

INK, FAINT, HIDDEN = "#1f2a30", "#8a949a", "#c9cdd0"
_GREEN = ("#efe3c8", "#dcd98a", "#a3c860", "#4f9d45", "#17702f", "#06401f")  # sand to dark green, ever darker
_WATER = (
    "#ead2a8",
    "#d2bf98",
    "#a8b9a0",
    "#6fa3a0",
    "#357f8c",
    "#0d4a63",
)  # brown of dry soil to blue-green, ever darker
_GROUND = ("#eaf1e0", "#ece6c3", "#dcc79a", "#c2a27c", "#a58671")  # light hypsometric tints
_STEEP = ("#f7f3ea", "#e8cfa2", "#cf9a5c", "#a3602f", "#5f2c12")
_SOIL = ("#f3ecd9", "#e0c48f", "#bd8f5a", "#8a5a36", "#4f2f1d")
_ZONES = ("#f1e6b2", "#c5d68a", "#86b96a", "#3f8a4b", "#135a31")


@dataclass(frozen=True)
class Style:
    """One layer's look. `scale` is in its unit, `unit` as people write it, empty where the name says all.

    `stretched`: the scale follows the values shown, which is then said.
    """

    question: str
    name: str
    colours: tuple[str, ...]
    scale: tuple[float, float]
    digits: int = 1
    stretched: bool = False
    unit: str = ""

    @property
    def colour_map(self) -> LinearSegmentedColormap:
        """The colours as matplotlib takes them."""
        return LinearSegmentedColormap.from_list("layer", self.colours)


STYLES: dict[str, Style] = {
    "ndvi": Style("Where is it worse?", "vegetation index NDVI", _GREEN, (0.0, 1.0), unit="NDVI"),
    "evi2": Style("Where is it worse?", "vegetation index EVI2", _GREEN, (0.0, 1.0), unit="EVI2"),
    "ndre": Style("Where is there less nitrogen?", "red-edge index NDRE", _GREEN, (0.0, 0.8), unit="NDRE"),
    "ndmi": Style("Where is it drier?", "moisture index of the canopy NDMI", _WATER, (-0.4, 0.6), unit="NDMI"),
    "lai": Style("Where are there fewer leaves?", "leaf area index LAI", _GREEN, (0.0, 6.0), unit="LAI, m²/m²"),
    "wetness": Style("Where is the surface drier?", "relative surface wetness", _WATER, (0.0, 1.0), unit="0-1"),
    "wetness_s1": Style(
        "Where is the surface drier?", "relative surface wetness by radar", _WATER, (0.0, 1.0), unit="0-1"
    ),
    "field_capacity": Style(
        "Where is the surface drier?",
        "moisture of the upper 5 cm, % of field capacity",
        _WATER,
        (0.0, 120.0),
        0,
        unit="%",
    ),
    "bare_brightness": Style("Where is the soil darker?", "brightness of bare soil", _SOIL[::-1], (0.05, 0.3), 3, True),
    "height": Style("How does the ground lie?", "height, m", _GROUND, (0, 500), 0, True, "m"),
    "slope": Style("Where is it steep?", "slope, degrees", _STEEP, (0.0, 8.0), unit="°"),
    "twi": Style("Where does water gather?", "topographic wetness index", _WATER, (4.0, 14.0)),
    "ls_factor": Style("Where does soil wash away?", "LS factor of erosion", _STEEP, (0.0, 5.0)),
    "season_peak": Style("Where did it grow best?", "highest EVI2 of the season", _GREEN, (0.0, 1.0), unit="EVI2"),
    "season_integral": Style(
        "Where did it grow most?", "sum of EVI2 over the season, days", _GREEN, (0.0, 80.0), 0, unit="days"
    ),
    "season_start": Style(
        "Where did it start later?", "start of the season, day of year", _GREEN, (90.0, 300.0), 0, stretched=True
    ),
    "season_end": Style(
        "Where did it end earlier?", "end of the season, day of year", _GREEN, (90.0, 300.0), 0, stretched=True
    ),
    "yield_t_ha": Style("Where did it yield less?", "yield, t/ha", _GREEN, (0.0, 8.0), stretched=True, unit="t/ha"),
    "yield_se": Style(
        "Where is the yield less sure?", "standard error of yield, t/ha", _SOIL, (0.0, 1.0), 2, True, unit="t/ha"
    ),
    "humus": Style("How rich is the soil?", "humus, %", _SOIL, (0.0, 12.0), unit="%"),
    "ph": Style("Where is the soil sour?", "pH of the soil in KCl", _SOIL, (4.0, 7.5)),
    "p2o5": Style(
        "Where is phosphorus short?", "available phosphorus P2O5, mg/kg", _SOIL, (0.0, 250.0), 0, unit="mg/kg"
    ),
    "k2o": Style("Where is potassium short?", "available potassium K2O, mg/kg", _SOIL, (0.0, 250.0), 0, unit="mg/kg"),
    "n_no3": Style("Where is nitrogen short?", "nitrate nitrogen, mg/kg", _SOIL, (0.0, 30.0), unit="mg/kg"),
    "s": Style("Where is sulphur short?", "available sulphur, mg/kg", _SOIL, (0.0, 20.0), unit="mg/kg"),
    "cu": Style("Where is copper short?", "mobile copper Cu, mg/kg", _SOIL, (0.0, 5.0), 2, True, unit="mg/kg"),
    "zn": Style("Where is zinc short?", "mobile zinc Zn, mg/kg", _SOIL, (0.0, 5.0), 2, True, unit="mg/kg"),
    "mn": Style("Where is manganese short?", "mobile manganese Mn, mg/kg", _SOIL, (0.0, 80.0), 1, True, unit="mg/kg"),
    "co": Style("Where is cobalt short?", "mobile cobalt Co, mg/kg", _SOIL, (0.0, 2.0), 2, True, unit="mg/kg"),
    "b": Style("Where is boron short?", "mobile boron B, mg/kg", _SOIL, (0.0, 2.0), 2, True, unit="mg/kg"),
    "mo": Style("Where is molybdenum short?", "mobile molybdenum Mo, mg/kg", _SOIL, (0.0, 0.5), 2, True, unit="mg/kg"),
    "zone": Style("Which parts yield alike?", "productivity zones", _ZONES, (1.0, 5.0), 0),
}
