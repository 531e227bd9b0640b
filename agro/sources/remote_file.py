"""A raster on a server, read piece by piece as if it were here: only the tiles that are needed travel."""

import io
from collections import OrderedDict

from agro.domain.errors import AgroError, SourceDown
from agro.sources.login import Login
from agro.sources.web import place

_PIECE_BYTES = 1 << 19  # [byte] fetched at once
_KEPT = 64  # pieces
_HEAD = 64  # [byte]


class RemoteFile(io.RawIOBase):
    """A file of a server that answers requests for ranges. What went wrong stands in `failure` too."""

    def __init__(self, url: str, login: Login) -> None:
        super().__init__()
        self._url, self._login = url, login
        self._pieces: OrderedDict[int, bytes] = OrderedDict()
        self._at, self.size = 0, 0
        self.failure: AgroError | None = None
        self.head = self._piece(0)[:_HEAD]

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Where the next read begins."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        return self._at

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as many as there are."""
        end = self.size if size < 0 else min(self._at + size, self.size)
        parts = []
        while self._at < end:
            number, skip = divmod(self._at, _PIECE_BYTES)
            part = self._piece(number)[skip : skip + end - self._at]
            if not part:
                break
            parts.append(part)
            self._at += len(part)
        return b"".join(parts)

    def _piece(self, number: int) -> bytes:
        if number not in self._pieces:
            try:
                self._pieces[number] = self._fetched(number)
            except AgroError as error:
                self.failure = error
                raise
            if len(self._pieces) > _KEPT:
                self._pieces.popitem(last=False)
        return self._pieces[number]

    def _fetched(self, number: int) -> bytes:
        first = number * _PIECE_BYTES
        wanted = {"Range": f"bytes={first}-{first + _PIECE_BYTES - 1}"}
        answer = self._login.asked("GET", self._url, wanted, 2 * _PIECE_BYTES, follow=True)
        total = answer.headers.get("Content-Range", "").rpartition("/")[2]
        if answer.status_code != 206 or not total.isdecimal():
            raise SourceDown(
                "STAC-ASSET",
                "{where}: gives no part of the file (HTTP {met})",
                "check the rights of the account, and api.login_hosts; the server must answer requests for ranges",
                where=place(self._url),
                met=answer.status_code,
            )
        self.size = int(total)
        return answer.content
