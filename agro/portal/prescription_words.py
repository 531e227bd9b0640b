"""A field's newest prescription as its page shows it: what, how much, why, how sure, and the files."""

from datetime import date
from typing import Any
from urllib.parse import quote

import pandas as pd
from fastapi import Request

from agro.domain.errors import Refusal, Told
from agro.portal.rendering import language_of
from agro.portal.seen import Seen
from agro.portal.shelf import Shelf
from agro.reports.prescription_words import STATUS_NAMES, sentence
from agro.reports.words import number, reason, remedy, say
from agro.store.publish import Published
from agro.store.work import DONE, RUNNING, Works

_NUTRIENTS = {"n": "N", "p2o5": "P2O5", "k2o": "K2O", "s": "S", "caco3": "CaCO3"}
_FILES = (  # assets as they are offered, what a driver needs first
    ("taskdata-zip", "Task for the terminal: ISOXML (TASKDATA.zip)"),
    ("rx-shapefile-zip", "Task for the terminal: shapefile"),
    ("rx-gpkg", "Zones: GeoPackage"),
    ("zones", "Zones: GeoJSON"),
    ("doses", "Map of rates: GeoTIFF"),
    ("trial", "Strips of a trial: GeoJSON"),
    ("proof", "What proves the files: JSON"),
)


def prescription_view(shelf: Shelf, row: pd.Series, language: str, day: date | None) -> dict[str, Any] | None:
    """The newest prescription that a field has; None where there is none."""
    own = shelf.prescriptions(row)
    if not own:
        return None
    result, p = own[0], own[0].item["properties"]
    about = {name.removeprefix("agro:"): value for name, value in p.items()}
    stale = about["outline_version"] != row["version"]
    currency = say(about["currency"], language)
    area = float(about["area_ha"])
    return {
        "season": about["season"],
        "crop": about["crop_name"],
        "made_on": _written(about["made_on"], language),
        "planned": number(float(about["planned_yield_t_ha"]) * (10 if language == "ru" else 1), 1, language),
        "area": number(area, 1, language),
        "stale": stale,
        "products": [
            {
                "name": name,
                "rates": _rates([zone[i] for zone in about["rates_kg_ha"]], language),
                "total": number(float(about["total_kg"][i]), 0, language),
            }
            for i, name in enumerate(about["product_names"])
        ],
        "cost": "" if about["cost"] is None else f"{number(about['cost'], 0, language)} {currency}",
        "cost_ha": "" if about["cost"] is None else f"{number(about['cost'] / area, 0, language)} {currency}",
        "doses": [
            {"nutrient": _NUTRIENTS[name], **{end: _dose(one[end], language) for end in ("dose", "low", "high")}}
            for name, one in about["doses_kg_ha"].items()
        ],
        "why": _why(about, language),
        "assumed": [_sentence(line, language) for line in about["told"]],
        "files": [] if stale else _files(result, str(row.name), language),
        "sheet": _place(result, str(row.name), "sheet"),
        "proved": "proof" in result.item["assets"],
        "older": len(own) - 1,
    }


def work_view(request: Request, field_id: str) -> dict[str, Any] | None:
    """The newest piece of work on a field's prescription: whether it runs, or what was refused."""
    works: Works = request.app.state.works
    work = works.newest(field_id, "prescription")
    if work is None:
        return None
    language = language_of(request)
    lines: list[Refusal] = [_restored(one) for one in work.told.get("refusals", ())]
    return {
        "at": f"/work/{work.work_id}",
        "running": work.state == RUNNING,
        "state": work.state,
        "told": told_of_work(work.told, work.state, language),
        "refusals": [(_capital(reason(one, language)), _capital(remedy(one, language))) for one in lines],
    }


def told_of_work(told: dict[str, Any], state: str, language: str) -> str:
    """How far a piece of work is, in a sentence."""
    if state == RUNNING:
        seconds = told.get("seconds", 0)
        return say("Working out the doses ... {seconds} s. This page may be closed.", language, seconds=seconds)
    return say("The prescription is ready." if state == DONE else "No prescription was made.", language)


def _why(about: dict[str, Any], language: str) -> list[str]:
    """Why this rate, whether to vary it, and how sure that is."""
    lines = []
    if about["why_uniform"] is not None:
        lines.append(_sentence(about["why_uniform"], language))
    certificate = about["certificate"]
    lines.append(_capital(say(STATUS_NAMES[certificate["status"]], language)) + ".")
    why = certificate["why"]
    if why is not None and (about["why_uniform"] is None or why["text"] != about["why_uniform"]["text"]):
        lines.append(_sentence(why, language))
    return lines


def _sentence(line: dict[str, Any], language: str) -> str:
    text = _capital(sentence(line, language))
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _files(result: Published, field_id: str, language: str) -> list[tuple[str, str]]:
    assets = result.item["assets"]
    return [(say(words, language), _place(result, field_id, name)) for name, words in _FILES if name in assets]


def _place(result: Published, field_id: str, asset: str) -> str:
    own = f"/api/v1/fields/{quote(field_id, safe='')}/prescriptions/{Seen.id_of(result.place)}"
    return f"{own}/files/{asset}"


def _rates(rates: list[float], language: str) -> str:
    return " / ".join(dict.fromkeys(number(float(rate), 0, language) for rate in rates))


def _dose(value: float | None, language: str) -> str:
    return "–" if value is None else number(float(value), 0, language)


def _written(day: str, language: str) -> str:
    return ".".join(reversed(day.split("-"))) if language == "ru" else day


def _restored(found: Any) -> Any:
    """What was told, back from plain JSON values."""
    if not isinstance(found, dict):
        return found
    inner = {name: _restored(value) for name, value in found.items()}
    kind = {"code": Refusal, "text": Told}.get(next(iter(inner), ""))
    return kind(**inner) if kind else inner
