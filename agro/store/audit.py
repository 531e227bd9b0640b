"""Who came in, took something away or was turned back: a record that can only grow."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, insert, select

from agro.store.account_tables import AUDIT
from agro.store.publish import now

WHATS = ("login", "login-failed", "logout", "download", "denied", "change")


class Audit:
    """The record of one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def note(self, what: str, person: str, about: str, address: str) -> None:
        """Add a line."""
        texts = {"person": _plain(person, 60), "about": _plain(about, 300), "address": _plain(address, 60)}
        with self.engine.begin() as rows:
            rows.execute(insert(AUDIT).values(at=now(), what=what, **texts))

    def failed_logins(self, name: str, address: str, minutes: float) -> tuple[int, int]:
        """How many log-ins failed lately: of this name, and from this address."""
        since = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(timespec="milliseconds")
        failed = select(func.count()).select_from(AUDIT).where(AUDIT.c.what == "login-failed", AUDIT.c.at >= since)
        with self.engine.connect() as rows:
            of_name = rows.execute(failed.where(AUDIT.c.person == _plain(name, 60))).scalar_one()
            of_address = rows.execute(failed.where(AUDIT.c.address == _plain(address, 60))).scalar_one()
        return int(of_name), int(of_address)

    def lines(self, most: int) -> list[dict[str, Any]]:
        """The newest lines, newest first."""
        with self.engine.connect() as rows:
            newest = select(AUDIT).order_by(AUDIT.c.number.desc()).limit(most)
            return [dict(row) for row in rows.execute(newest).mappings()]


def _plain(text: str, longest: int) -> str:
    """The text as any database takes it."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text[:longest])
