"""Laws that every quantity of every shipped protocol obeys, checked on its worked example."""

from dataclasses import replace

import numpy as np
import pytest

from palpate.affine import Affine
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.example import TOLERANCE, check_examples, example_points, work_example
from palpate.protocols.formula import (
    FORMULAS,
    AngleToHorizontal,
    AngleToVertical,
    Formula,
    Translation,
)
from palpate.protocols.measure import NOT_CALIBRATED, SQUARE, measure, measure_points
from palpate.protocols.protocol import PROTOCOLS, read_protocol
from palpate.scheme import LandmarkScheme

ALL = {name: read_protocol(name) for name in PROTOCOLS}
CASES = [
    pytest.param(protocol, quantity, id=f"{name}-{quantity.name}")
    for name, protocol in ALL.items()
    for quantity in protocol.quantities
]
each_quantity = pytest.mark.parametrize(("protocol", "quantity"), CASES)
each_protocol = pytest.mark.parametrize("protocol", list(ALL.values()), ids=list(ALL))


def calibration_of(quantity) -> Calibration | None:
    spacing = quantity.example.spacing_mm
    return Calibration(spacing, "user") if spacing else None


def alone(protocol, quantity):
    """The protocol with one quantity, so that laws do not measure all the others."""
    return replace(protocol, quantities=(quantity,))


def number(protocol, quantity, points, calibration=None):
    calibration = calibration or calibration_of(quantity)
    size = quantity.example.size
    done = measure_points(alone(protocol, quantity), points, calibration, size=size)
    return done.measurements[0]


def moved(points: Points, matrix, *, mirror: bool = False) -> Points:
    affine = Affine(np.array(matrix, dtype=float), "pixel", "pixel")
    return points.mirrored(affine) if mirror else points.moved(affine)


@each_quantity
def test_the_worked_example_gives_its_answer(protocol, quantity):
    done = work_example(protocol, quantity)
    assert done.reason is None
    assert done.value == pytest.approx(quantity.example.value, abs=TOLERANCE)
    assert done.unit == quantity.unit
    assert done.protocol == protocol.label
    assert done.standard_uncertainty is None


@each_quantity
def test_nothing_changes_when_the_patient_moves(protocol, quantity):
    points = moved(example_points(protocol, quantity), [[1, 0, 37], [0, 1, -12], [0, 0, 1]])
    done = number(protocol, quantity, points)
    assert done.value == pytest.approx(quantity.example.value, abs=TOLERANCE)


@each_quantity
def test_a_larger_patient_has_the_same_angles_and_longer_lengths(protocol, quantity):
    points = moved(example_points(protocol, quantity), np.diag([1.5, 1.5, 1.0]))
    grows = 1.5 if quantity.formula.gives == "length" else 1.0
    done = number(protocol, quantity, points)
    assert done.value == pytest.approx(grows * quantity.example.value, abs=2 * TOLERANCE)


@each_quantity
def test_a_mirrored_film_gives_the_same_number(protocol, quantity):
    flip = [[-1, 0, 400], [0, 1, 0], [0, 0, 1]]
    points = moved(example_points(protocol, quantity), flip, mirror=True)
    done = number(protocol, quantity, points)
    assert done.value == pytest.approx(quantity.example.value, abs=TOLERANCE)


@each_quantity
def test_a_turned_film_changes_only_what_refers_to_the_film_and_by_the_turn(protocol, quantity):
    formula, turned = quantity.formula, 10.0
    if isinstance(formula, Translation) and formula.along in ("forwards", "upwards"):
        pytest.skip("a length along the film's own axis: any change is right")
    c, s = np.cos(np.radians(turned)), np.sin(np.radians(turned))
    points = moved(example_points(protocol, quantity), [[c, -s, 0], [s, c, 0], [0, 0, 1]])
    expected = quantity.example.value
    if isinstance(formula, AngleToHorizontal):
        # Clockwise: the front of a patient who looks to the right goes down.
        expected += turned if formula.positive == "front_down" else -turned
    if isinstance(formula, AngleToVertical):
        # And what stands upright leans towards that front.
        expected += turned if formula.positive == "top_forwards" else -turned
    done = number(protocol, quantity, points)
    assert done.value == pytest.approx(expected, abs=TOLERANCE)


@each_quantity
def test_pixels_need_not_be_square_where_the_image_is_calibrated(protocol, quantity):
    spacing = quantity.example.spacing_mm or (1.0, 1.0)
    points = moved(example_points(protocol, quantity), np.diag([1.0, 2.0, 1.0]))
    size = quantity.example.size
    tall = None if size is None else (size[0], 2 * size[1])
    calibration = Calibration((spacing[0], spacing[1] / 2.0), "user")
    done = measure_points(alone(protocol, quantity), points, calibration, size=tall)
    assert done.measurements[0].value == pytest.approx(quantity.example.value, abs=TOLERANCE)


@each_quantity
def test_each_missing_landmark_is_named_and_refuses_its_quantity_only(protocol, quantity):
    points = example_points(protocol, quantity)
    needs = quantity.needs()
    assert len(set(needs)) == len(needs)
    for name in needs:
        coordinates = points.coordinates.copy()
        coordinates[protocol.scheme.index(name)] = np.nan
        done = number(protocol, quantity, Points.of(protocol.scheme, coordinates))
        assert done.value is None
        assert done.reason == f"landmark not found: {name}"


@each_quantity
def test_millimetres_are_refused_without_calibration_and_nothing_else_is(protocol, quantity):
    points = example_points(protocol, quantity)
    only = alone(protocol, quantity)
    done = measure_points(only, points, None, size=quantity.example.size).measurements[0]
    if quantity.unit == "mm":
        assert done.reason == NOT_CALIBRATED
    else:
        assert done.value == pytest.approx(quantity.example.value, abs=TOLERANCE)
        assert SQUARE in done.note


@each_quantity
def test_turning_the_sign_round_turns_value_interval_and_normal_range(protocol, quantity):
    points = example_points(protocol, quantity)
    for convention in protocol.conventions:
        other = protocol.flip(convention)
        assert other.flip(convention).flipped == frozenset()
        before, after = number(protocol, quantity, points), number(other, quantity, points)
        turned = quantity.convention == convention
        assert after.value == pytest.approx(-before.value if turned else before.value)
        assert ("sign turned round" in after.note) is turned
        if before.normal is not None:
            ends = (before.normal.low, before.normal.high)
            assert ends[0] < ends[1]
            expected = (-ends[1], -ends[0]) if turned else ends
            assert (after.normal.low, after.normal.high) == expected


@each_quantity
def test_uncertainty_agrees_with_landmarks_drawn_at_random(protocol, quantity):
    rng = np.random.default_rng(7)
    scheme, points = protocol.scheme, example_points(protocol, quantity)
    roots = rng.normal(scale=0.15, size=(len(scheme), 2, 2))
    covariance = roots @ np.swapaxes(roots, 1, 2)
    prediction = Prediction(
        scheme, points.coordinates, covariance, points.present.astype(float), "drawn"
    )
    size = quantity.example.size or (400, 800)
    image = PredictedImage("x", prediction, size, calibration=calibration_of(quantity))
    done = measure(alone(protocol, quantity), image).measurements[0]
    assert done.value == pytest.approx(quantity.example.value, abs=TOLERANCE)
    assert done.interval[0] < done.value < done.interval[1]

    draws = 80
    noise = np.einsum("kij,nkj->nki", roots, rng.normal(size=(draws, len(scheme), 2)))
    values = [
        number(protocol, quantity, Points.of(scheme, points.coordinates + shift)).value
        for shift in noise
    ]
    # Four standard errors of a standard deviation from so few draws.
    assert done.standard_uncertainty == pytest.approx(np.std(values), rel=0.3)


@each_protocol
def test_a_scheme_in_another_order_with_other_landmarks_serves_as_well(protocol):
    quantity = protocol.quantities[0]
    points = example_points(protocol, quantity)
    names = ("marker", *reversed(protocol.scheme.names))
    other = LandmarkScheme("study", names)
    rows = [[1.0, 2.0], *points.coordinates[::-1]]
    done = number(protocol, quantity, Points.of(other, rows))
    assert done.value == pytest.approx(quantity.example.value, abs=TOLERANCE)


@each_protocol
def test_a_missing_landmark_leaves_the_other_quantities(protocol):
    """All landmarks of the first example and no others: the rest has reasons, nothing fails."""
    quantity = protocol.quantities[0]
    calibration = Calibration((0.5, 0.5), "user")
    report = measure_points(protocol, example_points(protocol, quantity), calibration)
    assert [m.name for m in report.measurements] == [q.name for q in protocol.quantities]
    assert report.measurements[0].value is not None
    nowhere = Points.of(protocol.scheme, np.full((len(protocol.scheme), 2), np.nan))
    for m in measure_points(protocol, nowhere, calibration).measurements:
        assert m.value is None
        assert m.reason.startswith("landmark not found: ")


@each_protocol
def test_every_quantity_is_documented(protocol):
    assert check_examples(protocol) is None
    for quantity in protocol.quantities:
        assert quantity.meaning.endswith(".")
        assert quantity.sign
        assert quantity.source
        assert quantity.example.because


def test_every_kind_of_formula_in_the_table_is_a_formula():
    for kind, formula in FORMULAS.items():
        assert issubclass(formula, Formula)
        assert formula.model_fields["kind"].annotation.__args__ == (kind,)


# ---- cervical


def test_cervical_has_its_landmarks_in_the_agreed_order():
    expected = [
        f"{v}_{end}_{level}"
        for v in ("C2", "C3", "C4", "C5", "C6", "C7")
        for level in ("superior", "inferior")
        for end in ("anterior", "posterior")
    ]
    expected += ["C2_odontoid_tip", "C1_anterior_arch", "C1_posterior_arch"]
    expected += ["T1_anterior_superior", "T1_posterior_superior"]
    protocol = ALL["cervical"]
    assert list(protocol.scheme.names) == expected
    assert protocol.scheme.mirror == ()
    assert set(protocol.normaliser) == {expected[0], expected[4]}


def neck(lordosis: float) -> dict[str, np.ndarray]:
    """Six square bodies whose tilts change evenly; looks to the right; lordosis in degrees."""
    at = {}
    for k, v in enumerate(("C2", "C3", "C4", "C5", "C6", "C7")):
        # Lordosis: the lower, the more nose-down.
        angle = np.radians(lordosis * k / 5.0)
        along = 15.0 * np.array([np.cos(angle), np.sin(angle)])
        down = 15.0 * np.array([-np.sin(angle), np.cos(angle)])
        centre = np.array([200.0, 60.0 + 45.0 * k])
        for front, a in (("anterior", along), ("posterior", -along)):
            for level, d in (("superior", -down), ("inferior", down)):
                at[f"{v}_{front}_{level}"] = centre + a + d
    return at


@pytest.mark.parametrize("lordosis", [40.0, 10.0, -25.0])
def test_a_drawn_lordosis_is_negative_in_every_angle_of_the_curve(lordosis):
    protocol = ALL["cervical"]
    at = neck(lordosis)
    rows = [at.get(name, (np.nan, np.nan)) for name in protocol.scheme.names]
    report = measure_points(protocol, Points.of(protocol.scheme, rows), None)
    values = {m.name: m.value for m in report.measurements}
    assert values["Cobb C2-C7"] == pytest.approx(-lordosis)
    assert values["ARA C2-C7"] == pytest.approx(-lordosis)
    segments = [values[f"RRA C{i}-C{i + 1}"] for i in range(2, 7)]
    assert segments == pytest.approx([-lordosis / 5.0] * 5)
    assert values["C7 slope"] == pytest.approx(lordosis)


def test_which_way_the_neck_faces_must_be_known():
    protocol = ALL["cervical"]
    at = {n: p for n, p in neck(30.0).items() if "posterior" in n}
    rows = [at.get(name, (np.nan, np.nan)) for name in protocol.scheme.names]
    report = measure_points(protocol, Points.of(protocol.scheme, rows), None)
    ara = next(m for m in report.measurements if m.name == "ARA C2-C7")
    assert ara.reason.startswith("which way the patient faces is not known; landmark not found: ")
    assert "C1_anterior_arch" in ara.reason


def test_a_film_that_lies_on_its_side_is_understood():
    protocol, at = ALL["cervical"], neck(30.0)
    rows = [at.get(name, (np.nan, np.nan)) for name in protocol.scheme.names]
    points = Points.of(protocol.scheme, rows)
    for matrix in ([[0, -1, 400], [1, 0, 0], [0, 0, 1]], [[-1, 0, 400], [0, -1, 400], [0, 0, 1]]):
        report = measure_points(protocol, moved(points, matrix), None)
        assert report.measurements[0].value == pytest.approx(-30.0)


# ---- cephalogram


def test_anb_is_sna_less_snb_and_the_sums_are_sums():
    protocol = ALL["cephalogram"]
    rng = np.random.default_rng(0)
    face = {
        "sella": (142, 230), "nasion": (327, 192), "orbitale": (294, 283), "porion": (93, 288),
        "A_point": (319, 367), "B_point": (312, 480), "pogonion": (316, 516), "menton": (292, 533),
        "gnathion": (310, 534), "gonion": (136, 423), "articulare": (116, 316), "PNS": (199, 357),
        "ANS": (339, 353), "lower_incisal_edge": (322, 427), "upper_incisal_edge": (330, 430),
        "upper_lip": (373, 406), "lower_lip": (364, 448), "subnasale": (373, 365),
        "soft_tissue_pogonion": (346, 510),
    }  # fmt: skip
    for _ in range(20):
        rows = [np.array(face[n]) + rng.normal(scale=8.0, size=2) for n in protocol.scheme.names]
        report = measure_points(protocol, Points.of(protocol.scheme, rows), None)
        v = {m.name: m.value for m in report.measurements}
        assert v["ANB"] == pytest.approx(v["SNA"] - v["SNB"])
        angles = v["Saddle angle"] + v["Articular angle"] + v["Gonial angle"]
        assert v["Sum of Bjork"] == pytest.approx(angles)
        assert all(m.reason == NOT_CALIBRATED for m in report.measurements if m.unit == "mm")


# ---- spine-cobb


def test_the_third_angle_of_an_s_asks_for_the_height_of_the_film():
    protocol = ALL["spine-cobb"]
    points = example_points(protocol, protocol.quantity("Cobb 3 distal"))
    without = {m.name: m for m in measure_points(protocol, points, None).measurements}
    assert "height of the film" in without["Cobb 3 distal"].reason
    assert without["Cobb 1 main"].value == pytest.approx(73.7398, abs=1e-3)
    low = measure_points(protocol, points, None, size=(200, 480)).measurements[2]
    assert low.value == pytest.approx(16.2602, abs=1e-3)
    assert "above the second" in low.note
    fine = Calibration((0.25, 0.25), "user")
    in_mm = measure_points(protocol, points, fine, size=(200, 480)).measurements[2]
    assert in_mm.value == pytest.approx(low.value)


def test_the_note_names_the_vertebrae_of_the_angle():
    protocol = ALL["spine-cobb"]
    done = work_example(protocol, protocol.quantity("Cobb 1 main"))
    assert "between T6 and T12" in done.note
