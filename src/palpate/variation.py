"""How much a map goes up and down, against one clean peak: a sign of several peaks, or of none."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

_NARROW = 0.5  # cells; what is narrower is a cell's own width wide, in whatever map
_REACH = 5.0  # standard deviations; beyond them a Gaussian is less than 4e-6 of its height


def total_variation(maps: Float[ndarray, "map y x"]) -> Float[ndarray, " map"]:
    """Sum of the differences of neighbouring cells, along both axes, whatever their sign.

    Of a Gaussian exp(-d^2 / (2 sigma^2)) that lies well inside and is not narrower than a cell
    it is 4 sigma sqrt(2 pi): along each row it climbs to the row's highest value and falls again.

    Source:
        The confidence of pseudo-labels of DAU-Net (semi-supervised 2D pose of surgical
        instruments, ICPR 2020 workshops), taken for each map alone.

    Example:
        >>> x = np.arange(40.0) - 20
        >>> bump = np.exp(-0.5 * (x / 3) ** 2) * np.exp(-0.5 * (x[:, None] / 3) ** 2)
        >>> bool(np.isclose(total_variation(bump[None])[0], 4 * 3 * np.sqrt(2 * np.pi)))
        True
    """
    steps = np.subtract(maps[:, 1:], maps[:, :-1])
    total = np.abs(steps, out=steps).sum(axis=(1, 2), dtype=np.float64)
    steps = np.subtract(maps[:, :, 1:], maps[:, :, :-1])
    return total + np.abs(steps, out=steps).sum(axis=(1, 2), dtype=np.float64)


def bump(offset: Float[ndarray, "map 2"], sigma: float) -> Float[ndarray, "map y x"]:
    """Draw the ideal peak that a map is compared with: a Gaussian of height 1, whole.

    Args:
        offset: (x, y) in cells, from the middle cell to the peak, as far as half a cell.
        sigma: standard deviation, in cells.

    Example:
        >>> float(bump(np.zeros((1, 2)), 1.0).max())
        1.0
    """
    reach = int(np.ceil(_REACH * sigma))
    side = np.arange(-reach, reach + 1.0)
    x, y = (np.exp(-0.5 * ((side - offset[:, [axis]]) / sigma) ** 2) for axis in (0, 1))
    return y[:, :, None] * x[:, None, :]


def between_cells(position: Float[ndarray, "map 2"]) -> Float[ndarray, "map 2"]:
    """How far positions are from the cells that they lie in, each within half a cell."""
    return position - np.rint(position)


def variation_of_shares(
    shares: Float[ndarray, "map y x"], sigma: float, offset: Float[ndarray, "map 2"]
) -> Float[ndarray, " map"]:
    """Total variation of shares of one whole over that of a Gaussian peak which holds it all.

    A Gaussian of twice the ideal's width has half of it, an even spread none. The sum of the
    shares is fixed: where several peaks share it, each is lower, and the value stays what the
    width of a peak makes it.

    Args:
        shares: not negative, of sum 1.
        sigma: of the ideal peak, in cells.
        offset: (x, y) of the ideal peak from a cell's centre, as :func:`between_cells` gives it.
    """
    ideal = bump(offset, max(sigma, _NARROW))
    return total_variation(shares) * ideal.sum(axis=(1, 2)) / total_variation(ideal)
