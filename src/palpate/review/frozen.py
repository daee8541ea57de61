"""What is signed: one JSON file of a reading's points and measurements, always the same bytes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from palpate import __version__
from palpate.errors import FormatError, PalpateError
from palpate.image import Calibration
from palpate.measurement import IntervalBasis, Measurement, NormalRange, Report, Unit
from palpate.protocols.protocol import Protocol
from palpate.review.account import Account
from palpate.review.case import Case, Project, Reading
from palpate.review.mark import Mark, MarkState, Origin

FORMAT = "palpate signed report"
VERSION = 1


@dataclass(frozen=True, slots=True)
class FrozenReport:
    """What a signed report holds, read back.

    Args:
        reports: frame -> measurements, with the name of the person who signed.
        marks: as they stood, by frame and then in the order of the scheme.
        reader: account that signed.
        image: identifier of the image or clip in its study.
        digest: SHA-256 of the film's file.
        protocol: name and version; empty where nothing was measured.
        protocol_digest: of what the protocol measures, as :func:`protocol_digest` gives it.
        model: localiser of the predictions; empty where there was none.
        palpate: version of palpate that measured.
    """

    reports: Mapping[int, Report]
    marks: tuple[Mark, ...]
    reader: Account
    image: str
    digest: str
    protocol: str
    protocol_digest: str
    model: str
    palpate: str


def report_bytes(
    project: Project,
    case: Case,
    reading: Reading,
    reports: Mapping[int, Report],
    reader: Account,
) -> bytes:
    """Return the report as canonical JSON: sorted keys, no spaces, UTF-8 (RFC 8259), no NaN.

    The same reading gives the same bytes on any machine, so that their SHA-256 is what was
    signed. When it was signed stands in the event, not in here.

    Args:
        project: with its scheme and protocol.
        case: what was read.
        reading: its marks as they stand.
        reports: frame -> measurements, as :func:`palpate.review.measured.measure_reading` gives.
        reader: who signs; their title is the report's ``reviewed_by``.
    """
    given, protocol = case.given, project.protocol
    content = {
        "format": FORMAT,
        "version": VERSION,
        "palpate": __version__,
        "project": {"identifier": project.identifier, "name": project.name},
        "case": {
            "identifier": case.identifier,
            "image": given.image,
            "subject": given.subject,
            "group": given.group,
            "digest": given.digest,
            "size": given.size,
            "frames": given.frames,
            "calibration": _calibration(given.calibration),
            "labelled_by": given.labelled_by,
        },
        "reading": {"name": reading.name, "step": reading.step},
        "reader": {"name": reader.name, "title": reader.title, "role": reader.role},
        "model": case.model,
        "scheme": {"name": project.scheme.name, "names": project.scheme.names},
        "protocol": {
            "label": "" if protocol is None else protocol.label,
            "digest": "" if protocol is None else protocol_digest(protocol),
            "flipped": [] if protocol is None else sorted(protocol.flipped),
        },
        "marks": [mark.to_plain() for mark in _ordered(project, reading)],
        "reports": {
            str(frame): _plain(replace(report, reviewed_by=reader.title))
            for frame, report in reports.items()
        },
    }
    return _canonical(content)


def report_digest(report: bytes) -> str:
    """SHA-256 of a signed report, in hexadecimal digits.

    Example:
        >>> report_digest(b"")[:8]
        'e3b0c442'
    """
    return hashlib.sha256(report).hexdigest()


def protocol_digest(protocol: Protocol) -> str:
    """SHA-256 of what a protocol measures: name, version, and how each quantity is computed.

    Example:
        >>> from palpate.protocols.protocol import read_protocol
        >>> protocol = read_protocol("cervical")
        >>> protocol_digest(protocol) == protocol_digest(protocol.flip("lordosis"))
        False
    """
    content = {
        "label": protocol.label,
        "landmarks": protocol.scheme.names,
        "flipped": sorted(protocol.flipped),
        "facing": None if protocol.facing is None else protocol.facing.model_dump(),
        "quantities": [quantity.model_dump(mode="json") for quantity in protocol.quantities],
    }
    return hashlib.sha256(_canonical(content)).hexdigest()


def _canonical(content: Mapping[str, Any]) -> bytes:
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8")


def _ordered(project: Project, reading: Reading) -> list[Mark]:
    return sorted(
        reading.marks.values(), key=lambda mark: (mark.frame, project.scheme.index(mark.landmark))
    )


def _calibration(calibration: Calibration | None) -> dict[str, Any] | None:
    return None if calibration is None else asdict(calibration)


def _plain(report: Report) -> dict[str, Any]:
    return {
        "subject": report.subject,
        "image": report.image,
        "reviewed_by": report.reviewed_by,
        "provenance": dict(report.provenance),
        "measurements": [_measurement(one) for one in report.measurements],
    }


def _measurement(one: Measurement) -> dict[str, Any]:
    return {
        "name": one.name,
        "unit": one.unit,
        "value": one.value,
        "reason": one.reason,
        "standard_uncertainty": one.standard_uncertainty,
        "interval": one.interval,
        "level": one.level,
        "landmarks": one.landmarks,
        "protocol": one.protocol,
        "normal": None if one.normal is None else asdict(one.normal),
        "note": one.note,
        "spread": one.spread,
        "basis": one.basis,
        # A list keeps the order of the classes, which sorted keys would lose.
        "probabilities": list(one.probabilities.items()),
        "crosses": one.crosses,
    }


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _NormalTable(_Table):
    low: float
    high: float
    source: str


class _MeasurementTable(_Table):
    name: str
    unit: Unit
    value: float | None
    reason: str | None
    standard_uncertainty: float | None
    interval: tuple[float, float] | None
    level: float
    landmarks: tuple[str, ...]
    protocol: str
    normal: _NormalTable | None
    note: str
    spread: tuple[float, float] | None
    basis: IntervalBasis
    probabilities: tuple[tuple[str, float], ...]
    crosses: tuple[str, ...]


class _ReportTable(_Table):
    subject: str
    image: str
    reviewed_by: str | None
    provenance: dict[str, str]
    measurements: tuple[_MeasurementTable, ...]


class _MarkTable(_Table):
    landmark: str
    frame: int
    state: MarkState
    x: float | None
    y: float | None
    origin: Origin


class _ReaderTable(_Table):
    name: str
    title: str
    role: Literal["reader", "reviewer", "administrator"]


class _ProtocolTable(_Table):
    label: str
    digest: str
    flipped: tuple[str, ...]


class _FileTable(_Table):
    format: Literal["palpate signed report"]
    version: Literal[1]
    palpate: str
    project: dict[str, str]
    case: dict[str, Any]
    reading: dict[str, Any]
    reader: _ReaderTable
    model: str
    scheme: dict[str, Any]
    protocol: _ProtocolTable
    marks: tuple[_MarkTable, ...]
    reports: dict[int, _ReportTable]


def read_report(content: bytes, *, where: str = "signed report") -> FrozenReport:
    """Read what :func:`report_bytes` wrote.

    Raises:
        FormatError: the bytes are cut or were changed into something else; ``where`` begins the
            message.
    """
    try:
        table = _FileTable.model_validate_json(content)
        reports = {
            frame: _read(one)
            for frame, one in sorted(table.reports.items(), key=lambda pair: pair[0])
        }
        marks = tuple(Mark(m.landmark, m.state, m.x, m.y, m.frame, m.origin) for m in table.marks)
        image, digest = str(table.case["image"]), str(table.case["digest"])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FormatError(where, f"not a signed report: {first['msg']} at {place}") from error
    except KeyError as error:
        raise FormatError(where, f"not a signed report: its case has no {error}") from error
    except PalpateError as error:
        raise FormatError(where, str(error)) from error
    return FrozenReport(
        reports,
        marks,
        Account(table.reader.name, table.reader.title, table.reader.role),
        image,
        digest,
        table.protocol.label,
        table.protocol.digest,
        table.model,
        table.palpate,
    )


def _read(table: _ReportTable) -> Report:
    measurements = tuple(
        Measurement(
            one.name,
            one.unit,
            one.value,
            one.reason,
            one.standard_uncertainty,
            one.interval,
            one.level,
            one.landmarks,
            one.protocol,
            None
            if one.normal is None
            else NormalRange(one.normal.low, one.normal.high, one.normal.source),
            one.note,
            one.spread,
            one.basis,
            dict(one.probabilities),
            one.crosses,
        )
        for one in table.measurements
    )
    return Report(table.subject, table.image, measurements, table.provenance, table.reviewed_by)
