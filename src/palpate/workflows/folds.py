"""A study cut into folds by subject, and what is trained in each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from palpate.errors import ConfigError, StudyError
from palpate.splits import Split, find_copies, folds_by_subject, refuse_leaks
from palpate.study import Study
from palpate.study_case import StudyCase
from palpate.training.job import TrainingJob
from palpate.training.recipe import Recipe
from palpate.training.settings import CrossvalSettings


@dataclass(frozen=True, slots=True)
class Folds:
    """A study cut into parts by subject; the same folds serve every recipe of a comparison."""

    study: Study
    splits: tuple[Split, ...]


def make_folds(
    study: Study,
    settings: CrossvalSettings,
    *,
    seed: int,
    count: int | None = None,
    only: int | None = None,
) -> Folds:
    """Cut a study by subject; refuse nearly the same image in two parts of a fold.

    Args:
        study: annotated, at least in part.
        settings: how many folds, and whether subjects are set aside for validation.
        seed: of the cut.
        count: number of folds, in place of that of the settings.
        only: keep the first ``only`` folds.

    Raises:
        StudyError: too few subjects, or nearly the same image under two of them.
    """
    annotated = study.annotated()
    subjects = {case.subject for case in annotated.cases}
    if len(subjects) < 2:
        raise StudyError(
            f"study {study.name!r} is of one subject, {next(iter(subjects), 'none')!r}: nobody is "
            "left to train on when it is held out; annotate a second, or cut one recording in time"
        )
    folds = count or (len(subjects) if settings.folds == "subjects" else settings.folds)
    validation = 0.0 if settings.choose == "halves" else settings.validation
    splits = folds_by_subject(
        annotated, folds, rng=np.random.default_rng(seed), validation=validation
    )
    # Every image is read once, not once a fold; folds are by subject, so only copies under two
    # subjects can leak.
    copies = find_copies(annotated)
    for split in splits:
        refuse_leaks(split, annotated, duplicates=copies)
    return Folds(annotated, tuple(splits[:only]))


def refuse_other_cuts(recipes: Sequence[Recipe]) -> None:
    """Refuse recipes that could not be judged on the same folds.

    Raises:
        ConfigError: two of one name, or two that cut a study or choose weights in different ways.
    """
    names = [recipe.name for recipe in recipes]
    if len(set(names)) < len(names):
        raise ConfigError(f"recipes need different names to be told apart, got {names}")
    for recipe in recipes[1:]:
        if recipe.crossval != recipes[0].crossval:
            raise ConfigError(
                f"recipes {names[0]!r} and {recipe.name!r} differ in [crossval], so they would not "
                "be judged alike; set both, as in --set crossval.choose=validation"
            )


def fold_job(folds: Folds, number: int, recipe: Recipe) -> TrainingJob[Recipe]:
    """Return what is trained in a fold, counted from 0."""
    split = folds.splits[number]
    if recipe.crossval.choose == "validation":
        return TrainingJob(folds.study, recipe, split)
    held_out = [folds.study.case(name) for name in split.parts["test"]]
    return TrainingJob(folds.study, recipe, split, halves_of(held_out))


def halves_of(cases: Sequence[StudyCase]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Cut the images of each held-out subject in two, by whole clips as far as that goes.

    Clips are dealt in turn by the number of their frames, the longest first. A subject's images
    that are not of clips, or are all of one, are cut in the middle of their order: neighbours in
    time stay together.

    Raises:
        StudyError: a subject has one image only.
    """
    halves: tuple[list[str], list[str]] = ([], [])
    subjects: dict[str, list[StudyCase]] = {}
    for case in cases:
        subjects.setdefault(case.subject, []).append(case)
    for subject, own in subjects.items():
        if len(own) < 2:
            raise StudyError(
                f"subject {subject!r} has one annotated image; two halves need two at least"
            )
        for half, names in zip(halves, _two(own), strict=True):
            half.extend(names)
    return tuple(halves[0]), tuple(halves[1])


def _two(cases: Sequence[StudyCase]) -> tuple[list[str], list[str]]:
    clips: dict[str, list[str]] = {}
    for case in cases:
        clips.setdefault(case.clip.clip if case.clip else "", []).append(case.identifier)
    if len(clips) < 2:
        names = [case.identifier for case in cases]
        return names[: len(names) // 2], names[len(names) // 2 :]
    halves: tuple[list[str], list[str]] = ([], [])
    for names in sorted(clips.values(), key=len, reverse=True):
        min(halves, key=len).extend(names)
    return halves
