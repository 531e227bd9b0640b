"""What offices told of output: the user's folder, or the demonstration's where the region is simulated."""

from datetime import UTC, datetime
from pathlib import Path

from agro.domain.errors import BadInput, Refusal
from agro.domain.output import Offices
from agro.sources.output_series import read_offices
from flows.output_facts import products
from flows.settings import CONFIGS, Settings

DEMONSTRATION = CONFIGS.parent / "data" / "statistics" / "demonstration"


def folder_of(settings: Settings) -> Path | None:
    """Where the tables lie; None where nobody named a folder and the region is real."""
    if settings.output.statistics is None and settings.imagery.source == "twin":
        return DEMONSTRATION
    return settings.output.statistics


def needed_folder(settings: Settings) -> Path:
    """The same; raises BadInput where there is none."""
    folder = folder_of(settings)
    if folder is None:
        raise BadInput(
            "OUTPUT-NONE",
            "no folder of annual indices, prices and series is named, so output cannot be told",
            "fill the templates of data/statistics and name their folder in output.statistics",
        )
    return folder


def offices_told(folder: Path) -> tuple[Offices, list[Refusal]]:
    """The tables, and what was refused of them."""
    from flows.harvest_records import district_words  # heavy, and a run with nothing to do only asks for the folder

    told, refused = read_offices(folder, products(), district_words(), datetime.now(UTC).date())
    shown = folder.resolve() == DEMONSTRATION.resolve()
    return Offices(told.indices, told.prices, told.series, shown), refused
