"""Follow a stream into a folder: the store, status.json, movement.json."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Error
from threading import Event

import numpy as np

from palpate.errors import PalpateError
from palpate.image import Image
from palpate.localisers.clip import ClipLocaliser
from palpate.localisers.localiser import Localiser
from palpate.monitor.clock import Clock
from palpate.monitor.follow import Following, FollowSettings
from palpate.monitor.run import run
from palpate.monitor.source import StreamSource
from palpate.monitor.status import Status
from palpate.monitor.store import STORE, MonitorStore
from palpate.workflows.monitor_movement import LiveMovement

_USUAL_SIZE = (480, 640)  # (y, x) of a frame to warm up with


@dataclass(frozen=True, eq=False, slots=True)
class LiveRun:
    """What follows what, and into where.

    Args:
        localiser: finds the joints.
        source: of the frames.
        out: folder of the store.
        settings: how to follow.
        provenance: of the session.
    """

    localiser: ClipLocaliser
    source: StreamSource
    out: Path
    settings: FollowSettings
    provenance: Mapping[str, str]

    def follow(
        self, *, clock: Clock, stop: Event, tell: Callable[[Status], None] = lambda status: None
    ) -> Status:
        """Follow the stream until it ends or ``stop`` is set; return how it stood then.

        Raises:
            PalpateError: the stream is none of depth frames; the store holds other joints, or
                those of frames of another size, or takes nothing more. What came before is saved.
        """
        with MonitorStore.open(
            self.out / STORE, self.localiser.scheme, origin_utc=clock.utc()
        ) as store:
            warm_up(self.localiser)  # before the time of the stream begins to run
            movement = LiveMovement(store.scheme, self.out)
            following = Following(
                self.localiser,
                store,
                self.settings,
                clock,
                rate_hz=self.source.rate_hz,
                watch=movement.watch,
            )
            store.begin(self.provenance)
            how = "failed"
            try:
                ended = run(
                    self.source,
                    following,
                    self.settings,
                    self.out,
                    clock=clock,
                    stop=stop,
                    tell=tell,
                    meanwhile=movement.work,
                )
                how = ended.how
            except PalpateError as error:
                how = f"failed: {error}"
                raise
            finally:
                _end(store, how, following)
            movement.finish()
            return ended.status


def clip_localiser(localiser: Localiser, run_name: str) -> ClipLocaliser:
    """Let only a localiser pass that looks at several frames at once.

    Raises:
        PalpateError: it looks at single images.
    """
    if not isinstance(localiser, ClipLocaliser):
        raise PalpateError(
            f"{run_name} finds landmarks in single images; monitoring needs a run that was trained "
            "on clips of depth frames, such as with --recipe infant-limbs"
        )
    return localiser


def warm_up(localiser: ClipLocaliser) -> None:
    """Find once in an empty scene: the first time costs more than any frame may."""
    flat = Image(np.full((1, *_USUAL_SIZE), 1000, np.uint16), "warm-up")
    plane = localiser.prepare(flat)
    localiser.find([[plane] * localiser.frames], last=True)


def _end(store: MonitorStore, how: str, following: Following) -> None:
    """Write down how it ended; a full disk leaves the session open, as a sudden end does."""
    try:
        store.end(how, following.totals())
    except Error as error:
        if not following.saver.full:
            raise PalpateError(f"{store.path} takes nothing more: {error}") from error
