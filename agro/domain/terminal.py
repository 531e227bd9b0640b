"""What a terminal takes, and what it reads in a file: the same nouns for our files and for anybody's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agro.domain.errors import Refusal

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon


@dataclass(frozen=True)
class Terminal:
    """A kind of terminal, as configs/terminals.toml knows it.

    `form` is isoxml, shapefile, geojson or geopackage; ISOXML has a `version` (3 or 4) and a `layout`: grid1 (cells
    name zones), grid2 (cells hold rates) or polygons. Limits count zones of one rate, polygons, cells of a grid [1]
    and the letters of a file's name. `source` says where the row was read; an `assumption` was read nowhere.
    """

    code: str
    title: str
    form: str
    folder: str
    source: str
    assumption: bool
    version: int = 4
    layout: str = "grid2"
    most_zones: int = 250
    most_polygons: int = 10_000
    most_cells: int = 250_000
    longest_name: int = 20


@dataclass(frozen=True)
class Column:
    """What one product is called in a file, and the unit its rates are in: kg/ha, l/ha, 1/m2 or the file's own word."""

    product: str
    unit: str


@dataclass(frozen=True)
class Cells:
    """A grid of rates: south-west corner and size of a cell [deg]; rates (rows from the south, columns, products).

    NaN is where the file says nothing, or names a zone that it does not describe.
    """

    south_deg: float
    west_deg: float
    north_step_deg: float
    east_step_deg: float
    rates: Any  # a numpy array


@dataclass(frozen=True)
class Area:
    """A polygon with the rate of each product; NaN where none is given."""

    outline: "Polygon"
    rates: tuple[float, ...]


@dataclass(frozen=True)
class TaskMap:
    """The rates of one task, as a terminal takes them from its file, in the units of `columns`.

    `default` holds where the map says nothing, `outside` outside the boundary, `lost` without a position; None where
    the file does not say. `names` has customer, farm, field and task.
    """

    columns: tuple[Column, ...]
    cells: Cells | None = None
    areas: tuple[Area, ...] = ()
    boundary: "MultiPolygon | None" = None
    default: tuple[float, ...] | None = None
    outside: tuple[float, ...] | None = None
    lost: tuple[float, ...] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[Refusal, ...] = ()


# The table of what a machine put out, a row a record in the order of time.
#   seconds      since the first record [s]
#   lon, lat     where the machine was [deg]; NaN without a position
#   rate         what it put out, in the log's unit
#   target       what it was asked for, in the same unit; NaN where that was not logged
#   width_m      how wide it works [m]; NaN where nobody said
#   working      whether it was on
#   left, right  the part of the width that was on, from the middle of the machine [share of the width, left -0.5]
#   total        its counter [kg or l]; NaN where none was logged
#   area_m2      of the record itself [m2], where it is a polygon; NaN where it is a place on the way
APPLIED_COLUMNS = (
    *("seconds", "lon", "lat", "rate", "target", "width_m", "working", "left", "right", "total"),
    "area_m2",
)


@dataclass(frozen=True)
class Applied:
    """What one log tells of one product: its name as logged, the unit of its rates, when it began, the rows."""

    product: str
    unit: str
    began_at: str  # ISO, by the clock of the machine
    rows: Any  # a DataFrame of APPLIED_COLUMNS
    unread: tuple[Refusal, ...] = ()
