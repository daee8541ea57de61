"""One landmark of one frame, as a person or a model left it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, get_args

import numpy as np

from palpate.errors import GeometryError
from palpate.points import ABSENT, OCCLUDED, VISIBLE, Points
from palpate.scheme import LandmarkScheme

MarkState = Literal["visible", "occluded", "absent"]
# Who put the mark where it is: a localiser, or a reader who moved, placed or confirmed it.
Origin = Literal["model", "person"]
# A landmark of a frame; frames of a still image are all 0.
Key = tuple[int, str]

_VISIBILITY: dict[MarkState, int] = {"visible": VISIBLE, "occluded": OCCLUDED, "absent": ABSENT}


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a landmark is, or that it is not there.

    Args:
        landmark: its name in the scheme.
        state: ``absent`` where a person says that the landmark is not in the image.
        x: in px, 0 at the centre of the first pixel; None exactly where absent.
        y: likewise.
        frame: of a clip, from 0.
        origin: who put it there.

    Raises:
        GeometryError: a position of an absent landmark, or none of one that is there.

    Example:
        >>> Mark("nasion", "visible", 3.5, 4.0).key
        (0, 'nasion')
    """

    landmark: str
    state: MarkState
    x: float | None = None
    y: float | None = None
    frame: int = 0
    origin: Origin = "person"

    def __post_init__(self) -> None:
        place = (self.x, self.y)
        if self.state not in get_args(MarkState) or self.origin not in get_args(Origin):
            raise GeometryError(f"{self.landmark}: {self.state!r} of {self.origin!r} is no mark")
        if (place == (None, None)) != (self.state == "absent"):
            raise GeometryError(
                f"{self.landmark}: a mark has a position unless it is absent; "
                f"got {place} for {self.state!r}"
            )
        if any(value is not None and not isfinite(value) for value in place):
            raise GeometryError(f"{self.landmark}: a position is finite, got {place}")
        if self.frame < 0:
            raise GeometryError(f"{self.landmark}: frames count from 0, got {self.frame}")

    @property
    def key(self) -> Key:
        """Frame and landmark: a reading has at most one mark of each."""
        return (self.frame, self.landmark)

    def to_plain(self) -> dict[str, Any]:
        """Return plain values, in one order, for events and messages."""
        return {
            "landmark": self.landmark,
            "frame": self.frame,
            "state": self.state,
            "x": self.x,
            "y": self.y,
            "origin": self.origin,
        }


def points_of(scheme: LandmarkScheme, marks: Iterable[Mark], *, frame: int = 0) -> Points:
    """Return the points of one frame; landmarks without a mark are absent.

    Raises:
        SchemeError: a mark of a landmark that the scheme does not know.
    """
    coordinates = np.full((len(scheme), 2), np.nan)
    visibility = np.full(len(scheme), ABSENT)
    for mark in marks:
        if mark.frame != frame:
            continue
        row = scheme.index(mark.landmark)
        visibility[row] = _VISIBILITY[mark.state]
        if mark.x is not None and mark.y is not None:
            coordinates[row] = (mark.x, mark.y)
    return Points(scheme, coordinates, visibility)


def changed(marks: Mapping[Key, Mark], key: Key, after: Mark | None) -> dict[Key, Mark]:
    """Return the marks with one of them set, or taken away where ``after`` is None."""
    rest = {each: mark for each, mark in marks.items() if each != key}
    return rest if after is None else {**rest, key: after}
