"""A copy of a store to go back to: made while the store is in use, and never there by its name until it is whole."""

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from agro.domain.errors import BadInput, Refusal, TornFile
from agro.store.index import INDEX_FILE, places, reindex
from agro.store.publish import ITEM, Store, read_asset, told, torn, whole, writing

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Copied:
    """What was copied: how many results, a hash over all of them, and what was left out because it is damaged."""

    results: int
    manifest: str
    damaged: tuple[Refusal, ...] = ()


def back_up(store: Store, target: Path) -> Copied:
    """Copy every sound result of a store into a new folder, while others write: hard links, copies on another disk.

    Raises BadInput where the folder is there already or inside the store, StoreDown where it cannot be written.
    """
    target = target.resolve()
    if target.is_relative_to(store.root.resolve()):
        raise BadInput(
            "BACKUP-INSIDE", "{where}: lies inside the store", "choose a folder elsewhere", where=str(target)
        )
    if target.exists():
        raise BadInput(
            "BACKUP-THERE", "{where}: there is something already", "give the name of a new folder", where=str(target)
        )

    def fill(folder: Path) -> Copied:
        for database in sorted(store.root.glob("*.sqlite")):
            _copy_database(database, folder / database.name)  # before the results: its rows are then never too many
        items, damaged = _copied(store, folder, _linked)
        (folder / MANIFEST).write_text(json.dumps(items, indent=1, sort_keys=True) + "\n")
        return Copied(len(items), _hash(items), damaged)

    return _entered(target, fill)


def restore(backup: Path, root: Path) -> Copied:
    """Make a store from a backup: every byte is checked, what is damaged is left out and named.

    Raises BadInput where there is no backup or the store is not empty, StoreDown where it cannot be written.
    """
    try:
        expected: dict[str, str] = json.loads((backup / MANIFEST).read_bytes())
        list(map(str.encode, expected.values()))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(
            "BACKUP-NONE",
            "{where}: is no backup ({met})",
            "give a folder that `agro backup` has made",
            where=str(backup),
            met=str(error)[:200],
        ) from None
    if root.is_dir() and not any(root.iterdir()):
        root.rmdir()
    if root.exists():
        raise BadInput(
            "RESTORE-THERE",
            "{where}: is not empty, and nothing is ever overwritten",
            "give a new folder with --store, or move the old one away first",
            where=str(root),
        )

    def fill(folder: Path) -> Copied:
        items, damaged = _copied(Store(backup), folder, shutil.copy2)
        strange = [place for place, digest in items.items() if expected.get(place) != digest]
        for place in strange:
            shutil.rmtree(folder / place)
        gone = sorted(set(expected) - set(items) - {refusal.facts["where"] for refusal in damaged})
        lost = [torn(place, "it is not what was backed up").refusal for place in (*strange, *gone)]
        kept = {place: digest for place, digest in items.items() if place not in strange}
        for database in sorted(backup.glob("*.sqlite")):
            shutil.copy2(database, folder / database.name)
        return Copied(len(kept), _hash(kept), (*damaged, *lost))

    done = _entered(root, fill)
    with writing(root) as store:
        reindex(store)
    return done


def _copied(
    store: Store, folder: Path, copy: Callable[[Path, Path], object]
) -> tuple[dict[str, str], tuple[Refusal, ...]]:
    """Copy the sound results: the sha-256 of each item by its place, and what is damaged."""
    items, damaged = {}, []
    for place in places(store):
        try:
            result = whole(store, place)
            for name in result.item["assets"]:
                read_asset(store, result, name)
            (folder / place).mkdir(parents=True)
            for file in [ITEM, *(about["href"] for about in result.item["assets"].values())]:
                copy(store.root / place / file, folder / place / file)
        except (TornFile, FileNotFoundError) as error:  # damaged, or set aside meanwhile
            shutil.rmtree(folder / place, ignore_errors=True)
            damaged.append(error.refusal if isinstance(error, TornFile) else torn(place, str(error)).refusal)
            continue
        items[place] = hashlib.sha256((folder / place / ITEM).read_bytes()).hexdigest()
    return items, tuple(damaged)


def _entered(target: Path, fill: Callable[[Path], Copied]) -> Copied:
    """Fill a folder beside its place, flush it and let it enter by one rename. Raises StoreDown."""
    filling = target.with_name(f".{target.name}.filling")
    with told(target):
        shutil.rmtree(filling, ignore_errors=True)
        filling.mkdir(parents=True)
        try:
            done = fill(filling)
            os.sync()
            filling.rename(target)
        except BaseException:
            shutil.rmtree(filling, ignore_errors=True)
            raise
    return done


def _linked(source: Path, target: Path) -> None:
    """A hard link, which costs no room: what is published is never changed. A copy where the disk is another one."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _copy_database(source: Path, target: Path) -> None:
    """A database as it is at one instant, whoever writes into it."""
    try:
        with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
            live.backup(copy)
    except sqlite3.DatabaseError as error:
        target.unlink(missing_ok=True)
        if source.name != INDEX_FILE:  # that one is made anew from the items
            raise torn(source.name, str(error)) from None


def _hash(items: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(items, sort_keys=True).encode()).hexdigest()
