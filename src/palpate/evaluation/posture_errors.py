"""Errors of segment angles and of points: the paper's table 1, and its point errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.evaluation.posture_classes import TOO_FEW
from palpate.evaluation.posture_judged import Judged
from palpate.evaluation.summary import Sampled, Summary, summarise


@dataclass(frozen=True, slots=True)
class AngleErrors:
    """Absolute errors of angles in degrees: mean (MAE) and standard deviation over frames.

    A group's error in a frame is the mean over those of its segments that are known there; its
    mean and standard deviation are over frames. So is the paper's: its groups spread less than
    their segments do.

    Args:
        segments: segment -> summary.
        groups: group -> summary.
    """

    segments: Mapping[str, Summary]
    groups: Mapping[str, Summary]

    def rows(self) -> list[dict[str, float | str | None]]:
        """One row a segment and group, for a CSV."""
        return _rows("segment", self.segments, "deg") + _rows("group", self.groups, "deg")


@dataclass(frozen=True, slots=True)
class PointErrors:
    """Euclidean errors of points: mean and standard deviation over frames.

    Args:
        px: landmark -> summary in px of the image as given.
        grid: landmark -> summary in px of the network's grid, the paper's unit.
        overall_px: over all landmarks of all frames.
        overall_grid: likewise, in px of the grid.
    """

    px: Mapping[str, Summary]
    grid: Mapping[str, Summary]
    overall_px: Summary
    overall_grid: Summary

    def rows(self) -> list[dict[str, float | str | None]]:
        """One row a landmark and unit, and one over all, for a CSV."""
        return (
            _rows("landmark", self.grid, "grid px")
            + _rows("overall", {"all": self.overall_grid}, "grid px")
            + _rows("landmark", self.px, "px")
            + _rows("overall", {"all": self.overall_px}, "px")
        )


def angle_errors(judged: Judged) -> AngleErrors:
    """Sum up the errors of each segment and group."""
    errors, wanted = judged.errors, judged.wanted
    segments = {
        name: _summary(judged, wanted[:, [k]], errors[:, [k]])
        for k, name in enumerate(judged.table.segments)
    }
    groups = {}
    for name, columns in judged.groups().items():
        found = wanted[:, columns] & np.isfinite(errors[:, columns])
        count = found.sum(axis=1, keepdims=True)
        total = np.where(found, errors[:, columns], 0.0).sum(axis=1, keepdims=True)
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        asked = wanted[:, columns].sum(axis=1, keepdims=True) > 0
        groups[name] = _summary(judged, asked, mean)
    return AngleErrors(segments, groups)


def point_errors(judged: Judged, names: Sequence[str]) -> PointErrors:
    """Sum up the errors of each landmark, in px of the image and of the grid."""
    frames, wanted = judged.frames, judged.frames.counted
    px, grid = frames.errors_px, frames.errors_grid

    def by_landmark(errors: Float[ndarray, "frame landmark"]) -> dict[str, Summary]:
        return {
            name: _summary(judged, wanted[:, [k]], errors[:, [k]]) for k, name in enumerate(names)
        }

    return PointErrors(
        px=by_landmark(px),
        grid=by_landmark(grid),
        overall_px=_summary(judged, wanted, px),
        overall_grid=_summary(judged, wanted, grid),
    )


def _summary(
    judged: Judged, wanted: Bool[ndarray, "frame column"], errors: Float[ndarray, "frame column"]
) -> Summary:
    no_groups = np.full(len(errors), "", dtype=object)
    return summarise(Sampled(wanted, errors, judged.owners, no_groups), (), judged.resampling)


def _rows(
    kind: str, summaries: Mapping[str, Summary], unit: str
) -> list[dict[str, float | str | None]]:
    rows: list[dict[str, float | str | None]] = []
    for name, summary in summaries.items():
        low, high = summary.interval or (None, None)
        few = f"{TOO_FEW} ({summary.found} found)"
        rows.append(
            {
                "name": name,
                "kind": kind,
                "unit": unit,
                "count": summary.count,
                "missed": summary.missed,
                "children": summary.subjects,
                "mean": few if summary.mean is None else summary.mean,
                "sd": few if summary.sd is None else summary.sd,
                "mean_low": low,
                "mean_high": high,
            }
        )
    return rows
