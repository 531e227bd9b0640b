"""The tables of people, their keys and the record of who did what. Times are ISO text in UTC: they sort so."""

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, String, Table

METADATA = MetaData()
TIME = String(24)  # 2026-11-24T16:48:55.123Z

PEOPLE = Table(
    "people",
    METADATA,
    Column("person_id", String(32), primary_key=True),
    Column("name", String(60), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("created", TIME, nullable=False),
)
FARMS = Table(
    "person_farms",
    METADATA,
    Column("person_id", String(32), ForeignKey("people.person_id", ondelete="CASCADE"), primary_key=True),
    Column("farm_id", String(200), primary_key=True),
)
KEYS = Table(  # sessions of browsers and tokens of programs: only what they hash to
    "keys",
    METADATA,
    Column("key_hash", String(64), primary_key=True),
    Column("person_id", String(32), ForeignKey("people.person_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", String(10), nullable=False),
    Column("scope", String(10), nullable=False),
    Column("label", String(100), nullable=False),
    Column("created", TIME, nullable=False),
    Column("ends", TIME, nullable=False),
)
AUDIT = Table(  # append-only: triggers of the database refuse any change of a row
    "audit",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", TIME, nullable=False),
    Column("person", String(60), nullable=False),
    Column("what", String(20), nullable=False),
    Column("about", String(300), nullable=False),
    Column("address", String(60), nullable=False),
    Index("audit_by_what", "what", "person", "at"),
    Index("audit_by_address", "what", "address", "at"),
)
