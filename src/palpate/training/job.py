"""What determines the numbers of a training run: study, recipe and split."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from palpate.augment.channels import CHANNELS
from palpate.errors import StudyError
from palpate.points import Points
from palpate.splits import Split
from palpate.study import Study
from palpate.training.batches import TrainingImage
from palpate.training.pixel_store import PixelStore
from palpate.training.recipe import Recipe

# Called with what is being done, how much is done, how much there is, and a remark.
Advance = Callable[[str, int, int, str], None]


def silent(what: str, done: int, total: int, remark: str = "") -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """A study, a recipe and a split by subject.

    Args:
        study: annotated, at least in part.
        recipe: how it is done.
        split: by subject.
        halves: of the held-out images, each to choose the weights that the other is judged by;
            empty where validation subjects choose.
    """

    study: Study
    recipe: Recipe
    split: Split
    halves: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        together = sorted(name for half in self.halves for name in half)
        if self.halves and together != sorted(self.part("test")):
            raise StudyError("the halves of a fold are the held-out images, each of them once")

    def part(self, name: str) -> tuple[str, ...]:
        """Return the identifiers of one part; empty where there is none."""
        return tuple(self.split.parts.get(name, ()))

    def fingerprint(self) -> str:
        """Return a hash that differs where a resumed run would not be the same run."""
        cases = [
            [part, name, _digits(self.study.case(name).points)]
            for part in ("train", "validation")
            for name in self.part(part)
        ]
        text = json.dumps([self.halves, self.recipe.model_dump(mode="json"), cases], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def grid(self) -> tuple[int, int]:
        """Return the recipe's grid (x, y), or one in the median proportions of the images.

        Raises:
            StudyError: there is no image to train on.
        """
        settings = self.recipe.input
        names = self.part("train")
        if not names:
            raise StudyError("the split leaves no image to train on; annotate more films")
        if settings.size is not None:
            return settings.size
        some = [self.study.load(self.study.case(name)).image.size for name in names[:64]]
        sizes = np.array(some, dtype=float)
        width, height = np.median(sizes / sizes.max(axis=1, keepdims=True), axis=0)
        scale = (settings.longest or 0) / max(width, height) / settings.multiple
        columns, rows = (max(1, int(np.ceil(s * scale - 1e-9))) for s in (width, height))
        return columns * settings.multiple, rows * settings.multiple

    def images(
        self,
        what: str,
        names: Sequence[str],
        grid: tuple[int, int],
        advance: Advance,
        *,
        store: PixelStore,
    ) -> list[TrainingImage]:
        """Read and prepare images; ``store`` keeps their pixels."""
        colour = CHANNELS[self.recipe.input.channels].colour
        images = []
        for done, name in enumerate(names):
            advance(f"reading {what} images", done, len(names), "")
            sample = self.study.load(self.study.case(name))
            image = TrainingImage.of(sample, grid, colour=colour)
            images.append(image.kept(store))
        return images


def _digits(points: Points | None) -> list[float | None]:
    if points is None:
        return []
    return [None if np.isnan(v) else round(float(v), 4) for v in points.coordinates.ravel()]
