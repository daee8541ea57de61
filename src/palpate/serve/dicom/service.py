"""Films in, reports out: what a running service does between the storage service and the archive.

Three things go on side by side: films arrive (:mod:`receiver`), films whose study has been quiet
are made into objects, objects are sent. They meet only in the ledger, so each may stop at any
moment and go on from there.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any

from palpate.errors import ConfigError, OutputError, PalpateError
from palpate.files import write_atomically
from palpate.serve.dicom.admit import Admitted, Refusal, admit, is_uid
from palpate.serve.dicom.classes import FILM_CLASSES
from palpate.serve.dicom.delivery import Destination
from palpate.serve.dicom.inbox import Inbox
from palpate.serve.dicom.ledger import Film, Ledger, Made
from palpate.serve.dicom.lock import FolderLock
from palpate.serve.dicom.quiet_logs import LOGGER
from palpate.serve.dicom.receiver import Listening, Receiver

# What makes the objects of one film: its file and its digest in, data sets with file meta
# information out. Asked twice of one film, it must give them the same identifiers.
Maker = Callable[[Path, str], Sequence[Any]]

_GLANCE = 0.2  # seconds between looks at the ledger
_TRIES = 5  # of a film whose prediction breaks for a reason that is none of the film's
_AT_ONCE = 32  # objects of one association


@dataclass(frozen=True, slots=True)
class Service:
    """A service over one folder: ``inbox/``, ``outbox/`` and ``ledger.sqlite``.

    Args:
        folder: used by one service at a time.
        make: makes the objects of a film.
        destination: where they are sent; None leaves them in the outbox.
        quiet: seconds without a new film of a study, after which it is predicted.
        inbox, outbox, ledger: in the folder; made here.

    Raises:
        ConfigError: another service uses the folder, or ``quiet`` is negative.
        OutputError: the folder cannot be used.
    """

    folder: Path
    make: Maker
    destination: Destination | None = None
    quiet: float = 5.0
    inbox: Inbox = field(init=False)
    outbox: Inbox = field(init=False)
    ledger: Ledger = field(init=False)
    _lock: FolderLock = field(init=False)

    def __post_init__(self) -> None:
        if self.quiet < 0:
            raise ConfigError(f"a study is quiet for 0 seconds or more, got {self.quiet}")
        object.__setattr__(self, "inbox", Inbox(self.folder / "inbox"))
        object.__setattr__(self, "outbox", Inbox(self.folder / "outbox"))
        object.__setattr__(self, "_lock", FolderLock(self.folder / "in-use.sqlite"))
        try:
            object.__setattr__(self, "ledger", Ledger(self.folder / "ledger.sqlite"))
        except PalpateError:
            self._lock.close()
            raise

    def close(self) -> None:
        """Close the ledger and leave the folder to others."""
        self.ledger.close()
        self._lock.close()

    def recover(self) -> int:
        """Enter films that are whole in the inbox and not in the ledger; return how many.

        That is so where a process was killed between both: its sender had no answer yet.
        """
        left = self.inbox.tidy() + self.outbox.tidy()
        if left:
            LOGGER.info("%d half-written files of an earlier run removed", left)
        known = self.ledger.files()
        entered = 0
        for path in self.inbox.files():
            if path.name not in known:
                entered += self._enter(path)
        return entered

    def receive(self, admitted: Admitted, file: str, caller: str) -> None:
        """Note a film that is whole in the inbox."""
        new = self.ledger.receive(admitted, file, caller, time())
        word = "received" if new else "received again"
        LOGGER.info("%s: %s sha256 %s from %r", word, admitted.uid, admitted.digest[:16], caller)

    def predict_due(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Make the objects of the films whose time has come; return how many films."""
        done = 0
        for film in self.ledger.due_films(time(), self.quiet):
            if stopped():
                break
            self._predict(film)
            done += 1
        return done

    def send_due(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Send the objects whose time has come; return how many the archive took."""
        if self.destination is None:
            return 0
        taken = 0
        due = self.ledger.due_objects(time())
        for start in range(0, len(due), _AT_ONCE):
            if stopped():
                break
            some = due[start : start + _AT_ONCE]
            for made, one in zip(
                some,
                self.destination.deliver([self.outbox.folder / each.file for each in some]),
                strict=True,
            ):
                taken += self._settle(made, one.outcome, one.words)
        return taken

    def run(
        self,
        listening: Listening,
        stop: threading.Event,
        started: Callable[[int], None] = lambda port: None,
    ) -> None:
        """Serve until ``stop`` is set; ``started`` is told the port.

        Raises:
            PalpateError: the port cannot be listened on.
        """
        entered = self.recover()
        if entered:
            LOGGER.info("%d films of an earlier run go on", entered)
        receiver = Receiver(listening, self.inbox, self.receive)
        threads = [
            threading.Thread(target=self._repeat, args=(work, stop), name=name, daemon=True)
            for name, work in (("predict", self.predict_due), ("send", self.send_due))
        ]
        try:
            for thread in threads:
                thread.start()
            started(receiver.port)
            stop.wait()
        finally:
            stop.set()
            receiver.close()
            for thread in threads:
                thread.join()

    def _repeat(self, work: Callable[[Callable[[], bool]], int], stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                work(stop.is_set)
            except Exception as error:  # noqa: BLE001 - a full disk today is none tomorrow
                LOGGER.error("work stopped for a while: %s", type(error).__name__)
                stop.wait(5.0)
            stop.wait(_GLANCE)

    def _enter(self, path: Path) -> int:
        content = path.read_bytes()
        uid = path.name.removesuffix(".dcm").split("~")[0]
        judged = admit(content, _class_of(path), uid, classes=FILM_CLASSES)
        if isinstance(judged, Refusal):
            LOGGER.warning("in the inbox, but no film: %s: %s", path.name, judged.words)
            return 0
        return int(self.ledger.receive(judged, path.name, "", time() - self.quiet))

    def _predict(self, film: Film) -> None:
        path = self.inbox.folder / film.file
        try:
            made = [self._write(one) for one in self.make(path, film.digest)]
        except OutputError as error:
            self.ledger.film_later(film, str(error), time())
            LOGGER.error("later: %s: its objects could not be written", film.uid)
            return
        except PalpateError as error:
            self.ledger.failed(film, str(error))
            LOGGER.warning("not predicted: %s: %s", film.uid, error)
            return
        except Exception as error:  # noqa: BLE001 - one film must not end the service
            self._broke(film, type(error).__name__)
            return
        if self.ledger.predicted(film, made):
            LOGGER.info("predicted: %s: %d objects", film.uid, len(made))

    def _broke(self, film: Film, kind: str) -> None:
        if film.tries + 1 < _TRIES:
            self.ledger.film_later(film, f"the prediction broke ({kind})", time())
        else:
            self.ledger.failed(film, f"the prediction broke {_TRIES} times ({kind})")
        LOGGER.error("not predicted: %s: the prediction broke (%s)", film.uid, kind)

    def _write(self, data: Any) -> tuple[str, str]:
        uid = str(data.SOPInstanceUID)
        if not is_uid(uid):
            raise PalpateError("the SOPInstanceUID of a made object is no identifier")
        path = self.outbox.place(uid)
        write_atomically(path, lambda stream: data.save_as(stream, enforce_file_format=True))
        return uid, path.name

    def _settle(self, made: Made, outcome: str, words: str) -> int:
        if outcome == "stored":
            self.ledger.sent(made, "" if words == "stored" else words)
            LOGGER.info("sent: %s of %s: %s", made.uid, made.film, words)
            return 1
        if outcome == "refused":
            self.ledger.refused(made, words)
            LOGGER.error("refused: %s of %s: %s", made.uid, made.film, words)
        else:
            self.ledger.object_later(made, words, time())
            LOGGER.warning("sent later: %s of %s: %s", made.uid, made.film, words)
        return 0


def _class_of(path: Path) -> str:
    """SOP class of a file as it says itself; empty where it cannot be read."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        return str(
            dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID"]).SOPClassUID
        )
    except (InvalidDicomError, OSError, EOFError, ValueError, AttributeError):
        return ""
