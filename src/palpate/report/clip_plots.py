"""Series over the time of a clip, all under one axis."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy import ndarray

from palpate.report.clip_thinned import COLUMNS, Marked, kept
from palpate.report.plots import _STYLE, HUMAN, INK, MODEL, MUTED, SOFT, _short, _svg

# From here on a clock reads better than a number of seconds.
_MINUTES_FROM_S = 120.0


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
    jumps: Sequence[int]


def posture_plot(
    times_s: Float[ndarray, " frame"], angles: Sequence[AnglePanel], bars: Sequence[BarPanel]
) -> Markup:
    """Plot every segment above the bars of contact, all under the same time."""
    if not angles and not bars:
        return Markup("")
    heights = [1.0] * len(angles) + ([0.24 * len(bars) + 0.1] if bars else [])
    with mpl.rc_context(_STYLE):
        figure, rows = _stack(10.6, 0.96 * sum(heights) + 0.55, heights)
        for axes, panel in zip(rows, angles, strict=False):
            _angle(axes, times_s, panel)
        if bars:
            _bars(rows[-1], bars)
        _clock(rows, times_s)
        return _rounded(_svg(figure, "Posture over time"))


def points_plot(times_s: Float[ndarray, " frame"], points: Sequence[PointPanel]) -> Markup:
    """Plot x and y of every landmark, raw and smoothed, with the points that jump ringed."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(10.6, 0.85 * len(points) + 0.6), layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        grid = figure.subplots(len(points), 2, sharex=True, squeeze=False)
        for row, panel in zip(grid, points, strict=True):
            for axes, line in zip(row, (panel.x, panel.y), strict=True):
                _line(axes, times_s, line, columns=COLUMNS // 2)
                jumps = [frame for frame in panel.jumps if np.isfinite(line.raw[frame])]
                axes.plot(
                    times_s[jumps], line.raw[jumps], "o", mfc="none", mec=HUMAN, ms=6, mew=1.2
                )
                axes.margins(y=0.15)
                axes.locator_params(axis="y", nbins=3)
            row[0].set_ylabel(
                _short(panel.name, 22), rotation=0, ha="right", va="center", color=INK
            )
        for axes, title in zip(grid[0], ("x, px", "y, px (downwards)"), strict=True):
            axes.set_title(title)
        for axes in grid[:, 1]:
            axes.invert_yaxis()
        _clock(list(grid[:, 0]), times_s)
        _clock(list(grid[:, 1]), times_s)
        return _rounded(_svg(figure, "Landmarks over time"))


def _stack(width: float, height: float, ratios: Sequence[float]) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    figure.patch.set_alpha(0)
    rows = figure.subplots(
        len(ratios), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": list(ratios)}
    )
    return figure, list(rows[:, 0])


def _angle(axes: Axes, times_s: Float[ndarray, " frame"], panel: AnglePanel) -> None:
    axes.patch.set_alpha(0)
    limit = panel.threshold_deg
    if limit is not None:
        axes.axhspan(-limit, limit, color=SOFT, lw=0, zorder=0)
    for index, part in enumerate(panel.marked):
        axes.axvspan(part.start_s, part.end_s, color=HUMAN, alpha=0.3, lw=0.4, zorder=0.5).set_gid(
            f"out-of-line-{panel.name}-{index}"
        )
    for part in panel.unknown:
        axes.axvspan(part.start_s, part.end_s, ymax=0.05, color=MUTED, lw=0.4)
    axes.axhline(0.0, color=INK, lw=0.9, ls="--")
    _line(axes, times_s, panel.turned, columns=COLUMNS)
    reach = _reach(panel.turned, 1.25 * (limit or 20.0))
    axes.set_ylim(-reach, reach)
    axes.set_ylabel(_short(panel.name, 14), rotation=0, ha="right", va="center", color=INK)
    if limit is not None:
        axes.set_yticks([-limit, 0.0, limit])
    _angles_beside(axes, panel)


def _angles_beside(axes: Axes, panel: AnglePanel) -> None:
    """The angle itself at the right: at the reference and at the threshold to either side."""
    if panel.reference_deg is None:
        return
    beside = axes.twinx()
    beside.set_ylim(axes.get_ylim())
    places = axes.get_yticks() if panel.threshold_deg is not None else [0.0]
    words = [f"{_wrapped(panel.reference_deg + place):.0f}°" for place in places]
    beside.set_yticks(list(places), words)
    beside.grid(False)
    beside.tick_params(axis="y", length=0)


def _wrapped(degrees: float) -> float:
    """An angle in (-180, 180]; rounded before, so that -180 is never printed."""
    return 180.0 - (180.0 - round(degrees)) % 360.0


def _reach(line: Line, least: float) -> float:
    values = [line.raw] if line.smoothed is None else [line.raw, line.smoothed]
    far = [float(np.abs(part[np.isfinite(part)]).max(initial=0.0)) for part in values]
    return 1.08 * max(*far, least / 1.08, least / 1.08)


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


def _bars(axes: Axes, bars: Sequence[BarPanel]) -> None:
    axes.patch.set_alpha(0)
    for row, panel in enumerate(bars):
        for parts, colour, height in ((panel.unknown, MUTED, 0.1), (panel.marked, HUMAN, 0.62)):
            spans = [(part.start_s, part.end_s - part.start_s) for part in parts]
            if spans:
                axes.broken_barh(spans, (row - height / 2, height), color=colour, lw=0.4)
    names = [_short(f"{panel.name} contact", 18) for panel in bars]
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
