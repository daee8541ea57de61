"""Projects, their protocols and their queues."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from palpate.review.account import Account
from palpate.review.case import Project
from palpate.serve.protocol_json import protocol_json
from palpate.serve.web.messages import ProjectMessage, QueuePage
from palpate.serve.web.reached import OfProject
from palpate.serve.web.refused import documented
from palpate.serve.web.scheme_json import scheme_json
from palpate.serve.web.services import Given, Services
from palpate.serve.web.to_message import queue_row
from palpate.serve.web.visit import Reader

router = APIRouter(prefix="/api/projects", tags=["projects"])


class Place(BaseModel):
    """Where in the queue a reader is."""

    order: Literal["urgency", "image", "updated"] = Field("urgency", description="what is first")
    state: Literal["", "new", "open", "signed"] = Field("", description="only these; all if empty")
    search: str = Field("", max_length=100, description="part of image, subject or group")


class PageOf(Place):
    """Which page of the queue."""

    after: str = Field("", max_length=2000, description="'next' of the page before")
    limit: int = Field(50, ge=1, le=500)


@router.get("", responses=documented())
def projects(given: Given, reader: Reader) -> tuple[ProjectMessage, ...]:
    """Every project, with how far this reader is."""
    return tuple(_message(given, reader, project) for project in given.store.projects())


def _message(given: Services, reader: Account, project: Project) -> ProjectMessage:
    counts = given.store.counts(project.identifier, reader=reader)
    return ProjectMessage(
        id=project.identifier,
        name=project.name,
        protocol="" if project.protocol is None else project.protocol.label,
        blinded=project.blinded,
        assisted=project.assisted,
        landmarks=len(project.scheme),
        cases=sum(counts.values()),
        new=counts["new"],
        open=counts["open"],
        signed=counts["signed"],
    )


@router.get("/{project}/protocol", responses=documented())
def protocol(project: OfProject) -> dict[str, Any]:
    """Landmarks with their descriptions, and all that is needed to measure in the browser."""
    if project.protocol is None:
        return scheme_json(project)
    return protocol_json(project.protocol)


@router.get("/{project}/queue", responses=documented())
def queue(
    given: Given, reader: Reader, project: OfProject, page: Annotated[PageOf, Query()]
) -> QueuePage:
    """A page of the cases, what matters first."""
    found = given.store.queue(
        project.identifier,
        reader=reader,
        order=page.order,
        state=page.state or None,
        search=page.search,
        after=page.after,
        limit=page.limit,
    )
    return QueuePage(
        rows=tuple(queue_row(row) for row in found.rows), total=found.total, next=found.next
    )
