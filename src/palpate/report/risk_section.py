"""Setting cases aside, for a page: curves of risk, and a table of what it buys."""

from collections.abc import Sequence

from palpate.evaluation.risk_coverage import SHARES, RiskCoverage
from palpate.report.parts import Bounded, Plot, Row, Section, Table
from palpate.report.risk_plot import risk_plot
from palpate.report.wording import figure, percent, span, unit_name

_MOST_PLOTS = 4
_SHOWN = (0.5, 0.8, 0.9, 1.0)
_TITLE = "What setting cases aside saves"
_LEAD = (
    "Mean error of the share of cases that is kept when the most doubtful are set aside, on "
    "images with a truth. Saved: which part of what a perfect order would save is saved; 0 is as "
    "good as chance, below 0 worse. Below a figure: its interval, by bootstrap over subjects."
)


def risk_section(curves: Sequence[RiskCoverage]) -> Section | None:
    """Turn curves into a section, plots of the first of them; None where there is none."""
    if not curves:
        return None
    head = (
        "Error of",
        "n",
        *(f"{100 * share:.0f} % kept" for share in _SHOWN),
        "area (AURC)",
        "least possible",
        "random order",
        "saved",
    )
    left = len(curves) - _MOST_PLOTS
    return Section(
        "risk",
        _TITLE,
        _LEAD,
        tuple(Plot(risk_plot(curve), _caption(curve)) for curve in curves[:_MOST_PLOTS]),
        (("", Table(head, tuple(_row(curve) for curve in curves))),),
        (f"{left} more curves are in the table and in risk_coverage.csv.",) if left > 0 else (),
    )


def _caption(curve: RiskCoverage) -> str:
    band = "" if None in curve.bands else "band: interval by bootstrap over subjects; "
    return (
        f"{curve.of.name}: mean error of the cases kept, ordered by {curve.of.score}; {band}"
        "dashed: ordered by the error itself; dotted: in random order."
    )


def _row(curve: RiskCoverage) -> Row:
    cells = []
    for share in _SHOWN:
        place = SHARES.index(share)
        cells.append(Bounded(figure(curve.risk[place]), span(curve.bands[place], 2)))
    unit = unit_name(curve.of.unit)
    return (
        f"{curve.of.name}, {unit}" if unit else curve.of.name,
        f"{curve.cases:,}",
        *cells,
        Bounded(figure(curve.area), span(curve.area_interval, 2)),
        figure(curve.oracle_area),
        figure(curve.random_area),
        Bounded(percent(curve.saved), span(curve.saved_interval, 1, 100.0)),
    )
