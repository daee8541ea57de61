"""The stream's own numbers and times, put on the store's clock; what does not fit is noticed."""

from collections.abc import Callable
from dataclasses import dataclass

from palpate.monitor.record import Gap, GapReason

OUT_OF_ORDER, CLOCK_BACK = "out of order", "clock went back"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a frame belongs.

    Args:
        time_s: on the store's clock.
        gap: what is not there between the frame before and this one.
        refused: why the frame does not fit behind the one before, in words; empty if it does.
        kind: of the refusal.
        follows: whether it continues what was before it; not after a restart of the clock.
    """

    time_s: float
    gap: Gap | None = None
    refused: str = ""
    kind: str = ""
    follows: bool = True


class Timeline:
    """Gives every frame its time on the store's clock, which never goes back.

    The first frame, the first after the source began anew, and one after a silence that its own
    clock knows nothing of, are put at this machine's time; all others follow the camera's clock.

    Args:
        period_s: of the stream.
        stall_s: a silence of this length is a stall.
        last_s: the last time in the store; None where it is new.
        now_s: this machine's time on the store's clock.
    """

    def __init__(
        self,
        *,
        period_s: float,
        stall_s: float,
        last_s: float | None,
        now_s: Callable[[], float],
    ) -> None:
        self._period_s, self._stall_s, self._clock_s = period_s, stall_s, now_s
        self.last_s = last_s
        self._why: GapReason = "not running"
        self._number: int | None = None
        self._stream_s: float | None = None
        self._offset_s = 0.0
        self._arrived_s = 0.0

    @property
    def now_s(self) -> float:
        """This machine's time on the store's clock; never before the last frame."""
        return max(self._clock_s(), self._known_s())

    def restart(self) -> None:
        """Expect other numbers and another clock from here on."""
        self._why, self._number, self._stream_s = "source restarted", None, None

    def place(self, number: int, time_s: float | None, arrived_s: float) -> Place:
        """Put the next frame that came on the store's clock; ``time_s`` None: it is not known."""
        if self._number is not None and number <= self._number:
            return Place(
                self._known_s(),
                refused=f"frame {number} came after frame {self._number}",
                kind=OUT_OF_ORDER,
            )
        place = self._placed(number, time_s, arrived_s)
        self._number, self._arrived_s, self.last_s = number, arrived_s, place.time_s
        if time_s is not None and not place.refused:
            self._stream_s = time_s
        return place

    def _placed(self, number: int, time_s: float | None, arrived_s: float) -> Place:
        if self._number is None:
            start_s, now_s = self.last_s, self._anew(time_s)
            gap = Gap(start_s, now_s, self._why) if start_s is not None else None
            return Place(now_s, gap, follows=False)
        before_s = self._known_s()
        if time_s is None:
            return Place(before_s, self._gap(number, before_s, before_s, stalled=False))
        silence_s = arrived_s - self._arrived_s
        stalled = silence_s >= self._stall_s
        if self._stream_s is None or (stalled and time_s - self._stream_s < silence_s / 2.0):
            now_s = self._anew(time_s)
            return Place(now_s, self._gap(number, before_s, now_s, stalled=stalled), follows=False)
        if time_s <= self._stream_s:
            gap = self._gap(number, before_s, before_s, stalled=stalled)
            words = (
                f"frame {number} says {time_s:.6f} s, the frame before it {self._stream_s:.6f} s: "
                "its clock went back"
            )
            return Place(before_s, gap, words, CLOCK_BACK)
        now_s = max(before_s, time_s + self._offset_s)
        stalled = stalled or time_s - self._stream_s >= self._stall_s
        return Place(now_s, self._gap(number, before_s, now_s, stalled=stalled))

    def _anew(self, time_s: float | None) -> float:
        """Begin at this machine's time, behind everything that there is."""
        now_s = self._clock_s()
        if self.last_s is not None:
            now_s = max(now_s, self.last_s + self._period_s)
        if time_s is not None:
            self._offset_s = now_s - time_s
        return now_s

    def _known_s(self) -> float:
        return self._clock_s() if self.last_s is None else self.last_s

    def _gap(self, number: int, start_s: float, stop_s: float, *, stalled: bool) -> Gap | None:
        expected = number if self._number is None else self._number + 1
        missing = number > expected
        if not missing and not stalled:
            return None
        reason: GapReason = "stall" if stalled else "missing"
        if not missing:
            return Gap(start_s, stop_s, reason)
        return Gap(start_s, stop_s, reason, expected, number - 1)
