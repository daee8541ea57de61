"""What a summary of movement takes for granted: bandwidth, thresholds, least lengths."""

from dataclasses import dataclass
from math import isfinite

from palpate.errors import ConfigError
from palpate.sequences.outliers import Hampel

_JUMPS = Hampel()


@dataclass(frozen=True, slots=True)
class MovementSettings:
    """How courses become speeds, and speeds become bouts of movement.

    Args:
        half_width_s: derivatives come from a cubic through the positions of this many seconds to
            either side; half of the speed is left at 0.75 / half_width_s Hz. With a slow clock
            it grows to 3.5 frames.
        longest_gap_s: derivatives are not taken across a longer gap (with a slow clock: 2.5
            frames), and no time in it counts as observed.
        active_above: a limb moves where its end is faster, in body lengths a second (trunk
            length, where the scheme has one). 0.2 is 2 to 3 cm/s for a preterm infant.
        shortest_bout_s: a shorter movement is not a bout; noise makes such.
        bridge_s: a rest of at most this length inside a movement does not end it.
        least_observed: a limb's values of a window are given if it was observed for this share.
        least_observed_s: and for this many seconds.
        least_score: a joint with a lower score counts as absent, where scores are given.
        jumps: positions that jump by this rule are left out before; None leaves out none.

    Raises:
        ConfigError: a number that is none of these.

    Example:
        >>> MovementSettings().active_above
        0.2
    """

    half_width_s: float = 0.25
    longest_gap_s: float = 0.2
    active_above: float = 0.2
    shortest_bout_s: float = 0.3
    bridge_s: float = 0.3
    least_observed: float = 0.2
    least_observed_s: float = 2.0
    least_score: float = 0.0
    jumps: Hampel | None = _JUMPS

    def __post_init__(self) -> None:
        for name in ("half_width_s", "longest_gap_s", "active_above"):
            value = getattr(self, name)
            if not (isfinite(value) and value > 0.0):
                raise ConfigError(f"{name} is a number above 0; got {value}")
        for name in ("shortest_bout_s", "bridge_s", "least_observed_s"):
            value = getattr(self, name)
            if not (isfinite(value) and value >= 0.0):
                raise ConfigError(f"{name} is a time in seconds, 0 or more; got {value}")
        for name in ("least_observed", "least_score"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise ConfigError(f"{name} is a share in [0, 1]; got {value}")
