"""Signals that movement is made of: slow drift, quick events, and one state after the other.

All are arrays over the frames of a clip, drawn from a generator.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from scipy.ndimage import gaussian_filter1d

Signal = Float[ndarray, " frame"]


def drift(rng: Generator, frames: int, rate_hz: float, slow_s: float) -> Signal:
    """Smooth Gaussian noise of variance one; ``slow_s`` is the SD of its smoothing in s.

    Example:
        >>> round(float(drift(np.random.default_rng(0), 20000, 25.0, 0.2).std()), 1)
        1.0
    """
    sigma = slow_s * rate_hz
    margin = int(4 * sigma) + 1
    white = rng.standard_normal(frames + 2 * margin)
    # A Gaussian of SD s averages white noise to the variance 1 / (2 s sqrt(pi)).
    smooth = gaussian_filter1d(white, sigma, mode="wrap") * np.sqrt(2 * sigma * np.sqrt(np.pi))
    return smooth[margin : margin + frames]


def bumps(
    rng: Generator, frames: int, rate_hz: float, *, every_s: float, lasts_s: tuple[float, float]
) -> Signal:
    """Events that rise to a random height in [0.5, 1], stay, and go; about one every ``every_s``.

    An event may begin before the clip or end after it.
    """
    times = np.arange(frames) / rate_hz
    signal = np.zeros(frames)
    for _ in range(int(rng.poisson((times[-1] + 2.0) / every_s))):
        middle, lasts = rng.uniform(-1.0, times[-1] + 1.0), rng.uniform(*lasts_s)
        away = np.abs(times - middle) / (lasts / 2)
        bump = 0.5 * (1 + np.cos(np.pi * np.clip(2 * away - 1, 0.0, 1.0)))
        signal = np.maximum(signal, rng.uniform(0.5, 1.0) * bump)
    return signal


def weights_of(
    states: list[int], lasts_s: list[float], count: int, frames: int, rate_hz: float
) -> Float[ndarray, "frame state"]:
    """How much each state holds in each frame: one after the other, with soft passages.

    Rows sum to one.
    """
    ends = np.cumsum(lasts_s)
    at = np.searchsorted(ends, np.arange(frames) / rate_hz, side="right")
    hard = np.eye(count)[np.array(states)[np.minimum(at, len(states) - 1)]]
    return gaussian_filter1d(hard, 0.09 * rate_hz, axis=0, mode="nearest")
