"""The events of a reading, played again from what it began from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from palpate.review.begun import begun_digest, begun_marks
from palpate.review.case import Case, CaseState, Project
from palpate.review.event import Event
from palpate.review.mark import Key, Mark


@dataclass(frozen=True, slots=True)
class Replayed:
    """Where a reading's events lead to.

    Args:
        begun: marks before the first event.
        marks: after the last.
        state: after the last.
        signed: number of the signing event that stands; 0 for none.
        problems: number of an event -> what does not fit in it.
    """

    begun: Mapping[Key, Mark]
    marks: Mapping[Key, Mark]
    state: CaseState
    signed: int
    problems: tuple[tuple[int, str], ...]


def replayed(project: Project, case: Case, events: Sequence[Event]) -> Replayed:
    """Play events again; what does not fit is told, and the event followed all the same.

    Args:
        project: of the case.
        case: with the prediction that the reading began from.
        events: of the reading, oldest first.
    """
    begun = begun_marks(case.given, assisted=project.assisted)
    marks: dict[Key, Mark] = dict(begun)
    state: CaseState = "new"
    signed = 0
    problems: list[tuple[int, str]] = []
    for step, event in enumerate(events, start=1):
        if event.step != step:
            problems.append((event.number, f"expected step {step}, found {event.step}"))
        begins = state == "new" and event.kind not in ("predicted", "sign")
        if begins and event.payload != begun_digest(case.given, begun):
            problems.append((event.number, "the film or the marks that it began from were changed"))
        if state == "signed" and event.kind not in ("reopen", "predicted"):
            problems.append((event.number, f"{event.kind} after it was signed"))
        for change in event.changes:
            if marks.get(change.key) != change.before:
                problems.append((event.number, f"{change.key[1]} was elsewhere before"))
            marks.pop(change.key, None)
            if change.after is not None:
                marks[change.key] = change.after
        if event.kind == "sign":
            state, signed = "signed", event.number
        elif event.kind != "predicted":
            state, signed = "open", 0
    return Replayed(begun, marks, state, signed, tuple(problems))
