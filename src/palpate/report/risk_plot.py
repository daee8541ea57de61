"""The risk of the cases kept against how many are kept."""

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from palpate.evaluation.risk_coverage import RiskCoverage
from palpate.report.plots import INK, MODEL, MUTED, STYLE, as_svg, short
from palpate.report.wording import unit_name


def risk_plot(curve: RiskCoverage) -> Markup:
    """Draw a curve with its band, the best order and the random one."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.3, 3.3), layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        kept = [100 * share for share in curve.kept]
        bands = [band for band in curve.bands if band is not None]
        if len(bands) == len(kept):
            low, high = zip(*bands, strict=True)
            axes.fill_between(kept, low, high, color=MODEL, alpha=0.15, linewidth=0)
        axes.plot(kept, curve.risk, color=MODEL, lw=1.8, label="by doubt")
        axes.plot(kept, curve.oracle, "--", color=INK, lw=1.2, label="by the error itself")
        axes.axhline(curve.random_area, color=MUTED, lw=1.2, ls=":", label="in random order")
        axes.set_title(short(curve.of.name, 44))
        axes.set(xlim=(0, 101), ylim=(0, None), xlabel="cases kept, %")
        axes.set_ylabel(f"mean error of these, {unit_name(curve.of.unit) or 'no unit'}")
        axes.legend(loc="lower right")
        return as_svg(figure, f"Risk of the cases kept, {curve.of.name}")
