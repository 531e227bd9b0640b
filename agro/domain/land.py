"""The land: what an outlines table and a table of crops hold, column by column."""

from dataclasses import dataclass

# The outlines table: a GeoDataFrame in EPSG:4326, one row a field.
#   field_id   text, unique
#   farm_id    text or missing
#   district   text or missing
#   crop       text or missing, as declared with the outline
#   area_ha    [ha], on the WGS 84 ellipsoid
#   version    text, changes when the outline does
OUTLINE_COLUMNS = ("field_id", "farm_id", "district", "crop", "area_ha", "version")

# The table of what grew where, one row a field and season.
SEASON_COLUMNS = (
    "field_id",
    "season",
    "crop",
    "variety",
    "sown_on",
    "harvested_on",
    "previous_crop",
    "straw",
    "n_kg_ha",
    "p2o5_kg_ha",
    "k2o_kg_ha",
    "manure_t_ha",
)
STRAW = ("left", "removed")


@dataclass(frozen=True)
class Crop:
    """A crop as the configuration knows it: its code, its names, other words for it, whether it is mown green.

    kind   crops of one kind make green alike; empty: of its own
    """

    code: str
    english: str
    russian: str
    also: tuple[str, ...] = ()
    mown: bool = False
    kind: str = ""

    def name(self, language: str) -> str:
        """What it is called."""
        return self.russian if language == "ru" else self.english
