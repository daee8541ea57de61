"""All figures of one set of errors, in every unit that they are known in."""

from dataclasses import dataclass

from palpate.errors import StudyError
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.errors import Errors
from palpate.evaluation.normalised import Normalised, normalise
from palpate.evaluation.summary import Sampled
from palpate.evaluation.tables import (
    THRESHOLDS,
    ErrorUnit,
    Tables,
    in_mm,
    in_percent,
    in_px,
    tabulate,
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Success thresholds by unit.

    Raises:
        StudyError: a threshold is not positive.
    """

    mm: tuple[float, ...] = THRESHOLDS["mm"]
    px: tuple[float, ...] = THRESHOLDS["px"]
    percent: tuple[float, ...] = THRESHOLDS["%"]

    def __post_init__(self) -> None:
        wrong = [limit for limit in (*self.mm, *self.px, *self.percent) if not limit > 0]
        if wrong:
            raise StudyError(f"a success threshold is a positive distance, got {wrong[0]}")

    def of(self, unit: ErrorUnit) -> tuple[float, ...]:
        """Return the thresholds of one unit."""
        return {"mm": self.mm, "px": self.px, "%": self.percent}[unit]


@dataclass(frozen=True, slots=True)
class Figures:
    """Tables in px always, in mm where every image is calibrated, in % of a normaliser."""

    px: Tables
    mm: Tables | None = None
    percent: Tables | None = None
    normalised: Normalised | None = None

    @property
    def best(self) -> Tables:
        """The tables in mm where there are any, else in px."""
        return self.px if self.mm is None else self.mm


def figures(
    errors: Errors,
    normaliser: tuple[str, str] | None,
    thresholds: Thresholds,
    resampling: Resampling,
) -> Figures:
    """Compute every figure of a set of errors."""

    def of(sampled: Sampled, unit: ErrorUnit) -> Tables:
        limits = thresholds.of(unit)
        return tabulate(sampled, errors.names, resampling, unit=unit, thresholds=limits)

    mm, percent = in_mm(errors, resampling), in_percent(errors, resampling)
    return Figures(
        px=of(in_px(errors, resampling), "px"),
        mm=None if mm is None else of(mm, "mm"),
        percent=None if percent is None else of(percent, "%"),
        normalised=None if normaliser is None else normalise(errors, normaliser, resampling),
    )
