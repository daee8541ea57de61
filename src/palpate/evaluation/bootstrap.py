"""The bootstrap over subjects: how far a figure would move with other people in the study."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.errors import StudyError

Interval = tuple[float, float]


@dataclass(frozen=True, eq=False, slots=True)
class Resampling:
    """How often each subject is in each resample; drawn once, used for every figure.

    Subjects are sorted, so that the order of the images has no say in the interval.

    Args:
        subjects: sorted, unique.
        weights: (resample, subject), counts that sum to the number of subjects.
        level: of the intervals, 0.95 for 95 %.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile
        interval); resampling whole subjects keeps the images of one person together.
    """

    subjects: tuple[str, ...]
    weights: Float[ndarray, "resample subject"]
    level: float = 0.95

    @classmethod
    def draw(
        cls,
        subjects: tuple[str, ...],
        rng: np.random.Generator,
        *,
        resamples: int = 1000,
        level: float = 0.95,
    ) -> "Resampling":
        """Draw resamples of the subjects with replacement.

        Raises:
            StudyError: fewer than one resample, or a level outside (0, 1).
        """
        if resamples < 1 or not 0 < level < 1:
            raise StudyError(
                f"a bootstrap needs at least 1 resample and a level between 0 and 1, "
                f"got {resamples} and {level}"
            )
        unique = tuple(sorted(set(subjects)))
        count = len(unique)
        rows = [
            np.bincount(rng.integers(count, size=count), minlength=count) for _ in range(resamples)
        ]
        return cls(unique, np.array(rows, dtype=float), level)

    def owners(self, subjects: tuple[str, ...]) -> Int[ndarray, " row"]:
        """Return the place of each row's subject among the sorted subjects."""
        place = {subject: index for index, subject in enumerate(self.subjects)}
        return np.array([place[subject] for subject in subjects], dtype=int)

    def by_subject(
        self, values: Float[ndarray, " row"], owners: Int[ndarray, " row"]
    ) -> Float[ndarray, " subject"]:
        """Sum the rows of each subject."""
        # numpy counts an empty array in integers
        return np.bincount(owners, values, len(self.subjects)).astype(float)

    def ratio(
        self, total: Float[ndarray, " subject"], count: Float[ndarray, " subject"]
    ) -> Interval | None:
        """Percentile interval of sum(total) / sum(count) over resamples of the subjects.

        None where fewer than two subjects count: one person says nothing of another.
        """
        if np.count_nonzero(count) < 2:
            return None
        counts = self.weights @ count
        defined = counts > 0
        if not defined.any():
            return None
        values = (self.weights[defined] @ total) / counts[defined]
        tail = (1 - self.level) / 2
        low, high = np.quantile(values, [tail, 1 - tail])
        return float(low), float(high)
