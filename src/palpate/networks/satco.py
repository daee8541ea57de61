"""The network of Cunningham et al. 2019: from a child seated on a bench to 13 positions."""

from collections.abc import Callable
from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor, nn

from palpate.networks.contrast import LocalContrastNormalisation
from palpate.networks.region_pool import RegionPool
from palpate.networks.spec import refuse_other_size

SIDE = 256  # of the image, in pixels
FILTERS = (64, 64, 128, 128, 256)
KERNELS = (9, 5, 5, 3, 3)
STRIDES = (2, 1, 1, 1, 1)
HIDDEN = (512, 512, 512)

Pool = Callable[[], nn.Module]


def mean_pool() -> nn.Module:
    """The mean of each 2 x 2 tile: the paper's own choice."""
    return nn.AvgPool2d(2)


def max_pool() -> nn.Module:
    """The largest value of each 2 x 2 tile: the paper's comparison."""
    return nn.MaxPool2d(2)


class SatcoNet(nn.Sequential):
    """Positions in a 256 x 256 image, exactly as published: 3,402,074 weights for 13 points.

    Takes ``(batch, in_channels, 256, 256)`` in [0, 1] and returns ``(batch, landmarks, 2)``,
    x and y as fractions of the grid, 0 at its left and upper edge.

    Local contrast normalisation over 19 x 19; five times a convolution, ELU and ``pool``;
    three dense ELU layers of 512; a linear layer. That layer works in pixels from the grid's
    centre, and only the last step divides by 256. So a loss in grid pixels has the gradient
    that it has in the paper, and a network at its start answers near the centre.

    'Same' padding is half the kernel on every side. With the stride of 2 an output then
    lies on the first pixel of each pair; TensorFlow would pad 3 before and 4 after, and put
    it on the second. The sizes and counts are equal, and the dense layers take up the shift.

    Raises:
        GeometryError: from the call, for an image of another size.

    Source:
        Cunningham et al., "The clinical application of automated assessment of seated
        posture", R. Soc. Open Sci. 6:191011, 2019, section 2.4.

    Example:
        >>> SatcoNet(3, 13)(torch.zeros(2, 3, 256, 256))[0, 0]
        tensor([0.5000, 0.5000], grad_fn=<SelectBackward0>)
    """

    def __init__(self, in_channels: int, landmarks: int, *, pool: Pool = mean_pool) -> None:
        blocks: list[nn.Module] = []
        channels = (in_channels, *FILTERS)
        for before, filters, kernel, stride in zip(
            channels, FILTERS, KERNELS, STRIDES, strict=False
        ):
            convolution = nn.Conv2d(before, filters, kernel, stride=stride, padding=kernel // 2)
            blocks += [_elu_start(convolution), nn.ELU(), pool()]
        dense: list[nn.Module] = []
        widths = (FILTERS[-1] * (SIDE // 64) ** 2, *HIDDEN)
        for before, width in zip(widths, HIDDEN, strict=False):
            dense += [_elu_start(nn.Linear(before, width)), nn.ELU()]
        last = _linear_start(nn.Linear(HIDDEN[-1], 2 * landmarks))
        super().__init__(
            ExactSize(SIDE),
            LocalContrastNormalisation(19),
            *blocks,
            nn.Flatten(),
            *dense,
            last,
            nn.Unflatten(1, (landmarks, 2)),
            FromCentre(SIDE),
        )


class ExactSize(nn.Module):
    """Passes an image on, if both its sides are ``side``.

    Raises:
        GeometryError: from the call, naming the only size.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, image: Float[Tensor, "batch channel y x"]) -> Tensor:
        """Return the image itself."""
        # An exporter's sides may be symbols: it must not bake a check into the graph.
        if not torch.compiler.is_compiling():
            refuse_other_size(image.shape[-2], image.shape[-1], size=(self.side, self.side))
        return image


class FromCentre(nn.Module):
    """Positions in pixels from the centre of a square grid, as fractions of the grid.

    Example:
        >>> FromCentre(256)(torch.tensor([[[64.0, -128.0]]]))
        tensor([[[0.7500, 0.0000]]])
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, pixels: Float[Tensor, "batch landmark 2"]) -> Tensor:
        """Return the fractions."""
        return 0.5 + pixels / self.side


def satco_mean(in_channels: int, landmarks: int) -> nn.Module:
    """Build the network with mean-pooling."""
    return SatcoNet(in_channels, landmarks, pool=mean_pool)


def satco_max(in_channels: int, landmarks: int) -> nn.Module:
    """Build the network with max-pooling."""
    return SatcoNet(in_channels, landmarks, pool=max_pool)


def satco_learned(in_channels: int, landmarks: int) -> nn.Module:
    """Build the network with a learned location in each tile, one small network a layer."""
    return SatcoNet(in_channels, landmarks, pool=RegionPool)


def _elu_start(layer: nn.Conv2d | nn.Linear) -> nn.Module:
    return _start(layer, 6.0)


def _linear_start(layer: nn.Linear) -> nn.Module:
    return _start(layer, 3.0)


def _start(layer: nn.Conv2d | nn.Linear, numerator: float) -> nn.Module:
    """Draw weights uniformly from +-sqrt(numerator / fan in); biases are zero."""
    fan_in = layer.weight[0].numel()
    bound = sqrt(numerator / fan_in)
    nn.init.uniform_(layer.weight, -bound, bound)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
