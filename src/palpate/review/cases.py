"""Cases in the database."""

import json
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from palpate.errors import PalpateError
from palpate.io.predictions import PredictedImage
from palpate.review import tables as t
from palpate.review.case import Case, NewCase, Project, Urgency
from palpate.review.case_plain import (
    calibration_from_text,
    marks_from_text,
    predictions_from_text,
)
from palpate.review.refusals import StoreError, UnknownCaseError
from palpate.review.shared import read_correlation, read_uncertainty
from palpate.trust.calibration import UncertaintyCalibration


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
    uncertainty: UncertaintyCalibration | None = None
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
            predictions, set_aside, uncertainty = predictions_from_text(
                project.scheme,
                text,
                partial(read_correlation, connection),
                partial(read_uncertainty, connection),
            )
        except StoreError:
            raise
        except (PalpateError, ValueError, KeyError, TypeError, AttributeError) as error:
            words = str(error) if isinstance(error, PalpateError) else "it cannot be read"
            raise StoreError(f"a prediction in the review is damaged: {words}") from error
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
        uncertainty,
        row.labelled_by,
    )
    return Case(identifier, row.project, given, urgency_of(row), model)


def urgency_of(row: Any) -> Urgency:
    """Return the urgency of a row of cases."""
    return Urgency(
        row.class_change, row.width_share, row.implausible, tuple(json.loads(row.reasons))
    )
