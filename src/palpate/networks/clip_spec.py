"""What has to be known of a network for clips before it is built."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from palpate.errors import ConfigError
from palpate.networks.spec import padded_size

ClipNetworkBuilder = Callable[[int, int, int, float], nn.Module]


@dataclass(frozen=True, slots=True)
class ClipNetworkSpec:
    """A row of the table ``CLIP_NETWORKS``.

    ``build(in_channels, maps, frames, width)`` makes the module from torch's global random state,
    so a caller who wants the same weights twice calls ``torch.manual_seed`` first. The module
    takes ``(batch, in_channels, frames, y, x)`` and answers with
    ``(batch, maps, frames, y / stride, x / stride)``, unbounded: where the maps are shares of
    certainty these are logits. ``width`` multiplies every number of channels (``channels_of``);
    1.0 is as published.

    Both sides of the input must be divisible by ``multiple``.

    Raises:
        ConfigError: ``stride`` or ``multiple`` is below 1, or ``multiple`` is not divisible by
            ``stride``.

    Example:
        >>> spec = ClipNetworkSpec(lambda c, m, t, w: nn.Conv3d(c, m, 1), 1, 16, "an example")
        >>> spec.padded((128, 90))
        (128, 96)
    """

    build: ClipNetworkBuilder
    stride: int
    multiple: int
    source: str

    def __post_init__(self) -> None:
        if self.stride < 1 or self.multiple < 1 or self.multiple % self.stride:
            raise ConfigError(
                f"a network's size multiple must be a multiple of its stride, both at least 1; "
                f"got multiple={self.multiple}, stride={self.stride}"
            )

    def padded(self, size: tuple[int, int]) -> tuple[int, int]:
        """The smallest size this network takes that is nowhere smaller than ``size``, (x, y)."""
        return padded_size(size, self.multiple)


def channels_of(published: int, width: float) -> int:
    """So many times the published channels, rounded to a multiple of 4, at least 4.

    Raises:
        ConfigError: ``width`` is not above 0.

    Example:
        >>> channels_of(64, 1.0), channels_of(64, 0.25), channels_of(64, 0.01)
        (64, 16, 4)
    """
    if not width > 0:
        raise ConfigError(f"the width of a network must be above 0, got {width}")
    return max(4, 4 * round(published * width / 4))
