"""Cases in the database."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from sqlalchemy import Connection, insert, select, update

from palpate.correlation import Correlation
from palpate.errors import PalpateError
from palpate.io.predictions import PredictedImage
from palpate.review import tables as t
from palpate.review.canonical import digest_of
from palpate.review.case import Case, NewCase, Project, Urgency
from palpate.review.case_plain import (
    calibration_from_text,
    calibration_to_text,
    marks_from_text,
    marks_to_text,
    predictions_from_text,
    predictions_to_text,
)
from palpate.review.chain import Entry, append_entry
from palpate.review.event import SHARED
from palpate.review.film_path import is_below
from palpate.review.refusals import ReviewError, StoreError, UnknownCaseError
from palpate.review.urgency import urgency_score


def case_row(connection: Connection, identifier: str) -> Any:
    """Return the row of a case.

    Raises:
        UnknownCaseError: there is none.
    """
    row = connection.execute(select(t.cases).where(t.cases.c.identifier == identifier)).first()
    if row is None:
        raise UnknownCaseError("there is no such case in this review")
    return row


def read_case(
    connection: Connection, project: Project, identifier: str, *, version: int | None = None
) -> Case:
    """Return a case with the newest prediction, or with the one of a version."""
    row = case_row(connection, identifier)
    wanted = row.predicted if version is None else version
    model = ""
    predictions: dict[int, PredictedImage] = {}
    set_aside: tuple[str, ...] = ()
    if wanted:
        found = connection.execute(
            select(t.predictions.c.model, t.predictions.c.content).where(
                t.predictions.c.case_id == identifier, t.predictions.c.version == wanted
            )
        ).first()
        if found is None:
            raise StoreError(f"prediction {wanted} of {row.image!r} is missing from the review")
        model, text = found

        try:
            predictions, set_aside = predictions_from_text(
                project.scheme, text, lambda digest: _correlation(connection, digest)
            )
        except PalpateError as error:
            raise StoreError(f"a prediction in the review is damaged: {error}") from error
    given = NewCase(
        row.image,
        row.film,
        row.digest,
        (row.width, row.height),
        row.subject,
        row.frames,
        calibration_from_text(row.calibration),
        predictions,
        marks_from_text(row.marks),
        set_aside,
        row.source,
        row.grouped,
    )
    return Case(identifier, row.project, given, urgency_of(row), model)


def urgency_of(row: Any) -> Urgency:
    """Return the urgency of a row of cases."""
    return Urgency(
        row.class_change, row.width_share, row.implausible, tuple(json.loads(row.reasons))
    )


def _correlation(connection: Connection, digest: str) -> Correlation:
    s = t.shared_values.c
    text = connection.execute(select(s.content).where(s.digest == digest)).scalar()
    if text is None:
        raise StoreError("a correlation that predictions share is missing from the review")
    return _correlation_of(text)


@lru_cache(maxsize=8)
def _correlation_of(text: str) -> Correlation:
    """One object for all cases that share it: checking its eigenvalues takes a while."""
    plain = json.loads(text)
    return Correlation(np.array(plain["matrix"]), plain["dimension"])


def put_cases(
    connection: Connection,
    project: Project,
    new: Sequence[tuple[NewCase, Urgency]],
    *,
    who: str,
    when: str,
    identifiers: Sequence[str],
) -> list[str]:
    """Insert cases, or add predictions to those that are there; return their identifiers."""
    put: list[str] = []
    for (given, urgency), identifier in zip(new, identifiers, strict=True):
        _check(project, given)
        there = connection.execute(
            select(t.cases).where(
                t.cases.c.project == project.identifier, t.cases.c.image == given.image
            )
        ).first()
        if there is None:
            _insert(connection, project, identifier, given, urgency)
            put.append(identifier)
        else:
            _renew(connection, there, given, urgency, who=who, when=when)
            put.append(there.identifier)
    return put


def _check(project: Project, given: NewCase) -> None:
    """Refuse what no reading could begin from."""
    if not is_below(given.film):
        raise ReviewError(f"the film of {given.image!r} is not below its project's folder")
    for mark in given.marks:
        project.scheme.index(mark.landmark)
        if mark.frame >= given.frames:
            raise ReviewError(f"{given.image!r} has {given.frames} frames, a mark is on another")
    for frame, image in given.predictions.items():
        if image.prediction.scheme.names != project.scheme.names:
            raise ReviewError(
                f"the prediction of {given.image!r} has other landmarks than project "
                f"{project.identifier!r}"
            )
        if not 0 <= frame < given.frames or image.prediction.frame != "pixel":
            raise ReviewError(
                f"a prediction of {given.image!r} is of frame {frame} of {given.frames}, in "
                f"{image.prediction.frame}; expected one in pixels of a frame that is there"
            )


def _insert(
    connection: Connection, project: Project, identifier: str, given: NewCase, urgency: Urgency
) -> None:
    connection.execute(
        insert(t.cases).values(
            identifier=identifier,
            project=project.identifier,
            image=given.image,
            film=given.film,
            digest=given.digest,
            width=given.size[0],
            height=given.size[1],
            frames=given.frames,
            subject=given.subject,
            grouped=given.group,
            source=given.source,
            calibration=calibration_to_text(given.calibration),
            marks=marks_to_text(given.marks),
            predicted=1 if given.predictions else 0,
            search="\n".join((given.image, given.subject, given.group)).casefold(),
            **_urgency(urgency),
        )
    )
    if given.predictions:
        _predict(connection, identifier, 1, given)


def _urgency(urgency: Urgency) -> dict[str, object]:
    return {
        "class_change": urgency.class_change,
        "width_share": urgency.width,
        "implausible": urgency.implausible,
        "reasons": json.dumps(urgency.reasons, ensure_ascii=False),
        "score": urgency_score(urgency),
    }


def _predict(connection: Connection, identifier: str, version: int, given: NewCase) -> str:
    """Keep predictions as a new version; return their hash."""
    text, shared = predictions_to_text(given.predictions, given.set_aside)
    known = t.shared_values.c.digest
    for digest, content in shared.items():
        if connection.execute(select(known).where(known == digest)).first() is None:
            connection.execute(insert(t.shared_values).values(digest=digest, content=content))
    connection.execute(
        insert(t.predictions).values(
            case_id=identifier,
            version=version,
            model=next(iter(given.predictions.values())).prediction.localiser,
            content=text,
            digest=digest_of(text),
        )
    )
    return digest_of(text)


def _renew(
    connection: Connection,
    there: Any,
    given: NewCase,
    urgency: Urgency,
    *,
    who: str,
    when: str,
) -> None:
    """Add predictions to a case that is there, if they are new; nothing is overwritten."""
    if there.digest != given.digest:
        raise ReviewError(
            f"image {given.image!r} is in the review with another film; a changed film is a new "
            "case: give it another name, or make another project"
        )
    if not given.predictions:
        return
    text, _ = predictions_to_text(given.predictions, given.set_aside)
    last = connection.execute(
        select(t.predictions.c.digest).where(
            t.predictions.c.case_id == there.identifier,
            t.predictions.c.version == there.predicted,
        )
    ).scalar()
    changed = {**_urgency(urgency)}
    if last != digest_of(text):
        changed["predicted"] = there.predicted + 1
        digest = _predict(connection, there.identifier, there.predicted + 1, given)
        model = next(iter(given.predictions.values())).prediction.localiser
        append_entry(
            connection,
            Entry(there.identifier, SHARED, "predicted", who, model, note=model, payload=digest),
            when=when,
        )
    connection.execute(
        update(t.cases).where(t.cases.c.identifier == there.identifier).values(changed)
    )
