"""A U-Net of the published form with average pooling and up-sampling, at the input's size."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

PUBLISHED_WIDTHS = (64, 128, 256, 512, 1024)  # Ronneberger et al. 2015
LIGHT_WIDTHS = (16, 32, 64, 128, 256)  # a sixteenth of the work: trains on two processor cores
MULTIPLE = 2**4  # five levels, each half the one above


class AverageUNet(nn.Module):
    """Planes of the input's own size, unbounded.

    At each level two 3 x 3 convolutions with ReLU; the mean of 2 x 2 on the way down; on the way
    up, the deeper level is doubled bilinearly and set beside the same level of the way down.

    Average pooling and up-sampling stand where the U-Net has max pooling and up-convolution.
    Neither paper nor reference says more; same-size padding, and no normalisation, are ours.

    Takes ``(batch, in_channels, y, x)`` and returns ``(batch, planes, y, x)``.

    Args:
        in_channels: of the image.
        planes: to put out.
        widths: channels of the levels, from the largest maps to the smallest.

    Source:
        Davison et al., MSKI 2018, section 3.1, after Payer et al., MICCAI 2016, and Ronneberger
        et al., MICCAI 2015.

    Example:
        >>> AverageUNet(1, 6, widths=(4, 8))(torch.zeros(2, 1, 16, 32)).shape
        torch.Size([2, 6, 16, 32])
    """

    def __init__(
        self, in_channels: int, planes: int, *, widths: tuple[int, ...] = LIGHT_WIDTHS
    ) -> None:
        super().__init__()
        befores = (in_channels, *widths)
        self.down = nn.ModuleList(
            _twice(before, width) for before, width in zip(befores, widths, strict=False)
        )
        self.up = nn.ModuleList(
            _twice(deep + width, width)
            for deep, width in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], planes, 1)
        # Near zero at the start: displacements begin in the middle of their range.
        with torch.no_grad():
            self.head.weight.mul_(0.1)

    def forward(self, features: Float[Tensor, "batch c y x"]) -> Float[Tensor, "batch p y x"]:
        """Return the planes."""
        skips = []
        for level, down in enumerate(self.down):
            features = down(functional.avg_pool2d(features, 2) if level else features)
            skips.append(features)
        skips.pop()
        for up in self.up:
            wide = functional.interpolate(features, scale_factor=2.0, mode="bilinear")
            features = up(torch.cat((wide, skips.pop()), dim=1))
        return self.head(features)


class Planes(nn.Module):
    """Gathers the planes of each landmark: ``(batch, landmarks * planes, y, x)`` in their order.

    Example:
        >>> Planes(3)(torch.zeros(1, 6, 4, 4)).shape
        torch.Size([1, 2, 3, 4, 4])
    """

    def __init__(self, planes: int) -> None:
        super().__init__()
        self.planes = planes

    def forward(
        self, maps: Float[Tensor, "batch kp y x"]
    ) -> Float[Tensor, "batch landmark planes y x"]:
        """Return them, plane after plane in memory, as losses and decoders go through them."""
        return maps.reshape(
            maps.shape[0], maps.shape[1] // self.planes, self.planes, *maps.shape[2:]
        ).contiguous()


def _twice(before: int, after: int) -> nn.Sequential:
    first = nn.Conv2d(before, after, 3, padding=1)
    second = nn.Conv2d(after, after, 3, padding=1)
    for layer in (first, second):  # He et al. 2015, for ReLU
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())
