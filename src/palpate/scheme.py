"""Which landmarks there are, what they are called, and which are each other's mirror image."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from palpate.errors import SchemeError
from palpate.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class LandmarkScheme:
    """Names of the landmarks in the order of every landmark axis.

    Args:
        name: of the scheme, as a study or a protocol names it.
        names: of the landmarks; unique.
        mirror: pairs of names that change places in a mirrored image; a name is in one at most.
        edges: pairs of names that an overlay joins with a line.
        dimension: 2 or 3.

    Raises:
        SchemeError: a name is empty, doubled or unknown.

    Example:
        >>> face = LandmarkScheme("face", ("nose", "eye_l", "eye_r"), mirror=(("eye_l", "eye_r"),))
        >>> face.mirror_order().tolist()
        [0, 2, 1]
    """

    name: str
    names: tuple[str, ...]
    mirror: tuple[tuple[str, str], ...] = ()
    edges: tuple[tuple[str, str], ...] = ()
    dimension: int = 2
    _index: dict[str, int] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", {name: i for i, name in enumerate(self.names)})
        if not self.names or any(not name for name in self.names):
            raise SchemeError(f"scheme {self.name!r} needs at least one landmark, each with a name")
        if len(self._index) != len(self.names):
            double = next(name for name in self.names if self.names.count(name) > 1)
            raise SchemeError(f"scheme {self.name!r} names landmark {double!r} twice")
        if self.dimension not in (2, 3):
            raise SchemeError(f"scheme {self.name!r}: dimension is 2 or 3, got {self.dimension}")
        for pair in (*self.mirror, *self.edges):
            for name in pair:
                self.index(name)
        mirrored = [name for pair in self.mirror for name in pair]
        if len(set(mirrored)) != len(mirrored):
            raise SchemeError(f"scheme {self.name!r}: a landmark is in two mirror pairs")

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Return the row of a landmark, or say which name is near."""
        if name not in self._index:
            raise SchemeError(
                f"scheme {self.name!r} has no landmark {name!r}" + did_you_mean(name, self.names)
            )
        return self._index[name]

    def indices(self, names: tuple[str, ...] | list[str]) -> list[int]:
        """Return the rows of several landmarks."""
        return [self.index(name) for name in names]

    def mirror_order(self) -> Int[ndarray, " landmark"]:
        """Return the row that each row takes its values from in a mirrored image."""
        order = np.arange(len(self))
        for left, right in self.mirror:
            i, j = self.index(left), self.index(right)
            order[i], order[j] = j, i
        return order
