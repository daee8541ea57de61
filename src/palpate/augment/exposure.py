"""Random exposure of a radiograph: a tone curve, noise, blur and a hidden patch."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray


@dataclass(frozen=True, slots=True)
class RandomExposure:
    """How far the grey values of a training image may change.

    Args:
        gamma: the logarithm of the exponent is uniform in +- log(1 + gamma).
        contrast: the slope about the mean is uniform in 1 +-.
        brightness: added, uniform in +- (the range is [0, 1]).
        noise: standard deviation of pixel noise, uniform up to.
        blur_px: standard deviation of a Gaussian blur, uniform up to.
        invert: probability of black for white.
        hide: probability that a rectangle is hidden, up to ``hide_size`` of the grid's sides.
        hide_size: see above.
    """

    gamma: float = 0.0
    contrast: float = 0.0
    brightness: float = 0.0
    noise: float = 0.0
    blur_px: float = 0.0
    invert: float = 0.0
    hide: float = 0.0
    hide_size: float = 0.3

    def draw(self, rng: np.random.Generator) -> "Exposure":
        """Draw everything that is random but the noise's own seed, which is drawn as a number."""
        return Exposure(
            gamma=float((1 + self.gamma) ** rng.uniform(-1, 1)),
            slope=float(1 + self.contrast * rng.uniform(-1, 1)),
            offset=float(self.brightness * rng.uniform(-1, 1)),
            inverted=bool(rng.uniform() < self.invert),
            noise=float(self.noise * rng.uniform()),
            blur_px=float(self.blur_px * rng.uniform()),
            hidden=self._hidden(rng),
            seed=int(rng.integers(2**31)),
        )

    def _hidden(self, rng: np.random.Generator) -> tuple[float, float, float, float] | None:
        share, x, y, width, height = rng.uniform(size=5)
        if share >= self.hide:
            return None
        return float(x), float(y), float(width * self.hide_size), float(height * self.hide_size)


@dataclass(frozen=True, slots=True)
class Exposure:
    """One drawn exposure; the same exposure of the same image is the same image."""

    gamma: float = 1.0
    slope: float = 1.0
    offset: float = 0.0
    inverted: bool = False
    noise: float = 0.0
    blur_px: float = 0.0
    hidden: tuple[float, float, float, float] | None = None
    seed: int = 0

    def __call__(self, grey: Float[ndarray, "y x ..."]) -> Float[ndarray, "y x ..."]:
        """Apply to grey, or to each colour alike, in [0, 1]; the result is in [0, 1]."""
        if self == Exposure(seed=self.seed):
            return grey
        steps = np.linspace(0, 1, 1024, dtype=np.float32)
        if self.inverted:
            steps = 1 - steps
        curve = np.clip((steps**self.gamma - 0.5) * self.slope + 0.5 + self.offset, 0, 1)
        out = curve.astype(np.float32)[(grey * 1023).astype(np.int32)]
        if self.blur_px > 0.2:
            out = cv2.GaussianBlur(out, (0, 0), self.blur_px)
        if self.noise > 0:
            rng = np.random.default_rng(self.seed)
            out = out + np.float32(self.noise) * rng.standard_normal(out.shape, dtype=np.float32)
        if self.hidden is not None:
            out = _hide(out, self.hidden)
        return np.clip(out, 0, 1)


def _hide(grey: ndarray, box: tuple[float, float, float, float]) -> ndarray:
    height, width = grey.shape[:2]
    x0, y0 = int(box[0] * width), int(box[1] * height)
    x1, y1 = int(x0 + box[2] * width), int(y0 + box[3] * height)
    out = grey.copy()
    if x1 > x0 and y1 > y0:
        out[y0:y1, x0:x1] = grey[y0:y1, x0:x1].mean(axis=(0, 1))
    return out
