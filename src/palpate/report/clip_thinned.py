"""Long series made short enough to draw, so that nothing that stands out is lost."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

# A drawing is about as many pixels wide as this.
COLUMNS = 700
# Frames that are farther apart than this many usual steps have lost frames between them.
_HOLE = 2.0


@dataclass(frozen=True, slots=True)
class Marked:
    """A stretch of time that is marked in a drawing, in seconds."""

    start_s: float
    end_s: float


def kept(
    times_s: Float[ndarray, " frame"], values: Float[ndarray, " frame"], *, columns: int = COLUMNS
) -> Int[ndarray, " kept"]:
    """Choose the frames that a line needs: first, least, greatest and last of every column.

    A line through them covers the same pixels as one through all. A column without any value
    keeps one, so that the line breaks there; a break that is narrower than a column cannot be
    seen. A series that is short already is kept whole.

    Source:
        Jugel et al., M4: a visualization-oriented time series data aggregation, PVLDB 7(10), 2014.

    Example:
        >>> wave = np.array([0.0, 0.0, 9.0, 0.0, -9.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        >>> kept(np.arange(10.0), wave, columns=1).tolist()
        [0, 2, 4, 9]
    """
    if len(times_s) <= columns:
        return np.arange(len(times_s))
    share = (times_s - times_s[0]) / (times_s[-1] - times_s[0])
    column = np.minimum((share * columns).astype(int), columns - 1)
    chosen: list[int] = []
    for part in np.split(np.arange(len(times_s)), np.flatnonzero(np.diff(column)) + 1):
        known = part[np.isfinite(values[part])]
        if not len(known):
            chosen.append(int(part[0]))
            continue
        inside = values[known]
        extremes = known[[0, int(inside.argmin()), int(inside.argmax()), -1]]
        chosen += sorted({int(frame) for frame in extremes})
    return np.array(chosen)


def marked(
    flags: Bool[ndarray, " frame"], times_s: Float[ndarray, " frame"], *, columns: int = COLUMNS
) -> tuple[Marked, ...]:
    """Turn flags into stretches to mark; each frame lasts to half-way to its neighbours.

    Gaps that are narrower than a column of the drawing are closed, for nobody could see them; a
    frame that is flagged is never lost.

    Example:
        >>> marked(np.array([False, True, True, False]), np.array([0.0, 1.0, 2.0, 3.0]))
        (Marked(start_s=0.5, end_s=2.5),)
    """
    frames = np.flatnonzero(flags)
    if not len(frames):
        return ()
    starts, ends = _lasting(times_s)
    width = (times_s[-1] - times_s[0]) / columns
    apart = np.flatnonzero(starts[frames[1:]] - ends[frames[:-1]] > width + 1e-9)
    return tuple(
        Marked(float(starts[run[0]]), float(ends[run[-1]])) for run in np.split(frames, apart + 1)
    )


def _lasting(
    times_s: Float[ndarray, " frame"],
) -> tuple[Float[ndarray, " frame"], Float[ndarray, " frame"]]:
    """From when to when each frame is drawn: no farther than the usual step beside a hole."""
    steps = np.diff(times_s)
    usual = float(np.median(steps)) if len(steps) else 0.04
    half = np.where(steps > _HOLE * usual, usual, steps) / 2.0
    before = np.append(usual / 2.0, half)
    after = np.append(half, usual / 2.0)
    return times_s - before, times_s + after
