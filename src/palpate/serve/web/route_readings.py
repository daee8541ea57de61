"""Readings: as they stand, and what a reader does to them."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from palpate.review.case import Reading
from palpate.review.measured import measure_reading
from palpate.review.refusals import ConflictError
from palpate.serve.web.blind import why_withheld
from palpate.serve.web.messages import Conflict, NewEvent, ReadingMessage, Refusal, Saved
from palpate.serve.web.reached import OfReading, Reached
from palpate.serve.web.refused import RefusedError, documented
from palpate.serve.web.services import Given, Services
from palpate.serve.web.to_message import (
    Measured,
    change_of,
    event_messages,
    measured_messages,
    reading_message,
)

router = APIRouter(prefix="/api/cases/{case}/readings/{reading}", tags=["readings"])
EVENTS = 50


@router.get("", responses=documented())
def reading(
    given: Given,
    reached: OfReading,
    events: Annotated[int, Query(ge=0, le=1000, description="how many of the last")] = EVENTS,
) -> ReadingMessage:
    """A reading as it stands, with its official measurements."""
    return whole_reading(given, reached, events)


def whole_reading(given: Services, reached: Reached, events: int = EVENTS) -> ReadingMessage:
    """Return a reading as a message."""
    found = given.store.reading(reached.case.identifier, reached.reading, events=events)
    if why := why_withheld(given, reached):
        bare = replace(found, marks={}, events=(), signature=None)
        message = reading_message(bare, {}, editable=False)
        return message.model_copy(update={"withheld": why})
    return reading_message(found, _measured(reached, found), editable=reached.editable)


def _measured(reached: Reached, reading: Reading, frames: frozenset[int] | None = None) -> Measured:
    reports = measure_reading(reached.project, reached.case, reading.marks, frames=frames)
    return measured_messages(reports, reached.project)


def refuse_looking_on(reached: Reached) -> None:
    """Refuse to write in a reading that is not this reader's to write in.

    Raises:
        RefusedError: that is so.
    """
    if not reached.editable:
        raise RefusedError(403, "not-allowed", "this reading can be looked at, not changed")


@router.post(
    "/events",
    status_code=201,
    response_model=Saved,
    responses={**documented(423), 409: {"model": Conflict | Refusal}},
)
def append(given: Given, reached: OfReading, asked: NewEvent) -> Saved | JSONResponse:
    """Save what a reader did. The answer comes when it is on the disk."""
    refuse_looking_on(reached)
    identifier = reached.case.identifier
    try:
        event = given.store.append(
            identifier,
            reached.reading,
            after=asked.after,
            key=asked.key,
            who=reached.reader,
            kind=asked.kind,
            changes=tuple(change_of(change) for change in asked.changes),
            note=asked.note,
        )
    except ConflictError as error:
        return conflict(given, reached, error)
    frames = frozenset(change.key[0] for change in event.changes)
    found = given.store.reading(identifier, reached.reading, events=0)
    measured = _measured(reached, found, frames)
    return Saved(step=event.step, number=event.number, measurements=measured)


def conflict(given: Services, reached: Reached, error: ConflictError) -> JSONResponse:
    """Return what was missed, and the reading as it is now."""
    reading = whole_reading(given, reached)
    message = Conflict(
        code="conflict",
        sentence=str(error),
        missed=() if reading.withheld else event_messages(error.missed),
        reading=reading,
    )
    return JSONResponse(message.model_dump(mode="json"), status_code=409)
