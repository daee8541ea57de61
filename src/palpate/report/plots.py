"""Plots as SVG text that takes its colours and font from the page around it."""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy import ndarray

from palpate.evaluation.bootstrap import Interval
from palpate.evaluation.normalised import cumulative

# Stand-ins that become CSS variables, so that one plot serves light, dark and print.
INK, MUTED, LINE, MODEL, HUMAN, SOFT, THIRD = (f"#0{k}0{k}0{k}" for k in range(1, 8))
_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    MODEL: "var(--model)",
    HUMAN: "var(--human)",
    SOFT: "var(--soft)",
    THIRD: "var(--third)",
}
# Any: newer matplotlib types name every key, older ones none
STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "legend.frameon": False,
    "legend.labelcolor": INK,
}
MOST_POINTS = 1500
_MOST_DOTS = 25


@dataclass(frozen=True, eq=False, slots=True)
class Strip:
    """Errors of one landmark or group with the mean of the people beside it."""

    name: str
    values: Float[ndarray, " value"]
    mean: float | None
    interval: Interval | None
    ceiling: float | None


def cumulative_plot(
    curves: Mapping[str, Float[ndarray, " value"]],
    *,
    label: str,
    limit: float,
    marks: Sequence[float] = (),
) -> Markup:
    """Plot the share of errors up to each limit; infinite values are never reached."""
    with mpl.rc_context(STYLE):
        figure, axes = _axes(5.3, 3.4)
        grid = np.linspace(0, limit, 240)
        for (name, values), colour, dash in zip(
            curves.items(), (MODEL, HUMAN, THIRD), ("-", "--", ":"), strict=False
        ):
            axes.plot(grid, 100 * cumulative(values, grid), dash, color=colour, lw=1.8, label=name)
        for mark in marks:
            if mark <= limit:
                axes.axvline(mark, color=LINE, lw=1)
        axes.set(xlim=(0, limit), ylim=(0, 101), xlabel=label, ylabel="at most this error, %")
        axes.legend(loc="lower right")
        return as_svg(figure, f"Cumulative distribution of {label}")


def strip_plot(strips: Sequence[Strip], *, label: str) -> Markup:
    """Plot quartiles, 5 % to 95 %, the mean with its interval, and the human mean of each row."""
    shown = [strip for strip in strips if len(strip.values)]
    if not shown:
        return Markup("")
    with mpl.rc_context(STYLE):
        figure, axes = _axes(10.6, 0.75 + 0.25 * len(shown))
        dots = max(len(strip.values) for strip in shown) <= _MOST_DOTS
        limit = _reach(shown, 1.0 if dots else 0.95)
        for row, strip in enumerate(shown):
            _strip(axes, row, strip, dots=dots)
        axes.set_yticks(range(len(shown)), [short(strip.name) for strip in shown])
        axes.set(xlim=(0, limit), ylim=(len(shown) - 0.4, -0.6), xlabel=label)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.grid(False, axis="y")
        return as_svg(figure, f"{label} by row")


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    return figure, axes


def _strip(axes: Axes, row: int, strip: Strip, *, dots: bool) -> None:
    low, first, middle, third, high = np.quantile(strip.values, [0.05, 0.25, 0.5, 0.75, 0.95])
    axes.plot([low, high], [row, row], color=MUTED, lw=1)
    axes.barh(row, third - first, left=first, height=0.5, color=SOFT, edgecolor=MUTED, lw=0.8)
    axes.plot([middle, middle], [row - 0.25, row + 0.25], color=INK, lw=1.4)
    if dots:
        # a fixed pattern keeps dots apart without chance
        lift = row + 0.16 * np.sin(np.arange(len(strip.values)) * 2.4)
        axes.scatter(strip.values, lift, s=4, color=MODEL, alpha=0.35, linewidths=0)
    if strip.interval is not None:
        axes.plot(strip.interval, [row, row], color=MODEL, lw=2.6, solid_capstyle="round")
    if strip.mean is not None:
        axes.plot(strip.mean, row, "o", color=MODEL, ms=4.5)
    if strip.ceiling is not None:
        axes.plot(strip.ceiling, row, "D", color=HUMAN, ms=4.5)


def _reach(strips: Sequence[Strip], share: float) -> float:
    far = [float(np.quantile(strip.values, share)) for strip in strips]
    far += [strip.interval[1] for strip in strips if strip.interval is not None]
    far += [strip.ceiling for strip in strips if strip.ceiling is not None]
    return 1.06 * max(*far, 1e-6)


def short(name: str, most: int = 34) -> str:
    """A name as a label of a plot: one line, at most so many letters."""
    # the font engine refuses lone surrogates, and a label has one line
    name = "".join(letter if letter.isprintable() else "\ufffd" for letter in name)
    return name if len(name) <= most else name[: most - 1] + "…"


def as_svg(figure: Figure, label: str) -> Markup:
    """The figure as an element of a page; ``label`` is read to those who cannot see it."""
    stream = StringIO()
    # Clip paths are named by a hash of their content and this salt: two plots must not share one.
    with mpl.rc_context({"svg.hashsalt": label}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # A page needs no namespaces; without them it holds no address at all.
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text).replace("xlink:href", "href")
    for stand_in, variable in _VARIABLES.items():
        text = text.replace(stand_in, variable)
    text = re.sub(r'<svg ([^>]*?)height="[^"]*"([^>]*?)width="[^"]*"', r"<svg \1\2", text, count=1)
    opening = Markup('<svg class="plot" role="img" aria-label="{}" ').format(label)
    return Markup(text.replace("<svg ", opening, 1))
