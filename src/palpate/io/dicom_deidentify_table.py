"""The standard's table of what identifies a patient: attribute to action."""

import tomllib
from collections.abc import Mapping
from enum import Enum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from pydicom.datadict import tag_for_keyword

TABLE = "dicom_deidentify.toml"


class Action(Enum):
    """What is done with an attribute (PS3.15 table E.1-1a)."""

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    UID = "U"


# Which of several letters: an object of a class that needs the attribute stays valid, one whose
# class does not is none the worse for a dummy. Sequences of references (U*) keep their items,
# whose UIDs are replaced.
_CHOSEN = {
    "X": Action.REMOVE,
    "Z": Action.EMPTY,
    "D": Action.DUMMY,
    "U": Action.UID,
    "X/Z": Action.EMPTY,
    "X/D": Action.DUMMY,
    "Z/D": Action.DUMMY,
    "X/Z/D": Action.DUMMY,
    "X/Z/U*": Action.UID,
}


@cache
def actions() -> Mapping[int, Action]:
    """Return the action of every attribute that the table names, by tag.

    Example:
        >>> actions()[0x00100010]
        <Action.EMPTY: 'Z'>
    """
    content = tomllib.loads((files("palpate.io") / TABLE).read_text("utf-8"))
    found = {int(tag, 16): Action.REMOVE for tag in content["unnamed"]}
    for letters, keywords in content["actions"].items():
        for keyword in keywords:
            tag = tag_for_keyword(keyword)
            # A retired keyword that a newer dictionary dropped cannot be met by name.
            if tag is not None:
                found[int(tag)] = _CHOSEN[letters]
    return MappingProxyType(found)
