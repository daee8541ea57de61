"""How well intervals hold when they are calibrated on few subjects.

    python benchmarks/uncertainty/subjects.py STUDY CROSSVAL

Draws 9 and 19 subjects to calibrate on, twenty times each, and counts on forty others how
often the truth of a measurement is inside its interval. Prints the mean coverage over the draws
and the middle 90 % of them: a single calibration is one draw. CROSSVAL is what 'palpate crossval'
wrote of STUDY, with the protocol that the study names.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from palpate.conformal.quantile import subjects_needed
from palpate.errors import PalpateError
from palpate.protocols.measure import measure, measure_points
from palpate.protocols.protocol import Protocol, read_protocol
from palpate.study import Study, open_study
from palpate.trust.held_out import HeldOut
from palpate.workflows.calibrate import calibrated_on, held_out_of_folds
from palpate.workflows.cross_conformal import one_calibration
from palpate.workflows.evaluate import EvaluatedStudy, pair
from palpate.workflows.trusted import calibrated_study, judge_trust

SUBJECTS = (9, 19)
DRAWS = 20
OTHERS = 40


def coverage(
    study: Study, protocol: Protocol, known: Sequence[HeldOut], new: Sequence[HeldOut]
) -> dict[float, float]:
    """Level -> share of the measurements of ``new`` inside; without levels that ask for more."""
    calibration = calibrated_on(known, protocol, source="a draw", how="split")
    predicted = tuple(each.predicted for each in new)
    cases = tuple(pair(study.case(each.image), each) for each in predicted)
    stated = EvaluatedStudy(cases, predicted, {})
    by_image = one_calibration([each.image for each in predicted], calibration)
    scores = calibration.scores_of(protocol)
    found, true = [], []
    for image, each in zip(calibrated_study(stated, by_image).predicted, new, strict=True):
        found.append(measure(protocol, image, scores=scores))
        true.append(measure_points(protocol, each.truth, image.calibration, size=image.size))
    trusted = judge_trust(stated, by_image, (protocol, found, true), seed=0)
    if trusted is None:
        raise PalpateError("a subject is on both sides of the draw")
    return {each.level: each.share for each in trusted.measurements[0].levels}


def main(path: Path, crossval: Path) -> None:
    study = open_study(path)
    protocol = read_protocol(study.settings.protocol or "")
    held_out = held_out_of_folds(crossval, study)
    names = np.array(sorted({each.subject for each in held_out}))
    rng = np.random.default_rng(0)
    print("| subjects to calibrate on | 80 % | 90 % | 95 % |\n|---|---|---|---|")
    for count in SUBJECTS:
        draws = []
        for _ in range(DRAWS):
            order = rng.permutation(names).tolist()
            ours, others = set(order[:count]), set(order[count : count + OTHERS])
            known = [each for each in held_out if each.subject in ours]
            new = [each for each in held_out if each.subject in others]
            draws.append(coverage(study, protocol, known, new))
        cells = []
        for level in (0.8, 0.9, 0.95):
            if count < subjects_needed(level):
                cells.append("–")  # such an interval has no end
                continue
            shares = 100 * np.array([draw[level] for draw in draws])
            low, high = np.quantile(shares, [0.05, 0.95])
            cells.append(f"{shares.mean():.1f} ({low:.1f} to {high:.1f})")
        print(f"| {count} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
