"""The human ceiling of every measurement: each annotator's own points measured, and compared."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from palpate.errors import FormatError
from palpate.evaluation.bootstrap import Interval, Resampling
from palpate.io.images import read_size
from palpate.measurement import Unit
from palpate.protocols.measure import measure_points
from palpate.protocols.protocol import Protocol
from palpate.study import Study
from palpate.study_case import StudyCase


@dataclass(frozen=True, slots=True)
class AnnotatorValue:
    """What one annotator's points of one image measure; a value or the reason for none."""

    image: str
    subject: str
    annotator: str
    value: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AnnotatorSpread:
    """How far annotators are apart in one quantity; a figure that does not exist is None.

    Args:
        unit: of all figures.
        images: with two annotators' values or more.
        single_sd: standard deviation of a single annotator within an image, biases included.
        single_sd_interval: by bootstrap over subjects.
        mean_absolute_difference: between two annotators of an image, over all pairs.
        difference_interval: likewise.
        reasons: why a value is missing -> how often.
    """

    unit: Unit
    images: int
    single_sd: float | None
    single_sd_interval: Interval | None
    mean_absolute_difference: float | None
    difference_interval: Interval | None
    reasons: Mapping[str, int]


Values = Mapping[str, Sequence[AnnotatorValue]]


def annotator_values(study: Study, protocol: Protocol) -> tuple[dict[str, Unit], Values]:
    """Measure every annotator's own points of every image.

    Returns:
        The unit of each quantity, and quantity -> one row an image and annotator.

    Raises:
        ConfigError: the protocol needs a landmark that the study does not have.
    """
    units: dict[str, Unit] = {}
    values: dict[str, list[AnnotatorValue]] = defaultdict(list)
    for case in study.cases:
        size = _size(case)
        for who in sorted(case.annotations):
            points = case.annotations[who]
            if not points.present.any():
                continue
            report = measure_points(protocol, points, case.calibration, size=size)
            for item in report.measurements:
                units[item.name] = item.unit
                values[item.name].append(
                    AnnotatorValue(case.identifier, case.subject, who, item.value, item.reason)
                )
    return units, dict(values)


def annotator_spread(
    values: Sequence[AnnotatorValue], unit: Unit, rng: np.random.Generator
) -> AnnotatorSpread:
    """Compare the annotators' values of one quantity, image by image.

    The variance of a single annotator is that within images, pooled; half the mean square of the
    difference where there are two. Intervals are over subjects, at 95 %.

    Source:
        Bland and Altman, BMJ 313:744, 1996 (within-subject standard deviation).
    """
    by_image: dict[str, list[AnnotatorValue]] = defaultdict(list)
    for each in values:
        if each.value is not None:
            by_image[each.image].append(each)
    rows = [several for several in by_image.values() if len(several) > 1]
    reasons = Counter(each.reason for each in values if each.reason is not None)
    if not rows:
        return AnnotatorSpread(unit, 0, None, None, None, None, dict(reasons))
    given = [np.array([each.value for each in several], dtype=float) for several in rows]
    apart = [[abs(a - b) for a, b in combinations(one, 2)] for one in given]
    squares = np.array([((one - one.mean()) ** 2).sum() for one in given], dtype=float)
    freedom = np.array([len(one) - 1 for one in given], dtype=float)
    total = np.array([sum(one) for one in apart], dtype=float)
    pairs = np.array([len(one) for one in apart], dtype=float)
    subjects = tuple(several[0].subject for several in rows)
    draws = Resampling.draw(subjects, rng)
    owners = draws.owners(subjects)

    def interval(above: np.ndarray, below: np.ndarray) -> Interval | None:
        return draws.ratio(draws.by_subject(above, owners), draws.by_subject(below, owners))

    variance = interval(squares, freedom)
    return AnnotatorSpread(
        unit=unit,
        images=len(rows),
        single_sd=float(np.sqrt(squares.sum() / freedom.sum())),
        single_sd_interval=variance and (float(variance[0] ** 0.5), float(variance[1] ** 0.5)),
        mean_absolute_difference=float(total.sum() / pairs.sum()),
        difference_interval=interval(total, pairs),
        reasons=dict(reasons),
    )


def _size(case: StudyCase) -> tuple[int, int] | None:
    """The size of the image in px, for the formulas that ask for it; None if it cannot be read."""
    if case.clip is not None:
        return case.clip.size
    try:
        return read_size(case.path)
    except FormatError:
        return None
