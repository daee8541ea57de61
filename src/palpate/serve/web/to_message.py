"""What the store holds, as it goes over the wire."""

from collections.abc import Iterable, Mapping

from palpate.measurement import Measurement, Report
from palpate.protocols.protocol import Protocol
from palpate.report.wording import quantity
from palpate.review.case import Case, Project, Reading, Signature
from palpate.review.event import Change, Event
from palpate.review.held_out import squared_radii
from palpate.review.mark import Mark
from palpate.review.queue_rows import QueueItem
from palpate.serve.web.films import Look
from palpate.serve.web.messages import (
    CaseMessage,
    ChangeMessage,
    EventMessage,
    MarkMessage,
    MeasurementMessage,
    Predicted,
    QueueRow,
    ReadingMessage,
    SignatureMessage,
)

# Chance that an ellipse on the film holds its landmark.
LEVEL = 0.9

Measured = dict[int, tuple[MeasurementMessage, ...]]


def measurement_messages(
    report: Report, protocol: Protocol | None
) -> tuple[MeasurementMessage, ...]:
    """Return the measurements of one frame."""
    groups = {} if protocol is None else {one.name: one.group for one in protocol.quantities}
    return tuple(_measurement(one, groups.get(one.name, "")) for one in report.measurements)


def measured_messages(reports: Mapping[int, Report], project: Project) -> Measured:
    """Return the measurements of every frame."""
    return {f: measurement_messages(report, project.protocol) for f, report in reports.items()}


def _measurement(one: Measurement, group: str) -> MeasurementMessage:
    normal = one.normal
    return MeasurementMessage(
        name=one.name,
        unit=one.unit,
        group=group,
        text=quantity(one),
        value=one.value,
        reason=one.reason,
        standard_uncertainty=one.standard_uncertainty,
        interval=one.interval,
        level=one.level,
        basis=one.basis,
        probabilities=dict(one.probabilities),
        crosses=one.crosses,
        normal=None if normal is None else (normal.low, normal.high),
        normal_source="" if normal is None else normal.source,
        note=one.note,
        landmarks=one.landmarks,
    )


def mark_message(mark: Mark) -> MarkMessage:
    """Return a mark."""
    return MarkMessage(
        landmark=mark.landmark,
        frame=mark.frame,
        state=mark.state,
        x=mark.x,
        y=mark.y,
        origin=mark.origin,
    )


def mark_of(message: MarkMessage) -> Mark:
    """Return the mark that a message is.

    Raises:
        GeometryError: it is none.
    """
    return Mark(
        message.landmark, message.state, message.x, message.y, message.frame, message.origin
    )


def change_of(message: ChangeMessage) -> Change:
    """Return the change that a message is.

    Raises:
        GeometryError: it is none.
    """
    before = None if message.before is None else mark_of(message.before)
    after = None if message.after is None else mark_of(message.after)
    return Change(before, after)


def event_message(event: Event) -> EventMessage:
    """Return an event."""
    return EventMessage(
        number=event.number,
        step=event.step,
        kind=event.kind,
        who=event.who,
        when=event.when,
        changes=tuple(
            ChangeMessage(
                before=None if change.before is None else mark_message(change.before),
                after=None if change.after is None else mark_message(change.after),
            )
            for change in event.changes
        ),
        note=event.note,
        digest=event.digest,
    )


def event_messages(events: Iterable[Event]) -> tuple[EventMessage, ...]:
    """Return events."""
    return tuple(event_message(event) for event in events)


def signature_message(signature: Signature) -> SignatureMessage:
    """Return a signature."""
    return SignatureMessage(
        who=signature.who,
        name=signature.name,
        when=signature.when,
        statement=signature.statement,
        report=signature.report,
    )


def reading_message(reading: Reading, measured: Measured, *, editable: bool) -> ReadingMessage:
    """Return a reading with its measurements."""
    signature = reading.signature
    return ReadingMessage(
        reading=reading.name,
        step=reading.step,
        state=reading.state,
        marks=tuple(mark_message(mark) for mark in reading.marks.values()),
        measurements=measured,
        signature=None if signature is None else signature_message(signature),
        editable=editable and signature is None,
        events=event_messages(reading.events),
    )


def predicted_messages(case: Case) -> tuple[Predicted, ...]:
    """Return what the model said of every landmark that it found."""
    found = []
    for frame, image in case.given.predictions.items():
        one = image.prediction
        for k, name in enumerate(one.scheme.names):
            if one.found[k]:
                (xx, xy), (_, yy) = one.covariance[k]
                found.append(
                    Predicted(
                        landmark=name,
                        frame=frame,
                        x=float(one.mean[k, 0]),
                        y=float(one.mean[k, 1]),
                        covariance=(float(xx), float(xy), float(yy)),
                        score=float(one.score[k]),
                    )
                )
    return tuple(found)


def queue_row(item: QueueItem) -> QueueRow:
    """Return a row of the queue."""
    return QueueRow(
        id=item.id,
        image=item.image,
        subject=item.subject,
        group=item.group,
        state=item.state,
        class_change=item.class_change,
        width=item.width,
        implausible=item.implausible,
        reasons=item.reasons,
        frames=item.frames,
        readers=item.readers,
        signed_by=item.signed_by,
        updated=item.updated,
    )


def case_message(
    case: Case,
    project: Project,
    look: Look,
    *,
    own: str,
    readings: tuple[str, ...],
    beside: tuple[str, str],
) -> CaseMessage:
    """Return what the viewer needs of a case."""
    given = case.given
    calibration = given.calibration
    spacing = None if calibration is None else calibration.spacing_mm
    words = () if calibration is None else (calibration.source, calibration.detail)
    return CaseMessage(
        id=case.identifier,
        project=case.project,
        image=given.image,
        subject=given.subject,
        group=given.group,
        width=given.size[0],
        height=given.size[1],
        frames=given.frames,
        rate_hz=look.rate_hz,
        dtype=look.kind,
        channels=3 if look.channels == 3 else 1,
        depth=given.source == "depth",
        window=look.window,
        spacing_mm=None if spacing is None else (spacing[0], spacing[1]),
        calibration=_calibration_words(words, None if calibration is None else calibration.plane),
        model=case.model,
        labelled_by=case.given.labelled_by,
        predictions=predicted_messages(case),
        level=LEVEL,
        ellipse=squared_radii(project, given, LEVEL),
        set_aside=given.set_aside,
        urgency=case.urgency.reasons,
        own=own,
        readings=readings,
        before=beside[0],
        after=beside[1],
    )


def _calibration_words(words: tuple[str, ...], plane: str | None) -> str:
    if plane is None:
        return ""
    where = "at the detector plane" if plane == "detector" else ""
    return ", ".join(word for word in (*words, where) if word)
