"""What one transaction of the store holds: about a second of a stream."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from palpate.monitor.delays import DelayHistogram
from palpate.monitor.packed import Frames, pack
from palpate.monitor.record import MISSING, Entry, FrameRecord, FrameState, Gap, Note


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a stream, packed.

    Args:
        start_s: time of its first entry, on the store's clock.
        stop_s: time of its last.
        frames: how many records ``packed`` holds.
        numbers: (first, last) of them; None where there is no record.
        packed: the records.
        gaps: that end in it.
        notes: of it.
        totals: of the whole session so far.
    """

    start_s: float
    stop_s: float
    frames: int
    numbers: tuple[int, int] | None
    packed: bytes
    gaps: tuple[Gap, ...]
    notes: tuple[Note, ...]
    totals: Mapping[str, Any]


class Totals:
    """What is told of a whole session: frames by state, their delays, their size."""

    def __init__(self) -> None:
        self.frames: dict[str, int] = {state.words: 0 for state in FrameState} | {MISSING: 0}
        self.delays = DelayHistogram()
        self.unsaved = 0
        self.size: tuple[int, int] | None = None  # (width, height) in px; None before the first

    def add(self, entry: Entry) -> None:
        """Count one entry."""
        if isinstance(entry, Gap):
            self.frames[MISSING] += entry.frames
        elif isinstance(entry, FrameRecord):
            self.frames[entry.state.words] += 1
            if entry.delay_s is not None:
                self.delays.add(entry.delay_s)

    def as_json(self) -> dict[str, Any]:
        """Return what a file keeps."""
        delays = self.delays.as_json()
        size = None if self.size is None else list(self.size)
        return {
            "frames": dict(self.frames),
            "delays": delays,
            "unsaved": self.unsaved,
            "size_px": size,
        }


class SegmentCollector:
    """Collects entries until they span ``segment_s``; counts them all.

    Args:
        joints: of the scheme.
        connections: of the scheme.
        segment_s: how long a segment is.
    """

    def __init__(self, joints: int, connections: int, segment_s: float) -> None:
        self._shape, self._segment_s = (joints, connections), segment_s
        self._records: list[FrameRecord] = []
        self._gaps: list[Gap] = []
        self._notes: dict[str, Note] = {}
        self._start_s: float | None = None
        self._stop_s = 0.0
        self.totals = Totals()

    def add(self, entry: Entry) -> Segment | None:
        """Take an entry; return the segment that it completes."""
        at = entry.stop_s if isinstance(entry, Gap) else entry.time_s
        full = self._start_s is not None and at - self._start_s >= self._segment_s
        done = self.flush() if full else None
        self._start_s = at if self._start_s is None else self._start_s
        self._stop_s = at
        self.totals.add(entry)
        if isinstance(entry, Gap):
            self._gaps.append(entry)
        elif isinstance(entry, FrameRecord):
            self._records.append(entry)
        else:
            like = self._notes.get(entry.kind)
            count = entry.count + (0 if like is None else like.count)
            self._notes[entry.kind] = (like or entry).with_count(count)
        return done

    def flush(self) -> Segment | None:
        """Return what there is, if there is anything."""
        if self._start_s is None:
            return None
        records = self._records
        segment = Segment(
            self._start_s,
            self._stop_s,
            len(records),
            (records[0].number, records[-1].number) if records else None,
            pack(Frames.of(records, *self._shape)) if records else b"",
            tuple(self._gaps),
            tuple(self._notes.values()),
            self.totals.as_json(),
        )
        self._records, self._gaps, self._notes, self._start_s = [], [], {}, None
        return segment
