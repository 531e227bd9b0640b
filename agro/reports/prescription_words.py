"""Prescriptions in words: a few lines a field, and sentences whose facts are told as people write them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from agro.domain.errors import Refusal, Told
from agro.reports.words import number, say

STATUS_NAMES = {
    "proved": "varying surely paid on strips left out",
    "not_proved": "varying did not surely pay on strips left out",
    "not_checked": "whether varying pays was not verified",
}


def sentence(line: Told | Refusal | Mapping[str, Any], language: str) -> str:
    """A told thing as one sentence, its numbers and days as people write them.

    line      Told, Refusal, or what `as_facts` made of one
    language  `ru` or `en`
    returns   text [-]
    source    ours
    """
    text, facts = (line["text"], line["facts"]) if isinstance(line, Mapping) else (line.text, line.facts)
    return say(text, language, **{name: _as_written(value, language) for name, value in facts.items()})


def as_facts(line: Told | Refusal) -> dict[str, Any]:
    """A told thing as plain JSON values.

    line     Told or Refusal
    returns  text and facts [-]
    source   ours
    """
    plain = {n: _plain(value) for n, value in line.facts.items()}
    return {"text": line.text, "facts": plain, "sentence": line.reason if isinstance(line, Refusal) else str(line)}


def as_text(rows: Sequence[Mapping[str, Any]], before: int, nothing: Sequence[Refusal], language: str) -> str:
    """The prescriptions of a run for a person.

    rows      the properties of each prescription, without their prefix [kg/ha, kg]
    before    how many of them were there before [1]
    nothing   why the other fields need no fertiliser [-]
    language  `ru` or `en`
    returns   lines of text [-]
    source    ours
    """
    lines = []
    if any(row["simulated"] for row in rows):
        lines.append(say("SIMULATED DATA: the soil and the fields' yields are made by the program", language))
    lines.append(say("Prescriptions: {n}, of them made before: {before}", language, n=len(rows), before=before))
    for row in rows:
        lines += _field(row, language)
    lines += [f"{one.field_id}: {sentence(one, language)}" for one in nothing]
    return "\n".join(lines)


def _field(row: Mapping[str, Any], language: str) -> list[str]:
    area = number(row["area_ha"], 1, language)
    planned = number(10 * row["planned_yield_t_ha"], 1, language)
    lines = [
        say(
            "{field}: {crop} {season}, {area} ha, planned {planned} dt/ha",
            language,
            field=row["field_id"],
            crop=row["crop_name"],
            season=row["season"],
            area=area,
            planned=planned,
        )
    ]
    for i, name in enumerate(row["product_names"]):
        rates = [zone[i] for zone in row["rates_kg_ha"]]
        told = " / ".join(dict.fromkeys(number(rate, 0, language) for rate in rates))
        total = number(row["total_kg"][i], 0, language)
        lines.append(
            "  " + say("{product}: {rates} kg/ha, {total} kg", language, product=name, rates=told, total=total)
        )
    if row["cost"] is not None:
        cost = f"{number(row['cost'], 0, language)} {say(row['currency'], language)}"
        lines.append("  " + say("cost {cost}", language, cost=cost))
    if row["why_uniform"] is not None:
        lines.append("  " + sentence(row["why_uniform"], language))
    lines.append("  " + say(STATUS_NAMES[row["certificate"]["status"]], language))
    why = row["certificate"]["why"]
    if why is not None and (row["why_uniform"] is None or why["text"] != row["why_uniform"]["text"]):
        lines.append("  " + sentence(why, language))
    lines += [f"  · {sentence(line, language)}" for line in row["told"]]
    lines.append(f"  {row['place']}")
    return lines


def _plain(value: Any) -> Any:
    if isinstance(value, Told | Refusal):
        return as_facts(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _as_written(value: Any, language: str) -> Any:
    if isinstance(value, Mapping | Told | Refusal):
        return sentence(value, language)
    if isinstance(value, float):
        return number(value, 0 if value.is_integer() else 1, language)
    if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
        value = date.fromisoformat(value)
    if isinstance(value, date):
        return value.strftime("%d.%m.%Y" if language == "ru" else "%Y-%m-%d")
    return value
