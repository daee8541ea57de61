"""What a network is trained on: the grid, and images prepared for it."""

from collections.abc import Sequence

import numpy as np

from palpate.augment.channels import CHANNELS
from palpate.errors import StudyError
from palpate.training.batches import TrainingImage
from palpate.training.job import Advance, TrainingJob
from palpate.training.pixel_store import PixelStore
from palpate.training.recipe import NetworkRecipe


def training_grid(job: TrainingJob[NetworkRecipe]) -> tuple[int, int]:
    """Return the recipe's grid (x, y), or one in the median proportions of what is looked at.

    Raises:
        StudyError: there is no image to train on.
    """
    settings = job.recipe.input
    names = job.part("train")
    if not names:
        raise StudyError("the split leaves no image to train on; annotate more films")
    if settings.size is not None:
        return settings.size
    seen = [sample.image for name in names[:64] for sample in job.samples(name)[:1]]
    some = [image.size if image.region is None else image.region[2:] for image in seen]
    if not some:
        raise StudyError("of no film can anything be trained; see 'palpate check'")
    sizes = np.array(some, dtype=float)
    width, height = np.median(sizes / sizes.max(axis=1, keepdims=True), axis=0)
    scale = (settings.longest or 0) / max(width, height) / settings.multiple
    columns, rows = (max(1, int(np.ceil(s * scale - 1e-9))) for s in (width, height))
    return columns * settings.multiple, rows * settings.multiple


def training_images(
    job: TrainingJob[NetworkRecipe],
    what: str,
    names: Sequence[str],
    grid: tuple[int, int],
    *,
    advance: Advance,
    store: PixelStore,
) -> list[TrainingImage]:
    """Read and prepare images; ``what`` they are for is told, ``store`` keeps their pixels."""
    colour = CHANNELS[job.recipe.input.channels].colour
    images = []
    for done, name in enumerate(names):
        advance(f"reading {what} images", done, len(names), "")
        for several in job.views(name):
            image = TrainingImage.of(several[0], grid, colour=colour).kept(store)
            each = [sample.points for sample in several if sample.points is not None]
            images.append(image.known_by(each) if len(each) > 1 else image)
    return images
