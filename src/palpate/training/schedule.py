"""The learning rate as a function of the step, so that there is no state to restore."""

import math

from palpate.training.settings import OptimiserSettings

_WARM_UP = 0.1  # share of the steps of 'one-cycle' that climb
_START = 1 / 25  # of the peak
_END = 1e-5  # of the peak


def learning_rate(settings: OptimiserSettings, step: int, steps: int, *, epoch: int = 1) -> float:
    """Return the rate of step ``step`` of ``steps``.

    ``one-cycle`` climbs and falls along cosines (Smith and Topin 2019); ``inverse-time`` is
    rate / (1 + decay * step), as Keras' ``decay``; ``stepped`` falls by the share ``decay`` after
    every ``decay_epochs`` of ``epoch`` steps each; ``constant`` stays.

    Example:
        >>> constant = OptimiserSettings(learning_rate=0.1, schedule="constant")
        >>> learning_rate(constant, 5, 10)
        0.1
    """
    peak = settings.learning_rate
    if settings.schedule == "constant":
        return peak
    if settings.schedule == "stepped":
        return peak * (1 - settings.decay) ** (step // (settings.decay_epochs * epoch))
    if settings.schedule == "inverse-time":
        return peak / (1 + settings.decay * step)
    top = max(1.0, _WARM_UP * steps)
    if step < top:
        return _cosine(peak * _START, peak, step / top)
    return _cosine(peak, peak * _END, (step - top) / max(1.0, steps - top))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2
