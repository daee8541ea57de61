"""What the modes look like: the mean, and shapes to both sides of it along each."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import GeometryError
from palpate.shape.model import ShapeModel


@dataclass(frozen=True, eq=False, slots=True)
class ModeShapes:
    """One mode to look at, in the reference frame.

    Args:
        number: from 1, the mode of largest variance.
        share: of the total variance that it explains, in [0, 1].
        deviations: how many standard deviations each shape is from the mean.
        shapes: one a deviation.
    """

    number: int
    share: float
    deviations: tuple[float, ...]
    shapes: Float[ndarray, "deviation k 2"]


def mode_shapes(
    model: ShapeModel, *, most: int = 4, deviations: tuple[float, ...] = (-2.0, 0.0, 2.0)
) -> list[ModeShapes]:
    """Return the first modes as shapes, ready to be drawn.

    Raises:
        GeometryError: no mode or no deviation is asked for.

    Example:
        >>> from palpate.shape.build import build_shape_model
        >>> tall = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 2.0]])
        >>> model = build_shape_model([tall, tall * (1.0, 0.9), tall * (1.0, 1.1)])
        >>> [mode] = mode_shapes(model)
        >>> mode.number, round(mode.share, 3), mode.shapes.shape
        (1, 1.0, (3, 3, 2))
    """
    if most < 1 or not deviations:
        raise GeometryError("ask for one or more modes, and one or more deviations of each")
    basis, drawn = model.basis, []
    for i, variance in enumerate(model.variances[:most]):
        shapes = np.array([basis.mean + d * basis.modes[i] for d in deviations])
        drawn.append(ModeShapes(i + 1, float(variance / model.total_variance), deviations, shapes))
    return drawn
