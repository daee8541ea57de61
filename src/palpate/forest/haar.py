"""Haar features of a patch: differences of the means of equal boxes that touch.

A two-part feature is one box less its neighbour, a four-part one is a chequerboard of four
(Viola and Jones 2001). Boxes come in a few sizes, so that the means of every box of a region are
taken once from the integral image, and a feature is then two or four reads. Reading nine corners
of the integral image for each feature took three times as long (``docs/rfrv-clm.md``).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.arrays import locked_int
from palpate.errors import ConfigError

SIDE_BY_SIDE, STACKED, CHEQUERED = 0, 1, 2


def integral_image(region: Float[ndarray, "y x"]) -> Float[ndarray, "y1 x1"]:
    """Sum of all pixels above and to the left; one row and column of zeros more than the region.

    Example:
        >>> integral_image(np.ones((2, 3)))[-1].tolist()
        [0.0, 2.0, 4.0, 6.0]
    """
    height, width = region.shape
    integral = np.zeros((height + 1, width + 1))
    np.cumsum(region, axis=0, dtype=np.float64, out=integral[1:, 1:])
    np.cumsum(integral[1:, 1:], axis=1, out=integral[1:, 1:])
    return integral


def box_sizes(sides: tuple[int, ...], patch_px: int) -> Int[ndarray, "size 2"]:
    """Width and height of every box that fits twice into the patch, along both axes.

    Raises:
        ConfigError: none fits.

    Example:
        >>> box_sizes((2, 3), 9).tolist()
        [[2, 2], [3, 2], [2, 3], [3, 3]]
    """
    fitting = [side for side in sides if 2 * side <= patch_px]
    if not fitting:
        raise ConfigError(
            f"no box of {sides} px fits twice into a patch of {patch_px} px; "
            "use a larger patch_px or a smaller side"
        )
    return np.array([(width, height) for height in fitting for width in fitting])


def box_means(
    integral: Float[ndarray, "*many y1 x1"], sizes: Int[ndarray, "size 2"]
) -> Float[ndarray, "size *many y x"]:
    """Mean of each box whose first pixel is (x, y), float32; 0 where it would leave the region.

    Args:
        integral: of one region or of several of one size.
        sizes: (width, height) in px.
    """
    *many, y1, x1 = integral.shape
    means = np.zeros((len(sizes), *many, y1 - 1, x1 - 1), dtype=np.float32)
    for out, (w, h) in zip(means, sizes.tolist(), strict=True):
        if h < y1 and w < x1:
            total = integral[..., h:, w:] - integral[..., :-h, w:]
            total -= integral[..., h:, :-w]
            total += integral[..., :-h, :-w]
            total /= w * h
            out[..., : y1 - h, : x1 - w] = total
    return means


@dataclass(frozen=True, eq=False, slots=True)
class HaarFeatures:
    """Features by kind, box and place in the patch.

    Args:
        kind: (n,) 0 side by side, 1 one above the other, 2 chequered.
        size: (n,) index of the box among the sizes.
        corner: (n, 2) first pixel (x, y) of the first box, from the centre of the patch.
    """

    kind: Int[ndarray, " n"]
    size: Int[ndarray, " n"]
    corner: Int[ndarray, "n 2"]

    def __post_init__(self) -> None:
        for name in ("kind", "size", "corner"):
            object.__setattr__(self, name, locked_int(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.kind)

    def __getitem__(self, rows: Int[ndarray, " m"]) -> "HaarFeatures":
        """Return the features of these rows."""
        return HaarFeatures(self.kind[rows], self.size[rows], self.corner[rows])

    def offsets(
        self, sizes: Int[ndarray, "size 2"], *, plane: int, width: int
    ) -> Int[ndarray, "4 n"]:
        """Where the four boxes of each feature lie in a flat stack of box means.

        The value is the first less the second less the third plus the fourth; a two-part feature
        has its first box three times, of which two cancel.

        Args:
            sizes: the boxes.
            plane: length of one plane of the stack, over all regions in it.
            width: of a region.
        """
        first = self.size * plane + self.corner[:, 1] * width + self.corner[:, 0]
        w, h = sizes[self.size].T
        beside, below = w, h * width
        chequered = self.kind == CHEQUERED
        second = first + np.where(self.kind == STACKED, below, beside)
        third = first + np.where(chequered, below, 0)
        fourth = first + np.where(chequered, beside + below, 0)
        return np.stack([first, second, third, fourth])


def draw_features(
    rng: np.random.Generator, count: int, *, patch_px: int, sizes: Int[ndarray, "size 2"]
) -> HaarFeatures:
    """Draw features at random: kind, box, then a place where all its boxes are in the patch.

    Args:
        rng: where chance comes from.
        count: how many.
        patch_px: side of the patch, odd.
        sizes: boxes that fit twice into the patch.
    """
    kind = rng.integers(0, 3, count)
    size = rng.integers(0, len(sizes), count)
    across = np.where(kind == STACKED, 1, 2) * sizes[size, 0]
    down = np.where(kind == SIDE_BY_SIDE, 1, 2) * sizes[size, 1]
    room = patch_px - np.stack([across, down], axis=1) + 1
    corner = (rng.random((count, 2)) * room).astype(np.int64) - patch_px // 2
    return HaarFeatures(kind, size, corner)


def feature_values(
    stack: Float[ndarray, "size *many y x"],
    features: HaarFeatures,
    sizes: Int[ndarray, "size 2"],
    base: Int[ndarray, " position"],
) -> Float[ndarray, "position n"]:
    """Value of every feature at every position.

    Args:
        stack: what ``box_means`` gives.
        features: what to read.
        sizes: the boxes.
        base: flat index of the patch's centre in one plane of the stack.

    Example:
        >>> edge = np.repeat([[0.0, 0.0, 4.0, 4.0]], 4, axis=0)
        >>> sizes = np.array([[2, 2]])
        >>> beside = HaarFeatures(np.array([0]), np.array([0]), np.array([[-2, -2]]))
        >>> stack = box_means(integral_image(edge), sizes)
        >>> feature_values(stack, beside, sizes, np.array([2 * 4 + 2])).tolist()
        [[-4.0]]
    """
    plane = stack[0].size
    flat = stack.reshape(-1)
    offsets = features.offsets(sizes, plane=plane, width=stack.shape[-1])
    values = np.empty((len(base), len(features)), dtype=np.float32)
    for column, (a, b, c, d) in enumerate(offsets.T.tolist()):
        values[:, column] = flat[base + a] - flat[base + b] - flat[base + c] + flat[base + d]
    return values
