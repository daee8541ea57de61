"""The tables of a posture study, in the order of the paper, and what stands beside them."""

from collections.abc import Mapping, Sequence

from palpate.evaluation.posture import PostureEvaluation
from palpate.evaluation.posture_alignment import Curve
from palpate.evaluation.posture_classes import RATES, Agreement
from palpate.evaluation.posture_paired import LOWER_IS_BETTER, PostureDifference
from palpate.report import posture_paper as paper
from palpate.report.parts import Bounded, Row, Table
from palpate.report.posture_cells import error_cell, rate_cell
from palpate.report.posture_reported import ReportedPosture
from palpate.report.wording import figure, number, span

_RATE_NAMES = {
    "accuracy": "accuracy, %",
    "true_positive_rate": "TPR (recall), %",
    "false_positive_rate": "FPR, %",
    "true_negative_rate": "TNR, %",
    "false_negative_rate": "FNR, %",
    "precision": "precision, %",
    "f1": "F1, %",
}
_METRICS = {
    "point_error_grid_px": ("Point error, px of the grid", 1.0, 2),
    "segment_error_deg": ("Angle error of all segments, deg", 1.0, 2),
    "f1": ("F1 of misalignment, %", 100.0, 1),
}


def angle_table(report: ReportedPosture) -> Table:
    """Mean absolute error and standard deviation of each segment and group: table 1."""
    first = report.first
    beside = paper.published(first.protocol)
    head = ["Segment", "n", "missed", *(f"{each.made_by}, deg" for each in report.every)]
    rows: list[Row] = []
    for title, part in (("Segments", "segments"), ("Groups", "groups")):
        rows.append((title,))
        summaries = [getattr(each.angles, part) for each in report.every]
        for name, own in summaries[0].items():
            rows.append(
                (
                    name,
                    f"{own.count:,}",
                    f"{own.missed:,}",
                    *(
                        error_cell(other[name], missed=other is not summaries[0])
                        for other in summaries
                    ),
                    *((_published(paper.ANGLES.get(name), 1),) if beside else ()),
                )
            )
    return Table((*head, *((f"{paper.CITED}*",) if beside else ())), tuple(rows))


def point_table(report: ReportedPosture) -> Table:
    """Mean and standard deviation of the distance of each point, in px of grid and image."""
    first = report.first
    beside = paper.published(first.protocol)
    head = ["Point", "n", "missed", *(f"{each.made_by}, grid px" for each in report.every)]
    head += ["image px", *((f"{paper.CITED}*",) if beside else ())]
    grids = [{"all points": each.points.overall_grid, **each.points.grid} for each in report.every]
    image = {"all points": first.points.overall_px, **first.points.px}
    rows = []
    for name, own in grids[0].items():
        row: list[str | Bounded] = [name, f"{own.count:,}", f"{own.missed:,}"]
        row += [error_cell(other[name], 2, missed=other is not grids[0]) for other in grids]
        row.append(error_cell(image[name], 2))
        if beside:
            row.append(_published(paper.POINTS if name == "all points" else None, 2))
        rows.append(tuple(row))
    return Table(tuple(head), tuple(rows))


def alignment_table(evaluation: PostureEvaluation) -> Table:
    """Agreement on misaligned segments at the threshold: table 2."""
    published = paper.ALIGNMENT if paper.published(evaluation.protocol) else None
    segments = [row for row in evaluation.alignment if row.kind == "segment"]
    groups = [row for row in evaluation.alignment if row.kind == "group"]
    rows: list[Row] = [("Segments",), *_agreements(segments, published)]
    rows += [("Groups: each segment of each frame counts once",), *_agreements(groups, published)]
    return Table(_agreement_head("Segment", published is not None), tuple(rows))


def contact_table(evaluation: PostureEvaluation) -> Table:
    """Agreement on contact, with the landmark of the labels and with the predicted one: table 3."""
    published = paper.CONTACT if paper.published(evaluation.protocol) else None
    of = " and ".join(dict.fromkeys(rule.of for rule in evaluation.judged.table.contact))
    rows: list[Row] = [
        (f"Compared with the {of} of the labels, as in the paper",),
        *_agreements(evaluation.contact, published),
        (f"Compared with the predicted {of}, as in use",),
        *_agreements(evaluation.contact_own, {} if published is not None else None),
    ]
    return Table(_agreement_head("Contact of", published is not None), tuple(rows))


def member_note(evaluation: PostureEvaluation) -> str:
    """Which segments each group holds."""
    groups = evaluation.judged.table.groups
    return "; ".join(f"{name}: {', '.join(members)}" for name, members in groups.items()) + "."


def reliable_table(report: ReportedPosture) -> Table:
    """Up to which threshold F1 is above one half, a column a prediction."""
    rows = []
    for k, curve in enumerate(report.first.curves):
        reached = [each.curves[k].reliable_to() for each in report.every]
        rows.append((curve.name, *("none" if to is None else f"{to:g}" for to in reached)))
    head = ("Segment or group", *(f"{each.made_by}, deg" for each in report.every))
    return Table(head, tuple(rows))


def curve_table(curves: Sequence[Curve]) -> Table:
    """F1 at every threshold, in percent."""
    rows = []
    for k, threshold in enumerate(curves[0].thresholds_deg):
        cells = [curve.f1[k] for curve in curves]
        rows.append(
            (
                f"{threshold:g}°",
                *("too few" if f1.value is None else number(100 * f1.value, 1) for f1 in cells),
            )
        )
    return Table(("Threshold", *(curve.name for curve in curves)), tuple(rows))


def difference_table(name: str, differences: Sequence[PostureDifference]) -> Table:
    """A comparison of two predictions of the same frames, child by child."""
    rows = []
    for each in differences:
        words, factor, digits = _METRICS.get(each.metric, (each.metric, 1.0, 2))
        first, second, gap = (
            None if value is None else factor * value
            for value in (each.first, each.second, each.difference)
        )
        rows.append(
            (
                words,
                figure(first, digits),
                figure(second, digits),
                Bounded(each.reason or figure(gap, digits), span(each.interval, digits, factor)),
                _verdict(each),
                f"{each.children:,}",
                f"{each.count:,}",
                f"{each.unpaired:,}",
            )
        )
    head = (
        name,
        "first",
        "second",
        "second less first",
        "reading",
        "children",
        "compared",
        "not by both",
    )
    return Table(head, tuple(rows))


def _verdict(each: PostureDifference) -> str:
    if each.difference is None or each.interval is None:
        return "not known"
    if not each.clear:
        return "no clear difference"
    lower = LOWER_IS_BETTER.get(each.metric, True)
    return "second is better" if (each.difference < 0) == lower else "first is better"


def _agreement_head(noun: str, beside: bool) -> tuple[str, ...]:
    return (
        noun,
        "positive",
        "negative",
        "unknown",
        *(_RATE_NAMES[name] for name in RATES),
        *(("F1 in the paper*, %",) if beside else ()),
    )


def _agreements(rows: Sequence[Agreement], published: Mapping[str, float] | None) -> list[Row]:
    """Rows of counts and rates; ``published`` F1 in percent at the end, None for no such column."""
    made: list[Row] = []
    for row in rows:
        cells: list[str | Bounded] = [
            row.name,
            f"{row.positives:,}",
            f"{row.negatives:,}",
            f"{row.unknown:,}",
        ]
        cells += [rate_cell(row.rates[name]) for name in RATES]
        if published is not None:
            cells.append(f"{published[row.name]:.1f}" if row.name in published else "–")
        made.append(tuple(cells))
    return made


def _published(value: tuple[float, float] | None, digits: int) -> str:
    return "–" if value is None else f"{number(value[0], digits)} ± {number(value[1], digits)}"
