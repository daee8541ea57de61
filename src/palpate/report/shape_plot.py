"""The modes of a shape model, a panel a mode with its share of the variance."""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy import ndarray

from palpate.errors import GeometryError
from palpate.files import write_bytes
from palpate.report.plots import HUMAN, INK, LINE, MODEL, MUTED, STYLE, as_svg
from palpate.shape.modes import ModeShapes

_WIDTH, _PANEL = 10.6, 2.8
_COLUMNS = 4
# By the sign of the deviation.
_LOOK = {0: (INK, "-"), 1: (MODEL, "-"), -1: (HUMAN, "--")}
# What the stand-ins of a page's colours are on white paper.
_PAPER = {INK: "#1b2730", MUTED: "#5a6a76", LINE: "#dbe2e6", MODEL: "#14708a", HUMAN: "#b06a12"}
_DOTS_PER_INCH = 150

Paint = Callable[[str], str]


def mode_plot(modes: Sequence[ModeShapes], *, edges: Sequence[tuple[int, int]] = ()) -> Markup:
    """Draw every mode as the film shows it, y downwards, all to one scale.

    Args:
        modes: of :func:`palpate.shape.modes.mode_shapes`; nothing is drawn of none.
        edges: rows of the landmarks that a line joins; without them landmarks are dots alone.
    """
    if not modes:
        return Markup("")
    with mpl.rc_context(STYLE):
        figure = _drawn(modes, edges, str)
        FigureCanvasSVG(figure)
        return as_svg(figure, "Modes of the shape model")


def write_mode_png(
    modes: Sequence[ModeShapes], path: Path, *, edges: Sequence[tuple[int, int]] = ()
) -> None:
    """Write the same drawing as a picture on white.

    Raises:
        GeometryError: there is no mode to draw.
        OutputError: the file cannot be written.
    """
    if not modes:
        raise GeometryError("there is no mode to draw: the model has none")
    style: Any = {
        key: _paper(value) if isinstance(value, str) else value for key, value in STYLE.items()
    }
    stream = BytesIO()
    with mpl.rc_context(style):
        figure = _drawn(modes, edges, _paper)
        FigureCanvasAgg(figure)
        figure.patch.set(facecolor="white", alpha=1.0)
        figure.savefig(stream, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    write_bytes(path, stream.getvalue())


def panels(count: int) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many panels, four in a row, without frames and ground."""
    rows = -(-count // _COLUMNS)
    figure = Figure(figsize=(_WIDTH, _PANEL * rows), layout="constrained")
    figure.patch.set_alpha(0)
    grid: list[Axes] = figure.subplots(rows, _COLUMNS, squeeze=False).ravel().tolist()
    for axes in grid:
        axes.set_axis_off()
        axes.patch.set_alpha(0)
    return figure, grid


def joined(
    shape: Float[ndarray, "k 2"], edges: Sequence[tuple[int, int]]
) -> tuple[list[float], list[float]]:
    """Return the lines of the edges in one run, with a gap after each."""
    x, y = [], []
    for first, second in edges:
        x += [float(shape[first, 0]), float(shape[second, 0]), float("nan")]
        y += [float(shape[first, 1]), float(shape[second, 1]), float("nan")]
    return x, y


def reach(
    shapes: Sequence[Float[ndarray, "k 2"]],
) -> tuple[Float[ndarray, " 2"], Float[ndarray, " 2"]]:
    """Return the corners of what all shapes need, with a margin; absent points need nothing."""
    every = np.concatenate(shapes)
    low, high = np.nanmin(every, axis=0), np.nanmax(every, axis=0)
    margin = 0.04 * float((high - low).max())
    return low - margin, high + margin


def _drawn(modes: Sequence[ModeShapes], edges: Sequence[tuple[int, int]], paint: Paint) -> Figure:
    low, high = reach([shape for mode in modes for shape in mode.shapes])
    figure, grid = panels(len(modes))
    for axes, mode in zip(grid, modes, strict=False):
        _panel(axes, mode, edges, paint)
        axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), aspect="equal")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=len(labels), fontsize=9)
    return figure


def _panel(axes: Axes, mode: ModeShapes, edges: Sequence[tuple[int, int]], paint: Paint) -> None:
    axes.set_title(f"mode {mode.number}: {100.0 * mode.share:.0f} %")
    for deviation, shape in zip(mode.deviations, mode.shapes, strict=True):
        stand_in, dash = _LOOK[int(np.sign(deviation))]
        name = "mean" if deviation == 0 else f"{deviation:+g} SD"
        x, y = joined(shape, edges)
        axes.plot(x, y, dash, color=paint(stand_in), lw=1.4, label=name)
        axes.plot(shape[:, 0], shape[:, 1], ".", color=paint(stand_in), ms=2.5)


def _paper(colour: str) -> str:
    return _PAPER.get(colour, colour)
