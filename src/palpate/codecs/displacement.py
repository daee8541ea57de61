"""Three planes per landmark: how far every pixel is from it in x and y, and how near that is.

Every pixel votes for the place that its displacement leads to; the landmark is where votes agree
and the third plane, the weight, is high.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.codecs.decoded import Decoded
from palpate.errors import ConfigError, GeometryError
from palpate.variation import between_cells, variation_of_shares
from palpate.vote import Peak, accumulate, peak

_LEAST = 0.1  # of the highest weight; below it a network's noise may be as high as the bump
_TAIL = 4  # standard deviations that a smoothed vote needs around it
_KNOWN = 0.9  # of the reach; a pixel that says more only knows that it is far away

Box = tuple[int, int, int, int]  # left, top, right, bottom; the last two are outside


@dataclass(frozen=True, slots=True)
class DisplacementCodec:
    """Displacement voting: planes of the grid's own size, in the order x, y, weight.

    The paper prints that a pixel votes at its own place *plus* its displacement; with its planes,
    pixel minus landmark, that is away from the landmark. Here it votes at the difference.

    Args:
        grid: size (x, y) of the network's input.
        sigma_px: standard deviation of the weight's bump; at least 1.
        reach_px: displacements are clipped to this, either way: k in the paper. At three times
            sigma the weight is 1 %: what is farther away does not count when training, so that
            a larger reach changes nothing but how many pixels may vote.
        smooth_px: standard deviation of the Gaussian that smooths the votes; 4 in the paper.
        weigh_votes: weigh each vote with the weight where it comes from. Otherwise, as in the
            paper, all count alike and their map is multiplied by the weights where they fall.

    Law:
        ``decode(encode(p))`` is p within ``tolerance_px``, also at the border.

    Raises:
        ConfigError: a bump narrower than a pixel, or a reach shorter than the bump is wide.

    Source:
        Davison et al., "Landmark localisation in radiographs using weighted heatmap displacement
        voting", MSKI 2018, eq. 1, 2 and 'Point localisation'.

    Example:
        >>> codec = DisplacementCodec((32, 24))
        >>> planes = codec.encode(np.array([[20.0, 9.0]]), np.array([True]))
        >>> planes[0, :2, 10, 17].tolist()  # three px left of it and one below
        [-3.0, 1.0]
        >>> codec.decode(planes).mean.round(2).tolist()
        [[20.0, 9.0]]
    """

    grid: tuple[int, int]
    sigma_px: float = 5.0
    reach_px: float = 20.0
    smooth_px: float = 4.0
    weigh_votes: bool = False

    def __post_init__(self) -> None:
        if not self.sigma_px >= 1:
            raise ConfigError(
                f"a weight of sigma = {self.sigma_px} px is narrower than a pixel; use at least 1"
            )
        if not self.sigma_px <= self.reach_px < np.inf:
            raise ConfigError(
                f"reach_px = {self.reach_px} is less than the weight's sigma, {self.sigma_px} px: "
                "pixels that count would vote beside the landmark; use three times sigma or more"
            )
        if not 0 <= self.smooth_px < np.inf:
            raise ConfigError(f"votes are smoothed by 0 px or more, got {self.smooth_px}")

    @property
    def tolerance_px(self) -> float:
        """How far a round trip may be off, in grid pixels: two pixels share each vote."""
        return 0.1 / max(self.smooth_px, 1.0) ** 2

    @property
    def shape(self) -> tuple[int, int]:
        """Size of a plane as (y, x)."""
        return self.grid[1], self.grid[0]

    def encode(
        self, points: Float[ndarray, "landmark 2"], present: Bool[ndarray, " landmark"]
    ) -> Float[ndarray, "landmark 3 y x"]:
        """Draw three planes per landmark; those of absent landmarks are empty."""
        height, width = self.shape
        points = np.where(present[:, None], points, 0.0)
        dx = (np.arange(width) - points[:, :1]).astype(np.float32)
        dy = (np.arange(height) - points[:, 1:]).astype(np.float32)
        bell_x, bell_y = (np.exp(-0.5 * (d / np.float32(self.sigma_px)) ** 2) for d in (dx, dy))
        reach = np.float32(self.reach_px)
        planes = np.empty((len(points), 3, height, width), np.float32)
        planes[:, 0] = dx.clip(-reach, reach)[:, None, :]
        planes[:, 1] = dy.clip(-reach, reach)[:, :, None]
        np.multiply(bell_y[:, :, None], bell_x[:, None, :], out=planes[:, 2])
        planes[~present] = 0.0
        return planes

    def decode(self, output: Float[ndarray, "landmark 3 y x"]) -> Decoded:
        """Let pixels vote and read means, covariances and scores, in grid pixels.

        Pixels with a displacement of more than nine tenths of the reach do not vote: clipped
        planes say of them only that they are farther away, and their votes, a little of each
        everywhere, would draw a point beside the border inwards, by up to half a pixel. Weights
        below 10 % of the highest, or below zero, count as zero.

        The covariance is the spread of the votes near their peak; the score is the weight there.
        Where no vote meets a weight, the mean is the middle of the grid, the covariance that of a
        point anywhere in it, and the score 0.

        The variation is that of the smoothed votes' shares over that of votes which all agree: 1
        where they do, less as they spread, 0 where there are none.

        Raises:
            GeometryError: weights that are not finite.
        """
        planes = np.asarray(output)
        # The highest weight of every row and column, of all landmarks at once: what lies below a
        # tenth of the highest is then left out without looking at each pixel again.
        rows, columns = planes[:, 2].max(axis=2), planes[:, 2].max(axis=1)
        if not np.isfinite(rows).all():
            raise GeometryError("a network put out weights that are not finite; train it anew")
        least = np.maximum(_LEAST * rows.max(axis=1), 0.0)
        boxes = map(_box, rows > least[:, None], columns > least[:, None])
        found = [self._find(*each) for each in zip(planes, least, boxes, strict=True)]
        return Decoded(
            np.array([one.position for one, _, _ in found]).reshape(-1, 2),
            np.array([one.covariance for one, _, _ in found]).reshape(-1, 2, 2),
            np.array([score for _, score, _ in found], dtype=float),
            np.array([variation for _, _, variation in found], dtype=float),
        )

    def _find(
        self, planes: Float[ndarray, "3 y x"], least: np.floating, box: Box | None
    ) -> tuple[Peak, float, float]:
        """Peak of a landmark's votes, score and variation; weights above ``least`` count."""
        nowhere = peak(np.zeros(self.shape), smooth_px=self.smooth_px), 0.0, 0.0
        if box is None:
            return nowhere
        wide = self._widened(box)
        weight = planes[2][_part(box)]
        counts = weight > least
        if self.weigh_votes:
            into = wide
            votes = self._cast(planes, box, into, counts)
        else:
            into = box
            votes = self._cast(planes, wide, into, None)
            votes *= np.where(counts, weight, 0.0)
        found = peak(votes, smooth_px=self.smooth_px)
        if not found.total:
            return nowhere
        position = found.position + into[:2]
        x, y = np.rint(position).astype(int).clip(0, np.array(self.grid) - 1)
        score = min(max(float(planes[2, y, x]), 0.0), 1.0)
        whole = Peak(position, found.covariance, found.height, found.total)
        return whole, score, self._variation(votes / found.total, found.position)

    def _variation(self, shares: Float[ndarray, "y x"], position: Float[ndarray, " 2"]) -> float:
        """Of the smoothed votes, over that of votes which all agree on the peak's position."""
        # Bilinear shares of a vote are a little wide, and a narrower Gaussian would alias.
        smooth = max(self.smooth_px, 1.0)
        around = int(np.ceil(_TAIL * smooth))
        smoothed = cv2.GaussianBlur(
            np.pad(shares, around), (0, 0), smooth, borderType=cv2.BORDER_CONSTANT
        )
        offset = between_cells(position[None])
        return float(variation_of_shares(smoothed[None], smooth, offset)[0])

    def _widened(self, box: Box) -> Box:
        """The box, and what is around it as far as a vote may go."""
        reach = int(np.ceil(_KNOWN * self.reach_px)) + 1
        return (
            max(box[0] - reach, 0),
            max(box[1] - reach, 0),
            min(box[2] + reach, self.grid[0]),
            min(box[3] + reach, self.grid[1]),
        )

    def _cast(
        self,
        planes: Float[ndarray, "3 y x"],
        voters: Box,
        into: Box,
        counts: Bool[ndarray, "y1 x1"] | None,
    ) -> Float[ndarray, "y2 x2"]:
        """Votes of the pixels in one box, as a map of another.

        Where ``counts`` of the voters' box is given, these pixels alone vote, with their weights.
        """
        cut = _part(voters)
        dx, dy, weight = planes[:, *cut]
        votes = np.maximum(np.abs(dx), np.abs(dy)) < _KNOWN * self.reach_px
        if counts is not None:
            votes &= counts
        x = np.arange(voters[0] - into[0], voters[2] - into[0], dtype=np.float32)
        y = np.arange(voters[1] - into[1], voters[3] - into[1], dtype=np.float32)
        positions = np.stack([(x - dx)[votes], (y[:, None] - dy)[votes]]).T
        size = (into[2] - into[0], into[3] - into[1])
        return accumulate(positions, None if counts is None else weight[votes], size=size)


def _box(rows: Bool[ndarray, " y"], columns: Bool[ndarray, " x"]) -> Box | None:
    """The box that holds all pixels of these rows and columns; None where there are none."""
    if not rows.any():
        return None
    y, x = np.flatnonzero(rows), np.flatnonzero(columns)
    return int(x[0]), int(y[0]), int(x[-1]) + 1, int(y[-1]) + 1


def _part(box: Box) -> tuple[slice, slice]:
    return slice(box[1], box[3]), slice(box[0], box[2])
