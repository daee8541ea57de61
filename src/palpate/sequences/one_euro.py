"""The One-Euro filter: smooth at rest, quick in motion, and it needs no future."""

from dataclasses import dataclass
from math import isfinite, pi

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import ConfigError
from palpate.sequences.gaps import refuse_negative
from palpate.sequences.presence import present
from palpate.sequences.track import refuse_disorder


@dataclass(frozen=True, slots=True)
class OneEuro:
    """A low-pass filter whose cut-off rises with the speed.

    Args:
        min_cutoff_hz: cut-off of a point at rest. Lower: less jitter, more lag.
        beta: Hz by which each px/s raises the cut-off. Higher: less lag in motion, more jitter.
            Twice the resolution wants half of it.
        d_cutoff_hz: cut-off of the speed; 1 Hz in the paper.
        longest_gap_s: gaps up to this length are filled by straight lines before; 0 for none, and
            then nothing depends on later frames.

    Raises:
        ConfigError: a number that is none of these.
    """

    min_cutoff_hz: float = 1.0
    beta: float = 0.02
    d_cutoff_hz: float = 1.0
    longest_gap_s: float = 0.2

    def __post_init__(self) -> None:
        for name in ("min_cutoff_hz", "d_cutoff_hz"):
            value = getattr(self, name)
            if not (isfinite(value) and value > 0.0):
                raise ConfigError(f"{name} is a frequency above 0 Hz; got {value}")
        if not (isfinite(self.beta) and self.beta >= 0.0):
            raise ConfigError(f"beta is a number, 0 or more; got {self.beta}")
        refuse_negative("longest_gap_s", self.longest_gap_s)

    @property
    def words(self) -> str:
        """The method in a report's words; the speed's cut-off only where it is not the paper's."""
        usual = f"One-Euro, min_cutoff {self.min_cutoff_hz:g} Hz, beta {self.beta:g}"
        return usual if self.d_cutoff_hz == 1.0 else f"{usual}, d_cutoff {self.d_cutoff_hz:g} Hz"


def one_euro(
    coordinates: Float[ndarray, "frame landmark 2"],
    times_s: Float[ndarray, " frame"],
    settings: OneEuro,
) -> Float[ndarray, "frame landmark 2"]:
    """Filter every landmark and axis for itself, from the past alone.

    NaN stays NaN, and after it the filter starts anew: what was known before a gap says little
    of the speed after it. ``settings.longest_gap_s`` has no say here.

    Raises:
        GeometryError: half a position, or times that do not increase.

    Source:
        Casiez, Roussel and Vogel, "1 € filter: a simple speed-based low-pass filter for noisy
        input in interactive systems", CHI 2012, algorithm 1, with the true time steps.

    Example:
        >>> jump = np.array([[[0.0, 5.0]], [[1.0, 5.0]]])
        >>> out = one_euro(jump, np.array([0.0, 1.0 / (2.0 * np.pi)]), OneEuro(beta=0.0))
        >>> out[:, 0].tolist()
        [[0.0, 5.0], [0.5, 5.0]]
    """
    refuse_disorder(times_s)
    present(coordinates)
    smooth = np.full_like(coordinates, np.nan)
    last = np.full(coordinates.shape[1:], np.nan)
    speed = np.zeros_like(last)
    for frame, now in enumerate(coordinates):
        fresh = np.isnan(last)
        step_s = times_s[frame] - times_s[frame - 1] if frame else np.inf
        seen = np.where(fresh, 0.0, (now - last) / step_s)
        speed = np.where(fresh, 0.0, speed + _weight(settings.d_cutoff_hz, step_s) * (seen - speed))
        cutoff_hz = settings.min_cutoff_hz + settings.beta * np.abs(speed)
        last = np.where(fresh, now, last + _weight(cutoff_hz, step_s) * (now - last))
        smooth[frame] = last
    return smooth


def _weight(
    cutoff_hz: Float[ndarray, "..."] | float, step_s: float
) -> Float[ndarray, "..."] | float:
    """How much of the new value counts: a low-pass filter of first order."""
    return 1.0 / (1.0 + 1.0 / (2.0 * pi * cutoff_hz * step_s))
