"""A learning curve as its page needs it."""

from collections.abc import Mapping, Sequence

from palpate.evaluation.errors import annotator_pairs, model_against_each
from palpate.report.curve_reported import (
    ReportedCurve,
    ReportedDifference,
    ReportedMethod,
    ReportedSize,
)
from palpate.workflows.curve import LearningCurve
from palpate.workflows.curve_figures import CurvePoint, film_errors, in_unit, percentiles, success
from palpate.workflows.curve_fit import RecipeFit


def reported_curve(curve: LearningCurve, provenance: Mapping[str, str]) -> ReportedCurve:
    """Gather what the page shows."""
    points = [point for own in curve.points.values() for point in own]
    widest = max(points, key=lambda point: len(point.evaluation.cases))
    several = [case for case in widest.evaluation.cases if len(case.annotators) > 1]
    ceiling = widest.evaluation.ceiling
    people = None
    if ceiling is not None:
        between = ceiling.between
        people = (between.mm if curve.unit == "mm" and between.mm else between.px).overall.mean
    pairs = annotator_pairs(several)
    return ReportedCurve(
        study=curve.study,
        unit=curve.unit,
        limit=success(widest.evaluation)[0],
        film_unit=widest.film_unit,
        test_images=curve.figures.test_images,
        test_subjects=curve.figures.test_subjects,
        methods=tuple(
            _method(own, curve.fits[recipe], curve) for recipe, own in curve.points.items()
        ),
        differences=tuple(
            ReportedDifference(row.size, row.first, row.second, row.paired)
            for row in curve.differences
        ),
        people=people,
        people_films=film_errors(pairs, curve.normaliser)[1] if several else None,
        advised=(*curve.advice.advised, *_of_measure(curve)),
        caveats=(*curve.advice.caveats, *_against_measure(curve)),
        failed={one.run.place.as_posix(): one.reason for one in curve.failed},
        provenance=provenance,
    )


def _method(points: Sequence[CurvePoint], fit: RecipeFit, curve: LearningCurve) -> ReportedMethod:
    last = points[-1]
    several = [case for case in last.evaluation.cases if len(case.annotators) > 1]
    return ReportedMethod(
        name=last.recipe,
        sizes=tuple(
            _size(point, None if beside is None else beside.model, curve)
            for point, beside in zip(points, fit.beside, strict=True)
        ),
        fit=fit.mean,
        films=film_errors(model_against_each(several), curve.normaliser)[1]
        if several
        else last.films,
    )


def _size(point: CurvePoint, from_one: float | None, curve: LearningCurve) -> ReportedSize:
    overall = in_unit(point.evaluation, curve.unit)
    _, rate, bounds = success(point.evaluation)
    images = [one.run.trained_on.images for one in point.runs if one.cases]
    return ReportedSize(
        size=point.size,
        images=(min(images), max(images)),
        at=point.images,
        mean=overall.mean,
        interval=overall.interval,
        median=overall.median,
        success=rate,
        success_interval=bounds,
        percentiles=percentiles(point.films),
        missed=overall.missed,
        from_one=from_one,
        minutes=point.minutes,
    )


def _of_measure(curve: LearningCurve) -> list[str]:
    """The advice on a measurement, each sentence under its name."""
    measured = curve.measured
    if measured is None:
        return []
    return [f"{measured.quantity}: {sentence}" for sentence in measured.advice.advised]


def _against_measure(curve: LearningCurve) -> list[str]:
    """What speaks against leaning on it, beside what does for the landmarks as well."""
    measured = curve.measured
    if measured is None:
        return []
    own = [each for each in measured.advice.caveats if each not in curve.advice.caveats]
    return [f"{measured.quantity}: {sentence}" for sentence in own]
