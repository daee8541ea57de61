"""Which labels to look at first: the list, its table and its page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from palpate.errors import FormatError
from palpate.files import write_text
from palpate.labels.held_out import HeldOutPredictions, read_held_out
from palpate.labels.ranked import RankedLabel, RankedLabels, rank_labels
from palpate.labels.table import check_first_csv
from palpate.report.labels_page import LabelCrop, ReportedLabels
from palpate.report.labels_picture import label_crop
from palpate.report.labels_report import write_labels_report
from palpate.study import Study
from palpate.study_case import StudyCase

TABLE, PAGE = "check_first.csv", "check_first.html"


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """The ranked labels of a study, and what they were held against.

    Args:
        ranked: the whole list.
        held_out: None where shape alone told.
    """

    ranked: RankedLabels
    held_out: HeldOutPredictions | None

    @property
    def refused(self) -> Mapping[str, str]:
        """Images whose predictions were not used, and why."""
        return {} if self.held_out is None else self.held_out.refused


def check_labels(study: Study, predictions: Path | None) -> LabelCheck:
    """Rank the labels of a study.

    Args:
        study: with annotation in two dimensions.
        predictions: folder of a cross-validation of it; None judges by shape alone.

    Raises:
        FormatError: no finished cross-validation is there.
        StudyError: nothing is annotated, or it is a cross-validation of something else.
    """
    held_out = None if predictions is None else read_held_out(study, predictions)
    return LabelCheck(rank_labels(study, held_out), held_out)


def can_be_ranked(study: Study) -> bool:
    """Whether there are labels in two dimensions."""
    return (
        study.landmarks is not None
        and study.scheme.dimension == 2
        and any(case.points is not None and case.points.present.any() for case in study.cases)
    )


def write_check_first(study: Study, check: LabelCheck, out: Path, *, top: int) -> None:
    """Write ``check_first.csv``, the whole list, and ``check_first.html``, its first ``top``.

    Raises:
        OutputError: it could not be written.
    """
    ranked = check.ranked
    write_text(out / TABLE, check_first_csv(ranked))
    shown = ranked.entries[:top]
    write_labels_report(
        ReportedLabels(
            title=f"Check these labels first: {study.name}",
            crops=tuple(_crop(study, check, entry) for entry in shown),
            found=len(ranked.found),
            entries=len(ranked.entries),
            judged=ranked.judged,
            by_shape=ranked.by_shape,
            rate=ranked.rate,
            refused=check.refused,
            provenance=_provenance(study, check),
        ),
        out / PAGE,
    )


def _crop(study: Study, check: LabelCheck, entry: RankedLabel) -> LabelCrop:
    case = study.case(entry.image)
    try:
        grey = study.load(case).image.grey()
    except FormatError as error:
        return LabelCrop(entry, "", f"its image cannot be shown: {error.problem}")
    predicted = None if check.held_out is None else check.held_out.images.get(entry.image)
    picture = label_crop(
        grey,
        _labels(case, entry),
        None if predicted is None else predicted.prediction.mean,
        study.scheme.names,
        study.scheme.indices(list(entry.landmarks)),
    )
    return LabelCrop(entry, picture)


def _labels(case: StudyCase, entry: RankedLabel) -> Sequence[np.ndarray]:
    """The labels to draw: those accused first, then those of the other annotators."""
    others = [p.coordinates for name, p in case.annotations.items() if name != entry.annotator]
    if entry.annotator in case.annotations:
        return [case.annotations[entry.annotator].coordinates, *others]
    points = case.points
    if entry.kind == "annotators apart" or points is None:
        return others
    return [points.coordinates]


def _provenance(study: Study, check: LabelCheck) -> dict[str, str]:
    made_by = {} if check.held_out is None else check.held_out.made_by
    told = {f"cross-validation's {name}": value for name, value in made_by.items()}
    return {"study": study.name, "palpate": version("palpate"), **told}
