"""Weighted kappa: how far two raters put the same images into the same classes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.errors import ConfigError
from palpate.evaluation.agreement_estimate import Estimate

Weights = Literal["linear", "quadratic"]
ONE_CLASS = "both raters put every image into one class"
MISSING = "kappa needs statsmodels, which is not installed: pip install 'palpate[agreement]'"


@dataclass(frozen=True, slots=True)
class ClassCuts:
    """Ordered classes of a measurement, cut at limits; a value on a limit is in the upper class.

    Args:
        names: from the lowest; one more than there are cuts.
        cuts: strictly rising, in the measurement's unit.

    Raises:
        ConfigError: the names and cuts do not fit, or cuts do not rise.

    Example:
        >>> classes = ClassCuts(("class III", "class I", "class II"), (0.0, 4.0))
        >>> classes.of(np.array([-1.0, 0.0, 9.0])).tolist()
        [0, 1, 2]
    """

    names: tuple[str, ...]
    cuts: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.cuts) + 1 or not self.cuts:
            raise ConfigError(
                f"classes need one name more than cuts, got {len(self.names)} names and "
                f"{len(self.cuts)} cuts"
            )
        if len(set(self.names)) != len(self.names) or not all(self.names):
            raise ConfigError(f"names of classes differ and are not empty, got {self.names}")
        rising = all(a < b for a, b in zip(self.cuts, self.cuts[1:], strict=False))
        if not rising or not np.isfinite(self.cuts).all():
            raise ConfigError(f"cuts between classes are finite and rise, got {self.cuts}")

    def of(self, values: Float[ndarray, " image"]) -> Int[ndarray, " image"]:
        """Return the number of each value's class, from 0."""
        return np.searchsorted(np.array(self.cuts), values, side="right")

    def table(
        self, first: Float[ndarray, " image"], second: Float[ndarray, " image"]
    ) -> Int[ndarray, "first second"]:
        """Count images by the class of the first rater (row) and of the second (column)."""
        count = len(self.names)
        pairs = self.of(first) * count + self.of(second)
        return np.bincount(pairs, minlength=count**2).reshape(count, count)


def weighted_kappa(
    table: Int[ndarray, "first second"], *, weights: Weights, level: float = 0.95
) -> Estimate:
    """Cohen's kappa with linear or quadratic weights of the distance between classes.

    The interval is kappa -+ 1.96 standard errors of large samples, cut at 1 and -1: for one image
    a subject, and too short for few images.

    Args:
        table: images by class of the first and of the second rater.
        weights: of disagreements, by the number of classes between or by its square.
        level: of the interval.

    Source:
        Cohen, Psychological Bulletin 70(4):213-220, 1968; standard error: Fleiss, Cohen and
        Everitt, Psychological Bulletin 72(5):323-327, 1969, as in statsmodels.

    Example:
        >>> round(weighted_kappa(np.array([[20, 5], [10, 15]]), weights="linear").value, 2)
        0.4
    """
    if table.sum() == 0 or np.count_nonzero(table.sum(axis=0) + table.sum(axis=1)) < 2:
        return Estimate(reason=ONE_CLASS)
    try:
        # Part of an extra: the rest of a report does without.
        from statsmodels.stats.inter_rater import cohens_kappa
    except ImportError:
        return Estimate(reason=MISSING)
    from scipy.stats import norm

    found = cohens_kappa(table, wt=weights)
    kappa, variance = float(found.kappa), float(found.var_kappa)
    if not np.isfinite(variance) or variance < -1e-9:
        return Estimate(kappa)
    half = float(norm.ppf(0.5 + level / 2)) * max(0.0, variance) ** 0.5
    return Estimate(kappa, (max(-1.0, kappa - half), min(1.0, kappa + half)), "asymptotic")


def disagreement(count: int, weights: Weights) -> Float[ndarray, "first second"]:
    """Weight of each disagreement, 0 on the diagonal and 1 in the far corners.

    Example:
        >>> disagreement(3, "quadratic")[0].tolist()
        [0.0, 0.25, 1.0]
    """
    steps = np.arange(count, dtype=float)
    apart = np.abs(steps[:, None] - steps) / max(1, count - 1)
    return apart**2 if weights == "quadratic" else apart


def read_classes(text: str) -> tuple[str, ClassCuts]:
    """Read ``QUANTITY = NAME < CUT < NAME ...``.

    Raises:
        ConfigError: it is written otherwise.

    Example:
        >>> read_classes("ANB = class III < 0 < class I < 4 < class II")[1].cuts
        (0.0, 4.0)
    """
    wanted = "classes are written as 'ANB = class III < 0 < class I < 4 < class II'"
    quantity, equals, rest = text.rpartition("=")
    parts = [part.strip() for part in rest.split("<")]
    if not equals or not quantity.strip() or len(parts) < 3 or len(parts) % 2 == 0:
        raise ConfigError(f"{wanted}, got {text!r}")
    try:
        cuts = tuple(float(part) for part in parts[1::2])
    except ValueError as error:
        raise ConfigError(f"{wanted}; a cut in {text!r} is no number") from error
    return quantity.strip(), ClassCuts(tuple(parts[0::2]), cuts)
