"""Speed, acceleration and jerk of every joint, from positions that shake and are missing at times.

A cubic is fitted to the positions around each frame (least squares, every position counts alike),
on the clock as it is: for even steps this is the filter of Savitzky and Golay. Nothing is taken
across a gap or beyond the last sight of a joint, so that a missing stretch is neither rest nor
movement.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.arrays import locked
from palpate.errors import GeometryError
from palpate.sequences.movement_settings import MovementSettings
from palpate.sequences.outliers import outliers
from palpate.sequences.track import Track, refuse_disorder

# Slower clocks tell too little of a movement: three frames a second.
SLOWEST_STEP_S = 0.35
_DEGREE = 3
_LEAST_POINTS = 6
# Frames whose neighbourhoods are gathered at once: some 20 MB for a dozen joints.
_AT_ONCE = 4000


@dataclass(frozen=True, eq=False, slots=True)
class Movement:
    """Derivatives of every joint on a clock.

    Args:
        names: of the joints.
        times_s: (frame,)
        seconds: (frame,) how much time a frame stands for; the middle of a gap belongs to none.
        position: (frame, joint, d) as given, without the positions that jump.
        velocity, acceleration, jerk: (frame, joint, d), per second, second² and second³; NaN
            where they cannot be told.
        half_width_s: of the fit, as used.
        jumped: how many positions were left out because they jump.
    """

    names: tuple[str, ...]
    times_s: Float[ndarray, " frame"]
    seconds: Float[ndarray, " frame"]
    position: Float[ndarray, "frame joint d"]
    velocity: Float[ndarray, "frame joint d"]
    acceleration: Float[ndarray, "frame joint d"]
    jerk: Float[ndarray, "frame joint d"]
    half_width_s: float
    jumped: int = 0

    def __post_init__(self) -> None:
        names = ("times_s", "seconds", "position", "velocity", "acceleration", "jerk")
        for name in names:
            object.__setattr__(self, name, locked(getattr(self, name)))
        shapes = {getattr(self, name).shape for name in names[2:]}
        if len(shapes) > 1 or self.position.shape[:2] != (self.times_s.size, len(self.names)):
            raise GeometryError(
                f"{self.times_s.size} times and {len(self.names)} joints do not fit {shapes}"
            )

    @property
    def speed(self) -> Float[ndarray, "frame joint"]:
        """Length of the velocity; NaN where it cannot be told."""
        return np.linalg.norm(self.velocity, axis=-1)

    @property
    def known(self) -> Bool[ndarray, "frame joint"]:
        """Where the movement of a joint can be told."""
        return ~np.isnan(self.velocity).any(axis=-1)


def movement_of(track: Track, settings: MovementSettings) -> Movement:
    """Derive the movement of every landmark of a track, in px.

    Example:
        >>> times = 0.04 * np.arange(50)
        >>> wrist = np.stack([30.0 * times, 40.0 * times], axis=-1)[:, None]
        >>> moved = movement_of(Track(("wrist",), wrist, times), MovementSettings())
        >>> round(float(moved.speed[25, 0]), 6)
        50.0
    """
    return derived(track.names, track.coordinates, track.times_s, settings)


def derived(
    names: tuple[str, ...],
    coordinates: Float[ndarray, "frame joint d"],
    times_s: Float[ndarray, " frame"],
    settings: MovementSettings,
) -> Movement:
    """Derive the movement from positions in any unit, in two or three dimensions.

    NaN is absence. An absence that is no longer than the longest gap does not matter: the cubic
    has positions on both sides of it. What cannot be told is NaN: a joint that lacks positions on
    either side (half of the fit's half width at least), whatever is in or beside a gap, and
    everything where frames are further apart than 0.35 s.

    Raises:
        GeometryError: times that do not increase, shapes that do not fit.

    Source:
        Savitzky and Golay, Analytical Chemistry 36(8), 1964; on an uneven clock: local polynomial
        regression, Fan and Gijbels, Local Polynomial Modelling and Its Applications, 1996.
    """
    refuse_disorder(times_s)
    if coordinates.shape[:2] != (len(times_s), len(names)):
        raise GeometryError(
            f"{len(times_s)} times and {len(names)} names need as many positions, "
            f"got {coordinates.shape}"
        )
    position, jumped = _without_jumps(coordinates, times_s, settings)
    step_s = _step_s(times_s)
    half_width_s = max(settings.half_width_s, 3.5 * step_s)
    longest_s = _longest_s(times_s, settings)
    found = np.full((_DEGREE, *position.shape), np.nan)
    if 0.0 < step_s <= SLOWEST_STEP_S:
        _fill(found, position, times_s, (half_width_s, longest_s))
    return Movement(
        names=names,
        times_s=times_s,
        seconds=_seconds(times_s, longest_s),
        position=position,
        velocity=found[0],
        acceleration=found[1],
        jerk=found[2],
        half_width_s=half_width_s,
        jumped=jumped,
    )


def _without_jumps(
    coordinates: Float[ndarray, "frame joint d"],
    times_s: Float[ndarray, " frame"],
    settings: MovementSettings,
) -> tuple[Float[ndarray, "frame joint d"], int]:
    if settings.jumps is None or not len(times_s):
        return coordinates, 0
    wrong = outliers(coordinates[..., :2], times_s, settings.jumps)
    return np.where(wrong[..., None], np.nan, coordinates), int(wrong.sum())


def gap_seconds(
    times_s: Float[ndarray, " frame"], window_s: tuple[float, float], settings: MovementSettings
) -> float:
    """How much of a window lies between frames that are too far apart, or beyond all of them.

    Example:
        >>> gap_seconds(np.array([0.0, 0.1, 0.2, 9.0, 9.1]), (0.0, 9.15), MovementSettings())
        8.85
    """
    edges = np.concatenate([[-np.inf], times_s, [np.inf]])
    wide = np.flatnonzero(np.diff(edges) > _longest_s(times_s, settings) * (1.0 + 1e-9))
    from_s = np.maximum(edges[wide], window_s[0])
    to_s = np.minimum(edges[wide + 1], window_s[1])
    return round(float(np.maximum(to_s - from_s, 0.0).sum()), 6)


def _step_s(times_s: Float[ndarray, " frame"]) -> float:
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else SLOWEST_STEP_S


def _longest_s(times_s: Float[ndarray, " frame"], settings: MovementSettings) -> float:
    """The longest step between two frames that is no gap."""
    return max(settings.longest_gap_s, 2.5 * min(_step_s(times_s), SLOWEST_STEP_S))


def _seconds(times_s: Float[ndarray, " frame"], longest_s: float) -> Float[ndarray, " frame"]:
    """Half of the steps on either side of each frame; of a gap, no more than the longest step."""
    if len(times_s) < 2:
        return np.zeros(len(times_s))
    half = np.minimum(np.diff(times_s), longest_s) / 2.0
    return np.append(half, 0.0) + np.insert(half, 0, 0.0)


def _fill(
    found: Float[ndarray, "order frame joint d"],
    position: Float[ndarray, "frame joint d"],
    times_s: Float[ndarray, " frame"],
    reach_s: tuple[float, float],
) -> None:
    """Derive joints that are there in the same frames together: they share the fit's matrices."""
    there = ~np.isnan(position).any(axis=-1)
    patterns, which = np.unique(there.T, axis=0, return_inverse=True)
    for k, pattern in enumerate(patterns):
        frames = np.flatnonzero(pattern)
        joints = np.flatnonzero(which.reshape(-1) == k)
        if len(frames) < _LEAST_POINTS:
            continue
        values = position[np.ix_(frames, joints)]
        course = _Course(times_s[frames], values.reshape(len(frames), -1), *reach_s)
        for start in range(0, len(times_s), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            orders = course.derivatives(times_s[part])
            found[:, part, joints] = orders.reshape(_DEGREE, -1, *values.shape[1:])


@dataclass(frozen=True, eq=False, slots=True)
class _Course:
    """Positions without a hole in the rows, though with gaps in time.

    Args:
        times_s: (sample,)
        values: (sample, column)
        half_width_s: of the fit.
        longest_s: the longest step that a fit may hold.
    """

    times_s: Float[ndarray, " sample"]
    values: Float[ndarray, "sample column"]
    half_width_s: float
    longest_s: float

    def derivatives(self, now_s: Float[ndarray, " moment"]) -> Float[ndarray, "order moment _"]:
        """Velocity, acceleration and jerk at some moments; NaN where the fit has no ground."""
        low, high = self._around(now_s)
        good = self._grounded(now_s, low, high)
        index = low[:, None] + np.arange(max(1, int((high - low).max())))
        inside = index < high[:, None]
        index = np.minimum(index, len(self.times_s) - 1)
        aside = np.where(inside, (self.times_s[index] - now_s[:, None]) / self.half_width_s, 0.0)
        ones = inside.astype(np.float64)
        powers = np.stack([ones, aside, aside**2, aside**2 * aside], axis=1)
        normal = powers @ np.swapaxes(powers, 1, 2)
        normal[~good] = np.eye(_DEGREE + 1)
        # From a sample nearby, so that the digits go into the movement, not into the place.
        around = self.values[index] - self.values[index[:, :1]]
        fitted = np.linalg.solve(normal, powers @ around)[:, 1:]
        fitted[~good] = np.nan
        orders = np.arange(1, _DEGREE + 1)
        factor = np.cumprod(orders) / self.half_width_s**orders
        return np.moveaxis(fitted * factor[:, None], 1, 0)

    def _around(
        self, now_s: Float[ndarray, " moment"]
    ) -> tuple[Int[ndarray, " moment"], Int[ndarray, " moment"]]:
        """First sample of each fit and the one after its last.

        Where a short absence takes most of one side, the fit reaches over it.
        """
        half, least = self.half_width_s * (1.0 + 1e-9), self.half_width_s / 2.0 * (1.0 - 1e-9)
        first = np.searchsorted(self.times_s, now_s - half, side="left")
        stop = np.searchsorted(self.times_s, now_s + half, side="right")
        before = np.searchsorted(self.times_s, now_s - least, side="right") - 1
        after = np.searchsorted(self.times_s, now_s + least, side="left") + 1
        low = np.maximum(np.minimum(first, before), 0)
        return low, np.minimum(np.maximum(stop, after), len(self.times_s))

    def _grounded(
        self,
        now_s: Float[ndarray, " moment"],
        low: Int[ndarray, " moment"],
        high: Int[ndarray, " moment"],
    ) -> Bool[ndarray, " moment"]:
        """Say where there are enough samples, on both sides, and no gap among them."""
        wide = np.diff(self.times_s) > self.longest_s * (1.0 + 1e-9)
        gaps = np.append(0, np.cumsum(wide))
        first, last = np.minimum(low, len(gaps) - 1), np.maximum(high - 1, 0)
        least_s = 0.5 * self.half_width_s * (1.0 - 1e-9)
        beside = (now_s - self.times_s[first] >= least_s) & (self.times_s[last] - now_s >= least_s)
        return (high - low >= _LEAST_POINTS) & beside & (gaps[last] == gaps[first])
