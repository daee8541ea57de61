"""Angles, lines, polylines and Procrustes: ranges, symmetries, invariances."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from palpate.affine import Affine
from palpate.errors import GeometryError
from palpate.geometry.angles import angle_between, turn, unit, wrapped
from palpate.geometry.lines import distance, distance_to_line, translation
from palpate.geometry.polylines import polyline_heights, polyline_length
from palpate.geometry.procrustes import procrustes, residuals

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("steady")

number = st.floats(-1e3, 1e3, allow_subnormal=False)
vector = st.tuples(number, number).map(np.array).filter(lambda v: np.linalg.norm(v) > 1e-3)
degrees = st.floats(-179.0, 179.0)


def rotation(angle: float) -> np.ndarray:
    """Clockwise as the film is seen."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.array([[c, -s], [s, c]])


@given(vector, vector)
def test_angles_stay_in_range_and_are_symmetric(u, v):
    assert 0.0 <= angle_between(u, v) <= 180.0
    assert angle_between(u, v) == pytest.approx(angle_between(v, u), abs=1e-9)
    assert angle_between(u, v) + angle_between(u, -v) == pytest.approx(180.0)


@given(vector, vector)
def test_a_turn_is_antisymmetric_and_as_large_as_the_angle(u, v):
    assert -180.0 < turn(u, v) <= 180.0
    assert abs(turn(u, v)) == pytest.approx(angle_between(u, v), abs=1e-6)
    assume(abs(turn(u, v)) < 179.999)
    assert turn(u, v) == pytest.approx(-turn(v, u), abs=1e-9)


@given(vector, degrees, st.floats(0.01, 100.0))
def test_turning_by_an_angle_is_that_turn(u, angle, scale):
    assert turn(u, scale * rotation(angle) @ u) == pytest.approx(angle, abs=1e-6)


@given(vector, vector, degrees)
def test_angles_do_not_see_a_rotation_and_turns_change_sign_in_a_mirror(u, v, angle):
    r, mirror = rotation(angle), np.array([-1.0, 1.0])
    assume(abs(turn(u, v)) < 179.99)
    assert turn(r @ u, r @ v) == pytest.approx(turn(u, v), abs=1e-6)
    assert turn(mirror * u, mirror * v) == pytest.approx(-turn(u, v), abs=1e-9)


@pytest.mark.parametrize("tiny", [1e-9, 1e-6])
def test_a_tiny_angle_keeps_its_digits(tiny):
    u, v = np.array([1.0, 0.0]), np.array([1.0, np.radians(tiny)])
    assert angle_between(u, v) == pytest.approx(tiny, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_a_direction_of_any_length_has_length_one(scale):
    assert np.linalg.norm(unit(scale * np.array([3.0, 4.0]))) == pytest.approx(1.0)


def test_a_line_through_one_point_is_refused():
    nowhere = np.zeros(2)
    for refused in (
        lambda: angle_between(nowhere, np.ones(2)),
        lambda: turn(np.ones(2), nowhere),
        lambda: distance_to_line(np.ones(2), nowhere, nowhere),
        lambda: translation(nowhere, np.ones(2), nowhere),
        lambda: polyline_heights(np.zeros((3, 2))),
    ):
        with pytest.raises(GeometryError, match="coincide"):
            refused()


@given(degrees)
def test_wrapping_keeps_the_angle(angle):
    assert wrapped(angle + 720.0) == pytest.approx(angle, abs=1e-9)


@given(vector, vector, vector)
def test_a_point_and_its_mirror_image_are_on_opposite_sides(p, a, b):
    assume(np.linalg.norm(b - a) > 1e-3)
    along = unit(b - a)
    foot = a + ((p - a) @ along) * along
    assert distance_to_line(2 * foot - p, a, b) == pytest.approx(
        -distance_to_line(p, a, b), abs=1e-6
    )
    assert abs(distance_to_line(p, a, b)) == pytest.approx(distance(p, foot), abs=1e-6)


@given(vector, vector, vector)
def test_translations_along_and_across_are_the_distance(a, b, axis):
    across = np.array([-axis[1], axis[0]])
    whole = np.hypot(translation(a, b, axis), translation(a, b, across))
    assert whole == pytest.approx(distance(a, b), rel=1e-9, abs=1e-9)


def test_the_right_hand_of_a_line_down_the_film_is_smaller_x():
    top, bottom = np.array([5.0, 0.0]), np.array([5.0, 10.0])
    assert distance_to_line(np.array([2.0, 4.0]), top, bottom) == 3.0
    assert distance_to_line(np.array([9.0, 4.0]), top, bottom) == -4.0


@given(st.lists(vector, min_size=2, max_size=6))
def test_a_polyline_is_no_shorter_than_its_chord_and_the_same_backwards(points):
    line = np.array(points)
    assert polyline_length(line) >= distance(line[0], line[-1]) - 1e-9
    assert polyline_length(line) == pytest.approx(polyline_length(line[::-1]))


# ---- Procrustes

SHAPE = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 2.0], [1.0, 3.0], [0.5, 1.0]])


@given(degrees, st.floats(0.1, 10.0), vector)
def test_procrustes_finds_the_similarity_that_was_applied(angle, scale, shift):
    applied = scale * SHAPE @ rotation(angle).T + shift
    fit = procrustes(SHAPE, applied)
    np.testing.assert_allclose(fit(SHAPE), applied, atol=1e-7)
    assert not fit.mirrors
    np.testing.assert_allclose(np.abs(residuals(SHAPE, applied, fit)), 0.0, atol=1e-7)


def test_a_mirrored_shape_fits_only_where_a_reflection_is_allowed():
    mirrored = SHAPE * [-1.0, 1.0] + 7.0
    allowed = procrustes(SHAPE, mirrored, reflection=True)
    assert allowed.mirrors
    np.testing.assert_allclose(allowed(SHAPE), mirrored, atol=1e-9)
    strict = procrustes(SHAPE, mirrored)
    assert not strict.mirrors
    assert residuals(SHAPE, mirrored, strict).max() > 0.5


def test_no_other_similarity_fits_noisy_points_better():
    rng = np.random.default_rng(3)
    noisy = 2.0 * SHAPE @ rotation(30.0).T + rng.normal(scale=0.3, size=SHAPE.shape)
    fit = procrustes(SHAPE, noisy)
    best = (residuals(SHAPE, noisy, fit) ** 2).sum()
    for _ in range(200):
        angle, scale = rng.normal(30.0, 3.0), rng.normal(2.0, 0.1)
        other = scale * SHAPE @ rotation(angle).T
        other += noisy.mean(axis=0) - other.mean(axis=0)
        assert ((other - noisy) ** 2).sum() >= best - 1e-9


def test_absent_points_are_left_out():
    moved = SHAPE + 3.0
    moved[1] = np.nan
    fit = procrustes(SHAPE, moved)
    np.testing.assert_allclose(fit(SHAPE), SHAPE + 3.0, atol=1e-9)
    assert np.isnan(residuals(SHAPE, moved, fit)[1])


def test_three_dimensions_are_aligned_too():
    rng = np.random.default_rng(0)
    body = rng.normal(size=(6, 3))
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.linalg.det(q))
    fit = procrustes(body, 3.0 * body @ q.T + 1.0)
    np.testing.assert_allclose(fit(body), 3.0 * body @ q.T + 1.0, atol=1e-9)


@pytest.mark.parametrize(
    ("moving", "reflection", "word"),
    [
        (SHAPE[:1], False, "common points"),
        (np.full((4, 2), 3e3), False, "coincide"),
        (np.outer(np.arange(5.0), [1.0, 2.0]), True, "one line"),
    ],
)
def test_shapes_that_do_not_fix_a_rotation_are_refused(moving, reflection, word):
    with pytest.raises(GeometryError, match=word):
        procrustes(moving, SHAPE[: len(moving)], reflection=reflection)


def test_points_on_a_line_fix_a_rotation_but_no_mirror():
    line = np.outer(np.arange(4.0), [1.0, 0.5])
    fit = procrustes(line, line @ rotation(20.0).T)
    np.testing.assert_allclose(fit(line), line @ rotation(20.0).T, atol=1e-9)


def test_shapes_of_different_sizes_are_refused():
    with pytest.raises(GeometryError, match="different sizes"):
        procrustes(SHAPE, SHAPE[:3])


def test_procrustes_frames_are_those_asked_for():
    fit = procrustes(SHAPE, SHAPE, source="pixel", target="mm")
    assert isinstance(fit, Affine)
    assert (fit.source, fit.target) == ("pixel", "mm")
