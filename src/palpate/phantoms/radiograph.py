"""From what the beam has to pass to a film: scatter, noise, grid, processing, window.

The picture is bright where the body is dense ('white foreground'); a film shown the other
way round is inverted last. Nothing here moves a landmark: every blur is symmetric.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator


@dataclass(frozen=True, slots=True)
class Exposure:
    """How one film was exposed and processed.

    Args:
        photons: that reach a pixel where nothing is in the way.
        blur_px: of focal spot and detector, standard deviation.
        scatter: part of the signal that is scatter.
        heel: fall of the intensity from one end of the film to the other.
        grid: strength, period in px and angle in degrees of the anti-scatter grid's lines.
        sharpen: strength of the unsharp mask.
        window: percentiles of the signal that become black and white.
        gamma: exponent of the display.
        black_foreground: whether bone is dark.
    """

    photons: float
    blur_px: float
    scatter: float
    heel: float
    grid: tuple[float, float, float]
    sharpen: float
    window: tuple[float, float]
    gamma: float
    black_foreground: bool


def draw_exposure(rng: Generator) -> Exposure:
    """Draw an exposure from underexposed and noisy to hard and clean."""
    return Exposure(
        photons=float(np.exp(rng.uniform(np.log(2_500.0), np.log(40_000.0)))),
        blur_px=float(rng.uniform(0.35, 0.95)),
        scatter=float(rng.uniform(0.05, 0.35)),
        heel=float(rng.normal(0.0, 0.15)),
        grid=(
            float(rng.uniform(0.008, 0.03)) if rng.random() < 0.3 else 0.0,
            float(rng.uniform(2.6, 6.0)),
            float(rng.choice([0.0, 90.0]) + rng.normal(0.0, 1.0)),
        ),
        sharpen=float(rng.uniform(0.0, 0.8)),
        window=(float(rng.uniform(3.0, 22.0)), float(rng.uniform(97.5, 99.9))),
        gamma=float(np.exp(rng.normal(0.0, 0.28))),
        black_foreground=bool(rng.random() < 0.35),
    )


def expose(
    attenuation: Float[ndarray, "y x"], exposure: Exposure, rng: Generator, *, noise: float = 1.0
) -> Float[ndarray, "y x"]:
    """Return the film in [0, 1], bright where dense; ``noise`` 0 leaves noise and grid out."""
    height, width = attenuation.shape
    tilt = np.linspace(-exposure.heel, exposure.heel, height, dtype=np.float32)[:, None]
    beam = np.exp(-(attenuation + tilt))
    small = cv2.resize(beam, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
    haze = cv2.resize(cv2.GaussianBlur(small, (0, 0), 4.0), (width, height))
    beam = cv2.GaussianBlur(beam, (0, 0), exposure.blur_px)
    signal = np.float32(1 - exposure.scatter) * beam + np.float32(exposure.scatter) * haze
    if noise > 0:
        mottle = cv2.GaussianBlur(rng.standard_normal((height, width), np.float32), (0, 0), 0.6)
        # The blur leaves a part of the standard deviation; the constant gives it back.
        strength = np.float32(2.1 * noise / np.sqrt(exposure.photons))
        signal = signal + strength * np.sqrt(signal) * mottle
        signal *= _grid(height, width, exposure.grid, noise)
    film = -np.log(np.maximum(signal, np.float32(0.5 / exposure.photons)))
    film += np.float32(exposure.sharpen) * (film - cv2.GaussianBlur(film, (0, 0), 4.0))
    low, high = np.percentile(film[::3, ::3], exposure.window)
    film = np.clip((film - low) / max(float(high - low), 1e-3), 0.0, 1.0)
    return (film ** np.float32(exposure.gamma)).astype(np.float32)


def _grid(
    height: int, width: int, grid: tuple[float, float, float], noise: float
) -> Float[ndarray, "y x"] | Float[ndarray, "1 1"]:
    strength, period, angle = grid
    if strength == 0.0:
        return np.ones((1, 1), np.float32)
    turn, wave = np.radians(angle), 2 * np.pi / period
    # exp(i(a + b)) is a product, which spares a sine for each pixel.
    rows = np.exp(1j * wave * np.sin(turn) * np.arange(height)).astype(np.complex64)
    columns = np.exp(1j * wave * np.cos(turn) * np.arange(width)).astype(np.complex64)
    lines = (rows[:, None] * columns[None, :]).imag
    return np.float32(1.0) + np.float32(strength * noise) * lines
