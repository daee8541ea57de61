"""The modes of a shape model, a panel a mode with its share of the variance."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy import ndarray

from palpate.report.plots import HUMAN, INK, MODEL, STYLE, as_svg
from palpate.shape.modes import ModeShapes

_WIDTH, _PANEL = 10.6, 2.8
_COLUMNS = 4
# By the sign of the deviation.
_LOOK = {0: (INK, "-"), 1: (MODEL, "-"), -1: (HUMAN, "--")}


def mode_plot(modes: Sequence[ModeShapes], *, edges: Sequence[tuple[int, int]] = ()) -> Markup:
    """Draw every mode as the film shows it, y downwards, all to one scale.

    Args:
        modes: of :func:`palpate.shape.modes.mode_shapes`; nothing is drawn of none.
        edges: rows of the landmarks that a line joins; without them landmarks are dots alone.
    """
    if not modes:
        return Markup("")
    rows = -(-len(modes) // _COLUMNS)
    low, high = _reach(modes)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH, _PANEL * rows), layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        grid = figure.subplots(rows, _COLUMNS, squeeze=False)
        for k, axes in enumerate(grid.ravel()):
            axes.set_axis_off()
            if k < len(modes):
                _panel(axes, modes[k], edges)
                axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), aspect="equal")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=len(labels), fontsize=9)
        return as_svg(figure, "Modes of the shape model")


def _panel(axes: Axes, mode: ModeShapes, edges: Sequence[tuple[int, int]]) -> None:
    axes.patch.set_alpha(0)
    axes.set_title(f"mode {mode.number}: {100.0 * mode.share:.0f} %")
    for deviation, shape in zip(mode.deviations, mode.shapes, strict=True):
        colour, dash = _LOOK[int(np.sign(deviation))]
        name = "mean" if deviation == 0 else f"{deviation:+g} SD"
        x, y = _joined(shape, edges)
        axes.plot(x, y, dash, color=colour, lw=1.4, label=name)
        axes.plot(shape[:, 0], shape[:, 1], ".", color=colour, ms=2.5)


def _joined(
    shape: Float[ndarray, "k 2"], edges: Sequence[tuple[int, int]]
) -> tuple[list[float], list[float]]:
    """Return the lines of the edges in one run, with a gap after each."""
    x, y = [], []
    for first, second in edges:
        x += [float(shape[first, 0]), float(shape[second, 0]), float("nan")]
        y += [float(shape[first, 1]), float(shape[second, 1]), float("nan")]
    return x, y


def _reach(modes: Sequence[ModeShapes]) -> tuple[Float[ndarray, " 2"], Float[ndarray, " 2"]]:
    every = np.concatenate([mode.shapes.reshape(-1, 2) for mode in modes])
    low, high = every.min(axis=0), every.max(axis=0)
    margin = 0.04 * float((high - low).max())
    return low - margin, high + margin
