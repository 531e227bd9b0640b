"""The board of districts for programs: the same figures as its table, and nothing that it withholds."""

import json
from typing import Any

import numpy as np
from pyproj import Transformer
from shapely import Geometry, transform
from shapely.geometry import mapping

from agro.domain.errors import Refusal
from agro.reports.district_board import Board, District, Row
from agro.reports.words import reason

_OUTPUT = ("base_year", "demonstration", "closed", "years", "paths")  # of the region: nothing of a district


def board_json(board: Board, language: str) -> bytes:
    """The board as JSON.

    board     what it shows; yields [t/ha], production [t], shares [1], parts of output [percentage points]
    language  `ru` or `en`, of the names and sentences
    returns   JSON [byte]; outlines of districts in EPSG:4326
    source    ours
    """
    content = {
        "as_of": board.as_of.isoformat(),
        "season": board.year,
        "language": language,
        "simulated": board.simulated,
        "assumed": list(board.assumed),
        "changes": list(board.changes),
        "silent": [reason(one, language) for one in board.silent],
        "output": {name: board.indicator.get(name) for name in _OUTPUT} if board.indicator else None,
        "forecasts": [_row(row, board, language) for row in board.rows],
        "districts": [_district(one, board, language) for one in board.districts],
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, default=str).encode()


def _row(row: Row, board: Board, language: str) -> dict[str, Any]:
    return {
        "crop": row.crop,
        "crop_name": board.named(row.crop, language),
        "district": row.district,
        "district_name": board.named(row.district, language),
        "yield_t_ha": row.yield_t_ha,
        "low_80_t_ha": row.low_t_ha,
        "high_80_t_ha": row.high_t_ha,
        "production_t": row.tonnes,
        "low_80_t": row.low_t,
        "high_80_t": row.high_t,
        "seen_share": row.seen,
        "change_t_ha": row.change,
        "past_t_ha": {str(year): value for year, value in sorted(row.past.items())},
        "withheld": _why(row.why, language),
    }


def _district(one: District, board: Board, language: str) -> dict[str, Any]:
    return {
        "district": one.code,
        "district_name": one.name,
        "fields": one.fields,
        "seen_share": one.seen,
        "ndvi_against_usual": one.greener,
        "parts_points": dict(one.parts) if one.parts is not None else None,
        "withheld": _why(one.why, language),
        "ground": _degrees(one.ground, board.crs),
    }


def _degrees(ground: Geometry | None, crs: str) -> Any:
    """An outline as GeoJSON; four digits are 10 m, and it is a hull round fields anyway."""
    if ground is None:
        return None
    to_degrees = Transformer.from_crs(crs, 4326, always_xy=True)
    return mapping(transform(ground, lambda xy: np.round(np.column_stack(to_degrees.transform(xy[:, 0], xy[:, 1])), 4)))


def _why(refusal: Refusal | None, language: str) -> str | None:
    return None if refusal is None else reason(refusal, language)
