"""MobileNetV2 without its classifier, counted as Keras builds it."""

from jaxtyping import Float
from torch import Tensor, nn

from palpate.networks.layers import KERAS_EPSILON, SizeGate

MULTIPLE = 32
FEATURES = 1280

# Table 2 of the paper: expansion, channels, repeats, stride of the first.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def _conv_norm(
    channels_in: int, filters: int, *, kernel: int = 1, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """Convolution without bias, and batch normalisation: a list to build a chain from."""
    convolution = nn.Conv2d(
        channels_in,
        filters,
        kernel,
        stride=stride,
        padding=kernel // 2,
        groups=groups,
        bias=False,
    )
    return [convolution, nn.BatchNorm2d(filters, eps=KERAS_EPSILON)]


class _InvertedResidual(nn.Module):
    """Widen (1x1), filter each channel by itself (3x3), narrow without ReLU (1x1)."""

    def __init__(self, channels_in: int, filters: int, *, expansion: int, stride: int) -> None:
        super().__init__()
        wide = expansion * channels_in
        layers: list[nn.Module] = []
        if expansion > 1:
            layers += [*_conv_norm(channels_in, wide), nn.ReLU6(inplace=True)]
        layers += _conv_norm(wide, wide, kernel=3, stride=stride, groups=wide)
        layers += [nn.ReLU6(inplace=True), *_conv_norm(wide, filters)]
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and channels_in == filters

    def forward(self, features: Float[Tensor, "batch c y x"]) -> Float[Tensor, "batch f y2 x2"]:
        """Return the narrowed features, plus the input where the shapes agree."""
        narrowed = self.layers(features)
        return features + narrowed if self.residual else narrowed


class MobileNetV2(nn.Sequential):
    """Features at 1/32 of the input, 1280 channels, from ``(batch, in_channels, y, x)``.

    2,257,984 parameters the Keras way for three channels. Padding is the same on both
    sides; Keras pads only the far side where the stride is 2, which moves the sampling
    grid by a pixel and changes neither sizes nor counts.

    Raises:
        GeometryError: from the call, for a size that is not divisible by 32.

    Source:
        Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks",
        CVPR 2018, table 2, width multiplier 1.
    """

    def __init__(self, in_channels: int) -> None:
        layers: list[nn.Module] = [
            SizeGate(MULTIPLE),
            *_conv_norm(in_channels, 32, kernel=3, stride=2),
            nn.ReLU6(inplace=True),
        ]
        channels = 32
        for expansion, filters, repeats, first_stride in STAGES:
            for repeat in range(repeats):
                stride = first_stride if repeat == 0 else 1
                layers.append(
                    _InvertedResidual(channels, filters, expansion=expansion, stride=stride)
                )
                channels = filters
        layers += [*_conv_norm(channels, FEATURES), nn.ReLU6(inplace=True)]
        super().__init__(*layers)
