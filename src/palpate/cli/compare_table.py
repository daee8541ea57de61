"""The figures of compared methods on the terminal, with what needs no training below them."""

from collections.abc import Iterable

from rich.table import Table

from palpate.evaluation.baselines import Baseline
from palpate.evaluation.evaluate import Evaluation
from palpate.workflows.compare import Comparison


def figures_table(comparison: Comparison) -> Table:
    """Return mean, median and success of every method and baseline."""
    first = comparison.evaluations[comparison.baseline]
    table = Table(
        title=f"{len(first.cases)} images of {first.subjects} subjects, errors in {first.unit}"
    )
    limits = list(first.overall.success)
    for column in ("", "mean", "95 %", "median", *(f"<= {limit:g}" for limit in limits), "missed"):
        table.add_column(column, justify="right" if column else "left")
    for name, evaluation in comparison.evaluations.items():
        table.add_row(name, *_cells(evaluation, limits))
    if comparison.baselines:
        table.add_section()
    for name, evaluation in _named(comparison.baselines):
        table.add_row(f"{name} (no training)", *_cells(evaluation, limits))
    return table


def _named(baselines: Iterable[Baseline]) -> list[tuple[str, Evaluation]]:
    return [(one.name, one.evaluation) for one in baselines]


def _cells(evaluation: Evaluation, limits: list[float]) -> list[str]:
    overall = evaluation.overall
    bounds = overall.interval
    rates = [overall.success.get(limit) for limit in limits]
    return [
        _number(overall.mean),
        "-" if bounds is None else f"{bounds[0]:.2f} to {bounds[1]:.2f}",
        _number(overall.median),
        *("-" if rate is None else f"{100 * rate:.1f} %" for rate in rates),
        str(overall.missed),
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
