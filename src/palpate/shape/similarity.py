"""Scale, turn and shift: what two drawings of the same shape may differ by."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.affine import Affine, Frame
from palpate.arrays import locked, rows_with_nan
from palpate.errors import GeometryError

# Below this share of the spread, points coincide: what is left is rounding.
FLAT = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class Similarity:
    """A map ``scale * R @ p + shift``, usually from a model's reference frame to pixels.

    Args:
        scale: larger than zero; it never mirrors.
        rotation_rad: positive from x to y, that is clockwise as the film is seen.
        shift: (x, y), where the origin goes.

    Raises:
        GeometryError: the scale is not positive, or a number is not finite.

    Example:
        >>> quarter = Similarity(2.0, np.pi / 2, np.array([10.0, 0.0]))
        >>> quarter(np.array([[1.0, 0.0]])).round(6).tolist()
        [[10.0, 2.0]]
        >>> (quarter.inverse() @ quarter)(np.array([[3.0, 4.0]])).round(6).tolist()
        [[3.0, 4.0]]
    """

    scale: float
    rotation_rad: float
    shift: Float[ndarray, " 2"]

    def __post_init__(self) -> None:
        object.__setattr__(self, "shift", locked(self.shift))
        if self.shift.shape != (2,):
            raise GeometryError(f"the shift of a similarity is (x, y), got {self.shift.shape}")
        if not (np.isfinite((self.scale, self.rotation_rad)).all() and self.scale > 0.0):
            raise GeometryError(
                f"a similarity needs a positive scale and a finite rotation, got scale "
                f"{self.scale} and rotation {self.rotation_rad}"
            )
        if not np.isfinite(self.shift).all():
            raise GeometryError("the shift of a similarity is finite")

    @classmethod
    def identity(cls) -> "Similarity":
        """Return the map that moves nothing."""
        return cls(1.0, 0.0, np.zeros(2))

    @property
    def linear(self) -> Float[ndarray, "2 2"]:
        """The part that also moves directions."""
        c = self.scale * np.cos(self.rotation_rad)
        s = self.scale * np.sin(self.rotation_rad)
        return np.array([[c, -s], [s, c]])

    def __call__(self, points: Float[ndarray, "*n 2"]) -> Float[ndarray, "*n 2"]:
        """Map points; NaN rows stay NaN."""
        return points @ self.linear.T + self.shift

    def inverse(self) -> "Similarity":
        """Return the map back."""
        back = Similarity(1.0 / self.scale, -self.rotation_rad, np.zeros(2))
        return Similarity(back.scale, back.rotation_rad, -back(self.shift))

    def __matmul__(self, first: "Similarity") -> "Similarity":
        """Compose right to left: ``(a @ b)(p) == a(b(p))``."""
        turn = np.angle(np.exp(1j * (self.rotation_rad + first.rotation_rad)))
        return Similarity(self.scale * first.scale, float(turn), self(first.shift))

    def to_affine(self, *, source: Frame = "grid", target: Frame = "pixel") -> Affine:
        """Return the same map as an :class:`~palpate.affine.Affine` between named frames."""
        matrix = np.eye(3)
        matrix[:2, :2], matrix[:2, 2] = self.linear, self.shift
        return Affine(matrix, source, target)


def fit_similarity(
    source: Float[ndarray, "k 2"],
    target: Float[ndarray, "k 2"],
    weights: Float[ndarray, " k"] | None = None,
) -> Similarity:
    """Find the similarity that leaves the least weighted squared distance to ``target``.

    Never mirrors. Rows that are NaN in either, or of weight zero, are left out.

    Raises:
        GeometryError: fewer than two common points, points that coincide, a weight that is
            negative or not finite, or two shapes that every turn lays on each other alike.

    Source:
        Cootes and Taylor, "Statistical models of appearance for computer vision", 2004,
        appendix B; written in complex numbers, where scale and turn are one factor.

    Example:
        >>> corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> fit = fit_similarity(corners, 3.0 * corners + 5.0)
        >>> round(fit.scale, 6), fit.shift.round(6).tolist()
        (3.0, [5.0, 5.0])
    """
    weights = np.ones(len(source)) if weights is None else weights
    if not (source.shape == target.shape and len(weights) == len(source)):
        raise GeometryError(
            f"a similarity is fitted to as many points as weights, got {len(source)} and "
            f"{len(target)} points and {len(weights)} weights"
        )
    if not (np.isfinite(weights).all() and (weights >= 0.0).all()):
        raise GeometryError("a weight is finite and not negative")
    common = ~(rows_with_nan(source) | rows_with_nan(target)) & (weights > 0.0)
    if common.sum() < 2:
        raise GeometryError(f"a similarity needs two common points, got {int(common.sum())}")
    share = weights[common] / weights[common].sum()
    a = source[common] @ (1.0, 1.0j)
    b = target[common] @ (1.0, 1.0j)
    mean_a, mean_b = share @ a, share @ b
    spread_a = np.sqrt(share @ np.abs(a - mean_a) ** 2)
    spread_b = np.sqrt(share @ np.abs(b - mean_b) ** 2)
    for name, spread, largest in (
        ("source", spread_a, np.abs(a).max()),
        ("target", spread_b, np.abs(b).max()),
    ):
        if not spread > FLAT * largest:
            raise GeometryError(f"a similarity cannot be fitted: all {name} points coincide")
    factor = (share * np.conj(a - mean_a)) @ (b - mean_b) / spread_a**2
    if not abs(factor) * spread_a > FLAT * spread_b:
        raise GeometryError("the two shapes have no rotation in common: every turn fits alike")
    moved = mean_b - factor * mean_a
    return Similarity(
        float(abs(factor)), float(np.angle(factor)), np.array([moved.real, moved.imag])
    )
