"""The tables of a review. Events are only ever inserted; ``marks`` and ``readings`` follow them.

Lists and nested values are canonical JSON in text columns: SQLite and PostgreSQL keep the same
characters, so that every hash can be computed again from either.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_ID = String(64)
_DIGEST = String(64)
_TIME = String(32)

# One row: the number and hash of the last event; whoever writes holds it.
head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("digest", _DIGEST, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("identifier", _ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("protocol", Text, nullable=False),  # empty where nothing is measured
    Column("blinded", Boolean, nullable=False),
    Column("assisted", Boolean, nullable=False),
    Column("root", Text, nullable=False),
)

# What many cases share, by its hash: correlations of a model's errors.
shared_values = Table(
    "shared_values",
    metadata,
    Column("digest", _DIGEST, primary_key=True),
    Column("content", Text, nullable=False),
)

# ``predicted`` is the version of the newest prediction, 0 where there is none; ``score`` orders
# the queue; ``search`` is what is looked for, in lower case.
cases = Table(
    "cases",
    metadata,
    Column("identifier", _ID, primary_key=True),
    Column("project", _ID, ForeignKey("projects.identifier"), nullable=False),
    Column("image", Text, nullable=False),
    Column("film", Text, nullable=False),
    Column("digest", _DIGEST, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("grouped", Text, nullable=False),
    Column("source", String(16), nullable=False),
    Column("calibration", Text, nullable=False),
    Column("marks", Text, nullable=False),
    Column("labelled_by", Text, nullable=False),
    Column("predicted", Integer, nullable=False),
    Column("class_change", Float),
    Column("width_share", Float),
    Column("implausible", Float),
    Column("reasons", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("search", Text, nullable=False),
    UniqueConstraint("project", "image"),
)
Index("ix_cases_urgency", cases.c.project, cases.c.score.desc(), cases.c.image)

predictions = Table(
    "predictions",
    metadata,
    Column("case_id", _ID, ForeignKey("cases.identifier"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("model", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("digest", _DIGEST, nullable=False),
)

# ``base`` is the version of the prediction that the reading began from; ``people`` who set marks.
readings = Table(
    "readings",
    metadata,
    Column("case_id", _ID, ForeignKey("cases.identifier"), primary_key=True),
    Column("reading", _ID, primary_key=True),
    Column("step", Integer, nullable=False),
    Column("state", String(8), nullable=False),
    Column("base", Integer, nullable=False),
    Column("people", Text, nullable=False),
    Column("updated", _TIME, nullable=False),
    Column("signed", Integer, nullable=False),  # number of the signing event, 0 where unsigned
)
Index("ix_readings_reading", readings.c.reading, readings.c.state)

events = Table(
    "events",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("case_id", _ID, ForeignKey("cases.identifier"), nullable=False),
    Column("reading", _ID, nullable=False),
    Column("step", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("who", _ID, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("model", Text, nullable=False),
    Column("changes", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("payload", String(64), nullable=False),
    Column("previous", _DIGEST, nullable=False),
    Column("digest", _DIGEST, nullable=False),
    Column("key", _ID),  # that the page made for it; not hashed
    UniqueConstraint("case_id", "reading", "step"),
    UniqueConstraint("case_id", "reading", "who", "key"),
)

# What events have changed of what a reading began from; ``state`` 'removed' where a mark was
# taken away.
marks = Table(
    "marks",
    metadata,
    Column("case_id", _ID, primary_key=True),
    Column("reading", _ID, primary_key=True),
    Column("frame", Integer, primary_key=True, autoincrement=False),
    Column("landmark", Text, primary_key=True),
    Column("state", String(8), nullable=False),
    Column("x", Float),
    Column("y", Float),
    Column("origin", String(8), nullable=False),
    ForeignKeyConstraint(["case_id", "reading"], ["readings.case_id", "readings.reading"]),
)

# Frozen reports; kept when a reading is reopened.
signatures = Table(
    "signatures",
    metadata,
    Column("event", Integer, ForeignKey("events.number"), primary_key=True, autoincrement=False),
    Column("case_id", _ID, nullable=False),
    Column("reading", _ID, nullable=False),
    Column("who", _ID, nullable=False),
    Column("name", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("statement", Text, nullable=False),
    Column("report", _DIGEST, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
Index("ix_signatures_case_id", signatures.c.case_id, signatures.c.reading)

# ``password`` is an argon2 hash, empty where nobody may sign in with one.
accounts = Table(
    "accounts",
    metadata,
    Column("name", _ID, primary_key=True),
    Column("title", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("password", Text, nullable=False),
)

# ``token`` is a hash: whoever reads the database cannot sign in with it.
sessions = Table(
    "sessions",
    metadata,
    Column("token", _DIGEST, primary_key=True),
    Column("account", _ID, ForeignKey("accounts.name"), nullable=False),
    Column("seen", _TIME, nullable=False),
    Column("idle_s", Integer, nullable=False),
    Column("expires", _TIME, nullable=False),
)
Index("ix_sessions_account", sessions.c.account)
