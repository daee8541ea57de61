"""Usual scatters and heavy tails, from sets that hold a few gross errors."""

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.optimize import brentq

# Degrees of freedom of the t distribution that a scatter is fitted by; as many images as this
# weigh a landmark's own scatter and that of all landmarks equally.
_HEAVY, _OF_ALL, _ROUNDS = 3.0, 3.0, 10
# Of a squared Gaussian distance in two dimensions.
MEDIAN_2D = 2.0 * np.log(2.0)
# Tails between those of a Cauchy distribution and those that nobody tells from a Gaussian's.
_HEAVIEST, _LIGHTEST = 1.0, 200.0
_LEAST = 1e-12

Offsets = Float[ndarray, "image landmark 2"]
Scatters = Float[ndarray, "landmark 2 2"]
Squares = Float[ndarray, "image landmark"]


def known(offsets: Float[ndarray, "*n 2"]) -> Bool[ndarray, "*n"]:
    """Which offsets are there."""
    return ~np.isnan(offsets).any(axis=-1)


def medians(values: Float[ndarray, "..."], axis: int) -> Float[ndarray, "..."]:
    """Median of what is there; NaN where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of nothing: NaN is what is wanted
        return np.asarray(np.nanmedian(values, axis=axis))


def centred(offsets: Offsets, *, fewest: int = 5) -> Offsets:
    """Take the median of each landmark out, where so many images tell it."""
    there = known(offsets)
    filled = np.where(there[..., None], offsets, np.nan)
    told = there.sum(axis=0) >= fewest
    middle = np.zeros(offsets.shape[1:])
    if told.any():
        middle[told] = np.nanmedian(filled[:, told], axis=0)
    return np.asarray(filled - middle)


def usual_scatter(offsets: Offsets) -> Scatters:
    """Return the scatter matrix of each landmark about zero, which gross errors move little.

    That of a t distribution with 3 degrees of freedom, drawn towards the round scatter of all
    landmarks, and brought to a size at which half of the offsets lie within a Gaussian's median.

    Args:
        offsets: (image, landmark, 2); NaN where absent.

    Source:
        Lange, Little and Taylor, J. Am. Stat. Assoc. 84(408):881-896, 1989.

    Example:
        >>> offsets = np.random.default_rng(0).normal(size=(400, 1, 2)) * (3.0, 1.0)
        >>> offsets[:20] = 100.0
        >>> bool(abs(usual_scatter(offsets)[0, 0, 0] - 9.0) < 2.0)
        True
    """
    there = known(offsets)
    given = np.where(there[..., None], offsets, 0.0)
    square = (given**2).sum(axis=2)
    if not there.any():
        return np.broadcast_to(_LEAST * np.eye(2), (offsets.shape[1], 2, 2)).copy()
    of_all = float(np.median(square[there])) / MEDIAN_2D
    least = (0.01 * float(np.sqrt(square[there]).mean())) ** 2
    prior = max(of_all, least, _LEAST) * np.eye(2)
    scatter = np.broadcast_to(prior, (offsets.shape[1], 2, 2)).copy()
    for _ in range(_ROUNDS):
        weight = there * (2.0 + _HEAVY) / (_HEAVY + squared(given, scatter))
        total = np.einsum("nk,nki,nkj->kij", weight, given, given) + _OF_ALL * prior
        scatter = total / (there.sum(axis=0) + _OF_ALL)[:, None, None]
    return scatter * _to_median(squared(offsets, scatter))[:, None, None]


def _to_median(distances: Squares) -> Float[ndarray, " landmark"]:
    """What brings the median squared distance of each landmark to that of a Gaussian."""
    there = ~np.isnan(distances)
    if not there.any():
        return np.ones(distances.shape[1])
    of_all = float(np.median(distances[there])) / MEDIAN_2D
    factor = np.full(distances.shape[1], of_all)
    for k in np.flatnonzero(there.any(axis=0)):
        count = int(there[:, k].sum())
        own = float(np.median(distances[there[:, k], k])) / MEDIAN_2D
        factor[k] = (count * own + _OF_ALL * of_all) / (count + _OF_ALL)
    return np.maximum(factor, _LEAST)


def squared(
    offsets: Float[ndarray, "image landmark 2"], scatter: Float[ndarray, "*n 2 2"]
) -> Squares:
    """Return squared Mahalanobis distances; scatters of landmarks, or of every single offset."""
    inverse = np.linalg.inv(scatter)
    return np.einsum("...i,...ij,...j->...", offsets, inverse, offsets)


def levelled(distances: Squares) -> Squares:
    """Bring the median of each landmark's squared distances to that of a Gaussian."""
    return distances / _to_median(distances)


@dataclass(frozen=True, slots=True)
class Tail:
    """How far clean labels go: a t distribution in two dimensions.

    Args:
        square: squared distance that is one scale.
        freedom: degrees of freedom; 200 stands for a Gaussian.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> clean = rng.chisquare(2.0, size=(500, 10))
        >>> tail = Tail.of(clean)
        >>> bool(0.005 < (tail.chance(clean) < 0.01).mean() < 0.015)
        True
    """

    square: float
    freedom: float

    @classmethod
    def of(cls, distances: Squares) -> "Tail":
        """Fit to the nearer nine tenths, so that gross errors do not tell what is usual."""
        values = distances[~np.isnan(distances)]
        if not len(values):
            return cls(1.0, _LIGHTEST)
        half, most = (max(float(q), _LEAST) for q in np.quantile(values, (0.5, 0.9)))
        ratio = most / half

        def excess(freedom: float) -> float:
            return float(_quantile(0.1, freedom) / _quantile(0.5, freedom)) - ratio

        if excess(_LIGHTEST) >= 0.0:
            freedom = _LIGHTEST
        elif excess(_HEAVIEST) <= 0.0:
            freedom = _HEAVIEST
        else:
            freedom = float(brentq(excess, _HEAVIEST, _LIGHTEST))
        return cls(half / _quantile(0.5, freedom), freedom)

    def surprise(self, distances: Float[ndarray, "*n"]) -> Float[ndarray, "*n"]:
        """Return -log10 of the chance that a clean label lies at least so far off.

        In two dimensions that chance is (1 + d2 / freedom) ** (-freedom / 2).
        """
        return np.asarray(
            self.freedom / 2.0 * np.log1p(distances / self.square / self.freedom) / np.log(10.0)
        )

    def chance(self, distances: Float[ndarray, "*n"]) -> Float[ndarray, "*n"]:
        """Return that chance."""
        return np.asarray(10.0 ** -self.surprise(distances))


def _quantile(beyond: float, freedom: float) -> float:
    """Squared distance of which a share lies beyond, at scale one."""
    return float(freedom * (beyond ** (-2.0 / freedom) - 1.0))
