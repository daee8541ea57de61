"""Marks in, reports out: what the model still answers for keeps its doubt, the rest has none."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from palpate.conformal.measurement_scores import MeasurementScores
from palpate.io.predictions import PredictedImage
from palpate.measurement import Measurement, Report
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.measure import measure, measure_points
from palpate.protocols.protocol import Protocol, Quantity
from palpate.review.case import Case, NewCase, Project
from palpate.review.mark import Key, Mark, points_of

# px: a position that went through a text format is still the model's.
_SAME = 1e-6


@dataclass(frozen=True, slots=True)
class _Frame:
    """The marks of one frame beside what the model said of it.

    ``kept`` stand where the model put them, ``stale`` are the model's but not where it puts them
    now, ``denied`` are said to be absent by a person.
    """

    points: Points
    predicted: PredictedImage | None
    kept: frozenset[str]
    stale: frozenset[str]
    denied: frozenset[str]

    @property
    def named(self) -> frozenset[str]:
        """Landmarks that have a position."""
        names = zip(self.points.scheme.names, self.points.present, strict=True)
        return frozenset(name for name, there in names if there)


def measure_reading(
    project: Project,
    case: Case,
    marks: Mapping[Key, Mark],
    *,
    frames: Collection[int] | None = None,
    level: float = 0.9,
    scores: Mapping[str, MeasurementScores] | None = None,
) -> dict[int, Report]:
    """Measure what a reading's marks say, frame by frame.

    A landmark that stands where the model put it keeps its covariance and its correlations; one
    that a person set is taken as exact, and the note of every measurement that needs it says so.
    An interval from held-out subjects (``scores``) is given only where every landmark of it is
    the model's; none is given where none is.

    Args:
        project: with the protocol; without one nothing is measured.
        case: with the model's predictions.
        marks: of the reading, by frame and landmark.
        frames: those to measure; None takes all that have a mark, and the one of a still image.
        level: of the intervals.
        scores: as :func:`palpate.protocols.measure.measure` takes them.

    Returns:
        Frame -> report, in the order of the frames.

    Raises:
        SchemeError: a mark of a landmark that the project does not know.
        ConfigError: the protocol needs a landmark that the project does not know.
    """
    protocol = project.protocol
    if protocol is None:
        return {}
    marked = {mark.frame for mark in marks.values()}
    asked = (marked | ({0} if case.given.frames == 1 else set())) if frames is None else frames
    of_frame: dict[int, list[Mark]] = {frame: [] for frame in sorted(asked)}
    for mark in marks.values():
        if mark.frame in of_frame:
            of_frame[mark.frame].append(mark)
    return {
        frame: _report(protocol, _frame(project, case, frame, own), case.given, level, scores or {})
        for frame, own in of_frame.items()
    }


def _frame(project: Project, case: Case, frame: int, marks: list[Mark]) -> _Frame:
    """Tell apart who answers for which landmark."""
    predicted = case.given.predictions.get(frame)
    if predicted is not None and predicted.calibration is None:
        predicted = replace(predicted, calibration=case.given.calibration)
    theirs = {mark.landmark for mark in marks if mark.origin == "model" and mark.x is not None}
    kept = frozenset(
        mark.landmark for mark in marks if mark.landmark in theirs and _stands(mark, predicted)
    )
    return _Frame(
        points_of(project.scheme, marks, frame=frame),
        predicted,
        kept,
        frozenset(theirs) - kept,
        frozenset(m.landmark for m in marks if m.state == "absent" and m.origin == "person"),
    )


def _stands(mark: Mark, predicted: PredictedImage | None) -> bool:
    """Whether a mark is where the prediction has it."""
    if predicted is None or mark.landmark not in predicted.prediction.scheme.names:
        return False
    prediction = predicted.prediction
    row = prediction.scheme.index(mark.landmark)
    offset = prediction.mean[row] - np.array([mark.x, mark.y], dtype=float)
    return bool(np.abs(offset).max() <= _SAME)  # False of NaN


def _report(
    protocol: Protocol,
    frame: _Frame,
    given: NewCase,
    level: float,
    scores: Mapping[str, MeasurementScores],
) -> Report:
    predicted = frame.predicted
    if predicted is not None and frame.named == frame.kept == _found(predicted.prediction):
        whole = measure(protocol, predicted, level=level, scores=scores)
        return replace(whole, measurements=_reasoned(protocol, frame, whole))
    # Each quantity is measured on its own terms: the model's, both, or the reader's alone.
    groups: dict[str, list[Quantity]] = {"model": [], "both": [], "reader": []}
    for quantity in protocol.quantities:
        groups[_terms(quantity, frame)].append(quantity)
    reports = []
    if predicted is not None:
        mixed = replace(predicted, prediction=_mixed(frame, predicted.prediction))
        for terms, held_out in (("model", scores), ("both", {})):
            part = replace(protocol, quantities=tuple(groups[terms]))
            reports.append(measure(part, mixed, level=level, scores=held_out))
    calibration = given.calibration if predicted is None else predicted.calibration
    part = replace(protocol, quantities=tuple(groups["reader"]))
    reports.append(measure_points(part, frame.points, calibration, size=given.size))
    found = {m.name: m for report in reports for m in report.measurements}
    named = tuple(replace(found[q.name], level=level) for q in protocol.quantities)
    whole = Report(given.subject, given.image, named, _provenance(frame, reports[-1].provenance))
    return replace(whole, measurements=_reasoned(protocol, frame, whole))


def _found(prediction: Prediction) -> frozenset[str]:
    names = zip(prediction.scheme.names, prediction.found, strict=True)
    return frozenset(name for name, found in names if found)


def _terms(quantity: Quantity, frame: _Frame) -> str:
    needs = set(quantity.needs())
    if needs <= frame.kept:
        return "model"
    return "reader" if needs & frame.stale or not needs & frame.kept else "both"


def _mixed(frame: _Frame, prediction: Prediction) -> Prediction:
    """Positions of the reading; the model's doubt of what it answers for, none of the rest."""
    scheme, points = frame.points.scheme, frame.points
    k, d = points.coordinates.shape
    mean = np.array(points.coordinates)
    covariance = np.where(points.present[:, None, None], np.zeros((k, d, d)), np.nan)
    score = points.present.astype(float)
    for name in frame.kept:
        row, told = scheme.index(name), prediction.scheme.index(name)
        mean[row], covariance[row] = prediction.mean[told], prediction.covariance[told]
        score[row] = prediction.score[told]
    correlation = prediction.correlation
    if correlation is not None and prediction.scheme.names != scheme.names:
        correlation = correlation.of(prediction.scheme.indices(scheme.names))
    return Prediction(
        scheme,
        mean,
        covariance,
        score,
        prediction.localiser,
        prediction.frame,
        correlation,
        basis=prediction.basis,
    )


def _provenance(frame: _Frame, told: Mapping[str, str]) -> dict[str, str]:
    """Who answers for the positions, and what the protocol says of every report."""
    kept = frame.predicted is not None and frame.kept
    by = frame.predicted.prediction.localiser if frame.predicted is not None and kept else "reader"
    return {**told, "localiser": by}


def _reasoned(protocol: Protocol, frame: _Frame, report: Report) -> tuple[Measurement, ...]:
    """Say of each measurement who set what, and why what is missing is missing."""
    pairs = zip(protocol.quantities, report.measurements, strict=True)
    return tuple(
        _with_reason(quantity, frame, one) if one.value is None else _with_note(one, frame)
        for quantity, one in pairs
    )


def _with_note(one: Measurement, frame: _Frame) -> Measurement:
    names = [name for name in one.landmarks if name not in frame.kept]
    stale = [name for name in names if name in frame.stale]
    theirs = [name for name in names if name not in frame.stale]
    if not names:
        return one
    said = []
    if stale:
        said.append(f"where an earlier prediction put it: {', '.join(stale)}")
    if theirs and len(theirs) < len(one.landmarks):
        said.append(f"set by the reader: {', '.join(theirs)}")
    elif theirs:
        said.append("set by the reader")
    if one.interval is None:
        said.append("no interval")
    return replace(one, note="; ".join(note for note in (one.note, *said) if note))


def _with_reason(quantity: Quantity, frame: _Frame, one: Measurement) -> Measurement:
    missing = [name for name in quantity.needs() if name not in frame.named]
    if not missing:
        return one
    unknown = [name for name in missing if name not in frame.denied]
    parts = []
    if len(unknown) < len(missing):
        parts.append(
            f"marked absent: {', '.join(name for name in missing if name in frame.denied)}"
        )
    if unknown:
        what = "not marked" if frame.predicted is None else "landmark not found"
        parts.append(f"{what}: {', '.join(unknown)}")
    return replace(one, reason="; ".join(parts))
