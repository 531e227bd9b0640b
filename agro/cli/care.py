"""Looking after the machine and its store: what is wrong here, a backup, the way back from one."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agro.cli.options import AsJson, Config, Sets, StoreDir, asked, the_store
from agro.cli.voice import SOME_FAILED, end, print_json, told

if TYPE_CHECKING:
    from agro.store.backup import Copied
    from flows.doctor import Finding


def doctor(config: Config = "default", set_: Sets = [], store: StoreDir = None, as_json: AsJson = False) -> None:  # noqa: B006
    """Look at everything here that can be wrong, and say what to do. Exit code 3: something must be mended."""
    with told("ru") as voice:
        from flows.doctor import examine
        from flows.settings import load

        settings = load(config, asked(set_, store))
        voice.language = settings.ui.language
        found = examine(settings)
        if as_json:
            rows = [
                {"name": one.name, "state": _state(one), "wrong": one.wrong and one.wrong.as_json()} for one in found
            ]
            print(json.dumps({"looked_at": rows}, ensure_ascii=False))
        else:
            print("\n".join(_line(one, voice.language) for one in found))
        if any(_state(one) == "bad" for one in found):
            raise typer.Exit(SOME_FAILED)


def backup(
    target: Annotated[Path, typer.Argument(help="A new folder.", metavar="DIR")],
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
    store: StoreDir = None,
    as_json: AsJson = False,
) -> None:
    """Copy the store into a new folder, checked byte by byte; it may be in use meanwhile."""
    with told("ru") as voice:
        place = the_store(config, set_, store, voice)
        from agro.reports.words import say
        from agro.store.backup import back_up

        done = back_up(place, target)
        text = say("Backed up: {n}, manifest {hash}", voice.language, n=done.results, hash=done.manifest[:16])
        _finish(done, text, voice.language, as_json)


def restore(
    source: Annotated[Path, typer.Argument(help="A folder that `agro backup` made.", metavar="DIR")],
    config: Config = "default",
    set_: Sets = [],  # noqa: B006
    store: StoreDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a store from a backup, checked byte by byte. Nothing is overwritten: the store must not be there."""
    with told("ru") as voice:
        from agro.reports.words import say
        from agro.store.backup import restore as restore_from
        from flows.settings import load

        settings = load(config, asked(set_, store))
        voice.language = settings.ui.language
        done = restore_from(source, settings.store.path)
        text = say("Restored: {n}, manifest {hash}", voice.language, n=done.results, hash=done.manifest[:16])
        _finish(done, text, voice.language, as_json)


def _finish(done: "Copied", text: str, language: str, as_json: bool) -> None:
    if as_json:
        print_json({"results": done.results, "manifest": done.manifest}, done.damaged)
    else:
        print(text)
    end(list(done.damaged), language)


def _state(one: "Finding") -> str:
    return "good" if one.wrong is None else "warning" if one.only_warns else "bad"


def _line(one: "Finding", language: str) -> str:
    from agro.reports.care import NAMES
    from agro.reports.words import reason, remedy, say

    sign = {"good": "✓", "warning": "!", "bad": "✗"}[_state(one)]
    if one.wrong is None:
        return f"{sign} {say(NAMES[one.name], language)}"
    return f"{sign} {reason(one.wrong, language)} [{one.wrong.code}]\n    → {remedy(one.wrong, language)}"
