"""Where each landmark went, drawn on one frame of the clip."""

from collections.abc import Iterator
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.colors import to_hex
from numpy import ndarray

from palpate.affine import Affine
from palpate.report.clip_thinned import kept
from palpate.sequences.track import Track

# Of the picture; a path is cut short by so much that nobody sees it.
_STEP_PX = 0.5
_COLUMNS = 300


@dataclass(frozen=True, slots=True)
class Path:
    """One landmark's way: a colour, and runs of ``x,y`` that SVG reads."""

    name: str
    colour: str
    runs: tuple[str, ...]


def paths(track: Track, onto: Affine) -> tuple[Path, ...]:
    """Return the way of every landmark that was found, broken where it is absent.

    Args:
        track: as found.
        onto: from px of the frame to px of the picture.
    """
    colours = mpl.colormaps["tab20"]
    return tuple(
        Path(
            name,
            to_hex(colours(k % 20)),
            tuple(_runs(onto(track.coordinates[:, k]), track.times_s)),
        )
        for k, name in enumerate(track.names)
        if track.present[:, k].any()
    )


def _runs(path: Float[ndarray, "frame 2"], times_s: Float[ndarray, " frame"]) -> Iterator[str]:
    chosen = np.union1d(
        *(kept(times_s, np.ascontiguousarray(axis), columns=_COLUMNS) for axis in path.T)
    )
    places = np.round(path[chosen] / _STEP_PX) * _STEP_PX
    known = np.flatnonzero(np.isfinite(places[:, 0]))
    for run in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        moved = np.append(True, (np.diff(places[run], axis=0) != 0.0).any(axis=1))
        here = places[run[moved]]
        # A line through one point is nothing; to itself, with round ends, it is a dot.
        here = np.repeat(here, 2, axis=0) if len(here) == 1 else here
        yield " ".join(f"{x:g},{y:g}" for x, y in here)
