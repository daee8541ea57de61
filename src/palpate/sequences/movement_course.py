"""One limb's movement over a window: the course of its end."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.arrays import locked
from palpate.sequences.movement import Movement
from palpate.sequences.movement_amount import Amount
from palpate.sequences.movement_settings import MovementSettings


@dataclass(frozen=True, eq=False, slots=True)
class Course:
    """What the end of a limb (wrist, ankle) does in a window.

    Args:
        name: of the limb.
        times_s, seconds: (frame,) when, and for how long a frame stands.
        position: (frame, d) as found; NaN where it is absent.
        speed, acceleration, jerk: (frame,) lengths of the vectors; NaN where not known.
        length_s: of the window, however many frames it has.
    """

    name: str
    times_s: Float[ndarray, " frame"]
    seconds: Float[ndarray, " frame"]
    position: Float[ndarray, "frame d"]
    speed: Float[ndarray, " frame"]
    acceleration: Float[ndarray, " frame"]
    jerk: Float[ndarray, " frame"]
    length_s: float

    def __post_init__(self) -> None:
        for name in ("times_s", "seconds", "position", "speed", "acceleration", "jerk"):
            object.__setattr__(self, name, locked(getattr(self, name)))

    @property
    def known(self) -> Bool[ndarray, " frame"]:
        """Frames in which the movement can be told."""
        return ~np.isnan(self.speed)

    @property
    def placed(self) -> Bool[ndarray, " frame"]:
        """Frames in which the movement can be told and the place was found."""
        return self.known & ~np.isnan(self.position).any(axis=-1)

    @property
    def observed_s(self) -> float:
        """For how long the movement can be told."""
        return float(self.seconds[self.known].sum())

    @property
    def observed(self) -> float:
        """Share of the window in which the movement can be told."""
        return min(1.0, self.observed_s / self.length_s) if self.length_s > 0.0 else 0.0

    def obstacle(self, settings: MovementSettings) -> Amount | None:
        """Why nothing is said of this limb in this window; None where something may be."""
        if self.observed_s == 0.0:
            return Amount(reason=f"the movement of the {self.name} is not seen in this window")
        least_s = max(settings.least_observed_s, settings.least_observed * self.length_s)
        if self.observed_s < least_s * (1.0 - 1e-9):
            return Amount(
                reason=f"the movement of the {self.name} is seen for {self.observed_s:.1f} s of "
                f"{self.length_s:.0f} s; {least_s:.1f} s are needed"
            )
        return None


def course(
    movement: Movement, name: str, joint: int, window_s: tuple[float, float] | None = None
) -> Course:
    """Cut one joint's course out of a movement, from ``window_s[0]`` up to before ``window_s[1]``.

    Without a window it is the whole movement, from the first frame to the last.

    Example:
        >>> from palpate.sequences.movement import derived
        >>> times = 0.04 * np.arange(100)
        >>> east = np.stack([5.0 * times, 0.0 * times], axis=-1)[:, None]
        >>> moved = derived(("wrist",), east, times, MovementSettings())
        >>> round(course(moved, "arm", 0, (1.0, 2.0)).observed, 2)
        1.0
    """
    times = movement.times_s
    if window_s is None:
        inside = np.ones(len(times), dtype=np.bool_)
        length_s = float(times[-1] - times[0]) if len(times) else 0.0
    else:
        inside = (times >= window_s[0]) & (times < window_s[1])
        length_s = window_s[1] - window_s[0]
    return Course(
        name=name,
        times_s=times[inside],
        seconds=movement.seconds[inside],
        position=movement.position[inside, joint],
        speed=movement.speed[inside, joint],
        acceleration=np.linalg.norm(movement.acceleration[inside, joint], axis=-1),
        jerk=np.linalg.norm(movement.jerk[inside, joint], axis=-1),
        length_s=length_s,
    )
