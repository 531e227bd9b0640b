"""The outlook of agricultural output for a person: the index with its interval, the scenarios, what moves it."""

from collections.abc import Mapping, Sequence
from typing import Any

from agro.domain.errors import Refusal
from agro.reports.words import number, reason, remedy, say

SCENARIO_NAMES = {"conservative": "conservative", "target": "target", "optimistic": "optimistic"}
PART_NAMES = {
    "area": "area",
    "mix": "mix of crops",
    "yield": "yields",
    "livestock": "livestock",
    "rest": "other series",
    "all": "everything",
}
CATEGORY_NAMES = {
    "all": "all farms",
    "organisations": "organisations",
    "farmers": "farmers",
    "households": "households",
}
_APART = 0.95  # [1] from here on a forecast may say which of two scenarios is under way. source: ours
_TOO_MUCH_PCT = 100.0  # [%] more of one thing than anybody would plan. source: ours


def assumed(made: Mapping[str, Any] | None, simulated: bool, demonstration: bool, language: str) -> list[str]:
    """What of the inputs is simulated or assumed: it stands before everything else.

    made           an indicator; None where there is none yet
    simulated      whether the fields, their passes and harvests are made up
    demonstration  whether indices, prices and series are the demonstration's
    language       `ru` or `en`
    returns        lines of text [-]
    source         ours
    """
    lines = []
    if simulated:
        lines.append(say("SIMULATED: fields, passes, weather, harvests and statistics of districts are made by the program", language))  # fmt: skip  # noqa: E501
    if demonstration:
        lines.append(say("DEMONSTRATION: annual indices, prices and series of livestock are invented, of no real district", language))  # fmt: skip  # noqa: E501
    if made is not None:
        lines.append(say("ASSUMED: the sizes of errors of areas, households and livestock, and how crops go together (configs/scenarios.toml)", language))  # fmt: skip  # noqa: E501
    return lines


def outlook_as_text(
    made: Mapping[str, Any], names: Mapping[str, str], scores: Sequence[Mapping[str, Any]], language: str
) -> str:
    """The outlook of one day.

    made      the indicator as it was kept [% of 2017]
    names     what districts and groups of products are called, by their code
    scores    how outlooks of closed years did [%]; empty where none has closed
    language  `ru` or `en`
    returns   lines of text [-]
    source    ours
    """
    day = _day(made["as_of"], language)
    lines = [say("Agricultural output, % of {base}, as of {day}", language, base=made["base_year"], day=day)]
    if made["refusal"]:
        why = Refusal(**made["refusal"])
        lines += [f"  {reason(why, language)}", f"    → {remedy(why, language)}"]
    for year in made["years"]:
        lines += _year(year, language)
    link = made["link"]
    lines.append(say("{year} to {before}: {told} %", language, year=made["year"], before=made["year"] - 1, told=_interval(link, language)))  # fmt: skip  # noqa: E501
    lines += _growth(made, language)
    lines += _fixed(made, language)
    lines.append(say("Change to the year before, percentage points:", language))
    lines += [f"  {line}" for line in _parts(made, names, language)]
    lines += [*_by(made, names, language), *_a_hectare(made, names, language), *_levers(made, names, language)]
    lines += _scores(scores, language)
    lines.append(footnote(language))
    return "\n".join(lines)


def headline(made: Mapping[str, Any], language: str) -> list[str]:
    """The index with its interval and the three probabilities, a line each.

    made      the indicator as it was kept [% of 2017]
    language  `ru` or `en`
    returns   lines of text [-]; why there is no headline, where there is none
    source    ours
    """
    if made["refusal"]:
        why = Refusal(**made["refusal"])
        return [reason(why, language), f"→ {remedy(why, language)}"]
    lines = _year(made["years"][0], language)
    day = _day(made["as_of"], language)
    return [say("Agricultural output, % of {base}, as of {day}", language, base=made["base_year"], day=day), *lines]


def footnote(language: str) -> str:
    """How the strategy's per cents are read.

    language  `ru` or `en`
    returns   one line of text [-]
    source    strategy of the region to 2035, which never says "comparable prices"
    """
    return say("The strategy does not say what its per cents mean; they are read as volume indices in comparable prices, chained year by year as the statistical office does it.", language)  # fmt: skip  # noqa: E501


def apart_as_text(year: Mapping[str, Any], language: str) -> str:
    """Whether the target can be told from the optimistic scenario.

    year      one year of the indicator [% of 2017]
    language  `ru` or `en`
    returns   one sentence [-]
    source    ours
    """
    gap = number(year["goals"]["optimistic"] - year["goals"]["target"], 1, language)
    if year["apart"] >= _APART:
        return say("Target and optimistic differ by {gap} points: this forecast can tell them apart.", language, gap=gap)  # fmt: skip  # noqa: E501
    return say(
        "Target and optimistic differ by {gap} points, the forecast errs by {se}: they cannot be told apart (one would "
        "name the right one in {share} cases of 100, a coin in 50).",
        language,
        gap=gap,
        se=number(year["se"], 1, language),
        share=number(100 * year["apart"], 0, language),
    )


def chance(share: float, language: str) -> str:
    """A probability in whole per cent.

    share     [1]
    language  `ru` or `en`
    returns   text [%]; never a plain 0 or 100
    source    ours
    """
    if share < 0.01:
        return "< 1"
    return "> 99" if share > 0.99 else number(100 * share, 0, language)


def _year(year: Mapping[str, Any], language: str) -> list[str]:
    lines = [f"  {year['year']}: {_interval(year, language)}"]
    for name in SCENARIO_NAMES:
        sentence = say(
            "at least {scenario} ({goal}): {chance} %",
            language,
            scenario=say(SCENARIO_NAMES[name], language),
            goal=number(year["goals"][name], 1, language),
            chance=chance(year["chances"][name], language),
        )
        lines.append(f"      {sentence}")
    return [*lines, f"      {apart_as_text(year, language)}"]


def _interval(figures: Mapping[str, float], language: str) -> str:
    value, low, high, low90, high90 = (number(figures[name], 1, language) for name in ("median", "low_80", "high_80", "low_90", "high_90"))  # fmt: skip  # noqa: E501
    return say("{value} (80 %: {low} to {high}; 90 %: {low90} to {high90})", language, value=value, low=low, high=high, low90=low90, high90=high90)  # fmt: skip  # noqa: E501


def _growth(made: Mapping[str, Any], language: str) -> list[str]:
    if not made["needed"]:
        return []
    parts = "; ".join(
        f"{say(SCENARIO_NAMES[row['scenario']], language)} ({number(row['goal'], 1, language)}): "
        f"{number(row['growth'], 2, language)} %"
        for row in made["needed"]
    )
    first = made["needed"][0]
    return [
        say(
            "{year} is not foreseen. Growth a year that would still lead there: {parts}. Since {base}: {since} %.",
            language,
            year=first["year"],
            parts=parts,
            base=made["base_year"],
            since=number(first["since"], 2, language),
        )
    ]


def _fixed(made: Mapping[str, Any], language: str) -> list[str]:
    fixed = made["fixed_prices"]
    if fixed is None:
        return []
    if fixed["of_base"] is None:
        return [say("At prices of {base} nothing can be said: a price or quantity of that year is missing.", language, base=made["base_year"])]  # fmt: skip  # noqa: E501
    return [
        say(
            "At prices of {base}: {value} % (the chain lies {gap} points from it)",
            language,
            base=made["base_year"],
            value=number(fixed["of_base"], 1, language),
            gap=signed(fixed["gap"], language),
        )
    ]


def signed(value: float, language: str, digits: int = 1) -> str:
    """A number with its sign.

    value     any [-]
    digits    after the decimal sign [-]
    language  `ru` or `en`
    returns   text [-]
    source    ours
    """
    text = number(abs(value), digits, language)
    return text if float(f"{abs(value):.{digits}f}") == 0 else f"{'+' if value > 0 else '−'}{text}"


def _parts(made: Mapping[str, Any], names: Mapping[str, str], language: str) -> list[str]:
    kinds = [name for name in PART_NAMES if name != "all"]
    lines = []
    for name, row in [(say("The region", language), made["change"]), *((names.get(row["district"], row["district"]), row) for row in made["parts"])]:  # fmt: skip  # noqa: E501
        told = ", ".join(f"{say(PART_NAMES[kind], language)} {signed(row[kind], language, 2)}" for kind in kinds)
        lines.append(f"{name}: {signed(row['total'], language, 2)} = {told}")
    if made.get("withheld"):
        who = ", ".join(names.get(one, one) for one in made["withheld"])
        lines.append(say("{who}: withheld, as on the board (--all-districts tells those who hold the data)", language, who=who))  # fmt: skip  # noqa: E501
    return lines


def _by(made: Mapping[str, Any], names: Mapping[str, str], language: str) -> list[str]:
    """The link to the year before by category of farm, group of products and district, a line each."""
    heads = {
        "category": say("By category of farm, % of the year before:", language),
        "group": say("By group of products, % of the year before:", language),
        "district": say("By district, % of the year before:", language),
    }
    lines = []
    for part, head in heads.items():
        told = [
            f"{say(CATEGORY_NAMES[code], language) if code in CATEGORY_NAMES else names.get(code, code)} "
            + ("–" if value is None else number(value, 1, language))
            for code, value in made["links_by"][part].items()
        ]
        lines += [f"{head} {', '.join(told)}"] if told else []
    return lines


def _a_hectare(made: Mapping[str, Any], names: Mapping[str, str], language: str) -> list[str]:
    """Crop output a hectare at last year's prices, of the year before and of the open year."""
    told = [
        f"{names.get(row['district'], row['district'])} "
        f"{number(row['before'], 0, language)} → {number(row['now'], 0, language)}"
        for row in made["rub_ha"]
        if row["before"] is not None and row["now"] is not None
    ]
    head = say("Crop output a hectare at prices of {year}, RUB:", language, year=made["year"] - 1)
    return [f"{head} {', '.join(told)}"] if told else []


def _levers(made: Mapping[str, Any], names: Mapping[str, str], language: str) -> list[str]:
    if not made["levers"]:
        return []
    goal = number(made["years"][0]["goals"]["target"], 1, language)
    lines = [say("What alone would lead to the target of {goal} in {year}:", language, goal=goal, year=made["year"])]
    for row in made["levers"]:
        name = say(PART_NAMES["all"], language) if row["part"] == "all" else names.get(row["part"], row["part"])
        one, needed = number(row["one_more"], 2, language), signed(row["needed"], language)
        told = say("{needed} % (1 % more gives {one} points)", language, needed=needed, one=one)
        if row["needed"] > _TOO_MUCH_PCT:
            told = say("not alone: it would have to more than double (1 % more gives {one} points)", language, one=one)
        lines.append(f"  {name}: {told}")
    return lines


def _scores(scores: Sequence[Mapping[str, Any]], language: str) -> list[str]:
    lines = [say("How outlooks of closed years did:", language)] if scores else []
    for row in scores:
        told = say(
            "{year}, told on {day}: {told}, official {official} (published {vintage}); the 80 % interval {held}; Brier score of the three chances {brier}",  # noqa: E501
            language,
            year=row["year"],
            day=_day(row["as_of"], language),
            told=number(row["told"], 1, language),
            official=number(row["official"], 1, language),
            vintage=_day(row["vintage"], language),
            held=say("held", language) if row["covered_80"] else say("did not hold", language),
            brier=number(row["brier"], 2, language),
        )
        lines.append(f"  {told}")
    return lines


def _day(text: str, language: str) -> str:
    return ".".join(reversed(text.split("-"))) if language == "ru" else text
