"""What a soil laboratory measures: the determinands, their extraction methods, and the table of samples."""

from dataclasses import dataclass

# Extraction methods of phosphorus and potassium: the same figure is another class in another method.
#   chirikov  0.5 M acetic acid, GOST 26204-91        kirsanov  0.2 M hydrochloric acid, GOST R 54650-2011
#   machigin  1 % ammonium carbonate, GOST 26205-91   maslova   1 M ammonium acetate, GOST 26210-91 (potassium)
EXTRACTIONS = ("chirikov", "kirsanov", "machigin", "maslova")


@dataclass(frozen=True)
class Determinand:
    """One thing that is measured: its column, unit, layer of the map, and whether it is mapped as a logarithm."""

    name: str
    unit: str
    layer: str | None = None
    logarithmic: bool = False
    needs_method: bool = False


_ROWS = (
    Determinand("humus_pct", "%", "humus"),
    Determinand("ph_kcl", "pH", "ph"),
    Determinand("p2o5_mg_kg", "mg/kg", "p2o5", logarithmic=True, needs_method=True),
    Determinand("k2o_mg_kg", "mg/kg", "k2o", logarithmic=True, needs_method=True),
    Determinand("n_no3_mg_kg", "mg/kg", "n_no3", logarithmic=True),
    Determinand("s_mg_kg", "mg/kg", "s", logarithmic=True),
    Determinand("hydrolytic_mmol_100g", "mmol/100g"),
    Determinand("cu_mg_kg", "mg/kg", logarithmic=True),
    Determinand("zn_mg_kg", "mg/kg", logarithmic=True),
    Determinand("mn_mg_kg", "mg/kg", logarithmic=True),
    Determinand("co_mg_kg", "mg/kg", logarithmic=True),
    Determinand("b_mg_kg", "mg/kg", logarithmic=True),
    Determinand("mo_mg_kg", "mg/kg", logarithmic=True),
)
DETERMINANDS: dict[str, Determinand] = {row.name: row for row in _ROWS}

# The table of samples: a GeoDataFrame in EPSG:4326, one row a sample and depth.
#   field_id         the field that holds the sample
#   depth_*_cm       [cm] of the layer that was sampled
#   support          point, plot (its outline is the geometry) or field (a mixed sample of the whole field)
#   *_method         one of EXTRACTIONS, missing where the figure is
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
    *(f"{row.name.split('_')[0]}_method" for row in _ROWS if row.needs_method),
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
