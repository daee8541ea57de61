"""Correlation of landmarks' errors, learnt from held-out subjects."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.conformal.quantile import subject_weights
from palpate.correlation import Correlation, symmetric_roots

# A single lost film must not make everything look correlated.
_LONGEST = 3.0
# Fewer subjects tell nothing of pairs of landmarks.
FEWEST_SUBJECTS = 20


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
    whitened: Float[ndarray, "image k d"], owners: Int[ndarray, " image"]
) -> Correlation | None:
    """Estimate the correlation, drawn towards none as far as chance could have made it.

    Errors longer than three standard deviations are cut to that length. None for fewer than
    ``FEWEST_SUBJECTS`` subjects. Subjects count alike, however many images each has: those of
    one subject are off alike and tell of chance as one.

    Args:
        whitened: as :func:`whitened_errors` gives them.
        owners: number of each image's subject.

    Source:
        Schäfer and Strimmer, Stat. Appl. Genet. Mol. Biol. 4(1):32, 2005, target D and
        equation 10, here for blocks of d x d and means of subjects.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> shift = rng.normal(size=(200, 1, 2))
        >>> one = learnt_correlation(shift + 0.1 * rng.normal(size=(200, 3, 2)), np.arange(200))
        >>> bool(one.matrix[0, 2] > 0.9)
        True
    """
    count, k, d = whitened.shape
    known = np.isfinite(whitened).all(axis=2)
    if len(np.unique(owners)) < FEWEST_SUBJECTS or not known.any(axis=0).all():
        return None
    length = np.linalg.norm(np.where(known[..., None], whitened, 0.0), axis=2)
    short = np.minimum(1.0, _LONGEST / np.maximum(length, 1e-12))
    errors = np.where(known[..., None], whitened * short[..., None], 0.0).reshape(count, k * d)
    root = np.sqrt(subject_weights(owners))[:, None]
    there = np.repeat(known, d, axis=1) * root
    pairs = there.T @ there
    moment = (errors * root).T @ (errors * root)
    joint = _positive(moment / np.maximum(pairs, 1e-300))
    covariance, crude = Correlation.of_joint(joint, d)
    roots = symmetric_roots(covariance, inverse=True)
    unit = np.einsum("kab,nkb->nka", roots, errors.reshape(count, k, d)).reshape(count, k * d)
    kept = 1.0 - _shrinkage(unit, crude.matrix, owners)
    matrix = kept * crude.matrix + (1.0 - kept) * np.eye(k * d)
    return Correlation((matrix + matrix.T) / 2, d)


def _positive(joint: Float[ndarray, "kd kd"]) -> Float[ndarray, "kd kd"]:
    """Cut negative eigenvalues, which missing landmarks may bring."""
    values, vectors = np.linalg.eigh((joint + joint.T) / 2)
    return (vectors * np.clip(values, 0.0, None)) @ vectors.T


def _shrinkage(
    unit: Float[ndarray, "image kd"],
    matrix: Float[ndarray, "kd kd"],
    owners: Int[ndarray, " image"],
) -> float:
    """Share of chance in the squared correlations off the diagonal."""
    subjects = np.unique(owners)
    squares = np.zeros_like(matrix)
    for subject in subjects:
        own = unit[owners == subject]
        squares += (own.T @ own / len(own)) ** 2
    # Variance of the mean over subjects of each one's mean product.
    variance = (squares / len(subjects) - matrix**2) / len(subjects)
    off = ~np.eye(len(matrix), dtype=bool)
    total = float((matrix[off] ** 2).sum())
    return float(np.clip(variance[off].sum() / max(total, 1e-300), 0.0, 1.0))
