"""How much an image's own uncertainty should count in the width of its intervals.

    python benchmarks/uncertainty/width.py STUDY CROSSVAL

Prints, for shares from 0 to 1, the mean width of intervals of 90 % over the median absolute
error, and the coverage in thirds of the images, from the surest to the least sure, each the mean
over the quantities of the study's protocol. CROSSVAL is what 'palpate crossval' wrote.
"""

import sys
from pathlib import Path

import numpy as np

from palpate.conformal import measurement_scores
from palpate.conformal.measurement_scores import MeasurementScores
from palpate.conformal.quantile import holds
from palpate.protocols.protocol import read_protocol
from palpate.study import open_study
from palpate.workflows.calibrate import calibrated_on, held_out_of_folds

LEVEL = 0.9


def figures(scores: MeasurementScores) -> tuple[float, np.ndarray]:
    """Width over error, and coverage in thirds."""
    rows = list(zip(scores.below, scores.above, scores.residual, strict=True))
    bounds = [scores.interval(0.0, float(b), float(a), LEVEL) for b, a, _ in rows]
    width = float(np.mean([high - low for low, high in bounds]))
    attained = [scores.attained(0.0, float(b), float(a), float(r)) for b, a, r in rows]
    inside = holds(np.array(attained), LEVEL)
    third = np.argsort(np.argsort(scores.below + scores.above)) * 3 // len(inside)
    return width / float(np.median(np.abs(scores.residual))), np.array(
        [inside[third == part].mean() for part in range(3)]
    )


def main(study: Path, crossval: Path) -> None:
    opened = open_study(study)
    protocol = read_protocol(opened.settings.protocol or "")
    held_out = held_out_of_folds(crossval, opened)
    known = calibrated_on(held_out, protocol, source="held-out folds", how="cross")
    for own in (0.0, 0.25, 0.5, 0.75, 0.99):
        measurement_scores.OWN = own
        found = [figures(scores) for scores in known.scores_of(protocol).values()]
        thirds = np.mean([each for _, each in found], axis=0)
        print(
            f"own share {own:4.2f}: width / median error {np.mean([w for w, _ in found]):5.2f}, "
            f"coverage in thirds {thirds.round(3).tolist()}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
