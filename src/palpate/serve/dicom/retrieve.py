"""Fetch studies from an archive by C-FIND with C-GET, C-MOVE, or DICOMweb."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from palpate.errors import ConfigError, PalpateError
from palpate.io.dicom_patient import patient_hash
from palpate.serve.dicom.address import Peer
from palpate.serve.dicom.admit import Admitted, Refusal, admit, is_uid
from palpate.serve.dicom.associate import Offer, Timeouts, associated
from palpate.serve.dicom.classes import (
    COMPANION_CLASSES,
    FILM_CLASSES,
    PLAIN_SYNTAXES,
    readable_syntaxes,
)
from palpate.serve.dicom.inbox import Inbox
from palpate.serve.dicom.receiver import Listening, Receiver
from palpate.serve.dicom.web import WebArchive

_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
_GET = "1.2.840.10008.5.1.4.1.2.2.3"
_PENDING = (0xFF00, 0xFF01)
_CLASSES = (*FILM_CLASSES, *COMPANION_CLASSES)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a fetch: files that are whole on disk, and what did not come, with the reason.

    ``failed`` is by identifier; what the archive does not name is under the study's.
    """

    files: tuple[Path, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)


def parse_query(pairs: Iterable[str]) -> dict[str, str]:
    """Read KEY=VALUE pairs whose keys are DICOM keywords.

    Raises:
        ConfigError: no pair, or an unknown keyword.

    Example:
        >>> parse_query(["StudyDate=20260101-", "ModalitiesInStudy=DX"])
        {'StudyDate': '20260101-', 'ModalitiesInStudy': 'DX'}
    """
    from pydicom.datadict import tag_for_keyword

    found = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        # The value may name a patient: it is not repeated.
        if not separator or tag_for_keyword(key) is None:
            raise ConfigError(
                f"a query is KEYWORD=VALUE with a keyword of DICOM, such as StudyDate; got {key!r}"
            )
        found[key] = value
    return found


def of_patient(studies: Iterable[Mapping[str, str]], digest: str | None) -> list[str]:
    """Identifiers of studies, of one patient where the hash of a PatientID is given."""
    return [
        one["StudyInstanceUID"]
        for one in studies
        if digest is None or patient_hash(one["PatientID"]) == digest
    ]


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that is asked by C-FIND and answers by C-GET or C-MOVE.

    Args:
        peer: the archive.
        calling: our own AE title, which it must know for C-MOVE.
        timeouts: of the network.
    """

    peer: Peer
    calling: str = "PALPATE"
    timeouts: Timeouts = field(default_factory=Timeouts)

    def studies(self, query: Mapping[str, str]) -> list[dict[str, str]]:
        """Find studies; each is StudyInstanceUID and PatientID.

        Raises:
            PalpateError: the archive is away, or answers with a failure.
        """
        from pydicom.dataset import Dataset

        wanted = Dataset()
        wanted.QueryRetrieveLevel = "STUDY"
        wanted.StudyInstanceUID = ""
        wanted.PatientID = ""
        for key, value in query.items():
            setattr(wanted, key, value)
        with self._linked(_FIND) as link:
            answers = list(link.send_c_find(wanted, _FIND))
        _check(answers, self.peer, "C-FIND")
        return [
            {key: str(one.get(key) or "") for key in ("StudyInstanceUID", "PatientID")}
            for status, one in answers
            if one is not None and status.Status in _PENDING
        ]

    def get(self, study: str, inbox: Inbox) -> Fetched:
        """Fetch a study by C-GET: over our own association, so that no port need be opened.

        Raises:
            PalpateError: the archive is away or answers with a failure and nothing came.
        """
        wanted, kept = _study(study), _Kept(inbox)
        syntaxes = readable_syntaxes()
        kinds = ((_GET, PLAIN_SYNTAXES[:2]), *((one, syntaxes) for one in _CLASSES))
        offer = Offer(kinds, kept.stored, _CLASSES)
        with associated(self.peer, self.calling, offer, self.timeouts) as (link, problem):
            if link is None:
                raise PalpateError(problem)
            try:
                answers = list(link.send_c_get(wanted, _GET))
            except ValueError as error:
                raise PalpateError(
                    f"{self.peer} offers no C-GET; fetch with --move PORT"
                ) from error
        return _outcome(answers, study, kept, self.peer, "C-GET")

    def move(self, study: str, inbox: Inbox, listening: Listening) -> Fetched:
        """Fetch a study by C-MOVE to a storage service that runs meanwhile.

        Raises:
            PalpateError: the archive is away or answers with a failure, or the port is taken.
        """
        wanted, kept = _study(study), _Kept(inbox)
        receiver = Receiver(listening, inbox, kept.noted, classes=_CLASSES, films=False)
        try:
            with self._linked(_MOVE) as link:
                answers = list(link.send_c_move(wanted, listening.title, _MOVE))
        finally:
            receiver.close()
        return _outcome(answers, study, kept, self.peer, "C-MOVE")

    @contextmanager
    def _linked(self, model: str) -> Iterator[Any]:
        offer = Offer(((model, PLAIN_SYNTAXES[:2]),))
        with associated(self.peer, self.calling, offer, self.timeouts) as (link, problem):
            if link is None:
                raise PalpateError(problem)
            try:
                yield link
            except ValueError as error:
                raise PalpateError(f"{self.peer} offers no such service") from error


def fetch_web(archive: WebArchive, study: str, inbox: Inbox) -> Fetched:
    """Fetch a study by WADO-RS, object by object: one that fails leaves the others.

    Raises:
        PalpateError: the server does not answer at all, or has no such study.
    """
    files: list[Path] = []
    failed: dict[str, str] = {}
    wanted = archive.instances(study)
    if not wanted:
        raise PalpateError(f"{archive.url} has no study {study}")
    for uid, data, why in archive.retrieve(study, wanted):
        if data is None:
            failed[uid] = why
            continue
        content = BytesIO()
        data.save_as(content, enforce_file_format=True)
        judged = admit(content.getvalue(), str(data.SOPClassUID), uid, classes=None)
        if isinstance(judged, Refusal):
            failed[uid] = judged.words
        else:
            files.append(inbox.keep(judged, content.getvalue()))
    return Fetched(tuple(files), failed)


class _Kept:
    """Objects that came over an association of our own."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.files: list[Path] = []
        self.failed: dict[str, str] = {}

    def noted(self, admitted: Admitted, file: str, caller: str) -> None:
        self.files.append(self.inbox.folder / file)

    def stored(self, event: Any) -> int:
        request = event.request
        uid = str(request.AffectedSOPInstanceUID or "")
        try:
            content: bytes = event.encoded_dataset()
            judged = admit(content, str(request.AffectedSOPClassUID), uid, classes=None)
            if isinstance(judged, Admitted):
                self.files.append(self.inbox.keep(judged, content))
                return 0
        except (PalpateError, OSError) as error:
            judged = Refusal(0xA700, f"it could not be kept: {error}")
        self.failed[uid if is_uid(uid) else "an object"] = judged.words
        return judged.status


def _study(uid: str) -> Any:
    from pydicom.dataset import Dataset

    if not is_uid(uid):
        raise ConfigError("--study is an identifier of digits and dots, at most 64 characters")
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "STUDY"
    wanted.StudyInstanceUID = uid
    return wanted


def _check(answers: list[Any], peer: Peer, how: str) -> int:
    """Return the last status.

    Raises:
        PalpateError: none came, or it is a failure.
    """
    if not answers or "Status" not in answers[-1][0]:
        raise PalpateError(f"{peer} gave no answer to {how} or broke off")
    status = int(answers[-1][0].Status)
    if status >> 12 in (0xA, 0xC) or status in (0x0122, 0x0124):
        words = {
            0xA801: "it does not know our AE title as a destination",
            0xA900: "the query does not fit its model",
            0x0122: "it offers no such service",
            0x0124: "we are not authorised",
        }
        why = words.get(status, "it may have no such study")
        raise PalpateError(f"{peer}: {how} failed: {why} (0x{status:04X})")
    return status


def _outcome(answers: list[Any], study: str, kept: _Kept, peer: Peer, how: str) -> Fetched:
    try:
        status = _check(answers, peer, how)
        last = answers[-1][0]
        failed = dict(kept.failed)
        count = int(last.get("NumberOfFailedSuboperations") or 0)
        missing = [str(uid) for uid in _listed(answers[-1][1])]
        failed.update({uid: f"{peer} could not send it" for uid in missing if uid not in failed})
        if status != 0 and count > len(failed):
            failed[study] = f"{count - len(failed)} more objects did not come (0x{status:04X})"
    except PalpateError as error:
        if not kept.files:
            raise
        failed = {**kept.failed, study: str(error)}
    if not kept.files and not failed:
        raise PalpateError(f"{peer} has no study {study}")
    return Fetched(tuple(dict.fromkeys(kept.files)), failed)


def _listed(answer: Any) -> Iterable[str]:
    listed = None if answer is None else answer.get("FailedSOPInstanceUIDList")
    if not listed:
        return ()
    return (listed,) if isinstance(listed, str) else tuple(listed)
