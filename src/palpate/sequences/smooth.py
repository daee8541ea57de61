"""Smoothing of a track, beside the track: what was found is always kept."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.arrays import locked
from palpate.errors import GeometryError
from palpate.sequences.gaps import StraightLines, fill_gaps
from palpate.sequences.one_euro import OneEuro, one_euro
from palpate.sequences.outliers import Hampel, outliers
from palpate.sequences.presence import locked_flags, present
from palpate.sequences.rts import Rts, rts
from palpate.sequences.track import Track

Method = OneEuro | Rts | StraightLines
USUAL_JUMPS = Hampel()


@dataclass(frozen=True, eq=False, slots=True)
class Smoothed:
    """A track, its smoothed course, and what was done.

    Args:
        raw: the track as found.
        coordinates: (frame, landmark, 2) in px, smoothed; a position wherever the track has one
            or a gap was filled, NaN elsewhere.
        covariance: (frame, landmark, 2, 2) in px², of the smoothed position; None where the
            method gives none.
        filled: (frame, landmark) positions that the track does not have.
        outliers: (frame, landmark) positions of the track that jump. They were smoothed like all.
        method: how.

    Raises:
        GeometryError: shapes that do not agree; a position lost, or added and not flagged.
    """

    raw: Track
    coordinates: Float[ndarray, "frame landmark 2"]
    covariance: Float[ndarray, "frame landmark 2 2"] | None
    filled: Bool[ndarray, "frame landmark"]
    outliers: Bool[ndarray, "frame landmark"]
    method: Method

    def __post_init__(self) -> None:
        object.__setattr__(self, "coordinates", locked(self.coordinates))
        if self.covariance is not None:
            object.__setattr__(self, "covariance", locked(self.covariance))
        object.__setattr__(self, "filled", locked_flags(self.filled))
        object.__setattr__(self, "outliers", locked_flags(self.outliers))
        found = self.raw.present
        shapes = (self.coordinates.shape[:2], self.filled.shape, self.outliers.shape)
        if set(shapes) != {found.shape}:
            raise GeometryError(f"the track is {found.shape} frames and landmarks, got {shapes}")
        if (self.filled & found).any() or (self.outliers & ~found).any():
            raise GeometryError("only an absent point can be filled, only a found one can jump")
        if not np.array_equal(present(self.coordinates), found | self.filled):
            raise GeometryError(
                "a smoothed track has a position where the raw one has or a gap was filled, "
                "nowhere else"
            )

    @property
    def sentence(self) -> str:
        """What was done, for a report.

        A landmark's gap counts once, however many frames it has; an outlier is one point.
        """
        begins = self.filled.copy()
        begins[1:] &= ~self.filled[:-1]
        gaps, jumps = int(begins.sum()), int(self.outliers.sum())
        return (
            f"{self.method.words}; {gaps} gap{'' if gaps == 1 else 's'} filled, "
            f"{jumps} outlier{'' if jumps == 1 else 's'} flagged"
        )


def smooth(track: Track, method: Method, *, jumps: Hampel = USUAL_JUMPS) -> Smoothed:
    """Smooth a track by a method; flag the points of the track that jump.

    Flags are of the raw track, the same whatever the method, and nothing is removed: a person
    looks at them.

    Raises:
        ConfigError: ``Rts`` without ``sigma_px`` for a track without covariance.

    Example:
        >>> nose = np.array([[[1.0, 2.0]], [[np.nan, np.nan]], [[1.0, 2.0]]])
        >>> smoothed = smooth(Track(("nose",), nose, np.array([0.0, 0.04, 0.08])), OneEuro())
        >>> smoothed.coordinates[:, 0].tolist()
        [[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]
        >>> smoothed.sentence
        'One-Euro, min_cutoff 1 Hz, beta 0.02; 1 gap filled, 0 outliers flagged'
    """
    course, covariance = _course(track, method)
    return Smoothed(
        raw=track,
        coordinates=course,
        covariance=covariance,
        filled=present(course) & ~track.present,
        outliers=outliers(track.coordinates, track.times_s, jumps),
        method=method,
    )


def _course(
    track: Track, method: Method
) -> tuple[Float[ndarray, "frame landmark 2"], Float[ndarray, "frame landmark 2 2"] | None]:
    if isinstance(method, Rts):
        return rts(track.coordinates, track.times_s, track.covariance, method)
    whole, _ = fill_gaps(track.coordinates, track.times_s, longest_s=method.longest_gap_s)
    if isinstance(method, OneEuro):
        return one_euro(whole, track.times_s, method), None
    return whole, None
