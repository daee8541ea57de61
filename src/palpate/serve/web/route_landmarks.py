"""Pictures that tell an annotator where a landmark is put."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Response

from palpate.protocols.landmark_picture import landmark_picture
from palpate.serve.web.reached import OfProject
from palpate.serve.web.refused import RefusedError, documented
from palpate.serve.web.visit import Reader

router = APIRouter(prefix="/api/projects/{project}/landmarks", tags=["projects"])
_PICTURE = {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}


@router.get(
    "/{index}.svg",
    response_class=Response,
    responses={**documented(), 200: _PICTURE, 304: {"description": "the browser has it"}},
)
def landmark(
    project: OfProject,
    reader: Reader,
    index: Annotated[int, Path(ge=0, le=100_000, description="row of the landmark in the scheme")],
    known: Annotated[str, Header(alias="If-None-Match", max_length=200)] = "",
) -> Response:
    """A landmark among its neighbours."""
    protocol = project.protocol
    if protocol is None or protocol.layout is None or index >= len(protocol.scheme):
        raise RefusedError(404, "unknown", "there is no picture of this landmark")
    tag = f'"{protocol.name}-{protocol.version}-{index}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if known == tag:
        return Response(status_code=304, headers=headers)
    return Response(
        landmark_picture(protocol, protocol.scheme.names[index]), 200, headers, "image/svg+xml"
    )
