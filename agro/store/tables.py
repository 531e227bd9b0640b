"""Tables as Parquet bytes, outlines as GeoParquet. Equal input gives equal bytes."""

import io
from typing import Any

import geopandas as gpd
import pandas as pd

_DEFUSED = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is a formula for a spreadsheet. source: OWASP


def to_parquet(table: pd.DataFrame) -> bytes:
    """The table as Parquet bytes; a GeoDataFrame as GeoParquet."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


def from_parquet(content: bytes, *, outlines: bool = False) -> Any:
    """The table, a GeoDataFrame where it holds outlines."""
    return (gpd if outlines else pd).read_parquet(io.BytesIO(content))


def to_csv(table: pd.DataFrame) -> str:
    """UTF-8 CSV text: comma, decimal point, ISO times with Z; text that a spreadsheet would run is defused."""
    plain = table.copy()
    for name, column in plain.items():
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            plain[name] = [v.isoformat().replace("+00:00", "Z") if v is not pd.NaT else None for v in column]
        elif column.dtype == object or isinstance(column.dtype, pd.StringDtype):
            plain[name] = [_defused(v) if isinstance(v, str) else v for v in column]
    return str(plain.to_csv(index=False, lineterminator="\n"))


def _defused(text: str) -> str:
    """The text, made harmless where a spreadsheet would run it; what is a number stays one."""
    try:
        float(text)
    except ValueError:
        return f"'{text}" if text.startswith(_DEFUSED) else text
    return text
