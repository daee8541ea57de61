"""Marks in, reports out: what the model still answers for keeps its doubt, the rest has none."""

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from palpate.conformal.measurement_scores import MeasurementScores
from palpate.frame_names import frame_name
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.measurement import Measurement, Report
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.measure import measure, measure_points
from palpate.protocols.protocol import Protocol, Quantity
from palpate.review.case import Case, NewCase, Project
from palpate.review.held_out import scores_of
from palpate.review.mark import Key, Mark, points_of
from palpate.review.recent import Recent

# px: a position that went through a text format is still the model's.
_SAME = 1e-6


@dataclass(frozen=True, slots=True)
class _Frame:
    """The marks of one frame beside what the model said of it.

    ``kept`` stand where the model put them, ``stale`` are the model's but not where it puts them
    now, ``denied`` are said to be absent by a person, ``labelled`` are labels that the film came
    with, of somebody who is named. ``usual`` is what the case says of size and calibration.
    """

    number: int
    marks: Mapping[str, Mark]
    points: Points
    usual: tuple[tuple[int, int], Calibration | None]
    predicted: PredictedImage | None
    kept: frozenset[str]
    stale: frozenset[str]
    denied: frozenset[str]
    labelled: frozenset[str]
    labelled_by: str

    @property
    def named(self) -> frozenset[str]:
        """Landmarks that have a position."""
        names = zip(self.points.scheme.names, self.points.present, strict=True)
        return frozenset(name for name, there in names if there)

    @property
    def localiser(self) -> str:
        """Who answers for the positions."""
        told = self.predicted
        return "reader" if told is None or not self.kept else told.prediction.localiser

    def calibration(self, given: NewCase) -> Calibration | None:
        """Size of a pixel: as the prediction was made with, else as the case says."""
        return given.calibration if self.predicted is None else self.predicted.calibration


@dataclass(frozen=True, eq=False, slots=True)
class _Wish:
    level: float
    scores: Mapping[str, MeasurementScores]


# Some hundred cases at once; drawing from the landmarks' distribution is what takes long.
_KEPT: Recent[Hashable, Measurement] = Recent(20_000)


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
    An interval from held-out subjects is given only where every landmark of it is
    the model's; none is given where none is.

    Args:
        project: with the protocol; without one nothing is measured.
        case: with the model's predictions.
        marks: of the reading, by frame and landmark.
        frames: those to measure; None takes all that have a mark, and the one of a still image.
        level: of the intervals.
        scores: as :func:`palpate.protocols.measure.measure` takes them; None takes those that the
            case was put in with (``case.given.uncertainty``).

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
    wish = _Wish(level, scores_of(case.given, protocol) if scores is None else scores)
    return {
        number: _report(project, protocol, _frame(project, case, number, own), case.given, wish)
        for number, own in of_frame.items()
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
        frame,
        {mark.landmark: mark for mark in marks},
        points_of(project.scheme, marks, frame=frame),
        (case.given.size, case.given.calibration),
        predicted,
        kept,
        frozenset(theirs) - kept,
        frozenset(m.landmark for m in marks if m.state == "absent" and m.origin == "person"),
        _labelled(case.given, marks),
        case.given.labelled_by,
    )


def _labelled(given: NewCase, marks: list[Mark]) -> frozenset[str]:
    """Landmarks that stand where labels had them before anybody read."""
    if not given.labelled_by or not given.marks:
        return frozenset()
    before = {mark.key: mark for mark in given.marks}
    return frozenset(mark.landmark for mark in marks if before.get(mark.key) == mark)


def _stands(mark: Mark, predicted: PredictedImage | None) -> bool:
    """Whether a mark is where the prediction has it."""
    if predicted is None or mark.landmark not in predicted.prediction.scheme.names:
        return False
    prediction = predicted.prediction
    row = prediction.scheme.index(mark.landmark)
    offset = prediction.mean[row] - np.array([mark.x, mark.y], dtype=float)
    return bool(np.abs(offset).max() <= _SAME)  # False of NaN


def _report(
    project: Project, protocol: Protocol, frame: _Frame, given: NewCase, wish: _Wish
) -> Report:
    """Measure what was not measured before of the very same marks; a save moves few of them."""
    faces = _faces(protocol, frame, frame.calibration(given))
    keys = {q.name: _key(project, protocol, q, frame, wish, faces) for q in protocol.quantities}
    found = {name: one for name, key in keys.items() if (one := _KEPT.find(key)) is not None}
    rest = tuple(q for q in protocol.quantities if q.name not in found)
    if rest:
        for quantity, one in zip(rest, _measured(protocol, rest, frame, given, wish), strict=True):
            said = (
                _with_reason(quantity, frame, one) if one.value is None else _with_note(one, frame)
            )
            found[one.name] = _KEPT.keep(keys[one.name], said)
    nothing = replace(protocol, quantities=())
    told = measure_points(nothing, frame.points, frame.calibration(given)).provenance
    clip = given.frames > 1
    return Report(
        given.subject,
        frame_name(given.image, frame.number) if clip else given.image,
        tuple(found[quantity.name] for quantity in protocol.quantities),
        {**told, "localiser": frame.localiser},
    )


def _measured(
    protocol: Protocol, quantities: tuple[Quantity, ...], frame: _Frame, given: NewCase, wish: _Wish
) -> list[Measurement]:
    """Measure each quantity on its own terms: the model's, both, or the reader's alone."""
    groups: dict[str, list[Quantity]] = {"model": [], "both": [], "reader": []}
    for quantity in quantities:
        groups[_terms(quantity, frame)].append(quantity)
    found: dict[str, Measurement] = {}
    predicted = frame.predicted
    if predicted is not None and (groups["model"] or groups["both"]):
        mixed = replace(predicted, prediction=_mixed(frame, predicted.prediction))
        for terms, scores in (("model", wish.scores), ("both", {})):
            if not groups[terms]:
                continue
            part = replace(protocol, quantities=tuple(groups[terms]))
            report = measure(part, mixed, level=wish.level, scores=scores)
            found |= {one.name: one for one in report.measurements}
    part = replace(protocol, quantities=tuple(groups["reader"]))
    report = measure_points(part, frame.points, frame.calibration(given), size=given.size)
    found |= {one.name: replace(one, level=wish.level) for one in report.measurements}
    return [found[quantity.name] for quantity in quantities]


def _faces(protocol: Protocol, frame: _Frame, calibration: Calibration | None) -> Hashable:
    """What measurements that follow the patient's front need of the landmarks that tell it.

    That is the front alone, however these landmarks moved; where it is not clear, all of them,
    since the reason names those that are missing.
    """
    facing = protocol.facing
    if facing is None:
        return None
    at = {name: frame.points[name] for name in frame.named}
    spacing = np.ones(2) if calibration is None else np.asarray(calibration.spacing_mm)
    ways = (facing.of(at), facing.of({name: spacing * place for name, place in at.items()}))
    if None not in ways:
        return ways
    tells = (name for pair in (*facing.front_back, *facing.top_bottom) for name in pair)
    return tuple((frame.marks.get(name), name in frame.kept) for name in tells)


def _key(
    project: Project,
    protocol: Protocol,
    quantity: Quantity,
    frame: _Frame,
    wish: _Wish,
    faces: Hashable,
) -> Hashable:
    """All that a measurement depends on; a prediction is the same only where it is the object."""
    predicted = frame.predicted
    return (
        project.identifier,
        protocol.label,
        protocol.flipped,
        quantity.name,
        None
        if predicted is None
        else (predicted.prediction, predicted.calibration, predicted.size),
        frame.usual,
        tuple(
            (frame.marks.get(name), name in frame.kept, name in frame.labelled)
            for name in quantity.needs()
        ),
        faces if quantity.formula.needs_facing() else None,
        frame.labelled_by,
        wish.level,
        wish.scores.get(quantity.name),
    )


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


def _with_note(one: Measurement, frame: _Frame) -> Measurement:
    names = [name for name in one.landmarks if name not in frame.kept]
    stale = [name for name in names if name in frame.stale]
    before = [name for name in names if name in frame.labelled]
    theirs = [name for name in names if name not in frame.stale and name not in before]
    if not names:
        return one
    said = []
    if stale:
        said.append(f"where an earlier prediction put it: {', '.join(stale)}")
    if before:
        said.append(f"labelled by {frame.labelled_by}: {', '.join(before)}")
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
