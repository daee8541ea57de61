"""The page of a signed report."""

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from palpate.errors import FormatError, PalpateError
from palpate.protocols.described import plain_title
from palpate.review.event import Event
from palpate.review.frozen import FrozenReport, read_report, report_digest
from palpate.review.refusals import UnknownCaseError
from palpate.serve.web.blind import refuse_withheld
from palpate.serve.web.films import film_path
from palpate.serve.web.messages import CaseId, ReadingName
from palpate.serve.web.page_files import to_sign_in
from palpate.serve.web.reached import Reached, reached_reading
from palpate.serve.web.report_film import ReportFilm, report_film
from palpate.serve.web.report_moves import moves
from palpate.serve.web.report_page import SignedPage, rendered, signing
from palpate.serve.web.route_signature import Digest
from palpate.serve.web.services import Given, Services
from palpate.serve.web.visit import visit_of

router = APIRouter(include_in_schema=False)
# Of a clip with many marked frames, the first tell enough.
_PICTURES = 4


@router.get("/case/{case}/report")
async def report_page(
    request: Request,
    given: Given,
    case: CaseId,
    reading: Annotated[ReadingName | None, Query()] = None,
    digest: Digest = "",
) -> Response:
    """A signed report, for reading and printing."""
    visit = await to_thread.run_sync(visit_of, request, given)
    if visit is None:
        return to_sign_in(request)
    open_it = partial(reached_reading, given, visit.account, case, reading or "")
    reached = await to_thread.run_sync(open_it)
    page = await _page(given, reached, digest)
    return HTMLResponse(await to_thread.run_sync(rendered, page))


async def _page(given: Services, reached: Reached, digest: str) -> SignedPage:
    content, events = await to_thread.run_sync(_signed, given, reached, digest)
    signed, reopened = signing(events, content)
    if signed is None:
        raise UnknownCaseError("this reading has no signed report of that kind")
    report = read_report(content)
    films, trouble = await _films(given, reached, report)
    calibration = reached.case.given.calibration
    protocol = reached.project.protocol
    title_of = plain_title if protocol is None else protocol.title_of
    made = [event for event in events if event.number < signed.number]
    spacing = None if calibration is None else calibration.spacing_mm
    identifier, digest = reached.case.identifier, report_digest(content)
    return SignedPage(
        report,
        reached.case.given.subject,
        digest,
        signed,
        reopened,
        title_of,
        moves(made, report.marks, title_of, spacing),
        films,
        trouble,
        f"/api/cases/{identifier}/readings/{reached.reading}/report?digest={digest}",
        f"/case/{identifier}",
    )


def _signed(given: Services, reached: Reached, digest: str) -> tuple[bytes, tuple[Event, ...]]:
    refuse_withheld(given, reached)
    place = (reached.case.identifier, reached.reading)
    return given.store.signed_report(*place, digest or None), given.store.history(*place)


async def _films(
    given: Services, reached: Reached, report: FrozenReport
) -> tuple[tuple[ReportFilm, ...], str]:
    """Pictures of the marked frames; where the film cannot be read, the sentence why."""
    frames = sorted({mark.frame for mark in report.marks})
    film = reached.case.given
    find = partial(film_path, given.store, reached.case, given.settings.films)
    calibration = film.calibration
    spacing = None if calibration is None else calibration.spacing_mm
    drawn = []
    try:
        for frame in frames[:_PICTURES]:
            values = await given.films.film(find, film, frame)
            draw = partial(report_film, values, report, reached.project.scheme, frame, spacing)
            drawn.append(await to_thread.run_sync(draw))
    except FormatError as error:
        return tuple(drawn), f"The film cannot be shown: {error.problem}."
    except PalpateError as error:
        return tuple(drawn), f"The film cannot be shown: {error}."
    left = len(frames) - len(drawn)
    return tuple(drawn), f"{left} more frames are marked." if left else ""
