"""The database of people: SQLite in a file, or PostgreSQL by its URL; brought to the newest tables as it is opened."""

import sqlite3
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from agro.domain.errors import BadInput, StoreDown

_MIGRATIONS = Path(__file__).parent / "migrations"
_WAIT_S = 10  # for somebody who holds the database
_ONE_AT_A_TIME = 742_017  # the number of PostgreSQL's lock under which tables are made; any number, always the same


def connected(url: str, folder: Path) -> Engine:
    """The database at a URL, or SQLite in the folder where the URL is empty. Raises BadInput, StoreDown."""
    try:
        if not url:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        whole = make_url(url or f"sqlite:///{folder / 'accounts.sqlite'}")
        if whole.drivername == "postgresql":
            whole = whole.set(drivername="postgresql+psycopg")
        if whole.get_backend_name() not in ("sqlite", "postgresql"):
            raise ArgumentError(whole.get_backend_name())
        engine = create_engine(
            whole, pool_size=8, max_overflow=8, pool_pre_ping=not whole.drivername.startswith("sqlite")
        )
    except (ArgumentError, ImportError) as error:
        raise BadInput(
            "PORTAL-DATABASE",
            "portal.database: no database that is known here ({met})",
            "leave it empty for SQLite, or write postgresql://NAME@HOST/DATABASE and install agro[postgres]",
            met=type(error).__name__,  # never the URL: it may hold a password
        ) from None
    except OSError as error:
        raise _down(str(folder), str(error.strerror)) from None
    if whole.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _as_wal)
    try:
        with engine.begin() as rows:
            if engine.dialect.name == "postgresql":
                rows.execute(text("SELECT pg_advisory_xact_lock(:one)"), {"one": _ONE_AT_A_TIME})
            _upgrade(rows)
    except SQLAlchemyError as error:
        engine.dispose()
        raise _down(whole.render_as_string(hide_password=True), type(error).__name__) from None
    return engine


def _upgrade(rows: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = rows
    command.upgrade(config, "head")


def _as_wal(rows: sqlite3.Connection, _: Any) -> None:
    rows.execute(f"PRAGMA busy_timeout = {1000 * _WAIT_S}")
    rows.execute("PRAGMA journal_mode = WAL")
    rows.execute("PRAGMA synchronous = FULL")
    rows.execute("PRAGMA foreign_keys = ON")


def _down(where: str, met: str) -> StoreDown:
    return StoreDown(
        "PORTAL-DATABASE-DOWN",
        "{where}: the database of people does not answer ({met})",
        "see that it runs and that the right to it is given, then start again",
        where=where,
        met=met,
    )
