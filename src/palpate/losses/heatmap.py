"""Losses between two stacks of maps, without regions: L2, L1 and cross-entropy."""

import torch
from jaxtyping import Float
from torch import Tensor


def l2(
    output: Float[Tensor, "batch landmark *grid"], target: Float[Tensor, "batch landmark *grid"]
) -> Float[Tensor, "batch landmark"]:
    """Mean squared difference over the pixels of each map.

    Example:
        >>> l2(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.5))
        tensor([[0.2500]])
    """
    return (output - target).square().flatten(2).mean(-1)


def l1(
    output: Float[Tensor, "batch landmark *grid"], target: Float[Tensor, "batch landmark *grid"]
) -> Float[Tensor, "batch landmark"]:
    """Mean absolute difference over the pixels of each map.

    Example:
        >>> l1(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.5))
        tensor([[0.5000]])
    """
    return (output - target).abs().flatten(2).mean(-1)


def cross_entropy(
    output: Float[Tensor, "batch landmark *grid"], target: Float[Tensor, "batch landmark *grid"]
) -> Float[Tensor, "batch landmark"]:
    """How far the softmax of each output map is from its target map, in nats.

    ``output`` holds logits; the target is divided by its sum, so a bump cut by the border
    is a distribution too. The target's own entropy is subtracted (the Kullback-Leibler
    divergence): the gradient is that of cross-entropy, and zero means perfect. A target
    map that is zero everywhere has loss zero and no gradient. Computed in the wider of
    the two types: keep the target in single precision when the output is in half.

    Example:
        >>> target = torch.tensor([[[[1.0, 2.0], [3.0, 2.0]]]])
        >>> bool(cross_entropy(target.log() + 5, target).abs() < 1e-6)
        True
    """
    wide = torch.promote_types(output.dtype, target.dtype)
    log_share = output.flatten(2).to(wide).log_softmax(dim=-1)
    mass = target.flatten(2).to(wide)
    share = mass / mass.sum(-1, keepdim=True).clamp(min=torch.finfo(wide).tiny)
    return -(share * log_share).sum(-1) - torch.special.entr(share).sum(-1)
