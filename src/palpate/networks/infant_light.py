"""A light network for limb pose in depth clips, for a processor at the rate of a camera."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from palpate.networks.clip_layers import (
    ClipConvolution,
    ClipGate,
    folded,
    norm_relu,
    start_at,
    unfolded,
)
from palpate.networks.clip_spec import channels_of
from palpate.networks.layers import KERAS_EPSILON

WIDTHS = (24, 48, 96, 144)  # channels at 1/2, 1/4, 1/8 and 1/16 of the input
DILATIONS = (1, 2, 1)  # of the blocks at 1/16
STRIDE = 2
MULTIPLE = 2 ** len(WIDTHS)
FOREGROUND = 0.02  # of a map, where it begins


class InfantLight(nn.Module):
    """Maps at half of the input's size: one network in place of two.

    ``encoder`` sees each frame by itself, down to 1/16 in strided convolutions and residual
    blocks. ``fusion`` lets frames see their neighbours in time at 1/16, and again at 1/4 on the
    way up, and adds the skips. Plain convolutions of the plane, since depthwise ones and such
    with three dimensions cost a processor as much for less. Since the encoder knows one frame
    alone, whoever follows a stream may keep its features: a new frame costs one encoding.

    Takes ``(batch, in_channels, frames, y, x)``, returns ``(batch, maps, frames, y / 2, x / 2)``.

    Raises:
        GeometryError: from the call, for a side that is not divisible by 16 or another number of
            frames.

    Example:
        >>> import torch
        >>> InfantLight(1, 20, 3)(torch.zeros(1, 1, 3, 32, 48)).shape
        torch.Size([1, 20, 3, 16, 24])
    """

    def __init__(self, in_channels: int, maps: int, frames: int, width: float = 1.0) -> None:
        super().__init__()
        widths = [channels_of(published, width) for published in WIDTHS]
        self.gate = ClipGate(MULTIPLE, frames)
        self.encoder = FrameEncoder(in_channels, widths)
        self.fusion = Fusion(widths, maps, frames)

    def forward(self, clip: Float[Tensor, "b c t y x"]) -> Float[Tensor, "b m t y2 x2"]:
        """Return the maps."""
        return self.fusion(self.encoder(folded(self.gate(clip))))


class FrameEncoder(nn.Module):
    """Features of single frames at each level, from the largest to the smallest."""

    def __init__(self, in_channels: int, widths: list[int]) -> None:
        super().__init__()
        befores = (in_channels, *widths)
        self.levels = nn.ModuleList(
            nn.Sequential(
                *_convolution(before, after, kernel=3 if level else 5, stride=2),
                *([_Residual(after)] if level else []),
            )
            for level, (before, after) in enumerate(zip(befores, widths, strict=False))
        )

    def forward(self, images: Float[Tensor, "bt c y x"]) -> list[Tensor]:
        """Return the features."""
        found = []
        for level in self.levels:
            images = level(images)
            found.append(images)
        return found


class Fusion(nn.Module):
    """Frames told of each other, and the way up to the maps."""

    def __init__(self, widths: list[int], maps: int, frames: int) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth = widths
        self.frames = frames
        self.deep_time = _Neighbours(sixteenth, frames)
        self.bottom = nn.Sequential(*(_Residual(sixteenth, dilation=d) for d in DILATIONS))
        self.to_eighth = _Up(sixteenth, eighth)
        self.to_quarter = _Up(eighth, quarter)
        self.quarter_time = _Neighbours(quarter, frames)
        self.to_half = _Up(quarter, half)
        self.output = ClipConvolution(half, maps, (1, 1, 1), bias=True)
        start_at(self.output, FOREGROUND)

    def forward(self, levels: list[Tensor]) -> Float[Tensor, "b m t y2 x2"]:
        """Return the maps of clips from the features of their frames, clip after clip."""
        half, quarter, eighth, sixteenth = levels
        features = self.bottom(self.deep_time(sixteenth))
        features = self.to_quarter(self.to_eighth(features, eighth), quarter)
        features = self.to_half(self.quarter_time(features), half)
        return self.output(unfolded(features, self.frames))


class _Neighbours(nn.Module):
    """What the frames before and after say at the same place, added to what is there."""

    def __init__(self, width: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.time = norm_relu(ClipConvolution(width, width, (3, 1, 1)))

    def forward(self, images: Float[Tensor, "bt c y x"]) -> Float[Tensor, "bt c y x"]:
        """Return as many features of the same frames."""
        return images + folded(self.time(unfolded(images, self.frames)))


class _Up(nn.Module):
    """Features at twice the size beside those of the way down, and a block over both."""

    def __init__(self, deep: int, shallow: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(deep, shallow, 1, bias=False)
        self.norm = nn.Sequential(nn.BatchNorm2d(shallow, eps=KERAS_EPSILON), nn.ReLU())
        self.block = _Residual(shallow)

    def forward(
        self, deep: Float[Tensor, "bt d y x"], shallow: Float[Tensor, "bt s y2 x2"]
    ) -> Float[Tensor, "bt s y2 x2"]:
        """Return features of the larger size."""
        wide = functional.interpolate(self.reduce(deep), scale_factor=2.0, mode="bilinear")
        return self.block(self.norm(wide + shallow))


class _Residual(nn.Module):
    """Two convolutions beside the identity, which is all that they are at the start."""

    def __init__(self, width: int, *, dilation: int = 1) -> None:
        super().__init__()
        first = _convolution(width, width, dilation=dilation)
        second = _convolution(width, width, dilation=dilation)
        self.body = nn.Sequential(*first, *second[:-1])
        last = second[1]
        if isinstance(last, nn.BatchNorm2d):
            nn.init.zeros_(last.weight)

    def forward(self, features: Float[Tensor, "bt c y x"]) -> Float[Tensor, "bt c y x"]:
        """Return as many features of the same size."""
        return functional.relu(features + self.body(features))


def _convolution(
    before: int, after: int, *, kernel: int = 3, stride: int = 1, dilation: int = 1
) -> list[nn.Module]:
    pad = dilation * (kernel // 2)
    layer = nn.Conv2d(
        before, after, kernel, stride=stride, padding=pad, dilation=dilation, bias=False
    )
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return [layer, nn.BatchNorm2d(after, eps=KERAS_EPSILON), nn.ReLU()]
