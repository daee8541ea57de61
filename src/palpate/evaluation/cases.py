"""One image with its truth and its prediction: what every figure is computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from palpate.errors import GeometryError, StudyError
from palpate.image import Calibration
from palpate.points import Points
from palpate.prediction import Prediction


@dataclass(frozen=True, eq=False, slots=True)
class EvaluatedCase:
    """The truth and the prediction of one image, both in pixels of the image as given.

    Args:
        identifier: the image's name in its study; unique in an evaluation.
        subject: the unit of the bootstrap; never empty.
        group: a view or a class that results are reported by; may be empty.
        truth: the reference; landmarks that are absent in it are not evaluated.
        prediction: of the same landmarks; one that was not found although annotated is *missed*.
        annotators: each person's own points; the human ceiling needs two or more.
        calibration: None where the image is not calibrated.

    Raises:
        GeometryError: another scheme, another frame, no subject, or a spacing that does not fit.
    """

    identifier: str
    subject: str
    group: str
    truth: Points
    prediction: Prediction
    annotators: Mapping[str, Points] = field(default_factory=dict)
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "annotators", MappingProxyType(dict(self.annotators)))
        if not self.subject:
            raise GeometryError(f"image {self.identifier!r} has no subject")
        scheme = self.truth.scheme
        given: dict[str, Points | Prediction] = {"the truth": self.truth}
        given["the prediction"] = self.prediction
        given.update({f"annotator {name!r}": points for name, points in self.annotators.items()})
        for who, positions in given.items():
            if positions.scheme.names != scheme.names:
                raise GeometryError(
                    f"image {self.identifier!r}: {who} has other landmarks than the truth"
                )
            if positions.frame != "pixel":
                raise GeometryError(
                    f"image {self.identifier!r}: {who} is in {positions.frame}; "
                    "an evaluation compares pixels of the image as given"
                )
        spacing = None if self.calibration is None else self.calibration.spacing_mm
        if spacing is not None and len(spacing) != scheme.dimension:
            raise GeometryError(
                f"image {self.identifier!r} has {len(spacing)} spacings "
                f"for landmarks of {scheme.dimension} dimensions"
            )


def check_cases(cases: Sequence[EvaluatedCase]) -> None:
    """Refuse what cannot be evaluated together.

    Raises:
        StudyError: no image, an image given twice, or images of different schemes.
    """
    if not cases:
        raise StudyError("there is no image to evaluate: the list of cases is empty")
    seen: set[str] = set()
    names = cases[0].truth.scheme.names
    for case in cases:
        if case.identifier in seen:
            raise StudyError(
                f"image {case.identifier!r} is given twice; an image counts once: "
                "evaluate repeated runs one by one, or give each image its own identifier"
            )
        seen.add(case.identifier)
        if case.truth.scheme.names != names:
            raise StudyError(
                f"image {case.identifier!r} has other landmarks than {cases[0].identifier!r}"
            )
