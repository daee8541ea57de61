"""A study's labels as sets of one annotator each, with the predictions beside them."""

from collections.abc import Sequence

import numpy as np

from palpate.errors import StudyError
from palpate.labels.held_out import HeldOutPredictions
from palpate.labels.residuals import LabelSet, Predicted
from palpate.points import Points
from palpate.study import Study
from palpate.study_case import StudyCase


def label_sets(study: Study, held_out: HeldOutPredictions | None = None) -> list[LabelSet]:
    """Gather the labels of a study: of each annotator where there are several, else the reference.

    Images are sorted by name, so that their order in the study changes nothing. Frames of clips in
    which labels were interpolated are left out: nobody set them.

    Args:
        study: with annotation of two dimensions.
        held_out: images without a prediction are judged by their shape alone; None for all.

    Raises:
        StudyError: nothing is annotated, or in three dimensions.
    """
    cases = sorted(
        (case for case in study.cases if case.clip is None or not case.clip.interpolated),
        key=lambda case: case.identifier,
    )
    annotators = sorted({name for case in cases for name in case.annotations})
    several = any(len(case.annotations) > 1 for case in cases)
    given: list[tuple[str, list[tuple[StudyCase, Points]]]] = []
    if several:
        for name in annotators:
            own = [(c, c.annotations[name]) for c in cases if name in c.annotations]
            given.append((name, own))
        # What has a reference alone would otherwise be judged by nobody.
        alone = [(c, c.reference) for c in cases if not c.annotations and c.reference is not None]
        given.append(("", alone))
    else:
        given.append(("", [(c, points) for c in cases if (points := c.points) is not None]))
    sets = [_label_set(study, name, own, held_out) for name, own in given if own]
    if not sets:
        raise StudyError(f"study {study.name!r} has no labels to judge")
    return sets


def _label_set(
    study: Study,
    annotator: str,
    given: Sequence[tuple[StudyCase, Points]],
    held_out: HeldOutPredictions | None,
) -> LabelSet:
    given = [(case, points) for case, points in given if points.present.any()]
    labels = np.stack([p.coordinates for _, p in given]) if given else np.zeros((0, 0, 2))
    return LabelSet(
        study.scheme,
        tuple(case.identifier for case, _ in given),
        tuple(case.subject for case, _ in given),
        labels.astype(float),
        None if held_out is None else _predicted([c for c, _ in given], study, held_out),
        annotator,
    )


def _predicted(cases: Sequence[StudyCase], study: Study, held_out: HeldOutPredictions) -> Predicted:
    k = len(study.scheme)
    mean = np.full((len(cases), k, 2), np.nan)
    covariance = np.full((len(cases), k, 2, 2), np.nan)
    score = np.zeros((len(cases), k))
    sizes = np.full((len(cases), 2), np.nan)
    for i, case in enumerate(cases):
        image = held_out.images.get(case.identifier)
        if image is None:
            continue
        prediction = image.prediction
        found = prediction.found
        mean[i, found] = prediction.mean[found]
        covariance[i, found] = prediction.covariance[found]
        score[i], sizes[i] = prediction.score, image.size
    return Predicted(mean, covariance, score, sizes)
