"""How Alembic meets the database: over the connection that `agro.store.database` hands it."""

from alembic import context

from agro.store.field_tables import PLANS

context.configure(
    connection=context.config.attributes["connection"], target_metadata=PLANS.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
