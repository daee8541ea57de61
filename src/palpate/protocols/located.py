"""The landmarks of one image, found or marked, with all that a measurement asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.affine import Affine
from palpate.conformal.measurement_scores import MeasurementScores
from palpate.errors import GeometryError
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.measurement import Report
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.measure import measure, measure_points
from palpate.protocols.protocol import Protocol


@dataclass(frozen=True, eq=False, slots=True)
class LocatedCase:
    """One image, ready to be measured.

    Args:
        image: its identifier.
        subject: may be empty.
        landmarks: a prediction, or points that a person marked.
        size: (width, height) in px; None where not known.
        calibration: None where the image is not calibrated.
        provenance: beside that of the measurement.
    """

    image: str
    subject: str
    landmarks: Prediction | Points
    size: tuple[int, int] | None = None
    calibration: Calibration | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))

    @property
    def points(self) -> Points:
        """Where the landmarks are, in px of the image."""
        return self.landmarks.points if isinstance(self.landmarks, Prediction) else self.landmarks

    @property
    def covariance(self) -> Float[ndarray, "landmark d d"] | None:
        """Of each landmark, in px; None for an annotation, of which nobody knows it."""
        return self.landmarks.covariance if isinstance(self.landmarks, Prediction) else None

    @property
    def spacing(self) -> Float[ndarray, " 2"]:
        """Millimetres of a pixel along (x, y); 1 where the image is not calibrated.

        Raises:
            GeometryError: a calibration of another number of axes.
        """
        if self.calibration is None:
            return np.ones(2)
        spacing = np.asarray(self.calibration.spacing_mm, dtype=float)
        if spacing.shape != (2,):
            raise GeometryError(f"a two-dimensional image needs two spacings, got {len(spacing)}")
        return spacing

    def mirrored(self) -> "LocatedCase":
        """Return the case as its mirror image shows it; mirror pairs of names change places."""
        matrix = np.diag([-1.0, 1.0, 1.0])
        matrix[0, 2] = 0.0 if self.size is None else self.size[0] - 1.0
        affine = Affine(matrix, "pixel", "pixel")
        if isinstance(self.landmarks, Points):
            return replace(self, landmarks=self.landmarks.mirrored(affine))
        moved, order = self.landmarks.moved(affine), self.landmarks.scheme.mirror_order()
        one, variation = moved.correlation, moved.variation
        turned = replace(
            moved,
            mean=moved.mean[order],
            covariance=moved.covariance[order],
            score=moved.score[order],
            correlation=None if one is None else one.of(order.tolist()),
            variation=None if variation is None else variation[order],
        )
        return replace(self, landmarks=turned)

    def report(
        self,
        protocol: Protocol,
        *,
        level: float,
        scores: Mapping[str, MeasurementScores] | None = None,
    ) -> Report:
        """Measure every quantity of a protocol.

        ``scores`` are as :func:`palpate.protocols.measure.measure` takes them; an annotation has
        no use for them.

        Raises:
            ConfigError: a quantity needs a landmark that is not in the scheme.
            GeometryError: landmarks that are not two-dimensional or not in pixels, or scores of
                another unit.
        """
        if isinstance(self.landmarks, Points):
            report = measure_points(protocol, self.landmarks, self.calibration, size=self.size)
        else:
            image = PredictedImage(
                self.image,
                self.landmarks,
                self.size or (0, 0),
                self.subject,
                calibration=self.calibration,
            )
            report = measure(protocol, image, level=level, scores=scores)
        return replace(
            report,
            subject=self.subject,
            image=self.image,
            provenance={**self.provenance, **report.provenance},
        )
