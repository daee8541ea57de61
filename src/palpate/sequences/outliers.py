"""Points that jump: flagged for a person, never removed."""

from dataclasses import dataclass
from itertools import combinations
from math import isfinite, log, sqrt

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.ndimage import maximum_filter1d

from palpate.errors import ConfigError
from palpate.sequences.presence import present
from palpate.sequences.rolling import rolling_median
from palpate.sequences.track import refuse_disorder

# Half of the radii of a round normal distribution with standard deviation 1 are below this.
_MEDIAN_RADIUS = sqrt(2.0 * log(2.0))

# A point is judged by as many frames on either side. Three of them, not all on one side, make a
# parabola; the median of these 48 follows a swinging arm and does not heed one wrong frame.
_ASIDE = 4
_AROUND = tuple(offset for offset in range(-_ASIDE, _ASIDE + 1) if offset)
# Each pass finds one wrong frame of a neighbourhood; more passes eat up quick movements.
_IN_A_ROW = 3
_TRIPLES = tuple(
    triple for triple in combinations(_AROUND, 3) if min(triple) < 0 and max(triple) > 0
)


@dataclass(frozen=True, slots=True)
class Hampel:
    """When a point is called an outlier.

    Args:
        window_s: how far in time, half to either side, the points may be that judge a point.
        limit: an outlier is farther off its course than this many robust standard deviations per
            axis of what is usual in the window.
        floor_px: and farther than this: a point that is nearly still does not jump.
        speed_limit_px_s: faster than this nobody moves; None sets no limit.

    Raises:
        ConfigError: a number that is not above 0 (``floor_px``: below 0).

    Source:
        Hampel, "The influence curve and its role in robust estimation", JASA 69, 1974; as a
        filter: Pearson, IEEE Trans. Control Systems Technology 10(1), 2002. There the course is
        the running median of the signal, which calls every turn of a quick arm an outlier; here
        it is the median of parabolas through the neighbours.
    """

    window_s: float = 0.8
    limit: float = 5.0
    floor_px: float = 1.0
    speed_limit_px_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("window_s", "limit", "speed_limit_px_s"):
            value = getattr(self, name)
            if value is not None and not (isfinite(value) and value > 0.0):
                raise ConfigError(f"{name} is a number above 0; got {value}")
        if not (isfinite(self.floor_px) and self.floor_px >= 0.0):
            raise ConfigError(f"floor_px is a length of 0 px or more; got {self.floor_px}")


def outliers(
    coordinates: Float[ndarray, "frame landmark 2"],
    times_s: Float[ndarray, " frame"],
    settings: Hampel,
) -> Bool[ndarray, "frame landmark"]:
    """Flag the points that jump off their landmark's course, or move faster than anybody can.

    An absent point is no outlier. A point with fewer than four others on either side within the
    window, as at the clip's ends and beside a gap, is judged by its speed alone. Wrong points in
    a row: up to three are found, more only by their speed. A limb that is out and back within
    0.4 s may be flagged; that is why a person looks. What is usual cannot be told from less than
    a dozen frames.

    Raises:
        GeometryError: half a position, or times that do not increase.

    Example:
        >>> still = np.tile([[[5.0, 5.0]]], (25, 1, 1))
        >>> still[12] += 30.0
        >>> np.flatnonzero(outliers(still, 0.04 * np.arange(25), Hampel())).tolist()
        [12]
    """
    refuse_disorder(times_s)
    there = present(coordinates)
    flags = np.zeros(there.shape, dtype=np.bool_)
    for landmark, column in enumerate(there.T):
        seen = np.flatnonzero(column)
        path, clock = coordinates[seen, landmark], times_s[seen]
        flags[seen, landmark] = _off_for_good(path, clock, settings)
        if settings.speed_limit_px_s is not None:
            flags[seen, landmark] |= _too_fast(path, clock, settings.speed_limit_px_s)
    return flags


def _off_for_good(
    path: Float[ndarray, "n 2"], times_s: Float[ndarray, " n"], settings: Hampel
) -> Bool[ndarray, " n"]:
    """Flag the worst point of each neighbourhood, then judge the others without it.

    All at once would flag the neighbours of a wrong point, too: they were judged by it.
    """
    kept, flags = np.arange(len(path)), np.zeros(len(path), dtype=np.bool_)
    for _ in range(_IN_A_ROW):
        clock = times_s[kept]
        off = _off_course(path[kept], clock, settings.window_s / 2.0)
        usual = rolling_median(off[:, None], clock, settings.window_s)[:, 0] / _MEDIAN_RADIUS
        excess = off - np.maximum(settings.limit * usual, settings.floor_px)
        excess = np.where(np.isnan(excess), -np.inf, excess)
        around = maximum_filter1d(excess, 2 * _ASIDE + 1, mode="nearest")
        worst = (excess > 0.0) & (excess == around)
        if not worst.any():
            return flags
        flags[kept[worst]] = True
        kept = kept[~worst]
    return flags


def _off_course(
    path: Float[ndarray, "n 2"], times_s: Float[ndarray, " n"], reach_s: float
) -> Float[ndarray, " n"]:
    """Distance of each point from where its neighbours say it is; NaN where they are too few."""
    off = np.full(len(path), np.nan)
    inner = np.arange(_ASIDE, len(path) - _ASIDE)
    before, after = times_s[inner - _ASIDE], times_s[inner + _ASIDE]
    reach = reach_s * (1.0 + 1e-9)  # a frame on the edge is in, whatever the rounding
    inner = inner[(times_s[inner] - before <= reach) & (after - times_s[inner] <= reach)]
    said = np.stack([_parabola(path, times_s, inner, triple) for triple in _TRIPLES])
    off[inner] = np.hypot(*(path[inner] - np.median(said, axis=0)).T)
    return off


def _parabola(
    path: Float[ndarray, "n 2"],
    times_s: Float[ndarray, " n"],
    at: Int[ndarray, " m"],
    triple: tuple[int, ...],
) -> Float[ndarray, "m 2"]:
    """Where the parabola through three neighbours is at a frame's time (Lagrange)."""
    place = np.zeros((len(at), 2))
    for i in triple:
        weight = np.ones(len(at))
        for j in triple:
            if j != i:
                weight *= (times_s[at] - times_s[at + j]) / (times_s[at + i] - times_s[at + j])
        place += weight[:, None] * path[at + i]
    return place


def _too_fast(
    path: Float[ndarray, "n 2"], times_s: Float[ndarray, " n"], limit_px_s: float
) -> Bool[ndarray, " n"]:
    """Both ends of each step that is too fast, for nobody knows which of them is wrong.

    Unless one of them is too fast on both sides: then it is that one, not its neighbours.
    """
    if len(path) < 2:
        return np.zeros(len(path), dtype=np.bool_)
    most = limit_px_s * np.diff(times_s) * (1.0 + 1e-9)  # the limit itself passes
    fast = np.hypot(*np.diff(path, axis=0).T) > most
    into, out_of = np.append(False, fast), np.append(fast, False)
    spike = into & out_of
    unexplained = fast & ~(spike[:-1] | spike[1:])
    return spike | np.append(False, unexplained) | np.append(unexplained, False)
