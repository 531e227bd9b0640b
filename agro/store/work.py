"""Work that people started: a row for each, so that it is told of after a reload and after a restart."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, insert, select, update

from agro.store.field_tables import WORK
from agro.store.publish import now

RUNNING, DONE, FAILED = "running", "done", "failed"


@dataclass(frozen=True)
class Work:
    """One piece: of which field, what kind, its state, and what is to be told (plain JSON values)."""

    work_id: str
    field_id: str
    kind: str
    state: str
    told: dict[str, Any]
    began: str
    ended: str | None
    person: str


class Works:
    """The work of one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def begin(self, field_id: str, kind: str, person: str, told: dict[str, Any]) -> str:
        """A new piece, running; its id."""
        row: dict[str, str | None] = {
            "work_id": secrets.token_hex(8),
            "field_id": field_id,
            "kind": kind,
            "state": RUNNING,
        }
        row |= {"told": json.dumps(told, default=str), "began": now(), "ended": None, "person": person[:60]}
        with self.engine.begin() as rows:
            rows.execute(insert(WORK).values(row))
        return str(row["work_id"])

    def tell(self, work_id: str, told: dict[str, Any], state: str = RUNNING) -> None:
        """What became of a piece so far."""
        ended = None if state == RUNNING else now()
        row = {"told": json.dumps(told, default=str), "state": state, "ended": ended}
        with self.engine.begin() as rows:
            rows.execute(update(WORK).where(WORK.c.work_id == work_id).values(row))

    def newest(self, field_id: str, kind: str) -> Work | None:
        """The newest piece of a kind for a field."""
        own = select(WORK).where(WORK.c.field_id == field_id, WORK.c.kind == kind)
        return self._first(own.order_by(WORK.c.began.desc()))

    def at(self, work_id: str) -> Work | None:
        """The piece of an id."""
        return self._first(select(WORK).where(WORK.c.work_id == work_id))

    def end_orphans(self, told: dict[str, Any]) -> None:
        """What a portal that is gone left running has failed."""
        row = {"told": json.dumps(told), "state": FAILED, "ended": now()}
        with self.engine.begin() as rows:
            rows.execute(update(WORK).where(WORK.c.state == RUNNING).values(row))

    def _first(self, asked: Any) -> Work | None:
        with self.engine.connect() as rows:
            row = rows.execute(asked).mappings().first()
        return None if row is None else Work(**{**row, "told": json.loads(row["told"])})
