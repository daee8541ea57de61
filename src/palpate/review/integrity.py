"""A whole review checked, and an exported one taken in only if it holds."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, func, select, union, update

from palpate.review import tables as t
from palpate.review.case import Case, Project
from palpate.review.cases import case_row, read_case
from palpate.review.exchange_read import read_rows, unpack_films
from palpate.review.projects import read_project
from palpate.review.refusals import ReviewError
from palpate.review.verify import (
    Problem,
    chain_problems,
    first,
    prediction_problems,
    reading_problems,
    signature_problems,
)


def all_problems(connection: Connection) -> tuple[Problem, ...]:
    """Check chain, readings, marks, signed reports and predictions; nothing is taken from memory.

    Returns:
        The first hundred problems.
    """
    return first(_problems(connection))


def _problems(connection: Connection) -> Iterator[Problem]:
    yield from chain_problems(connection)
    yield from prediction_problems(connection)
    yield from signature_problems(connection)
    projects: dict[str, Project] = {}

    def find(identifier: str, version: int) -> tuple[Project, Case]:
        name: str = case_row(connection, identifier).project
        if name not in projects:
            projects[name] = read_project(connection, name)[0]
        return projects[name], read_case(connection, projects[name], identifier, version=version)

    e, r, m = t.events.c, t.readings.c, t.marks.c
    every = union(
        select(e.case_id, e.reading), select(r.case_id, r.reading), select(m.case_id, m.reading)
    )
    for case, reading in connection.execute(every).all():
        yield from reading_problems(connection, find, case, reading)


def take_in(connection: Connection, path: Path, root: Path) -> None:
    """Read an export into an empty store, inside a writer's transaction.

    Raises:
        ReviewError: the store is not empty, or what was read does not hold.
        FormatError: the file is no export, or was changed.
    """
    if connection.execute(select(func.count()).select_from(t.projects)).scalar_one():
        raise ReviewError(
            "this review holds cases already, and nothing in it is overwritten; import into a new "
            "file"
        )
    read_rows(connection, path)
    problems = all_problems(connection)
    if problems:
        raise ReviewError(
            f"{path.name} does not hold: {problems[0].sentence}"
            + (f"; and {len(problems) - 1} more" if problems[1:] else "")
            + ". Nothing was imported"
        )
    placed: dict[str, list[Path]] = {}
    for name in connection.execute(select(t.projects.c.identifier)).scalars().all():
        project, _ = read_project(connection, name)
        folder = (root / name).absolute()
        connection.execute(
            update(t.projects).where(t.projects.c.identifier == name).values(root=str(folder))
        )
        for row in connection.execute(select(t.cases).where(t.cases.c.project == name)).all():
            read_case(connection, project, row.identifier)
            placed.setdefault(row.digest, []).append(folder / row.film)
    unpack_films(path, placed)
