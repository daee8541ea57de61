"""A film resampled in the frame of the mean shape: upright, at one size, at one exposure."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.affine import Affine
from palpate.arrays import locked
from palpate.errors import GeometryError
from palpate.shape.similarity import Similarity

# A film is halved for as long as it stays at least this many times finer than the region.
_FINER = 1.2


@dataclass(frozen=True, eq=False, slots=True)
class RegionGrid:
    """Where the pixels of a region lie in the reference frame of the shape model.

    Args:
        scale: pixels per unit of the reference frame.
        origin: (x, y) px at which the reference frame has its zero.
        size: (x, y) px.
    """

    scale: float
    origin: Float[ndarray, " 2"]
    size: tuple[int, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "origin", locked(self.origin))

    @classmethod
    def around(
        cls, mean: Float[ndarray, "k 2"], *, long_side_px: float, margin_px: float
    ) -> "RegionGrid":
        """Return the grid in which the longer side of the mean shape measures ``long_side_px``.

        Example:
            >>> grid = RegionGrid.around(
            ...     np.array([[-1.0, 0.0], [1.0, 0.5]]), long_side_px=20.0, margin_px=5.0
            ... )
            >>> grid.size, grid.to_region(np.array([[-1.0, 0.0]])).tolist()
            ((31, 16), [[5.0, 5.0]])
        """
        low, high = mean.min(axis=0), mean.max(axis=0)
        scale = float(long_side_px / (high - low).max())
        across, down = np.ceil((high - low) * scale + 2 * margin_px).astype(int) + 1
        return cls(scale, margin_px - low * scale, (int(across), int(down)))

    def to_region(self, points: Float[ndarray, "*n 2"]) -> Float[ndarray, "*n 2"]:
        """Map points of the reference frame to pixels of the region."""
        return points * self.scale + self.origin

    def to_reference(self, points: Float[ndarray, "*n 2"]) -> Float[ndarray, "*n 2"]:
        """Map pixels of the region to the reference frame."""
        return (points - self.origin) / self.scale


@dataclass(frozen=True, eq=False, slots=True)
class Pyramid:
    """A film and its halves, so that a region is sampled from pixels of about its own size.

    Args:
        planes: float32 (y, x), each half as large as the one before.
        from_film: pixels of the film -> pixels of the plane.
    """

    planes: Sequence[ndarray]
    from_film: Sequence[Affine]

    @classmethod
    def of(cls, film: Float[ndarray, "y x"]) -> "Pyramid":
        """Halve the film until it is smaller than 16 px."""
        planes: list[ndarray] = [np.asarray(film, dtype=np.float32)]
        maps = [Affine.identity()]
        while min(planes[-1].shape) >= 16:
            height, width = planes[-1].shape
            half = (max(1, width // 2), max(1, height // 2))
            shrink = Affine.resize((width, height), half, source="pixel", target="pixel")
            planes.append(cv2.resize(planes[-1], half, interpolation=cv2.INTER_AREA))
            maps.append(shrink @ maps[-1])
        return cls(tuple(planes), tuple(maps))

    def sample(self, pose: Similarity, grid: RegionGrid) -> Float[ndarray, "y x"]:
        """Sample the region, bilinearly; beyond the film its border goes on.

        Grey values are centred on the region's mean and divided by its standard deviation, so
        that gain and offset of the exposure are gone; a region of one grey value is zero.

        Args:
            pose: reference frame -> pixels of the film.
            grid: of the region.

        Raises:
            GeometryError: the pose makes the region larger than a film can be.
        """
        to_film = pose @ Similarity(1 / grid.scale, 0.0, -grid.origin / grid.scale)
        if not 1e-4 < to_film.scale < 1e4 or np.abs(to_film.shift).max() > 1e6:
            raise GeometryError(
                f"the region cannot be sampled: {to_film.scale:.3g} px of the film for each of "
                "its own; start from points near the shape"
            )
        halves = int(np.clip(np.log2(max(to_film.scale / _FINER, 1.0)), 0, len(self.planes) - 1))
        to_plane = self.from_film[halves] @ to_film.to_affine(source="grid", target="pixel")
        region = cv2.warpAffine(
            self.planes[halves],
            to_plane.matrix[:2],
            grid.size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return _exposed_alike(region)


def _exposed_alike(region: Float[ndarray, "y x"]) -> Float[ndarray, "y x"]:
    centred = region - region.mean(dtype=np.float64)
    spread = centred.std()
    # What is left of one grey value after centring is rounding, which must not be blown up.
    if spread <= 1e-6 * max(np.abs(region).max(), 1e-30):
        return np.zeros(region.shape)
    return centred / spread


def drawn_pose(rng: np.random.Generator, rotation_deg: float, scale: float) -> Similarity:
    """Draw a small turn and change of size about the centre of the reference frame."""
    turn = np.deg2rad(rng.uniform(-rotation_deg, rotation_deg))
    ratio = np.exp(rng.uniform(-1.0, 1.0) * np.log1p(scale))
    return Similarity(float(ratio), float(turn), np.zeros(2))
