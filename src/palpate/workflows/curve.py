"""How error falls with the number of training images, for several recipes on one test set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from palpate.evaluation.advice import Advice, Figures, advice
from palpate.evaluation.tables import ErrorUnit
from palpate.protocols.protocol import read_protocol
from palpate.study import Study
from palpate.training.recipe import Recipe
from palpate.workflows.curve_advice import figures_of
from palpate.workflows.curve_cut import TrainingSet
from palpate.workflows.curve_figures import (
    CurvePoint,
    SizeDifference,
    common_unit,
    curve_points,
    size_differences,
)
from palpate.workflows.curve_fit import RecipeFit, fit_recipe
from palpate.workflows.curve_measured import MeasuredCurve, measured_curve, measured_quantity
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
        measured: the same of one measurement, in its unit; None where none was asked for.
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
    measured: MeasuredCurve | None = None

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


def with_measure(curve: LearningCurve, study: Study, name: str) -> LearningCurve:
    """Add the learning curve of a quantity of the study's protocol.

    Raises:
        ConfigError: there is no such quantity.
        StudyError: it could be measured on no test image.
    """
    protocol, quantity = measured_quantity(study, name)
    return replace(curve, measured=measured_curve(curve.points, curve.figures, protocol, quantity))
