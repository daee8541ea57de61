"""One run of a monitor: arrivals in, segments out to the saver, and how it stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from palpate.errors import ConfigError
from palpate.localisers.clip import ClipLocaliser
from palpate.monitor.buffer import CAPACITY, Policy
from palpate.monitor.clock import Clock
from palpate.monitor.follower import Follower
from palpate.monitor.frame import Arrival
from palpate.monitor.past import PlaneRing
from palpate.monitor.record import Entry, FrameRecord, FrameState, Gap, Note
from palpate.monitor.saver import SegmentSaver
from palpate.monitor.segment import Segment, SegmentCollector
from palpate.monitor.status import Condition, Status
from palpate.monitor.store import MonitorStore
from palpate.monitor.timeline import Timeline

_FORGET_EVERY_S = 600.0
_WORDS = {
    "segment_s": "a segment of the store (--segment)",
    "stall_s": "a silence that is a stall (--stall)",
    "status_s": "the time between two states",
    "duration_s": "the duration (--duration)",
    "keep_s": "the time that frames are kept (--keep-days)",
}


@dataclass(frozen=True, slots=True)
class FollowSettings:
    """How a stream is followed.

    Args:
        policy: ``all`` or ``latest``.
        capacity: frames that may wait.
        segment_s: what one transaction of the store holds. A sudden end loses the one that is
            open, and what is on its way to the disk.
        stall_s: a silence of this length is a stall.
        status_s: how often status.json is written.
        duration_s: of the stream, then it ends; infinite for ever.
        keep_s: older frames are deleted; infinite for none.

    Raises:
        ConfigError: a length of time that is none.
    """

    policy: Policy = "latest"
    capacity: int = CAPACITY
    segment_s: float = 1.0
    stall_s: float = 5.0
    status_s: float = 2.0
    duration_s: float = inf
    keep_s: float = inf

    def __post_init__(self) -> None:
        for name, words in _WORDS.items():
            value = getattr(self, name)
            if not value > 0.0:
                raise ConfigError(f"{words} is a time above 0 s; got {value:g} s")


class Following:
    """One run, from the first frame to the last; it has no threads and waits for nothing.

    Args:
        localiser: finds the joints.
        store: to append to; a session of it was begun.
        settings: how.
        clock: of this machine.
        rate_hz: of the stream.
        watch: is told every entry, as a summary of movement wants it.

    Raises:
        ConfigError: the stream has too few frames a second for the localiser's clips.
    """

    def __init__(
        self,
        localiser: ClipLocaliser,
        store: MonitorStore,
        settings: FollowSettings,
        clock: Clock,
        *,
        rate_hz: float,
        watch: Callable[[Entry], None] = lambda entry: None,
    ) -> None:
        self._timeline = Timeline(
            period_s=1.0 / rate_hz,
            stall_s=settings.stall_s,
            last_s=store.last_s,
            now_s=lambda: clock.utc() - store.origin_utc,
        )
        ring = PlaneRing(localiser.frames, localiser.interval_s, 1.0 / rate_hz)
        self._follower = Follower(localiser, self._timeline, ring, clock, stored_size=store.size)
        self._collector = SegmentCollector(
            len(store.scheme), len(store.scheme.edges), settings.segment_s
        )
        self.saver = SegmentSaver(store)
        self._settings, self._clock, self._watch = settings, clock, watch
        self._notes: dict[str, Note] = {}
        self._first_s: float | None = None
        self._last_number: int | None = None
        self._began_s = self._heard_s = clock.now()
        self._open_s: float | None = None  # since when a segment is open
        self._forgot_s: float | None = None

    def work(self, arrivals: Sequence[Arrival]) -> None:
        """Do what there is to do for some arrivals."""
        if not arrivals:
            return
        self._heard_s = self._clock.now()
        entries = self._follower.follow(arrivals)
        self._collector.totals.size = self._follower.size
        for entry in entries:
            self._keep(entry)

    def tick(self) -> None:
        """Close a segment that is open for long, as in a stall."""
        open_s = self._open_s
        if open_s is not None and self._clock.now() - open_s >= self._settings.segment_s:
            self._hand_over(self._collector.flush())

    def close(self) -> None:
        """Hand over everything; a silence that lasts is a gap up to now."""
        if self.stalled and self._timeline.last_s is not None:
            self._keep(Gap(self._timeline.last_s, self._timeline.now_s, "stall"))
        self._hand_over(self._collector.flush())

    def save(self) -> None:
        """Write to the disk what was handed over; delete what is too old. In any thread."""
        self.saver.save()
        last_s, keep_s = self._timeline.last_s, self._settings.keep_s
        if last_s is None or keep_s == inf:
            return
        if self._forgot_s is None or last_s - self._forgot_s >= _FORGET_EVERY_S:
            self._forgot_s = last_s
            self.saver.forget_before(last_s - keep_s)

    @property
    def stalled(self) -> bool:
        """Whether nothing came for long."""
        return self._clock.now() - self._heard_s >= self._settings.stall_s

    @property
    def done(self) -> bool:
        """Whether the stream was followed for as long as wished."""
        wished_s, last_s = self._settings.duration_s, self._timeline.last_s
        if self._first_s is None or last_s is None:
            return self._clock.now() - self._began_s >= wished_s
        return (self._timeline.now_s if self.stalled else last_s) - self._first_s >= wished_s

    def totals(self) -> dict[str, object]:
        """Return what the store keeps of the session."""
        self._collector.totals.unsaved = self.saver.unsaved
        return self._collector.totals.as_json()

    def status(self, *, ended: bool = False, buffered: int = 0) -> Status:
        """Return how the run stands."""
        totals = self._collector.totals
        return Status(
            "ended" if ended else self._condition(),
            tuple(self._warnings()),
            dict(totals.frames),
            totals.delays,
            self._last_number,
            self._timeline.last_s if self._last_number is not None else None,
            buffered,
            (self.saver.waiting, self.saver.unsaved),
            datetime.fromtimestamp(self._clock.utc(), UTC).isoformat(timespec="milliseconds"),
        )

    def _keep(self, entry: Entry) -> None:
        self._watch(entry)
        if isinstance(entry, FrameRecord):
            self._last_number = entry.number
            self._first_s = entry.time_s if self._first_s is None else self._first_s
        elif isinstance(entry, Note):
            like = self._notes.get(entry.kind)
            self._notes[entry.kind] = entry if like is None else like.with_count(like.count + 1)
        self._hand_over(self._collector.add(entry))
        self._open_s = self._clock.now() if self._open_s is None else self._open_s

    def _hand_over(self, segment: Segment | None) -> None:
        if segment is not None:
            self._open_s = None
            self.saver.add(segment)

    def _condition(self) -> Condition:
        if self.saver.full:
            return "disk full"
        if self.stalled:
            return "stalled"
        return "waiting" if self._last_number is None else "following"

    def _warnings(self) -> list[str]:
        told = []
        if self.saver.full:
            told.append(
                f"the disk is full: {self.saver.waiting} frames wait in memory; free some space"
            )
        if self.saver.unsaved:
            told.append(f"{self.saver.unsaved} frames were followed and could not be saved")
        if self.stalled:
            told.append(f"no frame came for {self._clock.now() - self._heard_s:.0f} s")
        skipped = self._collector.totals.frames[FrameState.SKIPPED.words]
        if self._settings.policy == "all" and skipped:
            told.append(
                f"all frames were wanted, but {skipped} were let go: the source cannot wait, and "
                "the localiser is slower than it"
            )
        for note in tuple(self._notes.values()):
            more = f"; {note.count} such frames" if note.count > 1 else ""
            told.append(f"{note.words}{more}")
        return told
