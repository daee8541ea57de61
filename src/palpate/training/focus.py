"""What of a study a search is trained on: some of its landmarks, or some parts of its films."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from palpate.affine import Affine
from palpate.augment.region import RegionOfInterest
from palpate.sample import Sample
from palpate.scheme import LandmarkScheme


@runtime_checkable
class Focus(Protocol):
    """Turns a sample of the study into those that are trained on."""

    @property
    def scheme(self) -> LandmarkScheme:
        """The landmarks that are left."""
        ...

    def __call__(self, sample: Sample) -> Sequence[Sample]:
        """Return what is seen of one sample; nothing where it cannot be used."""
        ...

    def described(self) -> Mapping[str, Any]:
        """Return plain values that differ where the samples would."""
        ...


@dataclass(frozen=True, slots=True)
class SomeLandmarks:
    """The whole image, with some of its landmarks."""

    scheme: LandmarkScheme

    @classmethod
    def of(cls, scheme: LandmarkScheme, names: tuple[str, ...]) -> "SomeLandmarks":
        """Leave these landmarks of a scheme; mirror pairs and edges where both are left.

        Raises:
            SchemeError: the scheme has no such landmark.
        """
        scheme.indices(names)
        mirror = tuple(pair for pair in scheme.mirror if set(pair) <= set(names))
        edges = tuple(pair for pair in scheme.edges if set(pair) <= set(names))
        return cls(LandmarkScheme(scheme.name, names, mirror, edges, scheme.dimension))

    def __call__(self, sample: Sample) -> Sequence[Sample]:
        """Return the sample with fewer landmarks."""
        points = sample.points
        if points is None:
            return [sample]  # whoever trains says that it is not annotated
        return [Sample(sample.image, sample.subject, reference=points.only(self.scheme))]

    def described(self) -> Mapping[str, Any]:
        """Return the names."""
        return {"landmarks": list(self.scheme.names)}


@dataclass(frozen=True, eq=False, slots=True)
class Regions:
    """One region or several of each image, as images.

    Args:
        scheme: the landmarks, all of them.
        region: what is cut out.
        views: identifier -> maps from px of the image to px of the canvas; an image without any
            is left out.
    """

    scheme: LandmarkScheme
    region: RegionOfInterest
    views: Mapping[str, Sequence[Affine]]

    def __call__(self, sample: Sample) -> Sequence[Sample]:
        """Cut the regions out of one image, with its points."""
        points, seen = sample.points, []
        for view in self.views.get(sample.image.identifier, ()):
            moved = None if points is None else points.moved(view)
            image = self.region.cut(sample.image, view)
            seen.append(Sample(image, sample.subject, reference=moved))
        return seen

    def described(self) -> Mapping[str, Any]:
        """Return the region and the views, to a ten thousandth."""
        views = {
            name: [np.round(view.matrix[:2], 4).tolist() for view in several]
            for name, several in self.views.items()
        }
        return {"region": asdict(self.region), "views": views}
