"""Fit a Gaussian to the peak of a map: exact for a Gaussian, blind to the background."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

_REACH = 2  # cells to each side of the highest cell
_LEAST = 0.3  # of the peak; lower cells are background


def gaussian_centre(
    maps: Float[ndarray, "landmark y x"], peak: Int[ndarray, "landmark 2"]
) -> Float[ndarray, "landmark 2"]:
    """Find the centres (x, y), in cells, of round Gaussians about the highest cells.

    The logarithm of a Gaussian is a paraboloid: a least-squares fit of
    ``ln v = a + b x + c y + d (x^2 + y^2)``, weighted by v^2, gives its centre. Where the fit has
    no maximum near the peak, the peak itself stands.

    Args:
        maps: values; what is not positive is not used.
        peak: highest cells (x, y).

    Source:
        Guo, "A simple algorithm for fitting a Gaussian function", IEEE Signal Processing
        Magazine 28(5), 2011, eq. 13.

    Example:
        >>> x = np.arange(9.0)
        >>> bump = np.exp(-0.5 * (x - 4.3) ** 2) * np.exp(-0.5 * (x[:, None] - 3.9) ** 2)
        >>> gaussian_centre(bump[None], np.array([[4, 4]])).round(6).tolist()
        [[4.3, 3.9]]
    """
    side = np.arange(-_REACH, _REACH + 1)
    dx, dy = (grid.ravel().astype(float) for grid in np.meshgrid(side, side))
    x, y = peak[:, :1] + dx.astype(int), peak[:, 1:] + dy.astype(int)
    height, width = maps.shape[1:]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    rows = np.arange(len(maps))[:, None]
    values = maps[rows, y.clip(0, height - 1), x.clip(0, width - 1)]
    top = values.max(axis=1, keepdims=True)
    used = inside & (values > np.maximum(_LEAST * top, 1e-6))
    safe = np.where(used, values, 1.0)
    weight = np.where(used, safe / np.maximum(top, 1e-6), 0.0) ** 2
    terms = np.stack([np.ones_like(dx), dx, dy, dx * dx + dy * dy], axis=1)
    normal = np.einsum("kn,ni,nj->kij", weight, terms, terms) + 1e-9 * np.eye(4)
    right = np.einsum("kn,ni,kn->ki", weight, terms, np.log(safe))
    fit = np.linalg.solve(normal, right[..., None])[..., 0]
    concave = fit[:, 3] < -1e-3
    offset = -fit[:, 1:3] / (2 * np.where(concave, fit[:, 3], -1.0))[:, None]
    near = concave & (np.abs(offset).max(axis=1) <= 1.5)
    return peak + np.where(near[:, None], offset, 0.0)
