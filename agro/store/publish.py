"""Whole or absent: a result is a folder that enters the store by one rename.

store/<kind>/.../<name>/    item.json and its assets; exists only when complete
store/.staging/             where folders are filled; emptied when a run takes the store
store/.damaged/             what was found torn, set aside, never deleted
store/.latest               when the newest result was made; no later one is ever dated before it
store/.lock                 held by the run that writes; the kernel frees it when that run dies
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from agro.domain.errors import StoreDown, TornFile
from agro.store.failpoints import reached

# Every kind of result, and the depth of its folders below the kind's own.
KINDS = {
    **{"outlines": 1, "season_fields": 1, "passes": 2, "fieldstats": 2, "alerts": 2, "messages": 2, "patterns": 2},
    **{"relief": 2, "soil": 2, "moisture_edges": 2, "moisture": 2, "water": 2, "seasons": 2, "zones": 2},
    **{"prescriptions": 2, "as_applied": 2, "sufficiency": 2},
    **{"harvest": 1, "statistics": 1, "harvest_summaries": 1, "yield_maps": 2},
    **{"models": 2, "forecasts": 1, "scores": 1, "outlook": 1, "outlook_scores": 1, "boards": 1},
    **{"radar": 2, "radar_edges": 2, "radar_wetness": 2, "bare_soil": 2, "moisture_counts": 1},
    **{"parcelstats": 1, "land": 1, "crop_types": 1},
    **{"moisture_anchors": 1, "field_moisture": 2, "composites": 2, "weather": 2},
}
ITEM, _LATEST = "item.json", ".latest"
OWN_HASH, _SEAL = "agro:checksum", "agro:seal"
Content = bytes | Sequence[bytes] | Path  # of a file: whole, in pieces that follow one another, or filled in staging
_AT_ONCE = 2  # files of a result that are hashed and written at the same time
_LONGEST_NAME = 120  # [byte] leaves room for the key below the 255 of common file systems


@dataclass(frozen=True)
class Store:
    """A store's folder."""

    root: Path

    @property
    def staging(self) -> Path:
        """Where results are filled before they exist."""
        return self.root / ".staging"


@dataclass(frozen=True)
class Published:
    """One result: its place below the store's root, and its STAC item."""

    place: str
    item: dict[str, Any]

    @property
    def kind(self) -> str:
        """passes, fieldstats, ..."""
        return self.place.split("/", 1)[0]

    @property
    def properties(self) -> dict[str, Any]:
        """The item's properties."""
        return dict(self.item["properties"])

    @property
    def created(self) -> str:
        """When it was made, ISO, UTC."""
        return str(self.item["properties"]["created"])


def digest(content: Any) -> str:
    """The first 16 hex digits of the sha-256 of content's canonical JSON: the key of what is made from it."""
    return hashlib.sha256(_canonical(content)).hexdigest()[:16]


def file_name(name: str) -> str:
    """A name that any file system takes and no path can hide in; different names stay different."""
    safe = quote(name, safe=" -_.,+()=")
    safe = "%2E" + safe[1:] if safe.startswith(".") else safe
    if len(safe) <= _LONGEST_NAME:
        return safe
    return f"{safe[: _LONGEST_NAME - 17].rstrip('%')}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def now() -> str:
    """This instant, ISO, UTC."""
    return _iso(datetime.now(UTC))


def _iso(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def writing(root: Path, wait_s: float = 0.0) -> Iterator[Store]:
    """Take the store for one run, waiting for another one at most `wait_s`. Raises StoreDown."""
    store = Store(root)
    with told(root):
        root.mkdir(parents=True, exist_ok=True)
        lock = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not locked(lock, wait_s):
            holder = os.pread(lock, 200, 0).decode("utf-8", "replace").strip()
            raise StoreDown(
                "STORE-BUSY",
                "{where}: another run is writing here ({met})",
                "wait until it ends, or stop it; nothing of it is lost",
                where=str(root),
                met=holder or "-",
            )
        with told(root):
            sign(lock)
            if store.staging.exists():
                shutil.rmtree(store.staging)
            store.staging.mkdir()
            reached("taken")
        yield store
    finally:
        os.close(lock)


def locked(lock: int, wait_s: float = 0.0) -> bool:
    """Whether the open file could be locked for this process within `wait_s`; the kernel unlocks it at its death."""
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(min(1.0, max(0.0, until - time.monotonic())))


def sign(lock: int) -> None:
    """Write into a lock who holds it."""
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"pid {os.getpid()} on {socket.gethostname()} since {now()}\n".encode(), 0)


def publish(store: Store, place: str, assets: Mapping[str, Content], item: dict[str, Any]) -> Published:
    """Make the folder `place` exist with its assets and item.json, at once and for good.

    The item gets each asset's size and sha-256, and a hash of itself. What already stands there whole stays; what
    stands there torn is set aside. Raises StoreDown where the disk refuses, and then nothing is visible.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        identities = dict(zip(assets, pool.map(_identity, assets.values()), strict=True))
    item = {**item, "assets": {name: {**about, **identities[name]} for name, about in item["assets"].items()}}
    created = _after_the_latest(store, item["properties"]["created"])
    own = own_hash(item)
    item["properties"] = {**item["properties"], "created": created, OWN_HASH: own, _SEAL: _seal(own, created)}
    target, filling = store.root / place, store.staging / file_name(place)
    with told(store.root):
        if target.exists():
            try:
                return whole(store, place)
            except TornFile:
                set_aside(store, place)
        files = {about["href"].removeprefix("./"): assets[name] for name, about in item["assets"].items()}
        _enter(store, filling, target, {**files, ITEM: _pretty(item)}, created)
        reached("published")
    return Published(place, item)


def _enter(store: Store, filling: Path, target: Path, files: Mapping[str, Content], created: str) -> None:
    """Fill a folder and let it enter by one rename. Raises OSError, and then the target does not exist."""
    shutil.rmtree(filling, ignore_errors=True)
    try:
        filling.mkdir(parents=True)
        reached("staged")
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(_write, [filling / name for name in files], files.values()))
        _flush_folder(filling)
        reached("filled")
        _make_folders(store.root, target.parent)
        _remember_latest(store, created)
        reached("entering")
        filling.rename(target)
        reached("entered")
        _flush_folder(target.parent)
    except OSError:
        with suppress(OSError):
            target.rename(filling)  # it had entered, but nobody knows whether the disk will remember it
        shutil.rmtree(filling, ignore_errors=True)
        raise


def _make_folders(root: Path, folder: Path) -> None:
    """Make the folders down to this one, each known to the disk: a power cut must not take them away."""
    for parent in [*reversed(folder.relative_to(root).parents), folder.relative_to(root)]:
        made = root / parent
        if not made.is_dir():
            made.mkdir()
            _flush_folder(made.parent)


def _after_the_latest(store: Store, instant: str) -> str:
    """The instant, or just after the newest result's where the clock was turned back: the order of making is kept."""
    newest, made = latest(store), datetime.fromisoformat(instant)
    if newest is None or made > newest:
        return instant
    return _iso(newest + timedelta(milliseconds=1))


def latest(store: Store) -> datetime | None:
    """When the newest result was made, where that is known."""
    try:
        return datetime.fromisoformat((store.root / _LATEST).read_text()).astimezone(UTC)
    except (OSError, ValueError, OverflowError):
        return None


def _remember_latest(store: Store, created: str) -> None:
    filling = store.staging / f"{_LATEST}-{os.getpid()}-{threading.get_ident()}"
    filling.write_text(created)
    filling.rename(store.root / _LATEST)


def whole(store: Store, place: str) -> Published:
    """The result at `place`, known to be whole by its item's own hash and its assets' sizes; no pixel is read.

    Raises TornFile.
    """
    folder = store.root / place
    try:
        content = (folder / ITEM).read_bytes()
        item = json.loads(content)
        if not sound(item) or _pretty(item) != content:
            raise ValueError("its own hash differs")
        for about in item["assets"].values():
            path = folder / about["href"]
            if path.stat().st_size != about["file:size"]:
                raise ValueError(f"{path.name} has {path.stat().st_size} bytes, not {about['file:size']}")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise torn(place, str(error)) from None
    return Published(place, item)


def read_asset(store: Store, result: Published, name: str) -> bytes:
    """The bytes of one asset, checked against its sha-256. Raises TornFile."""
    about = result.item["assets"][name]
    try:
        content: bytes = (store.root / result.place / about["href"]).read_bytes()
    except OSError as error:
        raise torn(result.place, str(error)) from None
    if _identity(content)["file:checksum"] != about["file:checksum"]:
        raise torn(result.place, f"the sha-256 of {name} differs")
    return content


def set_aside(store: Store, place: str) -> None:
    """Move a torn result out of sight, where it can still be looked at."""
    aside = store.root / ".damaged" / f"{now().replace(':', '')}-{file_name(place)}"
    with told(store.root):
        aside.parent.mkdir(exist_ok=True)
        (store.root / place).rename(aside)


def own_hash(item: Mapping[str, Any]) -> str:
    """The sha-256 of an item without this hash and without `created`, the only thing that equal input leaves open."""
    free = (OWN_HASH, _SEAL, "created")
    properties = {name: value for name, value in item["properties"].items() if name not in free}
    return hashlib.sha256(_canonical({**item, "properties": properties})).hexdigest()


def sound(item: Mapping[str, Any]) -> bool:
    """Whether an item is what was published: by its own hash, and by the seal on when it was made."""
    p = item["properties"]
    own: str = p[OWN_HASH]
    return own == own_hash(item) and p.get(_SEAL, _seal(own, p["created"])) == _seal(own, p["created"])


def _seal(own: str, created: str) -> str:
    """What binds the hash of an item, which leaves `created` open, to it; results of older versions have none."""
    return digest([own, created])


def torn(place: str, met: str) -> TornFile:
    """What to say of a result that is not whole."""
    return TornFile(
        "STORE-TORN",
        "{where}: is damaged ({met})",
        "run `agro store verify --set-aside`, then `agro run`: it is made again",
        where=place,
        met=met,
    )


def _identity(content: Content) -> dict[str, Any]:
    if isinstance(content, Path):
        with content.open("rb") as file:
            digested = hashlib.file_digest(file, "sha256").hexdigest()
        return {"file:size": content.stat().st_size, "file:checksum": "1220" + digested}
    pieces, checksum = _pieces(content), hashlib.sha256()
    for piece in pieces:
        checksum.update(piece)
    return {"file:size": sum(map(len, pieces)), "file:checksum": "1220" + checksum.hexdigest()}


def _pieces(content: bytes | Sequence[bytes]) -> Sequence[bytes]:
    return [content] if isinstance(content, bytes) else content


def _canonical(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _pretty(item: Mapping[str, Any]) -> bytes:
    return json.dumps(item, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _write(path: Path, content: Content) -> None:
    if isinstance(content, Path):
        content.rename(path)
    with path.open("ab") as file:
        if not isinstance(content, Path):
            file.writelines(_pieces(content))
        file.flush()
        os.fsync(file.fileno())
    reached("written")


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def told(root: Path) -> Iterator[None]:
    """Turn what the disk says into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StoreDown(
                "STORE-FULL",
                "{where}: no room is left on the disk",
                "make room and run again: what is published stays, the rest is made then",
                where=str(root),
            ) from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise StoreDown(
                "STORE-READONLY",
                "{where}: nothing can be written here ({met})",
                "choose another folder with --store, or give the right to write",
                where=str(root),
                met=os.strerror(error.errno),
            ) from error
        raise StoreDown(
            "STORE-UNUSABLE",
            "{where}: cannot be used as a store ({met})",
            "choose another folder with --store",
            where=str(root),
            met=str(error),
        ) from error
