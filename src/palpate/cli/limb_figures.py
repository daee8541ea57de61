"""Errors of limbs and what methods cost, on the terminal."""

from rich.table import Table

from palpate.cli.progress import console
from palpate.evaluation.limb_errors import LimbEvaluation, LimbSummary
from palpate.report.limb_tables import UNITS, big, reading, seconds
from palpate.workflows.limb_tables import GRID_PX, StudiedLimbs


def show_limbs(studied: StudiedLimbs) -> None:
    """Print the table of the paper, and paired differences to the first prediction."""
    console.print(_errors(studied))
    if studied.differences:
        console.print(_differences(studied))
    for note in (*studied.notes, *(n for cost in studied.costs.values() for n in cost.notes)):
        console.print(f"note: {note}", highlight=False, markup=False, style="dim")


def _errors(studied: StudiedLimbs) -> Table:
    errors = studied.found[0].errors
    table = Table(
        title=f"RMSD of limbs, {UNITS[GRID_PX]}: median (IQR) over {len(errors.clips)} clips of "
        f"{len(set(errors.subjects))} subjects"
    )
    table.add_column("")
    for limb in errors.limbs:
        table.add_column(limb, justify="right")
    for column in ("found", "parameters", "MACs", "s/epoch reg.", "s/epoch all", "s/clip"):
        table.add_column(column, justify="right")
    for each in studied.every:
        table.add_row(each.made_by, *_figures(each), *_costs(studied, each.made_by))
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


def _costs(studied: StudiedLimbs, name: str) -> list[str]:
    cost = studied.costs.get(name)
    if cost is None:
        return []
    return [
        big(cost.parameters),
        big(cost.multiply_accumulates),
        seconds(cost.regression_seconds_per_epoch),
        seconds(cost.seconds_per_epoch),
        seconds(cost.seconds_per_clip),
    ]


def _differences(studied: StudiedLimbs) -> Table:
    first = studied.found[0].made_by
    table = Table(title=f"RMSD against {first}: joints that both found, bootstrap by subject")
    for column in ("recipe", "limb", "median", "mean", "within 5 %", "not by both"):
        table.add_column(column, justify="left" if column in ("recipe", "limb") else "right")
    for name, rows in studied.differences.items():
        for row in rows:
            if row.unit == GRID_PX:
                changes = (row.reason or str(row.median), row.reason or str(row.mean))
                table.add_row(name, row.limb, *changes, reading(row), str(row.unpaired))
    return table
