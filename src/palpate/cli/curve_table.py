"""A learning curve on the terminal."""

from pathlib import Path

from rich.table import Table

from palpate.cli.progress import console
from palpate.evaluation.bootstrap import Interval
from palpate.workflows.curve import LearningCurve
from palpate.workflows.curve_figures import (
    PERCENTILES,
    CurvePoint,
    in_unit,
    percentiles,
    success,
)
from palpate.workflows.curve_measured import MeasuredCurve


def show_curve(curve: LearningCurve, out: Path) -> None:
    """Print the figures of each recipe at each size, and the runs that failed."""
    every = [point for points in curve.points.values() for point in points]
    test = every[0].evaluation
    table = Table(
        title=f"{len(test.cases)} test images of {test.subjects} subjects, errors in {curve.unit}"
    )
    films = [f"film {q} %, {every[0].film_unit}" for q in PERCENTILES]
    limit, _, _ = success(test)
    head = ["recipe", "images", "mean", "95 %", "median", f"<= {limit}", *films, "missed", "min"]
    for column in head:
        table.add_column(column, justify="left" if column == "recipe" else "right")
    for point in every:
        table.add_row(*_cells(point, curve))
    console.print(table)
    for sentence in curve.advice.advised:
        console.print(sentence, highlight=False, markup=False)
    if curve.measured is not None:
        _show_measured(curve.measured)
    for caveat in curve.advice.caveats:
        console.print(f"note: {caveat}", highlight=False, markup=False, style="dim")
    for one in curve.failed:
        console.print(f"failed: {one.run.place}: {one.reason}", highlight=False, markup=False)
    console.print(f"page: {out / 'curve.html'}", highlight=False, markup=False)


def _show_measured(measured: MeasuredCurve) -> None:
    table = Table(title=f"{measured.quantity}: mean absolute error in {measured.unit}")
    for column in ("recipe", "images", "mean", "95 %", "measured", "refused"):
        table.add_column(column, justify="left" if column == "recipe" else "right")
    for recipe, points in measured.points.items():
        for one in points:
            cells = (_number(one.error), _span(one.interval), str(one.count), str(one.refused))
            table.add_row(recipe, f"{one.images:g}", *cells)
    console.print(table)
    for sentence in measured.advice.advised:
        console.print(f"{measured.quantity}: {sentence}", highlight=False, markup=False)


def _cells(point: CurvePoint, curve: LearningCurve) -> list[str]:
    overall = in_unit(point.evaluation, curve.unit)
    _, rate, _ = success(point.evaluation)
    return [
        point.recipe,
        f"{point.images:g}",
        _number(overall.mean),
        _span(overall.interval),
        _number(overall.median),
        "-" if rate is None else f"{100 * rate:.1f} %",
        *(_number(value) for value in percentiles(point.films).values()),
        str(overall.missed),
        "-" if point.minutes is None else f"{point.minutes:.1f}",
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _span(interval: Interval | None) -> str:
    return "-" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"
