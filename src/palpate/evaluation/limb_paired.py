"""The difference of two predictions of the limbs of the same clips, and how sure it is."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.errors import StudyError
from palpate.evaluation.bootstrap import Interval, Resampling
from palpate.evaluation.limb_clips import CLIP_FRAMES, LimbFrames
from palpate.evaluation.limb_errors import Cell, LimbErrors, limb_errors
from palpate.evaluation.medians import percentile_interval, resampled_medians
from palpate.evaluation.same_frames import rows_of_same_frames


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of the first prediction and of the second, over the same joints of the same clips.

    Args:
        first, second: the figures.
        percent: by how much the second is larger; None where the first is 0.
        interval: of ``percent``, by bootstrap over subjects; None for fewer than two.
    """

    first: float
    second: float
    percent: float | None
    interval: Interval | None

    @property
    def clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]

    def __str__(self) -> str:
        """Return the change in words, such as '+2.1 % (-1.0 to +5.4)'."""
        if self.percent is None:
            return "-"
        shown = f"{self.percent:+.1f} %"
        if self.interval is None:
            return shown
        return f"{shown} ({self.interval[0]:+.1f} to {self.interval[1]:+.1f})"


@dataclass(frozen=True, slots=True)
class LimbDifference:
    """RMSD of a limb, second against first, over joints that both found; or the reason why not.

    Args:
        limb: its name, or ``all limbs``.
        unit: of the RMSD.
        difference: mean over clips of second - first; None with a reason.
        interval: of the difference, by bootstrap over subjects; None for fewer than two.
        mean: change of the mean RMSD over clips.
        median: change of the median RMSD over clips, which the paper's table gives.
        clips: compared.
        subjects: whose clips they are.
        joints: annotated and found by both.
        unpaired: annotated and not found by one of the two, or by both.
        first_share, second_share: share of the annotated joints that each found; None where none
            is annotated.
        reason: why there is no difference; else empty.
        level: of the intervals.
    """

    limb: str
    unit: str
    difference: float | None
    interval: Interval | None
    mean: Change | None
    median: Change | None
    clips: int
    subjects: int
    joints: int
    unpaired: int
    first_share: float | None
    second_share: float | None
    reason: str = ""
    level: float = 0.95

    @property
    def clear(self) -> bool:
        """Whether the interval of the difference leaves zero out."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]

    def row(self) -> dict[str, Cell]:
        """Return the row of a CSV; the reason stands where there is no difference."""
        low, high = self.interval or (None, None)
        return {
            "limb": self.limb,
            "unit": self.unit,
            "difference": self.reason or self.difference,
            "difference_low": low,
            "difference_high": high,
            **_columns("mean", self.mean),
            **_columns("median", self.median),
            "clips": self.clips,
            "subjects": self.subjects,
            "joints": self.joints,
            "unpaired": self.unpaired,
            "first_share_found": self.first_share,
            "second_share_found": self.second_share,
        }


def paired_limbs(
    first: LimbFrames,
    second: LimbFrames,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    length: int = CLIP_FRAMES,
) -> tuple[LimbDifference, ...]:
    """Compare two predictions of the same clips, limb by limb and unit by unit.

    A joint counts where both found it, so that neither gains by leaving out what is hard; the
    shares that each found stand beside the difference.

    Raises:
        StudyError: the frames, their subjects, labels or scales are not the same.
    """
    second = _matched(first, second)
    resampling = Resampling.draw(first.subjects, rng, resamples=resamples)
    both = first.found & second.found
    a, b = (limb_errors(each, length=length, counted=both) for each in (first, second))
    joints = limb_errors(_only(first, both), length=length).found
    return tuple(
        _difference(a, b, joints[:, column], unit=unit, column=column, resampling=resampling)
        for unit in a.rmsd
        for column in range(len(a.limbs))
    )


def _only(frames: LimbFrames, kept: Bool[ndarray, "frame joint"]) -> LimbFrames:
    predictions = np.where(kept[..., None], frames.predictions, np.nan)
    return frames.predicted(predictions, made_by=frames.made_by)


def _difference(
    a: LimbErrors,
    b: LimbErrors,
    joints: Int[ndarray, " clip"],
    *,
    unit: str,
    column: int,
    resampling: Resampling,
) -> LimbDifference:
    left, right = a.rmsd[unit][:, column], b.rmsd[unit][:, column]
    known = np.isfinite(left) & np.isfinite(right)
    owners = resampling.owners(a.subjects)[known]
    left, right = left[known], right[known]
    annotated = int(a.annotated[:, column].sum())
    shares = [
        float(each.found[:, column].sum() / annotated) if annotated else None for each in (a, b)
    ]
    some = bool(known.any())
    change = right - left
    return LimbDifference(
        limb=a.limbs[column],
        unit=unit,
        difference=float(change.mean()) if some else None,
        interval=resampling.ratio(
            resampling.by_subject(change, owners),
            resampling.by_subject(np.ones_like(change), owners),
        ),
        mean=_mean_change(left, right, owners, resampling) if some else None,
        median=_median_change(left, right, owners, resampling) if some else None,
        clips=len(left),
        subjects=len(set(owners.tolist())),
        joints=int(joints.sum()),
        unpaired=annotated - int(joints.sum()),
        first_share=shares[0],
        second_share=shares[1],
        reason="" if some else _reason(a, annotated),
        level=resampling.level,
    )


def _mean_change(
    left: Float[ndarray, " clip"],
    right: Float[ndarray, " clip"],
    owners: Int[ndarray, " clip"],
    resampling: Resampling,
) -> Change:
    ratio = resampling.ratio(
        resampling.by_subject(right - left, owners), resampling.by_subject(left, owners)
    )
    first, second = float(left.mean()), float(right.mean())
    if first == 0.0:
        return Change(first, second, None, None)
    interval = None if ratio is None else (100.0 * ratio[0], 100.0 * ratio[1])
    return Change(first, second, 100.0 * (second / first - 1.0), interval)


def _median_change(
    left: Float[ndarray, " clip"],
    right: Float[ndarray, " clip"],
    owners: Int[ndarray, " clip"],
    resampling: Resampling,
) -> Change:
    first, second = float(np.median(left)), float(np.median(right))
    if first == 0.0:
        return Change(first, second, None, None)
    interval = None
    if len(set(owners.tolist())) > 1:
        under, over = (resampled_medians(each, owners, resampling) for each in (left, right))
        whole = under > 0.0
        ratio = np.where(whole, over / np.where(whole, under, 1.0), np.nan)
        interval = percentile_interval(100.0 * (ratio - 1.0), resampling)
    return Change(first, second, 100.0 * (second / first - 1.0), interval)


def _reason(errors: LimbErrors, annotated: int) -> str:
    if not len(errors.clips):
        return "no consecutive annotated frames"
    return "no joint that both found" if annotated else "never annotated"


def _columns(figure: str, change: Change | None) -> dict[str, Cell]:
    low, high = (None if change is None else change.interval) or (None, None)
    return {
        f"first_{figure}": None if change is None else change.first,
        f"second_{figure}": None if change is None else change.second,
        f"{figure}_percent": None if change is None else change.percent,
        f"{figure}_percent_low": low,
        f"{figure}_percent_high": high,
    }


def _matched(first: LimbFrames, second: LimbFrames) -> LimbFrames:
    """Put the second's frames in the order of the first.

    Raises:
        StudyError: they are not the same frames with the same labels.
    """
    order = rows_of_same_frames(first.identifiers, second.identifiers)
    same = (
        first.subjects == tuple(second.subjects[row] for row in order)
        and first.scheme.names == second.scheme.names
        and first.scheme.edges == second.scheme.edges
        and np.array_equal(first.labels, second.labels[order], equal_nan=True)
        and set(first.scales) == set(second.scales)
        and all(
            np.array_equal(scale, second.scales[unit][order], equal_nan=True)
            for unit, scale in first.scales.items()
        )
    )
    if not same:
        raise StudyError(
            "a paired comparison needs the same subjects, labels and scales in both; predict both "
            "on the same study"
        )
    return first.predicted(second.predictions[order], made_by=second.made_by)
