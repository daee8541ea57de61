"""Left against right: the difference of every measurement of the two sides of one subject."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import norm

from palpate.errors import GeometryError
from palpate.geometry.propagation import Propagated, block_diagonal, propagate
from palpate.measurement import IntervalBasis, Measurement, Report
from palpate.protocols.located import LocatedCase
from palpate.protocols.measure_shape import OUTLIER, PLAUSIBILITY
from palpate.protocols.protocol import Protocol
from palpate.protocols.side_table import CaseSide
from palpate.shape.sides import SideDifference, compare_sides, mirrored_shape

SHAPE, SHARE, SIZE = "Shape difference", "Shape difference, share of the normaliser", "Size"
_LESS, _OVER = "left less right", "left over right"
# Between the names of the two images that a report compares.
PAIR = " | "
UNKNOWN = "not compared: the table tells no side of this image"


@dataclass(frozen=True, eq=False, slots=True)
class SidedCase:
    """One side of a subject, already mirrored where it is the right one.

    Args:
        case: its landmarks.
        report: its measurements.
        side: what the table tells of it; None where it tells nothing.
    """

    case: LocatedCase
    report: Report
    side: CaseSide | None

    @property
    def subject(self) -> str:
        """The case's own, else that of the table."""
        return self.case.subject or ("" if self.side is None else self.side.subject)


def side_differences(
    sided: Sequence[SidedCase], protocol: Protocol, *, level: float
) -> list[Report]:
    """Report left less right of every subject and visit, in the order of the cases.

    The errors of the two sides are taken as independent. The shapes are laid on each other at the
    same size (:func:`palpate.shape.sides.compare_sides`), in mm where both images are calibrated.
    A case without a partner is reported with that reason on every difference.

    Args:
        sided: all cases.
        protocol: names the normaliser and the landmarks of the shape.
        level: of the intervals.
    """
    groups: dict[tuple[str, ...], list[SidedCase]] = defaultdict(list)
    reports = []
    for each in sided:
        if each.side is None or not each.subject:
            reason = UNKNOWN if each.side is None else "not compared: the subject is not known"
            reports.append(_alone(each, protocol, reason))
            continue
        annotator = each.case.provenance.get("annotator", "")
        groups[each.subject, each.side.visit, annotator].append(each)
    for several in groups.values():
        left = [each for each in several if each.side is not None and each.side.side == "left"]
        right = [each for each in several if each not in left]
        if len(left) == len(right) == 1:
            reports.append(_pair(left[0], right[0], protocol, level))
        else:
            reports += [_alone(each, protocol, _why(each, left, right)) for each in several]
    return reports


def _why(each: SidedCase, left: Sequence[SidedCase], right: Sequence[SidedCase]) -> str:
    if left and right:
        return (
            f"not compared: subject {each.subject!r} has {len(left)} left and {len(right)} right "
            "images; tell them apart in a column 'visit'"
        )
    missing = "right" if left else "left"
    visit = f", visit {each.side.visit}" if each.side is not None and each.side.visit else ""
    return f"one side only: there is no {missing} image of subject {each.subject!r}{visit}"


def _compared(report: Report) -> list[Measurement]:
    return [m for m in report.measurements if m.name not in (PLAUSIBILITY, OUTLIER)]


def _alone(each: SidedCase, protocol: Protocol, reason: str) -> Report:
    names = [(f"{m.name}, {_LESS}", m) for m in _compared(each.report)]
    measured = [
        Measurement(name, m.unit, reason=reason, landmarks=m.landmarks, protocol=m.protocol)
        for name, m in names
    ]
    measured.append(Measurement(SHAPE, "mm", reason=reason, protocol=protocol.label))
    return replace(each.report, subject=each.subject, measurements=tuple(measured))


def _pair(left: SidedCase, right: SidedCase, protocol: Protocol, level: float) -> Report:
    others = {m.name: m for m in right.report.measurements}
    differences = [
        _difference(m, others[m.name], level) for m in _compared(left.report) if m.name in others
    ]
    return Report(
        left.subject,
        f"{left.case.image}{PAIR}{right.case.image}",
        (*differences, *_shapes(left.case, right.case, protocol, level)),
        left.report.provenance,
    )


def _difference(left: Measurement, right: Measurement, level: float) -> Measurement:
    empty = Measurement(
        f"{left.name}, {_LESS}",
        left.unit,
        reason="-",
        level=level,
        landmarks=left.landmarks,
        protocol=left.protocol,
        note=left.note if left.note == right.note else "",
    )
    if left.value is None or right.value is None:
        side, why = ("left", left.reason) if left.value is None else ("right", right.reason)
        return replace(empty, reason=f"{side}: {why}")
    value, sd = left.value - right.value, None
    if left.standard_uncertainty is not None and right.standard_uncertainty is not None:
        sd = float(np.hypot(left.standard_uncertainty, right.standard_uncertainty))
    return replace(
        empty,
        reason=None,
        value=value,
        standard_uncertainty=sd,
        interval=None if sd is None else Propagated(value, sd).interval(level),
        basis="" if sd is None else _weaker(left.basis, right.basis),
    )


def _weaker(first: IntervalBasis, second: IntervalBasis) -> IntervalBasis:
    """Basis of a difference: deviations of both sides, which nobody held against differences."""
    return "uncalibrated" if "uncalibrated" in (first, second) else "scaled"


def _shapes(
    left: LocatedCase, right: LocatedCase, protocol: Protocol, level: float
) -> tuple[Measurement, ...]:
    """Say how far the outlines differ, once one lies on the other, and how their sizes do."""
    calibrated = left.calibration is not None and right.calibration is not None
    names = tuple(
        name
        for name in protocol.scheme.names
        if name in left.points.scheme.names and name in right.points.scheme.names
    )
    empty = Measurement(
        SHAPE,
        "mm" if calibrated else "px",
        reason="-",
        level=level,
        landmarks=names,
        protocol=protocol.label,
    )
    pair = _Pair.of(left, right, names, calibrated=calibrated)
    try:
        distance = pair.told(lambda found: found.rms)
        size = pair.told(lambda found: 100.0 * found.size_ratio)
    except GeometryError as error:
        return (replace(empty, reason=f"no shape: {error}"),)
    noise = pair.noise()
    note = "" if noise is None else f"landmark errors alone would give about {noise:.2g}"
    same = "" if calibrated else "not calibrated: magnification may differ"
    shares = []
    if protocol.normaliser is not None:
        width = pair.length(protocol.normaliser)
        share = replace(empty, name=SHARE, unit="%")
        if width is None:
            shares.append(replace(share, reason="a landmark of the normaliser is absent"))
        else:
            part = [None if number is None else 100.0 * number / width for number in distance]
            shares.append(_filled(share, part[0], part[1], level, ""))
    return (
        _filled(empty, *distance, level, note),
        *shares,
        _filled(replace(empty, name=f"{SIZE}, {_OVER}", unit="%"), *size, level, same),
    )


def _filled(
    empty: Measurement, value: float | None, sd: float | None, level: float, note: str
) -> Measurement:
    if value is None:
        return empty
    half = None if sd is None else float(norm.ppf((1.0 + level) / 2.0)) * sd
    return replace(
        empty,
        reason=None,
        value=value,
        standard_uncertainty=sd,
        # Neither a distance nor a ratio is below zero.
        interval=None if half is None else (max(value - half, 0.0), value + half),
        note=note,
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Pair:
    """Both sides in one unit: mm, or px; covariances where both are known."""

    names: tuple[str, ...]
    points: Float[ndarray, "2 k 2"]
    covariance: Float[ndarray, "2 k 2 2"] | None

    @classmethod
    def of(
        cls, left: LocatedCase, right: LocatedCase, names: tuple[str, ...], *, calibrated: bool
    ) -> "_Pair":
        points, covariances = [], []
        for each in (left, right):
            rows = each.points.scheme.indices(names)
            scale = each.spacing if calibrated else np.ones(2)
            points.append(scale * each.points.coordinates[rows])
            if each.covariance is not None:
                covariances.append(np.outer(scale, scale) * each.covariance[rows])
        both = np.stack(points)
        # What one side lacks is compared with nothing.
        absent = np.isnan(both).any(axis=(0, 2))
        kept = both[:, ~absent]
        spread = np.stack(covariances)[:, ~absent] if len(covariances) == 2 else None
        return cls(tuple(np.array(names)[~absent].tolist()), kept, spread)

    def told(self, read: Callable[[SideDifference], float]) -> tuple[float, float | None]:
        """Return a number of the comparison, and its standard uncertainty where it is known."""

        def compared(points: Float[ndarray, "k2 2"]) -> float:
            first, second = points[: len(self.names)], points[len(self.names) :]
            # The right side lies as a left one already; the comparison mirrors it itself.
            return read(compare_sides(first, mirrored_shape(second)))

        flat = self.points.reshape(-1, 2)
        if self.covariance is None:
            return compared(flat), None
        found = propagate(compared, flat, block_diagonal(self.covariance.reshape(-1, 2, 2)))
        return found.value, found.standard_uncertainty

    def noise(self) -> float | None:
        """Return the distance that two equal shapes would show by the landmarks' errors alone."""
        if self.covariance is None:
            return None
        return float(np.sqrt(np.trace(self.covariance, axis1=2, axis2=3).sum(axis=0).mean()))

    def length(self, normaliser: tuple[str, str]) -> float | None:
        """Return the length of the normaliser on the left side, None where it has none."""
        if not set(normaliser) <= set(self.names):
            return None
        first, second = (self.points[0, self.names.index(name)] for name in normaliser)
        return float(np.linalg.norm(first - second)) or None
