"""Every public function of the pure rooms says its shape, unit and source; the domain says what it is."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import pytest

import agro.advice
import agro.agromaps
import agro.imagery
import agro.region
import agro.reports
import models

_ROOMS = (agro.imagery, agro.agromaps, agro.advice, agro.region, agro.reports, models)


def public_functions() -> Iterator[tuple[str, object]]:
    for room in _ROOMS:
        for module in pkgutil.iter_modules(room.__path__, room.__name__ + "."):
            loaded = importlib.import_module(module.name)
            for name, value in vars(loaded).items():
                own = inspect.isfunction(value) and value.__module__ == loaded.__name__
                if own and not name.startswith("_"):
                    yield f"{module.name}.{name}", value


@pytest.mark.parametrize(("name", "function"), list(public_functions()))
def test_a_public_function_says_what_it_gives_its_unit_and_its_source(name: str, function: object) -> None:
    text = inspect.getdoc(function) or ""
    assert re.search(r"^\s*returns\s+\S", text, re.MULTILINE), name
    assert re.search(r"\[[^\]]+\]", text), f"{name}: no unit in brackets"
    assert re.search(r"^\s*source\s+\S", text, re.MULTILINE), name


def test_there_are_some() -> None:
    assert len(list(public_functions())) > 20
