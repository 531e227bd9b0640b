"""What combines and scales say of each field, for a person."""

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from agro.reports.words import number, say

# Why a point of a monitor is left out, as `agro.agromaps.yield_cleaning` calls it.
REASON_NAMES = {
    "no_fix": "no position",
    "gps_jump": "the position jumped",
    "outside": "outside the field",
    "not_working": "header up",
    "no_swath": "no swath",
    "narrow": "narrow swath",
    "stopped": "standing or creeping",
    "too_fast": "too fast",
    "turn": "turning",
    "speed_change": "sudden change of speed",
    "overlap": "cut before",
    "pass_start": "beginning of a pass",
    "pass_end": "end of a pass",
    "no_yield": "no figure",
    "null": "nought",
    "too_high": "more than the crop can yield",
    "border": "border of the field",
    "outlier": "far from the field's mean",
    "moran_plot": "unlike its neighbours (Moran's plot)",
    "local_moran": "unlike its neighbours (local Moran)",
}


def yields_as_text(fields: pd.DataFrame, crops: Mapping[str, str], language: str) -> str:
    """The yield of each field and season by its monitor, and what was left out.

    fields    rows of a yield map's table: yields [t/ha], points [1], reasons
    crops     what each crop is called
    language  `ru` or `en`
    returns   lines of text [-]; centners in Russian, as people there count
    source    ours
    """
    if fields.empty:
        return say("No yield map yet: name the files of monitors in records.yield_monitors", language)
    lines = []
    for row in fields.sort_values(["season", "field_id"]).to_dict("records"):
        head = f"{row['field_id']} · {row['season']} · {crops.get(row['crop'], row['crop'])}"
        lines.append(f"{head}: {_mean(row, language)}")
        lines.append("    " + say("{kept} of {points} points are believed", language, kept=row["kept"], points=row["points"]))  # fmt: skip  # noqa: E501
        counts = Counter({part.rsplit(" ", 1)[0]: int(part.rsplit(" ", 1)[1]) for part in row["left_out"].split("; ") if part})  # fmt: skip  # noqa: E501
        lines += [f"      {say(REASON_NAMES[reason], language)}: {n}" for reason, n in counts.most_common()]
        delay = say(
            "delay of the grain, s: {delay}",
            language,
            delay=row["delay_s"].replace(".", "," if language == "ru" else "."),
        )
        unsure = "" if row["delay_sure"] else " " + say("(not to be told from the passes)", language)
        lines.append(f"    {delay}{unsure}")
    return "\n".join(lines)


def _mean(row: dict[str, object], language: str) -> str:
    if row["refused"]:
        return say("no map", language)
    times, digits = (10, 1) if language == "ru" else (1, 2)
    mean, error, scale = (number(float(str(row[name])) * by, d, language) for name, by, d in (("yield_t_ha", times, digits), ("yield_se_t_ha", times, digits), ("scale", 1, 3)))  # fmt: skip  # noqa: E501
    if row["scaled_to"] == "weighed harvest":
        return say("{mean} ± {error} t/ha; the monitor times {scale} is the weighed harvest", language, mean=mean, error=error, scale=scale)  # fmt: skip  # noqa: E501
    return say("{mean} ± {error} t/ha by the monitor alone; nothing was weighed", language, mean=mean, error=error)
