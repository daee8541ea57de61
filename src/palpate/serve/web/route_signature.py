"""Signing a reading, taking that back, and the report that was signed."""

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from palpate.review.account import Account
from palpate.review.case import Reading
from palpate.review.frozen import report_bytes
from palpate.review.measured import measure_reading
from palpate.review.refusals import ConflictError, SignedError
from palpate.serve.web.blind import refuse_withheld
from palpate.serve.web.messages import (
    Conflict,
    ReadingMessage,
    Refusal,
    Reopen,
    Sign,
    SignatureMessage,
)
from palpate.serve.web.reached import OfReading, Reached
from palpate.serve.web.refused import RefusedError, documented
from palpate.serve.web.route_readings import conflict, refuse_looking_on, whole_reading
from palpate.serve.web.route_session import by_password, client_address, refuse_many
from palpate.serve.web.services import Given, Services
from palpate.serve.web.to_message import signature_message
from palpate.serve.web.visit import SignedIn

router = APIRouter(prefix="/api/cases/{case}/readings/{reading}", tags=["signatures"])

Digest = Annotated[
    str, Query(pattern=r"^([0-9a-f]{64})?$", description="of the report; empty for the last")
]


@router.post(
    "/signature",
    status_code=201,
    response_model=SignatureMessage,
    responses={**documented(423, 429), 409: {"model": Conflict | Refusal}},
)
async def sign(
    request: Request, given: Given, visit: SignedIn, reached: OfReading, asked: Sign
) -> SignatureMessage | JSONResponse:
    """Freeze the report of a reading. An account is asked for its password again."""
    refuse_looking_on(reached)
    if not visit.by_token:
        await _ask_again(given, request, visit.account, asked.password)
    return await to_thread.run_sync(partial(_sign, given, reached, asked))


async def _ask_again(
    given: Services, request: Request, account: Account, password: str | None
) -> None:
    if password is None:
        raise RefusedError(403, "password", "give your password again to sign")
    refuse_many(given, request, account.name)
    try:
        await by_password(given, account.name, password)
    except RefusedError as refused:
        if refused.status == 401:
            raise RefusedError(403, "password", "this is not your password") from refused
        raise
    given.attempts.succeeded(account.name, client_address(request))


def _sign(given: Services, reached: Reached, asked: Sign) -> SignatureMessage | JSONResponse:
    identifier = reached.case.identifier
    reading = given.store.reading(identifier, reached.reading, events=0)
    if not reading.marks:
        raise RefusedError(409, "empty", "nothing is marked yet, so there is nothing to sign")
    try:
        signature = given.store.sign(
            identifier,
            reached.reading,
            after=asked.after,
            who=reached.reader,
            statement=asked.statement,
            report=_report(reached, reading),
        )
    except SignedError as error:
        raise RefusedError(409, "signed", str(error)) from error
    except ConflictError as error:
        return conflict(given, reached, error)
    return signature_message(signature)


def _report(reached: Reached, reading: Reading) -> bytes:
    reports = measure_reading(reached.project, reached.case, reading.marks)
    return report_bytes(reached.project, reached.case, reading, reports, reached.reader)


@router.delete(
    "/signature",
    response_model=ReadingMessage,
    responses={**documented(), 409: {"model": Conflict | Refusal}},
)
def reopen(given: Given, reached: OfReading, asked: Reopen) -> ReadingMessage | JSONResponse:
    """Take a signature back, with the reason; the signed report is kept."""
    try:
        given.store.reopen(
            reached.case.identifier,
            reached.reading,
            after=asked.after,
            who=reached.reader,
            reason=asked.reason,
        )
    except ConflictError as error:
        return conflict(given, reached, error)
    return whole_reading(given, reached)


@router.get(
    "/report",
    response_class=Response,
    responses={**documented(423), 200: {"content": {"application/json": {"schema": {}}}}},
)
def report(given: Given, reached: OfReading, digest: Digest = "") -> Response:
    """The report as it was signed, byte for byte: its SHA-256 is what the signature names."""
    refuse_withheld(given, reached)
    content = given.store.signed_report(reached.case.identifier, reached.reading, digest or None)
    return Response(content, media_type="application/json")
