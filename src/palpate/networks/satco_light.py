"""A light network for seated posture: the interface of ``satco``, a fifth of its work."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from palpate.networks.contrast import LocalContrastNormalisation
from palpate.networks.satco import SIDE, ExactSize

WIDTHS = (24, 48, 96)  # channels at 1/4, 1/8 and 1/16 of the input
DILATIONS = (1, 2, 4, 1)  # of the blocks at 1/16


class SatcoLight(nn.Sequential):
    """Positions in a 256 x 256 image, light enough for video on two processor cores.

    Takes ``(batch, in_channels, 256, 256)`` in [0, 1] and returns ``(batch, landmarks, 2)``,
    x and y as fractions of the grid, like ``SatcoNet``.

    The image is halved by area, and its local contrast normalised over 9 x 9 of the larger
    pixels, which is the neighbourhood of the published network. Three strided convolutions
    and five residual blocks lead to maps of 16 x 16; dilation lets each of their cells see
    the whole image. A map is read as the mean of its softmax. It learns in a fraction of the
    steps that dense layers take, which have to learn anew for every place what a map knows
    for all of them.

    There is no other normalisation, so a network answers alike in training and after it,
    whatever the batch; blocks start as the identity. Plain convolutions, since depthwise
    ones cost an ordinary processor as much for less.

    A mean over cells does not leave their centres: positions lie at least 8 pixels inside
    the image.

    Raises:
        GeometryError: from the call, for an image of another size.

    Example:
        >>> SatcoLight(3, 13)(torch.zeros(2, 3, 256, 256))[0, 0]
        tensor([0.5000, 0.5000], grad_fn=<SelectBackward0>)
    """

    def __init__(self, in_channels: int, landmarks: int) -> None:
        quarter, eighth, sixteenth = WIDTHS
        head = nn.Conv2d(sixteenth, landmarks, 1)
        super().__init__(
            ExactSize(SIDE),
            nn.AvgPool2d(2),
            LocalContrastNormalisation(9),
            *_halving(in_channels, quarter, kernel=5),
            *_halving(quarter, eighth, kernel=3),
            _Residual(eighth, dilation=1),
            *_halving(eighth, sixteenth, kernel=3),
            *(_Residual(sixteenth, dilation=dilation) for dilation in DILATIONS),
            head,
            SoftArgmax(),
        )
        # Nearly even maps, so that a network at its start answers near the centre.
        with torch.no_grad():
            head.weight.mul_(0.1)


class SoftArgmax(nn.Module):
    """The mean position under the softmax of each map, as fractions of the grid.

    Takes ``(batch, landmark, y, x)`` and returns ``(batch, landmark, 2)``, x and y, 0 at the
    left and upper edge of the map, 1 at the right and lower one.

    Example:
        >>> SoftArgmax()(torch.tensor([[[[0.0, 0.0], [0.0, 100.0]]]]))
        tensor([[[0.7500, 0.7500]]])
    """

    def forward(
        self, maps: Float[Tensor, "batch landmark y x"]
    ) -> Float[Tensor, "batch landmark 2"]:
        """Return the positions."""
        weight = maps.float().flatten(2).softmax(dim=-1).reshape(maps.shape)
        rows, columns = (_centres(length, weight) for length in maps.shape[2:])
        x = (weight.sum(dim=2) * columns).sum(dim=-1)
        y = (weight.sum(dim=3) * rows).sum(dim=-1)
        return torch.stack((x, y), dim=-1)


class _Residual(nn.Module):
    """Two convolutions beside the identity, which is all that they are at the start."""

    def __init__(self, width: int, *, dilation: int) -> None:
        super().__init__()
        self.first = _convolution(width, width, kernel=3, dilation=dilation)
        self.second = _convolution(width, width, kernel=3, dilation=dilation)
        nn.init.zeros_(self.second.weight)

    def forward(self, features: Float[Tensor, "batch c y x"]) -> Float[Tensor, "batch c y x"]:
        """Return as many features of the same size."""
        beside = self.second(functional.relu(self.first(features)))
        return functional.relu(features + beside)


def _halving(before: int, after: int, *, kernel: int) -> tuple[nn.Module, nn.Module]:
    return _convolution(before, after, kernel=kernel, stride=2), nn.ReLU()


def _convolution(
    before: int, after: int, *, kernel: int, stride: int = 1, dilation: int = 1
) -> nn.Conv2d:
    """A convolution that keeps the size but for its stride, drawn for ReLU (He et al. 2015)."""
    padding = dilation * (kernel // 2)
    layer = nn.Conv2d(before, after, kernel, stride=stride, padding=padding, dilation=dilation)
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _centres(length: int, like: Tensor) -> Tensor:
    """The centres of cells in a row of length 1."""
    return (torch.arange(length, device=like.device, dtype=like.dtype) + 0.5) / length
