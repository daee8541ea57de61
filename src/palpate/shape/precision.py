"""How much each found point counts: weights or covariances as inverse covariances."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import rows_with_nan
from palpate.errors import GeometryError


def precision_of(
    points: Float[ndarray, "k 2"],
    weights: Float[ndarray, " w"] | None,
    covariances: Float[ndarray, "c 2 2"] | None,
) -> Float[ndarray, "k 2 2"]:
    """Return the inverse covariance of every point; zero where it is absent.

    Raises:
        GeometryError: both or neither fit the points; a weight is negative, a covariance has no
            inverse, a coordinate is infinite.

    Example:
        >>> two = np.array([[0.0, 0.0], [np.nan, np.nan]])
        >>> precision_of(two, np.array([4.0, 1.0]), None)[:, 0, 0].tolist()
        [4.0, 0.0]
    """
    if np.isinf(points).any():
        raise GeometryError("a point to fit is finite, or NaN where it is absent")
    present = ~rows_with_nan(points)
    if covariances is not None:
        if weights is not None:
            raise GeometryError("points are fitted with weights or with covariances, not with both")
        if covariances.shape != (len(points), 2, 2):
            raise GeometryError(
                f"{len(points)} points need as many covariances of 2 x 2, got {covariances.shape}"
            )
        return _inverted(covariances, present)
    weights = np.ones(len(points)) if weights is None else weights
    if weights.shape != (len(points),):
        raise GeometryError(f"{len(points)} points need as many weights, got {weights.shape}")
    # What an absent point would have weighed does not matter.
    weights = np.where(present, weights, 0.0)
    if not (np.isfinite(weights).all() and (weights >= 0.0).all()):
        raise GeometryError("a weight is finite and not negative")
    return weights[:, None, None] * np.eye(2)


def shares(precision: Float[ndarray, "k 2 2"]) -> Float[ndarray, " k"]:
    """Return how much of each point counts, against the median point; 1 at most.

    Example:
        >>> shares(np.array([8.0, 4.0, 1.0, 0.0])[:, None, None] * np.eye(2)).tolist()
        [1.0, 1.0, 0.25, 0.0]
    """
    weights = np.trace(precision, axis1=1, axis2=2)
    there = weights > 0.0
    if not there.any():
        return weights
    return np.minimum(weights / np.median(weights[there]), 1.0)


def prior_push(precision: Float[ndarray, "k 2 2"], noise: float) -> float:
    """Return how much the scores are held to the mean, where a point is left out; else 0.

    In the units of a fit whose metric has trace 1; ``noise`` is the variance of what the modes do
    not explain, of a point of median weight.
    """
    weights = np.trace(precision, axis1=1, axis2=2)
    there = weights > 0.0
    if there.all() or not there.any():
        return 0.0
    return noise * float(np.median(weights[there]) / (2.0 * weights.sum()))


def _inverted(covariances: Float[ndarray, "k 2 2"], present: ndarray) -> Float[ndarray, "k 2 2"]:
    usable = np.where(present[:, None, None], covariances, np.eye(2))
    even = (usable + np.swapaxes(usable, 1, 2)) / 2.0
    if not np.isfinite(even).all() or (np.linalg.eigvalsh(even) <= 0.0).any():
        raise GeometryError(
            "a covariance is finite, with positive variance in every direction, where the point "
            "is present"
        )
    return np.where(present[:, None, None], np.linalg.inv(even), 0.0)
