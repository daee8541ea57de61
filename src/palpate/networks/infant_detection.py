"""The first network of limb-pose estimation in preterm infants: rough maps of joints and limbs."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from palpate.networks.clip_layers import (
    ClipConvolution,
    ClipGate,
    Doubled,
    Halved,
    norm_relu,
    start_at,
)
from palpate.networks.clip_spec import channels_of

STEM = 64
DOWN = (64, 128, 256, 512)  # of each branch; the common convolution has twice as many
UP = (256, 128, 64, 32)
MULTIPLE = 2 ** len(DOWN)
FOREGROUND = 0.02  # of a map: about what a disc of radius 6 covers of 128 x 96


class InfantDetection(nn.Module):
    """Maps of the input's own size, as logits: two branches a block, which meet in each block.

    A convolution of 3 x 3 x 3 with 64 channels; four blocks down, to 1024 channels; four blocks
    up, to 64; a convolution of 1 x 1 x 1 to the maps. A block has two branches, which see the
    same features and may specialise on joints and on connections: each changes the size of the
    plane by a convolution (down) or transposed convolution (up) of 1 x 2 x 2 with stride 2, and
    looks at neighbours by one of 3 x 3 x 3; a common convolution of 1 x 1 x 1 joins them. Time
    keeps its length. Batch normalisation and ReLU follow every convolution but the last.

    A block up is added to the features of its size on the way down, which have as many channels.

    Takes ``(batch, in_channels, frames, y, x)``, returns ``(batch, maps, frames, y, x)``.

    Raises:
        GeometryError: from the call, for a side that is not divisible by 16 or another number of
            frames.

    Source:
        Moccia et al., IEEE TBME 67(8):2370, 2020, in the reading of ``docs/networks.md``.

    Example:
        >>> InfantDetection(1, 20, 3, 0.1)(torch.zeros(1, 1, 3, 16, 32)).shape
        torch.Size([1, 20, 3, 16, 32])
    """

    def __init__(self, in_channels: int, maps: int, frames: int, width: float = 1.0) -> None:
        super().__init__()
        self.gate = ClipGate(MULTIPLE, frames)
        before = channels_of(STEM, width)
        self.stem = norm_relu(ClipConvolution(in_channels, before, (3, 3, 3)))
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        for blocks, resize, widths in ((self.down, Halved, DOWN), (self.up, Doubled, UP)):
            for published in widths:
                branch = channels_of(published, width)
                blocks.append(_Block(before, branch, resize))
                before = 2 * branch
        self.output = ClipConvolution(before, maps, (1, 1, 1), bias=True)
        start_at(self.output, FOREGROUND)

    def forward(self, clip: Float[Tensor, "b c t y x"]) -> Float[Tensor, "b m t y x"]:
        """Return the maps."""
        features = self.stem(self.gate(clip))
        skips = []
        for down in self.down:
            skips.append(features)
            features = down(features)
        for up in self.up:
            features = up(features) + skips.pop()
        return self.output(features)


class _Block(nn.Module):
    """Two branches of another size, and the convolution that they have in common."""

    def __init__(self, before: int, width: int, resize: type[Halved] | type[Doubled]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(
                norm_relu(resize(before, width)),
                norm_relu(ClipConvolution(width, width, (3, 3, 3))),
            )
            for _ in range(2)
        )
        self.common = norm_relu(ClipConvolution(2 * width, 2 * width, (1, 1, 1)))

    def forward(self, features: Float[Tensor, "b c t y x"]) -> Float[Tensor, "b k t y2 x2"]:
        """Return the features in common."""
        return self.common(torch.cat([branch(features) for branch in self.branches], dim=1))
