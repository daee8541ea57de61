"""Labels out, as other programs and ``palpate train`` read them."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import APIRouter, Query, Response

from palpate.io.csv_plain import write_csv
from palpate.review.event import SHARED
from palpate.review.labels_out import labels_of
from palpate.serve.web.messages import ReadingName
from palpate.serve.web.reached import OfProject
from palpate.serve.web.refused import RefusedError, documented
from palpate.serve.web.services import Given
from palpate.serve.web.visit import Reviewer

router = APIRouter(prefix="/api/projects/{project}", tags=["labels"])
_TABLE = {"content": {"text/csv": {"schema": {"type": "string"}}}}


@router.get("/labels", response_class=Response, responses={**documented(423), 200: _TABLE})
def labels(
    given: Given,
    project: OfProject,
    reviewer: Reviewer,
    reading: Annotated[ReadingName, Query(description="shared, or an account")] = SHARED,
    signed: Annotated[bool, Query(description="of signed readings alone")] = False,
) -> Response:
    """The marks of one reading of every case, as landmarks.csv."""
    theirs = project.blinded and reading not in (SHARED, reviewer.name)
    if theirs and given.store.counts(project.identifier, reader=reviewer)["open"]:
        raise RefusedError(423, "withheld", "sign your own readings before you take others' out")
    # Of a blinded project nobody is shown what is not finished.
    found, _ = labels_of(given.store, project, signed=signed or project.blinded)
    name = "" if reading == SHARED else reading
    if name not in found:
        raise RefusedError(409, "empty", "this reading has no label of a person yet")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "landmarks.csv"
        write_csv(found[name], path)
        content = path.read_bytes()
    headers = {"Content-Disposition": 'attachment; filename="landmarks.csv"'}
    return Response(content, 200, headers, "text/csv")
