"""How little a film's landmarks are trusted: one number, the larger the less."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.io.predictions import PredictedImage

_LEAST_SCORE = 1e-3  # below it a landmark is lost; how far below says nothing


def relative_sd(predicted: PredictedImage) -> Float[ndarray, " landmark"]:
    """Stated standard deviation of each landmark, in parts of the film's diagonal.

    The root of the mean variance of its coordinates; NaN where it was not found.
    """
    prediction = predicted.prediction
    variance = np.trace(prediction.covariance, axis1=1, axis2=2) / prediction.mean.shape[1]
    return np.sqrt(np.maximum(variance, 0.0)) / float(np.hypot(*predicted.size))


def film_doubt(predicted: PredictedImage) -> float | None:
    """Mean negative logarithm of the landmarks' scores: 0 where all are 1.

    A landmark that was not found counts as one of the least score. None where none was found:
    nothing tells how far the film is to be trusted. Scores ranked films by their error as well as
    stated deviations did with networks, and much better with forests (docs/abstention.md); they
    also do not change when covariances are calibrated.
    """
    prediction = predicted.prediction
    if not prediction.found.any():
        return None
    return float(-np.log(np.maximum(prediction.score, _LEAST_SCORE)).mean())
