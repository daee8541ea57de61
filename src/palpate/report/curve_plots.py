"""Error against the number of training images, and how the images' errors are distributed."""

from dataclasses import dataclass
from io import BytesIO
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from palpate.evaluation.normalised import cumulative
from palpate.report.curve_reported import ReportedCurve, ReportedMethod
from palpate.report.plots import HUMAN, INK, LINE, MODEL, MUTED, STYLE, THIRD, as_svg, short

_WIDTH, _HEIGHT = 10.6, 4.3
_MARKERS = "osD^vP"
# Marks of methods beside each other, as a factor on the axis of images.
_ASIDE = 1.012
# What a few images far off may not squeeze: this many times the largest median stays in sight.
_SIGHT = 5.0


@dataclass(frozen=True, slots=True)
class _Palette:
    """Colours: of the page, which follow its theme, or of a picture on white."""

    methods: tuple[str, ...]
    human: str
    muted: str


_PAGE = _Palette((MODEL, THIRD, "#c0476a", "#5b8c2a", INK, MUTED), HUMAN, MUTED)
_WHITE = _Palette(
    ("#14708a", "#7a5aa6", "#c0476a", "#5b8c2a", "#1b2730", "#5a6a76"), "#b06a12", "#5a6a76"
)
_ON_WHITE = {INK: "#1b2730", MUTED: "#5a6a76", LINE: "#dbe2e6"}


def curve_svg(curve: ReportedCurve) -> Markup:
    """Draw both panels for a page."""
    with mpl.rc_context(STYLE):
        figure = _figure(curve, _PAGE)
        figure.patch.set_alpha(0)
        FigureCanvasSVG(figure)
        return as_svg(figure, f"Error against the number of training images, {curve.study}")


def curve_png(curve: ReportedCurve) -> bytes:
    """Draw both panels as a PNG on white."""
    style: Any = {name: _ON_WHITE.get(value, value) for name, value in STYLE.items()}
    with mpl.rc_context(style):
        figure = _figure(curve, _WHITE)
        FigureCanvasAgg(figure)
        stream = BytesIO()
        figure.savefig(stream, format="png", dpi=150, facecolor="white")
        return stream.getvalue()


def _figure(curve: ReportedCurve, palette: _Palette) -> Figure:
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.patch.set_alpha(0)
    _errors(left, curve, palette)
    _films(right, curve, palette)
    return figure


def _errors(axes: Axes, curve: ReportedCurve, palette: _Palette) -> None:
    """Draw error against images: measured with intervals, fitted with its band, and people."""
    tops = []
    looks = zip(curve.methods, cycle(palette.methods), cycle(_MARKERS))
    for place, (method, colour, marker) in enumerate(looks):
        tops += _method(axes, method, colour, marker, aside=_ASIDE**place)
    if curve.people is not None:
        axes.axhline(curve.people, color=palette.human, lw=1.6, ls="--", label="annotators apart")
        if any(size.from_one is not None for m in curve.methods for size in m.sizes):
            axes.plot([], [], "o", mfc="none", color=palette.muted, label="from one annotator")
    sizes = sorted({size.at for method in curve.methods for size in method.sizes})
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(sizes, [f"{at:.0f}" for at in sizes])
    top = 1.1 * max([*tops, curve.people or 0.0, 1e-6])
    axes.set(ylim=(0, top), xlabel="training images", ylabel=f"mean radial error, {curve.unit}")
    axes.legend(loc="best", fontsize=8)


def _method(
    axes: Axes, method: ReportedMethod, colour: str, marker: str, *, aside: float
) -> list[float]:
    """Draw a method, its marks moved aside by a factor; return how high it must be seen."""
    shown = [(size, size.mean) for size in method.sizes if size.mean is not None]
    if not shown:
        return []
    at = aside * np.array([size.at for size, _ in shown])
    axes.plot(at, [mean for _, mean in shown], marker, color=colour, ms=5, label=short(method.name))
    for place, (size, _) in zip(at, shown, strict=True):
        if size.interval is not None:
            axes.plot([place, place], size.interval, color=colour, lw=1.4)
    from_one = [size.from_one for size, _ in shown]
    if any(value is not None for value in from_one):
        heights = [np.nan if value is None else value for value in from_one]
        axes.plot(at, heights, marker, ls=":", lw=0.9, color=colour, mfc="none", ms=8)
    if method.fit is not None:
        band = method.fit.band
        axes.plot(band.images, band.middle, "--", color=colour, lw=1.4)
        if band.low is not None and band.high is not None:
            axes.fill_between(band.images, band.low, band.high, color=colour, alpha=0.13, lw=0)
    highest = max(*(mean for _, mean in shown), *(value or 0.0 for value in from_one))
    bounds = [size.interval[1] for size, _ in shown if size.interval is not None]
    return [min(max([highest, *bounds]), 2 * highest)]


def _films(axes: Axes, curve: ReportedCurve, palette: _Palette) -> None:
    """Draw the share of test images up to each error, at each method's largest size."""
    drawn = [
        (f"{short(method.name)}, {method.sizes[-1].at:.0f}", method.films, colour, "-")
        for method, colour in zip(curve.methods, cycle(palette.methods))
        if len(method.films)
    ]
    if curve.people_films is not None:
        drawn.append(("annotator from annotator", curve.people_films, palette.human, "--"))
    known = [values[np.isfinite(values)] for _, values, _, _ in drawn]
    known = [values for values in known if len(values)]
    far = max((float(np.quantile(values, 0.98)) for values in known), default=1.0)
    near = max((float(np.median(values)) for values in known), default=1.0)
    limit = max(min(far, _SIGHT * near) * 1.05, 1e-6)
    grid = np.linspace(0, limit, 300)
    for name, values, colour, dash in drawn:
        axes.plot(grid, 100 * cumulative(values, grid), dash, color=colour, lw=1.8, label=name)
    what = "from one annotator" if curve.people_films is not None else "from the truth"
    axes.set(
        xlim=(0, limit),
        ylim=(0, 101),
        xlabel=f"mean error of an image {what}, {curve.film_unit}",
        ylabel="images with at most this error, %",
    )
    axes.legend(loc="lower right", fontsize=8)
