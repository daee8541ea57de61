"""Smooth curves, distances from them, circles, and point-to-curve errors of images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate.errors import GeometryError, SchemeError, StudyError
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.curve_errors import (
    Outline,
    annotators_against_mean,
    annotators_to_curve,
    distribution,
    model_to_curve,
)
from palpate.evaluation.errors import gather, model_against_truth
from palpate.geometry.circles import fit_circle
from palpate.geometry.curves import (
    distance_to_polyline,
    nearest_on_polyline,
    polyline,
    smooth_curve,
)
from palpate.image import Calibration
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("steady")

# To a thousandth, so that points that differ do so by more than rounding.
number = st.integers(-100_000, 100_000).map(lambda n: n / 1000.0)
point = st.tuples(number, number)
points = st.lists(point, min_size=3, max_size=7, unique=True).map(np.array)


def turned(angle: float, scale: float = 1.0) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return scale * np.array([[c, -s], [s, c]])


# ---- curves


@given(points, st.booleans())
def test_a_smooth_curve_meets_every_point(knots, closed):
    curve = smooth_curve(knots, closed=closed, steps=3)
    assert np.isfinite(curve).all()
    for knot in knots:
        assert (curve == knot).all(axis=1).any()
    np.testing.assert_allclose(distance_to_polyline(knots, curve), 0.0, atol=1e-12)
    if closed:
        np.testing.assert_array_equal(curve[0], curve[-1])


@given(points, st.floats(-3.0, 3.0), st.floats(0.1, 10.0))
def test_a_curve_moves_with_its_points(knots, angle, scale):
    there = turned(angle, scale)
    moved = smooth_curve(knots @ there.T + 7.0)
    np.testing.assert_allclose(moved, smooth_curve(knots) @ there.T + 7.0, atol=1e-6 * scale)


@given(points)
def test_a_curve_is_the_same_from_its_other_end(knots):
    np.testing.assert_allclose(smooth_curve(knots[::-1])[::-1], smooth_curve(knots), atol=1e-6)


def test_points_on_a_line_make_that_line_without_going_back():
    """Also where they are crowded: a spline of uniform parameter would overshoot and return."""
    line = np.array([0.0, 16.0, 17.0, 33.0])[:, None] * np.array([1.0, 2.0])
    curve = smooth_curve(line)
    np.testing.assert_allclose(curve[:, 1], 2.0 * curve[:, 0], atol=1e-12)
    assert (np.diff(curve[:, 0]) > 0).all()


def test_a_smooth_curve_is_nearer_to_a_round_edge_than_chords():
    t = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
    knots = 10.0 * np.stack([np.cos(t), np.sin(t)], axis=1)
    fine = np.linspace(0.0, 2.0 * np.pi, 500)
    edge = 10.0 * np.stack([np.cos(fine), np.sin(fine)], axis=1)
    smooth = distance_to_polyline(edge, smooth_curve(knots, closed=True)).max()
    chords = distance_to_polyline(edge, polyline(knots, closed=True)).max()
    # A chord of 30 degrees cuts off 1 - cos 15 degrees of the radius.
    assert chords == pytest.approx(10.0 * (1.0 - np.cos(np.pi / 12)), rel=1e-3)
    assert smooth < 0.1 * chords


def test_absent_and_repeated_points_are_left_out_of_a_curve():
    knots = np.array([[0.0, 0.0], [2.0, 1.0], [5.0, 0.0]])
    more = np.array([[0.0, 0.0], [0.0, 0.0], [np.nan, np.nan], [2.0, 1.0], [5.0, 0.0], [0.0, 0.0]])
    np.testing.assert_array_equal(smooth_curve(more, closed=True), smooth_curve(knots, closed=True))
    np.testing.assert_array_equal(smooth_curve(knots[:2], closed=True), knots[[0, 1, 0]])
    for refused, words in (
        (lambda: smooth_curve(np.ones((4, 2))), "two or more different points, got 1"),
        (lambda: polyline(np.full((4, 2), np.nan)), "got 0"),
        (lambda: smooth_curve(np.full((4, 2), np.inf)), "finite"),
        (lambda: smooth_curve(knots, steps=0), "one or more steps"),
        (lambda: distance_to_polyline(knots, knots[:1]), "two or more points"),
    ):
        with pytest.raises(GeometryError, match=words):
            refused()


def test_points_nearer_than_rounding_are_one_point():
    knots = np.array([[0.0, 0.0], [5.0, 1.0], [5.0, 1.0 + 1e-15], [9.0, 0.0]])
    np.testing.assert_array_equal(smooth_curve(knots), smooth_curve(knots[[0, 1, 3]]))


def test_distances_by_hand():
    way = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 3.0]])
    places = np.array([[2.0, 1.0], [-3.0, 4.0], [5.0, 2.0], [np.nan, np.nan], [4.0, 5.0]])
    expected = [1.0, 5.0, 1.0, np.nan, 2.0]
    np.testing.assert_allclose(distance_to_polyline(places, way), expected)
    np.testing.assert_allclose(nearest_on_polyline(places[:3], way), [[2, 0], [0, 0], [4, 2]])


@given(points, points)
def test_no_point_of_the_line_is_nearer_than_the_distance(places, line):
    share = np.linspace(0.0, 1.0, 30)[:, None, None]
    dense = (line[:-1] + share * np.diff(line, axis=0)).reshape(-1, 2)
    reached = np.linalg.norm(places[:, None] - dense[None], axis=2).min(axis=1)
    assert (distance_to_polyline(places, line) <= reached + 1e-9).all()


# ---- circles


@given(st.floats(-50, 50), st.floats(0.5, 50.0), st.floats(1.0, 6.0))
def test_a_circle_is_found_from_an_arc(x, radius, angle):
    t = np.linspace(0.3, 0.3 + angle, 9)
    arc = np.array([x, -x]) + radius * np.stack([np.cos(t), np.sin(t)], axis=1)
    found = fit_circle(arc)
    assert found.radius == pytest.approx(radius, rel=1e-5)
    np.testing.assert_allclose(found.centre, [x, -x], atol=1e-4 * radius)
    np.testing.assert_allclose(found.distances(arc), 0.0, atol=1e-5 * radius)


def test_no_other_circle_leaves_less():
    rng = np.random.default_rng(0)
    t = np.linspace(0.0, 3.0, 15)
    arc = 20.0 * np.stack([np.cos(t), np.sin(t)], axis=1) + rng.normal(size=(15, 2))
    found = fit_circle(arc)
    best = (found.distances(arc) ** 2).sum()
    for _ in range(50):
        centre, radius = found.centre + 0.3 * rng.normal(size=2), found.radius + 0.3 * rng.normal()
        left = ((np.linalg.norm(arc - centre, axis=1) - radius) ** 2).sum()
        assert left >= best


def test_what_has_no_circle_is_refused():
    line = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [5.0, 5.0]])
    absent = line.copy()
    absent[0] = np.nan
    for wrong, words in (
        (line, "one line"),
        (line + np.array([0.0, 1e-9]) * np.arange(4)[:, None] ** 2, "one line"),
        (np.ones((5, 2)), "coincide"),
        (line[:2], "three or more"),
        (absent, "all present"),
    ):
        with pytest.raises(GeometryError, match=words):
            fit_circle(wrong)


# ---- errors of images

ARC = LandmarkScheme("arc", ("a", "b", "c", "d"))
TRUE = np.array([[0.0, 0.0], [10.0, 0.0], [20.0, 0.0], [20.0, 20.0]])
STRAIGHT = Outline(ARC.names, smooth=False)
WIDTH = ("a", "d")


def case(found, *, truth=TRUE, name="1", spacing=None, annotators=()) -> EvaluatedCase:
    prediction = Prediction.exact(Points.of(ARC, found), made_by="test")
    people = {str(k): Points.of(ARC, given) for k, given in enumerate(annotators)}
    calibration = Calibration(spacing, "user") if spacing else None
    return EvaluatedCase(
        name, f"p{name}", "", Points.of(ARC, truth), prediction, people, calibration
    )


def test_sliding_along_the_curve_is_no_error_and_leaving_it_is():
    slid = TRUE + np.array([[3.0, 0.0], [4.0, 0.0], [-2.0, 0.0], [0.0, -6.0]])
    cases = [case(slid), case(TRUE + np.array([0.0, -2.0]), name="2")]
    errors = model_to_curve(cases, STRAIGHT, normaliser=WIDTH)
    np.testing.assert_allclose(errors.px, [[0.0] * 4, [2.0, 2.0, 2.0, 0.0]], atol=1e-12)
    assert errors.mm is None
    np.testing.assert_allclose(errors.normaliser_px, np.sqrt(800.0))
    # Never farther than the point that it belongs to.
    to_point = gather(model_against_truth(cases), WIDTH)
    assert (errors.px <= to_point.px + 1e-12).all()


def test_millimetres_are_measured_in_millimetres_not_scaled_pixels():
    flat = case(TRUE + np.array([3.0, 4.0]), spacing=(1.0, 0.5))
    errors = model_to_curve([flat], STRAIGHT, normaliser=None)
    np.testing.assert_allclose(errors.mm[0], [2.0, 2.0, 3.0, np.hypot(3.0, 2.0)])
    np.testing.assert_allclose(errors.px[0], [4.0, 4.0, 3.0, 5.0])
    assert errors.normaliser_px is None


def test_missed_points_absent_truth_and_points_off_the_outline():
    missed, unknown = TRUE.copy(), TRUE.copy()
    missed[1] = np.nan
    unknown[2] = np.nan
    errors = model_to_curve(
        [case(missed), case(TRUE, truth=unknown, name="2")], STRAIGHT, normaliser=WIDTH
    )
    assert errors.wanted.tolist() == [[True] * 4, [True, True, False, True]]
    assert np.isnan(errors.px).tolist() == [
        [False, True, False, False],
        [False, False, True, False],
    ]
    some = Outline(("a", "b", "c"), smooth=False)
    errors = model_to_curve([case(TRUE)], some, normaliser=None)
    assert errors.wanted.tolist() == [[True, True, True, False]]
    alone = np.full((4, 2), np.nan)
    alone[0] = 0.0
    errors = model_to_curve([case(TRUE, truth=alone)], STRAIGHT, normaliser=None)
    assert not errors.wanted.any()


def test_the_annotators_are_compared_with_their_mean():
    people = [TRUE + np.array([2.0, 1.0]), TRUE - np.array([2.0, 1.0])]
    cases = [case(TRUE, annotators=people)]
    errors = annotators_to_curve(cases, STRAIGHT, normaliser=WIDTH)
    assert errors.identifiers == ("1", "1")
    np.testing.assert_allclose(errors.px, [[1, 1, 2, np.hypot(2, 1)], [np.hypot(2, 1), 1, 1, 2]])
    to_point = gather(annotators_against_mean(cases), None)
    np.testing.assert_allclose(to_point.px, np.hypot(2.0, 1.0))
    with pytest.raises(StudyError, match="no points"):
        annotators_to_curve([case(TRUE)], STRAIGHT, normaliser=None)


def film(error: float, name: str) -> EvaluatedCase:
    """All points 'error' % of the width, 20 * sqrt(2), beside a straight line; NaN for a miss."""
    line = np.array([[0.0, 0.0], [10.0, 10.0], [15.0, 15.0], [20.0, 20.0]])
    across = np.array([-1.0, 1.0]) / np.sqrt(2.0)
    return case(line + error / 100.0 * np.sqrt(800.0) * across, truth=line, name=name)


def test_percentiles_of_image_means_in_percent_of_the_width():
    cases = [film(float(k), f"{k:03d}") for k in range(1, 101)]
    errors = model_to_curve(cases, Outline.of(ARC), normaliser=WIDTH)
    resampling = Resampling.draw(errors.subjects, np.random.default_rng(0), resamples=200)
    told = distribution(errors, resampling)
    np.testing.assert_allclose(told.values, np.arange(1, 101), rtol=1e-9)
    assert told.percentiles == pytest.approx({50.0: 50.0, 90.0: 90.0, 95.0: 95.0, 99.0: 99.0})
    np.testing.assert_allclose(told.share_within([0.5, 10.5, 200.0]), [0.0, 0.1, 1.0])
    low, high = told.intervals[50.0]
    assert 35.0 < low < 50.0 < high < 65.0
    # Of the median of n values the interval is about +- 1.96 sqrt(n) / 2 ranks.
    assert high - low == pytest.approx(19.6, abs=6.0)


def test_an_image_with_a_missed_point_is_never_reached():
    cases = [film(1.0, "1"), film(2.0, "2"), film(float("nan"), "3")]
    errors = model_to_curve(cases, Outline.of(ARC), normaliser=WIDTH)
    resampling = Resampling.draw(errors.subjects, np.random.default_rng(0), resamples=50)
    told = distribution(errors, resampling, percentiles=(50.0, 99.0))
    assert told.percentiles[50.0] == pytest.approx(2.0)
    assert told.percentiles[99.0] is None
    assert 99.0 not in told.intervals
    assert told.share_within([1e9])[0] == pytest.approx(2.0 / 3.0)


def test_what_cannot_be_told_is_refused():
    errors = model_to_curve([film(1.0, "1")], Outline.of(ARC), normaliser=None)
    one = Resampling.draw(errors.subjects, np.random.default_rng(0), resamples=5)
    with pytest.raises(StudyError, match="normaliser"):
        distribution(errors, one)
    wide = model_to_curve([film(1.0, "1")], Outline.of(ARC), normaliser=WIDTH)
    with pytest.raises(StudyError, match="percentile"):
        distribution(wide, one, percentiles=(100.0,))
    # One person says nothing of another.
    assert distribution(wide, one).intervals == {}
    with pytest.raises(SchemeError, match="each once"):
        Outline(("a", "b", "a"))
    with pytest.raises(SchemeError, match="no landmark 'e'"):
        model_to_curve([film(1.0, "1")], Outline(("a", "e")), normaliser=None)
    with pytest.raises(StudyError, match="no points"):
        model_to_curve([], Outline.of(ARC), normaliser=None)
