"""Projects in the database."""

import json
import re
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from palpate.review import tables as t
from palpate.review.canonical import canonical
from palpate.review.case import Project
from palpate.review.project_plain import (
    protocol_from_plain,
    protocol_to_plain,
    scheme_from_plain,
    scheme_to_plain,
)
from palpate.review.refusals import ReviewError, UnknownCaseError

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def put_project(connection: Connection, project: Project, root: Path) -> None:
    """Insert a project, or give one that is there another root.

    Raises:
        ReviewError: no identifier, landmarks of 3-D, or one is there that differs.
    """
    if not _SLUG.fullmatch(project.identifier):
        raise ReviewError(
            f"a project is called by small letters, digits and hyphens, not {project.identifier!r}"
        )
    if project.scheme.dimension != 2:
        raise ReviewError("a review is of landmarks in 2-D images")
    said = _columns(project)
    there = connection.execute(
        select(t.projects).where(t.projects.c.identifier == project.identifier)
    ).first()
    if there is None:
        said |= {"identifier": project.identifier, "root": str(root.absolute())}
        connection.execute(insert(t.projects).values(said))
        return
    old, _ = _of(there)
    for words, before, now in (
        ("other landmarks", old.scheme, project.scheme),
        ("another protocol", _label(old), _label(project)),
        ("another choice of blinding", old.blinded, project.blinded),
        ("another choice of what readings begin from", old.assisted, project.assisted),
    ):
        if before != now:
            raise ReviewError(
                f"project {project.identifier!r} is in the review with {words}; give the "
                "new one another name"
            )
    # A protocol's version changes whenever a number may: the rest of it is for reading.
    connection.execute(
        update(t.projects)
        .where(t.projects.c.identifier == project.identifier)
        .values(root=str(root.absolute()), name=project.name, protocol=said["protocol"])
    )


def _label(project: Project) -> str:
    if project.protocol is None:
        return ""
    return " ".join((project.protocol.label, *sorted(project.protocol.flipped)))


def _columns(project: Project) -> dict[str, Any]:
    protocol = project.protocol
    return {
        "name": project.name,
        "scheme": canonical(scheme_to_plain(project.scheme)),
        "protocol": "" if protocol is None else canonical(protocol_to_plain(protocol)),
        "blinded": project.blinded,
        "assisted": project.assisted,
    }


def read_project(connection: Connection, identifier: str) -> tuple[Project, Path]:
    """Return a project and its root.

    Raises:
        UnknownCaseError: there is none.
    """
    row = connection.execute(
        select(t.projects).where(t.projects.c.identifier == identifier)
    ).first()
    if row is None:
        raise UnknownCaseError("there is no such project in this review")
    return _of(row)


def _of(row: Any) -> tuple[Project, Path]:
    project = Project(
        row.identifier,
        row.name,
        scheme_from_plain(json.loads(row.scheme)),
        protocol_from_plain(json.loads(row.protocol)) if row.protocol else None,
        row.blinded,
        row.assisted,
    )
    return project, Path(row.root)
