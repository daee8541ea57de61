"""Local contrast normalisation: each pixel against its own neighbourhood."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from palpate.errors import ConfigError

# Five grey levels of 255: twice the noise of an ordinary camera after resampling.
FLOOR = 0.02


class LocalContrastNormalisation(nn.Module):
    """Subtract the local mean, divide by the local standard deviation. It learns nothing.

    Takes and returns ``(batch, channel, y, x)``; the input lies in [0, 1]. The neighbourhood
    is a uniform square around each pixel, of which only the pixels inside the image count: a
    border is not an edge.

    - The mean is that of each channel by itself, so a colour cast, the light, and the tint
      of a large area (skin) go.
    - The deviation is one number a pixel, the root of the mean variance of the channels, so
      the channels keep their proportions: a red marker on grey stays red, and the noise of
      a channel without contrast is not blown up to look like the others.
    - The deviation is floored by a constant, not by its mean over the image as in Jarrett
      et al.: what a pixel becomes is then decided by its neighbourhood alone, and neither by
      the therapist at the other end of the frame nor by where the crop ends. Above the floor
      an offset of any channel, and a gain common to all, cancel; a flat area becomes zeros.

    Args:
        neighbourhood: side of the square in pixels; odd.
        floor: smallest deviation divided by, in units of the image.

    Raises:
        ConfigError: the neighbourhood is even or below 3, or the floor is not above 0.

    Source:
        Jarrett et al., "What is the best multi-stage architecture for object recognition?",
        ICCV 2009, section 2.1, with a uniform window.

    Example:
        >>> LocalContrastNormalisation(19)(torch.full((1, 3, 32, 32), 0.5)).abs().max()
        tensor(0.)
    """

    def __init__(self, neighbourhood: int = 19, *, floor: float = FLOOR) -> None:
        super().__init__()
        if neighbourhood < 3 or neighbourhood % 2 == 0:
            raise ConfigError(
                f"a neighbourhood needs a pixel in its middle: an odd side of at least 3, "
                f"got {neighbourhood}"
            )
        if not floor > 0:
            raise ConfigError(f"the floor of the local deviation must be above 0, got {floor}")
        self.neighbourhood = neighbourhood
        self.floor = floor

    def forward(
        self, image: Float[Tensor, "batch channel y x"]
    ) -> Float[Tensor, "batch channel y x"]:
        """Return the normalised image."""
        # Around 0 the squares are smaller, so less is lost in their difference.
        image = image.contiguous() - 0.5
        power = image.square().mean(dim=1, keepdim=True)
        moments = box_mean(torch.cat((image, power), dim=1), self.neighbourhood)
        mean = moments[:, :-1]
        variance = moments[:, -1:] - mean.square().mean(dim=1, keepdim=True)
        return (image - mean) * variance.clamp(min=self.floor**2).rsqrt()


def box_mean(maps: Float[Tensor, "batch c y x"], side: int) -> Float[Tensor, "batch c y x"]:
    """Mean of the pixels of each pixel's ``side`` x ``side`` square that are inside the map.

    By running sums, whose cost does not grow with the square: a third of average pooling's
    in every engine. Products with banded matrices cost the same, but torch's autocast rounds
    their factors to half precision, and this it leaves alone. An engine that computes
    everything in half precision (OpenVINO unless told otherwise, where it can) leaves nothing of
    the variance whichever way it is summed.

    Example:
        >>> box_mean(torch.arange(4.0).reshape(1, 1, 1, 4), 3)
        tensor([[[[0.5000, 1.0000, 2.0000, 2.5000]]]])
    """
    radius = side // 2
    sums = functional.pad(maps, (radius + 1, radius, radius + 1, radius)).cumsum(dim=-2)
    sums = (sums[..., side:, :] - sums[..., :-side, :]).cumsum(dim=-1)
    sums = sums[..., side:] - sums[..., :-side]
    rows, columns = (_inside(n, radius, maps) for n in maps.shape[-2:])
    return sums * (1 / (rows[:, None] * columns))


def _inside(length: int, radius: int, like: Tensor) -> Tensor:
    """How many positions around each of a row's are in the row."""
    at = torch.arange(length, device=like.device)
    last = (at + radius).clamp(max=length - 1)
    return (last - (at - radius).clamp(min=0) + 1).to(like.dtype)
