"""What goes over the wire, both ways: the contract of the application and the page.

Positions are px with 0 at the centre of the first pixel, as everywhere. Unknown fields are
refused; numbers are finite.

Pages: ``/`` (queue.html, or sign-in.html where nobody is signed in), ``/sign-in`` (sign-in.html;
``?reason=token`` where the token of the address is not that of this server),
``/case/ID`` (case.html), ``/case/ID/adjudicate`` (adjudicate.html), ``/accounts`` (accounts.html),
``/help`` (help.html), ``/case/ID/report?reading=NAME`` (the signed report, made by the server).
``GET /api/cases/ID`` takes ``order``, ``state`` and ``search`` of the queue, for ``before`` and
``after``.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
CaseId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,32}$")]
# 'shared', or the name of the account whose own reading it is.
ReadingName = Name
Text = Annotated[str, Field(max_length=2000)]
Place = Annotated[FiniteFloat, Field(ge=-100_000.0, le=100_000.0)]
RoleName = Literal["reader", "reviewer", "administrator"]


class Message(BaseModel):
    """Base of all: strict about what it holds."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Refusal(Message):
    """Why something was not done. ``code`` is for programs, ``sentence`` for people."""

    code: str
    sentence: str


# --- who -----------------------------------------------------------------------------------------


class SignIn(Message):
    """Either the token of the printed address, or name and password."""

    token: Annotated[str, Field(max_length=200)] | None = None
    name: Annotated[str, Field(max_length=64)] | None = None
    password: Annotated[str, Field(max_length=1000)] | None = None


class Session(Message):
    """Who is signed in; ``csrf`` goes back in the header X-CSRF-Token of whatever changes state."""

    name: str
    title: str
    role: RoleName
    csrf: str
    expires: str


class AccountMessage(Message):
    """An account, without its password."""

    name: Name
    title: Annotated[str, Field(min_length=1, max_length=200)]
    role: RoleName
    active: bool = True


class NewAccount(AccountMessage):
    """An account to be made."""

    password: Annotated[str, Field(min_length=10, max_length=1000)]


class AccountChange(Message):
    """What of an account is to be different; what is left out stays."""

    title: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    role: RoleName | None = None
    active: bool | None = None
    password: Annotated[str, Field(min_length=10, max_length=1000)] | None = None


# --- what ----------------------------------------------------------------------------------------


class ProjectMessage(Message):
    """A project, with how many of its cases are in which state for this reader."""

    id: str
    name: str
    protocol: str  # label; empty where nothing is measured
    blinded: bool
    assisted: bool
    landmarks: int
    cases: int
    new: int
    open: int
    signed: int


class MeasurementMessage(Message):
    """One measurement; ``text`` is how it reads everywhere, without its name."""

    name: str
    unit: str
    group: str
    text: str
    value: float | None
    reason: str | None
    standard_uncertainty: float | None
    interval: tuple[float, float] | None
    level: float
    basis: str
    probabilities: dict[str, float]
    crosses: tuple[str, ...]
    normal: tuple[float, float] | None
    normal_source: str
    note: str
    landmarks: tuple[str, ...]


class QueueRow(Message):
    """One case of the queue."""

    id: str
    image: str
    subject: str
    group: str
    state: Literal["new", "open", "signed"]
    class_change: float | None
    width: float | None
    implausible: float | None
    reasons: tuple[str, ...]
    frames: int
    readers: tuple[str, ...]  # who has set marks; empty while blinded
    signed_by: str
    updated: str


class QueuePage(Message):
    """A page of the queue; ``after`` of the next request is ``next``; empty at the end."""

    rows: tuple[QueueRow, ...]
    total: int
    next: str


class MarkMessage(Message):
    """A landmark of a frame."""

    landmark: Annotated[str, Field(min_length=1, max_length=200)]
    frame: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    state: Literal["visible", "occluded", "absent"]
    x: Place | None = None
    y: Place | None = None
    origin: Literal["model", "person"] = "person"


class Predicted(Message):
    """What the model said of one landmark of one frame; ``covariance`` is xx, xy, yy in px^2."""

    landmark: str
    frame: int
    x: float
    y: float
    covariance: tuple[float, float, float]
    score: float


class CaseMessage(Message):
    """What the viewer needs of a case, but for its pixels and its reading.

    ``window`` is (centre, width) to begin with, in values of the pixels. ``ellipse`` is the
    square of the radius, in standard deviations, of the ellipse that holds a landmark with the
    chance ``level``. ``own`` is the reading that this reader works in. ``before`` and ``after``
    are the neighbours in the queue, for 'next case'.
    """

    id: str
    project: str
    image: str
    subject: str
    group: str
    width: int
    height: int
    frames: int
    rate_hz: float | None
    dtype: Literal["uint8", "uint16", "int16"]
    channels: Literal[1, 3]
    depth: bool
    window: tuple[float, float]
    spacing_mm: tuple[float, float] | None
    calibration: str
    model: str
    labelled_by: str  # whose labels the reading began from; empty where it began from none
    predictions: tuple[Predicted, ...]
    level: float
    ellipse: dict[str, float]
    set_aside: tuple[str, ...]
    urgency: tuple[str, ...]
    own: ReadingName
    readings: tuple[str, ...]
    before: str = ""
    after: str = ""


class ChangeMessage(Message):
    """A mark before and after."""

    before: MarkMessage | None
    after: MarkMessage | None


class EventMessage(Message):
    """What happened, for the list beside the film."""

    number: int
    step: int
    kind: str
    who: str
    when: str
    changes: tuple[ChangeMessage, ...]
    note: str
    digest: str


class SignatureMessage(Message):
    """Who signed."""

    who: str
    name: str
    when: str
    statement: str
    report: str


class ReadingMessage(Message):
    """A reading with its official measurements, made by the Python engine.

    ``withheld`` is why marks, measurements and events are left out: of a blinded project's reading
    a reviewer learns only how far it is, until it may be compared. Empty where all is here.
    """

    reading: ReadingName
    step: int
    state: Literal["new", "open", "signed"]
    marks: tuple[MarkMessage, ...]
    measurements: dict[int, tuple[MeasurementMessage, ...]]  # frame -> measurements
    signature: SignatureMessage | None
    editable: bool
    events: tuple[EventMessage, ...]
    withheld: str = ""


class NewEvent(Message):
    """What a reader did.

    ``after`` is the step that the page last saw: another's work in between is a conflict (409),
    and nothing is saved.

    ``key`` is made by the page, random for each event: sending the same event again after a lost
    answer saves it once.
    """

    after: Annotated[int, Field(ge=0)]
    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    kind: Literal["marks", "undo", "redo", "comment", "adjudicate"]
    changes: Annotated[tuple[ChangeMessage, ...], Field(max_length=5000)] = ()
    note: Text = ""


class Saved(Message):
    """What is on disk now: an answer comes only when it is."""

    step: int
    number: int
    measurements: dict[int, tuple[MeasurementMessage, ...]]


class Conflict(Refusal):
    """Somebody else was quicker: their events, and the reading as it is now."""

    missed: tuple[EventMessage, ...]
    reading: ReadingMessage


class Points(Message):
    """Marks to measure without saving them."""

    marks: Annotated[tuple[MarkMessage, ...], Field(max_length=5000)]


class Sign(Message):
    """Freeze the report of a reading as it stands at step ``after``."""

    after: Annotated[int, Field(ge=0)]
    statement: Annotated[str, Field(min_length=1, max_length=500)]
    password: Annotated[str, Field(max_length=1000)] | None = None  # asked again of accounts


class Reopen(Message):
    """Take a signature back, with the reason; the signed report is kept."""

    after: Annotated[int, Field(ge=0)]
    reason: Annotated[str, Field(min_length=3, max_length=2000)]


class Uploaded(Message):
    """What became of each file of an upload."""

    added: tuple[QueueRow, ...]
    refused: dict[str, str]
