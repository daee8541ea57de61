"""The same figures overall, by landmark, by group and by subject."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.errors import Errors
from palpate.evaluation.summary import Sampled, Summary, summarise

ErrorUnit = Literal["px", "mm", "%"]

# Success thresholds: those of cephalometry in mm; px and % have no custom, so a range is given.
THRESHOLDS: Mapping[ErrorUnit, tuple[float, ...]] = {
    "mm": (2.0, 2.5, 3.0, 4.0),
    "px": (2.0, 5.0, 10.0, 20.0),
    "%": (2.0, 5.0, 10.0, 20.0),
}
NO_GROUP = "(no group)"


@dataclass(frozen=True, slots=True)
class Tables:
    """Summaries in one unit.

    ``by_group`` is empty where no image has a group. ``by_subject`` has no intervals.
    """

    unit: ErrorUnit
    overall: Summary
    by_landmark: Mapping[str, Summary]
    by_group: Mapping[str, Summary]
    by_subject: Mapping[str, Summary]


def tabulate(
    sampled: Sampled,
    names: Sequence[str],
    resampling: Resampling,
    *,
    unit: ErrorUnit,
    thresholds: Sequence[float] | None = None,
) -> Tables:
    """Sum up errors overall, by landmark (``names``, one a column), by group and by subject."""
    limits = THRESHOLDS[unit] if thresholds is None else tuple(thresholds)
    groups = group_names(sampled.groups)
    return Tables(
        unit=unit,
        overall=summarise(sampled, limits, resampling),
        by_landmark={
            name: summarise(sampled.column(k), limits, resampling) for k, name in enumerate(names)
        },
        by_group={
            name: summarise(sampled.rows(sampled.groups == name), limits, resampling)
            for name in groups
        },
        by_subject={
            resampling.subjects[place]: summarise(
                sampled.rows(sampled.owners == place), limits, resampling, intervals=False
            )
            for place in np.unique(sampled.owners).tolist()
        },
    )


def group_names(groups: ndarray) -> list[str]:
    """Return the groups to report by, sorted; none where no image has one."""
    names = sorted(set(groups.tolist()))
    return [] if names == [NO_GROUP] else names


def in_px(errors: Errors, resampling: Resampling) -> Sampled:
    """Take the errors in pixels."""
    return _sampled(errors, errors.px, resampling)


def in_mm(errors: Errors, resampling: Resampling) -> Sampled | None:
    """Take the errors in millimetres; None unless every image is calibrated."""
    return None if errors.mm is None else _sampled(errors, errors.mm, resampling)


def in_percent(errors: Errors, resampling: Resampling) -> Sampled | None:
    """Take the errors in % of the normaliser, without the images that have none."""
    if errors.normaliser_px is None:
        return None
    percent = 100 * errors.px / errors.normaliser_px[:, None]
    return _sampled(errors, percent, resampling).rows(np.isfinite(errors.normaliser_px))


def _sampled(
    errors: Errors, values: Float[ndarray, "row landmark"], resampling: Resampling
) -> Sampled:
    groups = np.array([group or NO_GROUP for group in errors.groups], dtype=object)
    return Sampled(errors.wanted, values, resampling.owners(errors.subjects), groups)
