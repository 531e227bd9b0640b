"""Files that somebody sent, as a zip or as a folder, taken into memory within limits and never onto the disk."""

import io
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from agro.domain.errors import BadInput, Refusal, TornFile

_MOST_FILES, _MOST_BYTES = 10_000, 512_000_000  # [1], [byte] unpacked, all together
_HIGHEST_RATIO, _RATIO_FROM = 200, 20_000_000  # [1] unpacked to packed, looked at from so many bytes: grids pack well
_ARCHIVES = (".zip", ".7z", ".rar", ".gz", ".tar", ".xz", ".bz2")


@dataclass(frozen=True)
class Files:
    """What was sent: content by path (with /), and what was left unread."""

    content: dict[str, bytes]
    unread: tuple[Refusal, ...] = ()


@dataclass(frozen=True)
class Members:
    """The files of a zip or a folder that is too large to be held: sizes [byte] by path (with /), and a reader."""

    sizes: Mapping[str, int]
    read: Callable[[str], bytes]


@contextmanager
def members(path: Path, most_bytes: int) -> Iterator[Members]:
    """What a zip or a folder holds, to be read file by file. Raises BadInput, TornFile, also while it is read."""
    if path.is_dir():
        found = {file.relative_to(path).as_posix(): file for file in _plain(path)}
        yield Members(
            {name: file.stat().st_size for name, file in found.items()}, lambda name: found[name].read_bytes()
        )
        return
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {_path(entry): entry for entry in archive.infolist() if not entry.is_dir()}
            _check(list(entries.values()), path.name, most_bytes)
            sizes = {name: entry.file_size for name, entry in entries.items()}
            yield Members(sizes, lambda name: _read(archive, entries[name], path.name))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise _torn(path.name, str(error)) from None


def _plain(folder: Path) -> Iterator[Path]:
    """The plain files below a folder; links are not followed."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def files_of(path: Path) -> Files:
    """The files of a zip, of a folder, or of the folder in which a file lies. Raises BadInput, TornFile."""
    try:
        if path.is_dir():
            return Files(dict(_of_folder(path)))
        if path.is_file() and zipfile.is_zipfile(path):
            return unzipped(path.read_bytes(), path.name)
        if path.is_file() and path.suffix.lower() == ".zip":
            raise _torn(path.name, "no directory of files at its end")
        if path.is_file():
            return Files(dict(_of_folder(path.parent, deep=False)))
    except OSError as error:
        raise BadInput(
            "FILE-UNREADABLE", "{where}: {met}", "check the path and the rights", where=str(path), met=str(error)
        ) from None
    raise BadInput("FILE-MISSING", "{where}: there is no such file", "check the path", where=str(path))


def unzipped(content: bytes, where: str) -> Files:
    """The files of a zip. Archives inside are not opened, but named. Raises BadInput, TornFile."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check(entries, where)
            inner = [entry for entry in entries if entry.filename.lower().endswith(_ARCHIVES)]
            found = {_path(entry): _read(archive, entry, where) for entry in entries if entry not in inner}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise _torn(where, str(error)) from None
    return Files(found, tuple(_nested(entry.filename, where) for entry in inner))


def _path(entry: zipfile.ZipInfo) -> str:
    """The entry's path with /, whatever system packed it."""
    return entry.filename.replace("\\", "/")


def _of_folder(folder: Path, deep: bool = True) -> Iterator[tuple[str, bytes]]:
    """The plain files of a folder; links are not followed."""
    total = count = 0
    for path in sorted(folder.rglob("*") if deep else folder.glob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        total, count = total + path.stat().st_size, count + 1
        if total > _MOST_BYTES or count > _MOST_FILES:
            raise _too_large(str(folder))
        yield path.relative_to(folder).as_posix(), path.read_bytes()


def _check(entries: list[zipfile.ZipInfo], where: str, most_bytes: int = _MOST_BYTES) -> None:
    """Refuse what an honest archive does not hold, by what it declares, before a byte is unpacked."""
    if len(entries) > _MOST_FILES or sum(entry.file_size for entry in entries) > most_bytes:
        raise _too_large(where, most_bytes)
    seen: set[str] = set()
    for entry in entries:
        name, path = _path(entry), PurePosixPath(_path(entry))
        if path.is_absolute() or ".." in path.parts or ":" in name or stat.S_ISLNK(entry.external_attr >> 16):
            raise BadInput(
                "ARCHIVE-PATH",
                "{where}: the entry {met} would lie outside the archive's own folder",
                "do not open it; ask the sender for a plain archive",
                where=where,
                met=ascii(entry.filename[:100]),
            )
        if entry.flag_bits & 1:
            raise BadInput(
                "ARCHIVE-ENCRYPTED",
                "{where}: the archive is encrypted",
                "unpack it with its password and give the folder",
                where=where,
            )
        if entry.file_size > _RATIO_FROM and entry.file_size > _HIGHEST_RATIO * entry.compress_size:
            raise _too_large(where)
        if name.casefold() in seen:
            raise BadInput(
                "ARCHIVE-TWICE",
                "{where}: the file {met} is in the archive twice",
                "keep one of the two",
                where=where,
                met=entry.filename,
            )
        seen.add(name.casefold())


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, where: str) -> bytes:
    """The bytes of an entry, never more than it declares."""
    with archive.open(entry) as packed:
        content = packed.read(entry.file_size + 1)
    if len(content) > entry.file_size:
        raise _too_large(where)
    return content


def _nested(name: str, where: str) -> Refusal:
    return BadInput(
        "ARCHIVE-NESTED",
        "{where}: {met} is an archive inside the archive; it was not opened",
        "unpack it and give it by itself",
        where=where,
        met=name,
    ).refusal


def _too_large(where: str, most_bytes: int = _MOST_BYTES) -> BadInput:
    return BadInput(
        "ARCHIVE-TOO-LARGE",
        "{where}: unpacked it is more than {limit} MB or {count} files, or packed suspiciously well",
        "give the folder of one task at a time",
        where=where,
        limit=most_bytes // 1_000_000,
        count=_MOST_FILES,
    )


def _torn(where: str, met: str) -> TornFile:
    return TornFile(
        "ARCHIVE-TORN", "{where}: the archive is damaged ({met})", "copy it again", where=where, met=met[:120]
    )
