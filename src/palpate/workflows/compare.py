"""Several recipes on the same folds: figures of each, paired differences to the first.

Beside them stands what needs no training, the mean shape and the nearest film. A finished fold is
taken for one of the comparison only where its settings, images and labels are those asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from palpate import __version__
from palpate.errors import ConfigError
from palpate.evaluation.baselines import Baseline
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.compare import PairedDifference, paired
from palpate.evaluation.evaluate import Evaluation, evaluate
from palpate.evaluation.posture_paired import PostureDifference, paired_posture
from palpate.files import write_json
from palpate.protocols.protocol import Protocol, read_protocol
from palpate.report.posture_report import ReportedPosture, write_posture_report
from palpate.study import Study
from palpate.training.job import TrainingJob
from palpate.training.recipe import Recipe
from palpate.workflows.assess import outlines_of
from palpate.workflows.baselines import baseline_cases, judged_baselines, read_marked
from palpate.workflows.crossval import cross_validate
from palpate.workflows.evaluate import EvaluatedStudy
from palpate.workflows.folds import Folds, fold_job, refuse_other_cuts
from palpate.workflows.limb_tables import (
    StudiedLimbs,
    fold_runs,
    study_limbs,
    tells_of_limbs,
    write_limbs,
)
from palpate.workflows.posture_study import (
    StudiedPosture,
    posture_frames,
    study_posture,
    write_posture,
)
from palpate.workflows.same_ground import keep_labels, refuse_another
from palpate.workflows.scored import SCORED_ANNOTATED, scored_cases
from palpate.workflows.train_folds import Workers


@dataclass(frozen=True, eq=False, slots=True)
class Comparison:
    """Figures by recipe and paired differences to the first recipe, by metric.

    ``posture`` and ``posture_differences`` are empty where no posture is measured, ``limbs`` is
    None where no recipe finds limbs in clips; ``scored`` says which labels count, where not all
    do. ``baselines`` are what needs no training, ``baseline_differences`` theirs to the first
    recipe; empty where a held-out image could not be read small.
    """

    baseline: str
    evaluations: dict[str, Evaluation]
    differences: dict[str, tuple[PairedDifference, ...]]
    posture: dict[str, StudiedPosture] = field(default_factory=dict)
    posture_differences: dict[str, tuple[PostureDifference, ...]] = field(default_factory=dict)
    scored: str = ""
    limbs: StudiedLimbs | None = None
    baselines: tuple[Baseline, ...] = ()
    baseline_differences: dict[str, tuple[PairedDifference, ...]] = field(default_factory=dict)

    def rows(self) -> list[tuple[str, PairedDifference]]:
        """Return (recipe, difference) in the order of the recipes, then the baselines."""
        every = {**self.differences, **self.baseline_differences}
        return [(name, row) for name, rows in every.items() for row in rows]


def compare_recipes(
    folds: Folds,
    recipes: Sequence[Recipe],
    out: Path,
    *,
    workers: Workers,
    annotated_only: bool = False,
    advance: Callable[[str, int, str, int, int, str], None],
) -> Comparison:
    """Cross-validate every recipe into its own folder below ``out`` and compare.

    Raises:
        ConfigError: fewer than two recipes, two of one name, two that cut the study or choose
            their weights in different ways, or a fold that is there is of other settings, images
            or labels than are asked for, or it cannot be told.
    """
    if len(recipes) < 2:
        names = [recipe.name for recipe in recipes]
        raise ConfigError(f"compare needs two or more recipes of different names, got {names}")
    refuse_other_cuts(recipes)
    roots = {recipe.name: out / recipe.name for recipe in recipes}
    jobs = fold_jobs(folds, recipes, out)
    for place, job in jobs:
        refuse_another(place, job)
    results = {
        recipe.name: cross_validate(
            folds,
            recipe,
            roots[recipe.name],
            workers=workers,
            advance=partial(advance, recipe.name),
        )
        for recipe in recipes
    }
    for place, job in jobs:
        keep_labels(place, job)
    return compare_results(folds, results, roots, annotated_only=annotated_only)


def fold_jobs(
    folds: Folds, recipes: Sequence[Recipe], out: Path
) -> list[tuple[Path, TrainingJob[Recipe]]]:
    """Return the run folders of a comparison below ``out``, and what is trained in each."""
    return [
        (out / recipe.name / f"fold-{number + 1}", fold_job(folds, number, recipe))
        for recipe in recipes
        for number in range(len(folds.splits))
    ]


def compare_results(
    folds: Folds,
    results: Mapping[str, EvaluatedStudy],
    roots: Mapping[str, Path],
    *,
    annotated_only: bool = False,
) -> Comparison:
    """Compare what several methods found of the same held-out images.

    Args:
        folds: study, and the splits that the images were held out in.
        results: method -> predictions and truth; the first is what others are compared with.
        roots: method -> folder with its runs, fold by fold.
        annotated_only: labels between annotated frames are not scored.

    Raises:
        StudyError: images, subjects or truths are not the same.
    """
    named = folds.study.settings.protocol
    protocol = read_protocol(named) if named else None
    scored = {
        name: scored_cases(folds.study, result.cases, annotated_only=annotated_only)
        for name, result in results.items()
    }
    figures = {
        name: evaluate(
            cases,
            normaliser=protocol.normaliser if protocol else None,
            outlines=outlines_of(protocol),
            rng=np.random.default_rng(0),
        )
        for name, cases in scored.items()
    }
    first, *others = scored
    in_mm = figures[first].unit == "mm"
    guesses = baseline_cases(read_marked(folds.study), folds.splits, scored[first])
    comparison = Comparison(
        first,
        figures,
        {name: _differences(scored[first], scored[name], in_mm=in_mm) for name in others},
        scored=SCORED_ANNOTATED if annotated_only else "",
        limbs=_limbs(folds, results, roots),
        baselines=judged_baselines(guesses, like=figures[first], seed=0),
        baseline_differences={
            name: _differences(scored[first], own, in_mm=in_mm) for name, own in guesses.items()
        },
    )
    if protocol is None or protocol.posture is None or folds.study.cases[0].clip is None:
        return comparison
    return _with_posture(comparison, protocol, folds.study, results, annotated_only=annotated_only)


def _differences(
    first: Sequence[EvaluatedCase], second: Sequence[EvaluatedCase], *, in_mm: bool
) -> tuple[PairedDifference, ...]:
    metrics = ("error_mm", "success_2_mm") if in_mm else ("error_px",)
    return tuple(
        paired(first, second, rng=np.random.default_rng(0), metric=metric) for metric in metrics
    )


def _limbs(
    folds: Folds, results: Mapping[str, EvaluatedStudy], roots: Mapping[str, Path]
) -> StudiedLimbs | None:
    runs = {name: fold_runs(roots[name], len(folds.splits)) for name in results}
    if not tells_of_limbs(folds.study, [run for each in runs.values() for run in each]):
        return None
    predicted = {name: result.cases for name, result in results.items()}
    return study_limbs(folds.study, predicted, runs, seed=0)


def _with_posture(
    comparison: Comparison,
    protocol: Protocol,
    study: Study,
    results: Mapping[str, EvaluatedStudy],
    *,
    annotated_only: bool,
) -> Comparison:
    frames = {
        name: posture_frames(
            protocol, study, result.cases, made_by=name, annotated_only=annotated_only
        )
        for name, result in results.items()
    }
    return replace(
        comparison,
        posture={
            name: study_posture(
                protocol,
                study,
                result.cases,
                made_by=name,
                seed=0,
                annotated_only=annotated_only,
            )
            for name, result in results.items()
        },
        posture_differences={
            name: paired_posture(
                protocol, frames[comparison.baseline], other, rng=np.random.default_rng(0)
            )
            for name, other in frames.items()
            if name != comparison.baseline
        },
    )


def write_comparison(comparison: Comparison, out: Path) -> None:
    """Write ``comparison.json``; where there are any, tables and a page of posture and of limbs."""
    for name, posture in comparison.posture.items():
        write_posture(posture, out / name / "posture")
    if comparison.posture:
        write_posture_report(
            ReportedPosture(
                "Posture by recipe",
                [posture.found for posture in comparison.posture.values()],
                comparison.posture[comparison.baseline].baseline,
                comparison.posture_differences,
                provenance={"scored": comparison.scored} if comparison.scored else {},
            ),
            out / "posture.html",
        )
    if comparison.limbs is not None:
        write_limbs(
            comparison.limbs,
            out,
            title="Limbs by recipe",
            provenance={"recipes": ", ".join(comparison.evaluations), "palpate": __version__},
        )
    write_json(
        out / "comparison.json",
        {
            "baseline": comparison.baseline,
            **({"scored": comparison.scored} if comparison.scored else {}),
            "recipes": {name: e.to_json() for name, e in comparison.evaluations.items()},
            "baselines": {one.name: one.evaluation.to_json() for one in comparison.baselines},
            "differences": _plain(comparison.differences),
            "baseline_differences": _plain(comparison.baseline_differences),
            "posture_differences": {
                name: [row.row() for row in rows]
                for name, rows in comparison.posture_differences.items()
            },
            **({"limbs": comparison.limbs.to_json()} if comparison.limbs is not None else {}),
        },
    )


def _plain(
    differences: Mapping[str, Sequence[PairedDifference]],
) -> dict[str, list[dict[str, object]]]:
    return {name: [asdict(row) for row in rows] for name, rows in differences.items()}
