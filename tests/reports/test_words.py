import ast
import importlib
import pkgutil
import string
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from agro.domain.errors import Refusal, Told
from agro.portal.field_layers import _ORDER
from agro.portal.pages_files import _WORDS
from agro.portal.prescription_words import _FILES
from agro.reports import russian
from agro.reports.field_chart import _MONTHS
from agro.reports.forecast_text import MODEL_NAMES, SCOPE_NAMES
from agro.reports.land_text import LAND_WORDS
from agro.reports.outlook_text import CATEGORY_NAMES, PART_NAMES, SCENARIO_NAMES
from agro.reports.prescription_words import STATUS_NAMES
from agro.reports.run_summary import KIND_NAMES
from agro.reports.russian import RUSSIAN
from agro.reports.styles import STYLES
from agro.reports.words import day, number, reason, remedy, say
from agro.reports.yield_summary import REASON_NAMES
from agro.store.publish import KINDS
from flows.panels import _MISSING
from flows.settings import CONFIGS, facts
from flows.winter_review import _STEPS
from models.yield_words import FEATURE_WORDS

ROOT = Path(__file__).parents[2]
_RAISED = {
    "BadInput",
    "BalanceOpen",
    "WrongGrid",
    "TornFile",
    "SourceDown",
    "StoreDown",
    "NotProved",
    "AgroError",
    "Refusal",
}


def sentences() -> dict[str, str]:
    """Every sentence that the code tells a person, and where."""
    found = {}
    for path in [*ROOT.glob("agro/**/*.py"), *ROOT.glob("flows/**/*.py"), *ROOT.glob("models/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            told = (
                node.args[2:4]
                if name == "Denied" and len(node.args) >= 4
                else node.args[1:3]
                if name in _RAISED and len(node.args) >= 3
                else node.args[:1]
                if name in ("say", "Told")
                else []
            )
            for argument in told:
                for text in _texts(argument):
                    found[text] = path.name
    for path in ROOT.glob("agro/portal/templates/**/*.html"):
        for call in Environment(autoescape=True).parse(path.read_text()).find_all(nodes.Call):
            if getattr(call.node, "name", "") == "say" and isinstance(call.args[0], nodes.Const):
                found[call.args[0].value] = path.name
    return found


def of_schemes() -> set[str]:
    """What a refused scheme is told of: its trial, the currency there, and what was left out."""
    table = facts(CONFIGS / "schemes.toml")
    rows = [row for row in table.values() if isinstance(row, dict)]
    simulated = [name for row in rows for one in row.get("simulated", ()) for name in one["earned"]]
    return {table["where"], table["currency"], *(name for row in rows for name in row["earned"]), *simulated}


def _texts(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [node.value]
    return [*_texts(node.body), *_texts(node.orelse)] if isinstance(node, ast.IfExp) else []


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_sentence_has_its_russian_and_no_russian_is_left_over() -> None:
    said = sentences()
    assert len(said) > 150
    missing = {text: where for text, where in said.items() if text not in RUSSIAN}
    assert not missing
    style = {word for one in STYLES.values() for word in (one.question, one.name)}
    style |= {*KIND_NAMES.values(), *_STEPS, *REASON_NAMES.values(), *STATUS_NAMES.values(), "RUB"}
    style |= {one.unit for one in STYLES.values() if any(letter.islower() for letter in one.unit)}
    style |= {*_MISSING.values(), *MODEL_NAMES.values(), *SCOPE_NAMES.values()}
    style |= {*LAND_WORDS.values(), *FEATURE_WORDS.values(), *of_schemes()}
    style |= {*_MONTHS, *(words for _, words in _FILES), *(group for group, _ in _ORDER)}
    style |= {words for pair in _WORDS.values() for words in pair}
    style |= {*SCENARIO_NAMES.values(), *PART_NAMES.values(), *CATEGORY_NAMES.values()}
    assert style <= set(RUSSIAN)
    assert set(KIND_NAMES) == set(KINDS)
    assert not set(RUSSIAN) - set(said) - style


def test_no_sentence_stands_in_two_catalogues() -> None:
    """One would silently win, and a figure would get the other's unit."""
    found: list[str] = []
    for module in pkgutil.iter_modules(russian.__path__):
        catalogue = vars(importlib.import_module(f"{russian.__name__}.{module.name}"))
        found += [text for name, known in catalogue.items() if name.isupper() for text in known]
    assert len(found) == len(set(found)) == len(RUSSIAN)


@pytest.mark.parametrize("english", RUSSIAN)
def test_a_translation_keeps_the_places_and_speaks_russian(english: str) -> None:
    assert places(RUSSIAN[english]) <= places(english)
    assert places(english) - places(RUSSIAN[english]) == set()
    if english != "{where}: {met}":
        assert any("а" <= letter.lower() <= "я" or letter == "ё" for letter in RUSSIAN[english])


def test_a_refusal_in_two_languages_down_to_its_places() -> None:
    row = Told("{file}, row {n}", {"file": "s.csv", "n": 3})
    inner = Refusal(
        "CROP-UNKNOWN",
        "{where}: unknown crop {met}",
        "did you mean {near}?",
        {"where": row, "met": "сойя", "near": "соя"},
    )
    outer = Refusal(
        "FIELDS-NONE",
        "{where}: none of {count} outlines can be used. {met}",
        "mend the outlines",
        {"where": "f", "count": 2, "met": inner},
    )
    assert reason(inner, "ru") == "s.csv, строка 3: неизвестная культура сойя"
    assert remedy(inner, "ru") == "возможно, имелось в виду соя?"
    assert reason(outer, "en") == "f: none of 2 outlines can be used. s.csv, row 3: unknown crop сойя"
    assert reason(outer, "ru").endswith("s.csv, строка 3: неизвестная культура сойя")


def test_numbers_and_days_as_people_write_them() -> None:
    assert number(1234.5, 1, "ru") == "1\u202f234,5"
    assert number(1234.5, 1, "en") == "1,234.5"
    assert day(datetime(2022, 5, 22, 18, 0, tzinfo=UTC), "ru") == "23.05.2022"  # in Kuzbass it is past midnight
    assert say("never written down {x}", "ru", x=1) == "never written down 1"
