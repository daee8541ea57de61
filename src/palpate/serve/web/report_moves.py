"""What readers changed of the model's marks before they signed: from where to where."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from palpate.review.event import Event
from palpate.review.mark import Mark


@dataclass(frozen=True, slots=True)
class Move:
    """One mark of the model that a reader changed.

    Args:
        frame: of a clip; 0 of an image.
        landmark: its readable name.
        before: where the model had it, px from the centre of the first pixel, in words.
        after: where it stands now, or that it is absent.
        far: how far apart these are, in words; 'confirmed' where a reader only agreed.
        who: account that changed it last.
    """

    frame: int
    landmark: str
    before: str
    after: str
    far: str
    who: str


def moves(
    events: Iterable[Event],
    marks: Iterable[Mark],
    title_of: Callable[[str], str],
    spacing_mm: tuple[float, ...] | None,
) -> tuple[Move, ...]:
    """Return what was changed of the model's marks, in the order of the marks.

    Args:
        events: of the reading until it was signed, the first first.
        marks: as they were signed.
        title_of: readable name of a landmark.
        spacing_mm: mm for each px across and down; None where not known.
    """
    began: dict[tuple[int, str], Mark] = {}
    last: dict[tuple[int, str], str] = {}
    for event in events:
        for change in event.changes:
            one = change.before or change.after
            if one is None:
                continue
            key = (one.frame, one.landmark)
            last[key] = event.who
            if key not in began and change.before is not None and change.before.origin == "model":
                began[key] = change.before
    return tuple(
        Move(
            mark.frame,
            title_of(mark.landmark),
            _place(began[mark.frame, mark.landmark]),
            _place(mark),
            _far(began[mark.frame, mark.landmark], mark, spacing_mm),
            last[mark.frame, mark.landmark],
        )
        for mark in marks
        if mark.origin == "person" and (mark.frame, mark.landmark) in began
    )


def _place(mark: Mark) -> str:
    if mark.x is None or mark.y is None:
        return "absent"
    hidden = ", occluded" if mark.state == "occluded" else ""
    return f"{mark.x:.1f}, {mark.y:.1f}{hidden}"


def _far(before: Mark, after: Mark, spacing_mm: tuple[float, ...] | None) -> str:
    if before.x is None or before.y is None or after.x is None or after.y is None:
        return ""
    across, down = after.x - before.x, after.y - before.y
    if across == down == 0:
        return "confirmed" if after.state == before.state else ""
    px = f"{math.hypot(across, down):.1f} px"
    if spacing_mm is None:
        return px
    return f"{px}, {math.hypot(across * spacing_mm[0], down * spacing_mm[1]):.1f} mm"
