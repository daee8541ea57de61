"""Whether regions and intervals hold what they promise, at every level."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.conformal.quantile import holds, subjects_needed
from palpate.evaluation.bootstrap import Interval, Resampling

ALL = "all"
LEVELS = (0.5, 0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class LevelCoverage:
    """Share of truths inside their region or interval of one level.

    Args:
        level: what was promised.
        share: what was kept.
        interval: of the share, by bootstrap over subjects; None for one subject.
    """

    level: float
    share: float
    interval: Interval | None


@dataclass(frozen=True, eq=False, slots=True)
class Reliability:
    """Coverage of one landmark, quantity or of several together.

    Args:
        name: what of.
        count: truths that count.
        subjects: whose they are.
        levels: coverage at each of ``LEVELS`` that the calibration has a bound for; empty where
            nothing counts.
        attained: for every truth the level above which its region holds it, sorted: of honest
            uncertainty the diagonal of a reliability diagram.
        halfwidth: median half width of the intervals of 90 %; None for regions.
    """

    name: str
    count: int
    subjects: int
    levels: tuple[LevelCoverage, ...]
    attained: Float[ndarray, " truth"]
    halfwidth: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "count": self.count,
            "subjects": self.subjects,
            "median_halfwidth_90": self.halfwidth,
            "coverage": [
                {
                    "level": each.level,
                    "share": each.share,
                    "interval": None if each.interval is None else list(each.interval),
                }
                for each in self.levels
            ],
        }


def reliability(
    name: str,
    attained: Mapping[str, Sequence[float]] | Mapping[str, Float[ndarray, " truth"]],
    resampling: Resampling,
    *,
    halfwidth: float | None = None,
    calibrated_on: int | None = None,
) -> Reliability:
    """Count how often a truth was inside, by subject.

    Args:
        name: what of.
        attained: subject -> level above which the region of each of its truths holds it; NaN
            does not count.
        resampling: of the subjects.
        halfwidth: for the table.
        calibrated_on: subjects that the bounds are of. At a level that needs more there is none,
            which would hold everything, so it is left out. None: there is one at every level.

    Example:
        >>> drawn = Resampling.draw(("a", "b"), np.random.default_rng(0))
        >>> one = reliability("tip", {"a": [0.2, 0.6], "b": [0.93, 0.4]}, drawn)
        >>> [each.share for each in one.levels]
        [0.5, 0.75, 0.75, 1.0]
    """
    owners = [place for place, subject in enumerate(resampling.subjects) if subject in attained]
    rows = {
        place: np.asarray(attained[resampling.subjects[place]], dtype=float) for place in owners
    }
    rows = {place: row[np.isfinite(row)] for place, row in rows.items()}
    count = np.zeros(len(resampling.subjects))
    for place, row in rows.items():
        count[place] = len(row)
    every = np.sort(np.concatenate([np.zeros(0), *rows.values()]))
    if not len(every):
        return Reliability(name, 0, 0, (), every, None)
    levels = []
    for level in LEVELS:
        if calibrated_on is not None and calibrated_on < subjects_needed(level):
            continue
        inside = np.zeros(len(resampling.subjects))
        for place, row in rows.items():
            inside[place] = np.count_nonzero(holds(row, level))
        share = float(inside.sum() / count.sum())
        levels.append(LevelCoverage(level, share, resampling.ratio(inside, count)))
    subjects = int(np.count_nonzero(count))
    return Reliability(name, len(every), subjects, tuple(levels), every, halfwidth)


@dataclass(frozen=True, eq=False, slots=True)
class Trusted:
    """Whether what a localiser says of its own errors is true.

    Args:
        source: what it was calibrated on, in words.
        stated: regions as the localiser states them, all landmarks together.
        regions: calibrated, all landmarks together, then each.
        measurements: all together, then each quantity; empty without a protocol.
    """

    source: str
    stated: Reliability
    regions: tuple[Reliability, ...]
    measurements: tuple[Reliability, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "source": self.source,
            "regions_as_stated": self.stated.to_json(),
            "regions": [each.to_json() for each in self.regions],
            "measurements": [each.to_json() for each in self.measurements],
        }

    def rows(self) -> list[dict[str, str | float | None]]:
        """Return one row a level and thing, for a CSV."""
        kinds = (
            ("region as stated", (self.stated,)),
            ("region", self.regions),
            ("interval", self.measurements),
        )
        return [
            {
                "of": kind,
                "name": each.name,
                "count": each.count,
                "subjects": each.subjects,
                "level": level.level,
                "coverage": level.share,
                "low": None if level.interval is None else level.interval[0],
                "high": None if level.interval is None else level.interval[1],
                "median_halfwidth_90": each.halfwidth,
            }
            for kind, several in kinds
            for each in several
            for level in each.levels
        ]
