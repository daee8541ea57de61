"""Which cases the page shows: those set aside, the worst, those in the middle, and the best."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from palpate.report.reported import ReportedCase


@dataclass(frozen=True, slots=True)
class Picked:
    """Cases under one heading."""

    heading: str
    cases: tuple[ReportedCase, ...]


ASIDE = "Set aside: look at these first"
KEPT = "Kept"


def pick(
    cases: Sequence[ReportedCase], most: int, aside: Collection[str] | None = None
) -> list[Picked]:
    """Choose at most ``most`` cases, a third each worst, middle and best.

    By mean error where every case has a truth, a missed landmark before any error; else by stated
    uncertainty, a landmark that was not found before any.

    Args:
        cases: of the page.
        most: how many are shown.
        aside: images that a person must look at: they come first, and leave a third of the room
            to those that are kept. None where nobody judged that.
    """
    if aside is None:
        return _by_third(cases, most, of="")
    first = [case for case in cases if case.identifier in aside]
    kept = [case for case in cases if case.identifier not in aside]
    room = max(most - len(first), min(len(kept), most // 3))
    ordered, _ = _ordered(first)
    parts = [Picked(ASIDE, tuple(ordered[: most - room])), *_by_third(kept, room, of=KEPT)]
    return [part for part in parts if part.cases]


def _ordered(cases: Sequence[ReportedCase]) -> tuple[list[ReportedCase], bool]:
    """Sort the worst first; also say whether by error, or by doubt."""
    known = all(case.truth is not None and case.truth.present.any() for case in cases)
    key = _badness if known else _doubt
    return sorted(cases, key=lambda case: (*key(case), case.identifier), reverse=True), known


def _by_third(cases: Sequence[ReportedCase], most: int, *, of: str) -> list[Picked]:
    """Show all, or a third each; ``of`` says of which cases."""
    ordered, known = _ordered(cases)
    words = (
        ("Largest error", "Middle", "Smallest error")
        if known
        else ("Least certain", "Middle", "Most certain")
    )
    if len(ordered) <= most:
        return [Picked(f"{of or 'All cases'}, {words[0].lower()} first", tuple(ordered))]
    sizes = [most // 3 + (1 if part < most % 3 else 0) for part in range(3)]
    worst, best = ordered[: sizes[0]], ordered[len(ordered) - sizes[2] :]
    rest = ordered[sizes[0] : len(ordered) - sizes[2]]
    start = (len(rest) - sizes[1]) // 2
    parts = (worst, rest[start : start + sizes[1]], best)
    headings = [f"{of}: {word.lower()}" if of else word for word in words]
    return [Picked(head, tuple(part)) for head, part in zip(headings, parts, strict=True) if part]


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
