"""Projects and the cases in them: what a reader is shown, and what it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.protocols.protocol import Protocol
from palpate.review.event import Event
from palpate.review.mark import Key, Mark
from palpate.scheme import LandmarkScheme
from palpate.trust.calibration import UncertaintyCalibration

CaseState = Literal["new", "open", "signed"]


@dataclass(frozen=True, slots=True)
class Project:
    """Cases of one kind, that are read with one scheme.

    Args:
        identifier: for addresses: letters, digits, hyphens.
        name: for people.
        scheme: the landmarks.
        protocol: what is measured; None where only points are set.
        blinded: every reader has a reading of their own, and sees neither another's nor who
            has read what; False: all share one.
        assisted: readings begin with the model's marks where there is a prediction.
    """

    identifier: str
    name: str
    scheme: LandmarkScheme
    protocol: Protocol | None = None
    blinded: bool = False
    assisted: bool = True


@dataclass(frozen=True, slots=True)
class Urgency:
    """Why a case should be looked at early; every number is in [0, 1], and None where not known.

    Args:
        class_change: chance that a class which a measurement was put in is not the true one, of
            the least certain measurement.
        width: share of the project's cases whose widest interval, in units of what is usual for
            that measurement, is narrower.
        implausible: how unlike the shapes that are known.
        reasons: in words, the most important first.
    """

    class_change: float | None = None
    width: float | None = None
    implausible: float | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case to be put into a store.

    Args:
        image: identifier of the image or clip in its study; never a path of this machine.
        film: file below the project's root that holds the pixels; known to the server alone. One
            that came by upload is ``@uploaded/`` and its digest: it lies in the server's folder.
        digest: SHA-256 of that file.
        size: (width, height) in px.
        subject: empty where not known; shown to readers, so no patient's name.
        frames: of a clip; 1 of an image.
        calibration: size of a pixel; None where not known.
        predictions: frame -> what a localiser said; empty where nothing was predicted.
        marks: where labels that exist already begin a reading.
        set_aside: reasons in words why the prediction should not be trusted; may be empty.
        source: ``raster``, ``dicom``, ``video`` or ``depth``: how the film is read.
        group: view or class; may be empty.
        uncertainty: what held-out subjects say of the model that predicted; None where it was not
            calibrated. Many cases share one: it is kept once.
        labelled_by: whose ``marks`` are, in words; empty where nobody's, or not known.
    """

    image: str
    film: str
    digest: str
    size: tuple[int, int]
    subject: str = ""
    frames: int = 1
    calibration: Calibration | None = None
    predictions: Mapping[int, PredictedImage] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()
    set_aside: tuple[str, ...] = ()
    source: Literal["raster", "dicom", "video", "depth"] = "raster"
    group: str = ""
    uncertainty: UncertaintyCalibration | None = None
    labelled_by: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A case as the store has it.

    Args:
        identifier: random, for addresses: tells nothing of the patient.
        project: identifier of its project.
        given: what it was made from.
        urgency: why it should be looked at early.
        model: localiser of the predictions; empty where there is none.
    """

    identifier: str
    project: str
    given: NewCase
    urgency: Urgency
    model: str


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed what.

    Args:
        who: account of the reader.
        name: of the person, as it is printed.
        when: UTC, ISO 8601.
        statement: what was declared.
        report: digest of the frozen report.
        event: number of the event.
    """

    who: str
    name: str
    when: str
    statement: str
    report: str
    event: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The state of one reading: what its events have led to.

    Args:
        case: identifier.
        name: :data:`palpate.review.event.SHARED`, or the account whose own it is.
        step: number of events so far.
        state: ``new`` before the first event of a person.
        marks: by frame and landmark.
        signature: None until signed, and again after it was reopened.
        events: the last of them, newest last; as many as were asked for.
    """

    case: str
    name: str
    step: int
    state: CaseState
    marks: Mapping[Key, Mark]
    signature: Signature | None = None
    events: tuple[Event, ...] = ()
