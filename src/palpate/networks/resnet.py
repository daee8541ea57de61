"""ResNet-50 without its classifier, counted as Keras builds it."""

from jaxtyping import Float
from torch import Tensor, nn

from palpate.networks.layers import SizeGate

MULTIPLE = 32
FEATURES = 2048

# Table 1 of the paper: inner width and number of blocks of conv2_x to conv5_x.
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
EXPANSION = 4
_EPSILON = 1.001e-5


def _conv_norm(
    channels_in: int, filters: int, *, kernel: int = 1, stride: int = 1
) -> nn.Sequential:
    """Convolution and batch normalisation. Keras keeps the bias, though it has no effect."""
    return nn.Sequential(
        nn.Conv2d(channels_in, filters, kernel, stride=stride, padding=kernel // 2),
        nn.BatchNorm2d(filters, eps=_EPSILON),
    )


class _Bottleneck(nn.Module):
    """Narrow (1x1), filter (3x3), widen (1x1), and add what came in.

    The stride stands on the first 1x1, as in the paper (later versions moved it).
    """

    def __init__(self, channels_in: int, inner: int, *, stride: int, project: bool) -> None:
        super().__init__()
        outer = EXPANSION * inner
        self.layers = nn.Sequential(
            _conv_norm(channels_in, inner, stride=stride),
            nn.ReLU(inplace=True),
            _conv_norm(inner, inner, kernel=3),
            nn.ReLU(inplace=True),
            _conv_norm(inner, outer),
        )
        self.shortcut = _conv_norm(channels_in, outer, stride=stride) if project else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, features: Float[Tensor, "batch c y x"]) -> Float[Tensor, "batch f y2 x2"]:
        """Return the sum after ReLU."""
        return self.relu(self.layers(features) + self.shortcut(features))


class ResNet50(nn.Sequential):
    """Features at 1/32 of the input, 2048 channels, from ``(batch, in_channels, y, x)``.

    23,587,712 parameters the Keras way for three channels.

    Raises:
        GeometryError: from the call, for a size that is not divisible by 32.

    Source:
        He et al., "Deep residual learning for image recognition", CVPR 2016, table 1.
    """

    def __init__(self, in_channels: int) -> None:
        layers: list[nn.Module] = [
            SizeGate(MULTIPLE),
            _conv_norm(in_channels, 64, kernel=7, stride=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, padding=1),
        ]
        channels = 64
        for stage, (inner, blocks) in enumerate(STAGES):
            for block in range(blocks):
                first = block == 0
                stride = 2 if first and stage > 0 else 1
                layers.append(_Bottleneck(channels, inner, stride=stride, project=first))
                channels = EXPANSION * inner
        super().__init__(*layers)
