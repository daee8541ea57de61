"""In which order proposals are corrected: those that seem lost first, then the least sure.

How much the votes agree orders films far better than their spread does (docs/annotate-seed.md), so
the expected error is shown and the score decides.
"""

import csv
import io
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.contact_sheet import write_contact_sheet
from palpate.errors import FormatError, GeometryError
from palpate.files import write_rows
from palpate.finding import Finding
from palpate.io.predictions import PredictedImage, PredictionFile
from palpate.points import Points
from palpate.shape.build import build_shape_model
from palpate.shape.model import ShapeModel
from palpate.shape.sides import Outlier, judge_shape
from palpate.study import Study
from palpate.study_names import ImageNames
from palpate.study_proposals import PROPOSAL
from palpate.workflows.doubt import mean_score, unsure

# Fewer shapes do not tell what a usual one is.
_FEWEST_SHAPES = 5
_WORST = 3
_MOST_TILES = 32
_LOOKED_AT = "looked_at"


@dataclass(frozen=True, slots=True)
class Queued:
    """One proposal, and why it stands where it stands.

    Args:
        image: identifier.
        subject: as in the study.
        expected: mean expected error of its landmarks.
        unit: mm where every image is calibrated, else px.
        score: mean over the landmarks found, in [0, 1]; no probability.
        plausibility: chance that a shape of the study is at least so unusual; None where it is
            not known.
        lost: whether the shape is rarer than one in a hundred, or the score less than half of what
            is usual among the images proposed.
        worst: landmarks of the largest expected error, and those not proposed.
        reason: for the person who corrects.
    """

    image: str
    subject: str
    expected: float
    unit: str
    score: float
    plausibility: float | None
    lost: bool
    worst: tuple[str, ...]
    reason: str


def usual_shapes(study: Study) -> ShapeModel | None:
    """Return a model of the annotated shapes; None where they are too few, or are no plane ones."""
    shapes = [
        case.points.coordinates for case in study.annotated().cases if case.points is not None
    ]
    if len(shapes) < _FEWEST_SHAPES or shapes[0].shape[1] != 2:
        return None
    try:
        return build_shape_model(shapes)
    except GeometryError:
        return None  # the order is then that of the expected error alone


def expected_errors(predicted: PredictedImage, *, in_mm: bool) -> Float[ndarray, " landmark"]:
    """Return the error that the covariance of each landmark lets expect; NaN where not found.

    The mean length of a round Gaussian's offset is sqrt(pi / 4 * trace) in two dimensions.
    """
    spacing = np.ones(predicted.prediction.scheme.dimension)
    if in_mm and predicted.calibration is not None:
        spacing[:2] = predicted.calibration.spacing_mm
    variances = np.diagonal(predicted.prediction.covariance, axis1=1, axis2=2) * spacing**2
    return np.sqrt(np.pi / 4 * variances.sum(axis=1))


def queue_of(
    file: PredictionFile,
    points: Mapping[str, Points],
    usual: ShapeModel | None,
    *,
    mirrored: Container[str] = (),
) -> list[Queued]:
    """Return the predicted images in the order to correct them in, the worst first.

    Args:
        file: the predictions.
        points: image -> what is proposed of them.
        usual: shapes of the study; None where they are not known.
        mirrored: images whose mirror image fits better.
    """
    in_mm = all(image.calibration is not None for image in file.images)
    doubted = unsure(file)
    queued = [
        _queued(
            image,
            points[image.image],
            _judged(image, usual),
            doubts=_doubts(image.image, doubted, mirrored),
            in_mm=in_mm,
        )
        for image in file.images
    ]
    return sorted(queued, key=lambda each: (not each.lost, each.score, -each.expected, each.image))


def _doubts(image: str, doubted: Container[str], mirrored: Container[str]) -> list[str]:
    if image in mirrored:
        return ["the mirror image fits better: is this the other side, or a mirrored film?"]
    if image in doubted:
        return ["the model has probably lost its way: its score is less than half the usual one"]
    return []


def _queued(
    predicted: PredictedImage,
    points: Points,
    judged: Outlier | None,
    *,
    doubts: list[str],
    in_mm: bool,
) -> Queued:
    errors = expected_errors(predicted, in_mm=in_mm)
    unit = "mm" if in_mm else "px"
    names = predicted.prediction.scheme.names
    left_out = [name for name, there in zip(names, points.present, strict=True) if not there]
    order = np.argsort(-np.nan_to_num(errors, nan=-1.0), kind="stable")[:_WORST]
    worst = tuple(names[k] for k in order if np.isfinite(errors[k]))
    expected = float(np.nanmean(errors)) if np.isfinite(errors).any() else 0.0
    unusual = judged is not None and judged.unusual
    reasons = doubts + ([_in_words(judged)] if judged is not None and unusual else [])
    if left_out:
        some = ", ".join(left_out[:_WORST]) + (", ..." if len(left_out) > _WORST else "")
        reasons.append(f"draw {len(left_out)} landmarks that are not proposed: {some}")
    if worst:
        reasons.append(f"least sure: {', '.join(worst)} ({errors[order[0]]:.1f} {unit})")
    return Queued(
        predicted.image,
        predicted.subject,
        expected,
        unit,
        mean_score(predicted),
        None if judged is None else judged.plausibility,
        unusual or bool(doubts),
        tuple(dict.fromkeys([*worst, *left_out])),
        "; ".join(reasons),
    )


def _judged(predicted: PredictedImage, usual: ShapeModel | None) -> Outlier | None:
    if usual is None:
        return None
    try:
        return judge_shape(usual, predicted.prediction.mean)
    except GeometryError:
        return None


def _in_words(judged: Outlier) -> str:
    if judged.mirrored:
        return "the shape is a mirror image: is this the other side, or a mirrored film?"
    return "unusual shape: the model may have lost its way"


def write_queue(queue: Sequence[Queued], failures: Mapping[str, str], path: Path) -> None:
    """Write the order as CSV; images that failed stand last, to be drawn by hand.

    The column ``looked_at`` is for the person: anything written there says that the proposal was
    looked at and is right as it stands.
    """
    rows: list[dict[str, object]] = [
        {
            "rank": rank,
            "image": each.image,
            # An image that stands for a subject of its own names none.
            "subject": "" if each.subject == each.image else each.subject,
            "expected_error": f"{each.expected:.3f}",
            "unit": each.unit,
            "score": f"{each.score:.4f}",
            "plausibility": "" if each.plausibility is None else f"{each.plausibility:.4f}",
            "reason": each.reason,
            _LOOKED_AT: "",
        }
        for rank, each in enumerate(queue, start=1)
    ]
    failed = dict.fromkeys(rows[0] if rows else ("image", "reason"), "")
    for name, why in failures.items():
        rows.append({**failed, "image": name, "reason": f"nothing is proposed: {why}"})
    write_rows(path, rows)


def read_looked_at(path: Path, names: ImageNames) -> set[str]:
    """Return the images that a person has marked as looked at; of an absent file, none.

    Raises:
        FormatError: the table has lost its columns.
    """
    if not path.exists():
        return set()
    text = path.read_text(encoding="utf-8-sig")
    # Some programs save a table with semicolons.
    separator = ";" if ";" in text.split("\n", 1)[0] else ","
    rows = list(csv.DictReader(io.StringIO(text), delimiter=separator))
    if rows and not {"image", _LOOKED_AT} <= set(rows[0]):
        raise FormatError(path, f"expected the columns 'image' and {_LOOKED_AT!r}")
    marked = (names.find(row["image"]) for row in rows if (row[_LOOKED_AT] or "").strip())
    return {name for name in marked if name is not None}


def write_sheet(
    study: Study, queue: Sequence[Queued], points: Mapping[str, Points], path: Path
) -> int:
    """Draw the first of the queue with their proposals, the least sure landmarks ringed."""
    shown = queue[:_MOST_TILES]
    cases = tuple(
        replace(study.case(each.image), annotations={PROPOSAL: points[each.image]}, reference=None)
        for each in shown
    )
    findings = [
        Finding(
            f"{rank}: expected {each.expected:.1f} {each.unit}",
            "error" if each.lost else "warning",
            f"{each.image}: {each.reason}",
            each.image,
            each.worst,
        )
        for rank, each in enumerate(shown, start=1)
    ]
    return write_contact_sheet(replace(study, cases=cases), findings, path, most=_MOST_TILES)
