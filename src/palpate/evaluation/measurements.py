"""How far measurements from predicted landmarks agree with those from annotated landmarks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import Numbers
from palpate.errors import GeometryError, StudyError
from palpate.evaluation.agreement_pair import PairAgreement, Pairs, pair_agreement
from palpate.evaluation.bootstrap import Interval, Resampling
from palpate.evaluation.icc import icc_2_1
from palpate.evaluation.limits import WIDTH
from palpate.evaluation.plain import plain
from palpate.geometry.angles import turned_near
from palpate.measurement import Measurement, Report, Unit

NO_PREDICTION = "no prediction of the image"


@dataclass(frozen=True, slots=True)
class QuantityAgreement:
    """Agreement of one quantity over images; a figure that does not exist is None.

    Args:
        name: of the quantity.
        unit: of its figures; ICC has none, SMAPE and coverage are %.
        n: images with a predicted and a true value.
        refused: reason -> images with a true value and no predicted one.
        without_truth: images where the true value is refused or absent.
        mean_absolute_error: over ``n``.
        mae_interval: by bootstrap over subjects, 95 %.
        bias: mean of predicted - true.
        bias_interval: likewise.
        sd: of the differences, n - 1; where a subject has several images, by the variances between
            and within subjects.
        limits: of agreement, bias +- 1.96 sd.
        icc: ICC(2,1), absolute agreement of single measurements.
        smape: in %; see :func:`smape`.
        coverage: share of true values inside the predicted interval, in %.
        with_interval: images that coverage is counted over.
        level: what coverage should be, in %; None where intervals have different levels.
        pairs: (image, true, predicted), for plots and tables.
        method: every figure of two raters, the annotation first, with intervals; without its
            points, which are ``pairs``.
    """

    name: str
    unit: Unit
    n: int
    refused: Mapping[str, int]
    without_truth: int
    mean_absolute_error: float | None = None
    mae_interval: Interval | None = None
    bias: float | None = None
    bias_interval: Interval | None = None
    sd: float | None = None
    limits: Interval | None = None
    icc: float | None = None
    smape: float | None = None
    coverage: float | None = None
    with_interval: int = 0
    level: float | None = None
    pairs: tuple[tuple[str, float, float], ...] = ()
    method: PairAgreement | None = None

    @property
    def total_refused(self) -> int:
        """Images with a true value and no predicted one."""
        return sum(self.refused.values())


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of every quantity, in the order of the protocol.

    Args:
        quantities: name -> agreement.
        only_predicted: images without a true report; they are in no figure.
        only_true: images without a predicted report; refused in every quantity.
    """

    quantities: Mapping[str, QuantityAgreement]
    only_predicted: tuple[str, ...] = ()
    only_true: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without NaN."""
        return dict(plain(self))


def agreement(
    predicted: Sequence[Report],
    truth: Sequence[Report],
    *,
    rng: np.random.Generator | None = None,
    resamples: int = 1000,
) -> Agreement:
    """Compare measurements image by image, quantity by quantity.

    Args:
        predicted: measured on predicted landmarks.
        truth: measured on annotated landmarks.
        rng: draws the resamples of subjects for the intervals; None: no intervals.
        resamples: how many.

    Raises:
        StudyError: an image is given twice, its subjects differ, or a quantity has two units.
    """
    ours, theirs = _by_image(predicted, "predicted"), _by_image(truth, "true")
    for image in sorted(set(ours) & set(theirs)):
        if ours[image].subject != theirs[image].subject:
            raise StudyError(
                f"image {image!r} is of subject {ours[image].subject!r} where predicted and of "
                f"{theirs[image].subject!r} where true"
            )
    names: dict[str, None] = {}
    for report in [*theirs.values(), *ours.values()]:
        names.update(dict.fromkeys(item.name for item in report.measurements))
    resampling = None
    if rng is not None and theirs:
        subjects = tuple(report.subject for report in theirs.values())
        resampling = Resampling.draw(subjects, rng, resamples=resamples)
    return Agreement(
        quantities={name: _quantity(name, ours, theirs, resampling) for name in names},
        only_predicted=tuple(sorted(set(ours) - set(theirs))),
        only_true=tuple(sorted(set(theirs) - set(ours))),
    )


def smape(predicted: Numbers, published: Numbers) -> float:
    """Symmetric mean absolute percentage error over films, in %.

    For each film the sum of abs(a - b) over its angles is divided by the sum of abs(a) + abs(b);
    the ratios are averaged. A film where all angles of both are zero counts as 0.

    Args:
        predicted: (film, angle) or (angle,) for one film.
        published: the same shape.

    Raises:
        GeometryError: shapes differ, there is no film, or a number is not finite.

    Source:
        Accurate Automated Spinal Curvature Estimation (AASCE) challenge, MICCAI 2019. Its angles
        are not negative; the absolute values keep the measure in [0, 100] for signed ones.

    Example:
        >>> smape([[30.0, 10.0], [20.0, 0.0]], [[20.0, 10.0], [20.0, 0.0]])
        7.142857142857142
    """
    a, b = np.atleast_2d(np.array(predicted, float)), np.atleast_2d(np.array(published, float))
    if a.shape != b.shape or a.size == 0:
        raise GeometryError(
            f"SMAPE compares (film, angle) arrays of one shape, got {a.shape} and {b.shape}"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise GeometryError("SMAPE needs finite angles: leave out films that were not measured")
    difference = np.abs(a - b).sum(axis=1)
    total = (np.abs(a) + np.abs(b)).sum(axis=1)
    return float(100 * np.mean(difference / np.where(total > 0, total, 1.0)))


def _by_image(reports: Sequence[Report], which: str) -> dict[str, Report]:
    found: dict[str, Report] = {}
    for report in reports:
        if report.image in found:
            raise StudyError(f"image {report.image!r} has two {which} reports; it counts once")
        found[report.image] = report
    return dict(sorted(found.items()))


def _quantity(
    name: str,
    predicted: Mapping[str, Report],
    truth: Mapping[str, Report],
    resampling: Resampling | None,
) -> QuantityAgreement:
    refused: Counter[str] = Counter()
    without_truth = 0
    compared: list[tuple[str, str, Measurement, Measurement]] = []
    units: set[Unit] = set()
    for image in sorted(set(predicted) | set(truth)):
        ours, theirs = _find(predicted.get(image), name), _find(truth.get(image), name)
        units.update(item.unit for item in (ours, theirs) if item is not None)
        if theirs is None or theirs.value is None:
            without_truth += 1
        elif ours is None:
            refused[NO_PREDICTION if image not in predicted else "not in the report"] += 1
        elif ours.value is None:
            refused[ours.reason or ""] += 1
        else:
            compared.append((image, truth[image].subject, ours, theirs))
    if len(units) != 1:
        raise StudyError(
            f"quantity {name!r} is given in {' and '.join(sorted(units))}; measure both sides "
            "with one protocol"
        )
    empty = QuantityAgreement(
        name=name, unit=units.pop(), n=0, refused=dict(refused), without_truth=without_truth
    )
    return _figures(empty, compared, resampling) if compared else empty


def _find(report: Report | None, name: str) -> Measurement | None:
    if report is None:
        return None
    return next((item for item in report.measurements if item.name == name), None)


def _figures(
    empty: QuantityAgreement,
    compared: Sequence[tuple[str, str, Measurement, Measurement]],
    resampling: Resampling | None,
) -> QuantityAgreement:
    a = np.array([ours.value for _, _, ours, _ in compared], dtype=float)
    b = np.array([theirs.value for _, _, _, theirs in compared], dtype=float)
    if empty.unit == "deg":  # directions of 179 and -179 are 2 apart
        a = turned_near(a, b)
    difference = a - b
    bias = float(difference.mean())
    subjects = tuple(subject for _, subject, _, _ in compared)
    images = [image for image, _, _, _ in compared]
    raters = Pairs("annotated", "predicted", images, subjects, np.stack([b, a], axis=1))
    method = replace(pair_agreement(raters, resampling), points=())
    sd = method.limits.sd.value
    if sd is None and len(a) > 1:
        sd = float(difference.std(ddof=1))
    coverage, with_interval, level = _coverage([(o, t) for _, _, o, t in compared])
    return QuantityAgreement(
        name=empty.name,
        unit=empty.unit,
        n=len(a),
        refused=empty.refused,
        without_truth=empty.without_truth,
        mean_absolute_error=float(np.abs(difference).mean()),
        mae_interval=_interval(np.abs(difference), subjects, resampling),
        bias=bias,
        bias_interval=_interval(difference, subjects, resampling),
        sd=sd,
        limits=None if sd is None else (bias - WIDTH * sd, bias + WIDTH * sd),
        icc=icc_2_1(np.stack([a, b], axis=1)),
        smape=smape(a[:, None], b[:, None]),
        coverage=coverage,
        with_interval=with_interval,
        level=level,
        pairs=tuple(
            (image, float(true), float(ours))
            for image, true, ours in zip(images, b, a, strict=True)
        ),
        method=method,
    )


def _interval(
    values: Float[ndarray, " image"], subjects: tuple[str, ...], resampling: Resampling | None
) -> Interval | None:
    if resampling is None:
        return None
    owners = resampling.owners(subjects)
    return resampling.ratio(
        resampling.by_subject(values, owners),
        resampling.by_subject(np.ones(len(values)), owners),
    )


def _coverage(
    compared: Sequence[tuple[Measurement, Measurement]],
) -> tuple[float | None, int, float | None]:
    inside = []
    levels = set()
    for ours, theirs in compared:
        if ours.interval is not None and theirs.value is not None:
            inside.append(ours.interval[0] <= theirs.value <= ours.interval[1])
            levels.add(ours.level)
    if not inside:
        return None, 0, None
    level = 100 * levels.pop() if len(levels) == 1 else None
    return 100 * sum(inside) / len(inside), len(inside), level
