"""Normalised mean error of whole images: failure rate, cumulative curve and its area."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.evaluation.bootstrap import Interval, Resampling
from palpate.evaluation.errors import Errors
from palpate.evaluation.tables import NO_GROUP, group_names

FAILURE_LIMITS = (0.08, 0.10)
AUC_LIMIT = 0.10

Reason = Literal["normaliser landmark not annotated or of zero length", "no landmark annotated"]


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """Figures over the normalised mean errors (NME) of images; 0.05 is 5 % of the normaliser.

    Args:
        images: with a normaliser and an annotated landmark.
        incomplete: images with a missed landmark; failures at every limit, and 0 in the
            area under the curve, however near their other landmarks are.
        nme: mean over images with a found landmark; None where there is none.
        median: likewise.
        sd: likewise, n - 1.
        failure: limit -> share of images with an NME above the limit, or incomplete.
        auc: area under the cumulative curve from 0 to ``auc_limit``, in [0, 1].
        auc_limit: where the curve is cut.
        nme_interval: by bootstrap over subjects.
        failure_intervals: likewise.
        auc_interval: likewise.
        level: of the intervals.
    """

    images: int
    incomplete: int
    nme: float | None
    median: float | None
    sd: float | None
    failure: Mapping[float, float]
    auc: float | None
    auc_limit: float = AUC_LIMIT
    nme_interval: Interval | None = None
    failure_intervals: Mapping[float, Interval] | None = None
    auc_interval: Interval | None = None
    level: float = 0.95


@dataclass(frozen=True, eq=False, slots=True)
class Normalised:
    """Figures of whole images, their errors divided by the distance of two true landmarks.

    Args:
        normaliser: names of the two landmarks.
        overall: over all images.
        by_group: group -> figures; empty where no image has a group.
        by_subject: subject -> figures, without intervals.
        excluded: image -> why it has no normalised error.
        values: one NME an image (or a pair of annotators), sorted; infinite where incomplete.
    """

    normaliser: tuple[str, str]
    overall: ImageSummary
    by_group: Mapping[str, ImageSummary]
    by_subject: Mapping[str, ImageSummary]
    excluded: Mapping[str, Reason]
    values: Float[ndarray, " image"]


@dataclass(frozen=True, eq=False, slots=True)
class _Images:
    nme: Float[ndarray, " image"]  # NaN where no landmark was found
    incomplete: Bool[ndarray, " image"]
    owners: ndarray

    def rows(self, chosen: Bool[ndarray, " image"]) -> "_Images":
        return _Images(self.nme[chosen], self.incomplete[chosen], self.owners[chosen])

    @property
    def strict(self) -> Float[ndarray, " image"]:
        """NME that is infinite where a landmark was missed."""
        return np.where(self.incomplete, np.inf, self.nme)


def normalise(
    errors: Errors, normaliser: tuple[str, str], resampling: Resampling
) -> Normalised | None:
    """Sum up the NME of every image; None where the errors were gathered without a normaliser.

    An error's row is an image, or a pair of annotators of an image in the human ceiling.
    """
    if errors.normaliser_px is None:
        return None
    annotated = errors.wanted.any(axis=1)
    measured = np.isfinite(errors.normaliser_px)
    chosen = annotated & measured
    excluded: dict[str, Reason] = {}
    for row in np.flatnonzero(~chosen):
        excluded[errors.identifiers[row]] = (
            "normaliser landmark not annotated or of zero length"
            if not measured[row]
            else "no landmark annotated"
        )
    images = _per_image(errors, resampling)
    groups = np.array([group or NO_GROUP for group in errors.groups], dtype=object)
    kept = images.rows(chosen)
    return Normalised(
        normaliser=normaliser,
        overall=_summarise(kept, resampling),
        by_group={
            name: _summarise(images.rows(chosen & (groups == name)), resampling)
            for name in group_names(groups[chosen])
        },
        by_subject={
            subject: _summarise(kept.rows(kept.owners == place), None)
            for place, subject in enumerate(resampling.subjects)
            if (kept.owners == place).any()
        },
        excluded=excluded,
        values=np.sort(kept.strict),
    )


def area_under_curve(values: Float[ndarray, " image"], limit: float) -> float:
    """Area under the cumulative error distribution from 0 to ``limit``, divided by ``limit``.

    Exact, not by trapezoids: an image of error e is counted from e on, so it gives
    ``max(0, 1 - e / limit)``. Infinite errors give nothing.

    Example:
        >>> area_under_curve(np.array([0.0, 0.05, np.inf]), 0.10)
        0.5
    """
    return float(np.mean(_gain(values, limit)))


def cumulative(
    values: Float[ndarray, " value"], limits: Sequence[float] | ndarray
) -> Float[ndarray, " limit"]:
    """Share of the values that are at most each limit."""
    ordered = np.sort(values)
    return np.searchsorted(ordered, np.asarray(limits), side="right") / max(len(ordered), 1)


def _gain(values: Float[ndarray, " image"], limit: float) -> Float[ndarray, " image"]:
    return np.maximum(0.0, 1.0 - values / limit)


def _per_image(errors: Errors, resampling: Resampling) -> _Images:
    found = errors.wanted & np.isfinite(errors.px)
    count = found.sum(axis=1)
    total = np.where(found, errors.px, 0.0).sum(axis=1)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return _Images(
        nme=mean / (errors.normaliser_px if errors.normaliser_px is not None else np.nan),
        incomplete=(errors.wanted & ~found).any(axis=1),
        owners=resampling.owners(errors.subjects),
    )


def _summarise(images: _Images, resampling: Resampling | None) -> ImageSummary:
    count = len(images.nme)
    known = np.isfinite(images.nme)
    values = images.nme[known]
    strict = images.strict
    failed = {limit: strict > limit for limit in FAILURE_LIMITS}

    def interval(rows: ndarray, counted: Bool[ndarray, " image"]) -> Interval | None:
        if resampling is None:
            return None
        return resampling.ratio(
            resampling.by_subject(np.where(counted, rows, 0.0), images.owners),
            resampling.by_subject(counted.astype(float), images.owners),
        )

    everyone = np.ones(count, dtype=bool)
    bounds = {limit: interval(rows.astype(float), everyone) for limit, rows in failed.items()}
    return ImageSummary(
        images=count,
        incomplete=int(images.incomplete.sum()),
        nme=float(values.mean()) if len(values) else None,
        median=float(np.median(values)) if len(values) else None,
        sd=float(values.std(ddof=1)) if len(values) > 1 else None,
        failure={limit: float(rows.mean()) for limit, rows in failed.items()} if count else {},
        auc=area_under_curve(strict, AUC_LIMIT) if count else None,
        nme_interval=interval(images.nme, known),
        failure_intervals={limit: pair for limit, pair in bounds.items() if pair is not None},
        auc_interval=interval(_gain(strict, AUC_LIMIT), everyone),
        level=0.95 if resampling is None else resampling.level,
    )
