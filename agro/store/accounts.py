"""People of the portal: who they are, what they may see, and the keys by which they come in.

A password is kept as argon2 makes it; a key (a browser's session, a program's token) as its SHA-256. Neither can be
read back.
"""

import hashlib
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from agro.domain.errors import BadInput
from agro.store.account_tables import FARMS, KEYS, PEOPLE

ROLES = ("farmer", "agronomist", "ministry", "operator")
SCOPES = ("read", "write")  # who may write may read
WITH_FARMS = ("farmer", "agronomist")
_SHORTEST, _LONGEST = 10, 200  # [1] characters of a password
_HASHER = PasswordHasher()  # argon2id by the parameters of RFC 9106, low memory. source: argon2-cffi's default
_BY_KEY = (
    select(PEOPLE.c.person_id, PEOPLE.c.name, PEOPLE.c.role, KEYS.c.scope, FARMS.c.farm_id)
    .select_from(
        KEYS.join(PEOPLE, KEYS.c.person_id == PEOPLE.c.person_id).outerjoin(
            FARMS, FARMS.c.person_id == PEOPLE.c.person_id
        )
    )
    .where(KEYS.c.key_hash == bindparam("hash"), KEYS.c.kind == bindparam("kind"), KEYS.c.ends > bindparam("now"))
    .order_by(FARMS.c.farm_id)
)
_NOBODY = _HASHER.hash("nobody has this password")  # checked for unknown names, so that they take as long


@dataclass(frozen=True)
class Person:
    """Somebody who came in, with the farms whose fields are his, and by which key: `session` or `token`."""

    person_id: str
    name: str
    role: str
    farms: tuple[str, ...]
    scope: str = "write"
    key: str = "session"


class Accounts:
    """The people of one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def add(self, name: str, role: str, password: str, farms: Sequence[str] = ()) -> Person:
        """A new person. Raises BadInput."""
        name = _proper(name, "name", 60)
        if role not in ROLES:
            raise BadInput(
                "PERSON-ROLE",
                "there is no role {met}",
                "roles are {expected}",
                met=role,
                expected=", ".join(ROLES),
            )
        farms = sorted({_proper(farm, "farm", 200) for farm in farms})
        if bool(farms) != (role in WITH_FARMS) or (role == "farmer" and len(farms) > 1):
            raise BadInput(
                "PERSON-FARMS",
                "{where}: a farmer has one farm, an agronomist at least one, others none; {met} came",
                "name farms with --farm, once for each",
                where=name,
                met=len(farms),
            )
        person_id, hashed = secrets.token_hex(8), _hashed(password)
        row = {"person_id": person_id, "name": name, "role": role, "password_hash": hashed, "created": _iso()}
        try:
            with self.engine.begin() as rows:
                rows.execute(insert(PEOPLE).values(row))
                if farms:
                    rows.execute(insert(FARMS), [{"person_id": person_id, "farm_id": farm} for farm in farms])
        except IntegrityError:
            raise BadInput("PERSON-KNOWN", "{where} is registered already", "choose another name", where=name) from None
        return Person(person_id, name, role, tuple(farms))

    def everybody(self) -> list[Person]:
        """All people, by name."""
        with self.engine.connect() as rows:
            known = rows.execute(select(PEOPLE).order_by(PEOPLE.c.name)).all()
            farms = rows.execute(select(FARMS).order_by(FARMS.c.farm_id)).all()
        own: dict[str, list[str]] = {}
        for row in farms:
            own.setdefault(row.person_id, []).append(row.farm_id)
        return [Person(one.person_id, one.name, one.role, tuple(own.get(one.person_id, ()))) for one in known]

    def named(self, name: str) -> Person:
        """The person of a name. Raises BadInput."""
        for person in self.everybody():
            if person.name == name:
                return person
        raise BadInput("PERSON-UNKNOWN", "nobody is called {met}", "`agro person list` names everybody", met=name)

    def remove(self, name: str) -> None:
        """Forget a person, and all keys with him; what he did stays on record. Raises BadInput."""
        person = self.named(name)
        with self.engine.begin() as rows:
            for table in (KEYS, FARMS, PEOPLE):
                rows.execute(delete(table).where(table.c.person_id == person.person_id))

    def set_password(self, name: str, password: str) -> None:
        """Another password; all keys end. Raises BadInput."""
        person, hashed = self.named(name), _hashed(password)
        with self.engine.begin() as rows:
            rows.execute(update(PEOPLE).where(PEOPLE.c.person_id == person.person_id).values(password_hash=hashed))
            rows.execute(delete(KEYS).where(KEYS.c.person_id == person.person_id))

    def by_password(self, name: str, password: str) -> str | None:
        """Whose name and password these are: the person's id. It takes as long for a name that nobody has."""
        with self.engine.connect() as rows:
            known = None
            if _sound(name, 60):
                own = select(PEOPLE.c.person_id, PEOPLE.c.password_hash).where(PEOPLE.c.name == name)
                known = rows.execute(own).first()
        try:
            _HASHER.verify(known.password_hash if known else _NOBODY, password[: _LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return None
        return known.person_id if known else None

    def give_key(self, person_id: str, kind: str, scope: str, label: str, hours: float) -> str:
        """A new key for a person; it is told once and never again."""
        key = f"agro_{secrets.token_urlsafe(32)}"
        about = {"person_id": person_id, "kind": kind, "scope": scope, "label": label[:100]}
        times = {"created": _iso(), "ends": _iso(timedelta(hours=hours))}
        with self.engine.begin() as rows:
            rows.execute(delete(KEYS).where(KEYS.c.ends < _iso()))
            rows.execute(insert(KEYS).values(key_hash=_digest(key), **about, **times))
        return key

    def end_key(self, key: str) -> None:
        """No one comes in by this key any more."""
        with self.engine.begin() as rows:
            rows.execute(delete(KEYS).where(KEYS.c.key_hash == _digest(key)))

    def by_key(self, key: str, kind: str) -> Person | None:
        """Who holds a key that has not ended."""
        with self.engine.connect() as rows:
            found = rows.execute(_BY_KEY, {"hash": _digest(key), "kind": kind, "now": _iso()}).all()
        if not found:
            return None
        one: Any = found[0]
        farms = tuple(row.farm_id for row in found if row.farm_id is not None)
        return Person(one.person_id, one.name, one.role, farms, one.scope, kind)


def _hashed(password: str) -> str:
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise BadInput(
            "PERSON-PASSWORD",
            "the password has {met} characters, expected {expected}",
            "choose a longer one: a few words are easy to keep in mind",
            met=len(password),
            expected=f"{_SHORTEST}..{_LONGEST}",
        )
    return _HASHER.hash(password)


def _proper(text: str, what: str, longest: int) -> str:
    if not _sound(text, longest) or text != text.strip():
        raise BadInput(
            "PERSON-TEXT",
            "{met} cannot be a {what}: 1 to {expected} visible characters are wanted, no space at the ends",
            "write it without signs that cannot be seen",
            met=ascii(text[:80]),
            what=what,
            expected=longest,
        )
    return text


def _sound(text: str, longest: int) -> bool:
    """Whether a text has no sign that is not seen, turns the direction of writing or cuts the text off."""
    return 0 < len(text) <= longest and not any(unicodedata.category(sign).startswith("C") for sign in text)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _iso(later: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + later).isoformat(timespec="milliseconds").replace("+00:00", "Z")
