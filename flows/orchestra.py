"""How Prefect is met: at home under one folder, on loopback, silent, with nothing sent anywhere."""

import os
from pathlib import Path

from agro.domain.errors import StoreDown


def home() -> Path:
    """Our own folder of one user: AGRO_HOME, or `agro` where the desktop keeps such things."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(os.environ.get("AGRO_HOME") or Path(data) / "agro")


def prepare() -> None:
    """Set Prefect's environment where nobody has; call it before Prefect is imported. Raises StoreDown."""
    place = home() / "prefect"
    for name, value in {
        "PREFECT_HOME": str(place),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",  # [s] a loaded machine needs more than the stock 20
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",  # what went wrong is told once, by us, in a sentence
        "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
    }.items():
        os.environ.setdefault(name, value)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreDown(
            "HOME-UNUSABLE",
            "{where}: cannot be made ({met})",
            "give another folder in the variable AGRO_HOME",
            where=str(place),
            met=error.strerror,
        ) from None
