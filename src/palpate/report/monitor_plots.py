"""Drawings of hours: what was seen, how active the limbs were, how the sides compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter, MultipleLocator
from numpy import ndarray

from palpate.report.monitor_pooled import NO_FRAME
from palpate.report.plots import HUMAN, INK, LINE, MODEL, MUTED, SOFT, STYLE, THIRD, as_svg, short

_WIDTH = 10.6
_LEFT = 1.2
_RIGHT = 0.55
# From white to full in steps: a path a step keeps the page small.
_LEVELS = 10
# Colour, opacity and name of what becomes of a frame, from the best to nothing at all.
_STATES: dict[str, tuple[str, float]] = {
    "found": (MODEL, 0.9),
    "partial": (MODEL, 0.4),
    "nothing found": (HUMAN, 0.85),
    "nothing measured": (HUMAN, 0.45),
    "bad": (INK, 0.8),
    "skipped": (THIRD, 0.25),
    "gap": (MUTED, 0.8),
    NO_FRAME: (INK, 0.55),
}
_OTHER = (INK, 0.4)
# Hours between the ticks of a clock, by the length of the time.
_TICKS_H = (1 / 60, 1 / 12, 1 / 6, 0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0)
_MOST_TICKS = 13


@dataclass(frozen=True, eq=False, slots=True)
class Clock:
    """The time axis that all drawings share.

    Args:
        edges_s: (bin + 1,) in seconds from the start.
        began: time of day of second 0, or None.
    """

    edges_s: Float[ndarray, " edge"]
    began: datetime | None

    @property
    def hours(self) -> Float[ndarray, " edge"]:
        """The edges in hours: of the first day, or from the start."""
        return self.edges_s / 3600.0 + self._offset_h

    @property
    def label(self) -> str:
        """Of the axis."""
        if self.began is None:
            return "time since the start, h:min"
        return f"time of day, from {self.began:%d %B %Y}"

    @property
    def _offset_h(self) -> float:
        if self.began is None:
            return 0.0
        midnight = self.began.replace(hour=0, minute=0, second=0, microsecond=0)
        return (self.began - midnight) / timedelta(hours=1)

    def words(self, hours: float, _: object = None) -> str:
        """A place on the axis in words."""
        minutes = round(60.0 * hours)
        hour = minutes // 60
        if self.began is not None:
            hour %= 24
        return f"{hour:02d}:{minutes % 60:02d}"


@dataclass(frozen=True, eq=False, slots=True)
class Curve:
    """A number over time, one a bin; NaN where there is none."""

    name: str
    values: Float[ndarray, " bin"]
    colour: str
    dash: str = "-"


@dataclass(frozen=True, eq=False, slots=True)
class CurvePanel:
    """Curves with the same unit.

    Args:
        name: at the left.
        curves: in it.
        limits: of its axis; None from the curves, beginning at 0.
    """

    name: str
    curves: tuple[Curve, ...]
    limits: tuple[float, float] | None = None


def coverage_plot(clock: Clock, shares: Sequence[Mapping[str, float]]) -> Markup:
    """Plot what became of the frames, as shares of each bin of time upon each other."""
    names = sorted({name for part in shares for name in part}, key=_rank)
    with mpl.rc_context(STYLE):
        figure, (axes,) = _rows([0.62], clock, top=0.34)
        base = np.zeros(len(shares))
        for name in names:
            top = base + np.array([part.get(name, 0.0) for part in shares])
            _blocks(axes, clock.hours, base, top, _colour(name))
            base = top
        axes.set_ylim(0.0, 1.0)
        axes.set_yticks([0.0, 0.5, 1.0], ["0", "50", "100 %"])
        axes.grid(False)
        patches = [Rectangle((0, 0), 1, 1, color=c, alpha=a, lw=0) for c, a in map(_colour, names)]
        axes.legend(
            patches,
            names,
            loc="lower left",
            bbox_to_anchor=(-0.01, 1.0),
            ncol=len(names),
            handlelength=1.0,
            columnspacing=1.2,
        )
        return as_svg(figure, "What became of the frames over time")


def activity_plot(
    clock: Clock, limbs: Sequence[str], active: Float[ndarray, "limb bin"], full: float
) -> Markup:
    """Plot the active share of every limb as shades; ``full`` is the share of the darkest one.

    Args:
        clock: the bins.
        limbs: names, from the top.
        active: shares in [0, 1]; NaN where the limb was not seen enough.
        full: the darkest shade; what is above has it as well.
    """
    with mpl.rc_context(STYLE):
        figure, (axes,) = _rows([0.3 * len(limbs)], clock, top=0.4)
        level = np.ceil(np.clip(active / full, 0.0, 1.0) * _LEVELS)
        for row in range(len(limbs)):
            low, high = np.full(active.shape[1], row - 0.4), np.full(active.shape[1], row + 0.4)
            unseen = np.isnan(active[row])
            _blocks(axes, clock.hours, low, np.where(unseen, high, low), None)
            _blocks(axes, clock.hours, low, np.where(unseen, low, high), (SOFT, 1.0))
            for shade in range(1, _LEVELS + 1):
                tops = np.where(level[row] == shade, high, low)
                _blocks(axes, clock.hours, low, tops, (MODEL, shade / _LEVELS))
        axes.set_yticks(range(len(limbs)), [short(name, 16) for name in limbs])
        axes.set_ylim(len(limbs) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.grid(False)
        axes.spines["left"].set_visible(False)
        _shades(figure, full)
        return as_svg(figure, "Active share of every limb over time")


def curves_plot(clock: Clock, panels: Sequence[CurvePanel], label: str) -> Markup:
    """Plot curves in panels under one clock; no two drawings of a page have one label."""
    with mpl.rc_context(STYLE):
        figure, grid = _rows([0.85] * len(panels), clock, top=0.3)
        middles = (clock.hours[1:] + clock.hours[:-1]) / 2.0
        for axes, panel in zip(grid, panels, strict=True):
            for curve in panel.curves:
                _curve(axes, middles, curve)
            if panel.limits is not None:
                axes.set_ylim(*panel.limits)
                if panel.limits[0] < 0.0 < panel.limits[1]:
                    axes.axhline(0.0, color=INK, lw=0.8, ls="--", zorder=0)
            else:
                axes.set_ylim(bottom=0.0)
            axes.locator_params(axis="y", nbins=3)
            axes.set_ylabel(panel.name, rotation=0, ha="right", va="center", color=INK, labelpad=6)
        if any(len(panel.curves) > 1 for panel in panels):
            handles, names = _named(grid)
            grid[0].legend(
                handles, names, loc="lower right", bbox_to_anchor=(1.0, 0.97), ncol=len(names)
            )
        return as_svg(figure, label)


def delay_plot(bins: Sequence[tuple[float, int]], marks: Mapping[str, float]) -> Markup:
    """Plot how many frames took how long, on a logarithmic axis, with percentiles marked."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.3, 2.5), layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        axes = figure.subplots()
        axes.patch.set_alpha(0)
        ends = np.array([1000.0 * end for end, _ in bins])
        counts = np.array([count for _, count in bins], dtype=np.float64)
        ratio = float(np.median(ends[1:] / ends[:-1])) if len(ends) > 1 else 1.12
        edges = np.concatenate([[ends[0] / ratio], ends])
        _blocks(axes, edges, np.zeros(len(ends)), 100.0 * counts / counts.sum(), (MODEL, 0.85))
        top = 112.0 * counts.max() / counts.sum()
        axes.set(xscale="log", xlim=(edges[0], edges[-1]), ylim=(0.0, top))
        for step, (name, seconds) in enumerate(marks.items()):
            axes.axvline(1000.0 * seconds, color=HUMAN, lw=1.1, ls="--")
            height = top * (1.0 - 0.1 * step)  # one below the other: they may be close
            axes.text(1000.0 * seconds, height, f" {name}", color=HUMAN, va="top", fontsize=8)
        axes.set(xlabel="from arrival to joints, ms", ylabel="frames, %")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda ms, _: f"{ms:g}"))
        axes.xaxis.set_minor_formatter(FuncFormatter(lambda _, __: ""))
        return as_svg(figure, "Delay from arrival to joints")


def _colour(name: str) -> tuple[str, float]:
    return _STATES.get(name, _OTHER)


def _rank(name: str) -> tuple[int, str]:
    """Known states in their order, others before the last one."""
    names = list(_STATES)
    return (names.index(name) if name in names else len(names) - 1, name)


def _rows(heights: Sequence[float], clock: Clock, *, top: float) -> tuple[Figure, tuple[Axes, ...]]:
    """Rows of some heights in inches under one clock, with the margins of all drawings."""
    gap, bottom = 0.16, 0.48
    tall = sum(heights) + gap * (len(heights) - 1) + top + bottom
    figure = Figure(figsize=(_WIDTH, tall))
    FigureCanvasSVG(figure)
    figure.patch.set_alpha(0)
    place = tall - top
    rows: list[Axes] = []
    for height in heights:
        place -= height
        box = (_LEFT / _WIDTH, place / tall, 1.0 - (_LEFT + _RIGHT) / _WIDTH, height / tall)
        axes = figure.add_axes(box)
        axes.patch.set_alpha(0)
        _on_clock(axes, clock, last=len(rows) == len(heights) - 1)
        rows.append(axes)
        place -= gap
    return figure, tuple(rows)


def _on_clock(axes: Axes, clock: Clock, *, last: bool) -> None:
    hours = clock.hours
    axes.set_xlim(hours[0], hours[-1])
    span = float(hours[-1] - hours[0])
    tick = next((h for h in _TICKS_H if span / h <= _MOST_TICKS), 24.0 * np.ceil(span / 24 / 12))
    axes.xaxis.set_major_locator(MultipleLocator(float(tick)))
    axes.xaxis.set_major_formatter(FuncFormatter(clock.words))
    if last:
        axes.set_xlabel(clock.label)
    else:
        axes.tick_params(axis="x", labelbottom=False)


def _blocks(
    axes: Axes,
    edges: Float[ndarray, " edge"],
    low: Float[ndarray, " bin"],
    high: Float[ndarray, " bin"],
    paint: tuple[str, float] | None,
) -> None:
    """Fill bins from a height to another: one path, neighbours of the same height joined.

    Without a colour and its opacity they are hatched.
    """
    corners: list[tuple[float, float]] = []
    filled = np.flatnonzero(high > low)
    if not len(filled):
        return
    splits = np.flatnonzero(
        (np.diff(filled) > 1) | (np.diff(low[filled]) != 0) | (np.diff(high[filled]) != 0)
    )
    for run in np.split(filled, splits + 1):
        x, w = float(edges[run[0]]), float(edges[run[-1] + 1])
        a, b = float(low[run[0]]), float(high[run[0]])
        corners += [(x, a), (x, b), (w, b), (w, a), (x, a)]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    path = Path(corners, codes * (len(corners) // 5))
    if paint is None:
        patch = PathPatch(path, facecolor="none", edgecolor=MUTED, hatch="////", lw=0.0)
    else:
        patch = PathPatch(path, color=paint[0], alpha=paint[1], lw=0.0)
    axes.add_patch(patch)


def _shades(figure: Figure, full: float) -> None:
    """What the shades mean, at the upper right."""
    tall = figure.get_figheight()
    box = (1.0 - (_RIGHT + 2.0) / _WIDTH, 1.0 - 0.2 / tall, 2.0 / _WIDTH, 0.13 / tall)
    axes = figure.add_axes(box)
    edges = np.linspace(0.0, 1.0, _LEVELS + 1)
    axes.add_patch(Rectangle((0, 0), 1, 1, color=SOFT, lw=0))
    for shade in range(1, _LEVELS + 1):
        box_of = Rectangle((edges[shade - 1], 0), 1 / _LEVELS, 1, color=MODEL, lw=0)
        box_of.set_alpha(shade / _LEVELS)
        axes.add_patch(box_of)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_axis_off()
    for x, words, side in ((-0.03, "active 0 %", "right"), (1.03, f"{100 * full:.0f} %", "left")):
        axes.text(x, 0.4, words, ha=side, va="center", fontsize=8, color=MUTED)
    axes.add_patch(Rectangle((0, 0), 1, 1, fill=False, edgecolor=LINE, lw=0.8))


def _curve(axes: Axes, middles: Float[ndarray, " bin"], curve: Curve) -> None:
    axes.plot(middles, curve.values, curve.dash, color=curve.colour, lw=1.3, label=curve.name)
    known = np.isfinite(curve.values)
    # A line through one bin is nothing: alone between gaps it becomes a dot.
    alone = known & ~np.append(known[1:], False) & ~np.append(False, known[:-1])
    axes.plot(middles[alone], curve.values[alone], ".", color=curve.colour, ms=3.5)


def _named(grid: Sequence[Axes]) -> tuple[list[Artist], list[str]]:
    """Each name once, however many panels have it."""
    found: dict[str, Artist] = {}
    for axes in grid:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    return list(found.values()), list(found)
