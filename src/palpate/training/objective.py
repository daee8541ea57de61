"""What one step minimises: the loss of the recipe between an output and a batch's targets."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from palpate.errors import ConfigError
from palpate.losses import HEATMAP_LOSSES, POINT_LOSSES
from palpate.suggest import did_you_mean

PerLandmark = Callable[[Tensor, Tensor], Tensor]


def loss_function(name: str, *, output: str) -> PerLandmark:
    """Return the loss of that name for ``heatmap`` or ``coordinates`` outputs.

    Raises:
        ConfigError: no such loss for such an output.
    """
    table = HEATMAP_LOSSES if output == "heatmap" else POINT_LOSSES
    if name not in table:
        other = POINT_LOSSES if output == "heatmap" else HEATMAP_LOSSES
        if name in other:
            raise ConfigError(f"loss {name!r} does not fit a network that puts out {output}s")
        raise ConfigError(f"there is no loss {name!r} for {output}s{did_you_mean(name, table)}")
    return table[name]


def mean_over_processes(
    per_landmark: Float[Tensor, "batch landmark"],
    present: Bool[Tensor, "batch landmark"],
    *,
    processes: int,
) -> Float[Tensor, ""]:
    """Mean over the present landmarks of the whole batch, also when processes share it.

    Every process divides its own sum by the mean count of all, and gradients are averaged over
    processes: together that is the mean over the whole batch.
    """
    count = present.sum().to(per_landmark.dtype)
    if processes > 1:
        torch.distributed.all_reduce(count)
        count = count / processes
    total = per_landmark.where(present, per_landmark.new_zeros(())).sum()
    return total / count.clamp(min=1)
