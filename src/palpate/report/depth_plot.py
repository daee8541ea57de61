"""Limbs over the time of a clip: when each was whole, partial or not found."""

import matplotlib as mpl
from jaxtyping import Float
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy import ndarray

from palpate.report.clip_thinned import marked
from palpate.report.depth_reported import LimbCourse
from palpate.report.plots import INK, MODEL, STYLE, as_svg, short

_WIDTH = 10.6
_ROW = 0.3


def limbs_plot(times_s: Float[ndarray, " frame"], course: LimbCourse) -> Markup:
    """Plot one row a limb under one time axis.

    Args:
        times_s: of the frames, from 0.
        course: of the limbs.
    """
    limbs = course.limbs
    tall = _ROW * len(limbs) + 0.62
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH, tall))
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        axes = figure.add_axes(
            (1.35 / _WIDTH, 0.5 / tall, 1 - 1.8 / _WIDTH, _ROW * len(limbs) / tall)
        )
        axes.patch.set_alpha(0)
        for row, limb in enumerate(limbs):
            for held, height in ((course.whole(limb), 0.7), (course.partial(limb), 0.35)):
                bars = [(part.start_s, part.end_s - part.start_s) for part in marked(held, times_s)]
                if bars:
                    axes.broken_barh(bars, (row + 0.35 - height, height), color=MODEL, lw=0)
        axes.set_yticks(range(len(limbs)), [short(limb.name, 18) for limb in limbs])
        axes.set_ylim(len(limbs) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.grid(False, axis="y")
        end = float(times_s[-1]) if len(times_s) > 1 else float(times_s[0]) + 1.0
        axes.set_xlim(float(times_s[0]), end)
        axes.set_xlabel("time, s")
        return as_svg(figure, "Limbs over time")
