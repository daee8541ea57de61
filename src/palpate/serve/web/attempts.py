"""Counting attempts at signing in, so that nobody can try them all."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from time import monotonic

# Names and addresses that are remembered; the oldest are forgotten first.
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` attempts in ``window_s`` seconds."""

    most: int
    window_s: float


PER_NAME = Limit(8, 300.0)
PER_ADDRESS = Limit(40, 300.0)


@dataclass(slots=True)
class Attempts:
    """Failed attempts of late, by name and by address.

    Every attempt is counted before it is judged, so that many at once gain nothing; one that
    succeeds takes its name's count back, and itself from its address's: a hospital behind one
    address may sign in all at once.

    Example:
        >>> clock = iter([0.0] * 9 + [301.0]).__next__
        >>> attempts = Attempts(clock)
        >>> [attempts.wait_s("anna", "10.0.0.1") for _ in range(9)][-1]
        300
        >>> attempts.wait_s("anna", "10.0.0.1")
        0
    """

    clock: Callable[[], float] = monotonic
    _seen: OrderedDict[tuple[str, str], list[float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_s(self, name: str, address: str) -> int:
        """Count an attempt; whole seconds to wait where there were too many, 0 where not.

        Args:
            name: that was given; empty where one came with a token.
            address: of the client.
        """
        now = self.clock()
        with self._lock:
            keys = [(("address", address), PER_ADDRESS)]
            if name:
                keys.append((("name", name), PER_NAME))
            waits = [self._wait(key, limit, now) for key, limit in keys]
            if max(waits) > 0:
                return ceil(max(waits))
            for key, _ in keys:
                self._seen[key].append(now)
        return 0

    def succeeded(self, name: str, address: str) -> None:
        """Forget the attempts of a name, and the last one of its address."""
        with self._lock:
            self._seen.pop(("name", name), None)
            if times := self._seen.get(("address", address)):
                times.pop()

    def _wait(self, key: tuple[str, str], limit: Limit, now: float) -> float:
        times = [time for time in self._seen.get(key, ()) if now - time < limit.window_s]
        self._seen[key] = times
        self._seen.move_to_end(key)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return times[0] + limit.window_s - now if len(times) >= limit.most else 0.0
