"""The similarity that lays one set of points best on another."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.affine import Affine, Frame
from palpate.arrays import rows_with_nan
from palpate.errors import GeometryError

# Below this share of the spread, a direction counts as not spanned by the points.
FLAT = 1e-9


def procrustes(
    moving: Float[ndarray, "n d"],
    fixed: Float[ndarray, "m d"],
    *,
    reflection: bool = False,
    source: Frame = "pixel",
    target: Frame = "pixel",
) -> Affine:
    """Rotation, scale and shift of ``moving`` that leave the least squared distance to ``fixed``.

    Rows that are NaN in either are left out. With ``reflection`` the map may also mirror where
    that fits better (``Affine.mirrors`` tells); without, it never does.

    Raises:
        GeometryError: too few common points, or points that do not span enough directions to
            fix the rotation (and, with ``reflection``, the handedness).

    Source:
        Umeyama, IEEE PAMI 13(4):376-380, 1991, equations 34 to 43.

    Example:
        >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        >>> double = procrustes(square, 2.0 * square + 5.0)
        >>> double(np.array([[0.5, 0.5]])).round(6).tolist()
        [[6.0, 6.0]]
    """
    if moving.shape != fixed.shape:
        raise GeometryError(
            f"shapes to align have different sizes: {moving.shape} and {fixed.shape}"
        )
    common = ~(rows_with_nan(moving) | rows_with_nan(fixed))
    a, b = moving[common], fixed[common]
    d = a.shape[1]
    if len(a) < d:
        raise GeometryError(f"aligning two shapes needs {d} common points, got {len(a)}")
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    centred_a, centred_b = a - mean_a, b - mean_b
    needed = d if reflection else d - 1
    for name, centred in (("first", centred_a), ("second", centred_b)):
        if _rank(centred) < needed:
            raise GeometryError(
                f"the {name} shape cannot be aligned: its points coincide or lie on one line"
            )
    u, singular, vt = np.linalg.svd(centred_b.T @ centred_a)  # Eq. (38)
    if singular[needed - 1] <= FLAT * np.linalg.norm(centred_a) * np.linalg.norm(centred_b):
        raise GeometryError("the two shapes have no rotation in common: every turn fits alike")
    sign = np.ones(d)
    if not reflection and np.linalg.det(u) * np.linalg.det(vt) < 0:
        sign[-1] = -1.0  # Eq. (39)
    rotation = u @ np.diag(sign) @ vt  # Eq. (40)
    scale = float((singular * sign).sum() / (centred_a**2).sum())  # Eq. (42)
    matrix = np.eye(d + 1)
    matrix[:d, :d] = scale * rotation
    matrix[:d, d] = mean_b - scale * rotation @ mean_a  # Eq. (41)
    return Affine(matrix, source, target)


def residuals(
    moving: Float[ndarray, "n d"], fixed: Float[ndarray, "n d"], fit: Affine
) -> Float[ndarray, " n"]:
    """Distance of each mapped point from its counterpart; NaN where one is absent.

    Example:
        >>> flat = np.array([[0.0, 0.0], [2.0, 0.0]])
        >>> residuals(flat, flat + 1.0, Affine.identity()).round(3).tolist()
        [1.414, 1.414]
    """
    return np.linalg.norm(fit(moving) - fixed, axis=1)


def _rank(centred: Float[ndarray, "n d"]) -> int:
    singular = np.linalg.svd(centred, compute_uv=False)
    # A single point repeated leaves only rounding, which must not pass for a shape.
    return int((singular > FLAT * max(singular[0], 1e-3)).sum())
