"""What happened to a reading, when, and by whom: appended, chained by hashes, never changed."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from palpate.errors import GeometryError
from palpate.review.mark import Key, Mark

# What a reader's own reading and the one that all share are called.
SHARED = "shared"

EventKind = Literal["marks", "undo", "redo", "comment", "sign", "reopen", "predicted", "adjudicate"]


@dataclass(frozen=True, slots=True)
class Change:
    """One mark before and after.

    Args:
        before: None where there was none.
        after: None where it was taken away.

    Raises:
        GeometryError: neither, or marks of two landmarks.
    """

    before: Mark | None
    after: Mark | None

    def __post_init__(self) -> None:
        keys = {mark.key for mark in (self.before, self.after) if mark is not None}
        if len(keys) != 1:
            raise GeometryError("a change is of one landmark of one frame, before or after or both")

    @property
    def key(self) -> Key:
        """Frame and landmark."""
        return (self.after or self.before).key  # type: ignore[union-attr]  # one of them is there

    @property
    def reversed(self) -> "Change":
        """The change that takes this one back."""
        return Change(self.after, self.before)

    def to_plain(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "before": None if self.before is None else self.before.to_plain(),
            "after": None if self.after is None else self.after.to_plain(),
        }


@dataclass(frozen=True, slots=True)
class Event:
    """One step of one reading of one case.

    Args:
        number: in the whole store, from 1 without a gap.
        case: identifier of the case.
        reading: :data:`SHARED`, or the name of the reader whose own it is.
        step: in the reading, from 1 without a gap.
        kind: what was done.
        who: account of the reader.
        when: UTC, ISO 8601 with microseconds, as ``2026-03-01T12:00:00.000000Z``.
        model: localiser whose prediction the reading began from; empty where there was none.
        changes: marks before and after.
        note: a comment, the statement that was signed, or the reason for reopening.
        payload: digest of the frozen report, of a signature; of the predictions, where these are
            new; of what a reading began from, of a person's first step in it; else empty.
        previous: hash of the event before it in the store; 64 zeros before the first.
        digest: hash of this event, as :func:`event_digest` gives it.
    """

    number: int
    case: str
    reading: str
    step: int
    kind: EventKind
    who: str
    when: str
    model: str
    changes: tuple[Change, ...]
    note: str
    payload: str
    previous: str
    digest: str


GENESIS = "0" * 64


def event_digest(event: Event) -> str:
    """SHA-256 over everything else of the event, the previous event's hash among it.

    The text that is hashed is JSON with sorted keys and no spaces (RFC 8259, UTF-8), so that
    anybody can compute it again from an exported review.
    """
    content = {
        "number": event.number,
        "case": event.case,
        "reading": event.reading,
        "step": event.step,
        "kind": event.kind,
        "who": event.who,
        "when": event.when,
        "model": event.model,
        "changes": [change.to_plain() for change in event.changes],
        "note": event.note,
        "payload": event.payload,
        "previous": event.previous,
    }
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
