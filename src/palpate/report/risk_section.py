"""Setting cases aside, for a page: curves of risk, and a table of what it buys."""

from collections.abc import Sequence
from dataclasses import dataclass

from palpate.evaluation.risk_coverage import SHARES, RiskCoverage
from palpate.report.parts import Bounded, Plot, Row, Table
from palpate.report.risk_plot import risk_plot
from palpate.report.wording import figure, percent, span, unit_name

_MOST_PLOTS = 4
_SHOWN = (0.5, 0.8, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class RiskSection:
    """The section, ready to print: a table, plots, and how to read them."""

    table: Table
    plots: tuple[Plot, ...]
    note: str


def risk_section(curves: Sequence[RiskCoverage]) -> RiskSection | None:
    """Turn curves into a section; None where there is none."""
    if not curves:
        return None
    head = (
        "Error of",
        *(f"{100 * share:.0f} % kept" for share in _SHOWN),
        "area (AURC)",
        "least possible",
        "random order",
        "saved",
    )
    return RiskSection(
        Table(head, tuple(_row(curve) for curve in curves)),
        tuple(
            Plot(
                risk_plot(curve),
                f"{curve.of.name}: mean error of the cases kept, ordered by {curve.of.score}; "
                "band: interval by bootstrap over subjects; dashed: ordered by the error itself; "
                "dotted: in random order.",
            )
            for curve in curves[:_MOST_PLOTS]
        ),
        "Mean error of the share of cases that is kept when the most doubtful are set aside. "
        "Saved: which part of what a perfect order would save is saved; 0 is as good as chance. "
        "Below a figure: its interval, by bootstrap over subjects.",
    )


def _row(curve: RiskCoverage) -> Row:
    cells = []
    for share in _SHOWN:
        place = SHARES.index(share)
        cells.append(Bounded(figure(curve.risk[place]), span(curve.bands[place], 2)))
    saved = Bounded(percent(curve.saved), span(curve.saved_interval, 1, 100.0))
    return (
        f"{curve.of.name}, {unit_name(curve.of.unit)}",
        *cells,
        Bounded(figure(curve.area), span(curve.area_interval, 2)),
        figure(curve.oracle_area),
        figure(curve.random_area),
        saved,
    )
