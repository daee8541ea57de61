"""A grey film, alone or with its points, as the forests take it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.arrays import locked, rows_with_nan
from palpate.errors import GeometryError


def grey_film(pixels: ndarray) -> Float[ndarray, "y x"]:
    """Return the film as float32, whatever numbers it came in.

    Raises:
        GeometryError: it has not two axes, no pixels, or pixels that are not finite.
    """
    if pixels.ndim != 2:
        raise GeometryError(
            f"a film for the forests is one grey plane (y, x), got shape {pixels.shape}; "
            "take one channel or the mean of them"
        )
    if 0 in pixels.shape:
        raise GeometryError(f"a film without pixels: shape {pixels.shape}")
    grey = pixels.astype(np.float32)
    if not np.isfinite(grey).all():
        raise GeometryError("a film with pixels that are not finite (NaN or infinity)")
    return grey


@dataclass(frozen=True, eq=False, slots=True)
class Film:
    """A film to train on.

    Args:
        pixels: (y, x) grey, of any number type.
        points: (k, 2) in px; NaN where a landmark is absent.

    Raises:
        GeometryError: pixels or points do not fit.

    Example:
        >>> film = Film(np.zeros((4, 5), np.uint8), np.array([[1.0, 2.0], [np.nan, np.nan]]))
        >>> film.present.tolist()
        [True, False]
    """

    pixels: ndarray
    points: Float[ndarray, "k 2"]

    def __post_init__(self) -> None:
        grey = grey_film(self.pixels)
        grey.flags.writeable = False
        object.__setattr__(self, "pixels", grey)
        object.__setattr__(self, "points", locked(self.points))
        if self.points.ndim != 2 or self.points.shape[1:] != (2,):
            raise GeometryError(f"the points of a film are (k, 2), got {self.points.shape}")
        if np.isinf(self.points).any():
            raise GeometryError("a point of a film is infinite; give NaN where one is absent")

    @property
    def present(self) -> Bool[ndarray, " k"]:
        """Which points the film has."""
        return ~rows_with_nan(self.points)
