"""Refusals: what was wrong, where, what came, what was expected, what to do.

A text is an English sentence with named places, `{where}: band {band} is missing`; the facts fill them. The same
sentence is the key of its translation in `agro.reports.russian`, so a refusal can be told in either language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Told:
    """A piece of a sentence that is told in the reader's language too: `Told("{file}, row {n}", {...})`."""

    text: str
    facts: Mapping[str, Any]

    def __str__(self) -> str:
        return self.text.format(**self.facts)


@dataclass(frozen=True)
class Refusal:
    """One thing that was not done, and why. `code` is stable; acquisition and field say what it was about."""

    code: str
    text: str
    remedy: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    acquisition_id: str | None = None
    field_id: str | None = None

    @property
    def reason(self) -> str:
        """The English sentence, for logs and JSON."""
        return self.text.format(**self.facts)

    def __str__(self) -> str:
        return self.reason

    def as_json(self) -> dict[str, str | None]:
        """The machine-readable form: acquisition_id, field_id, code, reason, remedy."""
        return {
            "acquisition_id": self.acquisition_id,
            "field_id": self.field_id,
            "code": self.code,
            "reason": self.reason,
            "remedy": self.remedy.format(**self.facts),
        }


class AgroError(Exception):
    """Base of everything that is refused: `raise BadInput("CODE", "{where}: ...", "do this", where=path)`."""

    def __init__(self, code: str, text: str, remedy: str, **facts: Any) -> None:
        self.refusal = Refusal(code, text, remedy, facts)
        super().__init__(f"{code}: {self.refusal.reason}")

    def __reduce__(self) -> tuple[Any, ...]:
        r = self.refusal
        return _rebuilt, (type(self), r.code, r.text, r.remedy, dict(r.facts))

    def about(self, *, acquisition_id: str | None = None, field_id: str | None = None) -> Refusal:
        """The refusal, told of one acquisition or one field."""
        return replace(self.refusal, acquisition_id=acquisition_id, field_id=field_id)


def _rebuilt(kind: type[AgroError], code: str, text: str, remedy: str, facts: dict[str, Any]) -> AgroError:
    return kind(code, text, remedy, **facts)


class BadInput(AgroError):
    """What came cannot be used as it is."""


class WrongGrid(AgroError):
    """Two rasters, or a raster and a table, do not lie on the same grid."""


class TornFile(AgroError):
    """A file is missing, cut, or not what its checksum says."""


class SourceDown(AgroError):
    """A service that we ask does not answer."""


class StoreDown(AgroError):
    """The store cannot be written: full, read-only, or held by another run."""


class BalanceOpen(AgroError):
    """More came in than went out and stayed, or less: a fault of the program, never of the input."""


class NotProved(AgroError):
    """A file that was made does not say what was meant: it is not handed out."""
