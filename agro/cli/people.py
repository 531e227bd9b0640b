"""People of the portal: who may see what. A password comes by prompt or environment, never by the command line."""

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from agro.cli.options import AsJson, Config, Sets
from agro.cli.voice import Voice, told
from agro.domain.errors import BadInput

if TYPE_CHECKING:
    from agro.store.accounts import Accounts

PASSWORD = "AGRO_PASSWORD"  # noqa: S105  the variable's name
Name = Annotated[str, typer.Argument(help="What the person logs in by.")]
_DAYS = 3650


def add(
    name: Name,
    role: Annotated[str, typer.Option(help="farmer, agronomist, ministry or operator.")],
    farm: Annotated[list[str], typer.Option("--farm", help="A farm that is his; may be repeated.")] = [],  # noqa: B006
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """Register somebody; the password is asked for, or taken from AGRO_PASSWORD."""
    with told("ru") as voice:
        from agro.reports.words import say

        accounts = _accounts(config, set_, voice)
        person = accounts.add(name, role, _password(voice), farm)
        print(say("{name} may come in as {role}", voice.language, name=person.name, role=person.role))


def list_(config: Config = "default", set_: Sets = [], as_json: AsJson = False) -> None:  # noqa: B006
    """Everybody, with roles and farms."""
    with told("ru") as voice:
        everybody = _accounts(config, set_, voice).everybody()
        if as_json:
            print(
                json.dumps([{"name": p.name, "role": p.role, "farms": p.farms} for p in everybody], ensure_ascii=False)
            )
            return
        for person in everybody:
            print("  ".join([person.name, person.role, *person.farms]))


def password(name: Name, config: Config = "default", set_: Sets = []) -> None:  # noqa: B006
    """Give somebody another password; his sessions and tokens end."""
    with told("ru") as voice:
        _accounts(config, set_, voice).set_password(name, _password(voice))


def remove(name: Name, config: Config = "default", set_: Sets = []) -> None:  # noqa: B006
    """Forget somebody; what he did stays on record."""
    with told("ru") as voice:
        _accounts(config, set_, voice).remove(name)


def token(
    name: Name,
    label: Annotated[str, typer.Option(help="What it is for.")],
    write: Annotated[bool, typer.Option("--write", help="It may change things too, not only read.")] = False,
    days: Annotated[int, typer.Option(min=1, max=_DAYS, help="How long it holds.")] = 90,
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
) -> None:
    """Print a new token for a program that asks in somebody's name. It is shown once."""
    with told("ru") as voice:
        accounts = _accounts(config, set_, voice)
        scope = "write" if write else "read"
        print(accounts.give_key(accounts.named(name).person_id, "token", scope, label, 24 * days))


def _accounts(config: str, overrides: list[str], voice: Voice) -> "Accounts":
    from agro.store.accounts import Accounts
    from agro.store.database import connected
    from flows.settings import load

    settings = load(config, overrides)
    voice.language = settings.ui.language
    return Accounts(connected(settings.portal.database, settings.portal.path))


def _password(voice: Voice) -> str:
    """From the environment, from a pipe's first line, or asked for twice."""
    from agro.reports.words import say

    if PASSWORD in os.environ:
        return os.environ[PASSWORD]
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = str(typer.prompt(say("Password", voice.language), hide_input=True))
    if first != typer.prompt(say("Once more", voice.language), hide_input=True):
        raise BadInput("PERSON-TWICE", "the two passwords differ", "try again")
    return first
