"""The threads of a monitor: one reads the source, one works, one saves."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from palpate.errors import OutputError
from palpate.files import write_json
from palpate.monitor.buffer import FrameBuffer
from palpate.monitor.clock import Clock
from palpate.monitor.follow import Following, FollowSettings
from palpate.monitor.frame import Arrival
from palpate.monitor.source import StreamSource
from palpate.monitor.status import STATUS, Status

_LOOK_S = 0.25  # how long nothing may come before the clock is looked at


class SourceThread:
    """Reads a source into a buffer, until it ends, fails, or nobody listens any more."""

    def __init__(
        self, source: StreamSource, buffer: FrameBuffer, clock: Clock, stop: Event
    ) -> None:
        self._source, self._buffer, self._clock, self._stop = source, buffer, clock, stop
        self.failure: BaseException | None = None
        # A read that waits for a camera cannot be woken: it ends with the process.
        self._thread = Thread(target=self._feed, daemon=True, name="palpate source")

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def _feed(self) -> None:
        try:
            for event in self._source.events(self._stop):
                if not self._buffer.put(Arrival(event, self._clock.now())):
                    return
        except BaseException as error:  # noqa: BLE001 - the working thread raises it
            self.failure = error
        finally:
            self._buffer.finish()


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended, in words, and how it stood then."""

    how: str
    status: Status


def run(  # noqa: PLR0913 - the parts of a run
    source: StreamSource,
    following: Following,
    settings: FollowSettings,
    out: Path,
    *,
    clock: Clock,
    stop: Event,
    tell: Callable[[Status], None] = lambda status: None,
    meanwhile: Callable[[], None] = lambda: None,
) -> Ended:
    """Follow a stream to its end, or until ``stop`` is set; return how it stood then.

    ``out``/status.json is written every few seconds. Nothing of what was followed is left unsaved
    in the end, if the disk has room.

    Args:
        source: of the frames; read by a thread of its own.
        following: the work; done by the caller's thread.
        settings: how.
        out: folder of status.json.
        clock: of this machine.
        stop: set by whoever wants it to end; it is set in the end in any case.
        tell: is given the status every few seconds.
        meanwhile: work that may take longer than a frame; done by the thread that saves.

    Raises:
        PalpateError: what the source refused, or a store that fails; what came before is saved.
    """
    buffer = FrameBuffer(settings.policy, waits=source.waits, capacity=settings.capacity)
    thread = SourceThread(source, buffer, clock, stop)
    told_s = clock.now()

    def save() -> None:
        following.save()
        meanwhile()
        _write_status(out, following.status(buffered=buffer.frames))

    try:
        with ThreadPoolExecutor(1, "palpate saving") as pool:
            saving: Future[None] = pool.submit(save)
            thread.start()
            while not (buffer.ended or stop.is_set() or following.done):
                following.work(buffer.take(_LOOK_S))
                following.tick()
                due = clock.now() - told_s >= settings.status_s
                if saving.done() or following.saver.behind:
                    saving.result()
                    if due:
                        told_s = clock.now()
                        tell(following.status(buffered=buffer.frames))
                        saving = pool.submit(save)
                    elif following.saver.ready:
                        saving = pool.submit(following.save)
    finally:
        how = "the stream ended"
        if stop.is_set() or following.done:
            how = "stopped" if stop.is_set() else "it was followed for as long as wished"
        stop.set()
        buffer.abandon()
        following.close()
        following.save()
    last = following.status(ended=True)
    _write_status(out, last)
    if thread.failure is not None:
        raise thread.failure
    return Ended(how, last)


def _write_status(out: Path, status: Status) -> None:
    """Write status.json; on a full disk the old one stays, and its time tells that it is old."""
    try:
        write_json(out / STATUS, status.as_json())
    except OutputError:
        if status.condition != "disk full":
            raise
