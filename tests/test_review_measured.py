"""Measuring what readers set, and freezing it."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate.conformal.measurement_scores import MeasurementScores
from palpate.correlation import Correlation
from palpate.errors import FormatError, SchemeError
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.measure import measure, measure_points
from palpate.protocols.protocol import Protocol, read_protocol
from palpate.review.account import Account
from palpate.review.case import Case, NewCase, Project, Reading, Urgency
from palpate.review.frozen import read_report, report_bytes, report_digest
from palpate.review.mark import Key, Mark, Origin
from palpate.review.measured import measure_reading

CALIBRATION = Calibration((0.1, 0.12), "user", detail="by hand")
PROTOCOL = read_protocol("cephalogram")
# The circles of the proximal femur take seconds under the checks of every call.
QUICK = ("cephalogram", "cervical", "spine-cobb", "satco")


def scene(protocol: Protocol) -> Points:
    """The largest drawing of the protocol's examples, and places for what it does not name."""
    drawn = max((protocol.example_points(q) for q in protocol.quantities), key=len)
    generator = np.random.default_rng(3)
    places = [drawn.get(name, generator.uniform(100, 400, 2)) for name in protocol.scheme.names]
    return Points.of(protocol.scheme, np.array(places, dtype=float))


def prediction_of(points: Points, *, lost: tuple[str, ...] = ()) -> Prediction:
    k = len(points.scheme)
    mean = np.array(points.coordinates)
    covariance = np.tile(np.array([[4.0, 1.0], [1.0, 3.0]]), (k, 1, 1))
    score = np.full(k, 0.9)
    for name in lost:
        row = points.scheme.index(name)
        mean[row], covariance[row], score[row] = np.nan, np.nan, 0.0
    together = 0.7 * np.eye(2 * k) + 0.3 * np.tile(np.eye(2), (k, k))
    return Prediction(
        points.scheme,
        mean,
        covariance,
        score,
        "forest 1234",
        correlation=Correlation(together),
        basis="scaled",
    )


def case_of(protocol: Protocol, prediction: Prediction | None) -> tuple[Project, Case]:
    predictions = {}
    if prediction is not None:
        predictions[0] = PredictedImage(
            "film 1", prediction, (640, 480), "S1", calibration=CALIBRATION
        )
    given = NewCase("film 1", "film1.png", "0" * 64, (640, 480), "S1", 1, CALIBRATION, predictions)
    project = Project("ceph", "Cephalograms", protocol.scheme, protocol)
    return project, Case("a" * 16, "ceph", given, Urgency(), "forest 1234")


def marks_of(points: Points, *, origin: Origin = "model") -> dict[Key, Mark]:
    return {
        (0, name): Mark(name, "visible", float(xy[0]), float(xy[1]), origin=origin)
        for name, xy, there in zip(
            points.scheme.names, points.coordinates, points.present, strict=True
        )
        if there
    }


@pytest.mark.parametrize("name", QUICK)
def test_the_models_marks_give_the_models_report(name: str) -> None:
    protocol = read_protocol(name)
    prediction = prediction_of(scene(protocol))
    project, case = case_of(protocol, prediction)
    expected = measure(protocol, case.given.predictions[0])
    assert measure_reading(project, case, marks_of(prediction.points)) == {0: expected}
    assert any(one.interval is not None for one in expected.measurements)


def test_a_landmark_that_the_model_did_not_find_has_the_models_reason() -> None:
    prediction = prediction_of(scene(PROTOCOL), lost=("nasion",))
    project, case = case_of(PROTOCOL, prediction)
    expected = measure(PROTOCOL, case.given.predictions[0])
    assert measure_reading(project, case, marks_of(prediction.points))[0] == expected


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("predicted", [True, False])
def test_a_persons_marks_are_measured_as_an_annotation(name: str, predicted: bool) -> None:
    protocol = read_protocol(name)
    points = scene(protocol)
    project, case = case_of(protocol, prediction_of(points) if predicted else None)
    expected = measure_points(protocol, points, CALIBRATION, size=(640, 480))
    told = measure_reading(project, case, marks_of(points, origin="person"))[0]
    assert [one.value for one in told.measurements] == [one.value for one in expected.measurements]
    for one in told.measurements:
        assert one.interval is None
        assert one.standard_uncertainty is None
        assert one.value is None or one.note.endswith("set by the reader; no interval")
    assert told.provenance["localiser"] == "reader"
    assert (told.subject, told.image) == ("S1", "film 1")


@given(row=st.integers(0, len(PROTOCOL.scheme) - 1), shift=st.floats(0.5, 20.0))
@settings(max_examples=6)
def test_moving_a_landmark_changes_what_needs_it_and_nothing_else(row: int, shift: float) -> None:
    prediction = prediction_of(scene(PROTOCOL))
    project, case = case_of(PROTOCOL, prediction)
    marks = marks_of(prediction.points)
    name = PROTOCOL.scheme.names[row]
    old = marks[0, name]
    moved = replace(old, x=float(old.x or 0.0) + shift, origin="person")
    before = measure_reading(project, case, marks)[0].measurements
    after = measure_reading(project, case, {**marks, (0, name): moved})[0].measurements
    facing = PROTOCOL.facing
    tells = {n for pair in facing.front_back + facing.top_bottom for n in pair} if facing else set()
    for quantity, one, two in zip(PROTOCOL.quantities, before, after, strict=True):
        if name in quantity.needs():
            assert one != two
            assert f"set by the reader: {name}" in two.note or name not in two.landmarks
        elif name not in tells or not quantity.formula.needs_facing():
            assert one == two


def test_doubt_is_of_the_landmarks_that_the_model_answers_for() -> None:
    """The interval of a half-corrected angle is that with the corrected landmark exact."""
    points = scene(PROTOCOL)
    prediction = prediction_of(points)
    project, case = case_of(PROTOCOL, prediction)
    row = PROTOCOL.scheme.index("nasion")
    exact = np.array(prediction.covariance)
    exact[row] = 0.0
    known = replace(case.given.predictions[0], prediction=replace(prediction, covariance=exact))
    expected = {one.name: one for one in measure(PROTOCOL, known).measurements}
    marks = marks_of(points)
    marks[0, "nasion"] = replace(marks[0, "nasion"], origin="person")
    told = {one.name: one for one in measure_reading(project, case, marks)[0].measurements}
    whole = {one.name: one for one in measure(PROTOCOL, case.given.predictions[0]).measurements}
    assert told["SNA"].interval == expected["SNA"].interval
    assert told["SNA"].interval != whole["SNA"].interval
    assert told["SNA"].note == "set by the reader: nasion"


MOVES = st.lists(
    st.tuples(
        st.integers(0, len(PROTOCOL.scheme) - 1),
        st.sampled_from(("moved", "absent", "gone", "back", "stale")),
    ),
    min_size=1,
    max_size=4,
)


@given(MOVES)
@settings(max_examples=5)
def test_what_is_remembered_is_what_would_be_measured(moves: list[tuple[int, str]]) -> None:
    """Step by step, a reading is measured as one that is seen for the first time."""
    prediction = prediction_of(scene(PROTOCOL))
    project, case = case_of(PROTOCOL, prediction)
    begun = marks_of(prediction.points)
    marks = dict(begun)
    for row, what in moves:
        key = (0, PROTOCOL.scheme.names[row])
        marks.pop(key, None)
        if what == "absent":
            marks[key] = Mark(key[1], "absent")
        elif what != "gone":
            dx = 0.0 if what == "back" else 5.0
            x = float(begun[key].x or 0.0) + dx
            marks[key] = replace(begun[key], x=x, origin="person" if what == "moved" else "model")
        stranger = replace(prediction, score=prediction.score)
        _, unseen = case_of(PROTOCOL, stranger)
        assert measure_reading(project, case, marks) == measure_reading(project, unseen, marks)


def test_the_front_told_the_other_way_is_measured_anew() -> None:
    """A landmark that a measurement does not need may still turn its sign."""
    protocol = read_protocol("cervical")
    prediction = prediction_of(scene(protocol))
    project, case = case_of(protocol, prediction)
    marks = marks_of(prediction.points)
    measure_reading(project, case, marks)
    width = 2 * np.nanmax(prediction.mean[:, 0])
    for step in range(0, len(protocol.scheme), 2):
        for name in protocol.scheme.names[step : step + 2]:
            mark = marks[0, name]
            x = width - float(mark.x or 0.0)
            marks[0, name] = replace(mark, x=x, origin="person")
        _, unseen = case_of(protocol, replace(prediction, score=prediction.score))
        assert measure_reading(project, case, marks) == measure_reading(project, unseen, marks)


def held_out(protocol: Protocol) -> Mapping[str, MeasurementScores]:
    unit = protocol.quantity("SNA").unit
    errors = np.linspace(-9.0, 9.0, 60)
    return {"SNA": MeasurementScores(unit, errors, np.ones(60), np.ones(60), np.arange(60))}


def test_an_interval_from_held_out_subjects_is_of_the_model_alone() -> None:
    prediction = prediction_of(scene(PROTOCOL))
    project, case = case_of(PROTOCOL, prediction)
    scores = held_out(PROTOCOL)
    marks = marks_of(prediction.points)
    corrected = {**marks, (0, "A_point"): replace(marks[0, "A_point"], origin="person")}
    elsewhere = {**marks, (0, "menton"): replace(marks[0, "menton"], origin="person")}

    def basis(some: Mapping[Key, Mark]) -> str:
        report = measure_reading(project, case, some, scores=scores)[0]
        return next(one.basis for one in report.measurements if one.name == "SNA")

    assert (basis(marks), basis(elsewhere), basis(corrected)) == (
        "conformal",
        "conformal",
        "scaled",
    )


def test_what_a_person_denies_is_the_reason() -> None:
    prediction = prediction_of(scene(PROTOCOL))
    project, case = case_of(PROTOCOL, prediction)
    marks = marks_of(prediction.points)
    marks[0, "nasion"] = Mark("nasion", "absent")
    del marks[0, "sella"]
    sna = measure_reading(project, case, marks)[0].measurements[0]
    assert sna.reason == "marked absent: nasion; landmark not found: sella"
    nothing, untouched = case_of(PROTOCOL, None)
    assert measure_reading(nothing, untouched, {})[0].measurements[0].reason == (
        "not marked: sella, nasion, A_point"
    )


def test_a_mark_of_an_earlier_prediction_has_no_interval() -> None:
    prediction = prediction_of(scene(PROTOCOL))
    project, case = case_of(PROTOCOL, prediction)
    marks = marks_of(prediction.points)
    marks[0, "nasion"] = replace(marks[0, "nasion"], x=1.0)
    sna = measure_reading(project, case, marks)[0].measurements[0]
    assert sna.interval is None
    assert sna.standard_uncertainty is None
    assert sna.note == "where an earlier prediction put it: nasion; no interval"


def test_a_clip_is_measured_frame_by_frame() -> None:
    points = scene(PROTOCOL)
    project, case = case_of(PROTOCOL, None)
    clip = replace(case, given=replace(case.given, frames=9))
    still = list(marks_of(points, origin="person").values())
    marks = {(f, mark.landmark): replace(mark, frame=f) for f in (2, 7) for mark in still}
    assert list(measure_reading(project, clip, marks)) == [2, 7]
    assert list(measure_reading(project, clip, marks, frames=[7])) == [7]
    assert measure_reading(project, clip, {}) == {}
    assert measure_reading(replace(project, protocol=None), clip, marks) == {}


def test_an_unknown_landmark_is_refused() -> None:
    project, case = case_of(PROTOCOL, None)
    stranger = Mark("nasoin", "visible", 1.0, 2.0)
    with pytest.raises(SchemeError, match="nasion"):
        measure_reading(project, case, {stranger.key: stranger})


ANNA = Account("anna", "Dr. Änna Example", "reader")


def frozen(protocol: Protocol, marks: Mapping[Key, Mark], prediction: Prediction) -> bytes:
    project, case = case_of(protocol, prediction)
    reading = Reading(case.identifier, "shared", 3, "open", marks)
    return report_bytes(project, case, reading, measure_reading(project, case, marks), ANNA)


def test_the_same_reading_gives_the_same_bytes() -> None:
    prediction = prediction_of(scene(PROTOCOL), lost=("menton",))
    marks = marks_of(prediction.points)
    turned = dict(reversed(marks.items()))
    first = frozen(PROTOCOL, marks, prediction)
    assert first == frozen(PROTOCOL, turned, prediction)
    assert b"NaN" not in first
    assert "Änna".encode() in first
    nudged = {**marks, (0, "sella"): replace(marks[0, "sella"], x=1.0)}
    assert report_digest(first) != report_digest(frozen(PROTOCOL, nudged, prediction))


def test_a_signed_report_is_read_back_whole() -> None:
    prediction = prediction_of(scene(PROTOCOL), lost=("menton",))
    marks = marks_of(prediction.points)
    marks[0, "nasion"] = Mark("nasion", "absent")
    project, case = case_of(PROTOCOL, prediction)
    expected = measure_reading(project, case, marks)[0]
    told = read_report(frozen(PROTOCOL, marks, prediction))
    assert told.reports == {0: replace(expected, reviewed_by="Dr. Änna Example")}
    assert {mark.key: mark for mark in told.marks} == marks
    assert (told.reader.name, told.protocol, told.model) == ("anna", "cephalogram 1", "forest 1234")


@given(cut=st.floats(0.0, 0.999))
@settings(max_examples=20)
def test_a_cut_report_is_refused_in_words(cut: float) -> None:
    content = CONTENT[: int(cut * len(CONTENT))]
    with pytest.raises(FormatError, match="not a signed report"):
        read_report(content)


CONTENT = frozen(PROTOCOL, {}, prediction_of(scene(PROTOCOL)))
