"""A simulated spreader: drives a field by any map of rates, late and not quite true, and logs it as a terminal does.

The log is ISO 11783-10 task data (version 4.3) with one time log; the truth that no log tells stands beside it.
"""

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.sax.saxutils import quoteattr

import numpy as np
from shapely import Polygon, contains_xy, minimum_rotated_rectangle, transform
from shapely.geometry.base import BaseGeometry

_EPOCH = datetime(1980, 1, 1)
_METRES = 111_320.0  # [m] of a degree northwards, near enough for a drive
_SECTIONS = 8
_LOGGED = (0x0007, 0x0006, 0x0043, 0x008D, 0x00A1, 0x0051)  # rate, setpoint, width, state, sections, counter
RateAt = Callable[[np.ndarray], np.ndarray]  # places (n, 2) [deg] to rates [kg/ha]


@dataclass(frozen=True)
class Spreader:
    """How it drives and errs.

    lag_s             the rate comes so late
    spacing_m         between swaths; more than the width leaves strips out, less doubles them
    late_s            sections go on and off so late at the border
    rate_spread       [1] standard deviation of the rate about the wanted one
    position_error_m  standard deviation of the logged position
    counter_off       [1] by which the counter shows too much
    """

    width_m: float = 24.0
    speed_m_s: float = 3.0
    lag_s: float = 0.0
    spacing_m: float = 24.0
    late_s: float = 0.0
    rate_spread: float = 0.0
    position_error_m: float = 0.0
    counter_off: float = 0.0


@dataclass(frozen=True)
class Driven:
    """The task data as a zip, and what really fell: kilograms, and hectares that sections passed over."""

    taskdata: bytes
    fallen_kg: float
    passed_ha: float


def drive(
    ground: BaseGeometry, rate_at: RateAt, spreader: Spreader, product: str, began: datetime, seed: int = 0
) -> Driven:
    """Swaths along the longest side of `ground` (EPSG:4326), a record a second."""
    chance = np.random.default_rng(seed)
    east, north = ground.centroid.coords[0]
    scale = np.array([_METRES * np.cos(np.radians(north)), _METRES])
    local = transform(ground, lambda xy: (xy - (east, north)) * scale)
    seconds, places, heading, turning = _way(local, spreader)
    on = _sections(local, places, heading, spreader) & ~turning[:, None]
    wanted = rate_at(places / scale + (east, north))
    came = np.interp(seconds - spreader.lag_s, seconds, wanted)
    rate = came * (1 + spreader.rate_spread * chance.standard_normal(len(came)))
    passed_m2 = on.sum(axis=1) * spreader.width_m / _SECTIONS * spreader.speed_m_s
    kg = np.cumsum(rate * passed_m2 / 1e4)
    seen = places + spreader.position_error_m * chance.standard_normal(places.shape)
    table = np.column_stack(
        [
            np.rint(rate * 100 * on.any(axis=1)),
            np.rint(wanted * 100),
            np.full(len(rate), round(spreader.width_m * 1000)),
            on.any(axis=1),
            _condensed(on),
            np.rint(np.concatenate([[0.0], kg[:-1]]) * (1 + spreader.counter_off)),
        ]
    ).astype("i8")
    log = _log(began, seconds, seen / scale + (east, north), table)
    return Driven(_packed(log, product), float(kg[-1]), float(passed_m2.sum() / 1e4))


def _way(local: Polygon, spreader: Spreader) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Seconds, places (n, 2) [m], the unit vector of the drive (n, 2), and whether it turns; to and fro."""
    corners = np.asarray(minimum_rotated_rectangle(local).exterior.coords)
    sides = np.diff(corners, axis=0)[:2]
    along = sides[np.argmax(np.hypot(*sides.T))]
    along = along / np.hypot(*along)
    across = np.array([along[1], -along[0]])
    reach, width = corners @ along, corners @ across
    steps = np.arange(reach.min() - 2 * spreader.speed_m_s, reach.max() + 2 * spreader.speed_m_s, spreader.speed_m_s)
    places, headings = [], []
    for number, side in enumerate(
        np.arange(width.min() + spreader.width_m / 2, width.max() + spreader.width_m / 2, spreader.spacing_m)
    ):
        forth = 1 if number % 2 == 0 else -1
        places.append(steps[::forth, None] * along + side * across)
        headings.append(np.tile(forth * along, (len(steps), 1)))
        turn = int(spreader.spacing_m / spreader.speed_m_s)  # seconds without a place in the field
        end = places[-1][-1]
        places.append(end + np.linspace(0, 1, turn + 2)[1:-1, None] * spreader.spacing_m * across)
        headings.append(np.tile(across, (turn, 1)))
    found = np.concatenate(places)
    turning = np.concatenate([np.full(len(one), n % 2 == 1) for n, one in enumerate(places)])
    return np.arange(len(found), dtype=float), found, np.concatenate(headings), turning


def _sections(local: BaseGeometry, places: np.ndarray, heading: np.ndarray, spreader: Spreader) -> np.ndarray:
    """Which section (n, 8) from the left is on: those in the field, so late as the spreader switches."""
    right = np.column_stack([heading[:, 1], -heading[:, 0]])
    offsets = ((np.arange(_SECTIONS) + 0.5) / _SECTIONS - 0.5) * spreader.width_m
    ahead = heading * (spreader.speed_m_s * (0.5 - spreader.late_s))
    spots = (places + ahead)[:, None, :] + offsets[None, :, None] * right[:, None, :]
    return np.asarray(contains_xy(local, spots[..., 0], spots[..., 1]))


def _condensed(on: np.ndarray) -> np.ndarray:
    """Two bits a section from the left: 1 on, 0 off, 3 no such section. As a signed number, as logs hold it."""
    states = np.concatenate([on.astype("i8"), np.full((len(on), 16 - _SECTIONS), 3)], axis=1)
    raw = (states << np.arange(0, 32, 2)).sum(axis=1)
    signed: np.ndarray = np.where(raw >= 2**31, raw - 2**32, raw)
    return signed


def _log(began: datetime, seconds: np.ndarray, places: np.ndarray, table: np.ndarray) -> bytes:
    """The records: the clock, the position, and the values that changed."""
    out = bytearray()
    before = np.full(table.shape[1], 2**40)
    for second, (east, north), values in zip(seconds, places, table, strict=True):
        since = began + timedelta(seconds=float(second)) - _EPOCH
        out += struct.pack("<IH", since.seconds * 1000 + since.microseconds // 1000, since.days)
        out += struct.pack("<iiB", round(north * 1e7), round(east * 1e7), 4)
        changed = np.flatnonzero(values != before)
        out += struct.pack("<B", len(changed))
        for number in changed:
            out += struct.pack("<Bi", number, values[number])
        before = values
    return bytes(out)


def _packed(log: bytes, product: str) -> bytes:
    values = "".join(f'<DLV A="{ddi:04X}" B="" C="DET1"/>' for ddi in _LOGGED)
    header = f'<?xml version="1.0" encoding="UTF-8"?><TIM A="" D="4"><PTN A="" B="" D=""/>{values}</TIM>'
    device = (
        '<DVC A="DVC1" B="Simulated spreader" D="A000860020000000" F="30303030303031" G="FF000000406E75">'
        '<DET A="DET1" B="1" C="2" D="Spreader" E="1" F="0"/></DVC>'
    )
    task = (
        '<TSK A="TSK1" B="SIMULATED" E="PFD1" G="4"><PAN A="PDT1" E="DET1"/>'
        f'<TLG A="TLG00001" B="{len(log)}" C="1"/></TSK>'
    )
    main = (
        '<?xml version="1.0" encoding="UTF-8"?><ISO11783_TaskData VersionMajor="4" VersionMinor="3" '
        'ManagementSoftwareManufacturer="Agro" ManagementSoftwareVersion="twin" DataTransferOrigin="2">'
        f'{device}<PFD A="PFD1" C="SIMULATED" D="0"/><PDT A="PDT1" B={quoteattr(product)}/>{task}</ISO11783_TaskData>'
    )
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {
            "TASKDATA.XML": main.encode(),
            "TLG00001.xml": header.encode(),
            "TLG00001.bin": log,
        }.items():
            archive.writestr(zipfile.ZipInfo(f"TASKDATA/{name}", (1980, 1, 1, 0, 0, 0)), content)
    return held.getvalue()
