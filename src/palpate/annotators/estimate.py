"""How each annotator errs at each landmark, by expectation and maximisation over all images.

What identifies what: points alone tell how annotators differ, never how all of them are off
together. So the biases of annotators who share images sum to zero; of two annotators only the
covariance of their difference is known, which is shared equally between them; with three or more
each covariance has its own evidence. Few images say little, so covariances are drawn towards that
of the landmark (as ``PRIOR_IMAGES`` more images would), and that towards the mean of all
landmarks (as ``POOL_IMAGES`` more points would): the mode under an inverse-Wishart prior.
"""

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
_ROUNDS_OF_ALL, _MOST_ROUNDS = 5, 200
# Rounds end where the log likelihood changes by less than this, times the points.
_SETTLED = 1e-6
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

    bias: Float[ndarray, "landmark annotator d"]
    covariance: Float[ndarray, "landmark annotator d d"]
    rate: float


@dataclass(frozen=True, eq=False, slots=True)
class _Given:
    """What there is: points (0 where there is none), and which of them another one is beside."""

    marked: Float[ndarray, "image landmark annotator d"]
    given: Bool[ndarray, "image landmark annotator"]
    shared: Bool[ndarray, "image landmark annotator"]
    groups: list[list[list[int]]]
    finest: Float[ndarray, "d d"]

    @classmethod
    def of(cls, marks: Marks) -> "_Given":
        given = np.asarray(marks.given.transpose(0, 2, 1))
        marked = marks.coordinates.transpose(0, 2, 1, 3)
        axes = marked.shape[3]
        spread = np.atleast_2d(np.cov(marked[given], rowvar=False))
        return cls(
            np.where(given[..., None], marked, 0.0),
            given,
            given & (given.sum(axis=2, keepdims=True) > 1),
            [groups_of(given[:, k]) for k in range(given.shape[1])],
            # Moves with the points, as all else does.
            np.asarray(_FINEST * spread + 1e-12 * np.eye(axes)),
        )

    def truth(self, errors: Errors) -> Posterior:
        return posterior(self.marked, self.given, errors.bias, errors.covariance, errors.rate)


def estimate_errors(marks: Marks) -> tuple[Errors, Posterior]:
    """Estimate the annotators' errors and, with them, the truth.

    Source:
        Warfield, Zou and Wells, "Validation of image segmentation by estimating rater bias and
        variance", Phil. Trans. R. Soc. A 366:2361-2375, 2008, here with a covariance at each
        landmark, wild points and priors.
    """
    there = _Given.of(marks)
    errors = _beginning(there)
    before = -np.inf
    for turn in range(_MOST_ROUNDS):
        truth = there.truth(errors)
        change = abs(truth.log_likelihood - before)
        if turn > _ROUNDS_OF_ALL and change < _SETTLED * there.shared.sum():
            break
        before = truth.log_likelihood
        errors = Errors(
            _biases(truth, there),
            _covariances(truth, there, errors.covariance),
            0.0 if turn < _ROUNDS_OF_ALL else _rate(truth, there.shared),
        )
    return errors, there.truth(errors)


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


def _beginning(there: _Given) -> Errors:
    """Nobody biased, all alike: the spread about the annotators' mean."""
    marked, given = there.marked, there.given
    count = np.maximum(given.sum(axis=2, keepdims=True), 1)[..., None]
    apart = (marked - marked.sum(axis=2, keepdims=True) / count)[there.shared]
    spread = np.einsum("nu,nv->uv", apart, apart) / len(apart) + there.finest
    shape, axes = marked.shape[1:3], marked.shape[3]
    return Errors(np.zeros((*shape, axes)), np.broadcast_to(spread, (*shape, axes, axes)), 0.0)


def _covariances(
    truth: Posterior, there: _Given, before: Float[ndarray, "landmark annotator d d"]
) -> Float[ndarray, "landmark annotator d d"]:
    """Every annotator's scatter about the truth, drawn towards what is usual at the landmark.

    What is usual is the harmonic mean of the annotators' covariances, the mode of the scale of an
    inverse-Wishart prior that they share: one who scatters far does not spoil it.
    """
    scatter = np.einsum("ika,ikauv->kauv", there.shared, truth.scatter)
    seen = there.shared.sum(axis=0)
    known = seen > 0
    # Every bias costs a degree of freedom, less what of it went into the truth.
    weight = (truth.weight * there.shared).sum(axis=0) / np.maximum(seen, 1)
    freedom = np.where(known, np.maximum(seen - 1.0 + weight, 0.0), 0.0)
    somebody = known.sum(axis=1) > 0
    precision = np.where(known[..., None, None], np.linalg.inv(before), 0.0).sum(axis=1)
    mean = precision / np.maximum(known.sum(axis=1), 1)[:, None, None]
    usual = np.linalg.inv(np.where(somebody[:, None, None], mean, np.eye(mean.shape[1])))
    of_all = usual[somebody].mean(axis=0) + there.finest
    much = freedom.sum(axis=1)[:, None, None]
    landmark = (much * usual + POOL_IMAGES * of_all) / (much + POOL_IMAGES)
    drawn = scatter + PRIOR_IMAGES * landmark[:, None]
    covariance = np.asarray(drawn / (freedom + PRIOR_IMAGES)[..., None, None])
    for k, several in enumerate(there.groups):
        for group in several:
            if len(group) == 2:  # only the covariance of their difference is known
                covariance[k, group] = covariance[k, group].mean(axis=0)
    return covariance


def _biases(truth: Posterior, there: _Given) -> Float[ndarray, "landmark annotator d"]:
    """Mean offsets from the truth; of annotators who share images they sum to zero."""
    offset = (truth.offset * there.shared[..., None]).sum(axis=0)
    share = (truth.share * there.shared).sum(axis=0)
    bias = np.asarray(offset / (share + BIAS_IMAGES)[..., None])
    for k, several in enumerate(there.groups):
        for group in several:
            bias[k, group] -= bias[k, group].mean(axis=0)
    return bias


def _rate(truth: Posterior, shared: Bool[ndarray, "image landmark annotator"]) -> float:
    wild = float(truth.wild[shared].sum())
    rate = (wild + _RATE * _RATE_POINTS) / (float(shared.sum()) + _RATE_POINTS)
    return min(rate, _HIGHEST_RATE)
