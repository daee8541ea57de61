"""What is known against a prediction before a reader has seen it."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from palpate.errors import FormatError, StudyError
from palpate.io.predictions import PredictedImage, PredictionFile
from palpate.review.begun import begun_marks
from palpate.review.case import Case, NewCase, Project, Urgency
from palpate.review.measured import measure_reading
from palpate.review.urgency import Doubted, urgencies
from palpate.trust.calibration import UncertaintyCalibration
from palpate.trust.familiar import FEWEST, Familiar
from palpate.trust.reasons import reasons
from palpate.trust.store import calibration_from_plain

SET_ASIDE = "set_aside.csv"
# A shape that so many films in a hundred are at least as strange as is nothing unusual.
_USUAL = 0.2
# Of a clip so many frames, evenly spread, are judged: neighbours are alike.
_MOST_FRAMES = 24


@dataclass(frozen=True, slots=True)
class KnownDoubt:
    """What the predictions' file and the files beside it say.

    Args:
        familiar: what held-out films are like; None where nothing is known.
        set_aside: image -> reasons in words, as 'palpate predict' wrote them with the pixels at
            hand, and the least chance that a film of the same kind is as strange.
        uncertainty: what held-out subjects say of the model; None where it was not calibrated.
    """

    familiar: Familiar | None = None
    set_aside: Mapping[str, tuple[str, float | None]] | None = None
    uncertainty: UncertaintyCalibration | None = None


def known_doubt(file: PredictionFile | None, path: Path | None) -> KnownDoubt:
    """Read what is known of predictions: their calibration, and ``set_aside.csv`` beside them.

    Raises:
        FormatError: the calibration or the table is damaged.
    """
    if file is None or path is None:
        return KnownDoubt()
    familiar, calibration = None, None
    if file.calibration is not None:
        calibration = calibration_from_plain(file.calibration, where=path)
        if calibration.familiar is not None:
            try:
                familiar = Familiar.from_json(calibration.familiar)
            except StudyError as error:
                raise FormatError(path, str(error)) from error
    return KnownDoubt(familiar, _read_set_aside(path.parent / SET_ASIDE), calibration)


def _read_set_aside(path: Path) -> dict[str, tuple[str, float | None]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(path, f"cannot be read: {error}") from error
    found = {}
    for line, row in enumerate(rows, start=2):
        try:
            if row["set_aside"] == "yes":
                p_value = float(row["p_value"]) if row["p_value"] else None
                found[row["image"]] = (row["reasons"], p_value)
        except (KeyError, TypeError, ValueError) as error:
            what = "expected the columns image, set_aside, p_value, reasons"
            raise FormatError(path, what, line=line) from error
    return found


def doubted(project: Project, given: NewCase, known: KnownDoubt) -> tuple[NewCase, Doubted]:
    """Return the case with the reasons against its prediction, and what its urgency is told from.

    Raises:
        StudyError: the calibration is of other landmarks.
    """
    judged = _frames(given)
    against: list[str] = []
    strange: list[float] = []
    for frame in judged:
        words, implausible = _against(given.predictions[frame], known)
        at = f"frame {frame}: " if given.frames > 1 else ""
        against += [at + sentence for sentence in words]
        strange += [] if implausible is None else [implausible]
    case = replace(given, set_aside=tuple(dict.fromkeys((*given.set_aside, *against))))
    predicted = replace(given, marks=())
    marks = begun_marks(predicted, assisted=True)
    reports = measure_reading(
        project, Case("", project.identifier, predicted, Urgency(), ""), marks, frames=judged
    )
    worst = max(strange, default=None)
    return case, Doubted(given.image, tuple(reports.values()), worst, case.set_aside)


def _frames(given: NewCase) -> list[int]:
    frames = sorted(given.predictions)
    step = max(1, -(-len(frames) // _MOST_FRAMES))
    return frames[::step]


def _against(predicted: PredictedImage, known: KnownDoubt) -> tuple[list[str], float | None]:
    """Reasons in words, and how implausible: 1 where something is plainly wrong."""
    own = reasons(known.familiar, predicted)
    words = [reason.words for reason in own]
    chances = [reason.p_value for reason in own]
    told = (known.set_aside or {}).get(predicted.image)
    if told is not None:
        words += [each for each in told[0].split("; ") if each and each not in words]
        chances.append(told[1])
    if any(chance is None for chance in chances):
        return words, 1.0
    shape = _shape_chance(predicted, known.familiar)
    least = min([chance for chance in (*chances, shape) if chance is not None], default=None)
    return words, None if least is None else max(0.0, 1.0 - least / _USUAL)


def _shape_chance(predicted: PredictedImage, familiar: Familiar | None) -> float | None:
    """Chance that a film of the same kind has a shape as strange; None where not known."""
    if familiar is None or familiar.subjects < FEWEST or not predicted.prediction.found.any():
        return None
    value = familiar.signs(predicted).values.get("shape")
    return None if value is None else familiar.p_value("shape", value)


def judged_cases(
    project: Project, cases: Sequence[NewCase], known: KnownDoubt
) -> tuple[list[NewCase], dict[str, Urgency]]:
    """Return the cases with what is known against them, and the urgency of each by its image.

    Raises:
        StudyError: the calibration is of other landmarks.
    """
    pairs = [doubted(project, given, known) for given in cases]
    return (
        [case for case, _ in pairs],
        urgencies([one for _, one in pairs], project.protocol),
    )
