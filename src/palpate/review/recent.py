"""A bounded memory of what was made last, for many threads."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Keeps the things that were asked for last, so many of them at most.

    Two threads that miss the same thing both make it; the first to keep it wins, so that all who
    ask have one object.

    Args:
        most: how many are kept.

    Example:
        >>> memory = Recent[str, int](2)
        >>> memory.keep("a", 1), memory.keep("b", 2), memory.find("a"), memory.keep("c", 3)
        (1, 2, 1, 3)
        >>> memory.find("b") is None
        True
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def find(self, key: K) -> V | None:
        """Return what is kept under a key; None where nothing is."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key]

    def keep(self, key: K, one: V) -> V:
        """Keep a thing unless there is one already, and return the one that is kept."""
        with self._lock:
            one = self._kept.setdefault(key, one)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return one

    def replace(self, key: K, one: V) -> None:
        """Keep a thing in the place of one that is out of date."""
        with self._lock:
            self._kept.pop(key, None)
        self.keep(key, one)

    def __len__(self) -> int:
        with self._lock:
            return len(self._kept)
