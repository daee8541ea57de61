"""What became of every frame number of a stream."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal

from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import locked


class FrameState(IntEnum):
    """What became of a frame that came. The numbers are those in the store: never reuse one."""

    FOUND = 1  # every joint
    PARTIAL = 2  # some joints
    NOTHING_FOUND = 3  # looked at, no joint
    NO_PAST = 4  # not looked at: the frames before it that the localiser needs are not there
    SKIPPED = 5  # not looked at: the work was behind
    BAD = 6  # unreadable, of another size, out of order
    NOTHING_MEASURED = 7  # the camera gave zeros alone

    @property
    def words(self) -> str:
        """As reports and status name it."""
        return "gap" if self is FrameState.NO_PAST else self.name.lower().replace("_", " ")

    @property
    def looked_at(self) -> bool:
        """Whether joints were looked for."""
        return self in LOOKED_AT


LOOKED_AT = frozenset((FrameState.FOUND, FrameState.PARTIAL, FrameState.NOTHING_FOUND))
MISSING = "missing"  # frame numbers that never came: they are in gaps

GapReason = Literal["missing", "stall", "source restarted", "not running", "not saved"]


@dataclass(frozen=True, eq=False, slots=True)
class FrameRecord:
    """What became of one frame that came.

    Args:
        number: the camera's.
        time_s: on the store's clock: since its origin, never earlier than the record before.
        state: what became of it.
        coordinates: (joint, 2) in px of the frame as given, NaN where not found; None where it was
            not looked at.
        score: (joint,) in [0, 1].
        links: (connection,) in [0, 1].
        others: how many more bodies, or parts of such, lie in the frame.
        delay_s: from its arrival to its joints in memory; None where it was not looked at.
    """

    number: int
    time_s: float
    state: FrameState
    coordinates: Float[ndarray, "joint 2"] | None = None
    score: Float[ndarray, " joint"] | None = None
    links: Float[ndarray, " connection"] | None = None
    others: int = 0
    delay_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("coordinates", "score", "links"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, locked(value))


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time, or of frame numbers, that has no frames.

    Args:
        start_s: time of the last record before it, on the store's clock.
        stop_s: time of the first record after it.
        reason: ``missing`` numbers were left out; ``stall``, nothing came for long; ``source
            restarted``; ``not running``, palpate itself; ``not saved``, the disk was full for
            longer than memory could hold.
        first_number: of the numbers that are not there; None where the counter left none out.
        last_number: the same.

    Example:
        >>> Gap(1.0, 1.2, "missing", 31, 35).frames
        5
    """

    start_s: float
    stop_s: float
    reason: GapReason
    first_number: int | None = None
    last_number: int | None = None

    @property
    def frames(self) -> int:
        """How many frame numbers are not there."""
        if self.first_number is None or self.last_number is None:
            return 0
        return self.last_number - self.first_number + 1


@dataclass(frozen=True, slots=True)
class Note:
    """Why frames are bad, in words; those alike of one segment are one note with a count.

    Args:
        time_s: of the first, on the store's clock.
        number: of the first; None where it has none.
        words: what is wrong, with the numbers and times of the first.
        kind: notes of one kind are alike.
        count: how many frames.
    """

    time_s: float
    number: int | None
    words: str
    kind: str
    count: int = 1

    def with_count(self, count: int) -> "Note":
        """Return the same of more frames."""
        return replace(self, count=count)


Entry = FrameRecord | Gap | Note
