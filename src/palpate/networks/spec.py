"""What the trainer has to know of a network before it builds it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from palpate.errors import ConfigError, GeometryError

Output = Literal["heatmap", "coordinates"]
NetworkBuilder = Callable[[int, int], nn.Module]


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A row of the table ``NETWORKS``.

    ``build(in_channels, landmarks)`` makes the module from torch's global random
    state, so a caller who wants the same weights twice calls ``torch.manual_seed``
    first. The module takes ``(batch, in_channels, y, x)`` and answers with

    - ``"heatmap"``: ``(batch, landmarks, y / stride, x / stride)``, unbounded values;
    - ``"coordinates"``: ``(batch, landmarks, 2)``, unbounded values in the order x, y,
      in whatever unit the codec trained it in.

    Both sides of the input must be divisible by ``multiple``. ``stride`` is 1 for
    coordinates, which have no grid.

    Raises:
        ConfigError: ``stride`` or ``multiple`` is below 1, or ``multiple`` is not
            divisible by ``stride``.

    Example:
        >>> spec = NetworkSpec(lambda c, k: nn.Conv2d(c, k, 1), "heatmap", 4, 32, "an example")
        >>> spec.padded((250, 128))
        (256, 128)
    """

    build: NetworkBuilder
    output: Output
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
        """The smallest size this network takes that is nowhere smaller than ``size``.

        The order of the two sides does not matter.
        """
        return padded_size(size, self.multiple)


def padded_size(size: tuple[int, int], multiple: int) -> tuple[int, int]:
    """Round both sides up to a multiple.

    Example:
        >>> padded_size((250, 128), 32)
        (256, 128)
    """
    first, second = (max(1, -(-side // multiple)) * multiple for side in size)
    return first, second


def refuse_wrong_size(height: int, width: int, *, multiple: int) -> None:
    """Refuse an input that a network would answer with a grid of another size.

    Raises:
        GeometryError: a side is not divisible by ``multiple``; says what to pad to.

    Example:
        >>> refuse_wrong_size(250, 128, multiple=32)
        Traceback (most recent call last):
        ...
        palpate.errors.GeometryError: this network needs both sides of its input divisible by 32, \
got 250 high x 128 wide; pad to 256 high x 128 wide
    """
    if height % multiple or width % multiple or not height or not width:
        y, x = padded_size((height, width), multiple)
        raise GeometryError(
            f"this network needs both sides of its input divisible by {multiple}, "
            f"got {height} high x {width} wide; pad to {y} high x {x} wide"
        )
