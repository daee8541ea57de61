"""Where formulas bend: samples against distributions whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import foldnorm, rice

from palpate.correlation import Correlation
from palpate.errors import GeometryError
from palpate.geometry.angles import angle_between
from palpate.geometry.propagation import ONE_SD, Propagated, propagate
from palpate.geometry.rows import turns
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.measurement import Measurement
from palpate.prediction import Prediction
from palpate.protocols.located import LocatedCase
from palpate.protocols.measure import measure
from palpate.protocols.protocol import PROTOCOLS, read_protocol
from palpate.protocols.scene import Scene, Scenes

POSITIVE = (0.0, np.inf)


def seen(formula, mean, covariance, bounds=POSITIVE) -> Propagated:
    place = np.array(mean, dtype=float)
    return propagate(
        formula, place, np.array(covariance), bounds=bounds, generator=np.random.default_rng(3)
    )


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0, 2.0])
def test_an_unsigned_value_near_zero_is_a_folded_normal_one(at):
    found = seen(lambda p: float(abs(p[0, 0])), [[2.0 * at]], [[4.0]])
    truth = foldnorm(at, scale=2.0)
    assert found.draws is not None
    for level in (0.5, 0.9):
        low, high = found.interval(level)
        assert high == pytest.approx(max(truth.ppf((1 + level) / 2), 2.0 * at), rel=0.08)
        assert 0.0 <= low <= min(truth.ppf((1 - level) / 2), 2.0 * at) + 0.15
    assert found.probability_below(2.0) == pytest.approx(truth.cdf(2.0), abs=0.04)
    assert found.standard_uncertainty == pytest.approx(
        np.sqrt(truth.var() + (truth.mean() - 2.0 * at) ** 2), rel=0.25
    )


@pytest.mark.parametrize("at", [0.5, 1.5, 2.5])
def test_a_short_distance_is_a_rician_one(at):
    found = seen(lambda p: float(np.hypot(*p[0])), [[at, 0.0]], np.eye(2))
    truth = rice(at)
    assert found.interval(0.9)[1] == pytest.approx(truth.ppf(0.95), rel=0.06)
    assert found.probability_below(1.0) == pytest.approx(truth.cdf(1.0), abs=0.04)
    below, above = found.spread
    assert below > 0.0
    assert above == pytest.approx(max(truth.ppf((1 + ONE_SD) / 2) - at, 0.0), abs=0.15)


def test_an_angle_of_no_degrees_is_not_certain_and_never_negative():
    found = seen(
        lambda p: angle_between(p[1] - p[0], p[3] - p[2]),
        [[0, 0], [40, 0], [0, 60], [40, 60]],
        np.eye(8),
        (0.0, 180.0),
    )
    # The difference of two turns, each of sqrt(2) px over 40 px.
    sd = np.degrees(np.sqrt(2.0) / 40.0) * np.sqrt(2.0)
    assert found.value == 0.0
    assert found.interval(0.9) == (0.0, pytest.approx(foldnorm(0.0, scale=sd).ppf(0.95), rel=0.08))
    assert found.spread[0] == 0.0


def test_what_is_linear_or_far_from_its_bound_is_never_sampled():
    far = seen(lambda p: float(np.hypot(*p[0])), [[9.0, 0.0]], np.eye(2))
    assert (far.draws, far.spread) == (None, None)
    flat = seen(lambda p: float(p.sum()), [[1.0, 2.0]], np.eye(2), (-np.inf, np.inf))
    assert flat.draws is None
    certain = seen(lambda p: float(abs(p[0, 0])), [[0.0]], [[0.0]])
    assert (certain.draws, certain.interval(0.9)) == (None, (0.0, 0.0))
    assert [certain.probability_below(x) for x in (0.0, 1e-9)] == [0.0, 1.0]


def test_what_bends_away_from_any_bound_is_sampled():
    found = seen(lambda p: float(p[0, 0] ** 2), [[0.5, 0.0]], np.eye(2), (-np.inf, np.inf))
    low, high = found.interval(0.9)
    below, above = found.spread
    assert low <= found.value <= high
    assert above > 3.0 * below


@pytest.mark.parametrize(("dimension", "distance"), [(1, 0.25), (1, 1.0), (2, 0.5), (2, 1.0)])
def test_intervals_near_a_bound_hold_the_truth_as_often_as_they_say_or_nearly(dimension, distance):
    rng, truth = np.random.default_rng(5), np.zeros(dimension)
    truth[0] = distance
    hits = 0
    for _ in range(100):
        place = truth + rng.normal(size=dimension)
        low, high = seen(
            lambda p: float(np.sqrt((p * p).sum())), [place], np.eye(dimension)
        ).interval(0.9)
        hits += low <= distance <= high
    assert hits / 100 >= 0.8


def test_the_same_landmarks_always_have_the_same_interval():
    once, again = (
        seen(lambda p: float(np.hypot(*p[0])), [[0.5, 0.0]], np.eye(2)).interval(0.9)
        for _ in range(2)
    )
    assert once == again


# ---- the joint covariance of landmarks

CERVICAL = read_protocol("cervical")
K = len(CERVICAL.scheme)
ROWS = np.array(
    [
        (100.0 + 40.0 * ("anterior" in name) + 20.0 * (name == "C2_odontoid_tip"), 12.0 * i)
        for i, name in enumerate(CERVICAL.scheme.names)
    ]
)


def random_correlation(seed: int) -> Correlation:
    # Of low rank, so that it matters.
    root = np.random.default_rng(seed).normal(size=(2 * K, 6))
    return Correlation.of_joint(root @ root.T)[1]


def spine(correlation: Correlation | None, spacing=(0.2, 0.3)) -> PredictedImage:
    rng = np.random.default_rng(2)
    roots = rng.normal(size=(K, 2, 2))
    covariance = roots @ np.swapaxes(roots, 1, 2)
    made = Prediction(
        CERVICAL.scheme, ROWS, covariance, np.ones(K), "drawn", correlation=correlation
    )
    return PredictedImage("a", made, (400, 400), "s", calibration=Calibration(spacing, "user"))


def alone(name: str):
    return replace(CERVICAL, quantities=(CERVICAL.quantity(name),))


def test_a_joint_covariance_is_taken_to_millimetres_as_a_whole():
    image = spine(random_correlation(1))
    done: Measurement = measure(alone("Anterior head translation"), image).measurements[0]
    rows = CERVICAL.scheme.indices(["C7_posterior_inferior", "C2_posterior_superior"])
    joint = image.prediction.joint(rows)
    # Along x alone, in mm: the difference of the two.
    slope = 0.2 * np.array([-1.0, 0.0, 1.0, 0.0])
    assert done.standard_uncertainty == pytest.approx(np.sqrt(slope @ joint @ slope), rel=1e-6)
    independent = measure(alone("Anterior head translation"), spine(None)).measurements[0]
    assert done.standard_uncertainty != pytest.approx(independent.standard_uncertainty, rel=0.005)


def test_each_axis_of_a_joint_covariance_has_its_own_spacing():
    image = spine(random_correlation(1))
    done = measure(alone("C7 slope"), image).measurements[0]
    names = ["C7_posterior_superior", "C7_anterior_superior"]
    rows = CERVICAL.scheme.indices(names)
    (x1, y1), (x2, y2) = ROWS[rows] * (0.2, 0.3)
    across, down = x2 - x1, y2 - y1
    # Of atan2(down, across), in degrees a px.
    slope = np.array([0.2 * down, -0.3 * across, -0.2 * down, 0.3 * across])
    slope = np.degrees(slope / (across**2 + down**2))
    expected = np.sqrt(slope @ image.prediction.joint(rows) @ slope)
    assert done.standard_uncertainty == pytest.approx(expected, rel=0.05)


def test_a_mirrored_case_keeps_the_correlation_of_its_landmarks():
    image = spine(random_correlation(4))
    case = LocatedCase("a", "s", image.prediction, image.size, image.calibration)
    plain, turned = (c.report(alone("Cobb C2-C7"), level=0.9) for c in (case, case.mirrored()))
    assert turned.measurements[0].standard_uncertainty == pytest.approx(
        plain.measurements[0].standard_uncertainty, rel=1e-6
    )


def test_a_mirrored_case_with_sides_keeps_the_correlation_of_its_landmarks():
    protocol = read_protocol("spine-cobb")
    count = len(protocol.scheme)
    rng = np.random.default_rng(8)
    rows = np.array(
        [
            (100.0 + 40.0 * name.endswith("R"), 20.0 * (i // 2) + 4.0 * rng.normal())
            for i, name in enumerate(protocol.scheme.names)
        ]
    )
    root = rng.normal(size=(2 * count, 6))
    made = Prediction(
        protocol.scheme,
        rows,
        np.tile(np.eye(2), (count, 1, 1)),
        np.ones(count),
        "drawn",
        correlation=Correlation.of_joint(root @ root.T)[1],
        variation=np.arange(count, dtype=float),
    )
    case = LocatedCase("a", "s", made, (300, 900))
    one = replace(protocol, quantities=protocol.quantities[:1])
    plain, turned = (c.report(one, level=0.9).measurements[0] for c in (case, case.mirrored()))
    assert turned.value == pytest.approx(plain.value)
    assert turned.standard_uncertainty == pytest.approx(plain.standard_uncertainty, rel=0.02)
    mirrored = case.mirrored().landmarks
    assert mirrored.variation[0] == 1.0
    # An angle is blind to an exchange of both sides; the joint covariance itself is not.
    flip = np.tile([-1.0, 1.0], count)
    expected = np.outer(flip, flip) * made.joint(protocol.scheme.mirror_order().tolist())
    assert mirrored.joint() == pytest.approx(expected, abs=1e-6)


# ---- many places at once


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_a_formula_gives_many_scenes_what_it_gives_each(name):
    protocol, rng = read_protocol(name), np.random.default_rng(9)
    for quantity in protocol.quantities:
        given = protocol.example_points(quantity)
        scene = Scene({n: np.array(given[n], dtype=float) for n in quantity.needs()}, -1.0, 800.0)
        held = quantity.formula.held(scene)[0]
        many = Scenes(
            {n: scene.at[n] + 0.5 * rng.normal(size=(7, 2)) for n in held.needs()}, -1.0, 800.0
        )
        assert held.values(many) == pytest.approx([held.value(each) for each in many], abs=1e-9)


def test_points_that_coincide_in_one_of_many_scenes_are_refused():
    with pytest.raises(GeometryError, match="two points of a line coincide"):
        turns(np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([1.0, 0.0]))
