"""What determines the numbers of a training run: study, recipe and split."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from palpate.errors import StudyError
from palpate.points import Points
from palpate.sample import Sample
from palpate.scheme import LandmarkScheme
from palpate.splits import Split
from palpate.study import Study
from palpate.training.focus import Focus
from palpate.training.labels import training_points
from palpate.training.recipe import LabelledRecipe, Recipe

RecipeT_co = TypeVar("RecipeT_co", bound=Recipe, covariant=True)

# Called with what is being done, how much is done, how much there is, and a remark.
Advance = Callable[[str, int, int, str], None]


def silent(what: str, done: int, total: int, remark: str = "") -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class TrainingJob(Generic[RecipeT_co]):
    """A study, a recipe and a split by subject.

    Args:
        study: annotated, at least in part.
        recipe: how it is done.
        split: by subject.
        halves: of the held-out images, each to choose the weights that the other is judged by;
            empty where validation subjects choose.
        focus: what of each image is looked at; None is the whole, with all landmarks.
    """

    study: Study
    recipe: RecipeT_co
    split: Split
    halves: tuple[tuple[str, ...], ...] = ()
    focus: Focus | None = None

    def __post_init__(self) -> None:
        together = sorted(name for half in self.halves for name in half)
        if self.halves and together != sorted(self.part("test")):
            raise StudyError("the halves of a fold are the held-out images, each of them once")

    def part(self, name: str) -> tuple[str, ...]:
        """Return the identifiers of one part; empty where there is none."""
        return tuple(self.split.parts.get(name, ()))

    @property
    def scheme(self) -> LandmarkScheme:
        """The landmarks that are trained."""
        return self.study.scheme if self.focus is None else self.focus.scheme

    @property
    def own_points(self) -> Mapping[str, tuple[Points, ...]] | None:
        """The points of every training image, where they are not those that all know it by.

        Raises:
            StudyError: the recipe wants several annotators, and no training image has them.
        """
        recipe = self.recipe
        if not isinstance(recipe, LabelledRecipe) or recipe.labels.use == "mean":
            return None
        return training_points(self.study, self.part("train"), recipe.labels.use)

    def samples(self, name: str) -> Sequence[Sample]:
        """Read an image: one sample, or as many as the focus and the annotators make of it."""
        return [sample for several in self.views(name) for sample in several]

    def views(self, name: str) -> Sequence[Sequence[Sample]]:
        """Read an image: what the focus makes of it, once for each set of points trained on.

        Raises:
            StudyError: as :attr:`own_points`.
        """
        sample = self.study.load(self.study.case(name))
        own = self.own_points
        given = () if own is None else own.get(name, ())
        labelled = [
            Sample(sample.image, sample.subject, reference=points, group=sample.group)
            for points in given
        ] or [sample]
        if self.focus is None:
            return [labelled]
        return list(zip(*map(self.focus, labelled), strict=True))

    def fingerprint(self) -> str:
        """Return a hash that differs where a resumed run would not be the same run."""
        cases = [
            [part, name, _digits(self.study.case(name).points)]
            for part in ("train", "validation")
            for name in self.part(part)
        ]
        asked: list[object] = [self.halves, self.recipe.model_dump(mode="json"), cases]
        if self.focus is not None:
            asked.append(self.focus.described())
        own = self.own_points
        if own is not None:
            asked.append([[name, *map(_digits, several)] for name, several in own.items()])
        text = json.dumps(asked, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _digits(points: Points | None) -> list[float | None]:
    if points is None:
        return []
    return [None if np.isnan(v) else round(float(v), 4) for v in points.coordinates.ravel()]
