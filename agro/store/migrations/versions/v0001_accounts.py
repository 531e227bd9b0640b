"""People, their farms, their keys, and a record that can only grow."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_REFUSED = "the record can only grow"


def upgrade() -> None:
    """Make the tables."""
    time = sa.String(24)
    op.create_table(
        "people",
        sa.Column("person_id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(60), nullable=False, unique=True),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("created", time, nullable=False),
    )
    op.create_table(
        "person_farms",
        sa.Column("person_id", sa.String(32), sa.ForeignKey("people.person_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("farm_id", sa.String(200), primary_key=True),
    )
    op.create_table(
        "keys",
        sa.Column("key_hash", sa.String(64), primary_key=True),
        sa.Column("person_id", sa.String(32), sa.ForeignKey("people.person_id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("scope", sa.String(10), nullable=False),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("created", time, nullable=False),
        sa.Column("ends", time, nullable=False),
    )
    op.create_index("ix_keys_person_id", "keys", ["person_id"])
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", time, nullable=False),
        sa.Column("person", sa.String(60), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("about", sa.String(300), nullable=False),
        sa.Column("address", sa.String(60), nullable=False),
    )
    op.create_index("audit_by_what", "audit", ["what", "person", "at"])
    op.create_index("audit_by_address", "audit", ["what", "address", "at"])
    for statement in _ONLY_GROWS[op.get_bind().dialect.name]:
        op.execute(statement)


_ONLY_GROWS = {
    "sqlite": [
        f"CREATE TRIGGER audit_no_{what} BEFORE {what} ON audit BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
        for what in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        f"CREATE FUNCTION audit_only_grows() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$ "
        "LANGUAGE plpgsql",
        "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()",
    ],
}


def downgrade() -> None:
    """There is no way back."""
    raise RuntimeError("the record is kept: go back with a backup of the database")
