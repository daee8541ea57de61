"""A signed report as a DICOM structured report."""

from io import BytesIO
from typing import Annotated

from fastapi import APIRouter, Query, Response

from palpate.errors import FormatError, PalpateError
from palpate.io.dicom_sr import Algorithm, Provenance, Signer, sr_of
from palpate.review.frozen import FrozenReport, read_report
from palpate.review.mark import points_of
from palpate.serve.web.blind import refuse_withheld
from palpate.serve.web.films import film_path
from palpate.serve.web.reached import OfReading, Reached
from palpate.serve.web.refused import RefusedError, documented
from palpate.serve.web.route_signature import Digest
from palpate.serve.web.services import Given, Services

router = APIRouter(prefix="/api/cases/{case}/readings/{reading}", tags=["signatures"])
_OBJECT = {"content": {"application/dicom": {"schema": {"type": "string", "format": "binary"}}}}


@router.get("/sr", response_class=Response, responses={**documented(423), 200: _OBJECT})
def structured_report(
    given: Given,
    reached: OfReading,
    digest: Digest = "",
    frame: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """What was signed as a Comprehensive SR (TID 1500), of a DICOM film."""
    refuse_withheld(given, reached)
    if reached.case.given.source != "dicom":
        raise RefusedError(409, "no-sr", "this film is no DICOM, so no DICOM report can name it")
    place = (reached.case.identifier, reached.reading)
    report = read_report(given.store.signed_report(*place, digest or None))
    if frame not in report.reports:
        raise RefusedError(404, "unknown", f"nothing was measured in frame {frame}")
    headers = {"Content-Disposition": 'attachment; filename="report.dcm"'}
    content = _written(given, reached, report, frame)
    return Response(content, 200, headers, "application/dicom")


def _written(given: Services, reached: Reached, report: FrozenReport, frame: int) -> bytes:
    film = reached.case.given
    organisation = given.settings.organisation
    provenance = Provenance(
        Algorithm(model=report.model) if report.model else None,
        Signer(report.reader.title, organisation) if organisation else None,
        report.digest,
    )
    try:
        data = sr_of(
            report.reports[frame],
            points_of(reached.project.scheme, report.marks, frame=frame),
            film_path(given.store, reached.case, given.settings.films),
            provenance,
            frame=frame if film.frames > 1 else None,
        )
    except FormatError as error:
        raise RefusedError(409, "no-sr", f"no report on this film: {error.problem}") from error
    except PalpateError as error:
        raise RefusedError(409, "no-sr", str(error)) from error
    stream = BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
