"""Clips to train on: frames prepared once, warped anew at every visit, drawn as maps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt16
from numpy import ndarray

from palpate.affine import Affine
from palpate.augment.depth import fit_depth
from palpate.augment.resample import fit
from palpate.augment.warp import RandomWarp
from palpate.codecs.limb_maps import LimbMaps
from palpate.errors import StudyError
from palpate.localisers.clip import ClipPlane
from palpate.localisers.limb_spec import Target
from palpate.localisers.limbs import counts, plane
from palpate.points import Points
from palpate.sample import Sample
from palpate.training.batches import Batch
from palpate.training.pixel_store import PixelStore

# Frames are kept this many times the size of the grid, so that a warp does not alias.
_HEADROOM = 1.25


@dataclass(frozen=True, eq=False, slots=True)
class TrainingFrame:
    """A frame, small enough to keep in memory, and where its joints are.

    Args:
        name: of its case.
        pixels: counts, 0 where nothing was measured.
        from_image: px of the frame as given -> px of ``pixels``.
        to_grid: px of the frame as given -> grid, unless something is varied.
        points: in px of the frame as given.
    """

    name: str
    pixels: UInt16[ndarray, "y x"]
    from_image: Affine
    to_grid: Affine
    points: Points

    @classmethod
    def of(
        cls, sample: Sample, grid: tuple[int, int], *, channels: str, store: PixelStore
    ) -> "TrainingFrame":
        """Prepare one annotated frame.

        Raises:
            StudyError: nobody annotated it.
            GeometryError: it is no plane of the kind asked for.
        """
        image, points = sample.image, sample.points
        if points is None:
            raise StudyError(
                f"frame {image.identifier!r} is in the split but not annotated; "
                "annotate it, or take it out of the split"
            )
        x, y, width, height = image.region or (0, 0, *image.size[:2])
        small = (round(grid[0] * _HEADROOM), round(grid[1] * _HEADROOM))
        to_small = fit((x, y, width, height), small)
        values, valid = fit_depth(counts(image, channels), to_small, small)
        kept = np.where(valid, np.rint(np.maximum(values, 1.0)), 0.0).astype(np.uint16)
        from_image = Affine(to_small.matrix, "pixel", "pixel")
        to_grid = fit((x, y, width, height), grid)
        return cls(image.identifier, store.keep(kept), from_image, to_grid, points)

    def seen(self, to_grid: Affine, grid: tuple[int, int]) -> ClipPlane:
        """Sample the grid, however it lies over the frame."""
        return plane(self.pixels, to_grid @ self.from_image.inverse(), to_grid, grid)


@dataclass(frozen=True, eq=False, slots=True)
class ClipExamples:
    """Turns clip ``index`` of epoch ``epoch`` into an input and its maps.

    Args:
        frames: of all clips; one may be in several.
        clips: positions of each clip's frames, in time's order.
        maps: how joints are drawn.
        target: as which kind of map.
        sigma_px: of sharp maps.
        span: what values are divided by.
        warp: drawn once a clip.
        seed: of the warps.
    """

    frames: Sequence[TrainingFrame]
    clips: Sequence[tuple[int, ...]]
    maps: LimbMaps
    target: Target
    sigma_px: float
    span: float
    warp: RandomWarp
    seed: int

    def __len__(self) -> int:
        return len(self.clips)

    def batch(self, indices: Sequence[int], epoch: int) -> Batch:
        """Make the examples of one batch; maps of joints that are absent are empty, and count."""
        made = [self._varied(index, epoch) for index in indices]
        return self._joined(made)

    def plain(self, indices: Sequence[int]) -> Batch:
        """Make examples that are not varied."""
        still = Affine(np.eye(3), "grid", "grid")
        return self._joined([self._made(self.clips[index], still) for index in indices])

    def _varied(self, index: int, epoch: int) -> tuple[ndarray, ndarray]:
        rng = np.random.default_rng([self.seed, epoch, index])
        return self._made(self.clips[index], self.warp.draw(rng, self.maps.grid))

    def _made(self, clip: tuple[int, ...], warp: Affine) -> tuple[ndarray, ndarray]:
        values, drawn = [], []
        for frame in (self.frames[at] for at in clip):
            to_grid = warp @ frame.to_grid
            values.append(frame.seen(to_grid, self.maps.grid).values)
            move = frame.points.mirrored if to_grid.mirrors else frame.points.moved
            drawn.append(self._drawn(move(to_grid)))
        return np.stack(values)[None] / np.float32(self.span), np.stack(drawn, axis=1)

    def _drawn(self, points: Points) -> Float[ndarray, "map y x"]:
        places = np.nan_to_num(points.coordinates)
        if self.target == "masks":
            return self.maps.masks(places, points.present)
        if self.target == "bumps":
            return self.maps.bumps(places, points.present)
        return self.maps.sharp(places, points.present, self.sigma_px)

    def _joined(self, made: Sequence[tuple[ndarray, ndarray]]) -> Batch:
        inputs, targets = (np.stack(part) for part in zip(*made, strict=True))
        present = np.ones(targets.shape[:2], dtype=bool)
        return Batch(inputs, targets, present)
