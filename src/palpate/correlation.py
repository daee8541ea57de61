"""How the errors of different landmarks go together, apart from how large each of them is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import locked
from palpate.errors import GeometryError

_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False, slots=True)
class Correlation:
    """Correlation of landmarks' errors, each whitened by the symmetric root of its covariance.

    With S_k the symmetric square root of the covariance of landmark k, the joint covariance of
    landmarks k and l is S_k R_kl S_l. So one matrix serves all images of a localiser, whatever
    the size of the covariances of each.

    Args:
        matrix: (kd, kd), landmark by landmark; blocks of d x d, those on the diagonal the
            identity; symmetric, no negative eigenvalue.
        dimension: d.

    Raises:
        GeometryError: against the above.

    Example:
        >>> together = Correlation(np.tile(np.eye(2), (2, 2)), 2)
        >>> blocks = np.stack([np.eye(2), 4.0 * np.eye(2)])
        >>> together.joint(blocks)[0].tolist()
        [1.0, 0.0, 2.0, 0.0]
    """

    matrix: Float[ndarray, "kd kd"]
    dimension: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", locked(self.matrix))
        m, d = self.matrix, self.dimension
        if m.ndim != 2 or m.shape[0] != m.shape[1] or d < 1 or len(m) % d:
            raise GeometryError(f"a correlation of {d}-D landmarks is square, got shape {m.shape}")
        if not np.isfinite(m).all() or not np.allclose(m, m.T, atol=_TOLERANCE):
            raise GeometryError("a correlation is finite and symmetric")
        if not np.allclose(self.blocks(), np.eye(d), atol=_TOLERANCE):
            raise GeometryError("a landmark's correlation with itself is the identity")
        if len(m) and np.linalg.eigvalsh(m)[0] < -_TOLERANCE * len(m):
            raise GeometryError("a correlation has no negative eigenvalue")

    @property
    def landmarks(self) -> int:
        """How many."""
        return len(self.matrix) // self.dimension

    def blocks(self) -> Float[ndarray, "k d d"]:
        """Return the blocks on the diagonal."""
        k, d = self.landmarks, self.dimension
        own = np.arange(k)
        return self.matrix.reshape(k, d, k, d)[own, :, own, :]

    def of(self, rows: Sequence[int]) -> "Correlation":
        """Return that of some landmarks, in the order given."""
        at = (np.asarray(rows, dtype=int)[:, None] * self.dimension) + np.arange(self.dimension)
        chosen = at.reshape(-1)
        return Correlation(self.matrix[np.ix_(chosen, chosen)], self.dimension)

    def joint(self, covariance: Float[ndarray, "k d d"]) -> Float[ndarray, "kd kd"]:
        """Joint covariance of landmarks with these covariances."""
        k, d = self.landmarks, self.dimension
        roots = symmetric_roots(covariance)
        whole = self.matrix.reshape(k, d, k, d)
        return np.einsum("kab,kblc,lcd->kald", roots, whole, roots).reshape(k * d, k * d)

    def moved(
        self, covariance: Float[ndarray, "k d d"], linear: Float[ndarray, "d d"]
    ) -> "Correlation":
        """Return the correlation after the points were mapped by ``linear``.

        The root of A C A^T is A times the root of C only up to a turn of each landmark; these
        turns are applied, so that the joint covariance is mapped exactly.

        Args:
            covariance: before the map.
            linear: A.
        """
        k, d = self.landmarks, self.dimension
        left, _, right = np.linalg.svd(linear @ symmetric_roots(covariance))
        turns = left @ right
        whole = self.matrix.reshape(k, d, k, d)
        turned = np.einsum("kab,kblc,ldc->kald", turns, whole, turns).reshape(k * d, k * d)
        return Correlation((turned + turned.T) / 2, d)

    @classmethod
    def of_joint(
        cls, joint: Float[ndarray, "kd kd"], dimension: int = 2
    ) -> tuple[Float[ndarray, "k d d"], "Correlation"]:
        """Take a joint covariance apart into that of each landmark and their correlation.

        Where a landmark's covariance is flat along a direction, it is correlated with nothing
        along it.
        """
        d = dimension
        k = len(joint) // d
        whole = joint.reshape(k, d, k, d)
        own = np.arange(k)
        covariance = whole[own, :, own, :]
        inverse = symmetric_roots(covariance, inverse=True)
        apart = np.einsum("kab,kblc,lcd->kald", inverse, whole, inverse)
        apart[own, :, own, :] = np.eye(d)
        matrix = apart.reshape(k * d, k * d)
        return covariance, cls((matrix + matrix.T) / 2, d)


def symmetric_roots(
    covariance: Float[ndarray, "k d d"], *, inverse: bool = False
) -> Float[ndarray, "k d d"]:
    """Symmetric square roots, or their (pseudo-)inverses.

    Example:
        >>> symmetric_roots(np.array([[[4.0, 0.0], [0.0, 9.0]]]))[0].tolist()
        [[2.0, 0.0], [0.0, 3.0]]
    """
    values, vectors = np.linalg.eigh(covariance)
    sizes = np.sqrt(np.clip(values, 0.0, None))
    if inverse:
        flat = sizes <= 1e-9 * np.maximum(sizes[..., -1:], 1e-300)
        sizes = np.where(flat, 0.0, 1.0 / np.where(flat, 1.0, sizes))
    return np.einsum("kab,kb,kcb->kac", vectors, sizes, vectors)
