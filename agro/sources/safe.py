"""Sentinel-2 L2A products as they are downloaded: a SAFE folder, zipped or not, with bands in JPEG 2000.

A product is checked whole before a pixel is read: every band there, of the size and checksum that its manifest tells,
and no image cut off. Then its bands are read window by window.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import rasterio
from rasterio.io import MemoryFile
from rasterio.windows import Window

from agro.domain.errors import BadInput, TornFile
from agro.domain.grid import Grid
from agro.domain.imagery import SCENE_CLASS_BAND
from agro.sources.archive import Members, members
from agro.sources.guard import driver_of
from agro.sources.raster import told
from agro.sources.safe_metadata import BANDS, Described, described, incomplete
from agro.sources.xml_tree import parsed

METADATA = "MTD_MSIL2A.xml"
_MOST_BYTES = 4_000_000_000  # [byte] unpacked; a whole product has about 1.2 GB
_CHECKSUMS = {"MD5": hashlib.md5, "SHA3-256": hashlib.sha3_256}
_WINDOW_PX = 2_048  # [px] read at once, whole tiles of the product and of the file that is made of it


@dataclass(frozen=True)
class Product:
    """An opened product: what it says of itself, and its files by their path below the product's folder."""

    about: Described
    members: Members
    root: str
    where: str

    @property
    def inputs(self) -> list[list[str]]:
        """What decides the result: path and size of each band, and the metadata's own content."""
        sizes = [[path, str(self.members.sizes[self.root + path])] for path in self.about.files.values()]
        text = [[path, hashlib.sha256(content).hexdigest()] for path, content in self.metadata().items()]
        return sorted(sizes) + sorted(text)

    def metadata(self) -> dict[str, bytes]:
        """The two metadata files, by name."""
        tile = self._tile_path()
        return {METADATA: self._content(METADATA), PurePosixPath(tile).name: self._content(tile)}

    def grid(self, band: str) -> Grid:
        """Where a band's pixels lie."""
        return self.about.grids[BANDS[band][1]]

    def windows(self, band: str) -> Iterator[tuple[Grid, np.ndarray]]:
        """Counts (y, x) [1] of a band, window by window from its upper left corner. Raises TornFile, BadInput."""
        path, grid = self.about.files[band], self.grid(band)
        content = self._content(path)
        name = PurePosixPath(path).name
        driver = driver_of(content[:64], name)
        if driver == "JP2OpenJPEG":
            check_complete(content, name)
        with told(Path(name)), MemoryFile(content) as memory, memory.open(driver=driver) as source:
            _check_place(source, grid, name, classes=band == SCENE_CLASS_BAND)
            for window in grid.windows(_WINDOW_PX * grid.resolution_m):
                yield window, source.read(1, window=Window.from_slices(*window.rows_and_columns_in(grid)))

    def check_files(self) -> None:
        """Refuse a product of which a band is missing, or is not the one that the manifest declares."""
        declared = self._manifest()
        for path in self.about.files.values():
            if self.root + path not in self.members.sizes:
                raise incomplete(self.where, PurePosixPath(path).name)
        for path in self.about.files.values():
            if path in declared:
                self._check_declared(path, *declared[path])

    def _check_declared(self, path: str, size: int, function: str, checksum: str) -> None:
        name, met = PurePosixPath(path).name, self.members.sizes[self.root + path]
        if met != size:
            raise TornFile(
                "SAFE-TRUNCATED",
                "{where}: has {met} bytes, the product's manifest says {expected}",
                "download the product again",
                where=name,
                met=met,
                expected=size,
            )
        if function in _CHECKSUMS:
            found = _CHECKSUMS[function](self._content(path), usedforsecurity=False).hexdigest()
            if found.casefold() != checksum.casefold():
                raise TornFile(
                    "SAFE-CHECKSUM",
                    "{where}: is not the file that the product's manifest declares (its {function} differs)",
                    "download the product again",
                    where=name,
                    function=function,
                )

    def _manifest(self) -> Mapping[str, tuple[int, str, str]]:
        """What manifest.safe declares of each file: size [byte], checksum's function and value; empty without one."""
        if f"{self.root}manifest.safe" not in self.members.sizes:
            return {}
        found = {}
        for stream in parsed(self._content("manifest.safe"), f"{self.where}/manifest.safe").iter("byteStream"):
            place, checksum = stream.find("fileLocation"), stream.find("checksum")
            size = stream.get("size", "")
            if place is None or checksum is None or not size.isdigit():
                continue
            path = place.get("href", "").removeprefix("./")
            found[path] = int(size), checksum.get("checksumName", "").upper(), (checksum.text or "").strip()
        return found

    def _tile_path(self) -> str:
        return _tile_of(self.members, self.root, self.where)

    def _content(self, path: str) -> bytes:
        if self.root + path not in self.members.sizes:
            raise incomplete(self.where, path)
        return self.members.read(self.root + path)


def looks_like(path: Path) -> bool:
    """Whether a path is meant as a SAFE product, by its name or by its metadata file."""
    if path.is_dir():
        return path.suffix == ".SAFE" or any(path.glob("MTD_MSIL*.xml"))
    return path.name.startswith("MTD_MSIL") or (path.suffix.lower() == ".zip" and path.name.startswith("S2"))


@contextmanager
def opened(path: Path) -> Iterator[Product]:
    """A product, its metadata read and its files checked. Raises BadInput, TornFile."""
    whole = path.parent if path.name.startswith("MTD_MSIL") else path
    where = whole.name
    with members(whole, _MOST_BYTES) as files:
        found = sorted(name for name in files.sizes if PurePosixPath(name).name.startswith("MTD_MSIL"))
        if not found:
            raise incomplete(where, METADATA)
        if len(found) > 1:
            raise BadInput(
                "SAFE-SEVERAL",
                "{where}: holds {n} products",
                "give each product by itself",
                where=where,
                n=len(found),
            )
        root = found[0].removesuffix(PurePosixPath(found[0]).name)
        tile = _tile_of(files, root, where)
        texts = [parsed(files.read(name), f"{where}/{PurePosixPath(name).name}") for name in (found[0], root + tile)]
        product = Product(described(texts[0], texts[1], where), files, root, where)
        product.check_files()
        yield product


def _tile_of(files: Members, root: str, where: str) -> str:
    """The path of the tile's metadata below the product's folder."""
    found = [name.removeprefix(root) for name in files.sizes if name.startswith(root) and name.endswith("/MTD_TL.xml")]
    if len(found) != 1:
        raise incomplete(where, "GRANULE/*/MTD_TL.xml")
    return found[0]


def check_complete(content: bytes, where: str) -> None:
    """Refuse a JPEG 2000 that was cut: decoders fill in what is missing, often without a word.

    source   ISO/IEC 15444-1, annexes A (a codestream ends with the marker FF D9) and I (boxes with their lengths)
    """
    place, end = 0, len(content)
    while place + 8 <= end:
        length, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        if length == 1:
            length = int.from_bytes(content[place + 8 : place + 16], "big")
        beyond = end if length == 0 else place + length
        if beyond > end or 0 < length < 8:
            break
        if kind == b"jp2c":
            if content[beyond - 2 : beyond] == b"\xff\xd9":
                return
            break
        place = beyond
    if content[:4] == b"\xff\x4f\xff\x51" and content.endswith(b"\xff\xd9"):
        return  # a bare codestream
    raise TornFile(
        "SAFE-JP2-CUT",
        "{where}: the image is cut off after {met} bytes",
        "download the product again",
        where=where,
        met=end,
    )


def _check_place(source: rasterio.DatasetReader, grid: Grid, where: str, *, classes: bool) -> None:
    """Refuse a band whose own header contradicts the product's metadata."""
    t = source.transform
    moved = source.crs is not None and (source.crs.to_string() != grid.crs or (t.c, t.f) != (grid.west_m, grid.north_m))
    kinds = ("uint8",) if classes else ("uint8", "uint16")
    if source.shape != grid.shape or moved or source.count != 1 or source.dtypes[0] not in kinds:
        raise BadInput(
            "SAFE-PLACE",
            "{where}: its header tells of {met}, the product's metadata of {expected}",
            "download the product again",
            where=where,
            met=f"{source.count} x {source.shape} {source.dtypes[0]}, {source.crs} {t.c:.0f} {t.f:.0f}",
            expected=f"1 x {grid.shape}, {grid.crs} {grid.west_m} {grid.north_m}",
        )
