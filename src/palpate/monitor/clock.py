"""The clocks of this machine, in one place so that tests can pass their own."""

import time
from dataclasses import dataclass
from threading import Event
from typing import Protocol, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    """Where the time is from."""

    def now(self) -> float:
        """Seconds that never go back, from any zero."""
        ...

    def utc(self) -> float:
        """Seconds since 1970, which somebody may set."""
        ...

    def wait(self, stop: Event, seconds: float) -> bool:
        """Wait, no longer than until ``stop`` is set; say whether it is."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """This machine's."""

    def now(self) -> float:
        """Monotonic."""
        return time.monotonic()

    def utc(self) -> float:
        """Wall clock."""
        return time.time()

    def wait(self, stop: Event, seconds: float) -> bool:
        """Sleep unless stopped."""
        return stop.wait(seconds) if seconds > 0.0 else stop.is_set()
