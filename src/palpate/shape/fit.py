"""Pose and scores together, by weighted least squares.

Pose and modes are not independent once points weigh differently or are absent. So each step solves
for the scores with small changes of the pose taken out, then for the pose exactly: Gauss-Newton
steps, of which a few suffice.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.shape.limits import Quadratic
from palpate.shape.similarity import Similarity, fit_similarity

_MOST_STEPS = 100
# Of the reference frame, whose shapes have size 1.
_STILL = 1e-9

Nearest = Callable[[Quadratic], ndarray]


@dataclass(frozen=True, eq=False, slots=True)
class Best:
    """Pose and standardised scores of the best fit, and what it leaves in the reference frame."""

    pose: Similarity
    scores: Float[ndarray, " m"]
    residual: Float[ndarray, "k 2"]


@dataclass(frozen=True, eq=False, slots=True)
class Basis:
    """A mean and its modes, each as long as one standard deviation."""

    mean: Float[ndarray, "k 2"]
    modes: Float[ndarray, "m k 2"]

    def shape(self, scores: Float[ndarray, " m"]) -> Float[ndarray, "k 2"]:
        """Return the shape at standardised scores."""
        return self.mean + np.tensordot(scores, self.modes, axes=1)


def best_fit(
    basis: Basis,
    points: Float[ndarray, "k 2"],
    precision: Float[ndarray, "k 2 2"],
    nearest: Nearest,
    start: Float[ndarray, " m"],
) -> Best:
    """Alternate scores and pose until the shape stands still.

    Args:
        basis: the model.
        points: in px; NaN only where the precision is zero.
        precision: inverse covariance of each point, up to a common factor.
        nearest: gives the scores of a quadratic problem, limited or not.
        start: scores to begin with.

    Raises:
        GeometryError: fewer than two points, or points that coincide.
    """
    weights = np.trace(precision, axis1=1, axis2=2)
    rough = fit_similarity(basis.shape(start), points, weights)
    # From here on in the frame of the reference, where all numbers are of size 1.
    target = np.where(weights[:, None] > 0.0, rough.inverse()(points), 0.0)
    turned = _turned(precision, rough) / (rough.scale**2 * weights.sum())
    scores, pose = start, Similarity.identity()
    for _ in range(_MOST_STEPS):
        shape = basis.shape(scores)
        straight, metric = pose.inverse()(target), _turned(turned, pose)
        new = nearest(_reduced(basis, shape, straight, metric))
        change = basis.shape(new) - shape
        scores = new
        pose = _pose(basis.shape(scores), target, turned)
        if np.abs(change).max() < _STILL:
            break
    residual = pose.inverse()(target) - basis.shape(scores)
    return Best(rough @ pose, scores, np.where(weights[:, None] > 0.0, residual, 0.0))


def _turned(precision: Float[ndarray, "k 2 2"], pose: Similarity) -> Float[ndarray, "k 2 2"]:
    """Return the precision of points in the frame that ``pose`` maps from."""
    return pose.linear.T @ precision @ pose.linear


def directions(shape: Float[ndarray, "k 2"]) -> Float[ndarray, "4 k 2"]:
    """How the points move when the shape grows, turns, and shifts along x and y."""
    along = np.zeros((4, *shape.shape))
    along[0] = shape
    along[1, :, 0], along[1, :, 1] = -shape[:, 1], shape[:, 0]
    along[2, :, 0], along[3, :, 1] = 1.0, 1.0
    return along


def _inner(
    first: Float[ndarray, "a k 2"], second: Float[ndarray, "b k 2"]
) -> Float[ndarray, "a b"]:
    size = first[0].size if len(first) else second[0].size if len(second) else 0
    return first.reshape(len(first), size) @ second.reshape(len(second), size).T


def _weighed(
    vectors: Float[ndarray, "a k 2"], metric: Float[ndarray, "k 2 2"]
) -> Float[ndarray, "a k 2"]:
    return (metric[None] @ vectors[..., None])[..., 0]


def _reduced(
    basis: Basis,
    shape: Float[ndarray, "k 2"],
    target: Float[ndarray, "k 2"],
    metric: Float[ndarray, "k 2 2"],
) -> Quadratic:
    """Return the problem of the scores, with the pose free to follow."""
    along = directions(shape)
    left = (target - basis.mean)[None]
    weighed_modes, weighed_along = _weighed(basis.modes, metric), _weighed(along, metric)
    mixed = _inner(weighed_modes, along)
    follow = np.linalg.solve(
        _inner(along, weighed_along),
        np.concatenate([mixed.T, _inner(weighed_along, left)], axis=1),
    )
    full = _inner(weighed_modes, basis.modes)
    hessian = full - mixed @ follow[:, :-1]
    gradient = _inner(weighed_modes, left)[:, 0] - mixed @ follow[:, -1]
    return Quadratic.of((hessian + hessian.T) / 2.0, gradient, scale=float(np.trace(full)))


def _pose(
    shape: Float[ndarray, "k 2"], target: Float[ndarray, "k 2"], metric: Float[ndarray, "k 2 2"]
) -> Similarity:
    """Return the similarity that lays the shape best on the target, in the metric of its points."""
    along = directions(shape)
    weighed = _weighed(along, metric)
    grow, turn, right, down = np.linalg.solve(
        _inner(along, weighed), _inner(weighed, target[None])[:, 0]
    )
    return Similarity(
        float(np.hypot(grow, turn)), float(np.arctan2(turn, grow)), np.array([right, down])
    )
