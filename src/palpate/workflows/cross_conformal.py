"""A cross-validation with each fold's uncertainty calibrated on the other folds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from palpate.errors import StudyError
from palpate.localisers.run_folder import RunFolder
from palpate.protocols.protocol import Protocol
from palpate.splits import read_split
from palpate.trust.calibration import UncertaintyCalibration
from palpate.workflows.calibrate import calibrated_on, fold_folders, held_out_of
from palpate.workflows.evaluate import EvaluatedStudy


def cross_calibrations(
    evaluated: EvaluatedStudy, folds: Sequence[frozenset[str]], protocol: Protocol | None
) -> tuple[dict[str, UncertaintyCalibration], str]:
    """Calibrate every fold on the held-out images of the others.

    So coverage can be counted on every subject: neither a localiser nor a calibration has seen
    the images it is counted on.

    Args:
        evaluated: held-out images of all folds.
        folds: names of the images of each; one of which nothing was evaluated does not count.
        protocol: whose measurements are calibrated too.

    Returns:
        Image -> calibration of its fold, and an empty text; or nothing, and a sentence that says
        why: one fold alone, or too few subjects in the others.
    """
    found: dict[str, UncertaintyCalibration] = {}
    held_out = held_out_of(evaluated)
    known = {each.predicted.image for each in held_out}
    used = [fold for fold in folds if fold & known]
    if len(used) < 2:
        return {}, "Not calibrated: one fold alone has no others to calibrate it on."
    for fold in used:
        others = [each for each in held_out if each.predicted.image not in fold]
        subjects = len({each.subject for each in others})
        source = f"{subjects} subjects of the other {len(used) - 1} folds"
        try:
            calibration = calibrated_on(others, protocol, source=source, how="split")
        except StudyError as error:
            return {}, f"Not calibrated: {error}."
        found.update(dict.fromkeys(fold, calibration))
    return found, ""


def folds_of(crossval: Path) -> list[frozenset[str]]:
    """Return the names of the images that each fold of a cross-validation held out.

    Raises:
        PalpateError: it is no cross-validation.
    """
    return [
        frozenset(read_split(RunFolder(fold).split).parts["test"])
        for fold in fold_folders(crossval)
    ]


def one_calibration(
    images: Sequence[str], calibration: UncertaintyCalibration | None
) -> Mapping[str, UncertaintyCalibration]:
    """Return the same calibration for every image; none where there is none."""
    return {} if calibration is None else dict.fromkeys(images, calibration)
