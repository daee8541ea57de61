"""The page of a monitored stream, from its store alone."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from palpate.monitor.delays import DelayHistogram
from palpate.monitor.movement_windows import MovementWindows
from palpate.monitor.packed import Frames
from palpate.monitor.record import LOOKED_AT, Entry, FrameRecord, FrameState, Note
from palpate.monitor.store import STORE, MonitorStore, Session
from palpate.report.monitor_page import write_monitor_page
from palpate.report.monitor_reported import Delays, MonitorSummary, StreamGap
from palpate.sequences.movement_row import MovementRow
from palpate.workflows.monitor_movement import feed

PAGE = "monitor.html"
# Single numbers that never came are told by the share of time without frames, not one by one.
_SHORTEST_GAP_S = 1.0


def page_of_store(out: Path) -> Path:
    """Write monitor.html beside the store, from what is in it by now.

    Raises:
        FormatError: there is no store.
        GeometryError: no frame is in it yet.
        SchemeError: its joints make no limbs.
        OutputError: the page cannot be written.
    """
    with MonitorStore.read(out / STORE) as store:
        summary = summary_of_store(store)
    write_monitor_page(summary, out / PAGE)
    return out / PAGE


def summary_of_store(store: MonitorStore) -> MonitorSummary:
    """Summarise all that is in a store; frames are read segment by segment."""
    windows = MovementWindows(store.scheme)
    rows: list[MovementRow] = []
    for entry in entries_of(store):
        rows += feed(windows, entry)
    rows += windows.finish()
    sessions, delays = store.sessions(), DelayHistogram()
    for session in sessions:
        if session.totals:
            delays = delays.joined(DelayHistogram.from_json(session.totals["delays"]))
    last = sessions[-1].provenance if sessions else {}
    about = {**last, "sessions": str(len(sessions))}
    if store.size is not None:
        about["size"] = "{} x {} px".format(*store.size)
    return MonitorSummary(
        title=last.get("source", store.path.parent.name),
        rows=tuple(rows),
        measured_by=windows.body.measured_by,
        began=datetime.fromtimestamp(store.origin_utc).astimezone(),
        gaps=tuple(
            StreamGap(gap.start_s, gap.stop_s, gap.reason)
            for gap in store.gaps()
            if gap.stop_s - gap.start_s >= _SHORTEST_GAP_S
        ),
        delays=Delays(tuple(delays.bins()), delays.longest_s) if delays.total else None,
        warnings=tuple(_warnings(sessions, store.notes())),
        provenance=about,
    )


def entries_of(store: MonitorStore) -> Iterator[Entry]:
    """Yield the frames and the gaps of a store in the order of time."""
    gaps = iter(store.gaps())
    gap = next(gaps, None)
    for frames in store.stretches():
        for record in _records(frames):
            while gap is not None and gap.stop_s <= record.time_s:
                yield gap
                gap = next(gaps, None)
            yield record
    while gap is not None:
        yield gap
        gap = next(gaps, None)


def _records(frames: Frames) -> Iterator[FrameRecord]:
    columns = (frames.number.tolist(), frames.time_s.tolist(), frames.state.tolist())
    for row, (number, time_s, code) in enumerate(zip(*columns, strict=True)):
        state = FrameState(code)
        if state in LOOKED_AT:
            joints = frames.coordinates[row], frames.score[row], frames.links[row]
            yield FrameRecord(number, time_s, state, *joints, int(frames.others[row]))
        else:
            yield FrameRecord(number, time_s, state)


def _warnings(sessions: list[Session], notes: list[Note]) -> Iterator[str]:
    """What went wrong, each once."""
    cut = [session.began for session in sessions[:-1] if session.ended is None]
    if cut:
        yield f"{len(cut)} sessions were cut off, the first of those began {cut[0][:19]} UTC."
    unsaved = sum(int(session.totals.get("unsaved", 0)) for session in sessions)
    if unsaved:
        yield f"{unsaved:,} frames were followed and could not be saved: the disk was full."
    for kind in dict.fromkeys(note.kind for note in notes):
        alike = [note for note in notes if note.kind == kind]
        count = sum(note.count for note in alike)
        more = f" {count:,} such frames." if count > 1 else ""
        yield f"Bad frame: {alike[0].words}.{more}"
