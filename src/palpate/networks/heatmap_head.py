"""From a backbone's features at 1/32 to heatmaps at 1/4."""

from torch import nn

from palpate.networks.layers import deconv_relu_norm

FILTERS = 256


class HeatmapHead(nn.Sequential):
    """Three 3x3 deconvolutions of stride 2 and 256 filters, then a 1x1 convolution.

    Takes ``(batch, features, y, x)`` and returns ``(batch, landmarks, 8 y, 8 x)``, linear.

    Source:
        Fard et al., IEEE Access 2022, section IV-D: ReLU before batch normalisation.

    Example:
        >>> import torch
        >>> HeatmapHead(16, 5)(torch.zeros(2, 16, 4, 2)).shape
        torch.Size([2, 5, 32, 16])
    """

    def __init__(self, features: int, landmarks: int) -> None:
        super().__init__(
            deconv_relu_norm(features, FILTERS, kernel=3),
            deconv_relu_norm(FILTERS, FILTERS, kernel=3),
            deconv_relu_norm(FILTERS, FILTERS, kernel=3),
            nn.Conv2d(FILTERS, landmarks, 1),
        )
