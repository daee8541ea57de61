"""Where landmarks are over time, as found."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.arrays import locked
from palpate.errors import GeometryError
from palpate.sequences.presence import present


@dataclass(frozen=True, eq=False, slots=True)
class Track:
    """The landmarks of one clip, frame by frame, on the clip's own clock.

    Args:
        names: of the landmarks, each once, in the order of every landmark axis.
        coordinates: (frame, landmark, 2) in px of the frame as given; NaN where absent.
        times_s: (frame,) strictly increasing. The steps need not be equal.
        covariance: (frame, landmark, 2, 2) in px², what the localiser says of its own error, or
            None where it says nothing. Held as NaN where the landmark is absent.

    Raises:
        GeometryError: shapes, names, times or covariances against the above.

    Example:
        >>> nose = np.array([[[1.0, 2.0]], [[np.nan, np.nan]], [[3.0, 2.0]]])
        >>> Track(("nose",), nose, np.array([0.0, 0.04, 0.08])).present[:, 0].tolist()
        [True, False, True]
    """

    names: tuple[str, ...]
    coordinates: Float[ndarray, "frame landmark 2"]
    times_s: Float[ndarray, " frame"]
    covariance: Float[ndarray, "frame landmark 2 2"] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "coordinates", locked(self.coordinates))
        object.__setattr__(self, "times_s", locked(self.times_s))
        shape = self.coordinates.shape
        wanted = (self.times_s.size, len(self.names), 2)
        if shape != wanted:
            raise GeometryError(
                f"{wanted[0]} times and {wanted[1]} names need coordinates of shape {wanted}, "
                f"got {shape}"
            )
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        if twice:
            raise GeometryError(f"a landmark has one name of its own; {twice[0]!r} is there twice")
        refuse_disorder(self.times_s)
        there = present(self.coordinates)
        if self.covariance is not None:
            _refuse_impossible(self.covariance, there, self.names)
            inside = np.where(there[..., None, None], self.covariance, np.nan)
            object.__setattr__(self, "covariance", locked(inside))

    @property
    def present(self) -> Bool[ndarray, "frame landmark"]:
        """Which landmarks were found in which frame."""
        return present(self.coordinates)


def refuse_disorder(times_s: Float[ndarray, " frame"]) -> None:
    """Let only a clock pass: finite times, each later than the one before.

    Raises:
        GeometryError: names the first frame that is not.
    """
    wrong = ~np.isfinite(times_s)
    wrong[1:] |= ~(np.diff(times_s) > 0.0)
    if wrong.any():
        frame = int(np.argmax(wrong))
        before = f", after {times_s[frame - 1]} s" if frame else ""
        raise GeometryError(
            f"times must increase from frame to frame; frame {frame} (counted from 0) is at "
            f"{times_s[frame]} s{before}"
        )


def _refuse_impossible(
    covariance: Float[ndarray, "..."],
    there: Bool[ndarray, "frame landmark"],
    names: tuple[str, ...],
) -> None:
    """Let only covariances pass, at least where there is a point that they could belong to."""
    if covariance.shape != (*there.shape, 2, 2):
        raise GeometryError(
            f"one covariance per frame and landmark: expected {(*there.shape, 2, 2)}, "
            f"got {covariance.shape}"
        )
    finite = np.isfinite(covariance).all(axis=(-2, -1))
    entries = np.where((there & finite)[..., None, None], covariance, 0.0)
    a, b, c, d = (entries[..., i, j] for i in (0, 1) for j in (0, 1))
    size = np.maximum(1.0, np.maximum(np.abs(a), np.abs(d)))
    smaller = (a + d) / 2.0 - np.hypot((a - d) / 2.0, b)  # the smaller eigenvalue
    wrong = there & (~finite | (np.abs(b - c) > 1e-6 * size) | (smaller < -1e-6 * size))
    if wrong.any():
        frame, landmark = np.argwhere(wrong)[0]
        raise GeometryError(
            f"frame {frame} (counted from 0), landmark {names[landmark]!r}: a covariance is finite "
            f"and symmetric, without negative variance; got {covariance[frame, landmark].tolist()}"
        )
