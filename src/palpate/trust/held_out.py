"""A film that a localiser did not learn from, with what was predicted and what is true."""

from dataclasses import dataclass

from palpate.errors import GeometryError
from palpate.io.predictions import PredictedImage
from palpate.points import Points


@dataclass(frozen=True, eq=False, slots=True)
class HeldOut:
    """One image of a subject that the localiser was not trained on.

    Args:
        subject: never empty; the unit of calibration.
        predicted: in px of the image as given.
        truth: the reference, of the same landmarks.

    Raises:
        GeometryError: no subject, or other landmarks.
    """

    subject: str
    predicted: PredictedImage
    truth: Points

    def __post_init__(self) -> None:
        if not self.subject:
            raise GeometryError(f"image {self.predicted.image!r} has no subject")
        if self.truth.scheme.names != self.predicted.prediction.scheme.names:
            raise GeometryError(
                f"image {self.predicted.image!r}: the truth has other landmarks than the prediction"
            )
