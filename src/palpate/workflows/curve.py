"""How error falls with the number of training images, for several recipes on one test set."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from palpate.evaluation.advice import Advice, Figures, advice
from palpate.evaluation.plain import plain
from palpate.evaluation.tables import ErrorUnit
from palpate.files import write_json, write_rows
from palpate.protocols.protocol import read_protocol
from palpate.training.recipe import Recipe
from palpate.workflows.curve_advice import figures_of
from palpate.workflows.curve_cut import TrainingSet
from palpate.workflows.curve_figures import (
    CurvePoint,
    SizeDifference,
    common_unit,
    curve_points,
    in_unit,
    percentiles,
    size_differences,
    success,
)
from palpate.workflows.curve_fit import RecipeFit, fit_recipe
from palpate.workflows.curve_row import run_row
from palpate.workflows.curve_runs import CurveAdvance, JudgedRun, curve_runs, train_and_judge
from palpate.workflows.folds import Folds
from palpate.workflows.train_folds import Workers


@dataclass(frozen=True, eq=False, slots=True)
class LearningCurve:
    """Everything that is known of the recipes at the sizes.

    Args:
        study: its name.
        unit: of the errors: mm where all test images are calibrated, else px.
        normaliser: two landmarks whose true distance divides the films' errors, or None.
        runs: all, those that failed too.
        points: recipe -> its points by growing size.
        differences: of every two recipes at every size.
        fits: recipe -> its learning curves.
        figures: what the advice is given on.
        advice: what to do next, and what speaks against leaning on it.
    """

    study: str
    unit: ErrorUnit
    normaliser: tuple[str, str] | None
    runs: tuple[JudgedRun, ...]
    points: Mapping[str, tuple[CurvePoint, ...]]
    differences: tuple[SizeDifference, ...]
    fits: Mapping[str, RecipeFit]
    figures: Figures
    advice: Advice

    @property
    def failed(self) -> tuple[JudgedRun, ...]:
        """Runs that could not be trained or judged."""
        return tuple(one for one in self.runs if one.reason)


def learn_curve(
    folds: Folds,
    recipes: Sequence[Recipe],
    sets: Sequence[TrainingSet],
    out: Path,
    *,
    workers: Workers,
    advance: CurveAdvance,
) -> LearningCurve:
    """Train every recipe on every training set, into folders below ``out``, and sum up.

    Finished runs are not done again; one that fails is named and does not stop the others.

    Raises:
        ConfigError: recipes of one name, or a folder that holds another run.
        PalpateError: all runs failed.
    """
    runs = curve_runs(recipes, sets)
    named = folds.study.settings.protocol
    normaliser = read_protocol(named).normaliser if named else None
    judged = train_and_judge(folds.study, runs, out, workers=workers, advance=advance)
    points = curve_points(judged, normaliser)
    unit = common_unit(points)
    differences = size_differences(points, unit)
    fits = {recipe: fit_recipe(own, unit) for recipe, own in points.items()}
    figures = figures_of(judged, points, fits, differences, unit)
    return LearningCurve(
        study=folds.study.name,
        unit=unit,
        normaliser=normaliser,
        runs=tuple(judged),
        points=points,
        differences=differences,
        fits=fits,
        figures=figures,
        advice=advice(figures),
    )


def write_curve(curve: LearningCurve, out: Path) -> None:
    """Write ``curve.json`` and ``curve.csv``."""
    write_rows(out / "curve.csv", [run_row(one, curve.normaliser) for one in curve.runs])
    write_json(
        out / "curve.json",
        {
            "study": curve.study,
            "unit": curve.unit,
            "normaliser": plain(curve.normaliser),
            "recipes": {
                recipe: [_point(point, curve.unit) for point in points]
                for recipe, points in curve.points.items()
            },
            "differences": [plain(asdict(row)) for row in curve.differences],
            "fits": {recipe: plain(fit) for recipe, fit in curve.fits.items()},
            "advice": list(curve.advice.advised),
            "caveats": list(curve.advice.caveats),
            "failed": {str(one.run.place): one.reason for one in curve.failed},
        },
    )


def _point(point: CurvePoint, unit: ErrorUnit) -> dict[str, object]:
    overall = in_unit(point.evaluation, unit)
    limit, rate, interval = success(point.evaluation)
    return {
        "size": point.size,
        "training_images": [one.run.trained_on.images for one in point.runs if one.cases],
        "training_images_mean": point.images,
        "test_images": len(point.evaluation.cases),
        "test_subjects": point.evaluation.subjects,
        "mean": overall.mean,
        "mean_interval": plain(overall.interval),
        "median": overall.median,
        "missed": overall.missed,
        "success_limit": limit,
        "success": rate,
        "success_interval": plain(interval),
        "film_unit": point.film_unit,
        "film_percentiles": plain(percentiles(point.films)),
        "minutes": point.minutes,
        "evaluation": point.evaluation.to_json(),
    }
