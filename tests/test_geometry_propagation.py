"""Uncertainty through a formula, checked against exact results and against sampling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate.errors import GeometryError
from palpate.geometry.angles import angle_between, turn
from palpate.geometry.lines import distance
from palpate.geometry.propagation import (
    Propagated,
    block_diagonal,
    propagate,
    sampled,
)


def covariance(rng: np.random.Generator, size: int, scale: float = 1.0) -> np.ndarray:
    root = rng.normal(size=(size, size)) * scale
    return root @ root.T / size


@settings(deadline=None, derandomize=True, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_a_linear_formula_is_propagated_exactly(seed, n):
    rng = np.random.default_rng(seed)
    weights, joint = rng.normal(size=(n, 2)), covariance(rng, 2 * n)
    result = propagate(lambda p: float((weights * p).sum()), rng.normal(size=(n, 2)), joint)
    exact = np.sqrt(weights.ravel() @ joint @ weights.ravel())
    assert result.standard_uncertainty == pytest.approx(exact, rel=1e-6)


def test_correlated_landmarks_count():
    """A common shift of both ends does not change a distance."""
    mean = np.array([[0.0, 0.0], [10.0, 0.0]])
    together = np.tile(np.eye(2), (2, 2))
    length = propagate(lambda p: distance(p[0], p[1]), mean, together)
    assert length.standard_uncertainty == pytest.approx(0.0, abs=1e-9)
    apart = propagate(lambda p: distance(p[0], p[1]), mean, np.eye(4))
    assert apart.standard_uncertainty == pytest.approx(np.sqrt(2.0), rel=0.02)


def test_no_uncertainty_stays_none():
    result = propagate(lambda p: float(p.sum()), np.ones((2, 2)), np.zeros((4, 4)))
    assert (result.value, result.standard_uncertainty) == (4.0, 0.0)


@pytest.mark.parametrize("sd", [0.1, 1.0, 3.0])
def test_an_angle_agrees_with_sampling(sd):
    mean = np.array([[0.0, 0.0], [30.0, 5.0], [2.0, 80.0], [31.0, 70.0]])
    joint = sd**2 * block_diagonal(
        np.array([[[1.0, 0.4], [0.4, 0.5]], [[2.0, 0.0], [0.0, 0.3]], np.eye(2), np.eye(2)])
    )

    def angle(p):
        return turn(p[1] - p[0], p[3] - p[2])

    result = propagate(angle, mean, joint, period=360.0)
    values = sampled(angle, mean, joint, generator=np.random.default_rng(1), draws=4000)
    assert result.standard_uncertainty == pytest.approx(values.std(), rel=0.06)


def test_an_angle_at_the_wrap_is_as_uncertain_as_elsewhere():
    joint = 0.25 * np.eye(6)
    at = np.array([[0.0, 0.0], [20.0, 0.0], [-20.0, 0.0]])
    away = np.array([[0.0, 0.0], [20.0, 0.0], [0.0, -20.0]])

    def angle(p):
        return turn(p[1] - p[0], p[2] - p[0])

    wrapped = propagate(angle, at, joint, period=360.0).standard_uncertainty
    free = propagate(angle, away, joint, period=360.0).standard_uncertainty
    naive = propagate(angle, at, joint).standard_uncertainty
    # The common vertex moves both legs: together at a straight angle, apart at a right one.
    assert wrapped == pytest.approx(free * np.sqrt(6.0) / 2.0, rel=0.05)
    assert naive > 20.0 * wrapped


def test_an_unsigned_angle_near_zero_is_not_called_certain():
    """The slope vanishes there; the curvature does not."""
    mean, joint = np.array([[10.0, 0.0], [10.0, 0.0]]), np.eye(4)

    def angle(p):
        return angle_between(p[0], p[1])

    result = propagate(angle, mean, joint)
    values = sampled(angle, mean, joint, generator=np.random.default_rng(2), draws=4000)
    # What matters is the error against the true 0: the root mean square, not the spread.
    assert result.standard_uncertainty > 0.6 * np.sqrt((values**2).mean())


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(5)
    truth, joint = np.array([[0.0, 0.0], [25.0, 3.0]]), 0.5 * np.eye(4)
    hits = 0
    for _ in range(400):
        seen = truth + rng.multivariate_normal(np.zeros(4), joint).reshape(2, 2)
        low, high = propagate(lambda p: distance(p[0], p[1]), seen, joint).interval(0.9)
        hits += low <= distance(truth[0], truth[1]) <= high
    assert 0.86 <= hits / 400 <= 0.94


def test_bad_input_is_refused():
    with pytest.raises(GeometryError, match="4 x 4 covariance"):
        propagate(lambda p: float(p.sum()), np.ones((2, 2)), np.eye(2))
    for level in (0.0, 1.0, -1.0):
        with pytest.raises(GeometryError, match="between 0 and 1"):
            Propagated(1.0, 1.0).interval(level)
