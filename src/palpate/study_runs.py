"""Cases that follow each other in time: what clips of several frames are cut from."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from palpate.errors import StudyError
from palpate.study import Study
from palpate.study_case import StudyCase

_NUMBER = re.compile(r"(\d+)(?=\D*$)")
# Times of frames that are to count as one step apart may differ from the step by this share.
SAME_STEP = 0.25


@dataclass(frozen=True, slots=True)
class Runs:
    """Consecutive cases, and how far apart in time.

    Args:
        runs: identifiers, each run in time's order; together every case that was asked for, once.
        interval_s: from one frame to the next; 0 where images carry no time.
    """

    runs: tuple[tuple[str, ...], ...]
    interval_s: float


def runs_of(study: Study, names: Iterable[str]) -> Runs:
    """Cut cases into runs of consecutive ones, clip by clip.

    Two frames of a clip are consecutive where they are as far apart as most frames that a person
    annotated and their annotated neighbours are in the study; frames between them, if there are
    labels, make runs of their own at the same step. Images that are no frames of clips are taken
    in the order of the last number in their names, subject by subject, each after the last.

    Args:
        study: of frames of clips, or of images.
        names: of its cases.

    Raises:
        StudyError: no case is named.
    """
    wanted = [study.case(name) for name in names]
    if not wanted:
        raise StudyError("no frame is named, so there is no clip")
    clips: dict[str, list[StudyCase]] = defaultdict(list)
    for case in wanted:
        clips[case.subject if case.clip is None else case.clip.clip].append(case)
    ordered = [sorted(cases, key=_place) for _, cases in sorted(clips.items())]
    step = _usual_step(study)
    runs = [run for cases in ordered for run in _chained(cases, step)]
    return Runs(tuple(tuple(case.identifier for case in run) for run in runs), step)


def _usual_step(study: Study) -> float:
    """The most common time between neighbours in the clips of a study, in s."""
    clips: dict[str, list[float]] = defaultdict(list)
    for case in study.cases:
        if case.clip is not None and case.points is not None and not case.clip.interpolated:
            clips[case.clip.clip].append(case.clip.time_s)
    steps = [round(float(s), 4) for times in clips.values() for s in np.diff(np.sort(times))]
    return Counter(steps).most_common(1)[0][0] if steps else 0.0


def _place(case: StudyCase) -> tuple[float, str]:
    if case.clip is not None:
        return float(case.clip.frame), case.identifier
    number = _NUMBER.search(case.identifier)
    return float(number.group(1)) if number else 0.0, case.identifier


def _chained(cases: Sequence[StudyCase], step: float) -> list[list[StudyCase]]:
    """Put each case behind the one a step before it, if there is one that nothing follows yet."""
    runs: list[list[StudyCase]] = []
    unfinished: list[list[StudyCase]] = []
    tolerance = _tolerance(cases, step)
    for case in cases:
        before = [run for run in unfinished if abs(_later(run[-1], case, step)) <= tolerance]
        if before:
            run = before[0]
            run.append(case)
        else:
            run = [case]
            runs.append(run)
            unfinished.append(run)
        unfinished = [
            one for one in unfinished if one is run or _later(one[-1], case, step) <= tolerance
        ]
    return runs


def _tolerance(cases: Sequence[StudyCase], step: float) -> float:
    """A share of the step, and less than half of what lies between any two cases."""
    times = [case.clip.time_s for case in cases if case.clip is not None]
    closest = float(np.diff(times).min()) if len(times) > 1 else step
    return min(SAME_STEP * step, 0.49 * closest)


def _later(before: StudyCase, case: StudyCase, step: float) -> float:
    """How much later a case is than one step after another, in s; images come one by one."""
    if before.clip is None or case.clip is None:
        return 0.0
    return case.clip.time_s - before.clip.time_s - step
