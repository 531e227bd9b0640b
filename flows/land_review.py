"""Every month of the season, and after it: what every parcel is, and what grows where nobody declared it."""

from collections.abc import Sequence
from dataclasses import dataclass

from prefect import flow

from agro.domain.errors import AgroError, Refusal
from flows.crop_types import crop_types
from flows.land import Asked, land
from flows.parcels import layer_named
from flows.settings import Settings, load


@dataclass(frozen=True)
class LandReviewed:
    """What came of a review: places of the results, and what was refused."""

    made: tuple[str, ...]
    failed: tuple[Refusal, ...]


@flow(name="land-review")
def land_review(config: str = "default", overrides: Sequence[str] = ()) -> LandReviewed:
    """Judge the parcels and tell undeclared crops. config and overrides as for `after_pass`."""
    return review_land(load(config, overrides))


def review_land(settings: Settings) -> LandReviewed:
    """The same without Prefect; without a layer of parcels only the crops are told."""
    made: list[str] = []
    failed: list[Refusal] = []
    for name in ("land", "crops"):
        if name == "land" and not layer_named(settings, None):
            continue
        try:
            told = land(settings, Asked()) if name == "land" else crop_types(settings, None, None)
        except AgroError as error:  # no declared crops is no reason to say nothing of idle land
            failed.append(error.refusal)
            continue
        made.append(told.place)
        failed += told.failed
    return LandReviewed(tuple(made), tuple(failed))
