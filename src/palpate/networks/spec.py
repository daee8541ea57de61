"""What the trainer has to know of a network before it builds it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from palpate.errors import ConfigError, GeometryError

Output = Literal["heatmap", "coordinates", "displacement"]
NetworkBuilder = Callable[[int, int], nn.Module]


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A row of the table ``NETWORKS``.

    ``build(in_channels, landmarks)`` makes the module from torch's global random
    state, so a caller who wants the same weights twice calls ``torch.manual_seed``
    first. The module takes ``(batch, in_channels, y, x)`` and answers with

    - ``"heatmap"``: ``(batch, landmarks, y / stride, x / stride)``, unbounded values;
    - ``"coordinates"``: ``(batch, landmarks, 2)``, unbounded values in the order x, y,
      in whatever unit the codec trained it in;
    - ``"displacement"``: ``(batch, landmarks, 3, y, x)``, unbounded values in the order x
      and y displacement in pixels, weight; ``stride`` is 1.

    Both sides of the input must be divisible by ``multiple``. A network with a ``size``,
    (x, y), takes that size alone. ``stride`` is 1 for coordinates, which have no grid.

    Raises:
        ConfigError: ``stride`` or ``multiple`` is below 1, ``multiple`` is not divisible
            by ``stride``, or ``size`` not by ``multiple``.

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
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.stride < 1 or self.multiple < 1 or self.multiple % self.stride:
            raise ConfigError(
                f"a network's size multiple must be a multiple of its stride, both at least 1; "
                f"got multiple={self.multiple}, stride={self.stride}"
            )
        if self.size is not None and padded_size(self.size, self.multiple) != self.size:
            raise ConfigError(
                f"the only size of a network must be a multiple of {self.multiple}, "
                f"got {self.size[0]} x {self.size[1]}"
            )

    def padded(self, size: tuple[int, int]) -> tuple[int, int]:
        """The smallest size this network takes that is nowhere smaller than ``size``, (x, y).

        Raises:
            GeometryError: the network takes one size alone, and this is larger.
        """
        if self.size is None:
            return padded_size(size, self.multiple)
        if size[0] > self.size[0] or size[1] > self.size[1]:
            raise GeometryError(_one_size(size, self.size))
        return self.size


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


def refuse_other_size(height: int, width: int, *, size: tuple[int, int]) -> None:
    """Refuse an input that is not of the only size, (x, y), that a network takes.

    Raises:
        GeometryError: it is of another size.

    Example:
        >>> refuse_other_size(480, 640, size=(256, 256))
        Traceback (most recent call last):
        ...
        palpate.errors.GeometryError: this network takes images of 256 x 256 pixels and no other \
size, got 640 x 480; resample them to 256 x 256
    """
    if (width, height) != size:
        raise GeometryError(_one_size((width, height), size))


def _one_size(came: tuple[int, int], size: tuple[int, int]) -> str:
    wanted = f"{size[0]} x {size[1]}"
    return (
        f"this network takes images of {wanted} pixels and no other size, "
        f"got {came[0]} x {came[1]}; resample them to {wanted}"
    )
