"""Errors of an outline: to the point and to the curve side by side, the annotators' beside them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.curve_errors import (
    ErrorDistribution,
    Outline,
    annotators_against_mean,
    annotators_to_curve,
    distribution,
    image_means,
    model_to_curve,
)
from palpate.evaluation.errors import Errors, gather, model_against_truth
from palpate.evaluation.plain import plain
from palpate.evaluation.tables import ErrorUnit

Kind = Literal["to point", "to curve"]
Cell = str | int | float | None


@dataclass(frozen=True, eq=False, slots=True)
class Told:
    """Errors of the same landmarks, measured two ways.

    Args:
        who: whose points: the model's, or the annotators'.
        to_point: from the truth of the same landmark.
        to_curve: from the curve through the truth; the same landmarks of the same images.
        names: of the annotator of each row; empty for the model.
    """

    who: str
    to_point: Errors
    to_curve: Errors
    names: tuple[str, ...] = ()

    def of(self, kind: Kind) -> Errors:
        """Return the errors of one kind."""
        return self.to_point if kind == "to point" else self.to_curve


@dataclass(frozen=True, eq=False, slots=True)
class OutlineErrors:
    """What is told of one outline: mean errors of images, as percentiles over the images.

    Args:
        outline: the landmarks along it.
        told: of the model, and of the annotators where images have two or more.
        distributions: (who, kind, unit) -> distribution; px always, mm where every image is
            calibrated, % where the protocol names a normaliser.
        without_curve: images of which fewer than two landmarks of the outline are annotated.
        level: of the intervals.
    """

    outline: Outline
    told: tuple[Told, ...]
    distributions: Mapping[tuple[str, Kind, ErrorUnit], ErrorDistribution]
    without_curve: int
    level: float

    @property
    def units(self) -> tuple[ErrorUnit, ...]:
        """Units that the model's errors are told in, px first."""
        return tuple(unit for who, kind, unit in self.distributions if (who, kind) == _FIRST)

    @property
    def best(self) -> ErrorUnit:
        """% of the normaliser where there is one, as papers print it; else mm, else px."""
        return next(unit for unit in ("%", "mm", "px") if unit in self.units)

    def percentile_rows(self) -> Iterator[dict[str, Cell]]:
        """Yield one row a percentile, for a CSV; None where so many images have a miss."""
        for (who, kind, unit), each in self.distributions.items():
            for percentile, value in each.percentiles.items():
                low, high = each.intervals.get(percentile, (None, None))
                yield {
                    "outline": self.outline.title,
                    "points": who,
                    "error": kind,
                    "unit": unit,
                    "images": len(each.values),
                    "percentile": percentile,
                    "value": value,
                    "lower": low,
                    "upper": high,
                    "level": self.level,
                }

    def image_rows(self) -> Iterator[dict[str, Cell]]:
        """Yield one row an image, and one an annotator of it, for a CSV.

        A mean is None where a landmark was missed, which ``missed`` counts, or where the image
        has no such unit.
        """
        for told in self.told:
            columns = {
                f"{kind.replace(' ', '_')}_{'percent' if unit == '%' else unit}": (
                    image_means(told.of(kind), unit) if unit in self.units else None
                )
                for kind in _KINDS
                for unit in _UNITS
            }
            wanted = told.to_curve.wanted
            missed = (wanted & np.isnan(told.to_curve.px)).sum(axis=1)
            for row, image in enumerate(told.to_curve.identifiers):
                yield {
                    "image": image,
                    "subject": told.to_curve.subjects[row],
                    "group": told.to_curve.groups[row],
                    "outline": self.outline.title,
                    "points": told.names[row] if told.names else told.who,
                    "landmarks": int(wanted[row].sum()),
                    "missed": int(missed[row]),
                    **{
                        name: None if values is None else _finite(float(values[row]))
                        for name, values in columns.items()
                    },
                }

    def to_json(self) -> dict[str, Any]:
        """Return plain values; None where a figure does not exist."""
        return {
            "title": self.outline.title,
            "landmarks": list(self.outline.names),
            "closed": self.outline.closed,
            "curve": "centripetal Catmull-Rom" if self.outline.smooth else "straight lines",
            "images_without_curve": self.without_curve,
            "percentiles": [plain(row) for row in self.percentile_rows()],
        }


MODEL, ANNOTATORS = "model", "annotators"
_KINDS: tuple[Kind, Kind] = ("to point", "to curve")
_UNITS: tuple[ErrorUnit, ...] = ("px", "mm", "%")
_FIRST = (MODEL, "to point")


def outline_errors(
    cases: Sequence[EvaluatedCase],
    outline: Outline,
    *,
    normaliser: tuple[str, str] | None,
    resampling: Resampling,
) -> OutlineErrors | None:
    """Tell the mean error of each image along an outline, from points and from the curve.

    Both are of the same landmarks: those of the outline that are annotated in an image that is
    annotated with two or more of them. None where no image is. The annotators' errors are from
    the truth, on images with two annotators or more.

    Args:
        cases: images with truth and prediction.
        outline: the landmarks along it.
        normaliser: two landmarks whose true distance in px divides the errors of their image.
        resampling: of the subjects of the cases, for intervals.

    Raises:
        StudyError: no image.
        SchemeError: the outline or the normaliser names an unknown landmark.
    """
    curve = model_to_curve(cases, outline, normaliser=normaliser)
    point = gather(model_against_truth(cases), normaliser)
    told = [Told(MODEL, replace(point, wanted=curve.wanted), curve)]
    several = [case for case in cases if len(case.annotators) > 1]
    if several:
        people = annotators_to_curve(several, outline, normaliser=normaliser)
        apart = gather(annotators_against_mean(several), normaliser)
        names = tuple(name for case in several for name in case.annotators)
        told.append(Told(ANNOTATORS, replace(apart, wanted=people.wanted), people, names))
    distributions = {
        (each.who, kind, unit): distribution(each.of(kind), resampling, unit=unit)
        for each in told
        for unit in _units(curve)
        for kind in _KINDS
        # In % none may be left: no image has a normaliser.
        if not np.isnan(image_means(each.of(kind), unit)).all()
    }
    if not distributions:
        return None
    without = int((~curve.wanted.any(axis=1)).sum())
    return OutlineErrors(outline, tuple(told), distributions, without, resampling.level)


def _units(errors: Errors) -> tuple[ErrorUnit, ...]:
    units: list[ErrorUnit] = ["px"]
    if errors.mm is not None:
        units.append("mm")
    if errors.normaliser_px is not None:
        units.append("%")
    return tuple(units)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
