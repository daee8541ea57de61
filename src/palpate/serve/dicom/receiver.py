"""The storage service: takes films from an archive or a modality and keeps each whole.

An object is answered with success only after its file and its line in the ledger are on disk.
"""

import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from palpate.errors import ConfigError, OutputError, PalpateError
from palpate.io.dicom import MAX_BYTES
from palpate.serve.dicom.address import Caller, check_title
from palpate.serve.dicom.admit import (
    OUT_OF_RESOURCES,
    SUCCESS,
    Admitted,
    Refusal,
    admit,
    is_uid,
)
from palpate.serve.dicom.classes import FILM_CLASSES, readable_syntaxes
from palpate.serve.dicom.inbox import Inbox
from palpate.serve.dicom.quiet_logs import LOGGER, hold_logs

_VERIFICATION = "1.2.840.10008.1.1"
_CONNECTIONS = 200  # more are rejected before they are asked what they want
_PATIENCE = 5.0  # seconds for an association that was broken off to end
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Listening:
    """How a service is reached, and by whom.

    Args:
        title: our AE title; calls to another are rejected.
        host: interface.
        port: TCP port; 0 takes a free one.
        allowed: who may call; empty allows every title, on the loopback interface alone.
        associations: at most so many at once; more are told to come later.
        seconds: without a word, after which a caller is dropped.

    Raises:
        ConfigError: a title that is none, or a host that others reach without a list of callers.
    """

    title: str = "PALPATE"
    host: str = "127.0.0.1"
    port: int = 11112
    allowed: tuple[Caller, ...] = ()
    associations: int = 10
    seconds: float = 30.0

    def __post_init__(self) -> None:
        check_title(self.title)
        if not self.allowed and self.host not in _LOOPBACK:
            raise ConfigError(
                f"--host {self.host} can be called by other machines: name those that may with "
                "--allow TITLE@HOST, or leave --host at 127.0.0.1"
            )
        if not 0 <= self.port < 65536:
            raise ConfigError(f"a port is a number from 0 to 65535, got {self.port}")


class Receiver:
    """A storage service that is running.

    Args:
        listening: how it is reached.
        inbox: where objects are kept.
        noted: called with every object that is whole on disk, before the sender is answered;
            takes it, its file's name and the caller's title.
        classes: what is taken.
        films: whether objects must be single images that can be read.

    Raises:
        PalpateError: the port is taken, or the host is none of this machine.
    """

    def __init__(
        self,
        listening: Listening,
        inbox: Inbox,
        noted: Callable[[Admitted, str, str], object],
        *,
        classes: Collection[str] = FILM_CLASSES,
        films: bool = True,
    ) -> None:
        from pynetdicom import AE, evt

        hold_logs()
        self._listening = listening
        self._inbox = inbox
        self._noted = noted
        self._classes = frozenset(classes) if films else None
        self._allowed = _resolved(listening.allowed)
        entity = AE(ae_title=listening.title)
        entity.require_called_aet = True
        # Its own count takes in connections that have not said a word: anybody could fill it up.
        entity.maximum_associations = _CONNECTIONS
        entity.acse_timeout = min(5.0, listening.seconds)
        entity.dimse_timeout = entity.network_timeout = listening.seconds
        entity.add_supported_context(_VERIFICATION)
        for sop_class in classes:
            entity.add_supported_context(sop_class, list(readable_syntaxes()))
        handlers: list[Any] = [
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_REJECTED, self._rejected),
            (evt.EVT_ACCEPTED, self._accepted),
            (evt.EVT_ABORTED, self._aborted),
            (evt.EVT_PDU_RECV, self._counted),
            (evt.EVT_C_STORE, self._stored),
        ]
        self._entity = entity
        try:
            self._server: Any = entity.start_server(
                (listening.host, listening.port), block=False, evt_handlers=handlers
            )
        except OSError as error:
            raise PalpateError(
                f"cannot listen on {listening.host}:{listening.port}: {error.strerror}; "
                "another program may use it, choose another --port"
            ) from error

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Take no more calls and break off those that are open; what was answered for is kept."""
        open_links = self._server.active_associations
        self._entity.shutdown()
        for link in open_links:
            link.join(_PATIENCE)

    def _requested(self, event: Any) -> None:
        """Turn away who is not allowed, before anything is negotiated."""
        caller = event.assoc.requestor
        title = event.assoc.requestor.primitive.calling_ae_title
        if self._allowed and (title.strip(), caller.address) not in self._allowed:
            LOGGER.warning("rejected: %r at %s is not allowed to call", title, caller.address)
            # Permanent, by the service user: calling AE title not recognised (PS3.8 9.3.4).
            self._turn_away(event, (1, 1, 3))
            return
        others = [one for one in self._server.active_associations if one.is_established]
        if len(others) >= self._listening.associations:
            LOGGER.warning("rejected: %r: %d associations are open already", title, len(others))
            # Transient, presentation related: local limit exceeded.
            self._turn_away(event, (2, 3, 2))

    def _turn_away(self, event: Any, why: tuple[int, int, int]) -> None:
        event.assoc.acse.send_reject(*why)
        event.assoc.kill()

    def _accepted(self, event: Any) -> None:
        event.assoc.palpate_bytes = 0
        taken = {context.abstract_syntax for context in event.assoc.accepted_contexts}
        offered = {context.abstract_syntax for context in event.assoc.rejected_contexts} - taken
        # Archives offer every class there is: only a caller that offers nothing for us is told of.
        if offered and not taken - {_VERIFICATION}:
            names = ", ".join(sorted(uid.name for uid in offered)[:5])
            LOGGER.warning("nothing that %r offers is a film read here: %s", _title(event), names)

    def _rejected(self, event: Any) -> None:
        called = event.assoc.requestor.primitive.called_ae_title
        ours = self._listening.title
        LOGGER.warning("rejected: %r: it called %r, this is %r", _title(event), called, ours)

    def _aborted(self, event: Any) -> None:
        if not hasattr(event.assoc, "palpate_bytes"):
            return  # it was turned away before, and told of
        LOGGER.warning("%r broke the association off; what was answered for is kept", _title(event))

    def _counted(self, event: Any) -> None:
        """Drop a caller whose object has no end, before it fills the memory."""
        link = event.assoc
        link.palpate_bytes = getattr(link, "palpate_bytes", 0) + len(event.pdu)
        if link.palpate_bytes > MAX_BYTES + (1 << 20):
            LOGGER.warning("dropped: %r sent more than %d MiB", _title(event), MAX_BYTES >> 20)
            link.dul.socket.close()

    def _stored(self, event: Any) -> Any:
        from pydicom.dataset import Dataset

        event.assoc.palpate_bytes = 0
        judged = self._judged(event)
        if isinstance(judged, Admitted):
            return SUCCESS
        answer = Dataset()
        answer.Status = judged.status
        answer.ErrorComment = judged.words[:64]
        return answer

    def _judged(self, event: Any) -> Admitted | Refusal:
        """Keep one object, or say why not; never raises, since a server lives on."""
        request = event.request
        uid = str(request.AffectedSOPInstanceUID or "")
        try:
            content: bytes = event.encoded_dataset()
            if not self._inbox.room_for(len(content)):
                judged: Admitted | Refusal = Refusal(OUT_OF_RESOURCES, "the disk is full")
            else:
                judged = admit(
                    content, str(request.AffectedSOPClassUID), uid, classes=self._classes
                )
            if isinstance(judged, Admitted):
                path = self._inbox.keep(judged, content)
                self._noted(judged, path.name, _title(event))
        except (OutputError, OSError, MemoryError) as error:
            judged = Refusal(OUT_OF_RESOURCES, "it could not be written")
            LOGGER.error("not kept: %s", type(error).__name__)
        except Exception as error:  # noqa: BLE001 - whatever came, the next one is still served
            judged = Refusal(OUT_OF_RESOURCES, "it could not be kept")
            LOGGER.error("not kept: %s", type(error).__name__)
        if isinstance(judged, Refusal):
            LOGGER.warning(
                "refused 0x%04X from %r: %s: %s",
                judged.status,
                _title(event),
                shown(uid),
                judged.words,
            )
        return judged


def shown(uid: str) -> str:
    """Return an identifier for a log: what is none is not repeated there."""
    return uid if is_uid(uid) else "an object without a valid identifier"


def _title(event: Any) -> str:
    primitive = event.assoc.requestor.primitive
    return "" if primitive is None else str(primitive.calling_ae_title).strip()


def _resolved(allowed: Collection[Caller]) -> frozenset[tuple[str, str]]:
    """Return (title, address) of those who may call.

    Raises:
        ConfigError: a host is not known.
    """
    found: set[tuple[str, str]] = set()
    for caller in allowed:
        try:
            places = socket.getaddrinfo(caller.host, None)
        except OSError as error:
            raise ConfigError(f"--allow {caller.title}@{caller.host}: no such host") from error
        found |= {(caller.title.strip(), str(place[4][0])) for place in places}
    return frozenset(found)
