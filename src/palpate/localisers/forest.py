"""Forests and a shape model that find landmarks: RFRV-CLM as a localiser."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from palpate.errors import ConfigError, GeometryError
from palpate.files import sha256
from palpate.forest.model import RfrvModel
from palpate.forest.search import search
from palpate.forest.store import read_rfrv
from palpate.image import Image
from palpate.localisers.run_folder import RunFolder
from palpate.localisers.spec import scheme_from_json, scheme_to_json
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme

METHOD = "forest"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class ForestSpec:
    """Everything but the forests that is needed to use them.

    Args:
        name: recipe and study it was made from.
        scheme: the landmarks.
        variance_factor: multiplies every covariance so that it holds on held-out subjects; None
            while no subject was held out for it.
        protocol: of the study it was trained on; may be empty.
    """

    name: str
    scheme: LandmarkScheme
    variance_factor: float | None = None
    protocol: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        values = {**asdict(self), "scheme": scheme_to_json(self.scheme)}
        return {"palpate_localiser": _VERSION, "method": METHOD, **values}

    @classmethod
    def from_json(cls, values: dict[str, Any], *, where: str) -> "ForestSpec":
        """Read what ``to_json`` wrote.

        Raises:
            ConfigError: ``where`` is no such localiser of this version.
        """
        values = dict(values)
        version, method = values.pop("palpate_localiser", None), values.pop("method", None)
        if version != _VERSION or method != METHOD:
            raise ConfigError(
                f"{where}: not a localiser of forests of version {_VERSION} "
                f"(found {method!r}, {version!r})"
            )
        try:
            scheme = scheme_from_json(values.pop("scheme"))
            return cls(scheme=scheme, **values)
        except (KeyError, TypeError) as error:
            raise ConfigError(
                f"{where}: the localiser's description is damaged: {error}"
            ) from error


@dataclass(frozen=True, eq=False, slots=True)
class ForestLocaliser:
    """Searches the whole film, then fits from coarse to fine; see ``docs/rfrv-clm.md``.

    Args:
        spec: what is not in the model.
        model: shape and forests.
        weights: short hash of the model's file.
    """

    spec: ForestSpec
    model: RfrvModel
    weights: str

    @property
    def scheme(self) -> LandmarkScheme:
        """The landmarks it finds."""
        return self.spec.scheme

    @property
    def name(self) -> str:
        """Recipe and study it was made from."""
        return self.spec.name

    @property
    def protocol(self) -> str:
        """Protocol of the study it was made from; may be empty."""
        return self.spec.protocol

    @property
    def variance_factor(self) -> float | None:
        """What the spread of the votes is multiplied with."""
        return self.spec.variance_factor

    def predict(self, image: Image) -> Prediction:
        """Find the landmarks of one image, in its region; in pixels of the image as given.

        Raises:
            GeometryError: not a plane of pixels, or one grey value everywhere.
        """
        if image.axes != "yx":
            raise GeometryError(
                f"image {image.identifier!r} has axes {image.axes}; this localiser reads single "
                "planes (yx)"
            )
        x, y, width, height = image.region or (0, 0, image.size[0], image.size[1])
        try:
            found = search(self.model, image.grey()[y : y + height, x : x + width])
        except GeometryError as error:
            raise GeometryError(f"image {image.identifier!r}: {error}") from error
        return Prediction(
            self.scheme,
            found.points + np.array([x, y]),
            found.covariance * (self.variance_factor or 1.0),
            found.score,
            f"{self.name} {self.weights}",
            variation=found.variation,
            basis="uncalibrated" if self.variance_factor is None else "scaled",
        )


def load_forest(folder: RunFolder) -> ForestLocaliser:
    """Load forests that ``palpate train`` made.

    Raises:
        FormatError: the file of the model is damaged.
        ConfigError: the description is.
    """
    spec = ForestSpec.from_json(folder.description(), where=str(folder.localiser))
    return ForestLocaliser(spec, read_rfrv(folder.weights), sha256(folder.weights)[:12])
