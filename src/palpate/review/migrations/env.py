"""Run by Alembic: steps go through the connection, and the transaction, that it was given."""

from alembic import context

from palpate.review.tables import metadata


def run() -> None:
    """Take the steps that are asked for."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


# Only while Alembic runs it; imported alone, as for its docstrings, it does nothing.
if hasattr(context, "config"):
    run()
