"""Associations with an archive, begun and ended in one place, and in words why there is none."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from palpate.errors import ConfigError
from palpate.serve.dicom.address import Peer
from palpate.serve.dicom.quiet_logs import hold_logs

# An association carries at most so many presentation contexts (PS3.8 9.3.2.2).
MAX_CONTEXTS = 128


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds after which a silent peer is given up.

    Args:
        connection: until it accepts a connection.
        answer: until it answers a message.
    """

    connection: float = 10.0
    answer: float = 60.0


@dataclass(frozen=True, slots=True)
class Offer:
    """What an association is for.

    Args:
        kinds: SOP classes, each with the transfer syntaxes that are offered.
        stored: called with every object that comes back over this association (C-GET); its status
            is the answer. None where none comes.
        comes: SOP classes of these objects.
    """

    kinds: tuple[tuple[str, tuple[str, ...]], ...]
    stored: Callable[[Any], int] | None = None
    comes: tuple[str, ...] = ()


@contextmanager
def associated(
    peer: Peer, calling: str, offer: Offer, timeouts: Timeouts
) -> Iterator[tuple[Any, str]]:
    """Associate; release at the end.

    Gives the association and an empty sentence, or None and why there is none.

    Raises:
        ConfigError: pynetdicom is not installed.
    """
    try:
        from pynetdicom import AE, build_role, evt
    except ImportError as error:
        raise ConfigError("DICOM services need: pip install 'palpate[pacs]'") from error
    hold_logs()
    entity = AE(ae_title=calling)
    entity.connection_timeout = timeouts.connection
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = timeouts.answer
    for sop_class, syntaxes in offer.kinds:
        entity.add_requested_context(sop_class, list(syntaxes))
    roles: list[Any] = [build_role(sop_class, scp_role=True) for sop_class in offer.comes]
    handlers: list[Any] = [] if offer.stored is None else [(evt.EVT_C_STORE, offer.stored)]
    link = entity.associate(
        peer.host, peer.port, ae_title=peer.title, ext_neg=roles, evt_handlers=handlers
    )
    try:
        yield (link, "") if link.is_established else (None, why_not(peer, link, timeouts))
    finally:
        if link.is_established:
            link.release()


def _unreached(peer: Peer, timeouts: Timeouts) -> str:
    """Why no connection comes about, which an association does not tell; empty where one does."""
    try:
        socket.create_connection((peer.host, peer.port), timeouts.connection).close()
    except TimeoutError:
        return f"{peer} is not reached within {timeouts.connection:g} s"
    except OSError as error:
        return f"{peer} is not reached: {error.strerror or type(error).__name__}"
    return ""


def why_not(peer: Peer, link: Any, timeouts: Timeouts) -> str:
    """Why there is no association, in words."""
    if link.is_rejected:
        answer = link.acceptor.primitive
        reasons = {
            (1, 3): "does not know our AE title",
            (1, 7): f"is not called {peer.title}",
            (3, 1): "is too busy",
            (3, 2): "has no association free",
        }
        key = (answer.result_source, answer.diagnostic) if answer is not None else (0, 0)
        return f"{peer} {reasons.get(key, 'rejected the association')}"
    if link.rejected_contexts:
        return f"{peer} accepts none of these kinds of objects"
    return _unreached(peer, timeouts) or f"{peer} broke off while associating"
