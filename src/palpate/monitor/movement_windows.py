"""Windows of movement from a stream of frames, in memory that does not grow."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from math import floor, isfinite

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import ConfigError, GeometryError
from palpate.scheme import LandmarkScheme
from palpate.sequences.movement import SLOWEST_STEP_S, derived, gap_seconds
from palpate.sequences.movement_amount import Amount
from palpate.sequences.movement_body import MovingBody
from palpate.sequences.movement_row import LengthUnit, MovementRow
from palpate.sequences.movement_settings import MovementSettings
from palpate.sequences.movement_window import Window, row_of

# Derivatives at a window's edge rest on frames beyond it; this is enough for any clock.
_BESIDE_S = 4.0 * SLOWEST_STEP_S
# After a longer silence windows begin anew: a clock that was set should not make a million rows.
_LONGEST_SILENCE_S = 86400.0
USUAL = MovementSettings()


@dataclass(frozen=True, eq=False, slots=True)
class _Fed:
    """What came, or what is known not to have come."""

    time_s: float
    coordinates: Float[ndarray, "joint d"] | None
    state: str
    frames: int
    came: bool


class MovementWindows:
    """Fed frame by frame; gives a row for every window that time has left behind.

    Windows lie on multiples of the step: those of one day are the same whenever it was begun. A
    window in which no frame came gives a row as well, with reasons instead of values. A window
    that is open at the finish ends with the last frame: what comes after it is no time without
    frames. Only the frames of the windows that are still open are kept.

    Args:
        scheme: of the coordinates; its edges make the limbs.
        settings: how courses become summaries.
        window_s: length of a window.
        step_s: from the start of a window to the start of the next one.
        unit: of the coordinates: px, or mm where the caller has scaled them.

    Raises:
        ConfigError: a window that is no length, a step that leaves time out.
        SchemeError: the scheme has no limbs.

    Example:
        >>> names = ("shoulder", "elbow", "wrist")
        >>> arm = LandmarkScheme("arm", names, edges=(names[:2], names[1:]))
        >>> windows = MovementWindows(arm, window_s=10.0, step_s=10.0)
        >>> still = 10.0 * np.arange(3)[:, None] * np.ones((3, 2))
        >>> rows = [row for k in range(300) for row in windows.feed(0.04 * k, still, None, "found")]
        >>> rows += windows.finish()
        >>> [(row.start_s, row.frames, row.limbs[0].active_share.value) for row in rows]
        [(0.0, 250, 0.0), (10.0, 50, None)]
    """

    def __init__(
        self,
        scheme: LandmarkScheme,
        settings: MovementSettings = USUAL,
        *,
        window_s: float = 60.0,
        step_s: float = 60.0,
        unit: LengthUnit = "px",
    ) -> None:
        if not (isfinite(window_s) and window_s > 0.0 and 0.0 < step_s <= window_s):
            raise ConfigError(
                "a window is longer than 0 s and a step at most as long as the window; got a "
                f"window of {window_s} s and a step of {step_s} s"
            )
        self._body = MovingBody.of(scheme)
        self._settings = settings
        self._window_s, self._step_s, self._unit = window_s, step_s, unit
        self._frames: deque[_Fed] = deque()
        self._next: int | None = None
        self._last_s = -np.inf
        self._scale = Amount(reason="one body length was not seen yet")

    @property
    def body(self) -> MovingBody:
        """Limbs and sides in the order of the rows."""
        return self._body

    def feed(
        self,
        time_s: float,
        coordinates: Float[ndarray, "joint d"] | None,
        score: Float[ndarray, " joint"] | None,
        state: str,
    ) -> list[MovementRow]:
        """Take one frame and return the rows that it completes.

        Args:
            time_s: later than the frame before.
            coordinates: NaN where a joint was not found; None where nothing was looked for.
            score: in [0, 1]; joints below the settings' least score count as absent.
            state: what became of the frame, in words, for the counts of the row.

        Raises:
            GeometryError: a time that is not later than the one before, another number of joints.
        """
        if not (isfinite(time_s) and time_s > self._last_s):
            raise GeometryError(f"a frame at {time_s} s came after one at {self._last_s} s")
        if coordinates is not None:
            coordinates = self._checked(coordinates, score)
        self._last_s = time_s
        return self._take(_Fed(time_s, coordinates, state, 1, came=True))

    def count(self, time_s: float, state: str, frames: int) -> list[MovementRow]:
        """Count frames that have no place of their own, such as numbers that never came.

        Args:
            time_s: not before the last frame.
            state: in words, as ``missing``.
            frames: how many.
        """
        if frames < 1:
            return []
        return self._take(_Fed(max(time_s, self._last_s), None, state, frames, came=False))

    def finish(self) -> list[MovementRow]:
        """Return the rows of the windows that are still open, and begin anew."""
        rows = list(self._closed(np.inf))
        self._frames.clear()
        self._next = None
        return rows

    def _checked(
        self, coordinates: Float[ndarray, "joint d"], score: Float[ndarray, " joint"] | None
    ) -> Float[ndarray, "joint d"]:
        if len(coordinates) != len(self._body.scheme):
            raise GeometryError(
                f"scheme {self._body.scheme.name!r} has {len(self._body.scheme)} joints, "
                f"got {len(coordinates)}"
            )
        if score is None or self._settings.least_score == 0.0:
            return np.array(coordinates, dtype=np.float64)
        return np.where((score < self._settings.least_score)[:, None], np.nan, coordinates)

    def _take(self, fed: _Fed) -> list[MovementRow]:
        silent = self._frames and fed.time_s - self._frames[-1].time_s > _LONGEST_SILENCE_S
        rows = self.finish() if silent else list(self._closed(fed.time_s))
        if self._next is None:
            self._next = floor(fed.time_s / self._step_s + 1e-9)
        self._frames.append(fed)
        return rows

    def _closed(self, now_s: float) -> Iterator[MovementRow]:
        """Rows of the windows that no later frame can change."""
        while self._next is not None and self._frames:
            start_s = self._next * self._step_s
            over = start_s + self._window_s + _BESIDE_S <= now_s
            if not over or (np.isinf(now_s) and start_s > self._frames[-1].time_s):
                return
            end_s = start_s + self._window_s
            if np.isinf(now_s):  # the last frame belongs to the window as well
                end_s = min(end_s, float(np.nextafter(self._frames[-1].time_s, np.inf)))
            yield self._row(start_s, end_s)
            self._next += 1
            keep_s = self._next * self._step_s - _BESIDE_S
            # One frame stays, so that windows without any are known to be such.
            while len(self._frames) > 1 and self._frames[0].time_s < keep_s:
                self._frames.popleft()

    def _row(self, start_s: float, end_s: float) -> MovementRow:
        first_s, last_s = start_s - _BESIDE_S, end_s + _BESIDE_S
        near = [fed for fed in self._frames if first_s <= fed.time_s < last_s]
        states: Counter[str] = Counter()
        for fed in near:
            if start_s <= fed.time_s < end_s:
                states[fed.state] += fed.frames
        scheme = self._body.scheme
        # Frames that were not looked at hold no joints; as rows without any they would hide that
        # the steps between those that were are short enough.
        looked = [fed for fed in near if fed.coordinates is not None]
        times_s = np.array([fed.time_s for fed in looked], dtype=np.float64)
        places = np.array([fed.coordinates for fed in looked], dtype=np.float64)
        width = places.shape[-1] if looked else 2
        movement = derived(
            scheme.names, places.reshape(-1, len(scheme), width), times_s, self._settings
        )
        inside = (times_s >= start_s) & (times_s < end_s)
        self._scale = self._scale_of(movement.position[inside])
        came = np.array([fed.time_s for fed in near if fed.came], dtype=np.float64)
        gap_s = gap_seconds(came, (start_s, end_s), self._settings)
        window = Window(start_s, end_s, self._scale, self._unit, gap_s, states)
        return row_of(movement, self._body, self._settings, window)

    def _scale_of(self, places: Float[ndarray, "frame joint d"]) -> Amount:
        """One body length of this window; where it is not seen, that of the last one that has it.

        A body does not grow within a day; a window that hides the trunk would lose its limbs.
        """
        scale = self._body.scale(places)
        return scale if scale.value is not None else self._scale
