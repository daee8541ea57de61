"""The first tables of a review."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and the head of an empty chain."""
    _accounts()
    _head()
    _projects()
    _shared_values()
    _cases()
    _sessions()
    _events()
    _predictions()
    _readings()
    _marks()
    _signatures()
    head = sa.table("head", sa.column("id"), sa.column("number"), sa.column("digest"))
    op.execute(sa.insert(head).values(id=1, number=0, digest="0" * 64))


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_accounts")),
    )


def _head() -> None:
    op.create_table(
        "head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_head")),
    )


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("identifier", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("blinded", sa.Boolean(), nullable=False),
        sa.Column("assisted", sa.Boolean(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("identifier", name=op.f("pk_projects")),
    )


def _shared_values() -> None:
    op.create_table(
        "shared_values",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_shared_values")),
    )


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("identifier", sa.String(length=64), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("film", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("grouped", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("calibration", sa.Text(), nullable=False),
        sa.Column("marks", sa.Text(), nullable=False),
        sa.Column("labelled_by", sa.Text(), nullable=False),
        sa.Column("predicted", sa.Integer(), nullable=False),
        sa.Column("class_change", sa.Float(), nullable=True),
        sa.Column("width_share", sa.Float(), nullable=True),
        sa.Column("implausible", sa.Float(), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project"], ["projects.identifier"], name=op.f("fk_cases_project")
        ),
        sa.PrimaryKeyConstraint("identifier", name=op.f("pk_cases")),
        sa.UniqueConstraint("project", "image", name=op.f("uq_cases_project_image")),
    )
    op.create_index(
        "ix_cases_urgency",
        "cases",
        ["project", sa.literal_column("score DESC"), "image"],
        unique=False,
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("seen", sa.String(length=32), nullable=False),
        sa.Column("idle_s", sa.Integer(), nullable=False),
        sa.Column("expires", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], name=op.f("fk_sessions_account")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_account", "sessions", ["account"], unique=False)


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("reading", sa.String(length=64), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("payload", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.identifier"], name=op.f("fk_events_case_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_events")),
        sa.UniqueConstraint(
            "case_id", "reading", "step", name=op.f("uq_events_case_id_reading_step")
        ),
        sa.UniqueConstraint(
            "case_id", "reading", "who", "key", name=op.f("uq_events_case_id_reading_who_key")
        ),
    )


def _predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.identifier"], name=op.f("fk_predictions_case_id")
        ),
        sa.PrimaryKeyConstraint("case_id", "version", name=op.f("pk_predictions")),
    )


def _readings() -> None:
    op.create_table(
        "readings",
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("reading", sa.String(length=64), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("people", sa.Text(), nullable=False),
        sa.Column("updated", sa.String(length=32), nullable=False),
        sa.Column("signed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.identifier"], name=op.f("fk_readings_case_id")
        ),
        sa.PrimaryKeyConstraint("case_id", "reading", name=op.f("pk_readings")),
    )
    op.create_index("ix_readings_reading", "readings", ["reading", "state"], unique=False)


def _marks() -> None:
    op.create_table(
        "marks",
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("reading", sa.String(length=64), nullable=False),
        sa.Column("frame", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("landmark", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("x", sa.Float(), nullable=True),
        sa.Column("y", sa.Float(), nullable=True),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id", "reading"],
            ["readings.case_id", "readings.reading"],
            name=op.f("fk_marks_case_id_reading"),
        ),
        sa.PrimaryKeyConstraint("case_id", "reading", "frame", "landmark", name=op.f("pk_marks")),
    )


def _signatures() -> None:
    op.create_table(
        "signatures",
        sa.Column("event", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("reading", sa.String(length=64), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("report", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["events.number"], name=op.f("fk_signatures_event")),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_signatures")),
    )
    op.create_index("ix_signatures_case_id", "signatures", ["case_id", "reading"], unique=False)
