"""Serve films of an archive: a run, a protocol and a folder become a running service."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from palpate.errors import ConfigError
from palpate.localisers.localiser import Localiser
from palpate.protocols.protocol import Protocol, read_protocol
from palpate.serve.dicom.delivery import Destination
from palpate.serve.dicom.receiver import Listening
from palpate.serve.dicom.service import Service
from palpate.workflows.dicom_objects import FilmWork, MeasuredFilm, Present, nobody


@dataclass(frozen=True, slots=True)
class Serving:
    """What is asked of a service besides its run.

    Args:
        folder: for the inbox, the outbox and the ledger.
        listening: how it is reached.
        destination: where objects are sent; None keeps them in the outbox.
        protocol: name or file; None takes that of the run's study.
        quiet: seconds without a new film of a study, after which it is predicted.
        presents: further objects of a film, by kind.
        on_predicted: is told of every measured film.
    """

    folder: Path
    listening: Listening
    destination: Destination | None = None
    protocol: str | None = None
    quiet: float = 5.0
    presents: tuple[tuple[str, Present], ...] = ()
    on_predicted: Callable[[MeasuredFilm], None] = nobody


def serve_films(
    localiser: Localiser,
    wish: Serving,
    stop: threading.Event,
    started: Callable[[int], None] = lambda port: None,
) -> None:
    """Serve until ``stop`` is set.

    Raises:
        ConfigError: there is no protocol, it does not fit the run, or the folder is in use.
        PalpateError: the port or the folder cannot be used.
    """
    protocol = chosen_protocol(localiser, wish.protocol)
    work = FilmWork(localiser, protocol, wish.presents, wish.on_predicted)
    service = Service(wish.folder, work, wish.destination, wish.quiet)
    try:
        service.run(wish.listening, stop, started)
    finally:
        service.close()


def chosen_protocol(localiser: Localiser, name: str | None) -> Protocol:
    """Read the protocol asked for, else that of the run's study.

    Raises:
        ConfigError: neither is there, or it needs landmarks that the run does not find.
    """
    wanted = name or localiser.protocol
    if not wanted:
        raise ConfigError("the run names no protocol: say what to measure with --protocol NAME")
    protocol = read_protocol(wanted)
    needed = {landmark for quantity in protocol.quantities for landmark in quantity.needs()}
    missing = sorted(needed - set(localiser.scheme.names))
    if missing:
        raise ConfigError(
            f"protocol {protocol.name!r} needs landmarks that this run does not find: "
            f"{', '.join(missing)}"
        )
    return protocol


def presents_of(*, presentation: bool) -> tuple[tuple[str, Present], ...]:
    """Return what is made of a film besides its report."""
    if not presentation:
        return ()
    from palpate.io.dicom_present import presentation_of

    return (("presentation", lambda report, found, film: presentation_of(found.points, film)),)
