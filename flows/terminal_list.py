"""The terminals that files can be written for."""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from agro.domain.errors import BadInput
from agro.domain.terminal import Terminal
from flows.settings import CONFIGS, facts


def terminals() -> dict[str, Terminal]:
    """The terminals of configs/terminals.toml."""
    known = {field.name for field in fields(Terminal)}
    rows = {code: row for code, row in terminal_facts().items() if isinstance(row, Mapping)}
    return {
        code: Terminal(
            code=code,
            assumption=row["status"] != "read" or bool(row.get("assumed")),
            **{name: value for name, value in row.items() if name in known},
        )
        for code, row in rows.items()
    }


def terminal_named(name: str) -> Terminal:
    """The terminal of this name. Raises BadInput."""
    known = terminals()
    if name in known:
        return known[name]
    near = get_close_matches(name.lower(), list(known), n=2)
    raise BadInput(
        "TERMINAL-UNKNOWN",
        "there is no terminal {met}",
        "did you mean {near}?" if near else "take one of: {known}",
        met=name,
        near=", ".join(near),
        known=", ".join(known),
    )


def terminal_facts() -> dict[str, Any]:
    """configs/terminals.toml as it stands."""
    return facts(CONFIGS / "terminals.toml")
