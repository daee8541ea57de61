"""What the page of a posture study says, as text and drawings, in the order of the page."""

from dataclasses import dataclass

import numpy as np

from palpate.evaluation.posture import PostureEvaluation
from palpate.evaluation.posture_classes import Rate
from palpate.report import posture_paper as paper
from palpate.report.clip_tiles import counted
from palpate.report.parts import Plot, Row, SheetHead, Table, Tile
from palpate.report.plots import Strip, strip_plot
from palpate.report.posture_children import Child, children
from palpate.report.posture_plots import curve_plot
from palpate.report.posture_reported import ReportedPosture
from palpate.report.posture_sentences import sentences
from palpate.report.posture_tables import (
    alignment_table,
    angle_table,
    contact_table,
    curve_table,
    difference_table,
    member_note,
    point_table,
    reliable_table,
)
from palpate.report.wording import figure, number, percent, span

# Percentile intervals of fewer people than this cover less than they say.
_MANY = 10


@dataclass(frozen=True, slots=True)
class Named:
    """A table under the name of a prediction."""

    name: str
    table: Table


@dataclass(frozen=True, slots=True)
class PosturePage(SheetHead):
    """The sections that the template prints below the head."""

    threshold: str
    first: str
    angle_plot: Plot
    angles: Table
    alignment: Table
    other_alignments: tuple[Named, ...]
    curve_plot: Plot
    reliable: Table
    curves: Table
    contact: Table
    other_contacts: tuple[Named, ...]
    child_plot: Plot
    children: Table
    references: Table
    points: Table
    differences: tuple[Table, ...]
    members: str
    paper: bool
    paper_notes: tuple[str, str, str]


def posture_page(report: ReportedPosture) -> PosturePage:
    """Turn evaluations into text and drawings."""
    first, others = report.first, report.every[1:]
    own = children(first)
    return PosturePage(
        title=report.title,
        subtitle=_subtitle(report),
        banner="Not for diagnosis. Accuracy of predictions against the labels of this study.",
        warnings=tuple(report.warnings),
        spoken=sentences(report),
        notes=(*first.notes, *_few(first)),
        tiles=_tiles(first),
        threshold=f"{first.threshold_deg:g}",
        first=first.made_by,
        angle_plot=_angle_plot(report),
        angles=angle_table(report),
        alignment=alignment_table(first),
        other_alignments=tuple(Named(each.made_by, alignment_table(each)) for each in others),
        curve_plot=_curve_plot(report),
        reliable=reliable_table(report),
        curves=curve_table(first.curves),
        contact=contact_table(first),
        other_contacts=tuple(Named(each.made_by, contact_table(each)) for each in others),
        child_plot=_child_plot(report, own),
        children=_child_table(report, own),
        references=_reference_table(first),
        points=point_table(report),
        differences=tuple(difference_table(*each) for each in report.differences.items()),
        members=member_note(first),
        paper=paper.published(first.protocol),
        paper_notes=(paper.NOTE, paper.TRUNK_NOTE, paper.RELIABLE_NOTE),
        provenance=_provenance(report),
    )


def _subtitle(report: ReportedPosture) -> str:
    first = report.first
    count = len(first.children)
    parts = [
        f"{count} child" if count == 1 else f"{count} children",
        counted(first.frames, "frame"),
        f"protocol {first.protocol}",
        *(each.made_by for each in report.evaluations),
    ]
    return " · ".join(parts)


def _few(first: PostureEvaluation) -> tuple[str, ...]:
    count = len(first.children)
    if not 1 < count < _MANY:
        return ()
    return (f"With {count} children the intervals are rough, and rather too narrow.",)


def _tiles(first: PostureEvaluation) -> tuple[Tile, ...]:
    headline = first.judged.table.headline
    angles, points = first.angles.groups[headline], first.points.overall_grid
    missed = f"{points.missed:,} of {points.count:,} labelled points not found"
    row = next(row for row in first.alignment if (row.name, row.kind) == (headline, "group"))
    made = [
        Tile(
            "Angle error, mean",
            f"{figure(angles.mean, 1)} deg",
            f"SD {figure(angles.sd, 1)}; {_interval(angles.interval, angles.level, 1)}",
        ),
        Tile(
            "Point error, mean, on the grid",
            f"{figure(points.mean)} px",
            f"SD {figure(points.sd)}; {_interval(points.interval, points.level, 2)}; {missed}",
        ),
        Tile(
            f"Misalignment at {first.threshold_deg:g} deg, F1",
            _short_rate(row.f1),
            f"{row.positives:,} positive, {row.negatives:,} negative, {row.unknown:,} unknown; "
            f"{_interval(row.f1.interval, first.level, 1, 100.0)}",
        ),
    ]
    combined = " or ".join(rule.point for rule in first.judged.table.contact)
    for each in first.contact_own:
        if each.name == combined:
            made.append(
                Tile(
                    f"Contact of {combined}, F1",
                    _short_rate(each.f1),
                    f"with the predicted landmark, as in use; {each.positives:,} positive, "
                    f"{each.negatives:,} negative; "
                    f"{_interval(each.f1.interval, first.level, 1, 100.0)}",
                )
            )
    return tuple(made)


def _short_rate(rate: Rate) -> str:
    return "too few" if rate.value is None else percent(rate.value)


def _interval(
    interval: tuple[float, float] | None, level: float, digits: int, factor: float = 1.0
) -> str:
    if interval is None:
        return "no interval"
    return f"{100 * level:g} % interval {span(interval, digits, factor)}"


def _angle_plot(report: ReportedPosture) -> Plot:
    judged = report.first.judged
    strips = []
    for k, (name, summary) in enumerate(report.first.angles.segments.items()):
        errors = judged.errors[:, k][judged.wanted[:, k]]
        guessed = None if report.baseline is None else report.baseline.angles.segments[name].mean
        strips.append(
            Strip(name, errors[np.isfinite(errors)], summary.mean, summary.interval, guessed)
        )
    caption = (
        "Absolute error of each frame. Box: quartiles; line: 5 % to 95 % of the frames; dot: mean, "
        "with its interval by bootstrap over children"
    )
    return Plot(strip_plot(strips, label="angle error, deg"), f"{caption}{_diamond(report)}.")


def _diamond(report: ReportedPosture) -> str:
    return "" if report.baseline is None else f"; diamond: {report.baseline.made_by}"


def _curve_plot(report: ReportedPosture) -> Plot:
    drawing = curve_plot(
        [each.made_by for each in report.every],
        [each.curves for each in report.every],
        threshold_deg=report.first.threshold_deg,
    )
    return Plot(
        drawing,
        f"F1 of misalignment; upright line: {report.first.threshold_deg:g} degrees; band: "
        f"{100 * report.first.level:g} % interval over children, of {report.first.made_by}. "
        "Dotted: what calling every frame misaligned would give; only above it does F1 speak for "
        "a method. A line ends where there are too few positives.",
    )


def _child_plot(report: ReportedPosture, own: tuple[Child, ...]) -> Plot:
    guessed = {} if report.baseline is None else {c.name: c for c in children(report.baseline)}
    strips = [
        Strip(
            child.name,
            child.errors_deg,
            child.error_deg,
            None,
            guessed[child.name].error_deg if child.name in guessed else None,
        )
        for child in sorted(own, key=lambda child: -(child.error_deg or 0.0))
    ]
    members = ", ".join(_headline(report.first))
    return Plot(
        strip_plot(strips, label="mean angle error of a frame, deg"),
        f"Error of each frame, mean over {members}; the child with the largest error first. "
        f"Box: quartiles; line: 5 % to 95 %; dot: mean{_diamond(report)}.",
    )


def _headline(evaluation: PostureEvaluation) -> tuple[str, ...]:
    table = evaluation.judged.table
    return table.groups[table.headline]


def _child_table(report: ReportedPosture, own: tuple[Child, ...]) -> Table:
    others = [children(each) for each in report.every[1:]]
    rows: list[Row] = []
    for k, child in enumerate(own):
        rows.append(
            (
                child.name,
                f"{child.frames:,}",
                figure(child.error_deg, 1),
                *(figure(other[k].error_deg, 1) for other in others),
                figure(child.point_grid_px),
                f"{child.missed:,}",
                f"{child.positives:,}",
                child.f1 if isinstance(child.f1, str) else percent(child.f1),
            )
        )
    head = (
        "Child",
        "frames",
        *(f"{each.made_by}, deg" for each in report.every),
        "point error, grid px",
        "points missed",
        "misaligned",
        "F1",
    )
    return Table(head, tuple(rows))


def _reference_table(evaluation: PostureEvaluation) -> Table:
    names = tuple(evaluation.judged.table.segments)
    rows = tuple(
        (child, *(_degrees(angles[name]) for name in names))
        for child, angles in evaluation.references.items()
    )
    return Table(("Child", *names), rows)


def _degrees(angle: float | None) -> str:
    return "–" if angle is None else number(angle, 1)


def _provenance(report: ReportedPosture) -> tuple[tuple[str, str], ...]:
    first = report.first
    rows = dict(report.provenance)
    rows.setdefault("protocol", first.protocol)
    rows.setdefault("predictions", ", ".join(each.made_by for each in report.every))
    rows.setdefault(
        "intervals",
        f"percentile bootstrap over {len(first.children)} children, {first.resamples} resamples",
    )
    rows.setdefault("fewest", f"a rate needs {first.fewest} frames in its class")
    return tuple(rows.items())
