"""Why not, as one sentence and one status; never a traceback."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from palpate.errors import FormatError, PalpateError, SchemeError
from palpate.review.refusals import (
    ConflictError,
    NotAllowedError,
    ReviewError,
    SignedError,
    StoreError,
    UnknownCaseError,
)
from palpate.serve.web.messages import Refusal

STATUS: Mapping[type[PalpateError], tuple[int, str]] = {
    UnknownCaseError: (404, "unknown"),
    ConflictError: (409, "conflict"),
    SignedError: (423, "signed"),
    NotAllowedError: (403, "not-allowed"),
    StoreError: (503, "store"),
    ReviewError: (409, "refused"),
    SchemeError: (422, "scheme"),
    PalpateError: (422, "invalid"),
}
_CODES = {404: "unknown", 405: "method", 408: "too-slow", 413: "too-large", 415: "type"}
_SENTENCES = {
    404: "there is nothing at this address",
    405: "this address does not take requests of this kind",
}


class RefusedError(Exception):
    """An answer that is no.

    Args:
        status: of HTTP.
        code: for programs.
        sentence: for people.
        headers: such as Retry-After.
    """

    def __init__(
        self, status: int, code: str, sentence: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.message = Refusal(code=code, sentence=sentence)
        self.headers = dict(headers or {})
        super().__init__(sentence)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Refusals of a route for the OpenAPI document, with those that every route may give.

    Example:
        >>> 429 in documented(429), 429 in documented()
        (True, False)
    """
    every = {400, 401, 403, 404, 408, 409, 413, 415, 421, 422, 500, 503, *statuses}
    return {status: {"model": Refusal} for status in sorted(every)}


def answer(refused: RefusedError) -> JSONResponse:
    """Return a refusal as it goes over the wire."""
    return JSONResponse(
        refused.message.model_dump(), status_code=refused.status, headers=refused.headers
    )


def refused_as(error: PalpateError) -> RefusedError:
    """Return what an error of ours becomes.

    What is wrong with a file is told without where it lies on this machine.
    """
    if isinstance(error, FormatError):
        return RefusedError(422, "film", f"the film cannot be read: {error.problem}")
    for kind in type(error).__mro__:
        if kind in STATUS:
            status, code = STATUS[kind]
            return RefusedError(status, code, str(error))
    return RefusedError(422, "invalid", str(error))  # pragma: no cover - every error has a base


def refuse_in_words(app: FastAPI) -> None:
    """Let every error of ours, of a message and of an address become a refusal."""

    def ours(request: Request, error: Exception) -> JSONResponse:
        return answer(error if isinstance(error, RefusedError) else refused_as(_ours(error)))

    def invalid(request: Request, error: Exception) -> JSONResponse:
        return answer(RefusedError(422, "invalid", _first(error)))

    def plain(request: Request, error: Exception) -> JSONResponse:
        status = error.status_code if isinstance(error, HTTPException) else 500
        sentence = _SENTENCES.get(status, "the request could not be read")
        if status in (408, 413) and isinstance(error, HTTPException):
            sentence = error.detail
        headers = (error.headers if isinstance(error, HTTPException) else None) or {}
        return answer(RefusedError(status, _CODES.get(status, "invalid"), sentence, headers))

    app.add_exception_handler(RefusedError, ours)
    app.add_exception_handler(PalpateError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, plain)


def _ours(error: Exception) -> PalpateError:
    return error if isinstance(error, PalpateError) else PalpateError(str(error))


def _first(error: Exception) -> str:
    """The first problem of a message; what was sent is not repeated, it may be a password."""
    problems = error.errors() if isinstance(error, RequestValidationError) else ()
    for problem in problems:
        place = ".".join(str(part) for part in problem["loc"])
        return f"{place}: {str(problem['msg']).removeprefix('Value error, ')}"
    return "the request could not be read"
