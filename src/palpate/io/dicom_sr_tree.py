"""Content items of a structured report as they lie in a file, whoever wrote it."""

from collections.abc import Iterator
from typing import Any

# Concepts of the standard that a reader looks for: code values, whose schemes changed over time.
MEASUREMENT_GROUP = "125007"
TRACKING_IDENTIFIER = "112039"
FINDING = "121071"
FINDING_SITES = ("363698007", "G-C0E3")
PERSON_OBSERVER_NAME = "121008"
DEVICE_OBSERVER_NAME = "121013"


def children(item: Any) -> list[Any]:
    """Return the items below an item, in their order."""
    return list(item.get("ContentSequence") or ())


def below(item: Any) -> Iterator[Any]:
    """Yield every item below an item, parents first."""
    for child in children(item):
        yield child
        yield from below(child)


def concept(item: Any) -> tuple[str, str, str]:
    """Return value, scheme and meaning of an item's concept name; empty where it has none."""
    return _code(item.get("ConceptNameCodeSequence"))


def coded_value(item: Any) -> tuple[str, str, str]:
    """Return value, scheme and meaning of what a CODE item says."""
    return _code(item.get("ConceptCodeSequence"))


def kind(item: Any) -> str:
    """Return the value type, such as SCOORD or NUM."""
    return str(item.get("ValueType", ""))


def text(item: Any) -> str:
    """Return what a TEXT or PNAME item says; a person as 'given family'."""
    if kind(item) == "PNAME":
        return person(item.get("PersonName"))
    return str(item.get("TextValue", "") or "").strip()


def person(name: Any) -> str:
    """Return a person's name as people write it; empty for nobody.

    Example:
        >>> person("Doe^Jane"), person("Jane Doe^"), person("unknown^unknown")
        ('Jane Doe', 'Jane Doe', '')
    """
    parts = str(name or "").split("=")[0].split("^")
    family, given, middle = (*(part.strip() for part in parts), "", "", "")[:3]
    words = [word for word in (given, middle, family) if word]
    return "" if {word.lower() for word in words} <= {"unknown"} else " ".join(words)


def _code(sequence: Any) -> tuple[str, str, str]:
    if not sequence:
        return "", "", ""
    code = sequence[0]
    value = code.get("CodeValue") or code.get("LongCodeValue") or code.get("URNCodeValue") or ""
    scheme, meaning = code.get("CodingSchemeDesignator"), code.get("CodeMeaning")
    return str(value).strip(), str(scheme or "").strip(), str(meaning or "").strip()
