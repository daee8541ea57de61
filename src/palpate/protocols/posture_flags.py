"""Yes, no, or not known: what is said of every frame where a landmark may be absent."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from palpate.errors import GeometryError


@dataclass(frozen=True, eq=False, slots=True)
class Flags:
    """A statement about every frame, true or false where it is known.

    Args:
        value: whether it holds; False wherever it is not known.
        known: whether that can be told.

    Raises:
        GeometryError: the two differ in shape.

    Example:
        >>> flags = Flags(np.array([[True, False], [False, False]]), np.array([[True, False]] * 2))
        >>> any_of(flags).known.tolist()
        [True, False]
    """

    value: Bool[ndarray, "..."]
    known: Bool[ndarray, "..."]

    def __post_init__(self) -> None:
        if self.value.shape != self.known.shape:
            raise GeometryError(
                f"flags of shape {self.value.shape} are known in shape {self.known.shape}"
            )
        object.__setattr__(self, "value", self.value & self.known)

    def negated(self) -> "Flags":
        """Return the opposite statement, known where this one is."""
        return Flags(~self.value, self.known)

    def columns(self, chosen: list[int]) -> "Flags":
        """Keep some columns of the last axis."""
        return Flags(self.value[..., chosen], self.known[..., chosen])

    def column(self) -> "Flags":
        """Give one statement a frame a last axis of its own, of length 1."""
        return Flags(self.value[..., None], self.known[..., None])

    def where(self, asked: Bool[ndarray, "..."]) -> "Flags":
        """Forget what is not asked."""
        return Flags(self.value, self.known & asked)


def any_of(flags: Flags) -> Flags:
    """Whether one holds, along the last axis: known once one does, or once all are known.

    Source:
        Kleene, Introduction to Metamathematics, 1952, section 64 (strong three-valued logic).
    """
    holds = np.asarray(flags.value.any(axis=-1))
    return Flags(holds, holds | np.asarray(flags.known.all(axis=-1)))


def all_of(flags: Flags) -> Flags:
    """Whether all hold, along the last axis: known once one does not, or once all are known."""
    return any_of(flags.negated()).negated()


def beside(first: Flags, second: Flags) -> Flags:
    """Put the columns of two sets of flags side by side."""
    return Flags(
        np.concatenate([first.value, second.value], axis=-1),
        np.concatenate([first.known, second.known], axis=-1),
    )
