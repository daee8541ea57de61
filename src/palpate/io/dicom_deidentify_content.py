"""Structured content without words: numbers, codes and coordinates stay."""

from collections.abc import Callable, Iterable
from typing import Any

from pydicom.dataset import Dataset

from palpate.io import dicom_codes as codes
from palpate.io.dicom_deidentify_dummy import REMOVED

# Texts that name a thing of a program's, not a person. Notes and the digest of the film's file,
# which leads back to it, are not among them.
_HARMLESS = frozenset(
    {
        ("112039", "DCM"),  # Tracking Identifier: a landmark's name
        ("111001", "DCM"),  # Algorithm Name
        ("111002", "DCM"),  # Algorithm Parameters
        ("111003", "DCM"),  # Algorithm Version
        *(one.key for one in (codes.SCHEME_OF_LANDMARKS, codes.PROTOCOL, codes.REASON)),
        *(one.key for one in (codes.BASIS, codes.CROSSES)),
    }
)
# By-reference items have no kind.
_KNOWN = frozenset(
    {
        "",
        *("CONTAINER", "CODE", "NUM", "SCOORD", "SCOORD3D", "TCOORD", "IMAGE", "COMPOSITE"),
        *("WAVEFORM", "UIDREF", "TEXT", "PNAME", "DATE", "DATETIME", "TIME"),
    }
)
# A code of viewers whose meaning is what a reader typed.
_TYPED = "CORNERSTONEFREETEXT"


def clean_content(items: Iterable[Any], clean: Callable[[Dataset], None]) -> None:
    """Clean the items of a ContentSequence, and those below them.

    Args:
        items: of the sequence; changed.
        clean: what is done with an item's attributes; it gives a sequence below back to here.
    """
    for item in items:
        kind = str(item.get("ValueType", ""))
        if kind not in _KNOWN:
            # Nothing is known of such an item, so nothing of it stays.
            for element in [one for one in item if one.keyword != "RelationshipType"]:
                del item[element.tag]
            item.ValueType, item.TextValue = "TEXT", REMOVED
            continue
        kept = _harmless_text(item)
        clean(item)
        if kind == "TEXT":
            item.TextValue = REMOVED if kept is None else kept
        for code in item.get("ConceptCodeSequence") or ():
            if code.get("CodeValue") == _TYPED:
                code.CodeMeaning = REMOVED


def _harmless_text(item: Dataset) -> str | None:
    """Return the text of an item whose name says that it names no person."""
    for name in item.get("ConceptNameCodeSequence") or ():
        if (name.get("CodeValue"), name.get("CodingSchemeDesignator")) in _HARMLESS:
            return str(item.get("TextValue", ""))
    return None
