"""An open path along which a point may be moved: by how far along, and by how far across."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.interpolate import Akima1DInterpolator

from palpate.affine import Affine
from palpate.arrays import Numbers
from palpate.phantoms.contour import Contour


@dataclass(frozen=True, eq=False, slots=True)
class Path:
    """A finely sampled line with its run: the length from its start to each vertex.

    Example:
        >>> path = Path.of([[0.0, 0.0], [0.0, 2.0], [3.0, 2.0]])
        >>> path.at(np.array([1.0, 4.0, 6.0])).tolist()
        [[0.0, 1.0], [2.0, 2.0], [4.0, 2.0]]
        >>> path.left(np.array([1.0])).tolist()
        [[-1.0, 0.0]]
    """

    vertices: Contour
    run: Float[ndarray, "_"]

    @classmethod
    def of(cls, vertices: Numbers) -> "Path":
        """Return the path through points in their order."""
        points = np.asarray(vertices, dtype=float)
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        return cls(points, np.concatenate([[0.0], np.cumsum(steps)]))

    @property
    def length(self) -> float:
        """Length in the unit of the vertices."""
        return float(self.run[-1])

    def at(self, run: Float[ndarray, "point"]) -> Float[ndarray, "point 2"]:
        """Return the points at these runs; beyond an end the path goes straight on."""
        last = len(self.run) - 2
        segment = np.clip(np.searchsorted(self.run, run, side="right") - 1, 0, last)
        beyond = run - self.run[segment]
        return self.vertices[segment] + beyond[:, None] * self._along(segment)

    def left(self, run: Float[ndarray, "point"]) -> Float[ndarray, "point 2"]:
        """Return the unit vectors to the left of the path, y upwards, at these runs."""
        # The direction over a millimetre or so: a single fine segment says little.
        reach = 0.02 * self.length
        ahead = self.at(run + reach) - self.at(run - reach)
        ahead = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
        return np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)

    def moved(self, to: Affine) -> "Path":
        """Return the path in another frame."""
        return Path.of(to(self.vertices))

    def _along(self, segment: ndarray) -> Float[ndarray, "point 2"]:
        step = self.vertices[segment + 1] - self.vertices[segment]
        return step / np.linalg.norm(step, axis=1, keepdims=True)


def through(knots: Numbers, *, samples: int = 16) -> Contour:
    """Return a smooth line exactly through its knots: modified Akima over the chord's length.

    Args:
        knots: at least three points; knot k is vertex ``k * samples``.
        samples: steps from a knot to the next.
    """
    points = np.asarray(knots, dtype=float)
    chord = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    steps = np.arange(samples) / samples
    where = np.concatenate(
        [(chord[:-1, None] + steps * np.diff(chord)[:, None]).ravel(), chord[-1:]]
    )
    line = Akima1DInterpolator(chord, points, method="makima")(where)
    # Arithmetic must not move a knot, which may be a landmark.
    line[::samples] = points
    return line
