"""Work on several items at once, with results in the order of the items."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from palpate.errors import PalpateError

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 1  # items that wait ready for each worker, so that none is idle


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int
) -> Iterator[Result]:
    """Yield ``work(item)`` of every item, in order; ``workers`` threads work at a time.

    Items are taken only as far ahead as the workers need, so memory stays flat however many come.

    Raises:
        Exception: what ``work`` or the items raised. Where a PalpateError breaks the items off,
            the results of those before it come first.

    Example:
        >>> list(side_by_side(lambda number: number * number, range(5), workers=2))
        [0, 1, 4, 9, 16]
    """
    if workers == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for begun in _begun(pool, work, items):
                waiting.append(begun)
                if len(waiting) > workers * (1 + _AHEAD):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _begun(
    pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Future[Result]]:
    """Begin the work on each item; where the items break off, the last has that for its result."""
    try:
        for item in items:
            yield pool.submit(work, item)
    except PalpateError as error:
        broken: Future[Result] = Future()
        broken.set_exception(error)
        yield broken
