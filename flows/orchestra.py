"""How Prefect is met: at home under one folder, on loopback, silent, with nothing sent anywhere."""

import os
import signal
from pathlib import Path

from agro.domain.errors import StoreDown


def home() -> Path:
    """Our own folder of one user: AGRO_HOME, or `agro` where the desktop keeps such things."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(os.environ.get("AGRO_HOME") or Path(data) / "agro")


def end_orphans() -> int:
    """End the temporary servers of runs that were killed: their parent is gone, and nobody else would. How many."""
    first, ended = Path("/proc/1/cmdline"), 0
    if not first.exists() or b"agro" in first.read_bytes():
        return 0  # in a container of our own the first process is one of ours: its children are no orphans
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            words = (folder / "cmdline").read_bytes()
            ours = f"PREFECT_HOME={home() / 'prefect'}".encode() in (folder / "environ").read_bytes().split(b"\x00")
        except OSError:
            continue  # ended meanwhile, or not ours to read
        if parent == "1" and ours and b"prefect.server.api.server:create_app" in words:
            os.kill(int(folder.name), signal.SIGTERM)
            ended += 1
    return ended


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
        "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
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
