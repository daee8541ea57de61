"""The tables of a database, brought to what this version of palpate knows."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from palpate.review.database import Database
from palpate.review.refusals import StoreError

# Any number that no other program takes: who migrates holds it.
_LOCK = 7_201_974


def migrate(database: Database) -> None:
    """Make the tables, or bring them up to date; nothing is done where they are.

    Raises:
        StoreError: a newer palpate made them, or they are not those of a review.
    """
    scripts = ScriptDirectory.from_config(config())
    newest = scripts.get_current_head()
    with database.read() as connection:
        if _revision(connection) == newest:
            return
    with database.exclusive() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        found = _revision(connection)
        if found == newest:
            return
        known = {script.revision for script in scripts.walk_revisions()}
        if found is not None and found not in known:
            raise StoreError(
                "the review was made by a newer palpate; install that version, or take an "
                "export of it made there"
            )
        wanted = config()
        wanted.attributes["connection"] = connection
        command.upgrade(wanted, "head")


def config() -> Config:
    """Return Alembic's settings, which live inside the package."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.set_main_option("path_separator", "os")
    return made


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
