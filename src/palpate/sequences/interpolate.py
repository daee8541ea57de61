"""Labels of the frames between two annotated frames.

People annotate every fourth frame or so; a landmark moves little in between. What is filled in
is flagged, because it is no annotation: a test score can leave it out.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.arrays import locked, locked_int
from palpate.errors import GeometryError
from palpate.sequences.presence import locked_flags, present


@dataclass(frozen=True, eq=False, slots=True)
class Filled:
    """The labels of a clip: those that people gave, and those between.

    Args:
        frames: (frame,) frame numbers, increasing. Frames of a gap that was too long to fill are
            not here: nobody looked at them, which is not the same as absent landmarks.
        coordinates: (frame, landmark, 2) in px; NaN where absent or not to be interpolated.
        interpolated: (frame, landmark) true exactly where a position was filled in.

    Raises:
        GeometryError: shapes that do not agree, frames that do not increase, a landmark that is
            called interpolated and has no position.
    """

    frames: Int[ndarray, " frame"]
    coordinates: Float[ndarray, "frame landmark 2"]
    interpolated: Bool[ndarray, "frame landmark"]

    def __post_init__(self) -> None:
        object.__setattr__(self, "frames", locked_int(self.frames))
        object.__setattr__(self, "coordinates", locked(self.coordinates))
        object.__setattr__(self, "interpolated", locked_flags(self.interpolated))
        _refuse_disorder(self.frames, self.coordinates)
        there = present(self.coordinates)
        if self.interpolated.shape != there.shape:
            raise GeometryError(
                f"one flag per frame and landmark: expected {there.shape}, "
                f"got {self.interpolated.shape}"
            )
        if (self.interpolated & ~there).any():
            raise GeometryError("an interpolated landmark has a position; one is NaN")

    @property
    def present(self) -> Bool[ndarray, "frame landmark"]:
        """Which landmarks have a position, annotated or filled in."""
        return present(self.coordinates)


def fill_between(
    frames: Int[ndarray, " annotated"],
    coordinates: Float[ndarray, "annotated landmark 2"],
    *,
    most: int,
) -> Filled:
    """Interpolate the labels of the frames between two annotated frames, linearly.

    Each landmark for itself, and only between two *successive* annotated frames that are at most
    ``most`` frame numbers apart and both show it: with 4, every fourth frame is annotated and the
    three between are filled. Nothing is filled across a longer gap, before the first or after the
    last annotated frame, or next to a frame in which the landmark is marked absent. Annotated
    positions come back as they were, to the last bit.

    The answer holds every annotated frame and every frame of the gaps that are short enough,
    whether or not a landmark could be filled in there.

    Raises:
        GeometryError: frames that do not increase, shapes that do not agree, half a position,
            ``most`` below 1.

    Source:
        Cunningham et al., R. Soc. Open Sci. 6:191011, 2019: every fourth frame annotated, linear
        interpolation between.

    Example:
        >>> labels = np.array([[[0.0, 8.0]], [[4.0, 8.0]], [[9.0, 9.0]]])
        >>> filled = fill_between(np.array([0, 4, 20]), labels, most=4)
        >>> filled.frames.tolist()
        [0, 1, 2, 3, 4, 20]
        >>> filled.coordinates[:, 0, 0].tolist()
        [0.0, 1.0, 2.0, 3.0, 4.0, 9.0]
        >>> filled.interpolated[:, 0].tolist()
        [False, True, True, True, False, False]
    """
    if most < 1:
        raise GeometryError(
            f"'most' is how many frames two annotated frames may be apart, at least 1; got {most}"
        )
    frames = locked_int(frames)  # signed, so that a difference may be negative
    _refuse_disorder(frames, coordinates)
    present(coordinates)  # refuses half a position before it could pass for an absent one
    wanted = _frames_of_short_gaps(frames, most)
    before = np.searchsorted(frames, wanted, side="right") - 1
    annotated = np.isin(wanted, frames)
    after = np.where(annotated, before, before + 1)
    share = (wanted - frames[before]) / np.where(annotated, 1, frames[after] - frames[before])
    start = coordinates[before]
    # NaN at either end gives NaN; at an annotated frame both ends are the frame itself.
    values = start + share[:, None, None] * (coordinates[after] - start)
    return Filled(wanted, values, ~annotated[:, None] & present(values))


def _frames_of_short_gaps(frames: Int[ndarray, " annotated"], most: int) -> Int[ndarray, " frame"]:
    """Every annotated frame, and those between where the gap is short enough."""
    pieces = [
        np.arange(first, second) if second - first <= most else np.array([first])
        for first, second in pairwise(frames)
    ]
    return np.concatenate([*pieces, frames[-1:]]).astype(np.int64)


def _refuse_disorder(frames: Int[ndarray, " frame"], coordinates: Float[ndarray, "..."]) -> None:
    if coordinates.shape[:1] != frames.shape:
        raise GeometryError(
            f"one row of coordinates per frame: {frames.size} frames, "
            f"coordinates of shape {coordinates.shape}"
        )
    late = np.flatnonzero(np.diff(frames) <= 0)
    if late.size:
        place = int(late[0])
        raise GeometryError(
            "frame numbers must increase, each once; "
            f"frame {frames[place + 1]} comes after frame {frames[place]}"
        )
