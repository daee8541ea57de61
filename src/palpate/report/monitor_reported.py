"""What a page of a followed stream is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from types import MappingProxyType

from palpate.errors import GeometryError
from palpate.sequences.movement_row import MovementRow
from palpate.sequences.movement_settings import MovementSettings


@dataclass(frozen=True, slots=True)
class StreamGap:
    """A stretch without frames, and why, as far as that is known."""

    start_s: float
    end_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Delays:
    """From a frame's arrival to its joints.

    Args:
        bins: upper end in seconds and number of frames, in order.
        longest_s: the longest of all.

    Raises:
        GeometryError: ends that do not rise, or a negative count.

    Example:
        >>> Delays(((0.01, 98), (0.02, 2)), 0.018).percentile(50.0)
        0.01
    """

    bins: tuple[tuple[float, int], ...]
    longest_s: float

    def __post_init__(self) -> None:
        ends = [end for end, _ in self.bins]
        if ends != sorted(set(ends)) or any(count < 0 for _, count in self.bins):
            raise GeometryError("delays are counted in bins whose ends rise")

    @property
    def frames(self) -> int:
        """How many frames were timed."""
        return sum(count for _, count in self.bins)

    def percentile(self, percent: float) -> float | None:
        """Upper end of the bin that ``percent`` of the frames did not exceed; None without any."""
        wanted, seen = self.frames * percent / 100.0, 0
        for end, count in self.bins:
            seen += count
            if count and seen >= wanted:
                return min(end, self.longest_s)
        return None


@dataclass(frozen=True, slots=True)
class MonitorSummary:
    """What was followed, window by window.

    Args:
        title: of the page.
        rows: windows in order of time.
        measured_by: what one body length is, in words.
        settings: that the rows were made with.
        began: the time of day of second 0; None where it is not known, and then hours are
            counted from there.
        gaps: stretches without frames.
        delays: None where nothing was timed.
        warnings: what went wrong, in sentences.
        provenance: name and value.

    Raises:
        GeometryError: no window, windows out of order or with different limbs.
    """

    title: str
    rows: tuple[MovementRow, ...]
    measured_by: str
    settings: MovementSettings = field(default_factory=MovementSettings)
    began: datetime | None = None
    gaps: tuple[StreamGap, ...] = ()
    delays: Delays | None = None
    warnings: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))
        if not self.rows:
            raise GeometryError(
                "there is no window of movement yet; follow the stream for a minute or more"
            )
        starts = [row.start_s for row in self.rows]
        if starts != sorted(set(starts)) or not isfinite(starts[0]):
            raise GeometryError("windows of movement come in order of time")
        if len({tuple(limb.limb for limb in row.limbs) for row in self.rows}) > 1:
            raise GeometryError("all windows of movement have the same limbs")

    @property
    def start_s(self) -> float:
        """Of the first window."""
        return self.rows[0].start_s

    @property
    def end_s(self) -> float:
        """Of the last window."""
        return self.rows[-1].end_s

    @property
    def limbs(self) -> tuple[str, ...]:
        """Names of the limbs."""
        return tuple(limb.limb for limb in self.rows[0].limbs)

    @property
    def pairs(self) -> tuple[str, ...]:
        """Names of the pairs of limbs."""
        return tuple(side.name for side in self.rows[0].sides)
