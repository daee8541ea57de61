"""Cases: what the viewer needs, their pixels, and marks measured without being saved."""

from functools import partial
from pathlib import Path
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Response

from palpate.review.mark import Key, Mark
from palpate.review.measured import measure_reading
from palpate.serve.web.films import Look, film_path
from palpate.serve.web.messages import CaseMessage, MarkMessage, MeasurementMessage, Points
from palpate.serve.web.reached import OfCase, Reached
from palpate.serve.web.refused import RefusedError, documented
from palpate.serve.web.route_projects import Place
from palpate.serve.web.services import Given, Services
from palpate.serve.web.to_message import case_message, mark_of, measured_messages

_BINARY = {"type": "string", "format": "binary"}
router = APIRouter(prefix="/api/cases", tags=["cases"])


@router.get("/{case}", responses=documented())
async def case(given: Given, reached: OfCase, place: Annotated[Place, Query()]) -> CaseMessage:
    """What the viewer needs of a case, but for its pixels and its reading."""
    look = await given.films.look(partial(_path, given, reached), reached.case.given)
    return await to_thread.run_sync(_message, given, reached, look, place)


def _path(given: Services, reached: Reached) -> Path:
    return film_path(given.store, reached.case, given.settings.films)


def _message(given: Services, reached: Reached, look: Look, place: Place) -> CaseMessage:
    identifier = reached.case.identifier
    beside = given.store.neighbours(
        identifier,
        reader=reached.reader,
        order=place.order,
        state=place.state or None,
        search=place.search,
    )
    names = given.store.readings(identifier)
    return case_message(
        reached.case,
        reached.project,
        look,
        own=reached.own,
        readings=tuple(name for name in names if reached.may_see(name)),
        beside=beside,
    )


@router.get(
    "/{case}/pixels",
    response_class=Response,
    responses={
        **documented(),
        200: {"content": {"application/octet-stream": {"schema": _BINARY}}},
        304: {"description": "the browser has it"},
    },
)
async def pixels(
    given: Given,
    reached: OfCase,
    frame: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    known: Annotated[str, Header(alias="If-None-Match", max_length=200)] = "",
) -> Response:
    """The values of a frame, row by row, little-endian; three channels side by side."""
    film = reached.case.given
    tag = f'"{film.digest}-{frame}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=31536000, immutable"}
    if known == tag:
        return Response(status_code=304, headers=headers)
    values = (await given.films.film(partial(_path, given, reached), film, frame)).values
    return Response(values.tobytes(), 200, headers, "application/octet-stream")


@router.post("/{case}/measure", responses=documented())
def measure(reached: OfCase, points: Points) -> dict[int, tuple[MeasurementMessage, ...]]:
    """Measure marks without saving them."""
    frames = reached.case.given.frames
    if beyond := {mark.frame for mark in points.marks if mark.frame >= frames}:
        raise RefusedError(
            422, "invalid", f"the case has {frames} frames, counted from 0; not {min(beyond)}"
        )
    reports = measure_reading(reached.project, reached.case, marks_by_key(points.marks))
    return measured_messages(reports, reached.project)


def marks_by_key(messages: tuple[MarkMessage, ...]) -> dict[Key, Mark]:
    """Return marks by frame and landmark.

    Raises:
        RefusedError: two of the same.
    """
    marks = [mark_of(message) for message in messages]
    found = {mark.key: mark for mark in marks}
    if len(found) < len(marks):
        raise RefusedError(422, "invalid", "a landmark has two marks in one frame")
    return found
