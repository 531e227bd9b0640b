"""What a soil laboratory measures: the determinands, their extraction methods, and the table of samples."""

from dataclasses import dataclass

# Extraction methods: the same figure is another class in another method.
# Of phosphorus and potassium:
#   chirikov  0.5 M acetic acid, GOST 26204-91        kirsanov  0.2 M hydrochloric acid, GOST R 54650-2011
#   machigin  1 % ammonium carbonate, GOST 26205-91   maslova   1 M ammonium acetate, GOST 26210-91 (potassium)
# Of trace elements, GOST R 50682-94 to 50689-94 (numbers from memory):
#   krupsky_aleksandrova  ammonium acetate of pH 4.8     peive_rinkis  an acid of its own for each element
#   berger_truog          boron in hot water             grigg         molybdenum in oxalate
EXTRACTIONS = ("chirikov", "kirsanov", "machigin", "maslova")
TRACE_EXTRACTIONS = ("krupsky_aleksandrova", "peive_rinkis", "berger_truog", "grigg")


@dataclass(frozen=True)
class Determinand:
    """One thing that is measured: its column, unit, layer of the map, and whether it is mapped as a logarithm.

    `methods` are those that may be said of it; without one a figure of a `needs_method` means nothing.
    """

    name: str
    unit: str
    layer: str | None = None
    logarithmic: bool = False
    needs_method: bool = False
    methods: tuple[str, ...] = ()

    @property
    def method_column(self) -> str:
        """The column of its method in the table of samples."""
        return f"{self.name.split('_')[0]}_method"


def _nutrient(name: str) -> Determinand:
    return Determinand(f"{name}_mg_kg", "mg/kg", name, logarithmic=True, needs_method=True, methods=EXTRACTIONS)


def _trace(name: str) -> Determinand:
    return Determinand(f"{name}_mg_kg", "mg/kg", name, logarithmic=True, methods=TRACE_EXTRACTIONS)


_ROWS = (
    Determinand("humus_pct", "%", "humus"),
    Determinand("ph_kcl", "pH", "ph"),
    *(_nutrient(name) for name in ("p2o5", "k2o")),
    Determinand("n_no3_mg_kg", "mg/kg", "n_no3", logarithmic=True),
    Determinand("s_mg_kg", "mg/kg", "s", logarithmic=True),
    Determinand("hydrolytic_mmol_100g", "mmol/100g"),
    *(_trace(name) for name in ("cu", "zn", "mn", "co", "b", "mo")),
)
DETERMINANDS: dict[str, Determinand] = {row.name: row for row in _ROWS}

# The table of samples: a GeoDataFrame in EPSG:4326, one row a sample and depth.
#   field_id         the field that holds the sample
#   depth_*_cm       [cm] of the layer that was sampled
#   support          point, plot (its outline is the geometry) or field (a mixed sample of the whole field)
#   *_method         one of the determinand's methods, missing where the figure is, or where none was said
#   below_detection  determinands below what the laboratory can tell, joined by `;`: their figure is that limit
SAMPLE_COLUMNS = (
    "sample_id",
    "field_id",
    "depth_from_cm",
    "depth_to_cm",
    "sampled_on",
    "laboratory",
    "support",
    *DETERMINANDS,
    *(row.method_column for row in _ROWS if row.methods),
    "below_detection",
)
SUPPORTS = ("point", "plot", "field")


@dataclass(frozen=True)
class Bounds:
    """What a determinand can be [its unit]: each figure lowest..highest, the middle of a column usual_low..high."""

    lowest: float
    highest: float
    usual_low: float
    usual_high: float
