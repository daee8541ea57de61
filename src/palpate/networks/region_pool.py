"""Pooling where a small network says, after 'smart pooling'."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

FEATURES = 8


class RegionPool(nn.Module):
    """Halves maps: of each 2 x 2 tile, the value at a place that a small network chooses.

    Takes ``(batch, c, y, x)`` with even sides and returns ``(batch, c, y / 2, x / 2)``. The
    place is sub-pixel and the value there bilinear: at the centre of the tile this is
    mean-pooling, at the pixel of the largest value max-pooling. Both can be learned, and
    what lies between. One small network is shared by all tiles and channels of a layer.

    In the paper it has two convolutions of 8 filters, a dense layer of 20 and one of 2, for
    tiles of up to 30 pixels a side. In a tile of 2 x 2 there is nothing to slide over. Here
    it sees the three contrasts of the tile (right less left, lower less upper, and the
    diagonal), for where to look does not depend on the level, and has a dense layer of 8
    ReLU and one of 2: 50 weights. With fewer than 8 it could not become max-pooling: right
    is chosen where 2 right + |lower + diagonal| > |lower - diagonal|, and lower alike, four
    absolute values of two ReLU each. It starts near the centre of the tile.

    Args:
        locator: takes ``(1, 3, tile)``, the contrasts; returns ``(1, 2, tile)``, x and y in
            [0, 1] from the centre of the first pixel to that of the second. Default: the
            network above.

    Source:
        The region pooling layer of smart pooling, with bilinear sampling as there.

    Example:
        >>> RegionPool()(torch.full((1, 3, 4, 6), 7.0)).unique().tolist()
        [7.0]
    """

    def __init__(self, locator: nn.Module | None = None) -> None:
        super().__init__()
        self.locator = locator or _small_network()

    def forward(self, maps: Float[Tensor, "batch c y x"]) -> Float[Tensor, "batch c y2 x2"]:
        """Return the halved maps."""
        upper, lower = maps[..., 0::2, :], maps[..., 1::2, :]
        upper_left, upper_right = upper[..., 0::2], upper[..., 1::2]
        lower_left, lower_right = lower[..., 0::2], lower[..., 1::2]
        above, below = upper_right - upper_left, lower_right - lower_left
        down = lower_left + lower_right - upper_left - upper_right
        contrasts = torch.stack((above + below, down, below - above))
        # All tiles of all channels in one row: one product of matrices.
        place = self.locator(contrasts.flatten(1).unsqueeze(0)).squeeze(0)
        x, y = place.unflatten(1, contrasts.shape[1:]).unbind(0)
        at_top, at_bottom = upper_left + x * above, lower_left + x * below
        return at_top + y * (at_bottom - at_top)


def _small_network() -> nn.Module:
    hidden, last = nn.Conv1d(3, FEATURES, 1), nn.Conv1d(FEATURES, 2, 1)
    # Small at first, so that the place is near the centre, but not zero: that would keep the
    # gradient from the hidden layer.
    for layer, bound in ((hidden, (6 / 3) ** 0.5), (last, 0.1)):
        nn.init.uniform_(layer.weight, -bound, bound)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return nn.Sequential(hidden, nn.ReLU(), last, nn.Sigmoid())
