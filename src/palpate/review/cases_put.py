"""Putting cases into the database, some hundred in one transaction."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update

from palpate.correlation import Correlation
from palpate.review import tables as t
from palpate.review.canonical import digest_of
from palpate.review.case import Case, NewCase, Project, Urgency
from palpate.review.case_plain import (
    calibration_to_text,
    marks_from_text,
    marks_to_text,
    predictions_to_text,
)
from palpate.review.chain import Entry, append_entry
from palpate.review.event import SHARED
from palpate.review.film_path import is_below
from palpate.review.refusals import ReviewError
from palpate.review.shared import correlation_to_text, uncertainty_to_text
from palpate.review.urgency import urgency_score
from palpate.trust.calibration import UncertaintyCalibration


class Batch:
    """Rows of cases that are gathered, and written together.

    Args:
        connection: of a writer.
        project: that the cases are put into.
        who: for the events that tell of new predictions.
        when: likewise.
    """

    def __init__(self, connection: Connection, project: Project, *, who: str, when: str) -> None:
        self._connection = connection
        self._project = project
        self._who = who
        self._when = when
        self._rows: list[tuple[Table, dict[str, object]]] = []
        # The objects themselves are kept, so that no other can have their identity.
        self._shared: dict[int, tuple[Correlation | UncertaintyCalibration, str]] = {}

    def put(self, new: Sequence[tuple[str, NewCase, Urgency]]) -> list[str]:
        """Insert cases under these identifiers, or add predictions to those that are there.

        Returns:
            The identifiers, old ones of cases that are there.
        """
        there = self._there([given.image for _, given, _ in new])
        put: list[str] = []
        for identifier, given, urgency in new:
            check_given(self._project, given)
            if given.image not in there:
                self._insert(identifier, given, urgency)
                there[given.image] = ""
                put.append(identifier)
                continue
            self.write()
            row = self._there([given.image])[given.image]
            self._renew(row, given, urgency)
            put.append(row.identifier)
        self.write()
        return put

    def write(self) -> None:
        """Insert what was gathered."""
        for table in (t.shared_values, t.cases, t.predictions):
            rows = [row for each, row in self._rows if each is table]
            if rows:
                self._connection.execute(insert(table), rows)
        self._rows = []

    def _there(self, images: Sequence[str]) -> dict[str, Any]:
        c = t.cases.c
        rows = self._connection.execute(
            select(c.identifier, c.image, c.digest, c.predicted).where(
                c.project == self._project.identifier, c.image.in_(images)
            )
        ).all()
        return {row.image: row for row in rows}

    def _insert(self, identifier: str, given: NewCase, urgency: Urgency) -> None:
        row = {
            "identifier": identifier,
            "project": self._project.identifier,
            "image": given.image,
            "film": given.film,
            "digest": given.digest,
            "width": given.size[0],
            "height": given.size[1],
            "frames": given.frames,
            "subject": given.subject,
            "grouped": given.group,
            "source": given.source,
            "calibration": calibration_to_text(given.calibration),
            "marks": marks_to_text(given.marks),
            "labelled_by": given.labelled_by,
            "predicted": 1 if _says(given) else 0,
            "search": "\n".join((given.image, given.subject, given.group)).casefold(),
            **_urgency(urgency),
        }
        self._rows.append((t.cases, row))
        if _says(given):
            self._predict(identifier, 1, given, self._text(given))

    def _renew(self, there: Any, given: NewCase, urgency: Urgency) -> None:
        """Add predictions to a case that is there, if they are new; nothing is overwritten."""
        if there.digest != given.digest:
            raise ReviewError(
                f"image {given.image!r} is in the review with another film; a changed film is a "
                "new case: give it another name, or make another project"
            )
        if not given.predictions:
            return
        text, p = self._text(given), t.predictions.c
        last = self._connection.execute(
            select(p.digest).where(p.case_id == there.identifier, p.version == there.predicted)
        ).scalar()
        changed = _urgency(urgency)
        if last != digest_of(text):
            changed["predicted"] = there.predicted + 1
            self._predict(there.identifier, there.predicted + 1, given, text)
            model = _model(given)
            entry = Entry(
                there.identifier,
                SHARED,
                "predicted",
                self._who,
                model,
                note=model,
                payload=digest_of(text),
            )
            r = t.readings.c
            step = self._connection.execute(
                select(r.step).where(r.case_id == there.identifier, r.reading == SHARED)
            ).scalar()
            append_entry(self._connection, entry, when=self._when, step=step or 0)
        self._connection.execute(
            update(t.cases).where(t.cases.c.identifier == there.identifier).values(changed)
        )

    def _predict(self, identifier: str, version: int, given: NewCase, text: str) -> None:
        row = {
            "case_id": identifier,
            "version": version,
            "model": _model(given),
            "content": text,
            "digest": digest_of(text),
        }
        self._rows.append((t.predictions, row))

    def _text(self, given: NewCase) -> str:
        told = "" if given.uncertainty is None else self._share(given.uncertainty)
        return predictions_to_text(given.predictions, given.set_aside, self._share, told)

    def _share(self, one: Correlation | UncertaintyCalibration) -> str:
        """Keep what a model's predictions share once, and return its hash."""
        if id(one) in self._shared:
            return self._shared[id(one)][1]
        if isinstance(one, Correlation):
            text = correlation_to_text(one)
        else:
            text = uncertainty_to_text(one)
        digest, known = digest_of(text), t.shared_values.c.digest
        new = all(digest != each for _, each in self._shared.values())
        self._shared[id(one)] = (one, digest)
        if new and not self._connection.execute(select(known).where(known == digest)).first():
            self._rows.append((t.shared_values, {"digest": digest, "content": text}))
        return digest


def made_case(project: str, identifier: str, given: NewCase, urgency: Urgency) -> Case:
    """Return a case that was put in, as it comes back."""
    tidy = replace(given, marks=marks_from_text(marks_to_text(given.marks)))
    return Case(identifier, project, tidy, urgency, _model(given))


def _says(given: NewCase) -> bool:
    """Whether there is a prediction, or a reason why there is none."""
    return bool(given.predictions or given.set_aside)


def _model(given: NewCase) -> str:
    return next((each.prediction.localiser for each in given.predictions.values()), "")


def _urgency(urgency: Urgency) -> dict[str, object]:
    return {
        "class_change": urgency.class_change,
        "width_share": urgency.width,
        "implausible": urgency.implausible,
        "reasons": json.dumps(urgency.reasons, ensure_ascii=False),
        "score": urgency_score(urgency),
    }


def check_given(project: Project, given: NewCase) -> None:
    """Refuse what no reading could begin from.

    Raises:
        ReviewError: a film elsewhere, a mark or a prediction of another frame or scheme.
        SchemeError: a mark of a landmark that the scheme does not know.
    """
    if not is_below(given.film):
        raise ReviewError(f"the film of {given.image!r} is not below its project's folder")
    for mark in given.marks:
        project.scheme.index(mark.landmark)
        if mark.frame >= given.frames:
            raise ReviewError(f"{given.image!r} has {given.frames} frames, a mark is on another")
    if given.uncertainty is not None and given.uncertainty.names != project.scheme.names:
        raise ReviewError(
            f"the calibration of {given.image!r} is of other landmarks than project "
            f"{project.identifier!r}"
        )
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
