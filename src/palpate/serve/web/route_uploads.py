"""Films that come by upload."""

from functools import partial
from typing import Any, BinaryIO

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile

from palpate.errors import FormatError, PalpateError
from palpate.review.account import Account
from palpate.review.case import NewCase, Project, Urgency
from palpate.review.event import SHARED
from palpate.serve.web.messages import QueueRow, Uploaded
from palpate.serve.web.reached import OfProject
from palpate.serve.web.received import MOST_FILES, take_files
from palpate.serve.web.refused import RefusedError, documented
from palpate.serve.web.services import Given, Services
from palpate.serve.web.visit import Reviewer

router = APIRouter(prefix="/api/projects/{project}/films", tags=["films"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}}
                    },
                }
            }
        },
    }
}


# The body is read after the reader is known to be allowed to send one, so it is no argument.
@router.post("", responses=documented(), openapi_extra=_BODY)
async def upload(
    request: Request, given: Given, project: OfProject, reviewer: Reviewer
) -> Uploaded:
    """Add films: PNG, JPEG, TIFF, BMP, DICOM, or a zip of these; each is taken or refused."""
    if given.settings.films is None:
        raise RefusedError(409, "refused", "this review was started without a folder for films")
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise RefusedError(415, "type", "films are sent as multipart/form-data under 'files'")
    async with request.form(max_files=MOST_FILES, max_fields=1) as form:
        files = [one for one in form.getlist("files") if isinstance(one, UploadFile)]
        if not files:
            raise RefusedError(422, "invalid", "no file came under the name 'files'")
        sent = [(one.filename or "", one.file) for one in files]
        work = partial(_take, given, project, reviewer, sent)
        return await to_thread.run_sync(work, limiter=given.intake)


def _take(
    given: Services, project: Project, reviewer: Account, sent: list[tuple[str, BinaryIO]]
) -> Uploaded:
    added: list[QueueRow] = []
    refused: dict[str, str] = {}
    folder = given.settings.films
    if folder is None:
        return Uploaded(added=(), refused={})
    for name, stream in sent:
        for taken in take_files(name, stream, folder):
            try:
                if taken.case is None:
                    refused[_free(refused, taken.name)] = taken.reason
                else:
                    added.append(_add(given, project, reviewer, taken.case))
            except FormatError as error:
                refused[_free(refused, taken.name)] = error.problem
            except PalpateError as error:
                refused[_free(refused, taken.name)] = str(error)
    return Uploaded(added=tuple(added), refused=refused)


def _free(refused: dict[str, str], name: str) -> str:
    """Return a name that no other refused file of this upload has."""
    number, free = 2, name
    while free in refused:
        free, number = f"{name} ({number})", number + 1
    return free


def _add(given: Services, project: Project, reviewer: Account, new: NewCase) -> QueueRow:
    urgency = {new.image: Urgency()}
    (case,) = given.store.add_cases(project.identifier, [new], who=reviewer.name, urgency=urgency)
    own = reviewer.name if project.blinded else SHARED
    reading = given.store.reading(case.identifier, own, events=0)
    return QueueRow(
        id=case.identifier,
        image=case.given.image,
        subject=case.given.subject,
        group=case.given.group,
        state=reading.state,
        class_change=case.urgency.class_change,
        width=case.urgency.width,
        implausible=case.urgency.implausible,
        reasons=case.urgency.reasons,
        frames=case.given.frames,
        readers=(),
        signed_by="" if reading.signature is None else reading.signature.who,
        updated="",
    )
