"""The runs of a learning curve: recipe by size by fold and repeat, trained and judged once."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from palpate.errors import ConfigError, PalpateError
from palpate.evaluation.cases import EvaluatedCase
from palpate.io.predictions import (
    PredictionFile,
    read_predictions,
    write_predictions,
)
from palpate.localisers.load import load_localiser
from palpate.study import Study
from palpate.training.device import choose_device
from palpate.training.job import TrainingJob
from palpate.training.recipe import Recipe
from palpate.workflows.curve_cut import TrainingSet
from palpate.workflows.evaluate import evaluate_study, pair
from palpate.workflows.folds import refuse_other_cuts
from palpate.workflows.provenance import localiser_provenance
from palpate.workflows.same_ground import claim, keep_labels
from palpate.workflows.train_folds import TIMING, Run, Workers, train_runs

# run, what is being done, how much of it, of how much, a remark
CurveAdvance = Callable[["CurveRun", str, int, int, str], None]
_PREDICTIONS = "predictions.json"


@dataclass(frozen=True, slots=True)
class CurveRun:
    """One recipe trained on one set of images."""

    recipe: Recipe
    trained_on: TrainingSet

    @property
    def place(self) -> Path:
        """The run's folder below that of the curve."""
        return Path(self.recipe.name) / str(self.trained_on.size) / self.trained_on.name


@dataclass(frozen=True, slots=True)
class Took:
    """How long a run was trained.

    Args:
        seconds: by the clock on the wall.
        jobs: runs that shared the machine.
        resumed: the run was interrupted, and ``seconds`` are of its last leg alone.
    """

    seconds: float
    jobs: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """A run and what it found on the test images.

    Args:
        run: what was trained.
        cases: test images with truth and prediction; empty where the run failed.
        failures: test images that could not be predicted, with reasons.
        took: None where it is not known.
        reason: why the run failed; empty where it did not.
    """

    run: CurveRun
    cases: tuple[EvaluatedCase, ...]
    failures: dict[str, str]
    took: Took | None
    reason: str = ""


def curve_runs(recipes: Sequence[Recipe], sets: Sequence[TrainingSet]) -> list[CurveRun]:
    """Pair every recipe with every training set, small sets first.

    Raises:
        ConfigError: no recipe, two of one name, two that cut a study in different ways, or one
            that has its weights chosen by halves of the held-out images.
    """
    if not recipes:
        raise ConfigError("a learning curve needs one recipe at least")
    refuse_other_cuts(recipes)
    for recipe in recipes:
        if recipe.crossval.choose == "halves":
            raise ConfigError(
                f"recipe {recipe.name!r} chooses its weights by halves of the held-out images; a "
                "learning curve keeps its test images apart: --set crossval.choose=validation"
            )
    by_size = sorted(sets, key=lambda one: one.size)
    return [CurveRun(recipe, one) for one in by_size for recipe in recipes]


def trust_runs(study: Study, runs: Sequence[CurveRun], out: Path) -> None:
    """Write down, on a person's word, that the runs below ``out`` were trained on these labels."""
    for run in runs:
        job = TrainingJob(study, run.recipe, run.trained_on.split)
        keep_labels(out / run.place, job, by="a person's word")


def train_and_judge(
    study: Study, runs: Sequence[CurveRun], out: Path, *, workers: Workers, advance: CurveAdvance
) -> list[JudgedRun]:
    """Train and judge what is not finished; a run that fails does not stop the others.

    Raises:
        ConfigError: a folder below ``out`` holds a run of other images, labels or settings.
        PalpateError: all runs failed.
    """
    jobs = [TrainingJob(study, run.recipe, run.trained_on.split) for run in runs]
    for run, job in zip(runs, jobs, strict=True):
        claim(out / run.place, job)
    failed = train_runs(
        [Run(job, out / run.place) for run, job in zip(runs, jobs, strict=True)],
        workers=workers,
        advance=lambda number, *news: advance(runs[number], *news),
    )
    judged = []
    for number, run in enumerate(runs):
        reason = failed.get(number, "")
        if not reason:
            judged.append(_judge(study, run, out / run.place, workers, advance))
        else:
            judged.append(JudgedRun(run, (), {}, None, reason))
    if not any(one.cases for one in judged):
        first = judged[0]
        raise PalpateError(f"all {len(judged)} runs failed; {first.run.place}: {first.reason}")
    return judged


def _judge(
    study: Study, run: CurveRun, root: Path, workers: Workers, advance: CurveAdvance
) -> JudgedRun:
    took = _took(root)
    try:
        found = _predicted(study, run, root, workers, advance)
    except PalpateError as error:
        return JudgedRun(run, (), {}, took, str(error))
    cases = tuple(pair(study.case(image.image), image) for image in found.images)
    return JudgedRun(run, cases, dict(found.failures), took)


def _predicted(
    study: Study, run: CurveRun, root: Path, workers: Workers, advance: CurveAdvance
) -> PredictionFile:
    """Predict the test images, or read what these weights found before."""
    path = root / _PREDICTIONS
    localiser = load_localiser(root, device=str(choose_device(workers.device)))
    if path.exists():
        before = read_predictions(path)
        if before.provenance.get("weights") == localiser.weights:
            return before
    found = evaluate_study(
        localiser,
        study,
        run.trained_on.split.parts["test"],
        advance=lambda done, total: advance(run, "predicting", done, total, ""),
    )
    provenance = localiser_provenance(localiser)
    file = PredictionFile(study.scheme, found.predicted, provenance, found.failures)
    write_predictions(file, path)
    return file


def _took(root: Path) -> Took | None:
    try:
        values = json.loads((root / TIMING).read_text(encoding="utf-8"))
        return Took(float(values["seconds"]), int(values["jobs"]), bool(values["resumed"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # the run stands without it
