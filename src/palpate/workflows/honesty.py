"""Whether a method's figures can be honest: copies across the split, shuffled labels, baselines.

A method that is trained on the labels of other people, thrown anywhere, cannot learn where a
landmark lies. If it is nearer than the mean shape on held-out subjects, it has seen them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from palpate.duplicates import Duplicate
from palpate.evaluation.baselines import MEAN_SHAPE, Baseline
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.compare import PairedDifference, paired
from palpate.evaluation.evaluate import Evaluation, evaluate
from palpate.protocols.protocol import read_protocol
from palpate.splits import find_copies
from palpate.workflows.baselines import baseline_cases, judged_baselines
from palpate.workflows.crossval import judge_folds
from palpate.workflows.folds import Folds
from palpate.workflows.honesty_runs import Planned

# Where all say the same, the middle one is nearer to most than the mean is: by so much of the
# mean shape's error a method may be nearer without having looked at anybody.
CHANCE = 0.05


@dataclass(frozen=True, slots=True)
class Leak:
    """Something of one subject in two parts of a fold.

    Args:
        fold: from 1.
        first: an image.
        second: another of the same subject, or nearly the same image.
        parts: that they are in.
        sentence: what they have in common.
    """

    fold: int
    first: str
    second: str
    parts: tuple[str, str]
    sentence: str


@dataclass(frozen=True, eq=False, slots=True)
class Honesty:
    """What the checks found.

    Args:
        study: its name.
        recipe: its name.
        folds: how many were done.
        test_images: held out in them.
        test_subjects: people on these.
        unit: of the errors.
        copies: pairs of nearly the same image under two subjects, wherever they are.
        leaks: what is in two parts of a fold.
        model: trained on the true labels.
        shuffled: trained on labels of other subjects; judged by the true ones.
        baselines: what needs no training.
        shuffled_from_mean: the shuffled one less the mean shape.
        model_from: baseline -> the model less it.
    """

    study: str
    recipe: str
    folds: int
    test_images: int
    test_subjects: int
    unit: str
    copies: tuple[Duplicate, ...]
    leaks: tuple[Leak, ...]
    model: Evaluation
    shuffled: Evaluation
    baselines: tuple[Baseline, ...]
    shuffled_from_mean: PairedDifference
    model_from: dict[str, PairedDifference]

    @property
    def at_chance(self) -> bool:
        """Whether shuffled labels do not beat the mean shape by more than a middle shape may."""
        found = self.shuffled_from_mean
        bound = found.difference if found.interval is None else found.interval[1]
        return bound >= -CHANCE * found.first

    @property
    def has_learnt(self) -> bool:
        """Whether the model is clearly nearer than every baseline."""
        return all(row.clear and row.difference < 0 for row in self.model_from.values())

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against the figures."""
        return not self.leaks and self.at_chance and self.has_learnt


def find_leaks(folds: Folds, copies: Sequence[Duplicate]) -> tuple[Leak, ...]:
    """Return subjects in two parts of a fold, and nearly the same image in two."""
    found: list[Leak] = []
    for number, split in enumerate(folds.splits, start=1):
        part_of = {name: part for part, names in split.parts.items() for name in names}
        first: dict[str, str] = {}
        for name, part in part_of.items():
            subject = folds.study.case(name).subject
            other = first.setdefault(subject, name)
            if part_of[other] != part:
                told = f"both are of subject {subject!r}"
                found.append(Leak(number, other, name, (part_of[other], part), told))
        for pair in copies:
            one, two = part_of.get(pair.first), part_of.get(pair.second)
            if one is not None and two is not None and one != two:
                told = f"nearly the same image, {pair.sentence}"
                found.append(Leak(number, pair.first, pair.second, (one, two), told))
    return tuple(found)


def judge_honesty(planned: Planned) -> Honesty:
    """Judge the trained runs by the true labels, and compare with what needs no training.

    Raises:
        StudyError: no held-out image could be predicted.
    """
    folds, seed = planned.folds, planned.seed
    named = folds.study.settings.protocol
    normaliser = read_protocol(named).normaliser if named else None
    found = [judge_folds(folds, root).cases for root in (planned.true, planned.shuffled)]
    # What only one of the two could predict is compared with nothing.
    both = set.intersection(*({case.identifier for case in cases} for cases in found))
    model, mixed = (
        evaluate(
            [case for case in cases if case.identifier in both],
            normaliser=normaliser,
            rng=np.random.default_rng(seed),
        )
        for cases in found
    )
    guesses = baseline_cases(planned.marked, folds.splits, model.cases)
    copies = find_copies(folds.study)
    return Honesty(
        study=folds.study.name,
        recipe=planned.recipe.name,
        folds=len(folds.splits),
        test_images=len(model.cases),
        test_subjects=model.subjects,
        unit=model.unit,
        copies=copies,
        leaks=find_leaks(folds, copies),
        model=model,
        shuffled=mixed,
        baselines=judged_baselines(guesses, like=model, seed=seed),
        shuffled_from_mean=_less(guesses[MEAN_SHAPE], mixed, seed=seed),
        model_from={name: _less(own, model, seed=seed) for name, own in guesses.items()},
    )


def _less(first: Sequence[EvaluatedCase], second: Evaluation, *, seed: int) -> PairedDifference:
    metric = f"error_{second.unit}"
    return paired(first, second.cases, rng=np.random.default_rng(seed), metric=metric)
