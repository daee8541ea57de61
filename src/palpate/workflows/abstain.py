"""Which predicted cases a person must look at: the reasons, and the limit of a promised risk.

Nothing that was computed is dropped: a case that is set aside keeps its prediction and its
measurements, marked with the reasons.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import ConfigError, StudyError
from palpate.files import write_text
from palpate.io.predictions import PredictedImage, PredictionFile
from palpate.measurement import Measurement, Report
from palpate.protocols.protocol import Protocol
from palpate.suggest import did_you_mean
from palpate.trust.calibration import UncertaintyCalibration
from palpate.trust.doubt_score import film_doubt
from palpate.trust.familiar import Familiar
from palpate.trust.measured import measured_doubt
from palpate.trust.reasons import Reason, reasons
from palpate.trust.risk import RiskLimit, RiskWish, risk_limit

COLUMNS = ("image", "set_aside", "doubt", "checks", "landmarks", "p_value", "reasons")


@dataclass(frozen=True, slots=True)
class Judged:
    """One case: kept, or set aside for reasons.

    Args:
        image: identifier.
        reasons: empty where it is kept.
        doubt: that the promised risk goes by; None where none was asked for or known.
    """

    image: str
    reasons: tuple[Reason, ...]
    doubt: float | None = None

    @property
    def kept(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons

    @property
    def sentence(self) -> str:
        """``image: set aside: reasons``."""
        return f"{self.image}: set aside: " + "; ".join(reason.words for reason in self.reasons)

    @property
    def short(self) -> str:
        """The sentence with the first reason, and how many more there are."""
        first, *rest = [reason.words for reason in self.reasons]
        more = "" if not rest else f" (and {len(rest)} more reason{'s' if len(rest) > 1 else ''})"
        return f"{self.image}: set aside: {first}{more}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the predicted images, and sentences for whoever reads the report."""

    judged: tuple[Judged, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def set_aside(self) -> tuple[Judged, ...]:
        """Those that a person must look at."""
        return tuple(one for one in self.judged if not one.kept)


def familiar_of(calibration: UncertaintyCalibration | None) -> Familiar | None:
    """Read what is usual from a calibration; None where it holds nothing of that.

    Raises:
        StudyError: it is of a newer palpate, or damaged.
    """
    if calibration is None or calibration.familiar is None:
        return None
    return Familiar.from_json(calibration.familiar)


def unit_of_films(calibration: UncertaintyCalibration) -> str:
    """Return mm where every held-out film is calibrated, else px."""
    told = ~np.isnan(calibration.error_px)
    return "mm" if not np.isnan(calibration.error_mm[told]).any() else "px"


def wish_of(
    calibration: UncertaintyCalibration,
    protocol: Protocol | None,
    *,
    max_risk: float,
    within: float,
    measure: str = "",
    confidence: float = 0.95,
) -> RiskWish:
    """Put a wish into words that can be kept: ``measure`` names a quantity or '' the landmarks.

    Raises:
        ConfigError: a number out of range, or a quantity that the calibration does not know.
    """
    if not measure:
        return RiskWish(max_risk, within, "", unit_of_films(calibration), confidence)
    if protocol is None:
        raise ConfigError(f"--measure {measure} needs a protocol that has it: give --protocol")
    known = calibration.scores_of(protocol)
    if measure not in known:
        raise ConfigError(
            f"no held-out errors are known of {measure!r}{did_you_mean(measure, known)}; name a "
            "quantity of the protocol that the run was calibrated with, or leave --measure out "
            "to go by the landmarks"
        )
    return RiskWish(max_risk, within, measure, known[measure].unit, confidence)


def limit_of(
    calibration: UncertaintyCalibration, protocol: Protocol | None, wish: RiskWish
) -> RiskLimit:
    """Choose the limit of doubt on the held-out subjects.

    Doubt of a measurement is how wide it is stated to be; of a film, see
    :func:`~palpate.trust.doubt_score.film_doubt`. The error of a film is the mean over the
    landmarks that were found.

    Raises:
        StudyError: the calibration does not hold the films' doubts.
    """
    if wish.quantity and protocol is not None:
        scores = calibration.scores_of(protocol)[wish.quantity]
        width = scores.below + scores.above
        return risk_limit(np.abs(scores.residual), width, scores.owners, wish)
    familiar = familiar_of(calibration)
    doubts = None if familiar is None else familiar.scores.get("doubt")
    if doubts is None or len(doubts) != len(calibration.owners):
        raise StudyError(
            "the calibration holds no doubts of its films, so no risk can be promised of them; "
            "calibrate again, or name a quantity with --measure"
        )
    errors = calibration.error_mm if wish.unit == "mm" else calibration.error_px
    return risk_limit(_means(errors), doubts, calibration.owners, wish)


def doubt_of(wish: RiskWish, predicted: PredictedImage, report: Report | None) -> float | None:
    """Return the doubt of a new case as :func:`limit_of` counts it; None where it is not known."""
    if not wish.quantity:
        return film_doubt(predicted)
    found = () if report is None else report.measurements
    one = next((item for item in found if item.name == wish.quantity), None)
    return None if one is None else measured_doubt(one)


def judge(
    file: PredictionFile,
    looks: Mapping[str, Float[ndarray, " look"]],
    familiar: Familiar | None,
    limit: RiskLimit | None = None,
    reports: Mapping[str, Report] | None = None,
) -> tuple[Judged, ...]:
    """Judge every predicted image.

    Args:
        file: what was predicted.
        looks: by image; one that is not there is not judged by its look.
        familiar: what is usual; None: only plain errors are told.
        limit: of a promised risk; None where none was asked for.
        reports: measurements by image, which a limit of a quantity needs.
    """
    judged = []
    for image in file.images:
        found = reasons(familiar, image, looks.get(image.image))
        doubt = None
        if limit is not None:
            doubt = doubt_of(limit.wish, image, (reports or {}).get(image.image))
            found += _too_doubtful(limit, doubt)
        judged.append(Judged(image.image, found, doubt))
    return tuple(judged)


def marked(report: Report, judged: Judged) -> Report:
    """Return the report with the reasons in the note of each of its measurements."""
    if judged.kept:
        return report
    said = "set aside: " + "; ".join(reason.words for reason in judged.reasons)
    noted = tuple(_noted(item, said) for item in report.measurements)
    return replace(report, measurements=noted, provenance={**report.provenance, "set aside": said})


def write_set_aside(judged: Sequence[Judged], path: Path) -> None:
    """Write one row an image: whether it is set aside, by which checks, and why in words.

    ``p_value`` is the least of the checks that give one. Images that are kept are there too, with
    empty reasons, so that the file says of every image what became of it.

    Raises:
        OutputError: the file cannot be written.
    """
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for one in judged:
        least = [reason.p_value for reason in one.reasons if reason.p_value is not None]
        names = dict.fromkeys(name for reason in one.reasons for name in reason.landmarks)
        writer.writerow(
            {
                "image": one.image,
                "set_aside": "no" if one.kept else "yes",
                "doubt": "" if one.doubt is None else f"{one.doubt:.6g}",
                "checks": " ".join(reason.check.replace(" ", "-") for reason in one.reasons),
                "landmarks": " ".join(names),
                "p_value": f"{min(least):.3g}" if least else "",
                "reasons": "; ".join(reason.words for reason in one.reasons),
            }
        )
    write_text(path, text.getvalue())


def _too_doubtful(limit: RiskLimit, doubt: float | None) -> tuple[Reason, ...]:
    if limit.keeps(doubt):
        return ()
    wish = limit.wish
    if doubt is None:
        words = f"{wish.what} has no stated uncertainty, so nothing can be promised of it"
    elif not limit.kept:
        words = "no risk can be promised on the held-out subjects at hand"
    else:
        words = (
            f"too uncertain for what is promised of {wish.what}: doubt {doubt:.4g}, kept below "
            f"{limit.limit:.4g}"
        )
    return (Reason("risk", words),)


def _noted(item: Measurement, said: str) -> Measurement:
    return replace(item, note=f"{item.note}; {said}" if item.note else said)


def _means(errors: Float[ndarray, "image landmark"]) -> Float[ndarray, " image"]:
    """Mean error of each film over what is known; NaN where nothing is."""
    known = ~np.isnan(errors)
    count = known.sum(axis=1)
    total = np.where(known, errors, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
