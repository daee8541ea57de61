"""How often the truth of a held-out subject is where the uncertainty says.

    python benchmarks/uncertainty/coverage.py STUDY CROSSVAL

Prints two tables: coverage of the landmarks' regions as the localiser states them, of the regions
calibrated and of the measurement intervals calibrated; and the intervals by quantity. Below each
share stands its interval of 95 %, by bootstrap over subjects. Every fold is calibrated on the
other folds, so that neither a localiser nor a calibration has seen what it is counted on. CROSSVAL
is what 'palpate crossval' wrote of STUDY, with the protocol that the study names.
"""

import sys
from pathlib import Path

from palpate.errors import PalpateError
from palpate.evaluation.reliability import LEVELS, Reliability, Trusted
from palpate.protocols.protocol import read_protocol
from palpate.study import Study, open_study
from palpate.workflows.assess import assess
from palpate.workflows.calibrate import held_out_of_folds
from palpate.workflows.cross_conformal import cross_calibrations, folds_of
from palpate.workflows.evaluate import EvaluatedStudy, pair

SEED = 0


def judged(study: Study, crossval: Path) -> Trusted:
    """Calibrate each fold on the others and count.

    Raises:
        PalpateError: no cross-validation of the study, or one with too few subjects.
    """
    predicted = tuple(each.predicted for each in held_out_of_folds(crossval, study))
    cases = tuple(pair(study.case(each.image), each) for each in predicted)
    evaluated = EvaluatedStudy(cases, predicted, {})
    protocol = read_protocol(study.settings.protocol) if study.settings.protocol else None
    known, why_none = cross_calibrations(evaluated, folds_of(crossval), protocol)
    trusted = assess(study, evaluated, protocol=protocol, seed=SEED, calibrations=known).trusted
    if trusted is None:
        raise PalpateError(
            f"{crossval}: {why_none or 'no image is of a subject that was not calibrated on'}"
        )
    return trusted


def row(name: str, found: Reliability, *, halfwidth: bool) -> str:
    """One row of a table: the share at every level, with its interval."""
    cells = [name, f"{found.count}"]
    for level in found.levels:
        low, high = level.interval or (float("nan"), float("nan"))
        cells.append(f"{100 * level.share:.1f} ({100 * low:.1f} to {100 * high:.1f})")
    if halfwidth:
        cells.append("–" if found.halfwidth is None else f"{found.halfwidth:.2f}")
    return "| " + " | ".join(cells) + " |"


def head(first: str, *more: str) -> str:
    """Head of a table, one column a level."""
    cells = [first, "truths", *(f"{100 * level:g} %" for level in LEVELS), *more]
    return "| " + " | ".join(cells) + " |\n|" + "---|" * len(cells)


def main(study: Path, crossval: Path) -> None:
    trusted = judged(open_study(study), crossval)
    print(f"calibrated on {trusted.source}; {trusted.stated.subjects} subjects count\n")
    print(head("inside, %"))
    print(row("regions as stated", trusted.stated, halfwidth=False))
    print(row("regions, calibrated", trusted.regions[0], halfwidth=False))
    if not trusted.measurements:
        return
    print(row("intervals of measurements", trusted.measurements[0], halfwidth=False))
    print("\n" + head("quantity", "half width, 90 %"))
    for each in trusted.measurements[1:]:
        print(row(each.name, each, halfwidth=True))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except PalpateError as error:
        sys.exit(str(error))
