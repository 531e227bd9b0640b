"""People, keys and the record, on SQLite and, where AGRO_TEST_POSTGRES names a server, on PostgreSQL."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from agro.domain.errors import AgroError, BadInput, StoreDown
from agro.store.accounts import Accounts
from agro.store.audit import Audit
from agro.store.database import connected

PASSWORD = "seven small horses"  # noqa: S105
SERVER = os.environ.get("AGRO_TEST_POSTGRES", "")


@pytest.fixture(params=["sqlite", "postgresql"])
def accounts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Accounts]:
    if request.param == "sqlite":
        engine = connected("", tmp_path)
        yield Accounts(engine)
        engine.dispose()
        return
    if not SERVER:
        pytest.skip("AGRO_TEST_POSTGRES names no server, for instance postgresql://postgres@127.0.0.1:5433/postgres")
    name = f"agro_{secrets.token_hex(6)}"
    admin = create_engine(make_url(SERVER).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as rows:
        rows.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    engine = connected(url, tmp_path)
    yield Accounts(engine)
    engine.dispose()
    with admin.connect() as rows:
        rows.execute(text(f"DROP DATABASE {name}"))
    admin.dispose()


def test_people_come_in_by_what_is_theirs(accounts: Accounts) -> None:
    person = accounts.add("Иванов", "agronomist", PASSWORD, ["b", "a", "a"])
    assert accounts.by_password("Иванов", PASSWORD) == person.person_id
    assert accounts.by_password("Иванов", PASSWORD + "x") is accounts.by_password("nobody", PASSWORD) is None
    assert accounts.by_password("\0", PASSWORD) is accounts.by_password("x" * 10_000, "y" * 10_000) is None
    key = accounts.give_key(person.person_id, "token", "read", "GIS", 1)
    came = accounts.by_key(key, "token")
    assert came is not None and (came.name, came.farms, came.scope) == ("Иванов", ("a", "b"), "read")
    assert (
        accounts.by_key(key, "session") is accounts.by_key(key + "x", "token") is accounts.by_key("\0", "token") is None
    )
    assert accounts.by_key(accounts.give_key(person.person_id, "token", "read", "", -1), "token") is None


def test_another_password_and_a_farewell_end_every_key(accounts: Accounts) -> None:
    person = accounts.add("a", "operator", PASSWORD)
    key = accounts.give_key(person.person_id, "session", "write", "", 1)
    accounts.set_password("a", "another long password")
    assert accounts.by_key(key, "session") is None and accounts.by_password("a", PASSWORD) is None
    key = accounts.give_key(person.person_id, "session", "write", "", 1)
    accounts.end_key(key)
    assert accounts.by_key(key, "session") is None
    accounts.remove("a")
    assert accounts.everybody() == [] and accounts.by_password("a", "another long password") is None


@pytest.mark.parametrize(
    ("name", "role", "password", "farms"),
    [
        ("a\u202eb", "operator", PASSWORD, []),
        ("a\0", "operator", PASSWORD, []),
        (" a", "operator", PASSWORD, []),
        ("", "operator", PASSWORD, []),
        ("x" * 61, "operator", PASSWORD, []),
        ("a", "admin", PASSWORD, []),
        ("a", "operator", "short", []),
        ("a", "operator", "x" * 201, []),
        ("a", "farmer", PASSWORD, []),
        ("a", "farmer", PASSWORD, ["1", "2"]),
        ("a", "ministry", PASSWORD, ["1"]),
    ],
)
def test_who_cannot_be_registered(accounts: Accounts, name: str, role: str, password: str, farms: list[str]) -> None:
    with pytest.raises(BadInput):
        accounts.add(name, role, password, farms)
    assert accounts.everybody() == []


def test_a_name_is_given_once(accounts: Accounts) -> None:
    accounts.add("<b>=1+1", "operator", PASSWORD)  # strange, and harmless: it is escaped where it is shown
    with pytest.raises(BadInput, match="registered"):
        accounts.add("<b>=1+1", "ministry", PASSWORD)


def test_no_secret_can_be_read_back(accounts: Accounts) -> None:
    person = accounts.add("a", "operator", PASSWORD)
    key = accounts.give_key(person.person_id, "session", "write", "", 1)
    with accounts.engine.connect() as rows:
        held = str(rows.execute(text("SELECT * FROM people")).all() + rows.execute(text("SELECT * FROM keys")).all())
    assert PASSWORD not in held and key not in held and "$argon2id$" in held


def test_the_record_only_grows(accounts: Accounts) -> None:
    audit = Audit(accounts.engine)
    audit.note("denied", "\0\u202e" + "x" * 500, "y" * 500, "z" * 500)
    audit.note("login-failed", "a", "", "127.0.0.1")
    assert audit.failed_logins("a", "127.0.0.1", 15) == (1, 1)
    assert audit.failed_logins("b", "::1", 15) == (0, 0)
    for statement in ("UPDATE audit SET what = 'x'", "DELETE FROM audit"):
        with pytest.raises(DBAPIError, match="only grow"), accounts.engine.begin() as rows:
            rows.execute(text(statement))
    assert len(audit.lines(10)) == 2


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    first = Accounts(connected("", tmp_path))
    first.add("a", "operator", PASSWORD)
    first.engine.dispose()
    again = Accounts(connected("", tmp_path))
    assert [one.name for one in again.everybody()] == ["a"]
    with again.engine.connect() as rows:
        assert rows.execute(text("PRAGMA journal_mode")).scalar() == "wal"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("mysql://me:secret@h/d", BadInput),
        ("nonsense secret", BadInput),
        ("postgresql://me:secret@127.0.0.1:1/d", StoreDown),
    ],
)
def test_a_database_that_cannot_be_used_is_told_without_its_secret(
    tmp_path: Path, url: str, kind: type[AgroError]
) -> None:
    with pytest.raises(kind) as caught:
        connected(url, tmp_path)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "accounts.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreDown):
        connected("", tmp_path)
