"""What a page is made of: cases, figures, agreement and provenance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from numpy import ndarray

from palpate.errors import StudyError
from palpate.evaluation.evaluate import Evaluation
from palpate.evaluation.measurements import Agreement
from palpate.image import Calibration
from palpate.measurement import Report
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.report.parts import Section

ImageSource = ndarray | Callable[[], ndarray]


@dataclass(frozen=True, eq=False, slots=True)
class ReportedCase:
    """One image of the page.

    Args:
        identifier: the image's name in its study.
        subject: whose image it is; empty where not known.
        group: view or class; may be empty.
        image: a grey array (y, x), or a function that reads one when the case is shown.
        prediction: in pixels of the image.
        truth: None where nobody annotated.
        annotators: each person's points; may be empty.
        report: measurements on the prediction; None where nothing is measured.
        truth_report: measurements on the truth.
        calibration: gives errors in mm; None where the image is not calibrated.
    """

    identifier: str
    subject: str
    group: str
    image: ImageSource
    prediction: Prediction
    truth: Points | None = None
    annotators: Mapping[str, Points] = field(default_factory=dict)
    report: Report | None = None
    truth_report: Report | None = None
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "annotators", MappingProxyType(dict(self.annotators)))


@dataclass(frozen=True, eq=False, slots=True)
class StudyReport:
    """What the page says.

    Args:
        title: at the top.
        cases: all images; the page shows some and says how many it leaves out.
        evaluation: figures against the truth; None where there is none.
        agreement: of measurements with those on the truth; None where there is none.
        provenance: data, split, seed, recipe, versions, hashes, as text.
        warnings: what a reader must know first, such as an oracle crop.
        embed: at most this many cases are shown with their image.
        sections: further parts of the page, between the agreement and the cases.
        set_aside: image -> why a person must look at it, in words; empty where all are kept,
            None where nobody judged that.

    Raises:
        StudyError: no case, an image twice, or an image set aside that is not there or for no
            reason.
    """

    title: str
    cases: Sequence[ReportedCase]
    evaluation: Evaluation | None = None
    agreement: Agreement | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    embed: int = 12
    sections: Sequence[Section] = ()
    set_aside: Mapping[str, tuple[str, ...]] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "cases", tuple(self.cases))
        object.__setattr__(self, "warnings", tuple(self.warnings))
        object.__setattr__(self, "sections", tuple(self.sections))
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))
        if not self.cases:
            raise StudyError("a report needs at least one case")
        seen: set[str] = set()
        for case in self.cases:
            if case.identifier in seen:
                raise StudyError(f"image {case.identifier!r} is in the report twice")
            seen.add(case.identifier)
        if self.set_aside is not None:
            object.__setattr__(self, "set_aside", MappingProxyType(dict(self.set_aside)))
            for name, reasons in self.set_aside.items():
                if name not in seen:
                    raise StudyError(f"image {name!r} is set aside, but not in the report")
                if not reasons:
                    raise StudyError(f"image {name!r} is set aside for no reason; say why")
