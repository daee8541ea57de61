"""How error falls with the number of training images: a power law above a floor, with its band.

``error(n) = floor + amplitude * n ** -rate``, floor >= 0. The law of one size more is always an
extrapolation; its band comes from refitting in every resample of the test subjects, so it holds
for other people to be tested on, not for other images to be trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import minimize_scalar

from palpate.errors import StudyError
from palpate.evaluation.bootstrap import Interval, Resampling

# Rates of learning curves in the literature are 0.1 to 1; the range leaves room on both sides.
_RATES = np.geomspace(0.05, 4.0, 160)
_GRID = 60
# How far the drawn band reaches beyond the largest size: to what is asked about, within these.
_BEYOND, _FARTHEST = 1.5, 2.0
MORE = 50


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """``error(n) = floor + amplitude * n ** -rate``: never rising with n.

    Args:
        floor: what is left with endless images, not negative; in the unit of the errors.
        amplitude: not negative; 0 where no gain is seen.
        rate: positive; 0 where the amplitude is.

    Raises:
        StudyError: a negative number.

    Example:
        >>> PowerLaw(1.0, 8.0, 0.5).at(np.array([4.0, 16.0])).tolist()
        [5.0, 3.0]
    """

    floor: float
    amplitude: float
    rate: float

    def __post_init__(self) -> None:
        if not min(self.floor, self.amplitude, self.rate) >= 0:
            raise StudyError(f"a learning curve has no negative parameter, got {self}")

    def at(self, images: Float[ndarray, "..."]) -> Float[ndarray, "..."]:
        """Return the error with so many training images."""
        return self.floor + self.amplitude * images**-self.rate

    @property
    def is_flat(self) -> bool:
        """Whether no gain is seen."""
        return self.amplitude == 0


@dataclass(frozen=True, eq=False, slots=True)
class Band:
    """The fitted curve on a fine grid of training images, and its interval at each.

    Args:
        images: from the smallest size to beyond the largest.
        middle: the fitted curve.
        low: None where there is no interval.
        high: likewise.
    """

    images: Float[ndarray, " place"]
    middle: Float[ndarray, " place"]
    low: Float[ndarray, " place"] | None
    high: Float[ndarray, " place"] | None


@dataclass(frozen=True, slots=True)
class Change:
    """A fall of the error, positive where it falls, and its interval."""

    value: float
    interval: Interval | None

    @property
    def clear(self) -> bool:
        """Whether the whole interval is a fall."""
        return self.interval is not None and self.interval[0] > 0


@dataclass(frozen=True, eq=False, slots=True)
class FittedCurve:
    """A learning curve that was fitted to errors at two sizes or more.

    Args:
        law: of the errors as measured.
        has_floor: False with two sizes, which determine no floor.
        images: training images at each size, in the mean of the runs.
        errors: at each size.
        band: the curve between the sizes and beyond.
        fall: of the error as measured, from the smallest size to the largest.
        more: images that ``next_error`` and ``gain`` add to the largest size.
        next_error: what the law says of that many more.
        next_interval: of it; None where there is no interval.
        gain: how far the law falls until then.
        floor_interval: None where there is no interval or no floor.
    """

    law: PowerLaw
    has_floor: bool
    images: tuple[float, ...]
    errors: tuple[float, ...]
    band: Band
    fall: Change
    more: int
    next_error: float
    next_interval: Interval | None
    gain: Change
    floor_interval: Interval | None


def fit_power_law(images: Float[ndarray, " size"], errors: Float[ndarray, " size"]) -> PowerLaw:
    """Fit a learning curve by least squares of relative residuals.

    For a given rate the rest is linear, so only the rate is searched for. Two sizes determine a
    power law without floor. A curve that rises is fitted by a flat one.

    Args:
        images: training images, growing.
        errors: positive, in any unit.

    Raises:
        StudyError: fewer than two sizes, sizes that do not grow, or an error that is not positive.

    Example:
        >>> sizes = np.array([25.0, 50.0, 100.0, 200.0])
        >>> law = fit_power_law(sizes, 1.5 + 20.0 * sizes**-0.7)
        >>> round(law.floor, 4), round(law.amplitude, 2), round(law.rate, 4)
        (1.5, 20.0, 0.7)
    """
    _check(images, errors)
    middle = float(np.exp(np.log(images).mean()))
    scaled = images / middle
    if len(images) == 2:
        return _through_two(images, errors)

    def cost(log_rate: float) -> float:
        return float(_linear(scaled ** -np.exp(log_rate), errors)[2])

    costs = _linear(scaled[None, :] ** -_RATES[:, None], errors)[2]
    best = int(np.argmin(costs))
    around = (max(best - 1, 0), min(best + 1, len(_RATES) - 1))
    found = minimize_scalar(
        cost,
        bounds=tuple(np.log(_RATES[list(around)])),
        method="bounded",
        options={"xatol": 1e-10},
    )
    rate = float(np.exp(found.x)) if found.fun < costs[best] else float(_RATES[best])
    floor, amplitude, _ = (float(part) for part in _linear(scaled**-rate, errors))
    return _law(floor, amplitude * middle**rate, rate)


def fit_curve(
    images: Sequence[float],
    errors: Sequence[float],
    replicates: Float[ndarray, "replicate size"] | None,
    *,
    more: int = MORE,
    level: float = 0.95,
) -> FittedCurve:
    """Fit a learning curve and, by refitting every replicate, its band.

    Args:
        images: training images at each size, growing; two at least.
        errors: at each size, positive.
        replicates: the errors in every resample of the test subjects; None gives no interval.
        more: how many images beyond the largest size are asked about.
        level: of the intervals.

    Raises:
        StudyError: as :func:`fit_power_law`.
    """
    sizes, measured = np.asarray(images, dtype=float), np.asarray(errors, dtype=float)
    law = fit_power_law(sizes, measured)
    last = float(sizes[-1])
    grid = np.geomspace(sizes[0], np.clip(last + more, _BEYOND * last, _FARTHEST * last), _GRID)
    asked = np.concatenate([grid, [last, last + more]])
    curves, floors = _refitted(sizes, replicates, asked)
    now, then = (float(error) for error in law.at(np.array([last, last + more])))
    tails = ((1 - level) / 2, (1 + level) / 2)
    bounds = None if curves is None else np.quantile(curves[:, :_GRID], tails, axis=0)
    return FittedCurve(
        law=law,
        has_floor=len(sizes) > 2,
        images=tuple(float(n) for n in sizes),
        errors=tuple(float(error) for error in measured),
        band=Band(
            images=grid,
            middle=law.at(grid),
            low=None if bounds is None else bounds[0],
            high=None if bounds is None else bounds[1],
        ),
        fall=Change(
            float(measured[0] - measured[-1]),
            None if replicates is None else _interval(_fallen(replicates), tails),
        ),
        more=more,
        next_error=then,
        next_interval=None if curves is None else _interval(curves[:, -1], tails),
        gain=Change(
            now - then, None if curves is None else _interval(curves[:, -2] - curves[:, -1], tails)
        ),
        floor_interval=None if floors is None else _interval(floors, tails),
    )


def resampled_means(
    totals: Float[ndarray, "size subject"],
    counts: Float[ndarray, "size subject"],
    resampling: Resampling,
) -> Float[ndarray, "replicate size"]:
    """Return the mean error at each size in every resample; NaN where it holds nobody of a size."""
    weight = resampling.weights @ counts.T
    return np.where(
        weight > 0, (resampling.weights @ totals.T) / np.maximum(weight, 1e-300), np.nan
    )


def resampled_medians(
    values: Float[ndarray, " film"], owners: ndarray, resampling: Resampling
) -> Float[ndarray, " replicate"]:
    """Return the median over films in every resample of their subjects.

    It is the smallest value that half of the films are at most; infinite where that is infinite,
    NaN where a resample holds no film.
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(resampling.weights[:, owners[order]], axis=1)
    half = reached[:, -1:] / 2
    place = np.argmax(reached >= half, axis=1)
    return np.where(reached[:, -1] > 0, values[order][place], np.nan)


def _check(images: Float[ndarray, " size"], errors: Float[ndarray, " size"]) -> None:
    if len(images) < 2 or not (np.diff(images) > 0).all() or images[0] <= 0:
        raise StudyError(
            "a learning curve is fitted to two sizes or more that grow, got "
            + ", ".join(f"{n:g}" for n in images)
        )
    if not (np.isfinite(errors).all() and (errors > 0).all()):
        raise StudyError(
            "a learning curve is fitted to positive errors, got "
            + ", ".join(f"{error:g}" for error in errors)
        )


def _linear(
    powers: Float[ndarray, "... size"], errors: Float[ndarray, "... size"]
) -> tuple[ndarray, ndarray, ndarray]:
    """Fit floor and amplitude, both >= 0, to given powers of n; return them and the cost.

    The columns are positive and so is what they are fitted to, so one of the two at most comes
    out negative; the best there is with it at 0 is then the best there is at all.
    """
    one, power = 1.0 / errors, powers / errors
    aa, pp, ap = (one**2).sum(-1), (power**2).sum(-1), (one * power).sum(-1)
    a1, p1 = one.sum(-1), power.sum(-1)
    determinant = np.maximum(aa * pp - ap**2, 1e-300)
    floor = (a1 * pp - p1 * ap) / determinant
    amplitude = (p1 * aa - a1 * ap) / determinant
    no_floor, flat = floor < 0, amplitude <= 0
    floor = np.where(flat, a1 / aa, np.where(no_floor, 0.0, floor))
    amplitude = np.where(flat, 0.0, np.where(no_floor, p1 / pp, amplitude))
    residual = floor[..., None] * one + amplitude[..., None] * power - 1.0
    return floor, amplitude, np.asarray((residual**2).sum(-1))


def _through_two(images: Float[ndarray, " two"], errors: Float[ndarray, " two"]) -> PowerLaw:
    rate = float(np.log(errors[0] / errors[1]) / np.log(images[1] / images[0]))
    if rate <= 0:
        return _law(float((1 / errors).sum() / (1 / errors**2).sum()), 0.0, 0.0)
    return _law(0.0, float(errors[0] * images[0] ** rate), rate)


def _law(floor: float, amplitude: float, rate: float) -> PowerLaw:
    return PowerLaw(floor, amplitude, rate if amplitude > 0 else 0.0)


def _refitted(
    images: Float[ndarray, " size"],
    replicates: Float[ndarray, "replicate size"] | None,
    asked: Float[ndarray, " place"],
) -> tuple[Float[ndarray, "usable place"] | None, Float[ndarray, " usable"] | None]:
    """Refit every replicate; return its curve where asked, and its floor where there is one."""
    if replicates is None:
        return None, None
    usable = replicates[(np.isfinite(replicates) & (replicates > 0)).all(axis=1)]
    if len(usable) < 2:
        return None, None
    if len(images) == 2:
        laws = [_through_two(images, errors) for errors in usable]
        return np.stack([law.at(asked) for law in laws]), None
    # The best rate of a fine grid does: its steps are far below what resampling moves it by.
    middle = float(np.exp(np.log(images).mean()))
    powers = (images / middle)[None, None, :] ** -_RATES[None, :, None]
    floors, amplitudes, costs = _linear(powers, usable[:, None, :])
    best = np.argmin(costs, axis=1)[:, None]
    floor = np.take_along_axis(floors, best, axis=1)
    amplitude = np.take_along_axis(amplitudes, best, axis=1)
    return floor + amplitude * (asked / middle)[None, :] ** -_RATES[best], floor[:, 0]


def _fallen(replicates: Float[ndarray, "replicate size"]) -> Float[ndarray, " known"]:
    """First less last of the replicates in which both are finite: a median may be infinite."""
    first, last = replicates[:, 0], replicates[:, -1]
    known = np.isfinite(first) & np.isfinite(last)
    return first[known] - last[known]


def _interval(values: Float[ndarray, " replicate"], tails: tuple[float, float]) -> Interval | None:
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return None
    low, high = np.quantile(known, tails)
    return float(low), float(high)
