"""Which way the patient faces, told from the landmarks and never from the side of the film."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from pydantic import BaseModel, ConfigDict

# Below this sine of the angle between 'front' and 'down' the direction is not clear.
CLEAR = 0.1


class Facing(BaseModel):
    """Landmarks that tell front from back, and the top of the patient from the bottom.

    Args:
        front_back: pairs (front, back).
        top_bottom: pairs (upper, lower); where none was found, down is down the film.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    front_back: tuple[tuple[str, str], ...]
    top_bottom: tuple[tuple[str, str], ...] = ()

    def of(self, at: Mapping[str, ndarray]) -> float | None:
        """+1 where the upright patient looks to the film's right, -1 to its left.

        The handedness of (front, down) decides, so that a film turned by any angle keeps the
        answer and a mirrored one changes it. None where no pair was found or it is not clear.
        """
        front = _sum(at, self.front_back, sign=-1.0)
        down = _sum(at, self.top_bottom, sign=1.0)
        if front is None:
            return None
        if down is None:
            down = np.array([0.0, 1.0])
        area = float(front[0] * down[1] - front[1] * down[0])
        if abs(area) <= CLEAR * float(np.linalg.norm(front) * np.linalg.norm(down)):
            return None
        return 1.0 if area > 0.0 else -1.0


def _sum(
    at: Mapping[str, ndarray], pairs: tuple[tuple[str, str], ...], *, sign: float
) -> Float[ndarray, " 2"] | None:
    """Add the directions of the pairs that were found whole."""
    found = [sign * (at[b] - at[a]) for a, b in pairs if a in at and b in at]
    return np.sum(found, axis=0) if found else None
