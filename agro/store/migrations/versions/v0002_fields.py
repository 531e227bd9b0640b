"""What people say of a field, and the work that they start."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    time = sa.String(24)
    op.create_table(
        "field_plans",
        sa.Column("field_id", sa.String(200), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("title", sa.String(80), nullable=False),
        sa.Column("crop", sa.String(60), nullable=False),
        sa.Column("planned_yield_t_ha", sa.Float, nullable=True),
        sa.Column("note", sa.String(1000), nullable=False),
        sa.Column("changed", time, nullable=False),
        sa.Column("changed_by", sa.String(60), nullable=False),
    )
    op.create_table(
        "work",
        sa.Column("work_id", sa.String(32), primary_key=True),
        sa.Column("field_id", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        sa.Column("began", time, nullable=False),
        sa.Column("ended", time, nullable=True),
        sa.Column("person", sa.String(60), nullable=False),
    )
    op.create_index("ix_work_field_id", "work", ["field_id"])


def downgrade() -> None:
    """There is no way back."""
    raise RuntimeError("what people said is kept: go back with a backup of the database")
