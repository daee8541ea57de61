"""The human ceiling: how far the annotators are from each other, in the same figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.errors import (
    Comparison,
    annotator_against_others,
    annotator_pairs,
    gather,
    model_against_each,
    model_against_others,
)
from palpate.evaluation.figures import Figures, Thresholds, figures

CEILING_NOTE = (
    "The distance of the model from the annotators' mean and the distance of two annotators from "
    "each other are not the same comparison: the mean of several people carries less error than "
    "one person, so the model's figure is flattered. Compare like with like: the model against "
    "each annotator alone, or both against the mean of the other annotators."
)


@dataclass(frozen=True, eq=False, slots=True)
class Ceiling:
    """The figures of the model's evaluation, between people.

    Args:
        annotators: names, sorted.
        images: how many have two annotators or more.
        one_sided: landmarks that some annotators gave and others left out: no distance.
        between: every pair of annotators of an image; symmetric in the two.
        model: the prediction against each single annotator of the same images: the figure
            that ``between`` may be compared with.
        leave_one_out: each annotator against the mean of the others; None below three.
        model_leave_one_out: the prediction against those same means; None below three.
        note: what a reader must know of the comparison.
    """

    annotators: tuple[str, ...]
    images: int
    one_sided: int
    between: Figures
    model: Figures
    leave_one_out: Figures | None
    model_leave_one_out: Figures | None
    note: str = CEILING_NOTE


def human_ceiling(
    cases: Sequence[EvaluatedCase],
    *,
    normaliser: tuple[str, str] | None,
    thresholds: Thresholds,
    resampling: Resampling,
) -> Ceiling | None:
    """Compare the annotators; None where no image has two."""
    several = [case for case in cases if len(case.annotators) > 1]
    if not several:
        return None

    def of(comparisons: Sequence[Comparison]) -> Figures:
        return figures(gather(comparisons, normaliser), normaliser, thresholds, resampling)

    three = any(len(case.annotators) > 2 for case in several)
    return Ceiling(
        annotators=tuple(sorted({name for case in several for name in case.annotators})),
        images=len(several),
        one_sided=sum(one_sided(case) for case in several),
        between=of(annotator_pairs(several)),
        model=of(model_against_each(several)),
        leave_one_out=of(annotator_against_others(several)) if three else None,
        model_leave_one_out=of(model_against_others(several)) if three else None,
    )


def one_sided(case: EvaluatedCase) -> int:
    """Count the landmarks that some annotators of an image gave and others did not."""
    given = np.stack([points.present for points in case.annotators.values()])
    return int((given.any(axis=0) & ~given.all(axis=0)).sum())
