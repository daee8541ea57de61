"""How a run stands: one small file that any watcher may read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from palpate.monitor.delays import DelayHistogram
from palpate.monitor.record import MISSING

STATUS = "status.json"
Condition = Literal["waiting", "following", "stalled", "disk full", "ended"]


@dataclass(frozen=True, slots=True)
class Status:
    """How a run stands.

    Args:
        condition: in one word or two.
        warnings: sentences; empty where all is well.
        frames: by state, and ``missing``.
        delays: so far.
        last_number: of the stream; None before the first frame.
        last_s: time of the last frame on the store's clock.
        buffered: frames that wait to be looked at.
        unsaved: frames that wait for room on the disk, and frames that were given up.
        written: when, in UTC, ISO 8601.
    """

    condition: Condition
    warnings: tuple[str, ...]
    frames: Mapping[str, int]
    delays: DelayHistogram
    last_number: int | None
    last_s: float | None
    buffered: int
    unsaved: tuple[int, int]
    written: str

    def as_json(self) -> dict[str, Any]:
        """Return what status.json holds."""
        percentiles = {"p50": 50.0, "p90": 90.0, "p99": 99.0}
        delay = {name: _ms(self.delays.percentile(at)) for name, at in percentiles.items()}
        delay["max"] = _ms(self.delays.longest_s) if self.delays.total else None
        return {
            "condition": self.condition,
            "warnings": list(self.warnings),
            "frames": dict(self.frames),
            "delay_ms": delay,
            "last_number": self.last_number,
            "last_s": None if self.last_s is None else round(self.last_s, 6),
            "buffered": self.buffered,
            "unsaved": {"waiting": self.unsaved[0], "given up": self.unsaved[1]},
            "written": self.written,
        }

    @property
    def line(self) -> str:
        """One line for a terminal."""
        seen = ", ".join(f"{count} {state}" for state, count in self.frames.items() if count)
        middle, late = self.delays.percentile(50.0), self.delays.percentile(99.0)
        delay = (
            ""
            if middle is None or late is None
            else (f"; delay {1e3 * middle:.0f} ms, 99 % within {1e3 * late:.0f} ms")
        )
        return f"{self.condition}: {seen or 'no frame yet'}{delay}"

    @property
    def came(self) -> int:
        """How many frames came."""
        return sum(count for state, count in self.frames.items() if state != MISSING)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1e3 * seconds, 2)
