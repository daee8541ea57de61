"""One run of a learning curve as a row of a table."""

import numpy as np

from palpate.evaluation.errors import model_against_truth
from palpate.evaluation.evaluate import evaluate
from palpate.workflows.curve_figures import PERCENTILES, film_errors, percentiles, success
from palpate.workflows.curve_runs import JudgedRun


def run_row(one: JudgedRun, normaliser: tuple[str, str] | None) -> dict[str, object]:
    """Return what a run was, what it found and how long it took; None where there is no value."""
    cut, took = one.run.trained_on, one.took
    return {
        "recipe": one.run.recipe.name,
        "size": cut.size,
        "fold": cut.fold + 1,
        "repeat": cut.repeat + 1,
        "training_images": cut.images,
        "training_subjects": cut.subjects,
        "validation_images": len(cut.split.parts["validation"]),
        "test_images": len(cut.split.parts["test"]),
        "predicted": len(one.cases),
        **_figures(one, normaliser),
        "seconds": None if took is None else took.seconds,
        "jobs": None if took is None else took.jobs,
        "resumed": None if took is None else took.resumed,
        "run": one.run.place.as_posix(),
        "failed": one.reason or None,
    }


def _figures(one: JudgedRun, normaliser: tuple[str, str] | None) -> dict[str, object]:
    films = [f"film_p{q}" for q in PERCENTILES]
    names = ["unit", "mean", "median", "missed", "success_limit", "success", "film_unit", *films]
    if not one.cases:
        return dict.fromkeys(names)
    # Of one run no interval is written: few resamples do.
    found = evaluate(one.cases, normaliser=normaliser, rng=np.random.default_rng(0), resamples=1)
    limit, rate, _ = success(found)
    unit, errors = film_errors(model_against_truth(found.cases), normaliser)
    overall = found.overall
    values = [found.unit, overall.mean, overall.median, overall.missed, limit, rate, unit]
    return dict(zip(names, [*values, *percentiles(errors).values()], strict=True))
