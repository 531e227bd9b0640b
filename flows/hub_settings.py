"""The settings of services that imagery is asked of."""

from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

SERVICES = ("sentinel-hub", "stac-api")  # sources of imagery that are asked over the net


class Api(BaseModel):
    """A STAC API, and how much is asked of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    sign: str
    credentials: Annotated[Path | None, BeforeValidator(lambda text: text or None)]
    token_url: str
    login_hosts: tuple[str, ...]
    since: Annotated[date | None, BeforeValidator(lambda text: text or None)]
    most_cloud_pct: float = Field(ge=0, le=100)
    attempts: int = Field(ge=1, le=20)
    timeout_s: float = Field(gt=0, le=3600)
    deadline_s: float = Field(gt=0, le=86_400)


class Hub(BaseModel):
    """Sentinel Hub or whoever speaks as it does. Who may ask it stands in no configuration: only where that is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str
    token_url: str
    credentials: Annotated[Path | None, BeforeValidator(lambda text: text or None)]
    since: Annotated[date | None, BeforeValidator(lambda text: text or None)]
    most_cloud_pct: float = Field(ge=0, le=100)
    monthly_units: float = Field(ge=0, le=1e9)
    monthly_requests: int = Field(ge=0, le=10**9)
    ledger: Annotated[Path | None, BeforeValidator(lambda text: text or None)]
    attempts: int = Field(ge=1, le=20)
    timeout_s: float = Field(gt=0, le=3600)
    deadline_s: float = Field(gt=0, le=86_400)
    connections: int = Field(ge=1, le=32)
