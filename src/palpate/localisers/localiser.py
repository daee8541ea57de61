"""What every localiser is."""

from typing import Protocol, runtime_checkable

from palpate.image import Image
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme


@runtime_checkable
class Localiser(Protocol):
    """Exists only fitted: ``train`` makes one, files load one.

    Law: predictions are in pixels of the image as given, whatever was done inside.
    """

    @property
    def scheme(self) -> LandmarkScheme:
        """The landmarks it finds."""
        ...

    @property
    def name(self) -> str:
        """Recipe and study it was made from."""
        ...

    @property
    def weights(self) -> str:
        """Short hash of what was fitted, for provenance."""
        ...

    @property
    def protocol(self) -> str:
        """Protocol of the study it was made from; may be empty."""
        ...

    @property
    def variance_factor(self) -> float | None:
        """What its covariances were multiplied with so that they hold; None: not calibrated."""
        ...

    def predict(self, image: Image) -> Prediction:
        """Find the landmarks of one image."""
        ...
