"""The planes of the last half second, found again by their time."""

from collections import deque

from palpate.errors import ConfigError
from palpate.localisers.clip import ClipPlane

# A frame that lies midway is half a period off; the rest is for a clock that trembles. The
# neighbour of a frame that is not there is a whole period off, and does not stand in for it.
_TOLERANCE = 0.75


class PlaneRing:
    """Keeps the planes that a clip's earlier frames may still be, and no more.

    A clip that ends at t is made of the planes at t - 2 interval, t - interval and t, each no
    further from that time than three quarters of a period of the stream, or it is not made.

    Args:
        frames: of a clip.
        interval_s: from one frame of a clip to the next, as in training.
        period_s: of the stream.

    Raises:
        ConfigError: the stream has too few frames a second for such clips.
    """

    def __init__(self, frames: int, interval_s: float, period_s: float) -> None:
        if frames > 1 and period_s > 1.25 * interval_s:
            raise ConfigError(
                f"the localiser looks at frames {interval_s:.3g} s apart; a stream of "
                f"{1.0 / period_s:.3g} frames a second has none, it takes at least "
                f"{1.0 / interval_s:.3g}"
            )
        self._steps = [interval_s * back for back in range(frames - 1, -1, -1)]
        self._tolerance_s = _TOLERANCE * period_s
        self._reach_s = self._steps[0] + self._tolerance_s
        most = 4 * int(self._reach_s / period_s + 2)  # a stream that is quicker than it says
        self._planes: deque[tuple[float, ClipPlane]] = deque(maxlen=most)

    def add(self, time_s: float, plane: ClipPlane) -> None:
        """Keep a plane, later than all before, and forget those that are too old."""
        self._planes.append((time_s, plane))
        while self._planes[0][0] < time_s - self._reach_s:
            self._planes.popleft()

    def clip(self, time_s: float) -> list[ClipPlane] | None:
        """Return the clip that ends at ``time_s``, or None where a frame of it is not there."""
        clip = []
        for step in self._steps:
            wanted = time_s - step
            off, plane = min(
                ((abs(at - wanted), plane) for at, plane in self._planes),
                key=lambda near: near[0],
                default=(self._tolerance_s * 2.0, None),
            )
            if plane is None or off > self._tolerance_s:
                return None
            clip.append(plane)
        return clip

    def forget(self) -> None:
        """Empty it: what comes next does not follow on what was."""
        self._planes.clear()

    def __len__(self) -> int:
        return len(self._planes)
