"""What ``palpate consensus`` does: the annotators of a study made one, and written to files."""

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from palpate import __version__
from palpate.annotators.consensus import Consensus, estimate_consensus
from palpate.annotators.marks import gather_marks
from palpate.annotators.outliers import Outlier, outlier_labels
from palpate.errors import StudyError
from palpate.files import write_json, write_rows, write_text
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.csv_plain import write_csv
from palpate.protocols.protocol import Protocol
from palpate.study import Study
from palpate.workflows.consensus_measured import (
    AnnotatorSpread,
    Values,
    annotator_spread,
    annotator_values,
)

Cell = str | float | int | None
# An image's points are listed from this probability on; a person looks through the first of them.
LISTED = 0.1
_OUTLIER_COLUMNS = (
    "annotator",
    "image",
    "subject",
    "landmark",
    "probability",
    "distance_px",
    "usual_px",
    "sentence",
)


@dataclass(frozen=True, eq=False, slots=True)
class StudyConsensus:
    """The annotators of a study: their consensus, their outliers, and what their points measure.

    Args:
        consensus: of all images.
        outliers: the surest first.
        values: quantity -> every annotator's; empty without a protocol.
        spreads: quantity -> how far the annotators are apart.
        protocol: as it is labelled; empty without one.
    """

    consensus: Consensus
    outliers: tuple[Outlier, ...]
    values: Values
    spreads: Mapping[str, AnnotatorSpread]
    protocol: str = ""


def study_consensus(
    study: Study, protocol: Protocol | None, rng: np.random.Generator
) -> StudyConsensus:
    """Estimate the consensus of a study's annotators, and measure each one's own points.

    Raises:
        StudyError: one annotator only, no image with two, or volumes.
        ConfigError: the protocol needs a landmark that the study does not have.
    """
    if study.scheme.dimension != 2:
        raise StudyError(
            f"a consensus is made of two-dimensional points; study {study.name!r} has "
            f"{study.scheme.dimension}"
        )
    consensus = estimate_consensus(gather_marks(study))
    outliers = tuple(outlier_labels(consensus, least=LISTED))
    if protocol is None:
        return StudyConsensus(consensus, outliers, {}, {})
    units, values = annotator_values(study, protocol)
    spreads = {name: annotator_spread(rows, units[name], rng) for name, rows in values.items()}
    return StudyConsensus(consensus, outliers, values, spreads, protocol.label)


def write_consensus(found: StudyConsensus, study: Study, out: Path) -> None:
    """Write landmarks.csv, covariances.csv, annotators.csv, outliers.csv and consensus.json.

    With a protocol also measurements.csv: every annotator's own values.

    Raises:
        OutputError: a file cannot be written.
    """
    consensus = found.consensus
    points = consensus.all_points()
    rows = tuple(
        AnnotatedImage(
            case.identifier,
            points[case.identifier],
            subject=case.subject,
            group=case.group,
            split=case.split,
        )
        for case in study.cases
        if points[case.identifier].present.any()
    )
    write_csv(AnnotationFile(consensus.marks.scheme, rows), out / "landmarks.csv")
    write_rows(out / "covariances.csv", _covariance_rows(consensus))
    write_rows(out / "annotators.csv", annotator_rows(consensus))
    _write_outliers(found.outliers, out / "outliers.csv")
    if found.values:
        write_rows(out / "measurements.csv", _measured_rows(found))
    write_json(out / "consensus.json", _content(found, study))


def annotator_rows(consensus: Consensus) -> list[dict[str, Cell]]:
    """One row an annotator and landmark; empty where nothing tells of it.

    ``sd_along_px`` is the larger half axis of the spread, ``direction_deg`` where it points,
    anti-clockwise from the x axis as one sees it, in [0, 180).
    """
    rows: list[dict[str, Cell]] = []
    for a, who in enumerate(consensus.marks.annotators):
        for k, landmark in enumerate(consensus.marks.scheme.names):
            n = int(consensus.images[a, k])
            row: dict[str, Cell] = {"annotator": who, "landmark": landmark, "images": n}
            squared, axes = np.linalg.eigh(consensus.spread[a, k])
            angle = float(np.degrees(np.arctan2(-axes[1, 1], axes[0, 1]))) % 180.0
            figures = {
                "bias_x_px": consensus.bias[a, k, 0],
                "bias_y_px": consensus.bias[a, k, 1],
                "sd_along_px": np.sqrt(max(squared[1], 0.0)),
                "sd_across_px": np.sqrt(max(squared[0], 0.0)),
                "direction_deg": angle,
                "weight": consensus.weights[a, k],
            }
            rows.append(
                {**row, **{key: round(float(v), 4) if n else None for key, v in figures.items()}}
            )
    return rows


def _covariance_rows(consensus: Consensus) -> list[dict[str, Cell]]:
    marks = consensus.marks
    count = marks.given.sum(axis=1)
    return [
        {
            "image": marks.images[i],
            "landmark": marks.scheme.names[k],
            "annotators": int(count[i, k]),
            "var_x_px2": round(float(consensus.covariance[i, k, 0, 0]), 6),
            "cov_xy_px2": round(float(consensus.covariance[i, k, 0, 1]), 6),
            "var_y_px2": round(float(consensus.covariance[i, k, 1, 1]), 6),
        }
        for i, k in np.argwhere(count > 0).tolist()
    ]


def _write_outliers(outliers: tuple[Outlier, ...], path: Path) -> None:
    """With its head even where there is none."""
    rows: list[dict[str, Cell]] = [
        {
            "annotator": " or ".join(each.annotators),
            "image": each.image,
            "subject": each.subject,
            "landmark": each.landmark,
            "probability": round(each.probability, 4),
            "distance_px": round(each.distance_px, 3),
            "usual_px": round(each.usual_px, 3),
            "sentence": each.sentence,
        }
        for each in outliers
    ]
    if rows:
        write_rows(path, rows)
    else:
        write_text(path, ",".join(_OUTLIER_COLUMNS) + "\n")


def _measured_rows(found: StudyConsensus) -> list[dict[str, Cell]]:
    return [
        {
            "subject": each.subject,
            "image": each.image,
            "annotator": each.annotator,
            "quantity": name,
            "value": each.value,
            "unit": found.spreads[name].unit,
            "reason": each.reason,
        }
        for name, rows in found.values.items()
        for each in rows
    ]


def _content(found: StudyConsensus, study: Study) -> dict[str, object]:
    consensus = found.consensus
    marks = consensus.marks
    return {
        "study": study.name,
        "palpate": __version__,
        "python": platform.python_version(),
        "annotators": list(marks.annotators),
        "images": len(marks.images),
        "images_with_several": int((marks.given.any(axis=2).sum(axis=1) > 1).sum()),
        "subjects": len(set(marks.subjects)),
        "wild_rate": round(consensus.rate, 6),
        "notes": list(consensus.notes),
        "landmarks": annotator_rows(consensus),
        "outliers": [asdict(each) for each in found.outliers],
        "protocol": found.protocol or None,
        "measurements": {name: asdict(spread) for name, spread in found.spreads.items()},
    }
