"""Series over the time of a clip, all under one axis."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from jaxtyping import Bool, Float
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter
from numpy import ndarray

from palpate.report.clip_thinned import COLUMNS, Marked, kept, marked
from palpate.report.plots import HUMAN, INK, MODEL, MUTED, SOFT, STYLE, as_svg, short

# From here on a clock reads better than a number of seconds.
_MINUTES_FROM_S = 120.0
_WIDTH = 10.6
# Rings are wider than a column of the drawing.
_RINGS = 100


@dataclass(frozen=True, eq=False, slots=True)
class Line:
    """A series and, if there is one, its smoothed course."""

    raw: Float[ndarray, " frame"]
    smoothed: Float[ndarray, " frame"] | None = None


@dataclass(frozen=True, eq=False, slots=True)
class AnglePanel:
    """One segment over time: how far it is turned from its reference.

    Args:
        name: of the segment.
        turned: in degrees, 0 at the reference.
        reference_deg: None where it is not known.
        threshold_deg: None where none is given.
        marked: stretches out of line.
        unknown: stretches in which that is not known.
    """

    name: str
    turned: Line
    reference_deg: float | None
    threshold_deg: float | None
    marked: tuple[Marked, ...]
    unknown: tuple[Marked, ...]


@dataclass(frozen=True, slots=True)
class BarPanel:
    """What holds or does not, over time."""

    name: str
    marked: tuple[Marked, ...]
    unknown: tuple[Marked, ...]


@dataclass(frozen=True, eq=False, slots=True)
class PointPanel:
    """One landmark over time, in px; the frames in which it jumps."""

    name: str
    x: Line
    y: Line
    jumps: Bool[ndarray, " frame"]


def posture_plot(
    times_s: Float[ndarray, " frame"], angles: Sequence[AnglePanel], bars: Sequence[BarPanel]
) -> Markup:
    """Plot every segment above the bars of contact, all under the same time."""
    if not angles and not bars:
        return Markup("")
    heights = [0.86] * len(angles) + ([0.22 * len(bars) + 0.06] if bars else [])
    with mpl.rc_context(STYLE):
        figure, grid = _grid(heights, 1, left=1.35, right=0.45, top=0.08)
        rows = [row[0] for row in grid]
        for axes, panel in zip(rows, angles, strict=False):
            _angle(axes, times_s, panel)
        if bars:
            _bars(rows[-1], bars)
        _clock(rows, times_s)
        return _rounded(as_svg(figure, "Posture over time"))


def points_plot(times_s: Float[ndarray, " frame"], points: Sequence[PointPanel]) -> Markup:
    """Plot x and y of every landmark, raw and smoothed, with the points that jump ringed."""
    with mpl.rc_context(STYLE):
        figure, grid = _grid([0.72] * len(points), 2, left=1.75, right=0.2, top=0.25)
        for row, panel in zip(grid, points, strict=True):
            for axes, line in zip(row, (panel.x, panel.y), strict=True):
                _line(axes, times_s, line, columns=COLUMNS // 2)
                _rings(axes, times_s, line.raw, panel.jumps)
                axes.margins(y=0.15)
                axes.patch.set_alpha(0)
                axes.locator_params(axis="y", nbins=3)
            row[0].set_ylabel(short(panel.name, 22), rotation=0, ha="right", va="center", color=INK)
        for axes, title in zip(grid[0], ("x, px", "y, px (downwards)"), strict=True):
            axes.set_title(title)
        for _, down in grid:
            down.invert_yaxis()
        for column in zip(*grid, strict=True):
            _clock(column, times_s)
        return _rounded(as_svg(figure, "Landmarks over time"))


def _grid(
    heights: Sequence[float], columns: int, *, left: float, right: float, top: float
) -> tuple[Figure, list[tuple[Axes, ...]]]:
    """Rows of the given heights in inches under one time axis, with fixed margins.

    A layout engine measures every label of every panel, which takes longer than drawing them.
    """
    gap, bottom = 0.14, 0.5
    tall = sum(heights) + gap * (len(heights) - 1) + top + bottom
    figure = Figure(figsize=(_WIDTH, tall))
    FigureCanvasSVG(figure)
    figure.patch.set_alpha(0)
    rows = figure.subplots(
        len(heights),
        columns,
        sharex=True,
        squeeze=False,
        gridspec_kw={
            "height_ratios": list(heights),
            "left": left / _WIDTH,
            "right": 1.0 - right / _WIDTH,
            "top": 1.0 - top / tall,
            "bottom": bottom / tall,
            "hspace": gap * len(heights) / sum(heights),
            "wspace": 0.12,
        },
    )
    return figure, [tuple(row) for row in rows]


def _angle(axes: Axes, times_s: Float[ndarray, " frame"], panel: AnglePanel) -> None:
    axes.patch.set_alpha(0)
    limit = panel.threshold_deg
    if limit is not None:
        axes.axhspan(-limit, limit, color=SOFT, lw=0, zorder=0)
    axes.axhline(0.0, color=INK, lw=0.9, ls="--")
    _line(axes, times_s, panel.turned, columns=COLUMNS)
    reach = _reach(panel.turned, 1.9 * (limit or 20.0))
    axes.set_ylim(-reach, reach)
    _blocks(axes, panel.marked, (-reach, reach), HUMAN, alpha=0.3)
    _blocks(axes, panel.unknown, (-reach, -0.9 * reach), MUTED)
    _beyond(axes, times_s, panel.turned.raw, reach)
    axes.set_ylabel(
        short(panel.name, 14), rotation=0, ha="right", va="center", color=INK, labelpad=8
    )
    # At the threshold, or at a multiple of it that leaves room for the words.
    far = (limit or 20.0) * max(1.0, np.ceil(0.45 * reach / (limit or 20.0)))
    axes.set_yticks([-far, 0.0, far])
    _angles_beside(axes, panel, (-far, 0.0, far))


def _blocks(
    axes: Axes,
    parts: Sequence[Marked],
    heights: tuple[float, float],
    colour: str,
    *,
    alpha: float = 1.0,
) -> None:
    """Fill stretches of time between two heights: one path, however many there are."""
    if not parts:
        return
    low, high = heights
    corners = [
        corner
        for part in parts
        for corner in (
            (part.start_s, low),
            (part.start_s, high),
            (part.end_s, high),
            (part.end_s, low),
            (part.start_s, low),
        )
    ]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(parts)
    path = Path(corners, codes)
    axes.add_patch(PathPatch(path, color=colour, alpha=alpha, lw=0.4, zorder=0.5))


def _angles_beside(axes: Axes, panel: AnglePanel, places: Sequence[float]) -> None:
    """The angle itself at the right, where the turn is written at the left."""
    if panel.reference_deg is None:
        return
    beside = axes.twinx()
    beside.set_ylim(axes.get_ylim())
    words = [f"{_wrapped(panel.reference_deg + place):.0f}°" for place in places]
    beside.set_yticks(places, words)
    beside.grid(False)
    beside.tick_params(axis="y", length=0)


def _wrapped(degrees: float) -> float:
    """An angle in (-180, 180]; rounded before, so that -180 is never printed."""
    return 180.0 - (180.0 - round(degrees)) % 360.0


def _reach(line: Line, least: float) -> float:
    """How far a panel reaches to either side: so far that all but a few wild frames are inside."""
    known = np.abs(line.raw[np.isfinite(line.raw)])
    return max(least, 1.15 * float(np.quantile(known, 0.98))) if len(known) else least


def _beyond(
    axes: Axes, times_s: Float[ndarray, " frame"], values: Float[ndarray, " frame"], reach: float
) -> None:
    """Point at what lies outside of a panel, so that it is not lost."""
    for side, shape in ((1.0, "^"), (-1.0, "v")):
        stretches = marked(side * values > reach, times_s)
        middles = [(part.start_s + part.end_s) / 2.0 for part in stretches]
        if middles:
            places = [side * 0.93 * reach] * len(middles)
            axes.plot(middles, places, shape, color=HUMAN, ms=3.5, ls="")


def _line(axes: Axes, times_s: Float[ndarray, " frame"], line: Line, *, columns: int) -> None:
    """Draw the raw series in grey where a smoothed one lies upon it, alone in colour."""
    if line.smoothed is None:
        _drawn(axes, times_s, line.raw, colour=MODEL, width=1.0, columns=columns)
        return
    _drawn(axes, times_s, line.raw, colour=MUTED, width=0.8, columns=columns)
    _drawn(axes, times_s, line.smoothed, colour=MODEL, width=1.2, columns=columns)


def _drawn(
    axes: Axes,
    times_s: Float[ndarray, " frame"],
    values: Float[ndarray, " frame"],
    *,
    colour: str,
    width: float,
    columns: int,
) -> None:
    frames = kept(times_s, values, columns=columns)
    times, shown = times_s[frames], values[frames]
    axes.plot(times, shown, color=colour, lw=width)
    known = np.isfinite(shown)
    # A line through one point is nothing: alone between absences it becomes a dot.
    beside = np.append(known[1:], False) | np.append(False, known[:-1])
    alone = known & ~beside
    if alone.any():
        axes.plot(times[alone], shown[alone], ".", color=colour, ms=4)


def _rings(
    axes: Axes,
    times_s: Float[ndarray, " frame"],
    values: Float[ndarray, " frame"],
    jumps: Bool[ndarray, " frame"],
) -> None:
    """Ring what jumps; of many that would lie on each other, the outermost."""
    only = np.where(jumps, values, np.nan)
    frames = kept(times_s, only, columns=_RINGS)
    frames = frames[np.isfinite(only[frames])]
    if len(frames):
        axes.plot(times_s[frames], only[frames], "o", mfc="none", mec=HUMAN, ms=6, mew=1.2)


def _bars(axes: Axes, bars: Sequence[BarPanel]) -> None:
    axes.patch.set_alpha(0)
    for row, panel in enumerate(bars):
        _blocks(axes, panel.unknown, (row - 0.05, row + 0.05), MUTED)
        _blocks(axes, panel.marked, (row - 0.31, row + 0.31), HUMAN)
    names = [short(f"{panel.name} contact", 18) for panel in bars]
    axes.set_yticks(range(len(bars)), names)
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.grid(False, axis="y")


def _clock(rows: Sequence[Axes], times_s: Float[ndarray, " frame"]) -> None:
    start, end = float(times_s[0]), float(times_s[-1])
    aside = 0.004 * (end - start) if end > start else 0.5
    last = rows[-1]
    last.set_xlim(start - aside, end + aside)
    minutes = end >= _MINUTES_FROM_S
    if minutes:
        last.xaxis.set_major_formatter(FuncFormatter(_minutes))
    last.set_xlabel("time, min:s" if minutes else "time, s")


def _minutes(seconds: float, _: object) -> str:
    whole = round(seconds)
    return f"{'-' if whole < 0 else ''}{abs(whole) // 60}:{abs(whole) % 60:02d}"


def _rounded(drawing: Markup) -> Markup:
    """Cut path coordinates to a hundredth of a point: nobody sees more, and pages stay small."""

    def shorter(path: re.Match[str]) -> str:
        return re.sub(r"(\.\d\d)\d+", r"\1", path.group())

    return Markup(re.sub(r' d="[^"]*"', shorter, str(drawing)))
