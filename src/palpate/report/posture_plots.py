"""F1 against the threshold, a panel a segment or group."""

from collections.abc import Sequence
from itertools import cycle

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from palpate.evaluation.posture_alignment import Curve
from palpate.report.plots import HUMAN, INK, LINE, MODEL, MUTED, STYLE, THIRD, as_svg, short

_COLUMNS = 5
_WIDTH = 10.6


def curve_plot(
    names: Sequence[str], curves: Sequence[Sequence[Curve]], *, threshold_deg: float
) -> Markup:
    """Plot F1 in percent of every prediction, with the interval of the first as a band.

    Args:
        names: of the predictions.
        curves: one sequence a prediction, each with the same segments and groups.
        threshold_deg: a line shows it.
    """
    count = len(curves[0])
    rows = -(-count // _COLUMNS)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH, 1.75 * rows + 0.75))
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        grid = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False)
        tall = figure.get_figheight()
        figure.subplots_adjust(
            left=0.055, right=0.995, top=1 - 0.6 / tall, bottom=0.45 / tall, hspace=0.3, wspace=0.12
        )
        for k, axes in enumerate(grid.ravel()):
            if k >= count:
                axes.set_axis_off()
                continue
            _panel(axes, names, [every[k] for every in curves], threshold_deg)
            if k + _COLUMNS >= count:
                axes.set_xlabel("threshold, deg")
                axes.tick_params(labelbottom=True)
            if k % _COLUMNS == 0:
                axes.set_ylabel("F1, %")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="upper left", ncols=len(labels), fontsize=9)
        return as_svg(figure, "F1 against the threshold")


def _panel(axes: Axes, names: Sequence[str], curves: Sequence[Curve], threshold_deg: float) -> None:
    axes.patch.set_alpha(0)
    first = curves[0]
    grid = np.array(first.thresholds_deg)
    low, high = (
        np.array([np.nan if f1.interval is None else 100 * f1.interval[end] for f1 in first.f1])
        for end in (0, 1)
    )
    axes.fill_between(grid, low, high, color=MODEL, alpha=0.18, lw=0)
    every = [np.nan if f1.value is None else 100 * f1.value for f1 in first.f1_if_all]
    axes.plot(grid, every, ":", color=MUTED, lw=1.2, label="if every frame is called misaligned")
    styles = cycle(((MODEL, "-"), (THIRD, "-"), (HUMAN, "--"), (INK, "-."), (MUTED, "--")))
    for name, curve, (colour, dash) in zip(names, curves, styles, strict=False):
        values = [np.nan if f1.value is None else 100 * f1.value for f1 in curve.f1]
        axes.plot(
            grid, values, dash, color=colour, lw=1.5, marker=".", ms=2.5, label=short(name, 40)
        )
    axes.axvline(threshold_deg, color=LINE, lw=1.2)
    axes.set_title(short(first.name, 22))
    axes.set(xlim=(min(0.0, grid[0]), grid[-1] + 1), ylim=(0, 102))
