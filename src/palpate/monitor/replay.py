"""A recorded clip as a stream: at its own pace, faster, or as fast as its frames are taken."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf
from threading import Event
from typing import Protocol, runtime_checkable

import numpy as np

from palpate.errors import ConfigError, FormatError
from palpate.io.depth import DepthClip, read_depth_frame, read_depth_frames
from palpate.monitor.clock import Clock
from palpate.monitor.frame import BadFrame, StreamFrame

Recorded = StreamFrame | BadFrame


@runtime_checkable
class Recording(Protocol):
    """Frames that can be read again and again."""

    @property
    def name(self) -> str:
        """Of the clip."""
        ...

    @property
    def rate_hz(self) -> float:
        """Frames a second."""
        ...

    def read(self) -> Iterator[Recorded]:
        """Yield its frames in order; those that cannot be read as such."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class DepthRecording:
    """A depth clip. Where only every n-th number is there throughout, they are counted in n's."""

    clip: DepthClip

    @property
    def name(self) -> str:
        """Of the file or folder."""
        return self.clip.path.name

    @property
    def rate_hz(self) -> float:
        """Frames a second."""
        return self.clip.rate_hz

    def read(self) -> Iterator[Recorded]:
        """Yield its frames."""
        steps = np.diff(self.clip.numbers)
        step = int(np.gcd.reduce(steps)) if len(steps) else 1
        numbers = (self.clip.numbers // step).tolist()
        times = self.clip.times_s.tolist()
        if self.clip.files:
            for index, (number, time_s) in enumerate(zip(numbers, times, strict=True)):
                yield self._frame(index, number, time_s)
            return
        frames = read_depth_frames(self.clip)
        for number, time_s in zip(numbers, times, strict=True):
            try:
                pixels = next(frames)
            except FormatError as error:  # nothing behind it can be decoded
                yield BadFrame(number, time_s, error.problem)
                return
            yield StreamFrame(number, time_s, pixels)

    def _frame(self, index: int, number: int, time_s: float) -> Recorded:
        try:
            return StreamFrame(number, time_s, read_depth_frame(self.clip, index))
        except FormatError as error:
            return BadFrame(number, time_s, str(error))


class Replay:
    """Plays a recording; a source like a camera, which can be kept waiting.

    Args:
        recording: what is played.
        clock: to wait by.
        accelerate: 1 is the clip's own pace; infinity is as fast as its frames are taken.
        loop: begin again at the end; numbers and times go on.

    Raises:
        ConfigError: an acceleration that is none.
    """

    waits = True

    def __init__(
        self, recording: Recording, clock: Clock, *, accelerate: float = 1.0, loop: bool = False
    ) -> None:
        if not accelerate > 0.0:
            raise ConfigError(f"a replay is accelerated by a number above 0; got {accelerate}")
        self._recording, self._clock = recording, clock
        self._accelerate, self._loop = accelerate, loop
        self.name, self.rate_hz = recording.name, recording.rate_hz

    def events(self, stop: Event) -> Iterator[Recorded]:
        """Yield the frames when they are due."""
        began, zero = self._clock.now(), None
        for frame in self._numbered():
            if frame.time_s is not None and self._accelerate < inf:
                zero = frame.time_s if zero is None else zero
                due = began + (frame.time_s - zero) / self._accelerate
                self._clock.wait(stop, due - self._clock.now())
            if stop.is_set():
                return
            yield frame

    def _numbered(self) -> Iterator[Recorded]:
        """The frames, again and again if looped; every round follows on the one before."""
        number, time_s = 0, 0.0  # what is added to those of the recording
        while True:
            first: Recorded | None = None
            last: Recorded | None = None
            for recorded in self._recording.read():
                first, last = first or recorded, recorded
                yield _moved(recorded, number, time_s)
            if not self._loop or first is None or last is None:
                return
            number += (last.number or 0) - (first.number or 0) + 1
            time_s += (last.time_s or 0.0) - (first.time_s or 0.0) + 1.0 / self.rate_hz


def _moved(frame: Recorded, number: int, time_s: float) -> Recorded:
    if isinstance(frame, StreamFrame):
        return replace(frame, number=frame.number + number, time_s=frame.time_s + time_s)
    return BadFrame(
        None if frame.number is None else frame.number + number,
        None if frame.time_s is None else frame.time_s + time_s,
        frame.reason,
    )
