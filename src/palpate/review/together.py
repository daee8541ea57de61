"""Writers who wait for the disk together: one transaction for all who came meanwhile."""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from palpate.review.refusals import StoreError

Result = TypeVar("Result")

# Enough to share the wait for the disk, few enough that the first of them waits little longer.
_MOST = 16


class _Wish:
    """What one thread wants written, and what came of it."""

    def __init__(self, job: Callable[[Connection], Any]) -> None:
        self.job = job
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None


class Together:
    """Runs what several threads want written in one transaction, each in a savepoint.

    Whoever gets the turn writes for all who wait. Nobody hears of a result, or of a refusal,
    before the transaction is on the disk; where it fails, nobody's was saved, and all hear so.

    Args:
        write: opens a writer's transaction, and raises if it does not get to the disk.
    """

    def __init__(self, write: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._write = write
        self._turn = threading.Lock()
        self._waiting: deque[_Wish] = deque()

    def do(self, job: Callable[[Connection], Result]) -> Result:
        """Return what the job returns, or raise what it raises, once that is on the disk."""
        wish = _Wish(job)
        self._waiting.append(wish)
        with self._turn:
            try:
                while not wish.done:
                    self._write_some()
            finally:
                # Whoever leaves early, stopped from outside, must not be written for later.
                if not wish.done:
                    self._waiting.remove(wish)
        if isinstance(wish.error, StoreError):
            raise StoreError(str(wish.error)) from wish.error  # one of its own for each thread
        if wish.error is not None:
            raise wish.error
        return wish.result

    def _write_some(self) -> None:
        some: list[_Wish] = []
        try:
            with self._write() as connection:
                while self._waiting and len(some) < _MOST:
                    some.append(self._waiting.popleft())
                    _try(connection, some[-1])
        except BaseException as error:
            # Where it could not even begin, whoever waits has waited for nothing.
            some = some or [self._waiting.popleft() for _ in range(len(self._waiting))]
            for wish in some:
                wish.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            for wish in some:
                wish.done = True


def _try(connection: Connection, wish: _Wish) -> None:
    """Run one job; a refusal undoes its own part alone, a failing database everybody's."""
    try:
        with connection.begin_nested():
            wish.result = wish.job(connection)
    except SQLAlchemyError:
        raise
    except Exception as error:  # noqa: BLE001  handed to the thread whose job it was
        wish.error = error
