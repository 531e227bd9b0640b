"""The tables of what people say of a field, and of the work that they start: in the database of people."""

from sqlalchemy import Column, Float, Integer, String, Table, Text

from agro.store.account_tables import METADATA, TIME

PLANS = Table(
    "field_plans",
    METADATA,
    Column("field_id", String(200), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("title", String(80), nullable=False),
    Column("crop", String(60), nullable=False),
    Column("planned_yield_t_ha", Float, nullable=True),
    Column("note", String(1000), nullable=False),
    Column("changed", TIME, nullable=False),
    Column("changed_by", String(60), nullable=False),
)
WORK = Table(
    "work",
    METADATA,
    Column("work_id", String(32), primary_key=True),
    Column("field_id", String(200), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("told", Text, nullable=False),
    Column("began", TIME, nullable=False),
    Column("ended", TIME, nullable=True),
    Column("person", String(60), nullable=False),
)
