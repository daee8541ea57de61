"""DICOM objects without what identifies a patient, for exports.

The Basic Application Level Confidentiality Profile (PS3.15 annex E): table E.1-1, private
attributes, curves and overlays. Beyond the table, what is not in it and may hold a name or a
date does not stay: names of persons, free text, dates, attributes of unknown kind, UIDs that are
no class. Structured content and graphics are cleaned (options 113104 and 113103): numbers, codes
and coordinates stay, words go.

No program can promise that pixels hold no name: :mod:`palpate.io.dicom_deidentify_text` warns.
"""

import hmac
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset

from palpate.errors import ConfigError, FormatError
from palpate.io.dicom_deidentify_content import clean_content
from palpate.io.dicom_deidentify_dummy import dummied, dummy
from palpate.io.dicom_deidentify_table import Action, actions

# PS3.16 CID 7050.
BASIC = ("113100", "Basic Application Confidentiality Profile")
CLEAN_GRAPHICS = ("113103", "Clean Graphics Option")
CLEAN_CONTENT = ("113104", "Clean Structured Content Option")
MODIFIED_DATES = ("113107", "Retain Longitudinal Temporal Information Modified Dates Option")
CHARACTERISTICS = ("113108", "Retain Patient Characteristics Option")

MIN_SALT = 16
_CONTENT, _GRAPHICS = 0x0040A730, 0x00700001
_BIRTH = (0x00100030, 0x00100032, 0x00100033, 0x00100034, 0x00380020, 0x00380030)
_KEPT_OF_PATIENT = (0x00100040, 0x00101010, 0x00101020, 0x00101030)
_PATIENT_NAME, _PATIENT_ID, _PATIENT_AGE = 0x00100010, 0x00100020, 0x00101010
# UIDs that name a scheme or an encoding, not a thing of a patient's.
_NAMING = ("CodingSchemeUID", "ContextUID", "MappingResourceUID", "TransferSyntaxUID")
_OLDEST = 89  # years; above, an age alone may tell who it is


@dataclass(frozen=True, slots=True)
class Deidentifier:
    """Takes away what identifies a patient, the same way wherever the salt is the same.

    Args:
        salt: secret, 16 bytes or more: whoever has it can try numbers of patients.
        keep_dates: dates are moved by days that are the same for all of a patient, and times
            kept (option 113107); otherwise dates and times go.
        keep_characteristics: sex, age up to 89, size and weight stay (option 113108).

    Raises:
        ConfigError: the salt is too short.
    """

    salt: bytes = field(repr=False)
    keep_dates: bool = False
    keep_characteristics: bool = False

    def __post_init__(self) -> None:
        if len(self.salt) < MIN_SALT:
            raise ConfigError(
                f"a salt has {MIN_SALT} bytes or more, got {len(self.salt)}: a short one can be "
                "guessed; let the command make one"
            )

    def __call__(self, data: Dataset) -> Dataset:
        """Return the object without what identifies; ``data`` is left as it is.

        Raises:
            FormatError: a document is packed into it, which cannot be looked through.
        """
        if "EncapsulatedDocument" in data:
            raise FormatError(
                "the object", "holds a packed document (such as a PDF), which may say anything"
            )
        # Written and read: sequences that share an item in memory become two.
        buffer = BytesIO()
        data.save_as(buffer, enforce_file_format=True)
        made = dcmread(BytesIO(buffer.getvalue()))
        patient = str(data.get("PatientID") or data.get("StudyInstanceUID") or "")
        _Pass(self, self.days(patient), self.patient(patient)).clean(made)
        self._marked(made, data)
        return made

    def uid(self, uid: str) -> str:
        """Return what stands for a UID: 2.25 and 122 bits that follow from it and the salt.

        Example:
            >>> hide = Deidentifier(b"sixteen secret b")
            >>> hide.uid("1.2.3") == hide.uid("1.2.3") != hide.uid("1.2.4")
            True
        """
        number = int.from_bytes(self._digest("uid", uid)[:16], "big")
        # A version 8 UUID (RFC 9562), so that it is a UID of PS3.5 B.2.
        number = number & ~(0xF << 76) | 0x8 << 76
        number = number & ~(0x3 << 62) | 0x2 << 62
        return f"2.25.{number}"

    def patient(self, patient: str) -> str:
        """Return what stands for a patient's number and name."""
        return self._digest("patient", patient.strip()).hex()[:16].upper()

    def days(self, patient: str) -> int:
        """Return by how many days a patient's dates are moved: 31 to 3,680 into the past."""
        return -(31 + int.from_bytes(self._digest("days", patient.strip())[:8], "big") % 3650)

    def _digest(self, kind: str, text: str) -> bytes:
        return hmac.digest(self.salt, f"{kind}\x00{text}".encode(), "sha256")

    def _marked(self, made: Dataset, data: Dataset) -> None:
        """Say in the object what was done (PS3.15 E.1.1)."""
        codes = [BASIC]
        codes += [CLEAN_GRAPHICS] if "GraphicAnnotationSequence" in data else []
        codes += [CLEAN_CONTENT] if "ContentSequence" in data else []
        codes += [MODIFIED_DATES] if self.keep_dates else []
        codes += [CHARACTERISTICS] if self.keep_characteristics else []
        made.PatientIdentityRemoved = "YES"
        made.DeidentificationMethod = ["palpate", "PS3.15 annex E, basic profile"]
        made.DeidentificationMethodCodeSequence = [_code(*code) for code in codes]
        made.LongitudinalTemporalInformationModified = "MODIFIED" if self.keep_dates else "REMOVED"
        meta = data.file_meta
        made.preamble = b"\x00" * 128
        made.file_meta = type(meta)()
        made.file_meta.TransferSyntaxUID = meta.TransferSyntaxUID
        made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
        made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID


@dataclass(frozen=True, slots=True)
class _Pass:
    """One walk through one object of one patient."""

    of: Deidentifier
    days: int
    patient: str

    def clean(self, data: Dataset) -> None:
        for tag in list(data.keys()):
            element = data[tag]
            group = tag.group & 0xFF00
            if tag.is_private or group in (0x5000, 0x6000) or element.VR == "UN":
                del data[tag]
            elif tag == _CONTENT:
                clean_content(element.value, self.clean)
            elif tag == _GRAPHICS:
                for item in element.value:  # shapes stay, texts are dummies by the table
                    self.clean(item)
            else:
                self._element(data, tag, element)

    def _element(self, data: Dataset, tag: Any, element: Any) -> None:
        action = actions().get(int(tag))
        if tag in (_PATIENT_NAME, _PATIENT_ID):
            element.value = self.patient
        elif self.of.keep_characteristics and tag in _KEPT_OF_PATIENT:
            element.value = _young(element.value) if tag == _PATIENT_AGE else element.value
        elif element.VR in ("DA", "DT", "TM") and tag not in _BIRTH and self.of.keep_dates:
            self._moved(data, tag, element)
        elif action is None:
            self._unlisted(data, tag, element)
        elif action is Action.REMOVE:
            del data[tag]
        elif action is Action.EMPTY or element.is_empty:
            element.value = [] if element.VR == "SQ" else None
        elif action is Action.UID:
            self._referring(element)
        else:
            self._dummy(element)

    def _unlisted(self, data: Dataset, tag: Any, element: Any) -> None:
        """What the table does not name stays, unless its kind may hold a name or a date."""
        if element.VR == "SQ" or (element.VR == "UI" and element.keyword not in _NAMING):
            self._referring(element)
        elif element.VR in ("DA", "DT", "LT", "ST", "UT", "UR"):
            del data[tag]
        elif element.VR == "PN":
            element.value = None

    def _referring(self, element: Any) -> None:
        if element.VR == "SQ":
            for item in element.value:
                self.clean(item)
        elif element.VR == "UI" and "ClassUID" not in element.keyword and element.value:
            several = not isinstance(element.value, str)
            hidden = [
                self._uid(str(uid)) for uid in (element.value if several else [element.value])
            ]
            element.value = hidden if several else hidden[0]

    def _uid(self, uid: str) -> str:
        """Replace a UID, except those of the standard itself, which name no thing."""
        return uid if uid.startswith("1.2.840.10008.") or not uid else self.of.uid(uid)

    def _dummy(self, element: Any) -> None:
        if element.VR == "SQ":
            for item in element.value:
                dummied(item)
        elif element.VR == "UI":
            self._referring(element)
        else:
            element.value = dummy(element.VR)

    def _moved(self, data: Dataset, tag: Any, element: Any) -> None:
        """Move a date; what is none, and so cannot be moved, goes."""
        if element.VR == "TM" or element.is_empty:
            return
        many = element.value if element.VM > 1 else [element.value]
        moved = [_shifted(str(one), self.days) for one in many]
        if None in moved:
            del data[tag]
        else:
            element.value = moved if element.VM > 1 else moved[0]


def _shifted(text: str, days: int) -> str | None:
    """Return a DA or DT with its date moved; None where its first eight digits are no date."""
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:8])) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{day:%Y%m%d}{text[8:]}"


def _young(age: Any) -> str:
    """Return an age, at most 89 years."""
    text = str(age or "")
    old = text[3:] == "Y" and text[:3].isdigit() and int(text[:3]) > _OLDEST
    return f"{_OLDEST:03d}Y" if old else text


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code
