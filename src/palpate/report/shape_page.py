"""What the page of a study's shapes says, as text and drawings, in the order of the page."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import StudyError
from palpate.report.parts import Plot, Row, SheetHead, Table, Tile
from palpate.report.shape_cases_plot import ScoredShape, odd_shapes_plot, score_plot
from palpate.report.shape_plot import mode_plot
from palpate.report.wording import number, percent
from palpate.shape.model import ShapeModel
from palpate.shape.modes import mode_shapes
from palpate.shape.sides import Outlier

# Scores that the page prints of each case; the table on disk holds all.
_SCORES = 5
_DRAWN = 8


@dataclass(frozen=True, eq=False, slots=True)
class ReportedShape:
    """One case of the page.

    Args:
        identifier: of the image.
        subject: whose it is.
        group: may be empty.
        points: in px of square pixels or in mm.
        scores: in standard deviations of the other subjects; NaN where these do not vary.
        outlier: what a model of the other subjects says; None where there was none.
        reason: why there was none.
    """

    identifier: str
    subject: str
    group: str
    points: Float[ndarray, "k 2"]
    scores: Float[ndarray, " m"]
    outlier: Outlier | None
    reason: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class ReportedShapes:
    """What the page is made of.

    Raises:
        StudyError: no case.
    """

    title: str
    model: ShapeModel
    cases: tuple[ReportedShape, ...]
    edges: tuple[tuple[int, int], ...] = ()
    notes: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.cases:
            raise StudyError("a page of shapes needs at least one case")

    @property
    def odd(self) -> tuple[ReportedShape, ...]:
        """The unusual cases, the least plausible first."""
        found = [case for case in self.cases if case.outlier and case.outlier.unusual]
        return tuple(
            sorted(found, key=lambda case: case.outlier.plausibility if case.outlier else 1.0)
        )


@dataclass(frozen=True, slots=True)
class ShapePage(SheetHead):
    """The sections that the template prints below the head."""

    modes: Plot
    mode_table: Table
    scores: Plot | None
    odd: Plot | None
    odd_table: Table | None
    odd_note: str
    case_table: Table
    left_out: Table | None


def shape_page(shapes: ReportedShapes) -> ShapePage:
    """Turn the shapes of a study into text and drawings."""
    odd = shapes.odd
    return ShapePage(
        title=shapes.title,
        subtitle=_subtitle(shapes),
        banner="Not for diagnosis. An unusual shape is a reason to look, not a finding.",
        warnings=(),
        spoken=(),
        notes=shapes.notes,
        tiles=_tiles(shapes),
        modes=Plot(
            mode_plot(mode_shapes(shapes.model), edges=shapes.edges),
            "The mean and shapes two standard deviations to both sides of it, along each of the "
            "first modes; at the size and turn of the mean.",
        ),
        mode_table=_mode_table(shapes.model),
        scores=_scores(shapes),
        odd=_odd_plot(shapes) if odd else None,
        odd_table=_odd_table(odd) if odd else None,
        odd_note=_odd_note(odd),
        case_table=_case_table(shapes),
        left_out=Table(("Image", "left out because"), tuple(shapes.left_out.items()))
        if shapes.left_out
        else None,
        provenance=tuple(shapes.provenance.items()),
    )


def _subtitle(shapes: ReportedShapes) -> str:
    subjects = len({case.subject for case in shapes.cases})
    return (
        f"{len(shapes.cases):,} shapes · {subjects:,} subjects · "
        f"{len(shapes.model.mean):,} landmarks"
    )


def _tiles(shapes: ReportedShapes) -> tuple[Tile, ...]:
    model, explained = shapes.model, shapes.model.explained
    first = float(model.variances[0] / model.total_variance) if len(explained) else None
    judged = sum(case.outlier is not None for case in shapes.cases)
    return (
        Tile(
            "Modes",
            f"{len(explained)}",
            f"hold {percent(float(explained[-1]) if len(explained) else None)} of the variance",
        ),
        Tile("First mode", percent(first), "of the variance"),
        Tile(
            "Unusual shapes",
            f"{len(shapes.odd)}",
            f"of {judged:,} judged by models of other subjects",
        ),
    )


def _mode_table(model: ShapeModel) -> Table:
    rows: list[Row] = [
        (f"{k + 1}", percent(float(variance / model.total_variance)), percent(float(together)))
        for k, (variance, together) in enumerate(zip(model.variances, model.explained, strict=True))
    ]
    return Table(("Mode", "share of the variance", "together"), tuple(rows))


def _scores(shapes: ReportedShapes) -> Plot | None:
    """Draw the first two scores of each case; nothing where there is one mode alone."""
    if len(shapes.model.variances) < 2:
        return None
    odd = {case.identifier for case in shapes.odd}
    points = [
        ScoredShape(
            case.identifier, float(case.scores[0]), float(case.scores[1]), case.identifier in odd
        )
        for case in shapes.cases
        if np.isfinite(case.scores[:2]).all()
    ]
    return Plot(
        score_plot(points),
        "Scores of each case against the other subjects. Rings: 1, 2 and 3 standard deviations; "
        "diamonds: unusual shapes, which may be so along another mode, or along none.",
    )


def _odd_plot(shapes: ReportedShapes) -> Plot:
    drawn = shapes.odd[:_DRAWN]
    more = len(shapes.odd) - len(drawn)
    return Plot(
        odd_shapes_plot(
            shapes.model, [(case.identifier, case.points) for case in drawn], edges=shapes.edges
        ),
        "Solid: the case, laid on the mean; dashed: the mean."
        + (f" {more} more are in the table." if more else ""),
    )


def _odd_table(odd: tuple[ReportedShape, ...]) -> Table:
    rows: list[Row] = [
        (case.identifier, case.subject, case.group, _chance(case), case.outlier.sentence)
        for case in odd
        if case.outlier is not None
    ]
    return Table(("Image", "subject", "group", "plausibility", "why"), tuple(rows))


def _odd_note(odd: tuple[ReportedShape, ...]) -> str:
    if odd:
        return "Each was judged by a model that holds no case of its subject."
    return "No shape is unusual: none is rarer than one in a hundred of the other subjects'."


def _case_table(shapes: ReportedShapes) -> Table:
    shown = min(_SCORES, len(shapes.model.variances))
    head = ("Image", "subject", "group", "plausibility", *(f"mode {k + 1}" for k in range(shown)))
    rows: list[Row] = [
        (
            case.identifier,
            case.subject,
            case.group,
            _chance(case),
            *(
                number(float(score), 1) if np.isfinite(score) else "–"
                for score in case.scores[:shown]
            ),
        )
        for case in shapes.cases
    ]
    return Table(head, tuple(rows))


def _chance(case: ReportedShape) -> str:
    return "–" if case.outlier is None else percent(case.outlier.plausibility)
