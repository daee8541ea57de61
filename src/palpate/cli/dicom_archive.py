"""``palpate dicom fetch``, ``send`` and ``echo``: an archive by hand."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from palpate.serve.dicom.delivery import Destination
    from palpate.serve.dicom.inbox import Inbox
    from palpate.serve.dicom.retrieve import Archive, Fetched
    from palpate.serve.dicom.web import WebArchive

_PEER = "TITLE@HOST:PORT"
_SECRET = "TOML file with token, or user and password, of --web; default: environment."


def fetch(  # noqa: PLR0913, PLR0917 - the flags of a command
    out: Annotated[Path, typer.Option(help="Folder; files are named by SOPInstanceUID.")],
    from_peer: Annotated[
        str | None, typer.Option("--from", metavar=_PEER, help="Archive: C-FIND and C-GET.")
    ] = None,
    web: Annotated[
        str | None, typer.Option(metavar="URL", help="Archive: QIDO-RS and WADO-RS.")
    ] = None,
    study: Annotated[
        list[str] | None, typer.Option(metavar="UID", help="StudyInstanceUID; may be repeated.")
    ] = None,
    query: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Studies that fit, such as StudyDate=20260101-."),
    ] = None,
    patient_hash: Annotated[
        str | None,
        typer.Option(help="Of those that fit, the studies of the subject of that name elsewhere."),
    ] = None,
    move: Annotated[
        int | None,
        typer.Option(metavar="PORT", help="By C-MOVE to this port, which the archive knows."),
    ] = None,
    title: Annotated[str, typer.Option(help="Our AE title.")] = "PALPATE",
    host: Annotated[str, typer.Option(help="Interface for --move.")] = "127.0.0.1",
    credentials: Annotated[Path | None, typer.Option(help=_SECRET)] = None,
) -> None:
    """Fetch studies; what does not come is listed with the reason, and the rest is kept."""
    from palpate.cli.progress import console, errors
    from palpate.errors import PalpateError
    from palpate.serve.dicom.inbox import Inbox
    from palpate.serve.dicom.retrieve import of_patient, parse_query

    archive = _archive(from_peer, web, title, credentials)
    if not study and not query and not patient_hash:
        raise typer.BadParameter("say which studies: --study UID, or --query KEY=VALUE")
    if web and move is not None:
        raise typer.BadParameter("--move is for --from")
    studies = list(study or ())
    if query or patient_hash:
        studies += of_patient(archive.studies(parse_query(query or ())), patient_hash)
    if not studies:
        raise PalpateError("no study fits; widen the --query")
    inbox = Inbox(out)
    fetched = failed = 0
    for one in dict.fromkeys(studies):
        try:
            found = _fetched(archive, one, inbox, (title, host, move))
        except PalpateError as error:
            errors.print(f"not fetched: {one}: {error}", highlight=False, markup=False)
            failed += 1
            continue
        fetched += len(found.files)
        failed += len(found.failed)
        for uid, why in found.failed.items():
            errors.print(f"not fetched: {uid}: {why}", highlight=False, markup=False)
    console.print(f"{fetched} objects -> {out}", highlight=False, markup=False)
    if failed:
        raise PalpateError(f"{failed} did not come; the reasons stand above")


def send(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="DICOM files, folders.")],
    to: Annotated[str | None, typer.Option(metavar=_PEER, help="Send there by C-STORE.")] = None,
    web: Annotated[str | None, typer.Option(metavar="URL", help="Send there by STOW-RS.")] = None,
    title: Annotated[str, typer.Option(help="Our AE title.")] = "PALPATE",
    credentials: Annotated[Path | None, typer.Option(help=_SECRET)] = None,
) -> None:
    """Send objects and say of each what became of it; the exit code is 1 if any was not taken."""
    from palpate.cli.progress import console
    from palpate.errors import PalpateError

    paths = _files(files)
    found = _destination(to, web, title, credentials).deliver(paths)
    for one in found:
        console.print(f"{one.path}: {one.words}", highlight=False, markup=False, soft_wrap=True)
    missing = sum(one.outcome != "stored" for one in found)
    if missing:
        raise PalpateError(f"{missing} of {len(found)} were not taken; the reasons stand above")


def echo(
    peer: Annotated[str, typer.Argument(metavar=_PEER, help="Who is asked.")],
    title: Annotated[str, typer.Option(help="Our AE title.")] = "PALPATE",
) -> None:
    """Ask whether an application entity is there and takes our calls (C-ECHO)."""
    from palpate.cli.progress import console
    from palpate.serve.dicom.address import Peer
    from palpate.serve.dicom.send import echo as ask

    ask(Peer.parse(peer), calling=title)
    console.print(f"{peer} is there and takes calls of {title}", highlight=False, markup=False)


def _archive(
    peer: str | None, web: str | None, title: str, credentials: Path | None
) -> "Archive | WebArchive":
    from palpate.serve.dicom.address import Peer
    from palpate.serve.dicom.credentials import read_credentials
    from palpate.serve.dicom.retrieve import Archive
    from palpate.serve.dicom.web import WebArchive

    if (peer is None) == (web is None):
        raise typer.BadParameter("name one archive: --from TITLE@HOST:PORT or --web URL")
    if peer is not None:
        return Archive(Peer.parse(peer), title)
    return WebArchive(str(web), read_credentials(credentials))


def _destination(
    peer: str | None, web: str | None, title: str, credentials: Path | None
) -> "Destination":
    from palpate.serve.dicom.address import Peer
    from palpate.serve.dicom.credentials import read_credentials
    from palpate.serve.dicom.send import StoreDestination
    from palpate.serve.dicom.web import WebArchive

    if (peer is None) == (web is None):
        raise typer.BadParameter("name one archive: --to TITLE@HOST:PORT or --web URL")
    if peer is not None:
        return StoreDestination(Peer.parse(peer), title)
    return WebArchive(str(web), read_credentials(credentials))


def _fetched(
    archive: "Archive | WebArchive",
    study: str,
    inbox: "Inbox",
    moved: tuple[str, str, int | None],
) -> "Fetched":
    from palpate.serve.dicom.address import Caller
    from palpate.serve.dicom.receiver import Listening
    from palpate.serve.dicom.retrieve import fetch_web
    from palpate.serve.dicom.web import WebArchive

    if isinstance(archive, WebArchive):
        return fetch_web(archive, study, inbox)
    title, host, port = moved
    if port is None:
        return archive.get(study, inbox)
    caller = Caller(archive.peer.title, archive.peer.host)
    return archive.move(study, inbox, Listening(title, host, port, (caller,)))


def _files(given: list[Path]) -> list[Path]:
    """Files as given, and those below folders by name.

    Raises:
        PalpateError: one is not there, or there is none.
    """
    from palpate.errors import PalpateError

    found: list[Path] = []
    for path in given:
        if not path.exists():
            raise PalpateError(f"there is no file or folder {path}")
        below = sorted(each for each in path.rglob("*.dcm") if each.is_file())
        found += below if path.is_dir() else [path]
    if not found:
        raise PalpateError("there is no .dcm file to send")
    return list(dict.fromkeys(found))
