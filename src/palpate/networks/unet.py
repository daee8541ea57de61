"""A light residual U-Net, the default for radiographs.

Our own design for a few dozen to a few thousand films on a small computer: strided convolutions
down to 1/32, additive skips, bilinear steps up to 1/4 of the input, where one map per landmark is
read. At the bottom, dilated blocks let every cell see more than a thousand pixels to each side:
which of seventeen vertebrae one is looking at can be told only by the ends of the spine. Group
normalisation keeps small batches and several processes equal to one large batch.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

_GROUPS = 8


class UNet(nn.Module):
    """Maps at a quarter of the input's size, as logits.

    Args:
        channels: of the input.
        landmarks: number of maps.
        widths: channels at 1/2, 1/4, 1/8, ...; multiples of 8. The input's sides must be
            multiples of ``2 ** len(widths)``.
        dilations: of the residual blocks at the bottom, where they cost least.
        dropout: share of the channels left out at random after the bottom and after each step
            up, while training; 0 has no such layers.
    """

    def __init__(
        self,
        channels: int,
        landmarks: int,
        *,
        widths: tuple[int, ...] = (24, 48, 96, 144, 192),
        dilations: tuple[int, ...] = (1, 2, 4),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.down = nn.ModuleList()
        before = channels
        for level, width in enumerate(widths):
            body = [_Residual(width)] if 0 < level < len(widths) - 1 else []
            self.down.append(nn.Sequential(*_convolution(before, width, stride=2), *body))
            before = width
        rest = [nn.Dropout2d(dropout)] if dropout else []
        self.bottom = nn.Sequential(*(_Residual(before, dilation=d) for d in dilations), *rest)
        self.reduce = nn.ModuleList()
        self.up = nn.ModuleList()
        for deep, shallow in zip(widths[:1:-1], widths[-2:0:-1], strict=True):
            self.reduce.append(nn.Conv2d(deep, shallow, 1, bias=False))
            self.up.append(
                nn.Sequential(
                    nn.GroupNorm(_GROUPS, shallow),
                    nn.ReLU(),
                    _Residual(shallow),
                    *([nn.Dropout2d(dropout)] if dropout else []),
                )
            )
        self.head = nn.Conv2d(widths[1], landmarks, 1)

    def forward(self, x: Float[Tensor, "b c y x"]) -> Float[Tensor, "b k y4 x4"]:
        """Return one map of logits per landmark."""
        levels = []
        for down in self.down:
            x = down(x)
            levels.append(x)
        levels.pop()
        x = self.bottom(x)
        for reduce, up in zip(self.reduce, self.up, strict=True):
            wide = functional.interpolate(reduce(x), scale_factor=2.0, mode="bilinear")
            x = up(wide + levels.pop())
        return self.head(x)


def _convolution(before: int, after: int, *, stride: int = 1, dilation: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, 3, stride=stride, padding=dilation, dilation=dilation, bias=False),
        nn.GroupNorm(_GROUPS, after),
        nn.ReLU(),
    ]


class _Residual(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, width: int, *, dilation: int = 1) -> None:
        super().__init__()
        first = _convolution(width, width, dilation=dilation)
        second = _convolution(width, width, dilation=dilation)
        self.body = nn.Sequential(*first, *second[:-1])

    def forward(self, x: Float[Tensor, "b c y x"]) -> Float[Tensor, "b c y x"]:
        return functional.relu(x + self.body(x))
