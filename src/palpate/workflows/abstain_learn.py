"""What is usual of a study's held-out films, put into a run's calibration."""

from collections.abc import Sequence
from dataclasses import replace

from palpate.study import Study
from palpate.trust.calibration import UncertaintyCalibration
from palpate.trust.familiar import Familiar
from palpate.trust.held_out import HeldOut
from palpate.trust.novelty import look_of


def with_familiar(
    calibration: UncertaintyCalibration, held_out: Sequence[HeldOut], study: Study
) -> UncertaintyCalibration:
    """Add what the held-out films are like, so that new ones can be told from them.

    Frames of clips have no look: of them landmarks alone are judged.

    Args:
        calibration: of the same films.
        held_out: predictions as the localiser states them.
        study: where the films are read from, one after the other.

    Raises:
        FormatError: a film cannot be read.
    """
    films = [
        HeldOut(
            each.subject,
            replace(each.predicted, prediction=calibration.applied(each.predicted.prediction)),
            each.truth,
        )
        for each in held_out
    ]
    cases = [study.case(each.predicted.image) for each in held_out]
    still = all(case.clip is None for case in cases)
    looks = [look_of(study.load(case).image) for case in cases] if still else []
    return replace(calibration, familiar=Familiar.of(films, looks).to_json())
