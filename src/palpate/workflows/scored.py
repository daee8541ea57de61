"""Which labels of held-out images are scored: all, or those alone that a person set."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from palpate.errors import StudyError
from palpate.evaluation.cases import EvaluatedCase
from palpate.points import ABSENT, Points
from palpate.study import Study

SCORED_ANNOTATED = "frames that a person annotated; none between them"


def scored_cases(
    study: Study, cases: Sequence[EvaluatedCase], *, annotated_only: bool
) -> tuple[EvaluatedCase, ...]:
    """Leave out labels that lie between annotated frames of a clip, if so asked.

    A landmark whose label was interpolated is absent in what comes back, and a frame without any
    other landmark is not in it.

    Raises:
        StudyError: nothing would be left.
    """
    if not annotated_only:
        return tuple(cases)
    kept = [_as_annotated(study, case) for case in cases]
    scored = tuple(case for case in kept if case.truth.present.any())
    if not scored:
        raise StudyError("no held-out frame was annotated by a person; leave --annotated-only out")
    return scored


def _as_annotated(study: Study, case: EvaluatedCase) -> EvaluatedCase:
    clip = study.case(case.identifier).clip
    if clip is None or not clip.interpolated:
        return case
    truth = case.truth
    gone = np.array([name in clip.interpolated for name in truth.scheme.names])
    return replace(
        case,
        truth=Points(
            truth.scheme,
            np.where(gone[:, None], np.nan, truth.coordinates),
            np.where(gone, ABSENT, truth.visibility),
            truth.frame,
        ),
    )
