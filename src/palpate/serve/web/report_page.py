"""A signed report as a page: made by the server from the bytes that were signed."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from palpate.measurement import Measurement
from palpate.report.wording import crossing, number, quantity, unit_name
from palpate.review.event import Event
from palpate.review.frozen import FrozenReport, report_digest
from palpate.review.mark import Mark
from palpate.serve.web.report_film import ReportFilm
from palpate.serve.web.report_moves import Move

_STATES = {"visible": "visible", "occluded": "occluded, estimated", "absent": "absent"}


@dataclass(frozen=True, slots=True)
class SignedPage:
    """What the page shows.

    Args:
        report: what was signed.
        subject: whom the film is of; empty where not known.
        digest: of the signed bytes.
        signed: the event.
        reopened: the event that took the signature back; None where it stands.
        title_of: readable name of a landmark.
        moves: what readers changed of the model's marks.
        films: pictures of the frames that are marked.
        trouble: why there is no picture; empty where there is.
        data: address of the report's bytes.
        back: address of the case.
    """

    report: FrozenReport
    subject: str
    digest: str
    signed: Event
    reopened: Event | None
    title_of: Callable[[str], str]
    moves: tuple[Move, ...]
    films: tuple[ReportFilm, ...]
    trouble: str
    data: str
    back: str


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement in words."""

    name: str
    value: str
    missing: bool
    notes: tuple[str, ...]


def signing(events: Sequence[Event], report: bytes) -> tuple[Event | None, Event | None]:
    """Return the event that signed these bytes, and the one that took it back, if any did."""
    digest = report_digest(report)
    signed = next((e for e in reversed(events) if e.kind == "sign" and e.payload == digest), None)
    if signed is None:
        return None, None
    after = (e for e in events if e.kind == "reopen" and e.step > signed.step)
    return signed, next(after, None)


def rendered(page: SignedPage) -> str:
    """Return the page; everything that people wrote is escaped."""
    text = _template().render(
        page=page,
        frames=[
            (frame, [_row(one) for one in report.measurements])
            for frame, report in page.report.reports.items()
        ],
        marks=[_mark(mark, page.title_of(mark.landmark)) for mark in page.report.marks],
        several=len({mark.frame for mark in page.report.marks}) > 1,
    )
    return re.sub("[\x00-\x08\x0b-\x1f\ud800-\udfff]", "\ufffd", text)


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("palpate.serve.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _row(one: Measurement) -> Row:
    notes = []
    if one.normal is not None:
        low, high = number(one.normal.low, 1), number(one.normal.high, 1)
        usual = f"usual {low} to {high} {unit_name(one.unit)}".strip() + f" ({one.normal.source})"
        outside = one.value is not None and not one.normal.low <= one.value <= one.normal.high
        notes.append(f"outside the usual range: {usual}" if outside else usual)
    notes += [text for text in (crossing(one), one.note) if text]
    return Row(one.name, quantity(one), one.value is None, tuple(notes))


def _mark(mark: Mark, title: str) -> tuple[int, str, str, str, str]:
    place = "" if mark.x is None or mark.y is None else f"{mark.x:.1f}, {mark.y:.1f}"
    who = "reader" if mark.origin == "person" else "model"
    return mark.frame, title, place, _STATES[mark.state], who
