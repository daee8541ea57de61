"""The figures of a learning curve as advice needs them."""

from collections.abc import Mapping, Sequence

from palpate.evaluation.advice import Figures, Method, Pair
from palpate.evaluation.tables import ErrorUnit
from palpate.workflows.curve_figures import CurvePoint, SizeDifference, in_unit
from palpate.workflows.curve_fit import RecipeFit
from palpate.workflows.curve_runs import JudgedRun


def figures_of(
    runs: Sequence[JudgedRun],
    points: Mapping[str, Sequence[CurvePoint]],
    fits: Mapping[str, RecipeFit],
    differences: Sequence[SizeDifference],
    unit: ErrorUnit,
) -> Figures:
    """Gather what advice is given on."""
    judged = [one for one in runs if one.cases]
    tested = {case.identifier: case.subject for one in judged for case in one.cases}
    sets = [one.run.trained_on for one in judged]
    methods = [_method(own, fits[recipe], unit) for recipe, own in points.items()]
    return Figures(
        unit=unit,
        test_images=len(tested),
        test_subjects=len(set(tested.values())),
        validation_images=max(len(one.split.parts["validation"]) for one in sets),
        folds=len({one.fold for one in sets}),
        repeats=len({one.repeat for one in sets}),
        methods=tuple(method for method in methods if method is not None),
        pairs=tuple(
            Pair(row.size, row.first, row.second, row.paired.difference, row.paired.interval)
            for row in differences
            if row.paired.metric == f"error_{unit}"
        ),
        failed=sum(bool(one.reason) for one in runs),
        jobs=max((one.took.jobs for one in judged if one.took is not None), default=1),
    )


def _method(points: Sequence[CurvePoint], fit: RecipeFit, unit: ErrorUnit) -> Method | None:
    """Return a recipe's figures; None where it found nothing at all."""
    # A point where nothing was found has no error, and the curve goes without it.
    known = [
        (point, summary.mean, beside, films)
        for point, beside, films in zip(points, fit.beside, fit.films, strict=True)
        if (summary := in_unit(point.evaluation, unit)).mean is not None
    ]
    if not known:
        return None
    point, _, beside, films = known[-1]
    summary = in_unit(point.evaluation, unit)
    return Method(
        name=point.recipe,
        sizes=tuple(one.size for one, *_ in known),
        images=tuple(one.images for one, *_ in known),
        errors=tuple(mean for _, mean, *_ in known if mean is not None),
        interval=summary.interval,
        typical=films,
        missed=summary.missed / summary.count,
        minutes=point.minutes,
        fit=fit.mean,
        typical_fit=fit.typical,
        beside=beside,
    )
