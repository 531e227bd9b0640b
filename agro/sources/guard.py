"""What every door in asks first: is this path inside its folder, and is this file what its name says."""

import os
from pathlib import Path
from urllib.parse import unquote

from agro.domain.errors import BadInput, TornFile

LARGEST_TEXT_BYTES = 64_000_000  # [byte] a JSON or CSV file above this is refused before it is read

_SIGNATURES = (
    (b"II*\x00", "GTiff"),
    (b"MM\x00*", "GTiff"),
    (b"II+\x00", "GTiff"),
    (b"MM\x00+", "GTiff"),
    (b"\x00\x00\x00\x0cjP  ", "JP2OpenJPEG"),
    (b"\xff\x4f\xff\x51", "JP2OpenJPEG"),
)


class Tree:
    """A folder that many files are asked of; where the folders below it truly lie is found out once."""

    def __init__(self, folder: Path) -> None:
        self._root, self._real = os.path.realpath(folder), dict[str, str]()

    def file(self, href: str, where: str) -> Path:
        """The local file that `href` names; anything outside the tree is refused."""
        plain = href.removeprefix("file://")
        if "%" in plain and not os.path.exists(plain):  # noqa: PTH110  many files: Path costs more
            plain = unquote(plain)
        if "://" in plain or plain.startswith("/vsi") or "\x00" in plain:
            raise BadInput(
                "PATH-FORBIDDEN",
                "{where}: {href} is not a file of the catalogue's folder",
                "copy the file into the catalogue's folder and name it by a relative path",
                where=where,
                href=href[:200],
            )
        path = self._resolved(plain)
        if path != self._root and not path.startswith(f"{self._root}{os.sep}"):
            raise BadInput(
                "PATH-OUTSIDE",
                "{where}: {href} points outside the catalogue's folder",
                "keep every file of a catalogue inside its folder",
                where=where,
                href=href[:200],
            )
        return Path(path)

    def _resolved(self, plain: str) -> str:
        """Where a path truly lies, with no link left in it."""
        folder, name = os.path.split(plain)
        if name in ("", ".", "..") or os.path.islink(plain):  # noqa: PTH114
            return os.path.realpath(plain)
        if folder not in self._real:
            self._real[folder] = os.path.realpath(folder or ".")
        return f"{self._real[folder]}{os.sep}{name}"


def raster_driver(path: Path) -> str:
    """The GDAL driver that the file's first bytes allow: GeoTIFF or JPEG 2000, whatever its name says."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except FileNotFoundError:
        raise TornFile(
            "RASTER-MISSING", "{where}: the file is not there", "download it again", where=path.name
        ) from None
    except OSError as error:
        raise TornFile(
            "RASTER-UNREADABLE", "{where}: {met}", "check the disk and the rights", where=path.name, met=str(error)
        ) from None
    return driver_of(head, path.name)


def driver_of(head: bytes, where: str) -> str:
    """The same by the first bytes themselves."""
    if not head:
        raise TornFile("RASTER-EMPTY", "{where}: the file has no bytes", "download it again", where=where)
    for signature, driver in _SIGNATURES:
        if head.startswith(signature):
            return driver
    text = head.lstrip().lower()
    if text.startswith(b"<vrt"):
        raise BadInput(
            "RASTER-DRIVER",
            "{where}: a virtual raster, which may show other files; only GeoTIFF and JPEG 2000 are read",
            "write the pixels into a GeoTIFF",
            where=where,
        )
    raise BadInput(
        "RASTER-NOT-IMAGE",
        "{where}: begins with {met}, which is neither GeoTIFF nor JPEG 2000",
        "download it again; a page in place of an image often means that the access token had expired",
        where=where,
        met=ascii(head[:16].decode("latin-1")),
    )


def read_text(path: Path, where: str) -> str:
    """A small UTF-8 file, whole."""
    try:
        if path.stat().st_size > LARGEST_TEXT_BYTES:
            raise BadInput(
                "FILE-TOO-LARGE",
                "{where}: larger than {limit} MB",
                "split the file",
                where=where,
                limit=LARGEST_TEXT_BYTES // 1_000_000,
            )
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadInput("FILE-MISSING", "{where}: there is no such file", "check the path", where=where) from None
    except UnicodeDecodeError:
        raise BadInput("FILE-ENCODING", "{where}: not UTF-8", "save it as UTF-8", where=where) from None
    except OSError as error:
        raise BadInput(
            "FILE-UNREADABLE", "{where}: {met}", "check the path and the rights", where=where, met=str(error)
        ) from None
