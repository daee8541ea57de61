"""Losses of maps of joints and connections over the frames of a clip."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def binary_cross_entropy(
    output: Float[Tensor, "batch map *grid"], target: Float[Tensor, "batch map *grid"]
) -> Float[Tensor, "batch map"]:
    """Mean over the pixels of a map of the cross-entropy of each; the output is a logit.

    Example:
        >>> import torch
        >>> binary_cross_entropy(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
        tensor([[0.6931]])
    """
    pixels = functional.binary_cross_entropy_with_logits(output, target, reduction="none")
    return pixels.flatten(2).mean(dim=2)


def mean_squared_error(
    output: Float[Tensor, "batch map *grid"], target: Float[Tensor, "batch map *grid"]
) -> Float[Tensor, "batch map"]:
    """Mean over the pixels of a map of the squared difference.

    Example:
        >>> import torch
        >>> mean_squared_error(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 3.0))
        tensor([[9.]])
    """
    return (output - target).square().flatten(2).mean(dim=2)
