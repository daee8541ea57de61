"""How long a px is at a joint, in millimetres, from the depth that was measured there."""

import numpy as np
from jaxtyping import Float, Int, UInt16
from numpy import ndarray

from palpate.geometry.pinhole import Intrinsics

# A disc of this share of the frame's width: 3 px of 640, within the limb of a preterm infant.
_RADIUS = 1 / 200


def px_in_mm(
    depth: UInt16[ndarray, "y x"],
    points: Float[ndarray, "joint 2"],
    *,
    unit_mm: float,
    intrinsics: Intrinsics,
) -> Float[ndarray, " joint"]:
    """Return how many mm across the scene one px of the frame is at each point.

    A distance in px times this is one in the plane through the surface at the point, square to the
    camera's axis: the skin, or the cloth or hand above it. Where the focal lengths along x and y
    differ, their geometric mean is taken.

    Args:
        depth: counts; 0 is a hole.
        points: px of the frame; NaN where a joint is absent.
        unit_mm: millimetres a count.
        intrinsics: of the frame as given.

    Returns:
        (joint,), NaN where a joint is absent or nothing was measured around it.

    Example:
        >>> camera = Intrinsics((570.0, 570.0), (319.5, 239.5))
        >>> depth = np.full((480, 640), 855, dtype=np.uint16)
        >>> px_in_mm(depth, np.array([[100.0, 50.0]]), unit_mm=1.0, intrinsics=camera).tolist()
        [1.5]
    """
    focal = float(np.sqrt(np.prod(intrinsics.focal_px)))
    return np.array([counts_at(depth, point) for point in points]) * (unit_mm / focal)


def counts_at(depth: UInt16[ndarray, "y x"], point: Float[ndarray, " 2"]) -> float:
    """Return the median of the counts measured in a small disc; NaN where there is none.

    Args:
        depth: counts; 0 is a hole.
        point: its centre, px of the frame; NaN where it is absent.
    """
    if not np.isfinite(point).all():
        return np.nan
    height, width = depth.shape
    radius = max(1.0, width * _RADIUS)
    x, y = np.meshgrid(_near(point[0], radius, width), _near(point[1], radius, height))
    inside = np.hypot(x - point[0], y - point[1]) <= radius
    counts = depth[y[inside], x[inside]]
    counts = counts[counts > 0]
    return float(np.median(counts)) if len(counts) else np.nan


def _near(centre: float, radius: float, size: int) -> Int[ndarray, " index"]:
    """Indices within the radius along one axis, inside the frame."""
    first, last = int(np.ceil(centre - radius)), int(np.floor(centre + radius))
    return np.arange(max(0, first), min(size, last + 1))
