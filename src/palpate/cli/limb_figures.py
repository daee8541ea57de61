"""Errors of limbs and what methods cost, on the terminal."""

from rich.table import Table

from palpate.cli.progress import console
from palpate.evaluation.limb_errors import LimbEvaluation, LimbSummary
from palpate.report.limb_tables import UNITS, big, notes_of, reading, seconds
from palpate.workflows.limb_scales import GRID_PX
from palpate.workflows.limb_tables import StudiedLimbs


def show_limbs(studied: StudiedLimbs) -> None:
    """Print the table of the paper, and paired differences to the first prediction."""
    console.print(_errors(studied))
    if studied.costs:
        console.print(_costs(studied))
    if studied.differences:
        console.print(_differences(studied))
    for note in (*studied.notes, *notes_of(studied.costs)):
        console.print(f"note: {note}", highlight=False, markup=False, style="dim")


def _errors(studied: StudiedLimbs) -> Table:
    errors = studied.found[0].errors
    table = Table(
        title=f"RMSD of limbs, {UNITS[GRID_PX]}: median (IQR) over {len(errors.clips)} clips of "
        f"{len(set(errors.subjects))} subjects"
    )
    table.add_column("", overflow="fold")
    for column in (*errors.limbs, "found"):
        table.add_column(column, justify="right")
    for each in studied.every:
        table.add_row(each.made_by, *_figures(each))
    return table


def _figures(each: LimbEvaluation) -> list[str]:
    summaries = each.summaries[GRID_PX]
    found, annotated = (
        int(total[:, -1].sum()) for total in (each.errors.found, each.errors.annotated)
    )
    share = f"{100 * found / annotated:.1f} %" if annotated else "-"
    return [*(_median(summary) for summary in summaries), share]


def _median(summary: LimbSummary) -> str:
    if summary.median is None or summary.quartiles is None:
        return f"- {summary.reason}"
    return f"{summary.median:.2f} ({summary.quartiles[1] - summary.quartiles[0]:.2f})"


def _costs(studied: StudiedLimbs) -> Table:
    table = Table(title="costs, medians over runs; s/epoch of the regression network, and of all")
    table.add_column("", overflow="fold")
    for column in ("parameters", "MACs a clip", "s/epoch reg.", "s/epoch all", "s/clip predicting"):
        table.add_column(column, justify="right")
    for name, cost in studied.costs.items():
        table.add_row(
            name,
            big(cost.parameters),
            big(cost.multiply_accumulates),
            seconds(cost.regression_seconds_per_epoch),
            seconds(cost.seconds_per_epoch),
            seconds(cost.seconds_per_clip),
        )
    return table


def _differences(studied: StudiedLimbs) -> Table:
    first = studied.found[0].made_by
    table = Table(title=f"RMSD against {first}: joints that both found, bootstrap by subject")
    for column in ("recipe", "limb", "median", "mean", "within 5 %", "not by both"):
        left = column in ("recipe", "limb")
        table.add_column(column, justify="left" if left else "right", overflow="fold")
    for name, rows in studied.differences.items():
        for row in rows:
            if row.unit == GRID_PX:
                changes = (row.reason or str(row.median), row.reason or str(row.mean))
                table.add_row(name, row.limb, *changes, reading(row), str(row.unpaired))
    return table
