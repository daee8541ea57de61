"""Root mean square distance of each limb in each clip, and its median over clips."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.arrays import locked
from palpate.errors import StudyError
from palpate.evaluation.bootstrap import Interval, Resampling
from palpate.evaluation.limb_clips import CLIP_FRAMES, LimbFrames, cut_clips
from palpate.evaluation.medians import percentile_interval, resampled_medians
from palpate.evaluation.plain import plain
from palpate.linking.limbs import Limb, limbs_of

ALL_LIMBS = "all limbs"
Cell = str | int | float | None


@dataclass(frozen=True, eq=False, slots=True)
class LimbErrors:
    """RMSD of each limb in each clip, a row a clip and a column a limb.

    With more than one limb a last column, ``all limbs``, holds the mean over the limbs that have
    a figure.

    Args:
        made_by: who predicted.
        limbs: names of the columns.
        clips: identifier of the first frame of each clip.
        subjects: of the clips.
        rmsd: unit -> (clip, limb); NaN where no joint of the limb is both annotated and found.
        annotated: joints with a label, over the frames of the clip.
        found: of these, how many were found.
        left_out: frames that are in no clip.
    """

    made_by: str
    limbs: tuple[str, ...]
    clips: tuple[str, ...]
    subjects: tuple[str, ...]
    rmsd: Mapping[str, Float[ndarray, "clip limb"]]
    annotated: Int[ndarray, "clip limb"]
    found: Int[ndarray, "clip limb"]
    left_out: int = 0

    def __post_init__(self) -> None:
        kept = {unit: locked(values) for unit, values in self.rmsd.items()}
        object.__setattr__(self, "rmsd", MappingProxyType(kept))

    def rows(self) -> Iterator[dict[str, Cell]]:
        """Yield one row a clip and limb, for a CSV; None where there is no figure."""
        for row, clip in enumerate(self.clips):
            for column, limb in enumerate(self.limbs):
                yield {
                    "made_by": self.made_by,
                    "first_frame": clip,
                    "subject": self.subjects[row],
                    "limb": limb,
                    **{
                        f"rmsd_{unit}": _finite(float(values[row, column]))
                        for unit, values in self.rmsd.items()
                    },
                    "annotated": int(self.annotated[row, column]),
                    "found": int(self.found[row, column]),
                }


@dataclass(frozen=True, slots=True)
class LimbSummary:
    """RMSD of a limb over clips, in one unit; a median, or the reason why there is none.

    Args:
        limb: its name, or ``all limbs``.
        unit: ``grid_px``, px of the image fitted into 128 x 96; ``px`` of the image as given.
        clips: that have a figure.
        unfound: clips in which the limb is annotated and none of its joints was found, or none at
            a place where the unit is known: they are in ``share`` and not in the median.
        subjects: whose clips they are.
        median: over the clips; None with a reason.
        quartiles: first and third.
        interval: of the median, by bootstrap over subjects; None for fewer than two.
        annotated: joints with a label, over all frames of all clips.
        found: of these, how many were found.
        reason: why there is no median; else empty.
        level: of the interval.
    """

    limb: str
    unit: str
    clips: int
    unfound: int
    subjects: int
    median: float | None
    quartiles: Interval | None
    interval: Interval | None
    annotated: int
    found: int
    reason: str = ""
    level: float = 0.95

    @property
    def share(self) -> float | None:
        """Share of the annotated joints that were found; None where none is annotated."""
        return self.found / self.annotated if self.annotated else None

    def row(self) -> dict[str, Cell]:
        """Return the row of a CSV; the reason stands where there is no median."""
        first, third = self.quartiles or (None, None)
        low, high = self.interval or (None, None)
        return {
            "limb": self.limb,
            "unit": self.unit,
            "rmsd_median": self.reason or self.median,
            "rmsd_first_quartile": first,
            "rmsd_third_quartile": third,
            "median_low": low,
            "median_high": high,
            "clips": self.clips,
            "clips_nothing_found": self.unfound,
            "subjects": self.subjects,
            "joints_annotated": self.annotated,
            "joints_found": self.found,
            "share_found": self.share,
        }


@dataclass(frozen=True, eq=False, slots=True)
class LimbEvaluation:
    """RMSD of limbs by clip, and what is said of them: unit -> one summary a limb."""

    errors: LimbErrors
    summaries: Mapping[str, tuple[LimbSummary, ...]]

    @property
    def made_by(self) -> str:
        """Who predicted."""
        return self.errors.made_by

    def rows(self) -> Iterator[dict[str, Cell]]:
        """Yield one row a unit and limb, for a CSV."""
        for summaries in self.summaries.values():
            for each in summaries:
                yield {"made_by": self.made_by, **each.row()}

    def to_json(self) -> dict[str, Any]:
        """Return plain values; None where a figure does not exist."""
        return {
            "made_by": self.made_by,
            "clips": len(self.errors.clips),
            "frames_in_no_clip": self.errors.left_out,
            "limbs": [
                {**plain(each), "share": each.share}
                for summaries in self.summaries.values()
                for each in summaries
            ],
        }


def limb_errors(
    frames: LimbFrames,
    *,
    length: int = CLIP_FRAMES,
    counted: Bool[ndarray, "frame joint"] | None = None,
) -> LimbErrors:
    """Compute the RMSD of every limb in every clip.

    In a frame it is the square root of the mean, over the joints of the limb that are annotated
    and found, of their squared distance; over a clip the mean of the frames that have one.

    Args:
        frames: labels and predictions, in any order.
        length: frames in a clip.
        counted: joints that distances are taken of, among those found; None for all. What was
            annotated and found is counted all the same.

    Raises:
        StudyError: the edges of the scheme make no limb.

    Source:
        Migliorelli et al., table II (the paper's RMSD, for the 128 x 96 px images).
    """
    limbs = limbs_of(frames.scheme)
    if not limbs:
        raise StudyError(
            f"scheme {frames.scheme.name!r} has no edges, so it has no limbs; name them in "
            "study.toml: edges = [['FIRST', 'SECOND'], ...]"
        )
    cut = cut_clips(frames.identifiers, length=length)
    squared = ((frames.predictions - frames.labels) ** 2).sum(axis=-1)
    used = frames.found if counted is None else frames.found & counted
    rmsd = {
        unit: _with_mean(
            np.stack([_by_clip(squared * scale**2, used, limb, cut.rows) for limb in limbs], axis=1)
        )
        for unit, scale in frames.scales.items()
    }
    return LimbErrors(
        made_by=frames.made_by,
        limbs=(*(limb.name for limb in limbs), *((ALL_LIMBS,) if len(limbs) > 1 else ())),
        clips=tuple(frames.identifiers[row] for row in cut.rows[:, 0]),
        subjects=tuple(frames.subjects[row] for row in cut.rows[:, 0]),
        rmsd=rmsd,
        annotated=_counts(frames.annotated, limbs, cut.rows),
        found=_counts(frames.found, limbs, cut.rows),
        left_out=cut.left_out,
    )


def evaluate_limbs(
    frames: LimbFrames,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    length: int = CLIP_FRAMES,
) -> LimbEvaluation:
    """Compute RMSD by clip, and median and quartiles of each limb with intervals by subject.

    Raises:
        StudyError: the edges of the scheme make no limb.
    """
    errors = limb_errors(frames, length=length)
    resampling = Resampling.draw(frames.subjects, rng, resamples=resamples)
    return LimbEvaluation(
        errors,
        {
            unit: tuple(
                _summary(errors, unit, column, resampling) for column in range(len(errors.limbs))
            )
            for unit in errors.rmsd
        },
    )


def _by_clip(
    squared: Float[ndarray, "frame joint"],
    used: Bool[ndarray, "frame joint"],
    limb: Limb,
    clips: Int[ndarray, "clip n"],
) -> Float[ndarray, " clip"]:
    distances = np.where(used, squared, np.nan)[:, _joints(limb)]
    return _mean(np.sqrt(_mean(distances))[clips])


def _joints(limb: Limb) -> list[int]:
    """Rows of the joints, each once: a ring ends with the joint that it begins with."""
    return list(dict.fromkeys(limb.joints))


def _mean(values: Float[ndarray, "... n"]) -> Float[ndarray, "..."]:
    """Mean along the last axis of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _with_mean(values: Float[ndarray, "clip limb"]) -> Float[ndarray, "clip column"]:
    if values.shape[1] < 2:
        return values
    return np.column_stack([values, _mean(values)])


def _counts(
    which: Bool[ndarray, "frame joint"], limbs: Sequence[Limb], clips: Int[ndarray, "clip n"]
) -> Int[ndarray, "clip column"]:
    made = np.stack(
        [which[:, _joints(limb)].sum(axis=1)[clips].sum(axis=1) for limb in limbs], axis=1
    )
    return np.column_stack([made, made.sum(axis=1)]) if len(limbs) > 1 else made


def _summary(errors: LimbErrors, unit: str, column: int, resampling: Resampling) -> LimbSummary:
    values, annotated = errors.rmsd[unit][:, column], errors.annotated[:, column]
    known = np.isfinite(values)
    owners = resampling.owners(errors.subjects)[known]
    figures = values[known]
    several = len(set(owners.tolist())) > 1
    first, median, third = (
        (float(q) for q in np.quantile(figures, [0.25, 0.5, 0.75]))
        if len(figures)
        else (None, None, None)
    )
    return LimbSummary(
        limb=errors.limbs[column],
        unit=unit,
        clips=len(figures),
        unfound=int(((annotated > 0) & ~known).sum()),
        subjects=len(set(owners.tolist())),
        median=median,
        quartiles=None if first is None or third is None else (first, third),
        interval=percentile_interval(resampled_medians(figures, owners, resampling), resampling)
        if several
        else None,
        annotated=int(annotated.sum()),
        found=int(errors.found[:, column].sum()),
        reason="" if len(figures) else _reason(errors, column),
        level=resampling.level,
    )


def _reason(errors: LimbErrors, column: int) -> str:
    if not len(errors.clips):
        return "no consecutive annotated frames"
    if not errors.annotated[:, column].any():
        return "never annotated"
    return "never found" if not errors.found[:, column].any() else "not known in this unit"


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
