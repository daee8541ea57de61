"""A localiser whose uncertainty was calibrated on held-out subjects."""

from dataclasses import dataclass
from pathlib import Path

from palpate.errors import ConfigError
from palpate.image import Image
from palpate.localisers.localiser import Localiser
from palpate.localisers.wrapping import Wrapping
from palpate.prediction import Prediction
from palpate.trust.calibration import UncertaintyCalibration
from palpate.trust.store import read_calibration

CALIBRATION = "calibration.json"


@dataclass(frozen=True, eq=False, slots=True)
class CalibratedLocaliser(Wrapping):
    """Finds what ``inner`` finds, and is as sure of it as held-out subjects allow.

    Raises:
        ConfigError: the calibration is of other landmarks or of other weights.
    """

    inner: Localiser
    calibration: UncertaintyCalibration

    def __post_init__(self) -> None:
        if self.calibration.names != self.inner.scheme.names:
            raise ConfigError(
                f"the calibration of {self.inner.name!r} is of other landmarks; calibrate again"
            )
        of = self.calibration.weights
        if of and of != self.inner.weights:
            raise ConfigError(
                f"the calibration of {self.inner.name!r} is of weights {of}, these are "
                f"{self.inner.weights}: run 'palpate calibrate' again, or delete {CALIBRATION}"
            )

    def predict(self, image: Image) -> Prediction:
        """Find the landmarks of one image, with calibrated covariances."""
        return self.calibration.applied(self.inner.predict(image))


def calibration_path(path: Path) -> Path:
    """Where the calibration of a run folder or of an exported model is.

    Example:
        >>> calibration_path(Path("model.onnx")).name
        'model.calibration.json'
    """
    if path.suffix == ".onnx":
        return path.with_suffix(f".{CALIBRATION}")
    return path / CALIBRATION


def find_calibration(path: Path) -> UncertaintyCalibration | None:
    """Read the calibration of a run folder or of an exported model; None where there is none.

    Raises:
        FormatError: it is damaged.
    """
    place = calibration_path(path)
    return read_calibration(place) if place.exists() else None


def with_calibration(localiser: Localiser, path: Path) -> Localiser:
    """Return the localiser as its calibration has it, where there is one beside it.

    Raises:
        FormatError: the calibration is damaged.
        ConfigError: it is of other landmarks or weights.
    """
    calibration = find_calibration(path)
    return localiser if calibration is None else CalibratedLocaliser(localiser, calibration)
