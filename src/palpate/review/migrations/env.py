"""Run by Alembic: steps go through the connection, and the transaction, that it was given."""

from alembic import context

from palpate.review.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
