"""Two searches, one after the other: two landmarks in the film, then all in a region about them."""

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import Any

from palpate.affine import Affine
from palpate.augment.region import RegionOfInterest
from palpate.errors import ConfigError, GeometryError
from palpate.image import Image
from palpate.localisers.localiser import Localiser
from palpate.localisers.run_folder import RunFolder
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme

CASCADE = "cascade"
# The run folders of the two searches, inside that of the cascade.
GLOBAL, LOCAL = "global", "local"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class CascadeSpec:
    """Everything but the two localisers.

    Args:
        name: recipe and study it was made from.
        region: where the second search looks.
        protocol: of the study it was trained on; may be empty.
    """

    name: str
    region: RegionOfInterest
    protocol: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        return {"palpate_localiser": _VERSION, "method": CASCADE, **asdict(self)}

    @classmethod
    def from_json(cls, values: dict[str, Any], *, where: str) -> "CascadeSpec":
        """Read what ``to_json`` wrote.

        Raises:
            ConfigError: ``where`` is no cascade of this version.
        """
        version, method = values.get("palpate_localiser"), values.get("method")
        if version != _VERSION or method != CASCADE:
            raise ConfigError(
                f"{where}: not a cascade of version {_VERSION} (found {method!r}, {version!r})"
            )
        try:
            plain = values["region"]
            (a, b), ((x1, y1), (x2, y2)), (across, down) = (
                plain["references"],
                plain["places"],
                plain["size"],
            )
            region = RegionOfInterest((a, b), ((x1, y1), (x2, y2)), (across, down))
            return cls(values["name"], region, values["protocol"])
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(
                f"{where}: the localiser's description is damaged: {error}"
            ) from error


@dataclass(frozen=True, eq=False, slots=True)
class FoundRegion:
    """The region that a search gives of one image.

    Args:
        view: px of the image -> px of the canvas.
        part: what is cut out, an image of its own.
        score: of the surer reference.
    """

    view: Affine
    part: Image
    score: float


def find_region(search: Localiser, region: RegionOfInterest, image: Image) -> FoundRegion:
    """Find the references in an image and cut out the region that they place.

    Raises:
        GeometryError: the image cannot be searched, or the references give no region of it.
    """
    found = search.predict(image)
    rows = found.scheme.indices(region.references)
    try:
        view = region.view(found.mean[rows])
        part = region.cut(image, view)
    except GeometryError as error:
        raise GeometryError(
            f"image {image.identifier!r}: the global search found no region: {error}"
        ) from error
    return FoundRegion(view, part, float(found.score[rows].max()))


@dataclass(frozen=True, eq=False, slots=True)
class CascadeLocaliser:
    """Finds two landmarks, cuts the region that they place, finds all landmarks in it.

    Any localiser may serve for either search.

    Args:
        spec: the region.
        global_search: finds the references in the film.
        local_search: finds the landmarks in the region.
    """

    spec: CascadeSpec
    global_search: Localiser
    local_search: Localiser

    @property
    def scheme(self) -> LandmarkScheme:
        """The landmarks it finds."""
        return self.local_search.scheme

    @property
    def name(self) -> str:
        """Recipe and study it was made from."""
        return self.spec.name

    @property
    def weights(self) -> str:
        """Short hash of those of both searches."""
        both = f"{self.global_search.weights} {self.local_search.weights}"
        return hashlib.sha256(both.encode()).hexdigest()[:12]

    @property
    def protocol(self) -> str:
        """Protocol of the study it was made from; may be empty."""
        return self.spec.protocol

    @property
    def variance_factor(self) -> float | None:
        """Of the local search, which was calibrated in regions that the global search found."""
        return self.local_search.variance_factor

    def predict(self, image: Image) -> Prediction:
        """Find the landmarks of one image; in pixels of the image as given.

        A landmark's score is at most that of the surer reference: a region in the wrong place is
        no better than what placed it.

        Raises:
            GeometryError: not a plane of pixels, or the references give no region of it.
        """
        found = find_region(self.global_search, self.spec.region, image)
        local = self.local_search.predict(found.part).moved(found.view.inverse())
        score = local.score.clip(max=found.score)
        made_by = f"{self.name} {self.weights}"
        return replace(local, score=score, localiser=made_by)


def join_cascade(
    folder: RunFolder, global_search: Localiser, local_search: Localiser
) -> CascadeLocaliser:
    """Join two loaded localisers as the description of their folder says.

    Raises:
        ConfigError: the description is damaged, or the first does not find the references.
    """
    spec = CascadeSpec.from_json(folder.description(), where=str(folder.localiser))
    missing = set(spec.region.references) - set(global_search.scheme.names)
    if missing:
        raise ConfigError(
            f"{folder.localiser}: the global search does not find {sorted(missing)[0]!r}"
        )
    return CascadeLocaliser(spec, global_search, local_search)
