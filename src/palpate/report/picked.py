"""Which cases the page shows: the worst, those in the middle, and the best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from palpate.report.reported import ReportedCase


@dataclass(frozen=True, slots=True)
class Picked:
    """Cases under one heading."""

    heading: str
    cases: tuple[ReportedCase, ...]


def pick(cases: Sequence[ReportedCase], most: int) -> list[Picked]:
    """Choose at most ``most`` cases, a third each worst, middle and best.

    By mean error where every case has a truth, a missed landmark before any error; else by stated
    uncertainty, a landmark that was not found before any.
    """
    known = all(case.truth is not None and case.truth.present.any() for case in cases)
    key = _badness if known else _doubt
    ordered = sorted(cases, key=lambda case: (*key(case), case.identifier), reverse=True)
    words = (
        ("Largest error", "Middle", "Smallest error")
        if known
        else ("Least certain", "Middle", "Most certain")
    )
    if len(ordered) <= most:
        return [Picked("All cases, " + words[0].lower() + " first", tuple(ordered))]
    sizes = [most // 3 + (1 if part < most % 3 else 0) for part in range(3)]
    worst, best = ordered[: sizes[0]], ordered[len(ordered) - sizes[2] :]
    rest = ordered[sizes[0] : len(ordered) - sizes[2]]
    start = (len(rest) - sizes[1]) // 2
    parts = (worst, rest[start : start + sizes[1]], best)
    return [Picked(word, tuple(part)) for word, part in zip(words, parts, strict=True) if part]


def _badness(case: ReportedCase) -> tuple[float, float]:
    if case.truth is None:
        return 0.0, 0.0
    wanted = case.truth.present
    found = wanted & case.prediction.found
    errors = np.linalg.norm(case.prediction.mean - case.truth.coordinates, axis=1)
    mean = float(errors[found].mean()) if found.any() else 0.0
    return float((wanted & ~found).sum()), mean * (spacing(case) or 1.0)


def _doubt(case: ReportedCase) -> tuple[float, float]:
    found = case.prediction.found
    traces = np.trace(case.prediction.covariance[found], axis1=1, axis2=2)
    return float((~found).sum()), float(np.sqrt(traces.mean())) if found.any() else 0.0


def spacing(case: ReportedCase) -> float | None:
    """Mean millimetres per pixel, to rank cases of different sizes; None where not calibrated."""
    return None if case.calibration is None else float(np.mean(case.calibration.spacing_mm))
