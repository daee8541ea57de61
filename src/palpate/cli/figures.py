"""Figures on the terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from palpate.cli.limb_figures import show_limbs
from palpate.cli.progress import console
from palpate.evaluation.compare import PairedDifference
from palpate.evaluation.curve_errors import PERCENTILES, ErrorDistribution
from palpate.evaluation.outline_errors import ANNOTATORS, MODEL, OutlineErrors
from palpate.evaluation.posture_paired import PostureDifference
from palpate.evaluation.reliability import LEVELS, Trusted
from palpate.evaluation.risk_coverage import SHARES, RiskCoverage
from palpate.evaluation.summary import Summary
from palpate.workflows.assess import Assessment
from palpate.workflows.posture_study import StudiedPosture


def show_assessment(assessment: Assessment, out: Path) -> None:
    """Print the headline figures, by group, and how measurements agree."""
    evaluation = assessment.evaluation
    unit = evaluation.unit
    thresholds = list(evaluation.overall.success)
    table = Table(
        title=f"{len(evaluation.cases)} images of {evaluation.subjects} subjects, errors in {unit}"
    )
    for column in (
        "",
        "mean",
        "95 %",
        "median",
        "SD",
        *(f"<= {t:g}" for t in thresholds),
        "missed",
    ):
        table.add_column(column, justify="left" if not column else "right")
    table.add_row("all", *_cells(evaluation.overall))
    for name, summary in evaluation.by_group.items():
        table.add_row(name, *_cells(summary))
    if evaluation.ceiling is not None:
        table.add_row("between annotators", *_cells(evaluation.ceiling.between.best.overall))
    for baseline in assessment.baselines:
        table.add_row(baseline.name, *_cells(baseline.evaluation.overall), style="dim")
    console.print(table)
    if assessment.trusted is not None:
        console.print(_coverage(assessment.trusted))
    for outline in evaluation.outlines:
        console.print(outline_table({"": outline}))
    if assessment.agreement is not None:
        console.print(_agreement(assessment))
    if assessment.risks:
        console.print(_risks(assessment.risks))
    if assessment.posture is not None:
        console.print(_posture(assessment.posture))
    if assessment.limbs is not None:
        show_limbs(assessment.limbs)
    for note in evaluation.notes:
        console.print(f"note: {note}", highlight=False, markup=False, style="dim")
    console.print(f"report: {out / 'report.html'}", highlight=False, markup=False)


def _coverage(trusted: Trusted) -> Table:
    """How often truths are inside, of landmarks and of measurements."""
    table = Table(title=f"truths inside, calibrated on {trusted.source}")
    table.add_column("")
    for level in LEVELS:
        table.add_column(f"{100 * level:g} %", justify="right")
    rows = {"landmarks as stated": trusted.stated, "landmarks, calibrated": trusted.regions[0]}
    if trusted.measurements:
        rows["measurements, calibrated"] = trusted.measurements[0]
    for name, each in rows.items():
        table.add_row(name, *(f"{100 * one.share:.1f} %" for one in each.levels))
    return table


def _risks(curves: Sequence[RiskCoverage]) -> Table:
    """Mean errors of the cases kept when the most doubtful are set aside."""
    shares = (1.0, 0.9, 0.8, 0.5)
    table = Table(title="mean error of the cases kept when the most doubtful are set aside")
    table.add_column("")
    for column in ("n", *(f"{100 * share:.0f} % kept" for share in shares), "saved", "95 %"):
        table.add_column(column, justify="right")
    for curve in curves:
        risks = [_number(curve.risk[SHARES.index(share)]) for share in shares]
        low, high = curve.saved_interval or (None, None)
        table.add_row(
            curve.of.name if curve.of.unit == "1" else f"{curve.of.name}, {curve.of.unit}",
            str(curve.cases),
            *risks,
            "-" if curve.saved is None else f"{100 * curve.saved:.0f} %",
            "-" if low is None or high is None else f"{100 * low:.0f} to {100 * high:.0f} %",
        )
    return table


def _cells(summary: Summary) -> list[str]:
    interval = summary.interval
    return [
        _number(summary.mean),
        "-" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}",
        _number(summary.median),
        _number(summary.sd),
        *("-" if rate is None else f"{100 * rate:.1f} %" for rate in summary.success.values()),
        f"{summary.missed}",
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{round(value, 2) + 0.0:.2f}"


def outline_table(by_recipe: Mapping[str, OutlineErrors]) -> Table:
    """Percentiles of the mean error of an image along an outline, of one recipe or of several."""
    first = next(iter(by_recipe.values()))
    of = " of the normaliser" if first.best == "%" else ""
    table = Table(title=f"{first.outline.title}: mean error of an image in {first.best}{of}")
    table.add_column("")
    for percentile in PERCENTILES:
        table.add_column("median" if percentile == 50.0 else f"{percentile:g}th", justify="right")
    table.add_column("95 % of the median", justify="right")
    rows = [(f"{name} ".lstrip(), MODEL, outline) for name, outline in by_recipe.items()]
    for label, wanted, outline in (*rows, (f"{ANNOTATORS} ", ANNOTATORS, first)):
        for (who, kind, unit), each in outline.distributions.items():
            if who == wanted and unit == first.best:
                cells = [_number(each.percentiles[p]) for p in PERCENTILES]
                table.add_row(label + kind, *cells, _span(each, 50.0))
    return table


def _span(each: ErrorDistribution, percentile: float) -> str:
    interval = each.intervals.get(percentile)
    return "-" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"


def _agreement(assessment: Assessment) -> Table:
    table = Table(title="measurements against those of the annotation")
    for column in (
        "quantity",
        "unit",
        "n",
        "refused",
        "mean |error|",
        "bias",
        "limits",
        "ICC(2,1)",
    ):
        table.add_column(column, justify="left" if column in ("quantity", "unit") else "right")
    agreement = assessment.agreement
    for row in () if agreement is None else agreement.quantities.values():
        limits = row.limits
        table.add_row(
            row.name,
            row.unit,
            str(row.n),
            str(row.total_refused),
            _number(row.mean_absolute_error),
            _number(row.bias),
            "-" if limits is None else f"{limits[0]:.2f} to {limits[1]:.2f}",
            _number(row.icc),
        )
    return table


def show_differences(rows: list[tuple[str, PairedDifference]], baseline: str) -> None:
    """Print paired differences to a baseline."""
    table = Table(title=f"paired difference to {baseline}, same images, bootstrap by subject")
    for column in ("recipe", "metric", baseline, "recipe's", "difference (95 %)", "clear"):
        table.add_column(column, justify="left" if column in ("recipe", "metric") else "right")
    for name, row in rows:
        interval = row.interval
        shown = "" if interval is None else f" ({interval[0]:+.3f} to {interval[1]:+.3f})"
        table.add_row(
            name,
            row.metric,
            f"{row.first:.3f}",
            f"{row.second:.3f}",
            f"{row.difference:+.3f}{shown}",
            "yes" if row.clear else "no",
        )
    console.print(table)


def show_posture_differences(
    differences: Mapping[str, Sequence[PostureDifference]], baseline: str
) -> None:
    """Print paired differences of posture to a baseline; nothing where there are none."""
    if not differences:
        return
    table = Table(title=f"posture: paired difference to {baseline}, bootstrap by child")
    for column in ("recipe", "metric", baseline, "recipe's", "difference (95 %)", "clear"):
        table.add_column(column, justify="left" if column in ("recipe", "metric") else "right")
    for name, rows in differences.items():
        for row in rows:
            low, high = row.interval or (None, None)
            shown = "" if low is None or high is None else f" ({low:+.3f} to {high:+.3f})"
            found = row.reason if row.difference is None else f"{row.difference:+.3f}{shown}"
            values = (_number(row.first), _number(row.second), found, "yes" if row.clear else "no")
            table.add_row(name, row.metric, *values)
    console.print(table)


def _posture(posture: StudiedPosture) -> Table:
    """Errors of segments, and agreement on which of them are out of line."""
    found, baseline = posture.found, posture.baseline
    table = Table(title=f"posture: {found.frames} frames of {len(found.children)} children")
    for column in (
        "segment",
        "error (deg)",
        "SD",
        "mean pose (deg)",
        f"F1 at {found.threshold_deg:g} deg",
        "mean pose",
    ):
        table.add_column(column, justify="left" if column == "segment" else "right")
    guesses = {**baseline.angles.segments, **baseline.angles.groups}
    flags, guessed = ({each.name: each for each in one.alignment} for one in (found, baseline))
    for name, summary in {**found.angles.segments, **found.angles.groups}.items():
        table.add_row(
            name,
            _number(summary.mean),
            _number(summary.sd),
            _number(guesses[name].mean),
            _rate(flags[name].f1.shown) if name in flags else "-",
            _rate(guessed[name].f1.shown) if name in guessed else "-",
        )
    return table


def _rate(shown: float | str) -> str:
    return shown if isinstance(shown, str) else f"{shown:.2f}"
