"""PoseNet: an encoder and decoder with skips, for landmarks of the sagittal cervical spine."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from palpate.networks.layers import SizeGate, conv_relu_norm, deconv_relu_norm, start_as_keras

# The head halves three times and the four down-sampling modules once each.
MULTIPLE = 2**7


class _Down(nn.Module):
    """Two convolutions; the skip leaves before the 2x2 max-pool."""

    def __init__(self, channels_in: int, filters: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            conv_relu_norm(channels_in, filters), conv_relu_norm(filters, filters)
        )
        self.pool = nn.MaxPool2d(2)

    def forward(self, features: Float[Tensor, "batch c y x"]) -> tuple[Tensor, Tensor]:
        """Return the skip and the halved features."""
        skip = self.convolutions(features)
        return skip, self.pool(skip)


class _Up(nn.Module):
    """Concatenate the skip, two convolutions, then a deconvolution of the same width."""

    def __init__(self, channels_in: int, filters: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            conv_relu_norm(channels_in, filters),
            conv_relu_norm(filters, filters),
            deconv_relu_norm(filters, filters, kernel=2),
        )

    def forward(
        self, features: Float[Tensor, "batch c y x"], skip: Float[Tensor, "batch s y x"]
    ) -> Float[Tensor, "batch f y2 x2"]:
        """Return features of twice the size."""
        return self.layers(torch.cat((features, skip), dim=1))


class PoseNet(nn.Module):
    """Heatmaps at a quarter of the input, from an eighth downwards and up again.

    Takes ``(batch, in_channels, y, x)`` with both sides divisible by 128 and returns
    ``(batch, landmarks, y / 4, x / 4)``, linear. ``width`` is the number of filters of
    the head; the paper's is 64. Every convolution but the last is followed by ReLU and
    then batch normalisation.

    Raises:
        GeometryError: from the call, for a size that is not divisible by 128.

    Source:
        Fard et al., "Sagittal cervical spine landmark point detection in X-ray using
        deep convolutional neural networks", IEEE Access 2022, section III-A.

    Example:
        >>> PoseNet(3, 29, width=8)(torch.zeros(2, 3, 256, 128)).shape
        torch.Size([2, 29, 64, 32])
    """

    def __init__(self, in_channels: int, landmarks: int, *, width: int = 64) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(4)]
        self.head = nn.Sequential(
            SizeGate(MULTIPLE),
            conv_relu_norm(in_channels, width, stride=2),
            conv_relu_norm(width, width, stride=2),
            conv_relu_norm(width, width, stride=2),
        )
        self.down = nn.ModuleList(
            _Down(before, filters)
            for before, filters in zip([width, *widths], widths, strict=False)
        )
        self.keep = nn.Sequential(
            conv_relu_norm(widths[-1], 2 * widths[-1]),
            deconv_relu_norm(2 * widths[-1], widths[-1], kernel=2),
        )
        rising = widths[::-1]
        self.up = nn.ModuleList(
            _Up(before + filters, filters)
            for before, filters in zip([rising[0], *rising], rising, strict=False)
        )
        self.last = nn.Conv2d(width, landmarks, 3, padding=1)
        start_as_keras(self)

    def forward(
        self, image: Float[Tensor, "batch channel y x"]
    ) -> Float[Tensor, "batch landmark rows columns"]:
        """Return one map a landmark."""
        features = self.head(image)
        skips = []
        for down in self.down:
            skip, features = down(features)
            skips.append(skip)
        features = self.keep(features)
        for up, skip in zip(self.up, reversed(skips), strict=True):
            features = up(features, skip)
        return self.last(features)
