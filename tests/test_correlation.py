"""Correlated errors of landmarks: exact under maps, taken apart and put together."""

import numpy as np
import pytest

from palpate.affine import Affine
from palpate.correlation import Correlation, symmetric_roots
from palpate.errors import GeometryError
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme

SCHEME = LandmarkScheme("three", ("a", "b", "c"))


def drawn(seed: int = 0, k: int = 3) -> np.ndarray:
    root = np.random.default_rng(seed).normal(size=(2 * k, 2 * k))
    return root @ root.T


def prediction(seed: int = 0) -> Prediction:
    covariance, correlation = Correlation.of_joint(drawn(seed))
    mean = np.array([[1.0, 2.0], [30.0, 4.0], [5.0, 60.0]])
    return Prediction(SCHEME, mean, covariance, np.ones(3), "me", "pixel", correlation)


def test_a_joint_covariance_is_taken_apart_and_put_together():
    joint = drawn()
    covariance, correlation = Correlation.of_joint(joint)
    np.testing.assert_allclose(correlation.joint(covariance), joint, atol=1e-9)
    np.testing.assert_allclose(prediction().joint(), joint, atol=1e-9)


@pytest.mark.parametrize("mirror", [1.0, -1.0])
def test_a_map_moves_the_joint_covariance_exactly(mirror):
    matrix = np.array([[2.0 * mirror, 0.7, 3.0], [-0.4, 0.5, 1.0], [0.0, 0.0, 1.0]])
    affine = Affine(matrix, "pixel", "mm")
    before = prediction()
    whole = np.kron(np.eye(3), affine.linear)
    np.testing.assert_allclose(
        before.moved(affine).joint(), whole @ before.joint() @ whole.T, atol=1e-9
    )


def test_some_landmarks_in_another_order():
    joint = prediction().joint().reshape(3, 2, 3, 2)
    np.testing.assert_allclose(
        prediction().joint([2, 0]), joint[[2, 0]][:, :, [2, 0]].reshape(4, 4), atol=1e-12
    )


def test_without_a_correlation_landmarks_are_independent():
    p = prediction()
    alone = Prediction(SCHEME, p.mean, p.covariance, p.score, "me")
    assert np.count_nonzero(alone.joint()) == 12
    np.testing.assert_allclose(Correlation(np.eye(6)).joint(p.covariance), alone.joint())


def test_a_flat_covariance_is_correlated_with_nothing():
    joint = np.zeros((4, 4))
    joint[0, 0] = joint[2, 2] = 1.0
    joint[0, 2] = joint[2, 0] = 0.5
    covariance, correlation = Correlation.of_joint(joint)
    np.testing.assert_allclose(correlation.joint(covariance), joint, atol=1e-12)


def test_a_prediction_of_missing_landmarks_moves():
    p = prediction()
    mean, covariance = p.mean.copy(), p.covariance.copy()
    mean[1], covariance[1] = np.nan, np.nan
    score = np.array([1.0, 0.0, 1.0])
    partly = Prediction(SCHEME, mean, covariance, score, "me", "pixel", p.correlation)
    moved = partly.moved(Affine.scaling((2.0, 2.0), source="pixel", target="mm"))
    np.testing.assert_allclose(moved.joint([0, 2]), 4.0 * p.joint([0, 2]), atol=1e-9)
    with pytest.raises(GeometryError, match="not found"):
        partly.joint()


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(5), "square"),
        (2.0 * np.eye(4), "itself"),
        (np.triu(np.ones((4, 4))), "symmetric"),
        (np.eye(4) + 2.0 * np.kron([[0, 1], [1, 0]], np.eye(2)), "negative eigenvalue"),
        (np.full((4, 4), np.nan), "finite"),
    ],
)
def test_what_is_no_correlation_is_refused(matrix, message):
    with pytest.raises(GeometryError, match=message):
        Correlation(matrix)


def test_a_correlation_of_other_landmarks_is_refused():
    p = prediction()
    with pytest.raises(GeometryError, match="3 landmarks"):
        Prediction(SCHEME, p.mean, p.covariance, p.score, "me", "pixel", Correlation(np.eye(4)))
    with pytest.raises(GeometryError, match="variation"):
        Prediction(
            SCHEME, p.mean, p.covariance, p.score, "me", "pixel", None, np.array([1.0, np.nan, 1.0])
        )


def test_roots_are_symmetric_and_square_to_the_covariance():
    covariance = prediction().covariance
    roots = symmetric_roots(covariance)
    np.testing.assert_allclose(roots, np.swapaxes(roots, 1, 2), atol=1e-12)
    np.testing.assert_allclose(roots @ roots, covariance, atol=1e-9)
    inverse = symmetric_roots(covariance, inverse=True)
    np.testing.assert_allclose(
        inverse @ covariance @ inverse, np.tile(np.eye(2), (3, 1, 1)), atol=1e-9
    )
