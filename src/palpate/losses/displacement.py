"""Losses between displacement planes: x, y and weight of every pixel for every landmark."""

from jaxtyping import Float
from torch import Tensor


def whdv(
    output: Float[Tensor, "batch landmark 3 *grid"],
    target: Float[Tensor, "batch landmark 3 *grid"],
) -> Float[Tensor, "batch landmark"]:
    """Squared displacement errors where the true weight is high, and squared errors of the weight.

    ``w ((dx - dx')^2 + (dy - dy')^2) + (w - w')^2`` with the true weight w, mean over the pixels.
    Far from a landmark its displacement cannot be known and is not asked for.

    Source:
        Davison et al., "Landmark localisation in radiographs using weighted heatmap displacement
        voting", MSKI 2018, eq. 3.

    Example:
        >>> import torch
        >>> target = torch.tensor([3.0, -1.0, 0.5]).reshape(1, 1, 3, 1, 1)
        >>> whdv(target + torch.tensor([1.0, 2.0, 0.1]).reshape(3, 1, 1), target)
        tensor([[2.5100]])
    """
    # Plane by plane: a batch of three times fifty planes is large, and each copy of it is felt.
    weight = target[:, :, 2]
    across, down = output[:, :, 0] - target[:, :, 0], output[:, :, 1] - target[:, :, 1]
    error = output[:, :, 2] - weight
    return (weight * (across * across + down * down) + error * error).flatten(2).mean(-1)


def hdv(
    output: Float[Tensor, "batch landmark 3 *grid"],
    target: Float[Tensor, "batch landmark 3 *grid"],
) -> Float[Tensor, "batch landmark"]:
    """Mean squared error of all three planes, near a landmark and far from it.

    Source:
        Davison et al. 2018, section 4.4, (ii).

    Example:
        >>> import torch
        >>> hdv(torch.ones(1, 1, 3, 2, 2), torch.zeros(1, 1, 3, 2, 2))
        tensor([[1.]])
    """
    return (output - target).square().flatten(2).mean(-1)
