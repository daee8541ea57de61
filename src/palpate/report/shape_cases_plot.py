"""Cases of a shape model: where their scores lie, and what an unusual one looks like."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
from jaxtyping import Float
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy import ndarray

from palpate.report.plots import HUMAN, INK, LINE, MODEL, STYLE, as_svg, short
from palpate.report.shape_plot import joined, panels, reach
from palpate.shape.model import ShapeModel

_RINGS = (1.0, 2.0, 3.0)
# Labels of more cases would lie on each other.
_MOST_LABELS = 12


@dataclass(frozen=True, slots=True)
class ScoredShape:
    """The first two scores of a case."""

    name: str
    first: float
    second: float
    unusual: bool


def score_plot(cases: Sequence[ScoredShape]) -> Markup:
    """Draw each case at its first two scores, with rings of 1, 2 and 3 standard deviations."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.3, 4.6), layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        for ring in _RINGS:
            axes.add_patch(Circle((0.0, 0.0), ring, fill=False, ec=LINE, lw=1.2))
        for unusual, colour, mark in ((False, MODEL, "o"), (True, HUMAN, "D")):
            own = [case for case in cases if case.unusual == unusual]
            axes.plot(
                [case.first for case in own],
                [case.second for case in own],
                mark,
                color=colour,
                ms=4.5,
                alpha=0.75,
                label="unusual" if unusual else "usual",
            )
        for case in [case for case in cases if case.unusual][:_MOST_LABELS]:
            axes.annotate(
                short(case.name, 18),
                (case.first, case.second),
                xytext=(5, 3),
                textcoords="offset points",
                fontsize=8,
                color=INK,
            )
        axes.set(xlabel="mode 1, SD", ylabel="mode 2, SD", aspect="equal")
        axes.legend(loc="upper right")
        return as_svg(figure, "Scores of mode 1 and mode 2")


def odd_shapes_plot(
    model: ShapeModel,
    cases: Sequence[tuple[str, Float[ndarray, "k 2"]]],
    *,
    edges: Sequence[tuple[int, int]] = (),
) -> Markup:
    """Draw each case laid on the mean, all to one scale; nothing of none.

    Raises:
        GeometryError: a case whose points coincide.
    """
    if not cases:
        return Markup("")
    laid = [(name, model.unlimited(points).pose.inverse()(points)) for name, points in cases]
    low, high = reach([model.mean, *(shape for _, shape in laid)])
    with mpl.rc_context(STYLE):
        figure, grid = panels(len(laid))
        FigureCanvasSVG(figure)
        for axes, (name, shape) in zip(grid, laid, strict=False):
            axes.set_title(short(name, 26))
            for points, colour, dash, label in (
                (model.mean, INK, "--", "mean"),
                (shape, HUMAN, "-", "case"),
            ):
                x, y = joined(points, edges)
                axes.plot(x, y, dash, color=colour, lw=1.4, label=label)
                axes.plot(points[:, 0], points[:, 1], ".", color=colour, ms=2.5)
            axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), aspect="equal")
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=len(labels), fontsize=9)
        return as_svg(figure, "Unusual shapes")
