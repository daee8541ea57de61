"""Quantiles of held-out scores that promise something of a new subject."""

from math import ceil

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.errors import GeometryError

_ROUNDING = 1e-9


def subjects_needed(level: float) -> int:
    """How many held-out subjects an interval of ``level`` needs at least.

    Raises:
        GeometryError: the level is not between 0 and 1.

    Source:
        Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005: of n + 1
        exchangeable scores the largest is the new one's with probability 1 / (n + 1).

    Example:
        >>> [subjects_needed(level) for level in (0.5, 0.8, 0.9, 0.95)]
        [1, 4, 9, 19]
    """
    if not 0.0 < level < 1.0:
        raise GeometryError(f"the level of an interval is between 0 and 1, got {level}")
    return max(1, ceil(level / (1.0 - level) - _ROUNDING))


def subject_weights(owners: Int[ndarray, " image"]) -> Float[ndarray, " image"]:
    """Weight of each image: every subject counts as much as the new one, shared by its images.

    With S subjects the weights sum to S / (S + 1); the rest is the new subject's.

    Args:
        owners: number of each image's subject, any numbers.

    Source:
        Lee, Barber and Willett, Distribution-free inference with hierarchical data, 2023
        (arXiv 2306.06342), section 3.1.

    Example:
        >>> subject_weights(np.array([0, 0, 1])).round(3).tolist()
        [0.167, 0.167, 0.333]
    """
    _, own, images = np.unique(owners, return_inverse=True, return_counts=True)
    return 1.0 / (images[own] * (len(images) + 1.0))


def conformal_quantile(
    scores: Float[ndarray, " image"], weights: Float[ndarray, " image"], level: float
) -> float | None:
    """Smallest score that the new one is at most with probability ``level``; None: no bound.

    Args:
        scores: of held-out images.
        weights: as :func:`subject_weights` gives them.
        level: between 0 and 1.

    Example:
        >>> scores = np.arange(1.0, 10.0)
        >>> weights = subject_weights(np.arange(9))
        >>> conformal_quantile(scores, weights, 0.9), conformal_quantile(scores, weights, 0.95)
        (9.0, None)
    """
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(weights[order]) >= level - _ROUNDING
    if not reached.any():
        return None
    return float(scores[order[int(reached.argmax())]])


def attained_level(
    score: Float[ndarray, " new"],
    scores: Float[ndarray, " image"],
    weights: Float[ndarray, " image"],
) -> Float[ndarray, " new"]:
    """Level above which the bound of :func:`conformal_quantile` holds a new score.

    A bound of ``level`` holds it where this is less than the level. Uniform in (0, 1) but for the
    steps of one over as many subjects, if all is well; NaN where the score is NaN.

    Example:
        >>> scores, weights = np.arange(1.0, 10.0), subject_weights(np.arange(9))
        >>> attained_level(np.array([0.5, 8.5, 9.0, 20.0]), scores, weights).round(2).tolist()
        [0.0, 0.8, 0.8, 0.9]
    """
    order = np.argsort(scores, kind="stable")
    reached = np.concatenate([[0.0], np.cumsum(weights[order])])
    below = np.searchsorted(scores[order], score, side="left")
    return np.where(np.isnan(score), np.nan, reached[below])


def holds(attained: Float[ndarray, " truth"], level: float) -> Bool[ndarray, " truth"]:
    """Whether a bound of ``level`` holds what :func:`attained_level` was told of.

    Example:
        >>> holds(np.array([0.8, 0.9]), 0.9).tolist()
        [True, False]
    """
    return attained < level - _ROUNDING
