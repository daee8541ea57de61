"""Figures of each child: where a mean over children hides one that fails."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.evaluation.posture import PostureEvaluation
from palpate.evaluation.posture_alignment import confusions
from palpate.evaluation.posture_classes import TOO_FEW


@dataclass(frozen=True, eq=False, slots=True)
class Child:
    """One child of a study.

    Args:
        name: of the child.
        frames: how many.
        errors_deg: of its frames, mean over the headline segments that are known there.
        point_grid_px: mean error of its points in px of the grid; None where none was found.
        missed: labelled points that were not found.
        positives: segments of frames that are labelled misaligned, of the headline group.
        f1: of these, or 'too few' with the count.
    """

    name: str
    frames: int
    errors_deg: Float[ndarray, " frame"]
    point_grid_px: float | None
    missed: int
    positives: int
    f1: float | str

    @property
    def error_deg(self) -> float | None:
        """Mean over frames; None where no segment is known."""
        return float(self.errors_deg.mean()) if len(self.errors_deg) else None


def children(evaluation: PostureEvaluation) -> tuple[Child, ...]:
    """Return the children in the order of their names."""
    judged = evaluation.judged
    table, frames = judged.table, judged.frames
    columns = table.columns(table.groups[table.headline])
    by_frame = _mean_known(np.where(judged.wanted, judged.errors, np.nan)[:, columns])
    counts = next(
        part
        for name, kind, part in confusions(judged, judged.turned(), evaluation.threshold_deg)
        if (name, kind) == (table.headline, "group")
    )
    made = []
    for k, name in enumerate(evaluation.children):
        own = judged.owners == k
        counted = frames.counted[own]
        found = counted & np.isfinite(frames.errors_grid[own])
        grid = frames.errors_grid[own][found]
        tp, fp, fn = (float(part[k]) for part in (counts.tp, counts.fp, counts.fn))
        positives = int(tp + fn)
        few = positives < evaluation.fewest
        made.append(
            Child(
                name=name,
                frames=int(own.sum()),
                errors_deg=by_frame[own][np.isfinite(by_frame[own])],
                point_grid_px=float(grid.mean()) if len(grid) else None,
                missed=int((counted & ~found).sum()),
                positives=positives,
                f1=f"{TOO_FEW} ({positives} positives)" if few else 2 * tp / (2 * tp + fp + fn),
            )
        )
    return tuple(made)


def _mean_known(values: Float[ndarray, "frame column"]) -> Float[ndarray, " frame"]:
    """Mean of what is known in each row; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
