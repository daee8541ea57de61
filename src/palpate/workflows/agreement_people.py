"""A study's annotators and a model as raters, for the report of an evaluation."""

from collections.abc import Sequence

import numpy as np

from palpate.evaluation.agreement_raters import Rater
from palpate.evaluation.agreement_study import RatersCompared, compare_raters
from palpate.measurement import Report
from palpate.protocols.protocol import Protocol
from palpate.study import Study
from palpate.workflows.agreement_inputs import classes_of, study_raters


def people_and_model(
    study: Study, measured: Sequence[Report], protocol: Protocol, *, name: str, seed: int
) -> RatersCompared | None:
    """Compare each annotator with each other and with the model, on the images of the model.

    Args:
        study: that the images are of.
        measured: one report an image, from predictions.
        protocol: that they were measured with.
        name: of the model.
        seed: of the resamples.

    Returns:
        None where fewer than two people annotated these images.

    Raises:
        StudyError: an image is not in the study.
    """
    held_out = study.subset([report.image for report in measured])
    people = study_raters(held_out, protocol)
    if sum(rater.person for rater in people) < 2:
        return None
    return compare_raters(
        [*people, Rater(name, list(measured))],
        rng=np.random.default_rng(seed),
        classes=classes_of(protocol),
    )
