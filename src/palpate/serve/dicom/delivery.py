"""What becomes of an object that is sent, and whoever sends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

Outcome = Literal["stored", "later", "refused"]


@dataclass(frozen=True, slots=True)
class Delivered:
    """One object and its fate.

    Args:
        path: the file that was sent.
        outcome: 'stored': the other side has it. 'later': it may take it another time. 'refused':
            it will not take it as it is.
        words: the answer in words, without patient data.
    """

    path: Path
    outcome: Outcome
    words: str


@runtime_checkable
class Destination(Protocol):
    """Where objects are sent."""

    def deliver(self, files: Sequence[Path]) -> list[Delivered]:
        """Send files; answer for each, in their order. A network that fails raises nothing."""
        ...
