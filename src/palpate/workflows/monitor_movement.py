"""Movement while it happens: the windows of the last hour, in movement.json."""

from collections import deque
from pathlib import Path
from threading import Lock
from typing import Any

from palpate.errors import OutputError, SchemeError
from palpate.files import write_json
from palpate.monitor.movement_windows import MovementWindows
from palpate.monitor.record import MISSING, Entry, FrameRecord, FrameState, Gap
from palpate.scheme import LandmarkScheme
from palpate.sequences.movement_row import MovementRow

MOVEMENT = "movement.json"
_KEPT = 60  # windows


class LiveMovement:
    """Summarises what a monitor finds, in another thread than the one that finds it.

    ``watch`` is for the thread that finds, ``work`` and ``finish`` for one that has time. The
    whole period's summary is made from the store; this file is for whoever looks on meanwhile.

    Args:
        scheme: of the joints; one without limbs has no summary.
        out: folder of movement.json.
    """

    def __init__(self, scheme: LandmarkScheme, out: Path) -> None:
        self._out = out
        self._entries: deque[Entry] = deque()
        self._lock = Lock()
        self._rows: deque[MovementRow] = deque(maxlen=_KEPT)
        self._last_s = -1.0
        try:
            self._windows: MovementWindows | None = MovementWindows(scheme)
        except SchemeError:
            self._windows = None

    def watch(self, entry: Entry) -> None:
        """Take note of an entry."""
        if self._windows is not None:
            self._entries.append(entry)

    def work(self) -> None:
        """Summarise what was noted; write the file where a window was completed."""
        if self._windows is None:
            return
        rows = []
        with self._lock:
            while self._entries:
                rows += feed(self._windows, self._entries.popleft())
        self._write(rows)

    def finish(self) -> None:
        """Summarise the windows that are still open."""
        self.work()
        if self._windows is not None:
            self._write(self._windows.finish())

    def _write(self, rows: list[MovementRow]) -> None:
        if not rows:
            return
        self._rows.extend(rows)
        try:
            write_json(self._out / MOVEMENT, {"windows": [row_json(row) for row in self._rows]})
        except OutputError:  # a full disk is told by the status; the next window tries again
            return


def feed(windows: MovementWindows, entry: Entry) -> list[MovementRow]:
    """Hand an entry to the windows; return the rows that it completes."""
    if isinstance(entry, Gap):
        state = entry.reason if entry.reason == "not saved" else MISSING
        return windows.count(entry.stop_s, state, entry.frames) if entry.frames else []
    if not isinstance(entry, FrameRecord):
        return []
    if entry.state is FrameState.BAD:  # its time may be that of the frame before
        return windows.count(entry.time_s, entry.state.words, 1)
    return windows.feed(entry.time_s, entry.coordinates, entry.score, entry.state.words)


def row_json(row: MovementRow) -> dict[str, Any]:
    """Return a window as a file keeps it: of every measure a value, or null and the reason."""
    whole = {
        "body_length": row.scale,
        "synchrony": row.synchrony,
        "quantity_of_motion": row.quantity_of_motion,
        "centroid_spread": row.centroid_spread,
    }
    return {
        "start_s": row.start_s,
        "end_s": row.end_s,
        "frames": row.frames,
        "states": dict(row.states),
        "gap_s": round(row.gap_s, 3),
        "unit": row.unit,
        "body": {name: _amount(amount.value, amount.reason) for name, amount in whole.items()},
        "limbs": {
            limb.limb: {"observed_s": round(limb.observed_s, 3), "bouts": limb.bouts}
            | {name: _amount(one.value, one.reason) for name, one in limb.amounts().items()}
            for limb in row.limbs
        },
        "sides": {
            side.name: {
                "symmetry_index": _amount(side.symmetry_index.value, side.symmetry_index.reason),
                "speed_correlation": _amount(
                    side.speed_correlation.value, side.speed_correlation.reason
                ),
            }
            for side in row.sides
        },
    }


def _amount(value: float | None, reason: str | None) -> dict[str, object]:
    return {"value": value} if value is not None else {"value": None, "reason": reason}
