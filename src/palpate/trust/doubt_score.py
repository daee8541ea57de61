"""How little a film's landmarks are trusted: one number, the larger the less."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.io.predictions import PredictedImage


def relative_sd(predicted: PredictedImage) -> Float[ndarray, " landmark"]:
    """Stated standard deviation of each landmark, in parts of the film's diagonal.

    The root of the mean variance of its coordinates; NaN where it was not found.
    """
    prediction = predicted.prediction
    variance = np.trace(prediction.covariance, axis1=1, axis2=2) / prediction.mean.shape[1]
    return np.sqrt(np.maximum(variance, 0.0)) / float(np.hypot(*predicted.size))


def film_doubt(predicted: PredictedImage) -> float | None:
    """Mean logarithm of the landmarks' relative standard deviations.

    None where no landmark was found or none has an uncertainty: nothing tells how far the film
    is to be trusted.
    """
    sd = relative_sd(predicted)
    known = sd[np.nan_to_num(sd) > 0]
    return float(np.log(known).mean()) if len(known) else None
