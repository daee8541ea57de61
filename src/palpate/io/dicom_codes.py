"""Coded concepts of our DICOM objects: the standard's where they exist, else a private scheme.

The private scheme ``99PALPATE`` (PS3.16 chapter 8 asks for the prefix 99) has fixed values in
words for what every report says, and values made from names for what a protocol names::

    L-XXXXXXXXXXXX  landmark             Q-XXXXXXXXXXXX  quantity
    C-XXXXXXXXXXXX  class of a quantity  P-XXXXXXXXXXXX  probability of a class

where X are the first twelve hexadecimal digits, in capitals, of the SHA-256 of the name in UTF-8.
A value is thus the same in every report and version, and whoever has a name can check a value.
``docs/dicom-sr.md`` lists them all.
"""

import hashlib
from dataclasses import dataclass
from types import MappingProxyType

from palpate.errors import SchemeError
from palpate.measurement import Unit

SCHEME = "99PALPATE"
SCHEME_NAME = "Landmarks, quantities and classes of palpate"
# Lengths of a code value (SH) and of a meaning (LO), PS3.5 6.2.
MAX_VALUE, MAX_MEANING = 16, 64


@dataclass(frozen=True, slots=True)
class Concept:
    """A coded concept.

    Args:
        value: at most 16 characters.
        scheme: designator, such as DCM, SCT (SNOMED CT), UCUM or 99PALPATE.
        meaning: for people, at most 64 characters.

    Raises:
        SchemeError: a part is empty or too long for DICOM.

    Example:
        >>> Concept("deg", "UCUM", "degree").key
        ('deg', 'UCUM')
    """

    value: str
    scheme: str
    meaning: str

    def __post_init__(self) -> None:
        lengths = ((self.value, MAX_VALUE), (self.scheme, MAX_VALUE), (self.meaning, MAX_MEANING))
        for text, longest in lengths:
            if not 0 < len(text) <= longest or "\\" in text:
                raise SchemeError(
                    f"a part of a DICOM code has 1 to {longest} characters and no backslash, "
                    f"got {text!r}"
                )

    @property
    def key(self) -> tuple[str, str]:
        """Value and scheme: what makes two concepts the same."""
        return self.value, self.scheme


def landmark_concept(name: str) -> Concept:
    """Return the concept of a landmark.

    Example:
        >>> landmark_concept("nasion")
        Concept(value='L-6A0247C048E5', scheme='99PALPATE', meaning='nasion')
    """
    return _named("L", name)


def quantity_concept(name: str) -> Concept:
    """Return the concept of a quantity.

    Example:
        >>> quantity_concept("ANB").value[:2]
        'Q-'
    """
    return _named("Q", name)


def class_concept(name: str) -> Concept:
    """Return the concept of a class of a quantity, such as 'skeletal class II'.

    Example:
        >>> class_concept("normal").value[:2]
        'C-'
    """
    return _named("C", name)


def chance_concept(name: str) -> Concept:
    """Return the concept of the chance of a class.

    Example:
        >>> chance_concept("normal").meaning
        'Probability: normal'
    """
    return Concept(_value("P", name), SCHEME, clipped(f"Probability: {name}"))


def clipped(text: str) -> str:
    """Return a text as a code meaning may hold it: one line, no backslash, at most 64 characters.

    Example:
        >>> len(clipped("a" * 70)), clipped("left hip")
        (64, 'left hip')
    """
    plain = " ".join(text.replace("\\", "/").split()) or "unnamed"
    return plain if len(plain) <= MAX_MEANING else plain[: MAX_MEANING - 1] + "…"


def _named(kind: str, name: str) -> Concept:
    return Concept(_value(kind, name), SCHEME, clipped(name))


def _value(kind: str, name: str) -> str:
    if not name.strip():
        raise SchemeError("a name without characters cannot be coded")
    return f"{kind}-{hashlib.sha256(name.encode('utf-8')).hexdigest()[:12].upper()}"


# What a group of a report is about.
LANDMARK = Concept("LANDMARK", SCHEME, "Landmark")
QUANTITY = Concept("QUANTITY", SCHEME, "Quantity computed from landmarks")
# What is said of a landmark.
VISIBILITY = Concept("VISIBILITY", SCHEME, "Visibility of the landmark")
OCCLUDED = Concept("OCCLUDED", SCHEME, "Occluded")
OUTSIDE = Concept("OUTSIDE", SCHEME, "Outside the image")
SD_X = Concept("SD-X", SCHEME, "Standard uncertainty along the row (x)")
SD_Y = Concept("SD-Y", SCHEME, "Standard uncertainty along the column (y)")
CORRELATION = Concept("CORRELATION-XY", SCHEME, "Correlation of the errors in x and y")
# What is said of a quantity.
STATUS = Concept("STATUS", SCHEME, "Status of the measurement")
NOT_MEASURED = Concept("NOT-MEASURED", SCHEME, "Not measured")
REASON = Concept("REASON", SCHEME, "Reason why it was not measured")
LEVEL = Concept("INTERVAL-LEVEL", SCHEME, "Level of the interval")
LOWER = Concept("INTERVAL-LOWER", SCHEME, "Lower bound of the interval")
UPPER = Concept("INTERVAL-UPPER", SCHEME, "Upper bound of the interval")
BASIS = Concept("INTERVAL-BASIS", SCHEME, "What the interval rests on")
MOST_PROBABLE = Concept("CLASS", SCHEME, "Most probable class")
CROSSES = Concept("CROSSES", SCHEME, "Limits of classes inside the interval")
NOTE = Concept("NOTE", SCHEME, "Note")
# What is said of the whole.
SCHEME_OF_LANDMARKS = Concept("LANDMARKS", SCHEME, "Landmarks of the scheme, absent ones too")
PROTOCOL = Concept("PROTOCOL", SCHEME, "Protocol")
IMAGE_DIGEST = Concept("IMAGE-SHA256", SCHEME, "SHA-256 of the image file")

FIXED = (
    OUTSIDE,
    *(LANDMARK, QUANTITY, VISIBILITY, OCCLUDED, SD_X, SD_Y, CORRELATION, STATUS, NOT_MEASURED),
    *(
        REASON,
        LEVEL,
        LOWER,
        UPPER,
        BASIS,
        MOST_PROBABLE,
        CROSSES,
        NOTE,
        SCHEME_OF_LANDMARKS,
        PROTOCOL,
    ),
    IMAGE_DIGEST,
)

# Of the standard (PS3.16: CID 223, TID 310) and of SNOMED CT as the standard quotes it.
STANDARD_DEVIATION = Concept("386136009", "SCT", "Standard Deviation")
ABOVE = Concept("371886008", "SCT", "+, range of upper measurement uncertainty")
BELOW = Concept("371885007", "SCT", "-, range of lower measurement uncertainty")
NORMAL_LOW = Concept("385524004", "SCT", "Normal Range Lower Limit")
NORMAL_HIGH = Concept("371933006", "SCT", "Normal Range Upper Limit")
PLAIN_FILM = Concept("168537006", "SCT", "Plain radiography")
IMAGING = Concept("363679005", "SCT", "Imaging procedure")

UNITS: MappingProxyType[Unit, Concept] = MappingProxyType(
    {
        "deg": Concept("deg", "UCUM", "degree"),
        "mm": Concept("mm", "UCUM", "millimeter"),
        "px": Concept("{pixels}", "UCUM", "pixels"),
        "%": Concept("%", "UCUM", "Percent"),
        "s": Concept("s", "UCUM", "second"),
        "1": Concept("1", "UCUM", "no units"),
    }
)
