"""Maps between pixel grids and millimetres. The only module that knows about half pixels.

Convention, for the whole package: a point is (x, y) or (x, y, z); pixel index 0 is the
*centre* of the first pixel; an array is indexed [..., z, y, x]. Millimetres are those of
DICOM (LPS) where the image has them.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import Numbers, locked
from palpate.errors import GeometryError

Frame = Literal["grid", "pixel", "mm"]


@dataclass(frozen=True, eq=False, slots=True)
class Affine:
    """An invertible affine map from one named frame to another.

    ``grid`` is the frame of a network's input, ``pixel`` that of the image as given,
    ``mm`` that of the patient or of the detector.

    Raises:
        GeometryError: the matrix is not a finite, invertible affine.

    Example:
        >>> halve = Affine.resize((100, 50), (50, 25))
        >>> halve([[0.5, 0.5]]).tolist()
        [[0.0, 0.0]]
    """

    matrix: Float[ndarray, "d1 d1"]
    source: Frame
    target: Frame

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", locked(self.matrix))
        m = self.matrix
        if m.ndim != 2 or m.shape[0] != m.shape[1] or m.shape[0] not in (3, 4):
            raise GeometryError(f"an affine needs a 3 x 3 or 4 x 4 matrix, got shape {m.shape}")
        last = np.zeros(len(m))
        last[-1] = 1.0
        if not np.isfinite(m).all() or not np.array_equal(m[-1], last):
            raise GeometryError("an affine is finite and its last row is 0 ... 0 1")
        if abs(np.linalg.det(m)) < 1e-12:
            raise GeometryError("the map cannot be inverted: it flattens the image")

    @classmethod
    def identity(
        cls, dimension: int = 2, *, source: Frame = "pixel", target: Frame = "pixel"
    ) -> "Affine":
        """Return the map that moves nothing."""
        return cls(np.eye(dimension + 1), source, target)

    @classmethod
    def scaling(cls, factors: Numbers, *, source: Frame, target: Frame) -> "Affine":
        """Scale about the centre of the first pixel, as spacing does."""
        return cls(np.diag([*np.asarray(factors, dtype=float), 1.0]), source, target)

    @classmethod
    def translation(
        cls, shift: Numbers, *, source: Frame = "pixel", target: Frame = "pixel"
    ) -> "Affine":
        """Return the map that adds ``shift``."""
        shift = np.asarray(shift, dtype=float)
        matrix = np.eye(len(shift) + 1)
        matrix[:-1, -1] = shift
        return cls(matrix, source, target)

    @classmethod
    def resize(
        cls, old: Numbers, new: Numbers, *, source: Frame = "pixel", target: Frame = "grid"
    ) -> "Affine":
        """Map pixel centres when an image of ``old`` size (x, y) is resampled to ``new``.

        Edges meet edges: ``x' = (x + 1/2) new / old - 1/2``.
        """
        ratio = np.asarray(new, dtype=float) / np.asarray(old, dtype=float)
        matrix = np.diag([*ratio, 1.0])
        matrix[:-1, -1] = (ratio - 1.0) / 2.0
        return cls(matrix, source, target)

    @classmethod
    def from_corner_origin(cls, dimension: int = 2) -> "Affine":
        """Map coordinates that count from the outer corner of the first pixel to pixel centres."""
        return cls.translation([-0.5] * dimension)

    @classmethod
    def from_one_based(cls, dimension: int = 2) -> "Affine":
        """Map coordinates in which the centre of the first pixel is 1 to pixel centres at 0."""
        return cls.translation([-1.0] * dimension)

    @classmethod
    def from_lower_left(cls, height: int) -> "Affine":
        """Map coordinates that count from the lower left corner of an image, y upwards.

        Args:
            height: of the image in px.

        Example:
            >>> Affine.from_lower_left(480)([[0.5, 479.5]]).tolist()
            [[0.0, 0.0]]
        """
        matrix = np.array([[1.0, 0.0, -0.5], [0.0, -1.0, height - 0.5], [0.0, 0.0, 1.0]])
        return cls(matrix, "pixel", "pixel")

    @property
    def dimension(self) -> int:
        """Number of coordinates of a point."""
        return len(self.matrix) - 1

    @property
    def linear(self) -> Float[ndarray, "d d"]:
        """The part that also moves directions and covariances."""
        return self.matrix[:-1, :-1]

    @property
    def scale(self) -> float:
        """How much longer lengths become: the root, of as many dimensions, of the determinant.

        Example:
            >>> Affine.scaling((2.0, 2.0), source="pixel", target="grid").scale
            2.0
        """
        return float(abs(np.linalg.det(self.linear)) ** (1 / self.dimension))

    @property
    def mirrors(self) -> bool:
        """Whether the map turns a right hand into a left hand."""
        return bool(np.linalg.det(self.linear) < 0)

    def __call__(self, coordinates: Numbers) -> Float[ndarray, "*n d"]:
        """Map points; NaN rows stay NaN."""
        points = np.asarray(coordinates, dtype=float)
        return points @ self.linear.T + self.matrix[:-1, -1]

    def covariance(self, covariance: Float[ndarray, "*n d d"]) -> Float[ndarray, "*n d d"]:
        """Map covariances: A C A^T."""
        return self.linear @ covariance @ self.linear.T

    def __matmul__(self, first: "Affine") -> "Affine":
        """Compose right to left: ``(a @ b)(p) == a(b(p))``."""
        if first.target != self.source:
            raise GeometryError(
                f"cannot map {self.source} to {self.target} after {first.source} to {first.target}"
            )
        return Affine(self.matrix @ first.matrix, first.source, self.target)

    def inverse(self) -> "Affine":
        """Return the map back."""
        matrix = np.linalg.inv(self.matrix)
        matrix[-1] = 0.0
        matrix[-1, -1] = 1.0
        return Affine(matrix, self.target, self.source)
