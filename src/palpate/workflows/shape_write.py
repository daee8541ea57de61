"""The shapes of a study on disk: the model, a table of the cases, a picture and a page."""

import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from palpate import __version__
from palpate.files import write_rows
from palpate.protocols.protocol import Protocol
from palpate.report.shape_page import ReportedShape, ReportedShapes
from palpate.report.shape_plot import write_mode_png
from palpate.report.shape_report import write_shape_report
from palpate.shape.modes import mode_shapes
from palpate.shape.named_store import write_named
from palpate.study import Study
from palpate.workflows.shape_study import JudgedCase, ShapeStudy

Cell = str | float | None


def write_shapes(
    shapes: ShapeStudy, study: Study, out: Path, *, protocol: Protocol | None = None
) -> None:
    """Write scores.csv, modes.png, shape.html, and then the model: model.npz and shape.json.

    Args:
        shapes: of the study.
        study: names the lines that join landmarks in a drawing.
        out: a folder; files of an earlier call are replaced.
        protocol: names lines where the study does not.

    Raises:
        OutputError: a file cannot be written.
    """
    pairs = study.scheme.edges or _lines(protocol)
    edges = shapes.named.edges(pairs)
    provenance = _provenance(shapes, protocol)
    write_rows(out / "scores.csv", [*map(_row, shapes.judged), *_left_out(shapes)])
    write_mode_png(mode_shapes(shapes.model), out / "modes.png", edges=edges)
    write_shape_report(_reported(shapes, edges, provenance), out / "shape.html")
    write_named(shapes.named, out, study={**provenance, **_figures(shapes)})


def _lines(protocol: Protocol | None) -> tuple[tuple[str, str], ...]:
    """The lines of a protocol, or along its outlines where it draws none."""
    if protocol is None:
        return ()
    pairs = [
        pair
        for outline in protocol.outlines
        for pair in zip(outline.landmarks, outline.landmarks[1:], strict=False)
    ]
    return protocol.scheme.edges or tuple(pairs)


def _provenance(shapes: ShapeStudy, protocol: Protocol | None) -> dict[str, str]:
    return {
        "study": shapes.name,
        "protocol": "none" if protocol is None else protocol.label,
        "judged": f"each case by models of other subjects, {shapes.folds} folds by subject",
        "palpate": __version__,
        "python": platform.python_version(),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _figures(shapes: ShapeStudy) -> dict[str, Any]:
    model = shapes.model
    return {
        "shapes": len(shapes.judged),
        "subjects": len(shapes.gathered.subjects),
        "modes": len(model.modes),
        "share_of_variance": (model.variances / model.total_variance).tolist(),
        "outliers": [each.case.identifier for each in shapes.outliers],
        "left_out": shapes.gathered.left_out,
        "notes": list(shapes.notes),
    }


def _row(each: JudgedCase) -> dict[str, Cell]:
    outlier = each.outlier
    return {
        "image": each.case.identifier,
        "subject": each.case.subject,
        "group": each.case.group,
        "side": each.case.side,
        "plausibility": None if outlier is None else _rounded(outlier.plausibility),
        "outlier": None if outlier is None else ("yes" if outlier.unusual else "no"),
        "reason": each.reason if outlier is None else outlier.sentence,
        **{
            f"mode_{k + 1}": _rounded(score) if np.isfinite(score) else None
            for k, score in enumerate(each.scores)
        },
    }


def _rounded(value: float) -> float:
    """Four digits, more than any shape can tell."""
    return float(f"{value:.4g}")


def _left_out(shapes: ShapeStudy) -> list[dict[str, Cell]]:
    empty: dict[str, Cell] = dict.fromkeys(_row(shapes.judged[0]))
    return [
        {**empty, "image": name, "reason": f"left out: {why}"}
        for name, why in shapes.gathered.left_out.items()
    ]


def _reported(
    shapes: ShapeStudy, edges: tuple[tuple[int, int], ...], provenance: dict[str, str]
) -> ReportedShapes:
    return ReportedShapes(
        title=f"Shapes of {shapes.name}",
        model=shapes.model,
        cases=tuple(
            ReportedShape(
                each.case.identifier,
                each.case.subject,
                each.case.group,
                each.case.points,
                each.scores,
                each.outlier,
                each.reason,
            )
            for each in shapes.judged
        ),
        edges=edges,
        notes=shapes.notes,
        left_out=shapes.gathered.left_out,
        provenance=provenance,
    )
