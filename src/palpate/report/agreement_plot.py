"""Bland and Altman's plot with the intervals of bias and limits."""

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from palpate.evaluation.agreement_estimate import Estimate
from palpate.evaluation.agreement_pair import PairAgreement
from palpate.report.plots import INK, LINE, MODEL, MOST_POINTS, MUTED, SOFT, STYLE, as_svg, short
from palpate.report.wording import number


def agreement_plot(pair: PairAgreement, *, title: str, unit: str) -> Markup:
    """Plot the difference of two raters against their mean.

    Lines: the bias and the limits of agreement, each with its interval as a band; dotted: the
    line through the differences, where their slope is not zero by its interval.

    Args:
        pair: with limits.
        title: of the plot.
        unit: of both axes.

    Source:
        Bland and Altman, Statistical Methods in Medical Research 8(2), 1999, figure 3.
    """
    first, second = (np.array([point[k] for point in pair.points], float) for k in (1, 2))
    mean, difference = (first + second) / 2, second - first
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.3, 3.3), layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        step = -(-len(mean) // MOST_POINTS)
        axes.axhline(0, color=LINE, lw=1)
        for estimate, style in (
            (pair.limits.bias, "-"),
            (pair.limits.lower, "--"),
            (pair.limits.upper, "--"),
        ):
            if estimate.value is None:
                continue
            if estimate.interval is not None:
                axes.axhspan(*estimate.interval, color=SOFT, lw=0)
            axes.axhline(estimate.value, color=INK, lw=1.1, ls=style)
            axes.annotate(
                number(estimate.value),
                (1.01, estimate.value),
                xycoords=("axes fraction", "data"),
                va="center",
                color=MUTED,
                annotation_clip=False,
            )
        axes.scatter(mean[::step], difference[::step], s=12, color=MODEL, alpha=0.55, linewidths=0)
        if clear(pair.slope) and pair.slope.value is not None:
            ends = np.array([mean.min(), mean.max()])
            fitted = difference.mean() + pair.slope.value * (ends - mean.mean())
            axes.plot(ends, fitted, ":", color=INK, lw=1.4)
        axes.set_title(short(title, 44))
        axes.set(xlabel=f"mean of both, {unit}", ylabel=f"{short(pair.label, 30)}, {unit}")
        return as_svg(figure, f"Bland-Altman plot of {title}")


def clear(slope: Estimate) -> bool:
    """Whether the interval of a slope leaves zero out."""
    return slope.interval is not None and (slope.interval[0] > 0 or slope.interval[1] < 0)
