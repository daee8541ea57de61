"""Which points a training image is known by, where several people annotated it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

import numpy as np

from palpate.annotators.consensus import estimate_consensus
from palpate.annotators.marks import gather_marks
from palpate.errors import StudyError
from palpate.points import Points
from palpate.study import Study


@lru_cache(maxsize=4)  # a job is asked image by image, and handed on from stage to stage
def training_points(
    study: Study, names: tuple[str, ...], use: Literal["all", "consensus"]
) -> Mapping[str, tuple[Points, ...]]:
    """Return what each training image is trained on: an annotator's points each, or the consensus.

    Args:
        study: with its annotation.
        names: the training images; nothing else has a say in the consensus.
        use: ``all``, one entry an annotator, in the order of their names; or ``consensus``, one.

    Returns:
        identifier -> points; nothing for an image that has only a reference, or no annotation.

    Raises:
        StudyError: no training image has two annotators.
    """
    given = {name: _annotators(study, name) for name in names}
    if not any(len(several) > 1 for several in given.values()):
        raise StudyError(
            f'the recipe says labels.use = "{use}", but no training image of study {study.name!r} '
            'has two annotators; say labels.use = "mean", or give each annotator\'s points in a '
            "file of its own (landmarks_annotatorNAME.csv)"
        )
    if use == "all":
        return given
    agreed = estimate_consensus(gather_marks(study, names)).all_points()
    return {
        name: (_filled(agreed[name], study.case(name).points),) if several else ()
        for name, several in given.items()
    }


def _annotators(study: Study, name: str) -> tuple[Points, ...]:
    """Every annotator's points; whoever gave none says nothing."""
    given = study.case(name).annotations
    return tuple(given[who] for who in sorted(given) if given[who].present.any())


def _filled(agreed: Points, known: Points | None) -> Points:
    """The consensus; where nobody marked a landmark, what the case knows, as between frames."""
    if known is None:
        return agreed
    there = agreed.present
    return Points(
        agreed.scheme,
        np.where(there[:, None], agreed.coordinates, known.coordinates),
        np.where(there, agreed.visibility, known.visibility),
        agreed.frame,
    )
