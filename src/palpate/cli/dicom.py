"""``palpate dicom``: films from an archive, structured reports back, and films without names."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from palpate.cli.dicom_archive import echo, fetch, send
from palpate.cli.dicom_deidentify import deidentify
from palpate.cli.dicom_ledger import ledger
from palpate.cli.dicom_report import report

if TYPE_CHECKING:
    from palpate.serve.dicom.delivery import Destination


def serve(  # noqa: PLR0913, PLR0917 - the flags of a command
    run: Annotated[str, typer.Argument(help="Run folder, or a model exported to ONNX.")],
    out: Annotated[Path, typer.Option(help="Folder for the inbox, the outbox and the ledger.")],
    port: Annotated[int, typer.Option(help="TCP port; 0 takes a free one.")] = 11112,
    title: Annotated[str, typer.Option(help="Our AE title.")] = "PALPATE",
    host: Annotated[str, typer.Option(help="Interface; others need --allow.")] = "127.0.0.1",
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="TITLE@HOST", help="Who may call; may be repeated."),
    ] = None,
    send_to: Annotated[
        str | None,
        typer.Option(metavar="TITLE@HOST:PORT", help="Send reports there by C-STORE."),
    ] = None,
    stow: Annotated[
        str | None, typer.Option(metavar="URL", help="Send reports there by STOW-RS.")
    ] = None,
    credentials: Annotated[
        Path | None,
        typer.Option(
            help="TOML file with token, or user and password, of --stow; default: environment."
        ),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="Measure with it; default: that of the run's study.")
    ] = None,
    presentation: Annotated[
        bool, typer.Option("--presentation", help="Also send a presentation state of each film.")
    ] = False,
    capture: Annotated[
        bool,
        typer.Option("--capture", help="Also send each film with points and values burnt in."),
    ] = False,
    quiet: Annotated[
        float, typer.Option(min=0.0, help="Seconds without a new film of a study.")
    ] = 5.0,
    associations: Annotated[int, typer.Option(min=1, help="At most so many at once.")] = 10,
    review: Annotated[
        str | None,
        typer.Option(
            metavar="STORE",
            help="Also put films into this review: a file, or postgresql+psycopg://.",
        ),
    ] = None,
    project: Annotated[
        str | None, typer.Option(help="Project of the review; default: the name of --out.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    engine: Annotated[
        str | None, typer.Option(help="For an exported model: onnxruntime or openvino.")
    ] = None,
) -> None:
    """Receive films, predict and measure each, and send structured reports back.

    Runs until Ctrl-C or SIGTERM. What was received is kept in --out and goes on at the next
    start, also after a crash; 'palpate dicom ledger' tells what became of each film.
    """
    from palpate.cli.progress import console
    from palpate.serve.dicom.address import Caller
    from palpate.serve.dicom.receiver import Listening
    from palpate.workflows.asking import Asking, load_asked
    from palpate.workflows.dicom_serve import Serving, presents_of, serve_films

    if review is not None:
        from palpate.cli.review_needed import need_review

        need_review()
    elif project is not None:
        raise typer.BadParameter("--project is of --review STORE")
    callers = tuple(Caller.parse(text) for text in allow or ())
    listening = Listening(title, host, port, callers, associations)
    wish = Serving(
        out,
        listening,
        _destination(send_to, stow, credentials, title),
        protocol,
        quiet,
        presents_of(presentation=presentation, capture=capture),
        review,
        project,
    )
    localiser = load_asked(run, Asking(), device=device, engine=engine)

    def started(port: int) -> None:
        console.print(f"{title} listens on {host}:{port}; Ctrl-C stops", highlight=False)

    with _logged(), _stopped_by_signals() as stop:
        serve_films(localiser, wish, stop, started)
    console.print(f"stopped; what was received is in {out}", highlight=False, markup=False)


def _destination(
    send_to: str | None, stow: str | None, credentials: Path | None, title: str
) -> "Destination | None":
    from palpate.serve.dicom.address import Peer
    from palpate.serve.dicom.credentials import read_credentials
    from palpate.serve.dicom.send import StoreDestination
    from palpate.serve.dicom.web import WebArchive

    if send_to and stow:
        raise typer.BadParameter("--send-to and --stow are two ways to send; take one of them")
    if send_to:
        return StoreDestination(Peer.parse(send_to), title)
    if stow:
        return WebArchive(stow, read_credentials(credentials))
    return None


@contextmanager
def _logged() -> Iterator[None]:
    """Show the service's own log on standard error: identifiers and digests, no patients."""
    import logging

    from palpate.serve.dicom.quiet_logs import LOGGER

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)


@contextmanager
def _stopped_by_signals() -> Iterator[Event]:
    """Give an event that Ctrl-C and SIGTERM set, so that what is at work ends cleanly."""
    stop = Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


dicom = typer.Typer(
    name="dicom",
    help="Films from an archive, structured reports back, films without names.",
    no_args_is_help=True,
)
for verb in (serve, fetch, send, echo, ledger, report, deidentify):
    dicom.command()(verb)
