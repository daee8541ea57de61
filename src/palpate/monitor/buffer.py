"""Between the source's thread and the work: bounded, with a stated way of falling behind."""

from collections import deque
from threading import Condition
from typing import Literal

from palpate.errors import ConfigError
from palpate.monitor.frame import Arrival, DroppedFrame, StreamFrame

Policy = Literal["all", "latest"]
CAPACITY = 64  # frames: 40 MB of 640 x 480, two seconds of a camera


class FrameBuffer:
    """Holds at most ``capacity`` frames; of those that are let go, number and time remain.

    ``all`` keeps a source that can wait waiting, and lets go the frame that comes where it cannot.
    ``latest`` never keeps anybody waiting and lets go the oldest. One thread puts, another takes.

    Raises:
        ConfigError: room for no frame.

    Example:
        >>> buffer = FrameBuffer("latest", waits=False, capacity=1)
        >>> import numpy as np
        >>> for number in range(2):
        ...     frame = StreamFrame(number, number / 30.0, np.ones((1, 1), np.uint16))
        ...     _ = buffer.put(Arrival(frame, 0.0))
        >>> [type(arrival.event).__name__ for arrival in buffer.take(0.0)]
        ['DroppedFrame', 'StreamFrame']
    """

    def __init__(self, policy: Policy, *, waits: bool, capacity: int = CAPACITY) -> None:
        if capacity < 1:
            raise ConfigError(f"a buffer holds at least one frame; got {capacity}")
        self.policy, self.capacity = policy, capacity
        self._waits = waits and policy == "all"
        self._arrivals: deque[Arrival] = deque()
        self._frames = 0
        self._let_go = 0  # of the arrivals from the left, how many are surely no frames
        self._finished = self._abandoned = False
        self._changed = Condition()

    def put(self, arrival: Arrival) -> bool:
        """Add what came; say whether anybody still listens."""
        with self._changed:
            if isinstance(arrival.event, StreamFrame):
                while self._waits and self._frames >= self.capacity and not self._abandoned:
                    self._changed.wait()
                if self._frames < self.capacity:
                    self._frames += 1
                elif self.policy == "all":
                    arrival = _without_pixels(arrival.event, arrival.arrived_s)
                else:
                    self._let_oldest_go()
            self._arrivals.append(arrival)
            self._changed.notify_all()
            return not self._abandoned

    def take(self, timeout_s: float) -> list[Arrival]:
        """Return what waits: all of it for ``latest``, one arrival for ``all``; perhaps nothing."""
        with self._changed:
            if not self._arrivals and not self._finished:
                self._changed.wait(timeout_s)
            count = len(self._arrivals) if self.policy == "latest" else min(1, len(self._arrivals))
            taken = [self._arrivals.popleft() for _ in range(count)]
            self._frames -= sum(isinstance(arrival.event, StreamFrame) for arrival in taken)
            self._let_go = 0
            self._changed.notify_all()
            return taken

    def finish(self) -> None:
        """Nothing more will be put."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Nothing more will be taken; a source that waits is let go."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Whether everything that ever came was taken."""
        with self._changed:
            return self._finished and not self._arrivals

    @property
    def frames(self) -> int:
        """How many frames wait."""
        return self._frames

    def _let_oldest_go(self) -> None:
        for place in range(self._let_go, len(self._arrivals)):
            oldest = self._arrivals[place]
            if isinstance(oldest.event, StreamFrame):
                self._arrivals[place] = _without_pixels(oldest.event, oldest.arrived_s)
                self._let_go = place + 1
                return


def _without_pixels(frame: StreamFrame, arrived_s: float) -> Arrival:
    return Arrival(DroppedFrame(frame.number, frame.time_s), arrived_s)
