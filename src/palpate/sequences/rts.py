"""The Rauch-Tung-Striebel smoother: the most probable motion, past and future seen together.

Model, for each landmark: its velocity wanders (white noise acceleration), and each frame measures
the position with a known covariance. Nothing is assumed of the first position and velocity, so a
uniform motion comes back as it was, and time may run either way. The start without assumption is
exact, not a large variance, which would cost half of the digits.
"""

from dataclasses import dataclass
from math import isfinite

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.errors import ConfigError, GeometryError
from palpate.sequences.gaps import in_short_gap, refuse_negative
from palpate.sequences.presence import present
from palpate.sequences.track import refuse_disorder

# A state is (x, y, vx, vy); a position is measured.
_POSITION = np.eye(2, 4)


@dataclass(frozen=True, slots=True)
class Rts:
    """A constant-velocity Kalman filter and the smoother that runs back over it.

    Args:
        speed_change_px_s: how much the velocity wanders in a second, one standard deviation, per
            axis. Lower: smoother. Twice the resolution wants twice of it.
        sigma_px: standard deviation of a measured coordinate, the same for all; None takes each
            point's own covariance from the localiser.
        longest_gap_s: a gap is bridged up to this length; a longer one stays open and the motion
            after it is a new one. 0 bridges none.

    Raises:
        ConfigError: a number that is none of these.
    """

    speed_change_px_s: float = 100.0
    sigma_px: float | None = None
    longest_gap_s: float = 0.2

    def __post_init__(self) -> None:
        if not (isfinite(self.speed_change_px_s) and self.speed_change_px_s > 0.0):
            raise ConfigError(
                f"speed_change_px_s is a speed above 0 px/s; got {self.speed_change_px_s}"
            )
        if self.sigma_px is not None and not (isfinite(self.sigma_px) and self.sigma_px > 0.0):
            raise ConfigError(f"sigma_px is a length above 0 px, or None; got {self.sigma_px}")
        refuse_negative("longest_gap_s", self.longest_gap_s)

    @property
    def words(self) -> str:
        """The method in a report's words."""
        sigma = "of each point" if self.sigma_px is None else f"{self.sigma_px:g} px"
        return f"Kalman RTS, speed change {self.speed_change_px_s:g} px/s in 1 s, sigma {sigma}"


def rts(
    coordinates: Float[ndarray, "frame landmark 2"],
    times_s: Float[ndarray, " frame"],
    covariance: Float[ndarray, "frame landmark 2 2"] | None,
    settings: Rts,
) -> tuple[Float[ndarray, "frame landmark 2"], Float[ndarray, "frame landmark 2 2"]]:
    """Return the mean and covariance of every position, given all frames of its stretch.

    A stretch ends at a gap longer than ``settings.longest_gap_s``. Inside, frames without the
    landmark are bridged; elsewhere NaN stays NaN. A stretch of one frame comes back as measured.
    The covariance holds if errors of different frames are independent; a localiser's are often
    alike from frame to frame, and then it promises too much.

    Raises:
        ConfigError: neither a covariance nor ``settings.sigma_px``.
        GeometryError: half a position, times that do not increase, a point without covariance.

    Source:
        Rauch, Tung and Striebel, AIAA Journal 3(8), 1965; start from two points: Bar-Shalom, Li
        and Kirubarajan, Estimation with Applications to Tracking and Navigation, 2001, 5.5.3.

    Example:
        >>> straight = np.array([[[0.0, 5.0]], [[np.nan, np.nan]], [[6.0, 5.0]]])
        >>> times, settings = np.array([0.0, 0.1, 0.2]), Rts(sigma_px=1.0)
        >>> rts(straight, times, None, settings)[0].round(6)[:, 0].tolist()
        [[0.0, 5.0], [3.0, 5.0], [6.0, 5.0]]
    """
    refuse_disorder(times_s)
    film = _Film.of(coordinates, times_s, covariance, settings)
    mean, spread = _filtered(film)
    _smooth_back(film, mean, spread)
    inside = film.inside[..., None]
    return (
        np.where(inside, mean[..., :2], np.nan),
        np.where(inside[..., None], spread[..., :2, :2], np.nan),
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Film:
    """What was measured, and which frames belong together.

    Args:
        times_s: (frame,)
        there, inside: measured; measured or bridged.
        measured, noise: position and covariance, finite everywhere, used where ``there``.
        first: the first frame of the stretch.
        seen: how many frames of the stretch were measured, up to this one. After one nothing is
            known of the velocity; after two there is a proper distribution of the state.
        drift: variance of the change of velocity in a second.
    """

    times_s: Float[ndarray, " frame"]
    there: Bool[ndarray, "frame landmark"]
    inside: Bool[ndarray, "frame landmark"]
    measured: Float[ndarray, "frame landmark 2"]
    noise: Float[ndarray, "frame landmark 2 2"]
    first: Int[ndarray, "frame landmark"]
    seen: Int[ndarray, "frame landmark"]
    drift: float

    @classmethod
    def of(
        cls,
        coordinates: Float[ndarray, "frame landmark 2"],
        times_s: Float[ndarray, " frame"],
        covariance: Float[ndarray, "frame landmark 2 2"] | None,
        settings: Rts,
    ) -> "_Film":
        """Find the stretches."""
        there = present(coordinates)
        inside = there | in_short_gap(there, times_s, settings.longest_gap_s)
        opens = inside.copy()
        opens[1:] &= ~inside[:-1]
        index = np.arange(len(there))[:, None]
        first = np.maximum.accumulate(np.where(opens, index, 0), axis=0)
        total = np.cumsum(there, axis=0)
        seen = total - np.take_along_axis(total, first, axis=0) + 1 if len(there) else total
        measured = np.where(there[..., None], coordinates, 0.0)
        noise = _measurement_noise(there, covariance, settings.sigma_px)
        drift = settings.speed_change_px_s**2
        return cls(times_s, there, inside, measured, noise, first, seen, drift)

    def motion(self, t: int) -> tuple[Float[ndarray, "4 4"], Float[ndarray, "4 4"]]:
        """From frame t to the next: what moves the state, and the covariance of the wandering."""
        step_s = float(self.times_s[t + 1] - self.times_s[t])
        return _move(step_s), self.drift * _wander(step_s)


def _measurement_noise(
    there: Bool[ndarray, "frame landmark"],
    covariance: Float[ndarray, "frame landmark 2 2"] | None,
    sigma_px: float | None,
) -> Float[ndarray, "frame landmark 2 2"]:
    if sigma_px is not None:
        return np.broadcast_to(sigma_px**2 * np.eye(2), (*there.shape, 2, 2))
    if covariance is None:
        raise ConfigError(
            "the smoother must know how well a point was measured, and the track has no "
            "covariance; give sigma_px"
        )
    lacking = there & ~np.isfinite(covariance).all(axis=(-2, -1))
    if lacking.any():
        frame, landmark = np.argwhere(lacking)[0]
        raise GeometryError(
            f"frame {frame} (counted from 0), landmark {landmark}: the point has no finite "
            "covariance; give one, or sigma_px for all"
        )
    return np.where(there[..., None, None], covariance, np.eye(2))


def _filtered(
    film: _Film,
) -> tuple[Float[ndarray, "frame landmark 4"], Float[ndarray, "frame landmark 4 4"]]:
    """State of every landmark, given the frames up to each, once it was seen twice."""
    mean = np.zeros((*film.there.shape, 4))
    spread = np.zeros((*film.there.shape, 4, 4))
    begins = film.there & (film.seen == 2)
    runs = film.inside & (film.seen >= 2) & ~begins
    mean[begins], spread[begins] = _from_two_points(film, *np.nonzero(begins))
    for t in range(1, len(mean)):
        k = np.flatnonzero(runs[t])
        move, wander = film.motion(t - 1)
        mean[t, k] = mean[t - 1, k] @ move.T
        spread[t, k] = move @ spread[t - 1, k] @ move.T + wander
        k = np.flatnonzero(runs[t] & film.there[t])
        gain = _gain(spread[t, k], _POSITION, film.noise[t, k])
        mean[t, k] += _times(gain, film.measured[t, k] - mean[t, k, :2])
        spread[t, k] -= _symmetric(gain @ spread[t, k, :2])
    return mean, spread


def _from_two_points(
    film: _Film, frame: Int[ndarray, " n"], landmark: Int[ndarray, " n"]
) -> tuple[Float[ndarray, "n 4"], Float[ndarray, "n 4 4"]]:
    """State at the second measurement: it has the position, the velocity is the difference."""
    first = film.first[frame, landmark]
    passed_s = (film.times_s[frame] - film.times_s[first])[:, None]
    here, before = film.measured[frame, landmark], film.measured[first, landmark]
    noise, noise_before = film.noise[frame, landmark], film.noise[first, landmark]
    passed = passed_s[..., None]
    velocity = (noise + noise_before) / passed**2 + film.drift * passed / 3.0 * np.eye(2)
    mean = np.concatenate([here, (here - before) / passed_s], axis=-1)
    upper = np.concatenate([noise, noise / passed], axis=-1)
    lower = np.concatenate([noise / passed, velocity], axis=-1)
    return mean, np.concatenate([upper, lower], axis=-2)


def _smooth_back(
    film: _Film,
    mean: Float[ndarray, "frame landmark 4"],
    spread: Float[ndarray, "frame landmark 4 4"],
) -> None:
    """Turn what was known of each frame from the past into what is known from all frames."""
    linked = np.zeros_like(film.inside)
    linked[:-1] = film.inside[:-1] & film.inside[1:]
    alone = film.there & (film.seen == 1) & ~linked
    mean[alone, :2], spread[alone, :2, :2] = film.measured[alone], film.noise[alone]
    for t in range(len(mean) - 2, -1, -1):
        move, wander = film.motion(t)
        k = np.flatnonzero(linked[t] & (film.seen[t] >= 2))
        ahead = move @ spread[t, k] @ move.T + wander
        gain = np.swapaxes(np.linalg.solve(ahead, move @ spread[t, k]), -1, -2)
        mean[t, k] += _times(gain, mean[t + 1, k] - mean[t, k] @ move.T)
        more = spread[t + 1, k] - ahead
        spread[t, k] += _symmetric(gain @ more @ np.swapaxes(gain, -1, -2))
        k = np.flatnonzero(linked[t] & (film.seen[t] == 1))
        if not k.size:  # as in most frames
            continue
        mean[t, k], spread[t, k] = _before_the_second(film, t, k, mean[t + 1, k], spread[t + 1, k])


def _before_the_second(
    film: _Film,
    t: int,
    k: Int[ndarray, " k"],
    mean: Float[ndarray, "k 4"],
    spread: Float[ndarray, "k 4 4"],
) -> tuple[Float[ndarray, "k 4"], Float[ndarray, "k 4 4"]]:
    """State at frame t, when the past is one measurement, from the smoothed state at t + 1.

    The filter has no distribution here, but t + 1 has, so the motion is run backwards: without
    an assumption on the past, that is the same motion with the step negative. The one
    measurement then tells of the state what it was at its time: x - passed * v.
    """
    step_s = float(film.times_s[t + 1] - film.times_s[t])
    back, wander = _move(-step_s), -film.drift * _wander(-step_s)
    first = film.first[t, k]
    passed = (film.times_s[t] - film.times_s[first])[:, None, None]
    look = np.concatenate([np.broadcast_to(np.eye(2), (len(k), 2, 2)), -passed * np.eye(2)], -1)
    noise = film.noise[first, k] + film.drift * passed**3 / 3.0 * np.eye(2)
    gain = _gain(wander, look, noise)
    rest = np.eye(4) - gain @ look
    both = rest @ (back @ spread @ back.T + wander) @ np.swapaxes(rest, -1, -2)
    return (
        _times(rest, mean @ back.T) + _times(gain, film.measured[first, k]),
        _symmetric(both + gain @ noise @ np.swapaxes(gain, -1, -2)),
    )


def _move(step_s: float) -> Float[ndarray, "4 4"]:
    move = np.eye(4)
    move[0, 2] = move[1, 3] = step_s
    return move


def _wander(step_s: float) -> Float[ndarray, "4 4"]:
    """Covariance of the state after a step of white noise acceleration of unit density."""
    p, pv, v = step_s**3 / 3.0, step_s**2 / 2.0, step_s
    return np.array([[p, 0.0, pv, 0.0], [0.0, p, 0.0, pv], [pv, 0.0, v, 0.0], [0.0, pv, 0.0, v]])


def _gain(
    spread: Float[ndarray, "*k 4 4"], look: Float[ndarray, "*j 2 4"], noise: Float[ndarray, "k 2 2"]
) -> Float[ndarray, "k 4 2"]:
    """How far a measurement of ``look @ state`` moves the state (Kalman's gain)."""
    seen = look @ spread
    return np.swapaxes(np.linalg.solve(seen @ np.swapaxes(look, -1, -2) + noise, seen), -1, -2)


def _times(
    matrices: Float[ndarray, "k n m"], vectors: Float[ndarray, "k m"]
) -> Float[ndarray, "k n"]:
    return (matrices @ vectors[..., None])[..., 0]


def _symmetric(matrices: Float[ndarray, "k n n"]) -> Float[ndarray, "k n n"]:
    """Without the asymmetry of rounding."""
    return (matrices + np.swapaxes(matrices, -1, -2)) / 2.0
