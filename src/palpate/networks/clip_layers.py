"""Layers of networks for clips: convolutions over time and space as fast ones of the plane."""

from math import log

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from palpate.errors import GeometryError
from palpate.networks.layers import KERAS_EPSILON
from palpate.networks.spec import refuse_wrong_size

Kernel = tuple[int, int, int]  # t, y, x


class ClipConvolution(nn.Conv3d):
    """``nn.Conv3d`` that keeps the size, with the same weights and, but for rounding, answers.

    On a processor it is computed as convolutions of the plane, one a frame, over the channels of
    the frame and of its neighbours. Two reasons: frames before the first and after the last are
    left out instead of multiplied as zeros (two ninths of the work at three frames); and in
    bfloat16, torch's convolution of three dimensions is fast only where channels lie last in
    memory, and that of two always.

    ``kernel`` is odd along each axis, and 1 or 3 in time.

    Example:
        >>> layer = ClipConvolution(2, 4, (3, 3, 3))
        >>> clip = torch.rand(1, 2, 3, 8, 8)
        >>> torch.allclose(layer(clip), nn.Conv3d.forward(layer, clip), atol=1e-6)
        True
    """

    def __init__(self, before: int, after: int, kernel: Kernel, *, bias: bool = False) -> None:
        if kernel[0] not in (1, 3) or not all(side % 2 for side in kernel):
            raise GeometryError(f"a kernel is odd, and 1 or 3 in time, got {kernel}")
        padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
        super().__init__(before, after, kernel, padding=padding, bias=bias)

    def forward(self, clip: Float[Tensor, "b c t y x"]) -> Float[Tensor, "b k t y x"]:
        """Return the features of each frame."""
        if clip.device.type not in ("cpu", "meta"):
            return super().forward(clip)
        if self.kernel_size[0] == 1:
            return unfolded(self._plane(folded(clip), self.weight[:, :, 0]), clip.shape[2])
        # With the channels named last, nothing has to guess the order in memory: a guess goes
        # wrong for a single clip, and normalisation is ten times slower in another order.
        frames = clip.permute(0, 2, 3, 4, 1).unbind(1)
        made = [self._frame(frames, at) for at in range(len(frames))]
        return torch.stack(made, dim=1).permute(0, 4, 1, 2, 3)

    def _frame(self, frames: tuple[Tensor, ...], at: int) -> Float[Tensor, "b y x k"]:
        first, last = max(at - 1, 0), min(at + 2, len(frames))
        taps = self.weight[:, :, first - at + 1 : last - at + 1]
        near = torch.cat(frames[first:last], dim=3).permute(0, 3, 1, 2)
        return self._plane(near, taps.transpose(1, 2).flatten(1, 2)).permute(0, 2, 3, 1)

    def _plane(self, features: Tensor, kernel: Tensor) -> Tensor:
        pad = (self.kernel_size[1] // 2, self.kernel_size[2] // 2)
        return functional.conv2d(features, kernel, self.bias, padding=pad)


def folded(clip: Float[Tensor, "b c t y x"]) -> Float[Tensor, "bt c y x"]:
    """Frames as images; nothing is copied where channels lie last in memory."""
    return clip.transpose(1, 2).flatten(0, 1)


def unfolded(images: Float[Tensor, "bt c y x"], frames: int) -> Float[Tensor, "b c t y x"]:
    """Images as clips of so many frames."""
    return images.reshape(-1, frames, *images.shape[1:]).transpose(1, 2)


class Halved(nn.Conv3d):
    """A convolution of 2 x 2 in the plane that halves both sides of each frame."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__(before, after, (1, 2, 2), stride=(1, 2, 2), bias=False)

    def forward(self, clip: Float[Tensor, "b c t y x"]) -> Float[Tensor, "b k t y2 x2"]:
        """Return features at half the size."""
        half = functional.conv2d(folded(clip), self.weight[:, :, 0], stride=2)
        return unfolded(half, clip.shape[2])


class Doubled(nn.ConvTranspose3d):
    """A transposed convolution of 2 x 2 in the plane that doubles both sides of each frame."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__(before, after, (1, 2, 2), stride=(1, 2, 2), bias=False)

    def forward(
        self, clip: Float[Tensor, "b c t y x"], output_size: list[int] | None = None
    ) -> Float[Tensor, "b k t y2 x2"]:
        """Return features at twice the size."""
        twice = functional.conv_transpose2d(folded(clip), self.weight[:, :, 0], stride=2)
        return unfolded(twice, clip.shape[2])


def norm_relu(convolution: nn.Conv3d | nn.ConvTranspose3d) -> nn.Sequential:
    """The convolution, batch normalisation over clip and time, ReLU.

    The convolution is drawn for ReLU (He et al. 2015) and has no bias: the normalisation has one.
    """
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    return nn.Sequential(
        convolution,
        nn.BatchNorm3d(convolution.out_channels, eps=KERAS_EPSILON),
        nn.ReLU(inplace=True),
    )


class ClipGate(nn.Module):
    """Passes a clip on, if its sides are divisible by ``multiple`` and its frames as many.

    Raises:
        GeometryError: from the call, saying which size to pad to, or how many frames to give.

    Example:
        >>> ClipGate(16, 3)(torch.zeros(1, 1, 2, 16, 16))
        Traceback (most recent call last):
        ...
        palpate.errors.GeometryError: this network takes clips of 3 frames, got 2
    """

    def __init__(self, multiple: int, frames: int) -> None:
        super().__init__()
        self.multiple = multiple
        self.frames = frames

    def forward(self, clip: Float[Tensor, "b c t y x"]) -> Float[Tensor, "b c t y x"]:
        """Return the clip itself, channels last in memory on a processor."""
        # An exporter's sides may be symbols: it must not bake a check into the graph.
        if torch.compiler.is_compiling():
            return clip
        frames, height, width = clip.shape[2:]
        if frames != self.frames:
            raise GeometryError(f"this network takes clips of {self.frames} frames, got {frames}")
        refuse_wrong_size(height, width, multiple=self.multiple)
        return clip.contiguous(memory_format=torch.channels_last_3d)


def start_at(output: ClipConvolution, share: float) -> None:
    """Let maps begin near the share of a map that is foreground, not at a half.

    Without it, cross-entropy spends its first epochs on learning that most pixels are not.
    Source: Lin et al., ICCV 2017 (focal loss), section 3.3.
    """
    nn.init.normal_(output.weight, std=0.1 / output.in_channels**0.5)
    if output.bias is not None:
        nn.init.constant_(output.bias, log(share / (1 - share)))
