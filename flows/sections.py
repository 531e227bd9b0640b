"""Sections of the configuration that stand alone: messages, the watch, the indicator and what may be shown."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MaybePath = Annotated[Path | None, BeforeValidator(lambda text: text or None)]  # an empty path is none


class Section(BaseModel):
    """A table of the configuration: frozen, and without a key that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Watch(Section):
    """[watch]"""

    days: int = Field(ge=10, le=400)


class Messages(Section):
    """[messages]"""

    outbox: Path
    addresses: MaybePath
    smtp: str = Field(pattern=r"^([\w.-]+:\d{1,5})?$")
    user: str
    sender: str


class Output(Section):
    """[output]"""

    statistics: MaybePath
    board: MaybePath
    after_run: bool


class Privacy(Section):
    """[privacy]"""

    fewest_farms: int = Field(ge=1, le=100)
    one_farm_pct: float = Field(gt=0, le=100)
    two_farms_pct: float = Field(gt=0, le=100)


class Portal(Section):
    """[portal]"""

    host: str = Field(min_length=1)
    port: int = Field(ge=0, le=65_535)
    path: Path
    database: str = Field(repr=False)
    proxy: str
    https: bool
    session_h: float = Field(gt=0, le=720)
    failed_logins: int = Field(ge=3, le=1000)
    requests_a_minute: int = Field(ge=10, le=10_000_000)
    body_mb: int = Field(ge=1, le=1024)
    slow_s: float = Field(ge=1, le=600)
    tile_cache_mb: int = Field(ge=0, le=1_000_000)
    tiles_at_once: int = Field(ge=1, le=64)
