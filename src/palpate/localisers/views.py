"""An image looked at several times, a little turned and scaled: for localisers of any kind."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy import ndarray

from palpate.affine import Affine
from palpate.augment.warp import RandomWarp
from palpate.errors import ConfigError, GeometryError
from palpate.image import Image
from palpate.localisers.clip import ClipLocaliser
from palpate.localisers.localiser import Localiser
from palpate.localisers.mixture import mix
from palpate.localisers.wrapping import Wrapping
from palpate.prediction import Prediction

_SEED = 20150413  # fixed: the same image gives the same views, hence the same prediction


@dataclass(frozen=True, eq=False, slots=True)
class ViewsLocaliser(Wrapping):
    """Predicts in several views of an image and joins the answers; it takes so many times longer.

    The first view is the image itself, the others are turned and scaled at random, always alike,
    about the middle of what is looked at. Beyond the image its border goes on. Networks that
    are trained with views need no such wrapper: ``predict.views`` of their recipe does it faster.

    Args:
        inner: a localiser that sees one image.
        count: of views; 1 is the localiser alone.
        rotation_deg: turns are uniform in +- so much.
        scale: the logarithm of the size is uniform in +- log(1 + scale).

    Raises:
        ConfigError: numbers that make no view, or a localiser of clips.

    Source:
        Wang et al., "Aleatoric uncertainty estimation with test-time augmentation for medical
        image segmentation with convolutional neural networks", Neurocomputing 338, 2019.
    """

    inner: Localiser
    count: int = 8
    rotation_deg: float = 4.0
    scale: float = 0.05

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError(f"an image is looked at once or more, got {self.count} views")
        if not (0 <= self.rotation_deg <= 180 and 0 <= self.scale < np.inf):
            raise ConfigError(
                f"views turn by 0 to 180 degrees and scale by 0 or more, got "
                f"{self.rotation_deg:g} and {self.scale:g}"
            )
        if isinstance(self.inner, ClipLocaliser):
            raise ConfigError(
                f"{self.inner.name!r} finds landmarks in several frames of a clip at once; views "
                "are of localisers that see one image"
            )

    @property
    def name(self) -> str:
        """Recipe and study that the localiser was made from, and how often it looks."""
        return f"{self.inner.name} in {self.count} views"

    def predict(self, image: Image) -> Prediction:
        """Find the landmarks of one image; in pixels of the image as given.

        Raises:
            GeometryError: not a plane of pixels, or the localiser cannot read a view of it.
        """
        if image.axes != "yx":
            raise GeometryError(
                f"image {image.identifier!r} has axes {image.axes}; views are of single planes (yx)"
            )
        found = [self.inner.predict(image)]
        for view in self._views(image):
            found.append(self.inner.predict(seen_in(image, view)).moved(view.inverse()))
        return mix(found, localiser=f"{self.name} {self.weights}")

    def _views(self, image: Image) -> list[Affine]:
        """Pixels of the image -> pixels of each view but the first."""
        x, y, width, height = image.region or (0, 0, image.size[0], image.size[1])
        warp = RandomWarp(rotation_deg=self.rotation_deg, scale=self.scale)
        place = Affine.translation((x, y))
        views = []
        for index in range(1, self.count):
            drawn = warp.draw(np.random.default_rng([_SEED, index]), (width, height))
            about = Affine(drawn.matrix, "pixel", "pixel")
            views.append(place @ about @ place.inverse())
        return views


def seen_in(image: Image, view: Affine) -> Image:
    """Resample an image as a view shows it, on a plane of the same size.

    Without calibration: a view's pixels are no longer those that were calibrated.

    Args:
        image: a plane.
        view: pixels of the image -> pixels of the view.
    """
    size = (image.size[0], image.size[1])
    planes = [_resampled(plane, view, size) for plane in image.pixels]
    return Image(np.stack(planes), image.identifier, image.axes, region=image.region)


def _resampled(plane: ndarray, view: Affine, size: tuple[int, int]) -> ndarray:
    return cv2.warpAffine(
        plane, view.matrix[:2], size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
