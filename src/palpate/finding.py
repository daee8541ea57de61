"""Something about a study that a person should know before training on it."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation, in one sentence.

    Args:
        kind: what was looked for, as ``swapped`` or ``outside-image``; a word a program may match.
        severity: an ``error`` is wrong for certain, a ``warning`` wants a look, a ``note`` is
            to be known.
        sentence: what was seen and what to do; whole and readable alone.
        image: identifier, or empty where the finding is about the study.
        landmarks: the names concerned.
        annotator: empty where it is the reference or everybody.
        other: a second image, as in a pair of duplicates.
        weight: how far from usual; orders findings of one severity, has no unit.
    """

    kind: str
    severity: Severity
    sentence: str
    image: str = ""
    landmarks: tuple[str, ...] = ()
    annotator: str = ""
    other: str = ""
    weight: float = 0.0
