"""Predictions on disk: a lossless JSON, and a CSV for spreadsheets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from palpate.errors import SchemeError
from palpate.image import Calibration
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme


@dataclass(frozen=True, slots=True)
class PredictedImage:
    """The prediction of one image with what a measurement needs to know of the image.

    Args:
        image: identifier of the image; never a path.
        prediction: in pixels of the image as given.
        size: (width, height) in px.
        subject: empty where not known.
        group: view or class; may be empty.
        calibration: None where the image is not calibrated.
    """

    image: str
    prediction: Prediction
    size: tuple[int, int]
    subject: str = ""
    group: str = ""
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True)
class PredictionFile:
    """Predictions of many images over one scheme, and where they come from.

    ``failures`` maps an image to the reason in words why there is no prediction for it.
    """

    scheme: LandmarkScheme
    images: tuple[PredictedImage, ...]
    provenance: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))
        object.__setattr__(self, "failures", MappingProxyType(dict(self.failures)))
        for image in self.images:
            if image.prediction.scheme.names != self.scheme.names:
                raise SchemeError(
                    f"the prediction of {image.image!r} has other landmarks than the file"
                )
