"""The looks that crop types and idle land are told by: believed ones, a row a field and look, a column a layer."""

from datetime import date

import numpy as np
import pandas as pd

from models.yield_features import believed


def land_looks(fieldstats: pd.DataFrame, enough_clear: float, no_falls: bool) -> pd.DataFrame:
    """`field_id`, `season`, `day` and a column for each layer: medians of looks that show enough of a field.

    no_falls   without looks that alone lie far below their neighbours: clouds, or a mower
    """
    clear = fieldstats[fieldstats["clear_fraction"] >= enough_clear]
    wide = clear.pivot_table(index=["field_id", "acquired_at"], columns="layer", values="p50", aggfunc="last")
    if "ndvi" not in wide:
        return pd.DataFrame(columns=["field_id", "season", "day", "ndvi"])
    looks = wide[wide["ndvi"].notna()].reset_index().sort_values(["field_id", "acquired_at"])
    groups = looks.groupby(["field_id", looks["acquired_at"].dt.year], sort=True) if no_falls else []
    kept = [_kept(own) for _, own in groups]
    looks = looks[np.concatenate(kept)] if kept else looks
    at = looks["acquired_at"]
    return looks.assign(season=at.dt.year, day=at.dt.date).drop(columns="acquired_at").reset_index(drop=True)


def known_by(looks: pd.DataFrame, as_of: date | None) -> pd.DataFrame:
    """The looks up to the end of a day (UTC)."""
    return (
        looks if as_of is None else looks[looks["acquired_at"] < pd.Timestamp(as_of, tz="UTC") + pd.Timedelta(days=1)]
    )


def _kept(own: pd.DataFrame) -> np.ndarray:
    at = own["acquired_at"]
    return believed((at - at.iloc[0]).dt.total_seconds().to_numpy() / 86_400, own["ndvi"].to_numpy("float64"))
