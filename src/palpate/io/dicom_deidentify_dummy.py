"""Values that say nothing, for attributes that must have one."""

from types import MappingProxyType
from typing import Any

from pydicom.dataset import Dataset

REMOVED = "REMOVED"
_DUMMIES = MappingProxyType(
    {
        "AE": REMOVED,
        "AS": "000Y",
        "CS": REMOVED,
        "DA": "19000101",
        "DS": "0",
        "DT": "19000101000000",
        "IS": "0",
        "LO": REMOVED,
        "LT": REMOVED,
        "PN": REMOVED,
        "SH": REMOVED,
        "ST": REMOVED,
        "TM": "000000",
        "UC": REMOVED,
        "UR": "urn:removed",
        "UT": REMOVED,
        "AT": 0,
        "FL": 0.0,
        "FD": 0.0,
        "SL": 0,
        "SS": 0,
        "UL": 0,
        "US": 0,
    }
)


def dummy(kind: str) -> Any:
    """Return a value of a kind (VR) that says nothing; two bytes of zero for what is binary.

    Example:
        >>> dummy("DA"), dummy("LO"), len(dummy("OB"))
        ('19000101', 'REMOVED', 2)
    """
    return _DUMMIES.get(kind, b"\x00\x00")


def dummied(item: Dataset) -> None:
    """Replace every value of a sequence's item, in it and below it, and remove private ones."""
    for tag in list(item.keys()):
        element = item[tag]
        if tag.is_private or element.VR in ("UN", "UI"):
            del item[tag]
        elif element.VR == "SQ":
            for below in element.value:
                dummied(below)
        elif not element.is_empty:
            element.value = dummy(element.VR)
