"""Losses between two sets of positions, in pixels of the network's grid.

Wing and smooth L1 bend at a fixed number of pixels: multiply fractions of the grid by its
size before they come here, or the bend lies outside of the image.
"""

from dataclasses import dataclass
from math import log1p

import torch
from jaxtyping import Float
from torch import Tensor

from palpate.errors import ConfigError


def euclidean(
    output: Float[Tensor, "batch landmark d"], target: Float[Tensor, "batch landmark d"]
) -> Float[Tensor, "batch landmark"]:
    """Distance in pixels: what the mean radial error averages.

    Example:
        >>> euclidean(torch.tensor([[[3.0, 4.0]]]), torch.zeros(1, 1, 2))
        tensor([[5.]])
    """
    return torch.linalg.vector_norm(output - target, dim=-1)


def l1(
    output: Float[Tensor, "batch landmark d"], target: Float[Tensor, "batch landmark d"]
) -> Float[Tensor, "batch landmark"]:
    """Sum of the absolute differences along the axes, in pixels.

    Example:
        >>> l1(torch.tensor([[[3.0, -4.0]]]), torch.zeros(1, 1, 2))
        tensor([[7.]])
    """
    return (output - target).abs().sum(-1)


def smooth_l1(
    output: Float[Tensor, "batch landmark d"], target: Float[Tensor, "batch landmark d"]
) -> Float[Tensor, "batch landmark"]:
    """L1 with a round bottom: half the square below one pixel, summed over the axes.

    Source:
        Girshick, "Fast R-CNN", ICCV 2015, equation 3.

    Example:
        >>> smooth_l1(torch.tensor([[[3.0, 0.5]]]), torch.zeros(1, 1, 2))
        tensor([[2.6250]])
    """
    return torch.nn.functional.smooth_l1_loss(output, target, reduction="none").sum(-1)


@dataclass(frozen=True, slots=True)
class WingSettings:
    """Constants of Wing loss, both in pixels; the defaults are those of the paper.

    Args:
        omega: error above which the loss is linear.
        epsilon: error at which the logarithm bends.

    Raises:
        ConfigError: one of them is not above 0.
    """

    omega: float = 10.0
    epsilon: float = 2.0

    def __post_init__(self) -> None:
        for name in ("omega", "epsilon"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"Wing loss needs {name} above 0, got {getattr(self, name)}")


PUBLISHED = WingSettings()


def wing(
    output: Float[Tensor, "batch landmark d"],
    target: Float[Tensor, "batch landmark d"],
    *,
    settings: WingSettings = PUBLISHED,
) -> Float[Tensor, "batch landmark"]:
    """Logarithmic for small errors, so that they still pull; summed over the axes.

    Source:
        Feng et al., "Wing loss for robust facial landmark localisation with convolutional
        neural networks", CVPR 2018, equation 5.

    Example:
        >>> wing(torch.tensor([[[2.0, 0.0]]]), torch.zeros(1, 1, 2))  # 10 ln 2
        tensor([[6.9315]])
    """
    distance = (output - target).abs()
    offset = settings.omega - settings.omega * log1p(settings.omega / settings.epsilon)
    small = settings.omega * (distance / settings.epsilon).log1p()
    return torch.where(distance < settings.omega, small, distance - offset).sum(-1)
