"""Whether landmarks lie as in the films that were seen before, and which of them does not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import locked, rows_with_nan
from palpate.errors import GeometryError

FEWEST_SHAPES = 10
_EXPLAINED = 0.95
_ROUNDS = 5
# A shape counts in full up to so many times the usual distance from the mean.
_ODD_SHAPE = 2.5
_NO_SHAPE = 1e-3  # landmarks that spread less, of a mean of size 1, have no shape


@dataclass(frozen=True, eq=False, slots=True)
class UsualShape:
    """Mean and spread of shapes up to shift, scale and turn: a normal distribution.

    Args:
        mean: (landmark, 2), centroid 0, root mean square distance from it 1.
        modes: orthonormal rows, (x, y) of landmark after landmark.
        variances: along the modes.
        noise: variance of what the modes leave, per coordinate.
    """

    mean: Float[ndarray, "landmark 2"]
    modes: Float[ndarray, "mode coordinate"]
    variances: Float[ndarray, " mode"]
    noise: float

    def __post_init__(self) -> None:
        for name in ("mean", "modes", "variances"):
            object.__setattr__(self, name, locked(getattr(self, name)))
        if self.modes.shape != (len(self.variances), self.mean.size):
            raise GeometryError(
                f"{len(self.variances)} modes of {len(self.mean)} landmarks have shape "
                f"{(len(self.variances), self.mean.size)}, got {self.modes.shape}"
            )
        if not self.noise > 0 or (self.variances < 0).any():
            raise GeometryError("variances of a shape are not negative, the noise is positive")

    @classmethod
    def of(cls, shapes: Float[ndarray, "image landmark 2"]) -> "UsualShape":
        """Learn from annotated shapes; odd ones among them have little say.

        Args:
            shapes: NaN where absent.

        Raises:
            GeometryError: fewer than ``FEWEST_SHAPES`` shapes of three or more landmarks.

        Example:
            >>> rng = np.random.default_rng(0)
            >>> base = np.array([[0.0, 0.0], [40.0, 0.0], [40.0, 60.0], [0.0, 50.0], [20.0, 30.0]])
            >>> usual = UsualShape.of(base + rng.normal(size=(30, 5, 2)))
            >>> odd = base.copy()
            >>> odd[4] += 15.0
            >>> int(usual.oddness(3.0 * odd + 7.0).argmax())
            4
        """
        enough = (~np.isnan(shapes).any(axis=2)).sum(axis=1) >= 3
        if enough.sum() < FEWEST_SHAPES:
            raise GeometryError(
                f"what is usual takes {FEWEST_SHAPES} shapes of three or more landmarks, "
                f"got {int(enough.sum())}"
            )
        shapes = shapes[enough]
        mean = _sized(shapes[int((~np.isnan(shapes)).sum(axis=(1, 2)).argmax())])
        for _ in range(_ROUNDS):
            mean = _sized(_median(_laid(shapes, mean), mean))
        laid = _laid(shapes, mean)
        off = np.nan_to_num(laid - mean).reshape(len(laid), -1)
        far = np.linalg.norm(off, axis=1)
        usual = max(float(np.median(far)), 1e-9)
        off *= np.minimum(1.0, _ODD_SHAPE * usual / np.maximum(far, 1e-12))[:, None]
        return cls(mean, *_modes(off))

    def oddness(self, points: Float[ndarray, "landmark 2"]) -> Float[ndarray, " landmark"]:
        """Distance of each landmark from where the others expect it, in standard deviations.

        NaN where a landmark is absent; all NaN where fewer than three are there, or all coincide.

        Source:
            The conditional normal distribution by blocks of the precision matrix: Rue and Held,
            Gaussian Markov Random Fields, 2005, theorem 2.3.
        """
        present = ~rows_with_nan(points)
        found = np.full(len(points), np.nan)
        if present.sum() < 3:
            return found
        laid = _laid(points[None], self.mean)[0]
        if np.ptp(laid[present], axis=0).max() < _NO_SHAPE:  # all in one place
            return found
        off = (laid - self.mean)[present]
        rows = np.repeat(present, 2)
        modes = self.modes[:, rows]
        covariance = (modes.T * self.variances) @ modes + self.noise * np.eye(int(rows.sum()))
        precision = np.linalg.inv(covariance)
        pull = (precision @ off.ravel()).reshape(-1, 2)
        own = np.arange(len(off))
        blocks = precision.reshape(len(off), 2, len(off), 2)[own, :, own, :]
        squared = np.einsum("kd,kde,ke->k", pull, np.linalg.inv(blocks), pull)
        found[present] = np.sqrt(np.maximum(squared, 0.0))
        return found

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "mean": _plain(self.mean),
            "modes": _plain(self.modes),
            "variances": [float(f"{value:.6g}") for value in self.variances],
            "noise": float(f"{self.noise:.6g}"),
        }

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> "UsualShape":
        """Read what :meth:`to_json` returned."""
        mean = np.array(table["mean"], dtype=float)
        modes = np.array(table["modes"], dtype=float).reshape(-1, mean.size)
        return cls(mean, modes, np.array(table["variances"], dtype=float), float(table["noise"]))


def _plain(values: Float[ndarray, "n m"]) -> list[list[float]]:
    return [[round(float(value), 6) for value in row] for row in values]


def _sized(shape: Float[ndarray, "landmark 2"]) -> Float[ndarray, "landmark 2"]:
    """Centroid 0, root mean square distance from it 1."""
    centred = shape - np.nanmean(shape, axis=0)
    return centred / max(np.sqrt(np.nanmean((centred**2).sum(axis=1))), 1e-12)


def _median(
    laid: Float[ndarray, "image landmark 2"], before: Float[ndarray, "landmark 2"]
) -> Float[ndarray, "landmark 2"]:
    """Median place of each landmark; where it was before if nobody has it."""
    known = (~np.isnan(laid).any(axis=2)).any(axis=0)
    median = before.copy()
    median[known] = np.nanmedian(laid[:, known], axis=0)
    return median


def _laid(
    shapes: Float[ndarray, "image landmark 2"], mean: Float[ndarray, "landmark 2"]
) -> Float[ndarray, "image landmark 2"]:
    """Shift, turn and scale each shape onto the mean, with little regard for what does not fit.

    A similarity is a line in complex numbers, fitted by weighted least squares; a landmark twice
    as far off as usual counts half.
    """
    z, to = shapes[..., 0] + 1j * shapes[..., 1], mean[:, 0] + 1j * mean[:, 1]
    present = ~np.isnan(z) & ~np.isnan(to)
    weights = present.astype(float)
    z_known, to_known = np.where(present, z, 0.0), np.where(present, to, 0.0)
    laid = z
    for _ in range(_ROUNDS):
        share = weights / weights.sum(axis=1, keepdims=True)
        centre = (share * z_known).sum(axis=1, keepdims=True)
        target = (share * to_known).sum(axis=1, keepdims=True)
        size = (share * np.abs(z_known - centre) ** 2).sum(axis=1, keepdims=True)
        turn = (share * np.conj(z_known - centre) * (to_known - target)).sum(axis=1, keepdims=True)
        laid = turn / np.maximum(size, 1e-12) * (z - centre) + target
        distance = np.abs(laid - to)
        usual = np.maximum(np.nanmedian(distance, axis=1, keepdims=True), 1e-9)
        weights = np.where(present, 1.0 / (1.0 + (np.nan_to_num(distance) / (2.0 * usual)) ** 2), 0)
    return np.stack([laid.real, laid.imag], axis=-1)


def _modes(
    off: Float[ndarray, "image coordinate"],
) -> tuple[Float[ndarray, "mode coordinate"], Float[ndarray, " mode"], float]:
    """Return modes, their variances and the variance of what they leave."""
    _, singular, rows = np.linalg.svd(off, full_matrices=False)
    variances = singular**2 / max(len(off) - 1, 1)
    share = np.cumsum(variances) / max(float(variances.sum()), 1e-18)
    count = min(int(np.searchsorted(share, _EXPLAINED)) + 1, len(off) // 3, off.shape[1] - 4)
    left = float(variances[count:].sum()) / max(off.shape[1] - 4 - count, 1)
    noise = max(left, 1e-8)
    return rows[:count], np.maximum(variances[:count] - noise, 0.0), noise
