"""Serve films of an archive: a run, a protocol and a folder become a running service."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from palpate.errors import ConfigError
from palpate.io.images import read_image
from palpate.localisers.localiser import Localiser
from palpate.measurement import Report
from palpate.prediction import Prediction
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
        review: file or address of a review's store that the films are put into; None for none.
        project: of the review; None calls it by ``folder``.
    """

    folder: Path
    listening: Listening
    destination: Destination | None = None
    protocol: str | None = None
    quiet: float = 5.0
    presents: tuple[tuple[str, Present], ...] = ()
    review: str | None = None
    project: str | None = None


def serve_films(
    localiser: Localiser,
    wish: Serving,
    stop: threading.Event,
    started: Callable[[int], None] = lambda port: None,
) -> None:
    """Serve until ``stop`` is set.

    Raises:
        ConfigError: there is no protocol, it does not fit the run, the folder is in use, or the
            review has the project with other films.
        PalpateError: the port, the folder or the review cannot be used.
    """
    protocol = chosen_protocol(localiser, wish.protocol)
    with _told(localiser, protocol, wish) as on_predicted:
        work = FilmWork(localiser, protocol, wish.presents, on_predicted)
        service = Service(wish.folder, work, wish.destination, wish.quiet)
        try:
            service.run(wish.listening, stop, started)
        finally:
            service.close()


@contextmanager
def _told(
    localiser: Localiser, protocol: Protocol, wish: Serving
) -> Iterator[Callable[[MeasuredFilm], None]]:
    """Give who is told of every measured film."""
    if wish.review is None:
        yield nobody
        return
    from palpate.review.store import Store
    from palpate.workflows.dicom_review import ReviewIntake, service_project, uncertainty_of

    project = service_project(localiser, protocol, wish.folder, wish.project)
    with Store.open(wish.review) as store:
        yield ReviewIntake(store, project, wish.folder / "inbox", uncertainty_of(localiser))


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


def presents_of(*, presentation: bool, capture: bool = False) -> tuple[tuple[str, Present], ...]:
    """Return what is made of a film besides its report."""
    wanted = {"presentation": (presentation, _presentation), "capture": (capture, _capture)}
    return tuple((kind, make) for kind, (asked, make) in wanted.items() if asked)


def _presentation(report: Report, found: Prediction, film: Path) -> Dataset:
    from palpate.io.dicom_present import presentation_of

    del report
    return presentation_of(found.points, film)


def _capture(report: Report, found: Prediction, film: Path) -> Dataset:
    from palpate.io.dicom_present import capture_of
    from palpate.report.capture import draw_capture

    image = read_image(film, identifier=film.name)
    return capture_of(draw_capture(image.grey(), found, report), film)
