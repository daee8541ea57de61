"""Correlation of landmarks' errors, learnt from held-out subjects."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.correlation import Correlation, symmetric_roots

# A single lost film must not make everything look correlated.
_LONGEST = 3.0
# Fewer films tell nothing of pairs of landmarks.
FEWEST_FILMS = 20


def whitened_errors(
    errors: Float[ndarray, "image k d"], covariances: Float[ndarray, "image k d d"]
) -> Float[ndarray, "image k d"]:
    """Errors in units of their stated covariance; NaN where there is none.

    Example:
        >>> whitened_errors(np.array([[[2.0, 0.0]]]), np.array([[np.eye(2) * 4.0]])).tolist()
        [[[1.0, 0.0]]]
    """
    known = np.isfinite(errors).all(axis=2) & np.isfinite(covariances).all(axis=(2, 3))
    size = covariances.shape[-1]
    safe = np.where(known[..., None, None], covariances, np.eye(size))
    inverse = symmetric_roots(safe.reshape(-1, size, size), inverse=True).reshape(safe.shape)
    white = np.einsum("nkab,nkb->nka", inverse, np.where(known[..., None], errors, 0.0))
    return np.where(known[..., None], white, np.nan)


def learnt_correlation(
    whitened: Float[ndarray, "image k d"], weights: Float[ndarray, " image"]
) -> Correlation | None:
    """Estimate the correlation, drawn towards none as far as chance could have made it.

    Errors longer than three standard deviations are cut to that length. None for fewer than
    ``FEWEST_FILMS`` films.

    Args:
        whitened: as :func:`whitened_errors` gives them.
        weights: of each image; only their ratios matter.

    Source:
        Schäfer and Strimmer, Stat. Appl. Genet. Mol. Biol. 4(1):32, 2005, target D and
        equation 10, here for blocks of d x d.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> shift = rng.normal(size=(200, 1, 2))
        >>> one = learnt_correlation(shift + 0.1 * rng.normal(size=(200, 3, 2)), np.ones(200))
        >>> bool(one.matrix[0, 2] > 0.9)
        True
    """
    count, k, d = whitened.shape
    known = np.isfinite(whitened).all(axis=2)
    if count < FEWEST_FILMS or not known.any(axis=0).all():
        return None
    length = np.linalg.norm(np.where(known[..., None], whitened, 0.0), axis=2)
    short = np.minimum(1.0, _LONGEST / np.maximum(length, 1e-12))
    errors = np.where(known[..., None], whitened * short[..., None], 0.0).reshape(count, k * d)
    root = np.sqrt(weights)[:, None]
    there = np.repeat(known, d, axis=1) * root
    pairs = there.T @ there
    moment = (errors * root).T @ (errors * root)
    joint = _positive(moment / np.maximum(pairs, 1e-300))
    covariance, crude = Correlation.of_joint(joint, d)
    roots = symmetric_roots(covariance, inverse=True)
    unit = np.einsum("kab,nkb->nka", roots, errors.reshape(count, k, d)).reshape(count, k * d)
    kept = 1.0 - _shrinkage(unit, crude.matrix, weights)
    matrix = kept * crude.matrix + (1.0 - kept) * np.eye(k * d)
    return Correlation((matrix + matrix.T) / 2, d)


def _positive(joint: Float[ndarray, "kd kd"]) -> Float[ndarray, "kd kd"]:
    """Cut negative eigenvalues, which missing landmarks may bring."""
    values, vectors = np.linalg.eigh((joint + joint.T) / 2)
    return (vectors * np.clip(values, 0.0, None)) @ vectors.T


def _shrinkage(
    unit: Float[ndarray, "image kd"],
    matrix: Float[ndarray, "kd kd"],
    weights: Float[ndarray, " image"],
) -> float:
    """Share of chance in the squared correlations off the diagonal."""
    share = weights / weights.sum()
    squares = np.einsum("n,ni,nj->ij", share, unit**2, unit**2)
    # Variance of a weighted mean of products.
    variance = (squares - matrix**2) * float((share**2).sum())
    off = ~np.eye(len(matrix), dtype=bool)
    total = float((matrix[off] ** 2).sum())
    return float(np.clip(variance[off].sum() / max(total, 1e-300), 0.0, 1.0))
