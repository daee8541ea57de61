"""Shapes of a study on the terminal."""

from rich.table import Table

from palpate.cli.progress import console
from palpate.workflows.shape_study import ShapeStudy

_MODES, _OUTLIERS = 6, 12


def show_shapes(shapes: ShapeStudy) -> None:
    """Print how much the modes hold, and the unusual cases by name."""
    model, judged = shapes.model, shapes.judged
    _say(f"{shapes.name}: {len(judged)} shapes of {len(shapes.gathered.subjects)} subjects")
    table = Table()
    for column in ("mode", "share", "together"):
        table.add_column(column, justify="right")
    explained = model.explained
    for k in range(min(_MODES, len(explained))):
        share = 100.0 * float(model.variances[k] / model.total_variance)
        table.add_row(f"{k + 1}", f"{share:.1f} %", f"{100.0 * float(explained[k]):.1f} %")
    console.print(table)
    many = f"{len(explained)} modes hold" if len(explained) > 1 else "1 mode holds"
    _say(f"{many} {100.0 * float(explained[-1]):.1f} % of the variance")
    outliers = shapes.outliers
    if not outliers:
        _say("no shape is unusual, each judged by the other subjects")
    else:
        _say(f"{len(outliers)} of {len(judged)} shapes are unusual, judged by the other subjects:")
    for each in outliers[:_OUTLIERS]:
        if each.outlier is not None:
            _say(f"  {each.case.identifier}: {each.outlier.sentence}")
    if len(outliers) > _OUTLIERS:
        _say(f"  and {len(outliers) - _OUTLIERS} more: scores.csv")
    for note in shapes.notes:
        console.print(f"note: {note}", highlight=False, markup=False, style="dim")


def _say(sentence: str) -> None:
    console.print(sentence, highlight=False, markup=False)
