"""The second network of limb-pose estimation in preterm infants: rough maps made precise."""

from itertools import pairwise

from torch import nn

from palpate.networks.clip_layers import ClipConvolution, ClipGate, Kernel, norm_relu
from palpate.networks.clip_spec import channels_of

WIDTHS = (64, 128, 256, 256)  # of the layers that see neighbours
MIXED = 256  # of the layer that mixes channels
MULTIPLE = 1

_FULL: tuple[Kernel, ...] = ((3, 3, 3),)
_ASYMMETRIC: tuple[Kernel, ...] = ((1, 3, 1), (1, 1, 3), (3, 1, 1))


def regression(in_channels: int, maps: int, frames: int, width: float = 1.0) -> nn.Sequential:
    """Maps of the input's own size from kernels of 3 x 3 x 3.

    Convolutions of 64, 128, 256 and 256 channels, one of 1 x 1 x 1 with 256, and a linear one
    that puts the maps out; batch normalisation and ReLU after each but the last. The input is the
    clip stacked with the maps of the first network.

    Takes ``(batch, in_channels, frames, y, x)``, returns ``(batch, maps, frames, y, x)``.

    Source:
        Moccia et al., IEEE TBME 67(8):2370, 2020, as described in Migliorelli et al., EMBC 2021.

    Example:
        >>> import torch
        >>> regression(21, 20, 3, 0.1)(torch.zeros(1, 21, 3, 12, 16)).shape
        torch.Size([1, 20, 3, 12, 16])
    """
    return _network(in_channels, maps, frames, width, _FULL)


def asymmetric_regression(
    in_channels: int, maps: int, frames: int, width: float = 1.0
) -> nn.Sequential:
    """The same with each 3 x 3 x 3 as a cascade of 1 x 3 x 1, 1 x 1 x 3 and 3 x 1 x 1.

    The kernels of a cascade have the width of the layer that they replace; kernels are given as
    time, y, x.

    Source:
        Migliorelli et al., EMBC 2021, table I.

    Example:
        >>> import torch
        >>> asymmetric_regression(21, 20, 3, 0.1)(torch.zeros(1, 21, 3, 12, 16)).shape
        torch.Size([1, 20, 3, 12, 16])
    """
    return _network(in_channels, maps, frames, width, _ASYMMETRIC)


def _network(
    in_channels: int, maps: int, frames: int, width: float, kernels: tuple[Kernel, ...]
) -> nn.Sequential:
    widths = [channels_of(published, width) for published in WIDTHS]
    layers: list[nn.Module] = [ClipGate(MULTIPLE, frames)]
    for before, after in pairwise((in_channels, *widths)):
        inputs = (before, *(after,) * (len(kernels) - 1))
        layers += [
            norm_relu(ClipConvolution(channels, after, kernel))
            for channels, kernel in zip(inputs, kernels, strict=True)
        ]
    mixed = channels_of(MIXED, width)
    layers.append(norm_relu(ClipConvolution(widths[-1], mixed, (1, 1, 1))))
    layers.append(_output(mixed, maps))
    return nn.Sequential(*layers)


def _output(before: int, maps: int) -> nn.Module:
    # Most of a map is zero: so it begins, and the few pixels that are not are learned.
    output = ClipConvolution(before, maps, (1, 1, 1), bias=True)
    nn.init.normal_(output.weight, std=0.1 / before**0.5)
    if output.bias is not None:
        nn.init.zeros_(output.bias)
    return output
