"""Yield forecasts for a person: how much, between what and what, how much of the area was seen, and why not."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from agro.domain.outlook import Forecast
from agro.reports.words import number, reason, remedy, say

_FEWEST_FOR_SKILL = 5  # [1] fields: of fewer, skill is chance. source: ours
MODEL_NAMES = {
    "average": "plain average",
    "trend": "trend",
    "ridge": "ridge regression",
    "boosting": "boosted trees",
    "process": "Gaussian process",
    "blend": "blend of models",
}
SCOPE_NAMES = {"field": "fields", "district": "districts", "region": "the region"}


def forecasts_as_text(
    as_of: date,
    forecasts: Sequence[Forecast],
    names: Mapping[str, str],
    simulated: bool,
    language: str,
) -> str:
    """The forecasts of one day: the region by crop, its districts, and fields where some are among them.

    as_of      the last day that was known
    forecasts  of any scope; yields [t/ha] and tonnes [t]
    names      what crops and districts are called, by their code
    simulated  whether the region is made up
    language   `ru` or `en`
    returns    lines of text [-]; centners in Russian, as people there count
    source     ours
    """
    day = as_of.strftime("%d.%m.%Y" if language == "ru" else "%Y-%m-%d")
    lines = [say("Yields foreseen as of {day}", language, day=day)]
    if simulated:
        lines.append(say("SIMULATED: no figure is of a real district or field", language))
    for crop in dict.fromkeys(one.crop for one in forecasts):
        own = [one for one in forecasts if one.crop == crop]
        fields = [one for one in own if one.scope == "field"]
        lines += ["", f"{names.get(crop, crop)} ({_model(own, language)})"]
        lines += _sums(own, names, language)
        lines += [f"    {one.subject}: {_told(one, language)}" for one in fields]
        lines += _silent(fields, language)
    if len(lines) <= 2:
        lines.append(say("Nothing is foreseen", language))
    return "\n".join(lines)


def _sums(own: Sequence[Forecast], names: Mapping[str, str], language: str) -> list[str]:
    """The region first, then its districts: yield, tonnes, and what is known once the harvest has begun."""
    lines: list[str] = []
    withheld: dict[str, list[str]] = {}
    of: dict[tuple[str, str, str], Forecast] = {(one.scope, one.subject, one.quantity): one for one in own}
    subjects = dict.fromkeys((one.scope, one.subject) for one in own if one.scope != "field")
    for scope, subject in sorted(subjects, key=lambda place: (place[0] != "region", place[1])):
        yields, tonnes = of[scope, subject, "yield_t_ha"], of[scope, subject, "production_t"]
        head = say("The region", language) if scope == "region" else names.get(subject, subject)
        if yields.estimate is None and yields.why is not None:
            why = f"{_told(yields, language)}\n      → {remedy(yields.why, language)}"
            withheld.setdefault(why, []).append(head)
            continue
        seen = say("seen: {share} % of the area", language, share=number(100 * yields.answered, 0, language))
        lines.append(f"  {head}: {_told(yields, language)}; {seen}")
        lines.append("      " + say("harvest: {tonnes}", language, tonnes=_told(tonnes, language)))
        outcome = of.get((scope, subject, "outcome_t_ha"))
        if outcome is not None:
            lines.append("      " + say("with what is threshed: {told}", language, told=_told(outcome, language)))
    return [*lines, *(f"  {', '.join(heads)}: {why}" for why, heads in withheld.items())]


def _told(one: Forecast, language: str) -> str:
    """A value with its interval, or why there is none."""
    if one.estimate is None:
        return say("not told: {why}", language, why=one.why) if one.why else say("not told", language)
    tonnes = one.quantity in ("production_t", "outcome_t")
    times, digits = (1, 0) if tonnes else (10, 1) if language == "ru" else (1, 2)
    unit = say("t", language) if tonnes else say("t/ha", language)
    value = f"{number(one.estimate.value * times, digits, language)} {unit}"
    inner = one.interval()
    if inner is None:
        return f"{value} ({say('no interval', language)})"
    low, high = (number(end * times, digits, language) for end in (inner.low, inner.high))
    level = number(100 * inner.level, 0, language)
    return say("{value}, {level} %: {low} to {high}", language, value=value, level=level, low=low, high=high)


def _model(own: Sequence[Forecast], language: str) -> str:
    """Which rung of the ladder speaks, and why where that is a plain one."""
    rung = own[0].model.rsplit(": ", 1)[-1]
    told = say("model: {name}", language, name=say(MODEL_NAMES.get(rung, rung), language))
    why = next((one.why for one in own if one.why and one.why.code in ("YIELD-FALLBACK", "INTERVAL-SEASONS")), None)
    return f"{told}; {reason(why, language)}" if why else told


def _silent(fields: Sequence[Forecast], language: str) -> list[str]:
    remedies = dict.fromkeys(remedy(one.why, language) for one in fields if one.estimate is None and one.why)
    return [f"    → {text}" for text in remedies]


def models_as_text(models: Sequence[Any], names: Mapping[str, str], language: str) -> str:
    """The fitted models: what speaks for each crop and day, and how it did on seasons left out.

    models    rows with crop, day, chosen, seasons, harvests, rmse_t_ha [t/ha], skill_average, skill_trend [1]
    names     what crops are called, by their code
    language  `ru` or `en`
    returns   lines of text [-]
    source    ours
    """
    times, digits = (10, 1) if language == "ru" else (1, 2)
    lines = []
    for one in models:
        head = say(
            "{crop}, by {day}: {model}; {harvests} harvests of {seasons} seasons",
            language,
            crop=names.get(one.crop, one.crop),
            day=".".join(reversed(one.day.split("-"))) if language == "ru" else one.day,
            model=say(MODEL_NAMES[one.chosen], language),
            harvests=one.harvests,
            seasons=one.seasons,
        )
        if one.rmse_t_ha is None:
            lines.append(f"{head}; {say('too few seasons to tell its error', language)}")
            continue
        figures = say(
            "error in seasons left out {error} t/ha, skill against the average {average} %, the trend {trend} %",
            language,
            error=number(one.rmse_t_ha * times, digits, language),
            average=_percent(one.skill_average, language),
            trend=_percent(one.skill_trend, language),
        )
        lines.append(f"{head}; {figures}")
    return "\n".join(lines) or say("No model was fitted", language)


def scores_as_text(scores: pd.DataFrame, names: Mapping[str, str], language: str) -> str:
    """How published forecasts did, day by day.

    scores    rows with as_of, scope, crop, quantity, n, rmse_t_ha [t/ha], skill_average, skill_trend, covered_80,
              answered [1]
    names     what crops are called, by their code
    language  `ru` or `en`
    returns   lines of text [-]
    source    ours
    """
    times, digits = (10, 1) if language == "ru" else (1, 2)
    lines = []
    for row in scores.sort_values(["as_of", "crop", "scope", "quantity"]).to_dict("records"):
        of = say(SCOPE_NAMES[row["scope"]], language)
        if row["quantity"] == "outcome_t_ha":
            of += ", " + say("with what was threshed", language)
        head = f"{row['as_of']} · {names.get(row['crop'], row['crop'])} · {of} ({row['n']})"
        if not row["n"]:
            lines.append(f"{head}: {say('none was told', language)}")
            continue
        told = say(
            "error {error} t/ha; 80 % intervals held {covered} %; answered {answered} %",
            language,
            error=number(row["rmse_t_ha"] * times, digits, language),
            covered=_percent(row["covered_80"], language),
            answered=_percent(row["answered"], language),
        )
        if row["n"] >= _FEWEST_FOR_SKILL and row["skill_trend"] == row["skill_trend"]:
            told += "; " + say(
                "skill against the average {average} %, the trend {trend} %",
                language,
                average=_percent(row["skill_average"], language),
                trend=_percent(row["skill_trend"], language),
            )
        lines.append(f"{head}: {told}")
    return "\n".join(lines)


def _percent(share: float | None, language: str) -> str:
    return "–" if share is None or share != share else number(100 * share, 0, language)
