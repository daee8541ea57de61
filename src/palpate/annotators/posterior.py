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
    """The truth of every image for one landmark, and what its annotators' errors were.

    Where nobody marked the landmark, mean and covariance are 0 and count for nothing.

    Args:
        mean: of the truth.
        covariance: of the truth.
        wild: probability that a point is a wild one; 0 where there is none.
        any_wild: probability that one of the image's points is.
        share: expected precision of a point, in that of its annotator: 1, or less if it is wild.
        weight: share of a point in the truth, the trace of its part in the weighted mean over d.
        offset: expected error of a point (its own bias included), weighted by ``share``.
        scatter: expected outer product of its error without the bias, weighted by ``share``.
        log_likelihood: of all contrasts between annotators, up to a constant.
    """

    mean: Float[ndarray, "image d"]
    covariance: Float[ndarray, "image d d"]
    wild: Float[ndarray, "image annotator"]
    any_wild: Float[ndarray, " image"]
    share: Float[ndarray, "image annotator"]
    weight: Float[ndarray, "image annotator"]
    offset: Float[ndarray, "image annotator d"]
    scatter: Float[ndarray, "image annotator d d"]
    log_likelihood: float


def posterior(
    marked: Float[ndarray, "image annotator d"],
    given: Bool[ndarray, "image annotator"],
    bias: Float[ndarray, "annotator d"],
    covariance: Float[ndarray, "annotator d d"],
    rate: float,
) -> Posterior:
    """Return the posterior of the truth of one landmark in every image.

    Args:
        marked: the points; what stands where there is none does not matter, but is finite.
        given: which points there are.
        bias: of each annotator.
        covariance: of each annotator's error, positive definite.
        rate: probability that a point is wild; 0 takes all as usual ones.
    """
    errors = np.where(given[..., None], marked - bias, 0.0)
    patterns = _patterns(given.shape[1]) if rate > 0 else np.zeros((1, given.shape[1]), bool)
    share = np.where(patterns, 1.0 / WILD, 1.0)
    here = given.astype(float)
    part = np.einsum("pa,ia,auv->piauv", share, here, np.linalg.inv(covariance))
    mean, within, log = _given_pattern(errors, part)
    log = log + _determinants(patterns, here, covariance) + _prior(patterns, given, rate)
    highest = log.max(axis=0)
    chance = np.exp(log - highest)
    evidence = chance.sum(axis=0)
    chance = chance / evidence
    centre = np.einsum("pi,piu->iu", chance, mean)
    apart = mean - centre
    spread = within + np.einsum("piu,piv->piuv", apart, apart)
    left = errors[None] - mean[:, :, None]
    used = np.einsum("pi,pa,ia->pia", chance, share, here)
    count = here.sum(axis=1)
    weights = np.einsum("piuv,piavu->pia", within, part) / marked.shape[2]
    return Posterior(
        mean=np.where((count > 0)[:, None], centre, 0.0),
        covariance=np.where(
            (count > 0)[:, None, None], np.einsum("pi,piuv->iuv", chance, spread), 0.0
        ),
        wild=np.einsum("pi,pa->ia", chance, patterns.astype(float)) * here,
        any_wild=np.einsum("pi,p->i", chance, patterns.any(axis=1).astype(float)),
        share=used.sum(axis=0),
        weight=np.einsum("pi,pia->ia", chance, weights),
        offset=np.einsum("pia,piau->iau", used, left + bias),
        scatter=np.einsum("pia,piau,piav->iauv", used, left, left)
        + np.einsum("pia,piuv->iauv", used, within),
        log_likelihood=float((highest + np.log(evidence))[count > 1].sum()),
    )


def _given_pattern(
    errors: Float[ndarray, "image annotator d"],
    part: Float[ndarray, "pattern image annotator d d"],
) -> tuple[
    Float[ndarray, "pattern image d"],
    Float[ndarray, "pattern image d d"],
    Float[ndarray, "pattern image"],
]:
    """Mean and covariance of the truth if a pattern holds, and the log density of the points.

    ``part`` is the precision of each point; the density is without the determinants of those.
    """
    total = part.sum(axis=2)
    nobody = ~(np.abs(total[0]).sum(axis=(1, 2)) > 0)
    safe = np.where(nobody[:, None, None], np.eye(total.shape[2]), total)
    within = np.linalg.inv(safe)
    mean = np.einsum("piuv,piavw,iaw->piu", within, part, errors)
    left = errors[None] - mean[:, :, None]
    squared = np.einsum("piau,piauv,piav->pi", left, part, left)
    return mean, within, np.asarray(-0.5 * (np.linalg.slogdet(safe)[1] + squared))


def _determinants(
    patterns: Bool[ndarray, "pattern annotator"],
    here: Float[ndarray, "image annotator"],
    covariance: Float[ndarray, "annotator d d"],
) -> Float[ndarray, "pattern image"]:
    """Half the log determinants of the points' precisions."""
    usual = here @ np.linalg.slogdet(covariance)[1]
    wild = patterns.astype(float) @ here.T
    return np.asarray(-0.5 * (usual + covariance.shape[1] * np.log(WILD) * wild))


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
    given: Bool[ndarray, "image annotator"],
    rate: float,
) -> Float[ndarray, "pattern image"]:
    """Log probability of each pattern; none for those that an image cannot have."""
    if rate <= 0:
        return np.zeros((len(patterns), len(given)))
    wild = patterns.sum(axis=1)[:, None]
    here = given.sum(axis=1)[None]
    # A wild point must be there, and no more than half of the points can be wild.
    absent = patterns.astype(float) @ (~given).T.astype(float) > 0
    impossible = absent | (wild > here // 2)
    log = wild * np.log(rate) + (here - wild) * np.log1p(-rate)
    return np.where(impossible, -np.inf, log)
