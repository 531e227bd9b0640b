"""How Prefect is met: at home under one folder, on loopback, silent, with nothing sent anywhere."""

import os
from pathlib import Path


def prepare() -> Path:
    """Set Prefect's environment where nobody has; call it before Prefect is imported. Returns our home folder."""
    home = Path(
        os.environ.get("AGRO_HOME") or Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "agro"
    )
    for name, value in {
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",  # [s] a loaded machine needs more than the stock 20
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",  # what went wrong is told once, by us, in a sentence
        "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
    }.items():
        os.environ.setdefault(name, value)
    (home / "prefect").mkdir(parents=True, exist_ok=True)
    return home
