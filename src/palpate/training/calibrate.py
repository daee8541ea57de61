"""Scale a localiser's covariances until they hold on subjects it was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from palpate.points import Points
from palpate.prediction import Prediction

_LEVEL = 0.9


@dataclass(frozen=True, slots=True)
class VarianceCalibration:
    """The factor, and on how much it rests."""

    factor: float
    landmarks: int
    images: int


def variance_factor(
    predictions: Sequence[Prediction], truths: Sequence[Points]
) -> VarianceCalibration | None:
    """Find the factor that makes 90 % of held-out landmarks fall into their 90 % ellipse.

    None where fewer than 20 landmarks were held out: too few to say anything.
    """
    distances = []
    for prediction, truth in zip(predictions, truths, strict=True):
        both = prediction.found & truth.present
        offset = prediction.mean[both] - truth.coordinates[both]
        solved = np.linalg.solve(prediction.covariance[both], offset[..., None])[..., 0]
        distances.extend((offset * solved).sum(axis=1))
    if len(distances) < 20:
        return None
    factor = float(np.quantile(distances, _LEVEL) / chi2.ppf(_LEVEL, df=2))
    return VarianceCalibration(max(factor, 1e-6), len(distances), len(predictions))
