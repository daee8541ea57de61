"""One quantity as several raters measured it: a table of values, and the reasons for its gaps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import GeometryError, StudyError
from palpate.evaluation.agreement_raters import Rater
from palpate.geometry.angles import turned_near
from palpate.measurement import Measurement, Unit

NOT_GIVEN = "not among the measurements"


@dataclass(frozen=True, eq=False, slots=True)
class Ratings:
    """One quantity as all raters measured it.

    Args:
        quantity: its name.
        unit: of its values.
        images: of every rater, sorted.
        subjects: of each image.
        raters: names.
        values: NaN where a rater has no value.
        reasons: why, where there is none; empty where there is one, and where the rater's file
            does not hold the image at all.

    Raises:
        GeometryError: a value is infinite.
    """

    quantity: str
    unit: Unit
    images: tuple[str, ...]
    subjects: tuple[str, ...]
    raters: tuple[str, ...]
    values: Float[ndarray, "image rater"]
    reasons: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if np.isinf(self.values).any():
            raise GeometryError(f"{self.quantity}: a measurement is finite")

    def columns(self, names: Sequence[str]) -> list[int]:
        """Return the columns of raters."""
        return [self.raters.index(name) for name in names]

    def complete(
        self, names: Sequence[str]
    ) -> tuple[tuple[str, ...], tuple[str, ...], Float[ndarray, "image rater"]]:
        """Return images that all of the raters named measured, their subjects and values.

        Degrees are turned near those of the first rater: a direction of 179 and one of -179 are 2
        apart.
        """
        columns = self.columns(names)
        rows = np.flatnonzero(np.isfinite(self.values[:, columns]).all(axis=1))
        return (
            tuple(self.images[row] for row in rows),
            tuple(self.subjects[row] for row in rows),
            self._comparable(self.values[rows][:, columns]),
        )

    def _comparable(self, table: Float[ndarray, "image rater"]) -> Float[ndarray, "image rater"]:
        if self.unit != "deg" or not table.size:
            return table
        return turned_near(table, np.broadcast_to(table[:, :1], table.shape))

    def refused(self, names: Sequence[str]) -> dict[str, int]:
        """'rater: reason' -> images without a value, of those that all files hold."""
        columns = self.columns(names)
        held = [
            all(np.isfinite(self.values[row, k]) or self.reasons[row][k] for k in columns)
            for row in range(len(self.images))
        ]
        found: Counter[str] = Counter()
        for row in np.flatnonzero(held):
            for name, k in zip(names, columns, strict=True):
                if self.reasons[row][k]:
                    found[f"{name}: {self.reasons[row][k]}"] += 1
        return dict(found)


def ratings_of(raters: Sequence[Rater], name: str, subjects: Mapping[str, str]) -> Ratings:
    """Gather one quantity of all raters.

    Args:
        raters: in the order of the columns.
        name: of the quantity; one of them at least measured it.
        subjects: image -> subject.

    Raises:
        StudyError: it is in two units, or a rater gives it twice.
    """
    measured = {rater.name: rater.measured(name) for rater in raters}
    units: dict[Unit, str] = {}
    for who, items in measured.items():
        for given in items.values():
            units.setdefault(given.unit, who)
    if len(units) > 1:
        told = " and ".join(f"in {unit} by {who!r}" for unit, who in units.items())
        raise StudyError(f"quantity {name!r} is given {told}; measure all with one protocol")
    images = tuple(sorted({image for items in measured.values() for image in items}))
    values = np.full((len(images), len(raters)), np.nan)
    reasons = [[""] * len(raters) for _ in images]
    for column, rater in enumerate(raters):
        own: Mapping[str, Measurement] = measured[rater.name]
        for row, image in enumerate(images):
            item = own.get(image)
            if item is not None and item.value is not None:
                values[row, column] = item.value
            elif image in rater.images:
                reasons[row][column] = _reason(item)
    return Ratings(
        name,
        next(iter(units)),
        images,
        tuple(subjects[image] for image in images),
        tuple(rater.name for rater in raters),
        values,
        tuple(tuple(row) for row in reasons),
    )


def _reason(item: Measurement | None) -> str:
    return NOT_GIVEN if item is None else item.reason or NOT_GIVEN
