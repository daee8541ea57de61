"""Training sets of growing size for a learning curve, beside test sets that stay."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from palpate.errors import ConfigError, StudyError
from palpate.splits import Split
from palpate.study import Study
from palpate.workflows.folds import Folds


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """A part of a fold's training images, beside the fold's own validation and test images.

    Args:
        size: number of images that was asked for; ``images`` is what there is.
        fold: from 0.
        repeat: from 0; the sets of one fold and repeat are nested.
        split: what is trained on, validated and tested on.
        subjects: people among the training images.
    """

    size: int
    fold: int
    repeat: int
    split: Split
    subjects: int

    @property
    def images(self) -> int:
        """How many images are trained on."""
        return len(self.split.parts["train"])

    @property
    def name(self) -> str:
        """Of the run's folder."""
        return f"fold-{self.fold + 1}-repeat-{self.repeat + 1}"


def cut_training_sets(
    folds: Folds, sizes: Sequence[int], *, repeats: int, seed: int
) -> tuple[TrainingSet, ...]:
    """Cut nested training sets of about the wanted sizes, whole subjects at a time.

    The order of the subjects is drawn from the seed, the fold and the repeat alone: sets stay
    the same when a size or a repeat is added.

    Args:
        folds: test and validation images of each stay as they are.
        sizes: numbers of images; each is met as nearly as whole subjects allow.
        repeats: how many orders are drawn in each fold.
        seed: of the orders.

    Raises:
        ConfigError: no size, a size that is not positive or given twice, no repeat.
        StudyError: a fold has fewer training images, or two sizes come to the same images.
    """
    wanted = _checked(sizes, repeats)
    for number, split in enumerate(folds.splits):
        there = len(split.parts["train"])
        if wanted[-1] > there:
            held = len(split.parts["test"]), len(split.parts["validation"])
            raise StudyError(
                f"size {wanted[-1]} is more than the {there} images that there are to train on in "
                f"fold {number + 1}, beside {held[0]} test and {held[1]} validation images; ask "
                f"for {there} at most, or for more folds"
            )
    return tuple(
        chosen
        for number, split in enumerate(folds.splits)
        for repeat in range(repeats)
        for chosen in _nested(folds.study, split, wanted, where=(number, repeat), seed=seed)
    )


def _checked(sizes: Sequence[int], repeats: int) -> list[int]:
    if repeats < 1:
        raise ConfigError(f"a learning curve needs 1 repeat at least, got {repeats}")
    if not sizes or min(sizes) < 1 or len(set(sizes)) < len(sizes):
        raise ConfigError(
            f"sizes are numbers of training images, each once, such as 25,50,100; got {list(sizes)}"
        )
    return sorted(sizes)


def _nested(
    study: Study,
    split: Split,
    sizes: Sequence[int],
    *,
    where: tuple[int, int],
    seed: int,
) -> list[TrainingSet]:
    """Cut one order of subjects at every size."""
    fold, repeat = where
    rng = np.random.default_rng([seed, fold, repeat])
    own: dict[str, list[str]] = {}
    for name in split.parts["train"]:
        own.setdefault(study.case(name).subject, []).append(name)
    order = [list(own)[k] for k in rng.permutation(len(own))]
    reached = np.cumsum([len(own[subject]) for subject in order])
    sets: list[TrainingSet] = []
    for size in sizes:
        # The first of the nearest: of two as near, the smaller.
        subjects = int(np.argmin(np.abs(reached - size))) + 1
        if sets and sets[-1].subjects == subjects:
            raise StudyError(
                f"sizes {sets[-1].size} and {size} come to the same {sets[-1].images} images of "
                f"{subjects} subjects, as subjects are kept whole; leave one of them out"
            )
        among = set(order[:subjects])
        train = tuple(n for n in split.parts["train"] if study.case(n).subject in among)
        parts = {**split.parts, "train": train}
        sets.append(TrainingSet(size, fold, repeat, Split(parts, split.seed, split.by), subjects))
    return sets
