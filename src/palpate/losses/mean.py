"""The one place where the mean over landmarks is taken."""

from jaxtyping import Bool, Float
from torch import Tensor


def masked_mean(
    per_landmark: Float[Tensor, "batch landmark"], present: Bool[Tensor, "batch landmark"]
) -> Float[Tensor, ""]:
    """Mean over the landmarks that are present; zero, with a gradient, when none is.

    An absent landmark gets a gradient of exactly zero, provided that its target is finite:
    encoders write zeros there, not NaN, since zero times NaN is NaN on the way back.

    Example:
        >>> import torch
        >>> losses = torch.tensor([[1.0, 3.0, 100.0]])
        >>> masked_mean(losses, torch.tensor([[True, True, False]]))
        tensor(2.)
    """
    total = per_landmark.where(present, per_landmark.new_zeros(())).sum()
    return total / present.sum().clamp(min=1)
