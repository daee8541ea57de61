"""What one step minimises: the loss of the recipe between an output and a batch's targets."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from palpate.errors import ConfigError
from palpate.localisers.spec import LocaliserSpec
from palpate.losses import DISPLACEMENT_LOSSES, HEATMAP_LOSSES, POINT_LOSSES, masked_mean
from palpate.suggest import did_you_mean

PerLandmark = Callable[[Tensor, Tensor], Tensor]

# By what a network puts out.
_LOSSES = {
    "heatmap": HEATMAP_LOSSES,
    "coordinates": POINT_LOSSES,
    "displacement": DISPLACEMENT_LOSSES,
}


def loss_function(name: str, spec: LocaliserSpec) -> PerLandmark:
    """Return the loss of that name for the outputs of a localiser.

    Point losses see pixels of the grid, whatever the codec's own scale.

    Raises:
        ConfigError: no such loss for such an output.
    """
    table = _LOSSES[spec.output]
    if name not in table:
        if any(name in other for other in _LOSSES.values()):
            raise ConfigError(f"loss {name!r} does not fit a network that puts out {spec.output}")
        raise ConfigError(f"there is no loss {name!r} for {spec.output}{did_you_mean(name, table)}")
    loss = table[name]
    if spec.output != "coordinates":
        return loss

    def in_grid_pixels(output: Tensor, target: Tensor) -> Tensor:
        grid = output.new_tensor(spec.grid)
        return loss(output * grid, target * grid)

    return in_grid_pixels


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
    own = masked_mean(per_landmark, present)
    if processes == 1:
        return own
    count = present.sum().to(per_landmark.dtype)
    everyone = count.clone()
    torch.distributed.all_reduce(everyone)
    return own * count / (everyone / processes).clamp(min=1)
