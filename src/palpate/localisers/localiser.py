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

    def predict(self, image: Image) -> Prediction:
        """Find the landmarks of one image."""
        ...
