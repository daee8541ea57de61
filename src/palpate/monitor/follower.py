"""Frames in, records out: what becomes of every frame that came."""

from collections.abc import Sequence
from dataclasses import dataclass

from palpate.errors import PalpateError, StudyError
from palpate.image import Image
from palpate.localisers.clip import ClipLocaliser, ClipPlane, FoundFrame
from palpate.monitor.clock import Clock
from palpate.monitor.frame import Arrival, BadFrame, DroppedFrame, SourceRestarted, StreamFrame
from palpate.monitor.packed import LARGEST_PX
from palpate.monitor.past import PlaneRing
from palpate.monitor.record import Entry, FrameRecord, FrameState, Note
from palpate.monitor.timeline import Timeline

UNREADABLE, OTHER_SIZE, NOT_LOCALISED = "unreadable", "another size", "not localised"


@dataclass(frozen=True, eq=False, slots=True)
class _Ready:
    """A frame that fits, with the clip that ends at it, if its past is there."""

    number: int
    time_s: float
    arrived_s: float
    clip: Sequence[ClipPlane] | None


class Follower:
    """Follows one stream: numbers and times are checked, planes kept, joints found.

    Every frame that comes is prepared, which is quick, since it is the past of later ones; of
    several that wait only the last is looked at. The caller hands over one at a time where all
    are wanted.

    Args:
        localiser: finds the joints.
        timeline: of the stream.
        ring: of planes.
        clock: for the delays.
        stored_size: (width, height) of the frames that the store holds joints of; None where it
            holds none.
    """

    def __init__(
        self,
        localiser: ClipLocaliser,
        timeline: Timeline,
        ring: PlaneRing,
        clock: Clock,
        *,
        stored_size: tuple[int, int] | None = None,
    ) -> None:
        self._localiser, self._timeline, self._ring, self._clock = localiser, timeline, ring, clock
        self._stored_size = stored_size
        self.size: tuple[int, int] | None = None  # (width, height) that the stream began with

    def follow(self, arrivals: Sequence[Arrival]) -> list[Entry]:
        """Return what became of the frames of some arrivals, in order.

        Raises:
            PalpateError: the frames are too large for the store, or of another size than those
                that it holds.
        """
        entries: list[Entry | _Ready] = []
        for arrival in arrivals:
            entries.extend(self._taken_in(arrival))
        last = max((i for i, one in enumerate(entries) if isinstance(one, _Ready)), default=-1)
        done: list[Entry] = []
        for place, entry in enumerate(entries):
            if not isinstance(entry, _Ready):
                done.append(entry)
            elif entry.clip is None:
                done.append(FrameRecord(entry.number, entry.time_s, FrameState.NO_PAST))
            elif place < last:
                done.append(FrameRecord(entry.number, entry.time_s, FrameState.SKIPPED))
            else:
                done.extend(self._looked_at(entry, entry.clip))
        return done

    def _taken_in(self, arrival: Arrival) -> Sequence[Entry | _Ready]:
        event = arrival.event
        if isinstance(event, SourceRestarted):
            self._timeline.restart()
            self._ring.forget()
            return []
        if event.number is None:
            at = self._timeline.last_s or 0.0
            return [Note(at, None, event.reason, UNREADABLE)] if isinstance(event, BadFrame) else []
        place = self._timeline.place(event.number, event.time_s, arrival.arrived_s)
        entries: list[Entry | _Ready] = [] if place.gap is None else [place.gap]
        if not place.follows:
            self._ring.forget()
        if place.refused:
            return [*entries, *_bad(event.number, place.time_s, place.refused, place.kind)]
        if isinstance(event, BadFrame):
            return [*entries, *_bad(event.number, place.time_s, event.reason, UNREADABLE)]
        if isinstance(event, DroppedFrame):
            return [*entries, FrameRecord(event.number, place.time_s, FrameState.SKIPPED)]
        return [*entries, *self._prepared(event, place.time_s, arrival.arrived_s)]

    def _prepared(
        self, frame: StreamFrame, time_s: float, arrived_s: float
    ) -> Sequence[Entry | _Ready]:
        if self.size is None:
            self.size = _storable(frame.size, self._stored_size)
        if frame.size != self.size:
            words = (
                f"frame {frame.number} is {frame.size[0]} x {frame.size[1]} px, the stream began "
                f"with {self.size[0]} x {self.size[1]}"
            )
            return _bad(frame.number, time_s, words, OTHER_SIZE)
        if not frame.pixels.any():
            return [FrameRecord(frame.number, time_s, FrameState.NOTHING_MEASURED)]
        try:
            plane = self._localiser.prepare(Image(frame.pixels[None], f"frame {frame.number}"))
        except PalpateError as error:
            return _bad(frame.number, time_s, str(error), NOT_LOCALISED)
        self._ring.add(time_s, plane)
        return [_Ready(frame.number, time_s, arrived_s, self._ring.clip(time_s))]

    def _looked_at(self, ready: _Ready, clip: Sequence[ClipPlane]) -> Sequence[Entry]:
        try:
            found = self._localiser.find([clip], last=True)[0][-1]
        except PalpateError as error:
            return _bad(ready.number, ready.time_s, str(error), NOT_LOCALISED)
        pose = found.pose
        return [
            FrameRecord(
                ready.number,
                ready.time_s,
                _state(found),
                pose.coordinates,
                pose.score,
                pose.links,
                pose.others,
                self._clock.now() - ready.arrived_s,
            )
        ]


def _state(found: FoundFrame) -> FrameState:
    there = found.pose.found
    if there.all():
        return FrameState.FOUND
    return FrameState.PARTIAL if there.any() else FrameState.NOTHING_FOUND


def _bad(number: int, time_s: float, words: str, kind: str) -> tuple[FrameRecord, Note]:
    return FrameRecord(number, time_s, FrameState.BAD), Note(time_s, number, words, kind)


def _storable(size: tuple[int, int], stored: tuple[int, int] | None) -> tuple[int, int]:
    if max(size) > LARGEST_PX:
        raise PalpateError(
            f"the frames are {size[0]} x {size[1]} px; the store holds joints of at most "
            f"{LARGEST_PX} px a side; let the camera bin or crop them"
        )
    if stored is not None and size != stored:
        raise StudyError(
            f"the frames are {size[0]} x {size[1]} px, the store holds joints in frames of "
            f"{stored[0]} x {stored[1]}: their px cannot be compared; set the camera as it was, "
            "or choose another --out"
        )
    return size
