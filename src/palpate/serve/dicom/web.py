"""An archive over DICOMweb: STOW-RS, QIDO-RS and WADO-RS through dicomweb-client."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from palpate.errors import ConfigError, PalpateError
from palpate.serve.dicom.credentials import Credentials, check_url
from palpate.serve.dicom.delivery import Delivered
from palpate.serve.dicom.quiet_logs import hold_logs
from palpate.serve.dicom.send import meaning

# Answers after which another time may be better; 401 and 403 are mended on the other side.
_LATER = (401, 403, 408, 425, 429)
_PAGE = 500
# What dicomweb-client and pydicom raise at an answer that is none of DICOMweb.
_NO_DICOMWEB = (ValueError, KeyError, EOFError, AttributeError, TypeError, OSError, SyntaxError)
_PERSONAL = ("PatientName", "PatientID", "PatientBirthDate", "OtherPatientIDs")


@dataclass(frozen=True, slots=True)
class WebArchive:
    """An archive that speaks DICOMweb; a destination of objects and a source of studies.

    Args:
        url: of the service, such as ``https://pacs.example/dicom-web``.
        credentials: never in the address, a log or an error.
        seconds: until an answer.

    Raises:
        ConfigError: an address that is none or would give the credentials away.
    """

    url: str
    credentials: Credentials = field(default=Credentials(), repr=False)
    seconds: float = 60.0

    def __post_init__(self) -> None:
        check_url(self.url, self.credentials)

    def deliver(self, files: Sequence[Path]) -> list[Delivered]:
        """Send each file by STOW-RS; once the server is away, the rest is for later."""
        found: list[Delivered] = []
        away = ""
        for path in files:
            one = Delivered(path, "later", away) if away else self._store(path)
            found.append(one)
            if one.outcome == "later":
                away = one.words
        return found

    def studies(self, query: Mapping[str, str]) -> list[dict[str, str]]:
        """Find studies by QIDO-RS; each is UIDs and PatientID by keyword.

        Raises:
            ConfigError: a name or a number of a patient would come into an address.
            PalpateError: the server does not answer.
        """
        for key in query:
            if key in _PERSONAL:
                raise ConfigError(
                    f"{key} would come into the address of the request, and addresses are kept in "
                    "logs: ask by --from TITLE@HOST:PORT, or by --study"
                )
        answers = self._pages(
            lambda client, page: client.search_for_studies(
                search_filters=dict(query), fields=["PatientID"], limit=_PAGE, offset=page
            ),
            "0020000D",
        )
        return [
            {"StudyInstanceUID": _first(one, "0020000D"), "PatientID": _first(one, "00100020")}
            for one in answers
        ]

    def instances(self, study: str) -> list[tuple[str, str]]:
        """Return (series, instance) of a study.

        Raises:
            PalpateError: the server does not answer.
        """
        answers = self._pages(
            lambda client, page: client.search_for_instances(
                study_instance_uid=study, limit=_PAGE, offset=page
            ),
            "00080018",
        )
        return [(_first(one, "0020000E"), _first(one, "00080018")) for one in answers]

    def retrieve(
        self, study: str, wanted: Sequence[tuple[str, str]]
    ) -> Iterator[tuple[str, Any | None, str]]:
        """Fetch objects by WADO-RS; give identifier, data set or None, and why there is none."""
        for series, uid in wanted:
            try:
                yield uid, self._one(study, series, uid), ""
            except PalpateError as error:
                yield uid, None, str(error)

    def _pages(self, question: Callable[[Any, int], Any], tag: str) -> list[Mapping[str, Any]]:
        """Ask for page after page, until one tells nothing that was not told before.

        Archives answer fewer than asked for, and some answer the same to every offset: an empty
        page may never come.
        """
        found: dict[str, Mapping[str, Any]] = {}
        seen = 0
        while True:
            page = self._ask(lambda client, at=seen: question(client, at))
            fresh = {_first(one, tag): one for one in page}
            if fresh.keys() <= found.keys():
                return list(found.values())
            found |= {uid: one for uid, one in fresh.items() if uid not in found}
            seen += len(page)

    def _one(self, study: str, series: str, uid: str) -> Any:
        # Any transfer syntax: as the archive has it.
        kinds = (("application/dicom", "*"),)
        return self._ask(
            lambda client: client.retrieve_instance(study, series, uid, media_types=kinds)
        )

    def _store(self, path: Path) -> Delivered:
        from pydicom import dcmread
        from pydicom.errors import InvalidDicomError
        from requests import HTTPError, JSONDecodeError, RequestException

        try:
            data = dcmread(path)
        except InvalidDicomError:
            return Delivered(path, "refused", "is no whole DICOM file")
        try:
            return self._told(path, data, self._client().store_instances([data]))
        except HTTPError as error:
            return self._answered(path, error)
        except JSONDecodeError:
            return self._unclear(path, data)
        except RequestException as error:
            return Delivered(path, "later", f"{self.url} is not reached ({type(error).__name__})")
        except _NO_DICOMWEB:
            return self._unclear(path, data)

    def _told(self, path: Path, data: Any, answer: Any) -> Delivered:
        """Read the answer to a store: what was not taken, and what was."""
        for failed in answer.get("FailedSOPSequence") or ():
            return Delivered(path, *meaning(int(failed.get("FailureReason") or 0x0110)))
        stored = [
            str(one.get("ReferencedSOPInstanceUID", ""))
            for one in answer.get("ReferencedSOPSequence") or ()
        ]
        if str(data.SOPInstanceUID) in stored:
            return Delivered(path, "stored", "stored")
        return self._unclear(path, data)

    def _unclear(self, path: Path, data: Any) -> Delivered:
        """Ask for an object whose storing was not confirmed.

        A page to sign in at answers 200 too; and some servers confirm in words that are not read.
        """
        uid = str(data.SOPInstanceUID)
        try:
            found = self._ask(
                lambda client: client.search_for_instances(
                    study_instance_uid=str(data.StudyInstanceUID),
                    search_filters={"SOPInstanceUID": uid},
                )
            )
            if any(_first(one, "00080018") == uid for one in found):
                return Delivered(path, "stored", "stored")
        except PalpateError:
            pass
        words = (
            f"{self.url} answered, and did not say that it stored the object: there may be no "
            "DICOMweb at this address, or a page to sign in at before it"
        )
        return Delivered(path, "later", words)

    def _answered(self, path: Path, error: Any) -> Delivered:
        code = 0 if error.response is None else int(error.response.status_code)
        words = f"{self.url} answered {code} {_PHRASES.get(code, '')}".strip()
        later = code in _LATER or code >= 500 or code == 0
        return Delivered(path, "later" if later else "refused", words)

    def _ask(self, question: Any) -> Any:
        """Ask; what fails is told without the address that was asked."""
        from requests import HTTPError, RequestException

        try:
            return question(self._client())
        except HTTPError as error:
            code = 0 if error.response is None else int(error.response.status_code)
            words = f"{self.url} answered {code} {_PHRASES.get(code, '')}".strip()
            raise PalpateError(words) from None
        except RequestException as error:
            raise PalpateError(f"{self.url} is not reached ({type(error).__name__})") from None
        except _NO_DICOMWEB as error:
            raise PalpateError(
                f"{self.url} gave an answer that is not DICOMweb ({type(error).__name__})"
            ) from None

    def _client(self) -> Any:
        try:
            from dicomweb_client.api import DICOMwebClient
            from dicomweb_client.session_utils import create_session
        except ImportError as error:
            raise ConfigError("DICOMweb needs: pip install 'palpate[pacs]'") from error
        hold_logs()
        session = create_session()
        if self.credentials.user:
            session.auth = (self.credentials.user, self.credentials.password)
        headers = {}
        if self.credentials.token:
            headers["Authorization"] = f"Bearer {self.credentials.token}"
        client = DICOMwebClient(self.url, session=session, headers=headers, timeout=self.seconds)
        # We have a ledger that knows when to try again.
        client.set_http_retry_params(retry=False)
        return client


_PHRASES = {
    400: "(it did not understand the request)",
    401: "(the credentials are missing or wrong)",
    403: "(the credentials do not allow it)",
    404: "(there is no such thing, or no DICOMweb at this address)",
    406: "(it has no such encoding)",
    409: "(it does not take the object)",
    413: "(the object is too large for it)",
    429: "(too many requests)",
    503: "(it is out of service for now)",
}


def _first(answer: Mapping[str, Any], tag: str) -> str:
    values = answer.get(tag, {}).get("Value") or [""]
    return str(values[0])
