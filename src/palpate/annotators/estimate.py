"""How each annotator errs at each landmark, by expectation and maximisation over all images.

What identifies what: points alone tell how annotators differ, never how all of them are off
together. So the biases of annotators who share images sum to zero; of two annotators only the
covariance of their difference is known, which is shared equally between them; with three or more
each covariance has its own evidence. Few images say little, so covariances are drawn towards that
of the landmark (as ``PRIOR_IMAGES`` more images would), and that towards the mean of all
landmarks (as ``POOL_IMAGES`` more points would): the mode under an inverse-Wishart prior.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from palpate.annotators.marks import Marks
from palpate.annotators.posterior import Posterior, posterior

# In images: how much the prior weighs, of a covariance, of a landmark's and of a bias.
PRIOR_IMAGES, POOL_IMAGES, BIAS_IMAGES = 10.0, 3.0, 1.0
# Beforehand one point in a hundred is wild, as surely as a hundred points would say it.
_RATE, _RATE_POINTS, _HIGHEST_RATE = 0.01, 100.0, 0.2
# Until the spread is roughly known, nothing is wild.
_ROUNDS_OF_ALL, _MOST_ROUNDS = 5, 300
# Rounds end where the log likelihood changes by less than this, times the points.
_SETTLED = 1e-7
# Of the spread of all points: annotators who click the same pixel are still no better than this.
_FINEST = 1e-10


@dataclass(frozen=True, eq=False, slots=True)
class Errors:
    """How annotators err.

    Args:
        bias: px; of annotators who share images, they sum to zero at every landmark.
        covariance: px squared, without the bias.
        rate: share of the points that are wild.
    """

    bias: Float[ndarray, "annotator landmark d"]
    covariance: Float[ndarray, "annotator landmark d d"]
    rate: float


def estimate_errors(marks: Marks) -> tuple[Errors, list[Posterior]]:
    """Estimate the annotators' errors and, with them, the truth: one posterior a landmark.

    Source:
        Warfield, Zou and Wells, "Validation of image segmentation by estimating rater bias and
        variance", Phil. Trans. R. Soc. A 366:2361-2375, 2008, here with a covariance at each
        landmark, wild points and priors.
    """
    given = marks.given
    marked = np.where(given[..., None], marks.coordinates, 0.0)
    shared = given & (given.sum(axis=1, keepdims=True) > 1)
    groups = [groups_of(given[:, :, k]) for k in range(given.shape[2])]
    errors = _beginning(marked, given, shared)
    before = -np.inf
    for turn in range(_MOST_ROUNDS):
        truth = _truths(marked, given, errors)
        likelihood = sum(each.log_likelihood for each in truth)
        if turn > _ROUNDS_OF_ALL and abs(likelihood - before) < _SETTLED * shared.sum():
            break
        before = likelihood
        rate = 0.0 if turn < _ROUNDS_OF_ALL else _rate(truth, shared)
        errors = Errors(
            _biases(truth, shared, groups),
            _covariances(truth, shared, groups, errors.covariance, _finest(marks)),
            rate,
        )
    return errors, _truths(marked, given, errors)


def groups_of(given: Bool[ndarray, "image annotator"]) -> list[list[int]]:
    """Annotators of one landmark who can be compared, directly or through others.

    Example:
        >>> both = np.array([[True, True, False], [False, False, True]])
        >>> groups_of(both)
        [[0, 1], [2]]
    """
    count = given.shape[1]
    pairs = [(a, b) for a, b in combinations(range(count), 2) if (given[:, a] & given[:, b]).any()]
    graph = csr_array(
        (np.ones(len(pairs)), ([a for a, _ in pairs], [b for _, b in pairs])),
        shape=(count, count),
    )
    number, label = connected_components(graph, directed=False)
    return [np.flatnonzero(label == group).tolist() for group in range(number)]


def _truths(
    marked: Float[ndarray, "image annotator landmark d"],
    given: Bool[ndarray, "image annotator landmark"],
    errors: Errors,
) -> list[Posterior]:
    return [
        posterior(
            marked[:, :, k], given[:, :, k], errors.bias[:, k], errors.covariance[:, k], errors.rate
        )
        for k in range(given.shape[2])
    ]


def _beginning(
    marked: Float[ndarray, "image annotator landmark d"],
    given: Bool[ndarray, "image annotator landmark"],
    shared: Bool[ndarray, "image annotator landmark"],
) -> Errors:
    """Nobody biased, all alike: the spread about the annotators' mean."""
    axes = marked.shape[3]
    count = np.maximum(given.sum(axis=1, keepdims=True), 1)[..., None]
    apart = (marked - marked.sum(axis=1, keepdims=True) / count)[shared]
    spread = np.einsum("nu,nv->uv", apart, apart) / len(apart)
    spread = spread + max(float(np.trace(spread)), 1e-6) * 1e-6 * np.eye(axes)
    shape = marked.shape[1:3]
    return Errors(np.zeros((*shape, axes)), np.broadcast_to(spread, (*shape, axes, axes)), 0.0)


def _finest(marks: Marks) -> Float[ndarray, "d d"]:
    """The covariance below which no annotator is taken to be; it moves with the points."""
    points = marks.coordinates[marks.given]
    axes = points.shape[1]
    spread = np.atleast_2d(np.cov(points, rowvar=False))
    return np.asarray(_FINEST * spread + 1e-12 * np.eye(axes))


def _covariances(
    truth: Sequence[Posterior],
    shared: Bool[ndarray, "image annotator landmark"],
    groups: Sequence[list[list[int]]],
    before: Float[ndarray, "annotator landmark d d"],
    finest: Float[ndarray, "d d"],
) -> Float[ndarray, "annotator landmark d d"]:
    """Every annotator's scatter about the truth, drawn towards what is usual at the landmark.

    What is usual is the harmonic mean of the annotators' covariances, the mode of the scale of an
    inverse-Wishart prior that they share: one who scatters far does not spoil it.
    """
    scatter = np.stack(
        [np.einsum("ia,iauv->auv", shared[:, :, k], t.scatter) for k, t in enumerate(truth)], axis=1
    )
    seen = shared.sum(axis=0)
    # Every bias costs a degree of freedom, less what of it went into the truth.
    weight = np.stack([_mean(t.weight, shared[:, :, k]) for k, t in enumerate(truth)], axis=1)
    freedom = np.where(seen > 0, np.maximum(seen - 1.0 + weight, 0.0), 0.0)
    somebody = (seen > 0).any(axis=0)
    precision = np.where((seen > 0)[..., None, None], np.linalg.inv(before), 0.0).sum(axis=0)
    count = np.maximum((seen > 0).sum(axis=0), 1)[:, None, None]
    safe = np.where(somebody[:, None, None], precision / count, np.eye(len(finest)))
    usual = np.linalg.inv(safe)
    of_all = usual[somebody].mean(axis=0) + finest
    much = np.where(somebody, freedom.sum(axis=0), 0.0)[:, None, None]
    landmark = (much * usual + POOL_IMAGES * of_all) / (much + POOL_IMAGES)
    covariance = (scatter + PRIOR_IMAGES * landmark) / (freedom + PRIOR_IMAGES)[..., None, None]
    for k, several in enumerate(groups):
        for group in several:
            if len(group) == 2:  # only the covariance of their difference is known
                covariance[group, k] = covariance[group, k].mean(axis=0)
    return np.asarray(covariance)


def _biases(
    truth: Sequence[Posterior],
    shared: Bool[ndarray, "image annotator landmark"],
    groups: Sequence[list[list[int]]],
) -> Float[ndarray, "annotator landmark d"]:
    """Mean offsets from the truth; of annotators who share images they sum to zero."""
    bias = np.stack([_bias(t, shared[:, :, k]) for k, t in enumerate(truth)], axis=1)
    for k, several in enumerate(groups):
        for group in several:
            bias[group, k] -= bias[group, k].mean(axis=0)
    return bias


def _rate(truth: Sequence[Posterior], shared: Bool[ndarray, "image annotator landmark"]) -> float:
    wild = sum(float(t.wild[shared[:, :, k]].sum()) for k, t in enumerate(truth))
    rate = (wild + _RATE * _RATE_POINTS) / (float(shared.sum()) + _RATE_POINTS)
    return min(rate, _HIGHEST_RATE)


def _bias(
    truth: Posterior, shared: Bool[ndarray, "image annotator"]
) -> Float[ndarray, "annotator d"]:
    offset = np.where(shared[..., None], truth.offset, 0.0).sum(axis=0)
    share = np.where(shared, truth.share, 0.0).sum(axis=0)
    return np.asarray(offset / (share + BIAS_IMAGES)[:, None])


def _mean(
    values: Float[ndarray, "image annotator"], where: Bool[ndarray, "image annotator"]
) -> Float[ndarray, " annotator"]:
    return np.asarray(np.where(where, values, 0.0).sum(axis=0) / np.maximum(where.sum(axis=0), 1))
