"""Whether the stated uncertainty holds: coverage of regions and intervals, ready to print."""

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from palpate.evaluation.reliability import LEVELS, Reliability, Trusted
from palpate.report.parts import Bounded, Plot, Row, Section, Table
from palpate.report.plots import HUMAN, LINE, MODEL, STYLE, THIRD, as_svg
from palpate.report.wording import figure, percent, span

_TITLE = "Does the uncertainty hold?"


def coverage_section(trusted: Trusted) -> Section:
    """Turn coverage into a reliability diagram, a table of measurements and one of landmarks."""
    together = [("Landmarks, as the localiser states them", trusted.stated)]
    together.append(("Landmarks, calibrated", trusted.regions[0]))
    if trusted.measurements:
        together.append(("Measurements, calibrated", trusted.measurements[0]))
    tables = [("", _table("Share of truths inside", together, halfwidth=False))]
    if trusted.measurements:
        rows = [(each.name, each) for each in trusted.measurements[1:]]
        tables.append(("By measurement", _table("Measurement", rows, halfwidth=True)))
    rows = [(each.name, each) for each in trusted.regions[1:]]
    tables.append(("By landmark", _table("Landmark", rows, halfwidth=False)))
    lead = (
        f"Calibrated on {trusted.source}. Counted on images that neither the localiser nor the "
        "calibration has seen. A region or interval of 90 % should hold 90 % of the truths; below "
        "a share: its interval, by bootstrap over subjects."
    )
    return Section("coverage", _TITLE, lead, (_diagram(dict(together)),), tuple(tables))


def _table(first: str, rows: list[tuple[str, Reliability]], *, halfwidth: bool) -> Table:
    head = [first, "n", *(f"{100 * level:g} %" for level in LEVELS)]
    if halfwidth:
        head.append("median half width, 90 %")
    return Table(tuple(head), tuple(_row(name, each, halfwidth=halfwidth) for name, each in rows))


def _row(name: str, each: Reliability, *, halfwidth: bool) -> Row:
    by_level = {level.level: level for level in each.levels}
    cells: list[str | Bounded] = [name, f"{each.count:,}"]
    for level in LEVELS:
        found = by_level.get(level)
        if found is None:
            cells.append("–")
        else:
            cells.append(Bounded(percent(found.share), span(found.interval, 1, 100.0)))
    if halfwidth:
        cells.append(figure(each.halfwidth))
    return tuple(cells)


def _diagram(curves: dict[str, Reliability]) -> Plot:
    """Share of truths inside against the level that was promised."""
    with mpl.rc_context(STYLE):
        drawn = Figure(figsize=(5.3, 4.4), layout="constrained")
        FigureCanvasSVG(drawn)
        drawn.patch.set_alpha(0)
        axes = drawn.subplots()
        axes.patch.set_alpha(0)
        axes.plot([0, 100], [0, 100], color=LINE, lw=1.2)
        looks = zip(curves.items(), (HUMAN, MODEL, THIRD), (":", "-", "--"), strict=False)
        for (name, each), colour, dash in looks:
            if each.count:
                share = np.arange(1, each.count + 1) / each.count
                axes.plot(100 * each.attained, 100 * share, dash, color=colour, lw=1.8, label=name)
        axes.set(xlim=(0, 100), ylim=(0, 101), xlabel="promised, %", ylabel="kept, %")
        axes.legend(loc="lower right")
        drawing: Markup = as_svg(drawn, "Reliability diagram")
    return Plot(
        drawing,
        "Reliability: of honest uncertainty the curve lies on the diagonal; above it regions are "
        "too large, below it too small.",
    )
