"""Where the truth lies, given how each annotator errs: any of the points may be a wild one.

The truth t of a landmark in an image has a flat prior. Annotator a marks it at t + b_a + e, where
e is normal with covariance S_a or, with a small probability, ``WILD`` times as wide. Which points
are wild is not known, so the posterior of t is a mixture over all patterns of wild points; at
most half of the points of an image may be wild, else nobody is left to tell them by.

Two points far apart are a mixture of 'the one is wild' and 'the other is': the mean lies between
them and the covariance says that it may be at either. That is what two annotators can tell.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

# A wild point scatters ten times as far as its annotator usually does.
WILD = 100.0
# Of more annotators than this, at most two points of an image are taken as wild: the number of
# patterns grows as two to the number of annotators.
_MANY = 8


@dataclass(frozen=True, eq=False, slots=True)
class Posterior:
    """The truth of every image and landmark, and what the annotators' errors were.

    Where nobody marked the landmark, mean and covariance are 0 and count for nothing.

    Args:
        mean: of the truth.
        covariance: of the truth.
        wild: probability that a point is a wild one; 0 where there is none.
        any_wild: probability that one of a landmark's points in an image is.
        share: expected precision of a point, in that of its annotator: 1, or less if it is wild.
        weight: share of a point in the truth, the trace of its part in the weighted mean over d.
        offset: expected error of a point (its own bias included), weighted by ``share``.
        scatter: expected outer product of its error without the bias, weighted by ``share``.
        log_likelihood: of all contrasts between annotators, up to a constant.
    """

    mean: Float[ndarray, "image landmark d"]
    covariance: Float[ndarray, "image landmark d d"]
    wild: Float[ndarray, "image landmark annotator"]
    any_wild: Float[ndarray, "image landmark"]
    share: Float[ndarray, "image landmark annotator"]
    weight: Float[ndarray, "image landmark annotator"]
    offset: Float[ndarray, "image landmark annotator d"]
    scatter: Float[ndarray, "image landmark annotator d d"]
    log_likelihood: float


def posterior(
    marked: Float[ndarray, "image landmark annotator d"],
    given: Bool[ndarray, "image landmark annotator"],
    bias: Float[ndarray, "landmark annotator d"],
    covariance: Float[ndarray, "landmark annotator d d"],
    rate: float,
) -> Posterior:
    """Return the posterior of the truth of every landmark in every image.

    Args:
        marked: the points; what stands where there is none does not matter, but is finite.
        given: which points there are.
        bias: of each annotator at each landmark.
        covariance: of each annotator's error, positive definite.
        rate: probability that a point is wild; 0 takes all as usual ones.
    """
    here = given.astype(float)
    errors = (marked - bias) * here[..., None]
    patterns = _patterns(given.shape[2]) if rate > 0 else np.zeros((1, given.shape[2]), bool)
    share = np.where(patterns, 1.0 / WILD, 1.0)
    part = np.einsum("pa,ika,kauv->pikauv", share, here, np.linalg.inv(covariance))
    mean, within, log = _given_pattern(errors, part)
    log = log + _determinants(patterns, here, covariance) + _prior(patterns, given, rate)
    highest = log.max(axis=0)
    chance = np.exp(log - highest)
    evidence = chance.sum(axis=0)
    chance = chance / evidence
    centre = (chance[..., None] * mean).sum(axis=0)
    apart = mean - centre
    spread = within + apart[..., None] * apart[..., None, :]
    left = errors - mean[:, :, :, None]
    used = chance[..., None] * share[:, None, None] * here
    outer = left[..., None] * left[..., None, :] + within[:, :, :, None]
    count = here.sum(axis=2)
    somebody = count > 0
    weights = np.einsum("pikuv,pikavu->pika", within, part) / marked.shape[3]
    return Posterior(
        mean=np.where(somebody[..., None], centre, 0.0),
        covariance=np.where(
            somebody[..., None, None], (chance[..., None, None] * spread).sum(axis=0), 0.0
        ),
        wild=np.einsum("pik,pa->ika", chance, patterns.astype(float)) * here,
        any_wild=np.einsum("pik,p->ik", chance, patterns.any(axis=1).astype(float)),
        share=used.sum(axis=0),
        weight=(chance[..., None] * weights).sum(axis=0),
        offset=(used[..., None] * (left + bias)).sum(axis=0),
        scatter=(used[..., None, None] * outer).sum(axis=0),
        log_likelihood=float((highest + np.log(evidence))[count > 1].sum()),
    )


def _given_pattern(
    errors: Float[ndarray, "image landmark annotator d"],
    part: Float[ndarray, "pattern image landmark annotator d d"],
) -> tuple[
    Float[ndarray, "pattern image landmark d"],
    Float[ndarray, "pattern image landmark d d"],
    Float[ndarray, "pattern image landmark"],
]:
    """Mean and covariance of the truth if a pattern holds, and the log density of the points.

    ``part`` is the precision of each point; the density is without the determinants of those.
    """
    total = part.sum(axis=3)
    nobody = ~(np.abs(total).sum(axis=(3, 4), keepdims=True) > 0)
    safe = np.where(nobody, np.eye(total.shape[3]), total)
    within = np.linalg.inv(safe)
    pull = np.einsum("pikavw,ikaw->pikv", part, errors)
    mean = np.einsum("pikuv,pikv->piku", within, pull)
    left = errors - mean[:, :, :, None]
    squared = np.einsum("pikau,pikauv,pikav->pik", left, part, left)
    return mean, within, np.asarray(-0.5 * (np.linalg.slogdet(safe)[1] + squared))


def _determinants(
    patterns: Bool[ndarray, "pattern annotator"],
    here: Float[ndarray, "image landmark annotator"],
    covariance: Float[ndarray, "landmark annotator d d"],
) -> Float[ndarray, "pattern image landmark"]:
    """Half the log determinants of the points' precisions."""
    usual = (here * np.linalg.slogdet(covariance)[1]).sum(axis=2)
    wild = np.einsum("pa,ika->pik", patterns.astype(float), here)
    return np.asarray(-0.5 * (usual + covariance.shape[2] * np.log(WILD) * wild))


def _patterns(annotators: int) -> Bool[ndarray, "pattern annotator"]:
    """Which points are wild: none, one, ..., half of them."""
    most = annotators // 2 if annotators <= _MANY else 2
    rows = [
        np.isin(np.arange(annotators), chosen)
        for count in range(most + 1)
        for chosen in combinations(range(annotators), count)
    ]
    return np.stack(rows)


def _prior(
    patterns: Bool[ndarray, "pattern annotator"],
    given: Bool[ndarray, "image landmark annotator"],
    rate: float,
) -> Float[ndarray, "pattern image landmark"]:
    """Log probability of each pattern; none for those that an image cannot have."""
    if rate <= 0:
        return np.zeros((len(patterns), *given.shape[:2]))
    wild = patterns.sum(axis=1)[:, None, None]
    here = given.sum(axis=2)
    # A wild point must be there, and no more than half of the points can be wild.
    there = np.einsum("pa,ika->pik", patterns.astype(float), given.astype(float))
    possible = (there == wild) & (wild <= here // 2)
    log = wild * np.log(rate) + (here - wild) * np.log1p(-rate)
    return np.where(possible, log, -np.inf)
