"""Windows taken together: of a bin of a drawing, of an hour, of the whole time."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.report.monitor_reported import MonitorSummary
from palpate.sequences.movement_amount import Amount
from palpate.sequences.movement_measures import LIMB_MEASURES
from palpate.sequences.movement_row import LimbMovement, MovementRow

NO_FRAME = "no frame came"
MISSING = "missing"
# States of frames in which joints were looked for.
LOOKED_AT = ("found", "partial", "nothing found")
# Less than this is the rounding of a clock.
_NOTHING = 1e-4
# Lengths of bins that a clock's face has, in seconds.
_LENGTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_MOST_BINS = 300


@dataclass(frozen=True, slots=True)
class Bin:
    """Windows that begin within a stretch of time; it may hold none."""

    start_s: float
    end_s: float
    rows: tuple[MovementRow, ...]


def bins(summary: MonitorSummary, *, length_s: float | None = None) -> tuple[Bin, ...]:
    """Cut the time into even stretches that begin on multiples of their length.

    Without a length it is the shortest that gives no more than 300 bins, each with a window.
    """
    if length_s is None:
        step_s = _step_s(summary.rows)
        least = max(step_s, (summary.end_s - summary.start_s) / _MOST_BINS)
        length_s = float(next((n for n in _LENGTHS_S if n >= least - 1e-9), least))
    first = int(summary.start_s // length_s)
    place = [int((row.start_s + 1e-6) // length_s) - first for row in summary.rows]
    inside: list[list[MovementRow]] = [[] for _ in range(place[-1] + 1)]
    for k, row in zip(place, summary.rows, strict=True):
        inside[k].append(row)
    return tuple(
        Bin((first + k) * length_s, (first + k + 1) * length_s, tuple(rows))
        for k, rows in enumerate(inside)
    )


def _step_s(rows: Sequence[MovementRow]) -> float:
    if len(rows) < 2:
        return rows[0].length_s
    return float(np.median(np.diff([row.start_s for row in rows])))


def observed(rows: Sequence[MovementRow], limb: int) -> float | None:
    """Share of the time in which a limb's movement can be told; None without windows."""
    if not rows:
        return None
    return sum(row.observed(limb) * row.length_s for row in rows) / sum(r.length_s for r in rows)


def pooled(
    rows: Sequence[MovementRow], limb: int, measure: Callable[[LimbMovement], Amount]
) -> float | None:
    """Mean over the windows that have a value, weighted by the time in which the limb is seen."""
    parts = [(measure(row.limbs[limb]).value, row.limbs[limb].observed_s) for row in rows]
    return _weighted([(value, weight) for value, weight in parts if value is not None])


def active_of(limb: int) -> Callable[[Sequence[MovementRow]], float | None]:
    """Share of the observed time of some windows in which a limb was active."""
    return lambda rows: pooled(rows, limb, lambda found: found.active_share)


def symmetry_of(pair: int) -> Callable[[MovementRow], Amount]:
    """The symmetry index of a pair of limbs."""
    return lambda row: row.sides[pair].symmetry_index


def symmetry_in_motion(rows: Sequence[MovementRow], pair: int) -> float | None:
    """Mean symmetry index of a pair, each window weighted by the time that either was active.

    None where neither ever was: at rest the index is that of noise.
    """
    parts = []
    for row in rows:
        side = row.sides[pair]
        both = [limb for limb in row.limbs if limb.limb in (side.left, side.right)]
        active_s = sum((limb.active_share.value or 0.0) * limb.observed_s for limb in both)
        if side.symmetry_index.value is not None:
            parts.append((side.symmetry_index.value, active_s))
    return _weighted(parts)


def in_body(row: MovementRow, limb: int, name: str) -> float | None:
    """A measure of a limb in body lengths, or None where it or one body length is not known."""
    amount = row.limbs[limb].amounts()[name]
    power = LIMB_MEASURES[name].body
    if amount.value is None:
        return None
    if power == 0:
        return amount.value
    return None if row.scale.value is None else amount.value / row.scale.value**power


def mean_in_body(rows: Sequence[MovementRow], limb: int, name: str) -> float | None:
    """Mean of a measure in body lengths, weighted by the time in which the limb is seen."""
    parts = [(in_body(row, limb, name), row.limbs[limb].observed_s) for row in rows]
    return _weighted([(value, weight) for value, weight in parts if value is not None])


def mean_of(rows: Sequence[MovementRow], measure: Callable[[MovementRow], Amount]) -> float | None:
    """Mean of a measure of a pair or of the body over the windows that have a value."""
    values = [measure(row).value for row in rows]
    return _weighted([(value, 1.0) for value in values if value is not None])


def quartiles(values: Sequence[float]) -> tuple[float, float, float] | None:
    """Median and quartiles; None without values."""
    if not values:
        return None
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    return middle, low, high


def states(rows: Sequence[MovementRow]) -> Counter[str]:
    """How many frames had which state."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row.states)
    return total


def coverage(rows: Sequence[MovementRow]) -> dict[str, float]:
    """What became of the time: shares that sum to 1; empty without windows.

    Frames share the time in which frames came; what is left is :data:`NO_FRAME`, single numbers
    that never came included.
    """
    whole_s = sum(row.length_s for row in rows)
    counts = states(rows)
    missing = counts.pop(MISSING, 0)
    came = sum(counts.values())
    if not whole_s:
        return {}
    lost = max(sum(row.gap_s for row in rows) / whole_s, missing / max(1, missing + came))
    lost = 1.0 if not came else min(lost, 1.0) if lost > _NOTHING else 0.0
    shares = {name: (1.0 - lost) * count / came for name, count in counts.items()}
    return {**shares, NO_FRAME: lost} if lost else shares


def series(
    parts: Sequence[Bin], value: Callable[[Sequence[MovementRow]], float | None]
) -> Float[ndarray, " bin"]:
    """One number a bin, NaN where there is none."""
    found = [value(part.rows) for part in parts]
    return np.array([np.nan if number is None else number for number in found])


def _weighted(parts: Sequence[tuple[float, float]]) -> float | None:
    total = sum(weight for _, weight in parts)
    return sum(value * weight for value, weight in parts) / total if total > 0.0 else None
