"""Training examples: prepared once, varied anew at every visit.

The variation of an example depends on (seed, epoch, index) alone, so that a run that was
interrupted, or is shared between processes, sees the same examples.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.augment.channels import CHANNELS
from palpate.augment.exposure import RandomExposure
from palpate.augment.resample import Prepared, prepare, resample, unit
from palpate.augment.warp import RandomWarp
from palpate.errors import StudyError
from palpate.localisers.spec import LocaliserSpec
from palpate.points import Points
from palpate.sample import Sample
from palpate.training.pixel_store import PixelStore

# Sets the draw of an annotator apart from that of the variation.
_WHOSE = 1


@dataclass(frozen=True, eq=False, slots=True)
class TrainingImage:
    """A prepared image with its points in pixels of the image as given.

    Args:
        prepared: the pixels.
        points: what it is judged by.
        annotators: each one's points, where an example is to be one of theirs; else empty.
    """

    prepared: Prepared
    points: Points
    annotators: tuple[Points, ...] = ()

    @classmethod
    def of(cls, sample: Sample, grid: tuple[int, int], *, colour: bool = False) -> "TrainingImage":
        """Prepare one annotated sample.

        Raises:
            StudyError: nobody annotated it.
        """
        points = sample.points
        if points is None:
            raise StudyError(
                f"image {sample.image.identifier!r} is in the split but not annotated; "
                "annotate it, or take it out of the split"
            )
        return cls(prepare(sample.image, grid, colour=colour), points)

    def kept(self, store: PixelStore) -> "TrainingImage":
        """Return the same, with its pixels in a store."""
        pixels = store.keep(self.prepared.pixels)
        return replace(self, prepared=replace(self.prepared, pixels=pixels))

    def known_by(self, annotators: Sequence[Points]) -> "TrainingImage":
        """Return the same, with the points of one of several annotators in every example."""
        return replace(self, annotators=tuple(annotators))

    def example(self, *chance: int) -> Points:
        """Return the points of one example: the image's, or an annotator's drawn by ``chance``."""
        if not self.annotators:
            return self.points
        return self.annotators[np.random.default_rng(chance).integers(len(self.annotators))]


@dataclass(frozen=True, eq=False, slots=True)
class Batch:
    """What one step needs: inputs, targets and which landmarks count."""

    inputs: Float[ndarray, "batch channel ..."]
    targets: Float[ndarray, "batch landmark ..."]
    present: Bool[ndarray, "batch landmark"]


@runtime_checkable
class MakesBatches(Protocol):
    """A number of examples, and batches of any of them."""

    def __len__(self) -> int:
        """How many examples there are."""
        ...

    def batch(self, indices: Sequence[int], epoch: int) -> Batch:
        """Make the examples of one batch, as they are in that epoch."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class Examples:
    """Turns image ``index`` of epoch ``epoch`` into an input and a target."""

    images: Sequence[TrainingImage]
    spec: LocaliserSpec
    warp: RandomWarp
    exposure: RandomExposure
    seed: int

    def __len__(self) -> int:
        return len(self.images)

    def make(
        self, index: int, epoch: int
    ) -> tuple[
        Float[ndarray, "channel y x"],
        Float[ndarray, "landmark ..."],
        Bool[ndarray, " landmark"],
    ]:
        """Draw a warp and an exposure; apply the one to image and points alike."""
        image, grid = self.images[index], self.spec.grid
        rng = np.random.default_rng([self.seed, epoch, index])
        to_grid = self.warp.draw(rng, grid) @ image.prepared.to_grid
        exposure = self.exposure.draw(rng)
        pixels = exposure(unit(resample(image.prepared, to_grid, grid)))
        name = self.spec.channels
        if to_grid.mirrors and self.spec.mirrored_channels:
            name = self.spec.mirrored_channels
        # Drawn apart, so that pictures are the same whoever's points they go with.
        points = image.example(self.seed, epoch, index, _WHOSE)
        move = points.mirrored if to_grid.mirrors else points.moved
        coordinates = move(to_grid).coordinates
        present = _inside(coordinates, grid)
        target = self.spec.codec.encode(np.nan_to_num(coordinates), present)
        return CHANNELS[name].make(pixels), target, present

    def batch(self, indices: Sequence[int], epoch: int) -> Batch:
        """Make the examples of one batch."""
        made = [self.make(index, epoch) for index in indices]
        return Batch(*(np.stack(part) for part in zip(*made, strict=True)))


def _inside(
    coordinates: Float[ndarray, "landmark 2"], grid: tuple[int, int]
) -> Bool[ndarray, " landmark"]:
    low, high = coordinates >= -0.5, coordinates < np.array(grid) - 0.5
    return np.asarray((low & high).all(axis=1))  # a comparison with NaN is False


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of every batch this process works on."""

    rank: int = 0
    processes: int = 1


def epoch_batches(count: int, batch: int, *, epoch: int, seed: int) -> list[list[int]]:
    """Shuffle ``count`` images into whole batches; the remainder waits for another epoch.

    Example:
        >>> [len(b) for b in epoch_batches(10, 4, epoch=0, seed=0)]
        [4, 4]
    """
    batch = min(batch, count)
    order = np.random.default_rng([seed, epoch]).permutation(count)
    whole = count - count % batch
    return [[int(i) for i in order[at : at + batch]] for at in range(0, whole, batch)]


def prefetched(
    examples: MakesBatches,
    batches: Sequence[Sequence[int]],
    *,
    epoch: int,
    share: Share,
    workers: int,
) -> Iterator[Batch]:
    """Make the next batches in threads while the present one is used.

    Threads suffice: OpenCV and numpy let go of the interpreter while they work.
    """
    own = [indices[share.rank :: share.processes] for indices in batches]
    ahead = workers + 1
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(examples.batch, indices, epoch) for indices in own[:ahead]]
        for position in range(len(own)):
            made = waiting.pop(0).result()
            if position + ahead < len(own):
                waiting.append(pool.submit(examples.batch, own[position + ahead], epoch))
            yield made
