"""What the page of the limbs of a study says, as text and drawings, in the order of the page."""

from dataclasses import dataclass

from palpate.evaluation.limb_errors import LimbEvaluation
from palpate.report.clip_tiles import counted
from palpate.report.limb_paper import NOTE
from palpate.report.limb_plot import limb_plot
from palpate.report.limb_reported import ReportedLimbs
from palpate.report.limb_tables import (
    AIM_PERCENT,
    UNITS,
    cost_table,
    difference_table,
    error_table,
    found_table,
    notes_of,
    published,
    stage_table,
)
from palpate.report.parts import Plot, SheetHead, Table, Tile
from palpate.report.wording import number, percent, span

_SECONDS = (
    "Medians over the runs of a method. Seconds are of the machine that trained, and what else it "
    "did then: compare methods of one run with each other, by their ratios."
)


@dataclass(frozen=True, slots=True)
class NamedTable:
    """A table of several of a kind: of another unit, or of another method."""

    name: str
    table: Table


@dataclass(frozen=True, slots=True)
class LimbPage(SheetHead):
    """The sections that the template prints below the head."""

    plot: Plot
    errors: Table
    found: Table
    others: tuple[NamedTable, ...]
    paper_note: str
    costs: Table | None
    stages: Table
    cost_notes: tuple[str, ...]
    differences: tuple[NamedTable, ...]
    difference_note: str


def limb_page(report: ReportedLimbs) -> LimbPage:
    """Turn evaluations into text and drawings."""
    main, *others = report.first.summaries
    level = f"{100 * report.first.summaries[main][0].level:g}"
    drawing = limb_plot(
        [each.errors for each in report.evaluations],
        unit=main,
        label=f"RMSD, {UNITS.get(main, main)}",
        baseline=None if report.baseline is None else report.baseline.errors,
    )
    return LimbPage(
        title=report.title,
        subtitle=_subtitle(report),
        banner="Not for diagnosis. Accuracy of predictions against the labels of this study.",
        warnings=(),
        spoken=(),
        notes=tuple(report.notes),
        tiles=_tiles(report, main),
        plot=Plot(
            drawing,
            "RMSD of each clip. Box: quartiles and median over clips; whiskers: 5 % to 95 % of "
            "the clips; what lies above the picture is in the table.",
        ),
        errors=error_table(report, main),
        found=found_table(report),
        others=tuple(
            NamedTable(UNITS.get(unit, unit), error_table(report, unit)) for unit in others
        ),
        paper_note=NOTE if published(report) else "",
        costs=cost_table(report) if report.costs else None,
        stages=stage_table(report),
        cost_notes=(_SECONDS, *notes_of(report.costs)),
        differences=tuple(
            NamedTable(
                f"{name} against {report.first.made_by}",
                difference_table([row for row in rows if row.unit == main]),
            )
            for name, rows in report.differences.items()
        ),
        difference_note=(
            f"Each against {report.first.made_by}, over joints that both found; below a figure: "
            f"its {level} % interval, by bootstrap over subjects. Within {AIM_PERCENT:g} %: 'yes' "
            "where the whole interval of the median's change lies below, 'no' where it lies above, "
            "'not settled' where it does neither."
        ),
        provenance=tuple(report.provenance.items()),
    )


def _subtitle(report: ReportedLimbs) -> str:
    errors = report.first.errors
    parts = [
        counted(len(set(errors.subjects)), "subject"),
        counted(len(errors.clips), "clip"),
        *(each.made_by for each in report.evaluations),
    ]
    return " · ".join(parts)


def _tiles(report: ReportedLimbs, unit: str) -> tuple[Tile, ...]:
    """One a prediction: over all limbs, or over the only one."""
    made = []
    for each in report.every:
        summary = each.summaries[unit][-1]
        value = "–" if summary.median is None else f"{number(summary.median)} px"
        parts = [
            f"median RMSD of {summary.limb}, {UNITS.get(unit, unit)}",
            span(summary.interval) and f"{100 * summary.level:g} % {span(summary.interval)}",
            _in_mm(each),
            f"{percent(summary.share)} of {summary.annotated:,} joints found",
            summary.reason,
        ]
        made.append(Tile(each.made_by, value, "; ".join(part for part in parts if part)))
    return tuple(made)


def _in_mm(evaluation: LimbEvaluation) -> str:
    """The median in millimetres; empty where it is not known."""
    summaries = evaluation.summaries.get("mm", ())
    median = summaries[-1].median if summaries else None
    return "" if median is None else f"{number(median)} mm"
