"""The learning curve of a measurement: its mean absolute error, in its own unit, and the advice.

A landmark's error says little of an angle's. So the reader's own quantity is measured on every
test image from the predicted and from the annotated landmarks, and the same curve is fitted to the
mean of the absolute differences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import ConfigError, StudyError
from palpate.evaluation.advice import Advice, Beside, Figures, Method, Pair, advice
from palpate.evaluation.bootstrap import Interval, Resampling
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.learning_curve import FittedCurve, fit_curve, resampled_means
from palpate.points import Points
from palpate.protocols.measure import measure_points
from palpate.protocols.protocol import Protocol, Quantity, read_protocol
from palpate.study import Study
from palpate.workflows.curve_figures import CurvePoint


@dataclass(frozen=True, eq=False, slots=True)
class MeasuredPoint:
    """A measurement of one recipe at one size.

    Args:
        size: number of training images that was asked for.
        images: what the runs had, in the mean.
        error: mean absolute difference from the annotation's; None where nothing was measured.
        interval: of it, by bootstrap over subjects; None for one subject.
        count: test images with both values.
        refused: test images whose annotation gives a value and whose prediction gives none.
        beside: the method and a person, each from one person; None where there is one annotator.
        differences: image -> absolute difference, for comparisons.
    """

    size: int
    images: float
    error: float | None
    interval: Interval | None
    count: int
    refused: int
    beside: Beside | None
    differences: Mapping[str, float]


@dataclass(frozen=True, eq=False, slots=True)
class MeasuredCurve:
    """The learning curve of one quantity.

    Args:
        quantity: as the protocol names it.
        unit: of its errors.
        points: recipe -> its points by growing size.
        fits: recipe -> the fitted curve; None where there is none.
        advice: in the quantity's unit.
    """

    quantity: str
    unit: str
    points: Mapping[str, tuple[MeasuredPoint, ...]]
    fits: Mapping[str, FittedCurve | None]
    advice: Advice


def measured_quantity(study: Study, name: str) -> tuple[Protocol, Quantity]:
    """Return the study's protocol and one of its quantities.

    Raises:
        ConfigError: the study names no protocol, or the protocol has no such quantity.
    """
    named = study.settings.protocol
    if named is None:
        raise ConfigError(
            f"study {study.name!r} names no protocol, so {name!r} cannot be measured; say so in "
            "its study.toml, as in protocol = 'cephalogram'"
        )
    protocol = read_protocol(named)
    return protocol, protocol.quantity(name)


def measured_curve(
    points: Mapping[str, Sequence[CurvePoint]],
    figures: Figures,
    protocol: Protocol,
    quantity: Quantity,
) -> MeasuredCurve:
    """Measure every test image at every size, fit, and advise in the quantity's unit.

    Args:
        points: recipe -> its points by growing size.
        figures: of the landmarks' curve: what holds of test images, folds and repeats.
        protocol: whose quantity is measured.
        quantity: what is measured.

    Raises:
        StudyError: no test image gives a value, predicted and annotated.
    """
    every = [case for own in points.values() for point in own for case in point.evaluation.cases]
    resampling = Resampling.draw(tuple(case.subject for case in every), np.random.default_rng(0))
    probe = _Probe(protocol, quantity.name, resampling)
    found = {recipe: tuple(probe.point(one) for one in own) for recipe, own in points.items()}
    if not any(one.count for own in found.values() for one in own):
        raise StudyError(
            f"{quantity.name!r} could be measured on no test image, predicted and annotated"
        )
    subjects = {case.identifier: case.subject for case in every}
    fits = {recipe: probe.fit(own, subjects) for recipe, own in found.items()}
    minutes = {recipe: own[-1].minutes for recipe, own in points.items()}
    methods = [_method(name, own, fits[name], minutes[name]) for name, own in found.items()]
    given = Figures(
        unit=quantity.unit,
        test_images=figures.test_images,
        test_subjects=figures.test_subjects,
        validation_images=figures.validation_images,
        folds=figures.folds,
        repeats=figures.repeats,
        methods=tuple(method for method in methods if method is not None),
        pairs=tuple(_pairs(found, subjects, probe)),
        failed=figures.failed,
        jobs=figures.jobs,
    )
    return MeasuredCurve(quantity.name, quantity.unit, found, fits, _named(advice(given), found))


@dataclass(frozen=True, eq=False, slots=True)
class _Probe:
    """Measures one quantity on points, and resamples the test subjects once for all sizes."""

    protocol: Protocol
    name: str
    resampling: Resampling

    def value(self, points: Points, case: EvaluatedCase) -> float | None:
        report = measure_points(self.protocol, points, case.calibration)
        return next(item.value for item in report.measurements if item.name == self.name)

    def point(self, point: CurvePoint) -> MeasuredPoint:
        differences: dict[str, float] = {}
        refused, people, model = 0, {}, {}
        for case in point.evaluation.cases:
            ours = self.value(case.prediction.points, case)
            theirs = self.value(case.truth, case)
            if theirs is not None and ours is None:
                refused += 1
            if ours is None or theirs is None:
                continue
            differences[case.identifier] = abs(ours - theirs)
            given = [self.value(one, case) for one in case.annotators.values()]
            each = [value for value in given if value is not None]
            if len(each) > 1:
                apart = [abs(one - two) for one, two in combinations(each, 2)]
                people[case.identifier] = float(np.mean(apart))
                model[case.identifier] = float(np.mean([abs(ours - value) for value in each]))
        owners = {case.identifier: case.subject for case in point.evaluation.cases}
        mean, interval = self.mean(differences, owners)
        return MeasuredPoint(
            size=point.size,
            images=point.images,
            error=mean,
            interval=interval,
            count=len(differences),
            refused=refused,
            beside=self.beside(model, people, owners),
            differences=differences,
        )

    def sums(
        self, values: Mapping[str, float], owners: Mapping[str, str]
    ) -> tuple[Float[ndarray, " subject"], Float[ndarray, " subject"]]:
        """Sum values, and count them, by subject."""
        rows = self.resampling.owners(tuple(owners[name] for name in values))
        given = np.array(list(values.values()), dtype=float)
        total = self.resampling.by_subject(given, rows)
        return total, self.resampling.by_subject(np.ones(len(given)), rows)

    def mean(
        self, values: Mapping[str, float], owners: Mapping[str, str]
    ) -> tuple[float | None, Interval | None]:
        if not values:
            return None, None
        total, count = self.sums(values, owners)
        return float(total.sum() / count.sum()), self.resampling.ratio(total, count)

    def beside(
        self, model: Mapping[str, float], people: Mapping[str, float], owners: Mapping[str, str]
    ) -> Beside | None:
        """Set the method's distance from one person beside that of two people."""
        ours, _ = self.mean(model, owners)
        theirs, _ = self.mean(people, owners)
        if ours is None or theirs is None:
            return None
        change = {name: model[name] - people[name] for name in model}
        return Beside(ours, theirs, ours - theirs, self.mean(change, owners)[1])

    def fit(self, points: Sequence[MeasuredPoint], owners: Mapping[str, str]) -> FittedCurve | None:
        """Fit the points that have an error; None where they are fewer than two."""
        known = [(one, one.error) for one in points if one.error is not None]
        if len(known) < 2:
            return None
        sums = [self.sums(one.differences, owners) for one, _ in known]
        totals, counts = (np.stack([pair[k] for pair in sums]) for k in (0, 1))
        drawn = resampled_means(totals, counts, self.resampling)
        alone = len(self.resampling.subjects) < 2
        try:
            return fit_curve(
                [one.images for one, _ in known],
                [error for _, error in known],
                None if alone else drawn,
            )
        except StudyError:
            return None  # sizes that came to the same images, or no error at all


def _method(
    name: str, points: Sequence[MeasuredPoint], fit: FittedCurve | None, minutes: float | None
) -> Method | None:
    known = [(one, one.error) for one in points if one.error is not None]
    if not known:
        return None
    last = known[-1][0]
    return Method(
        name=name,
        sizes=tuple(one.size for one, _ in known),
        images=tuple(one.images for one, _ in known),
        errors=tuple(error for _, error in known),
        interval=last.interval,
        typical=None,
        missed=0.0,  # a caveat of its own says what could not be measured
        minutes=minutes,
        fit=fit,
        typical_fit=None,
        beside=last.beside,
    )


def _pairs(
    found: Mapping[str, Sequence[MeasuredPoint]], owners: Mapping[str, str], probe: _Probe
) -> list[Pair]:
    """Compare every two recipes at every size over the images that both could be measured on."""
    pairs: list[Pair] = []
    for first, second in combinations(found, 2):
        there = {one.size: one for one in found[first]}
        for two in found[second]:
            one = there.get(two.size)
            if one is None:
                continue
            change = {
                name: two.differences[name] - value
                for name, value in one.differences.items()
                if name in two.differences
            }
            mean, interval = probe.mean(change, owners)
            if mean is not None:
                pairs.append(Pair(two.size, first, second, mean, interval))
    return pairs


def _named(given: Advice, found: Mapping[str, Sequence[MeasuredPoint]]) -> Advice:
    """Add to the caveats where a value could not be had."""
    refused = [
        f"{recipe}: on {own[-1].refused} of {own[-1].count + own[-1].refused} test images it could "
        "not be measured from the predicted landmarks; they are in no mean."
        for recipe, own in found.items()
        if own[-1].refused
    ]
    return Advice(given.advised, (*given.caveats, *refused))
