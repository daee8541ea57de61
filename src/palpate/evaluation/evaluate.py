"""Evaluate predictions against what people marked.

Takes :class:`EvaluatedCase`, gives :class:`Evaluation`. To add a figure, add it to
:class:`~palpate.evaluation.summary.Summary`: it then appears by landmark, group and subject,
and for the human ceiling.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.cases import EvaluatedCase, check_cases
from palpate.evaluation.ceiling import Ceiling, human_ceiling
from palpate.evaluation.coverage import EllipseCoverage, ellipse_coverage
from palpate.evaluation.curve_errors import Outline
from palpate.evaluation.errors import gather, model_against_truth, normaliser_length
from palpate.evaluation.figures import Figures, Thresholds, figures
from palpate.evaluation.outline_errors import OutlineErrors, outline_errors
from palpate.evaluation.plain import plain
from palpate.evaluation.summary import Summary
from palpate.evaluation.tables import ErrorUnit

AXES = ("x", "y", "z")
# Below so many a percentile interval holds clearly less than it says.
_FEW_SUBJECTS = 10


@dataclass(frozen=True, eq=False, slots=True)
class Evaluation:
    """Every figure of a set of predictions, and the human ceiling beside it.

    Args:
        cases: what was evaluated, sorted by identifier.
        model: figures of the predictions against the truth.
        ceiling: the same between annotators; None where no image has two.
        coverage: how often the truth is inside the stated ellipses.
        calibrated: images with a calibration; millimetres are given only where it is all.
        resamples: of the bootstrap.
        notes: what a reader must know, in sentences: what was left out and why.
        normaliser: names of the two landmarks whose true distance errors are divided by.
        outlines: errors along curves, to the point and to the curve; empty where none is named.
    """

    cases: tuple[EvaluatedCase, ...]
    model: Figures
    ceiling: Ceiling | None
    coverage: EllipseCoverage
    calibrated: int
    resamples: int
    notes: tuple[str, ...]
    normaliser: tuple[str, str] | None = None
    outlines: tuple[OutlineErrors, ...] = ()

    @property
    def unit(self) -> ErrorUnit:
        """Unit of the headline figures: mm where every image is calibrated, else px."""
        return self.model.best.unit

    @property
    def overall(self) -> Summary:
        """All landmarks of all images, in :attr:`unit`."""
        return self.model.best.overall

    @property
    def by_landmark(self) -> Mapping[str, Summary]:
        """Each landmark, in :attr:`unit`."""
        return self.model.best.by_landmark

    @property
    def by_group(self) -> Mapping[str, Summary]:
        """Each group, in :attr:`unit`; empty where no image has one."""
        return self.model.best.by_group

    @property
    def by_subject(self) -> Mapping[str, Summary]:
        """Each subject, in :attr:`unit`."""
        return self.model.best.by_subject

    @property
    def subjects(self) -> int:
        """How many people the images are of."""
        return len({case.subject for case in self.cases})

    def to_json(self) -> dict[str, Any]:
        """Return all figures as plain values, ready for :func:`palpate.files.write_json`.

        A figure that does not exist is None; there is no NaN and no infinity.
        """
        return {
            "images": len(self.cases),
            "subjects": self.subjects,
            "calibrated_images": self.calibrated,
            "unit": self.unit,
            "normaliser": plain(self.normaliser),
            "bootstrap": {
                "resamples": self.resamples,
                "unit": "subject",
                "level": self.overall.level,
                "method": "percentile",
            },
            "notes": list(self.notes),
            "model": plain(self.model),
            "ceiling": plain(self.ceiling),
            "ellipse_coverage": plain(self.coverage),
            "outlines": [outline.to_json() for outline in self.outlines],
        }

    def rows(self) -> Iterator[dict[str, str | float | None]]:
        """Yield one row an image and landmark, for a CSV; None where there is no value.

        ``status`` is ``found``, ``missed`` or ``not annotated``. Coordinates are pixels, index 0
        at the centre of the first pixel.
        """
        for case in self.cases:
            yield from _rows(case, self.normaliser)


def evaluate(
    cases: Sequence[EvaluatedCase],
    *,
    normaliser: tuple[str, str] | None,
    rng: np.random.Generator,
    resamples: int = 1000,
    thresholds: Thresholds | None = None,
    outlines: Sequence[Outline] = (),
) -> Evaluation:
    """Compute errors, success rates, failure rates and intervals of predictions.

    A landmark that is annotated and not found is *missed*: a failure in every success rate and
    in its image's failure rate, and excluded from means, with the count given. A landmark that
    is not annotated is not evaluated.

    Args:
        cases: images with truth and prediction, each once, in any order.
        normaliser: two landmarks whose *true* distance in px divides the errors of their image.
        rng: draws the resamples of the subjects.
        resamples: how many.
        thresholds: of success; by default 2, 2.5, 3 and 4 mm, and a range in px and %.
        outlines: curves that errors are told from as well.

    Raises:
        StudyError: no image, an image twice, different schemes.
        SchemeError: the normaliser or an outline names an unknown landmark.

    Example:
        >>> import numpy as np
        >>> from palpate.points import Points
        >>> from palpate.prediction import Prediction
        >>> from palpate.scheme import LandmarkScheme
        >>> eyes = LandmarkScheme("eyes", ("left", "right"))
        >>> truth = Points.of(eyes, [[0.0, 0.0], [10.0, 0.0]])
        >>> found = Points.of(eyes, [[3.0, 4.0], [10.0, 0.0]])
        >>> case = EvaluatedCase("1.png", "p1", "", truth, Prediction.exact(found, made_by="me"))
        >>> evaluate([case], normaliser=None, rng=np.random.default_rng(0)).overall.mean
        2.5
    """
    check_cases(cases)
    ordered = tuple(sorted(cases, key=lambda case: case.identifier))
    limits = Thresholds() if thresholds is None else thresholds
    resampling = Resampling.draw(tuple(case.subject for case in ordered), rng, resamples=resamples)
    model = figures(
        gather(model_against_truth(ordered), normaliser), normaliser, limits, resampling
    )
    ceiling = human_ceiling(
        ordered, normaliser=normaliser, thresholds=limits, resampling=resampling
    )
    calibrated = sum(case.calibration is not None for case in ordered)
    along = {
        outline.title: outline_errors(
            ordered, outline, normaliser=normaliser, resampling=resampling
        )
        for outline in outlines
    }
    return Evaluation(
        cases=ordered,
        model=model,
        ceiling=ceiling,
        coverage=ellipse_coverage(ordered, resampling),
        calibrated=calibrated,
        resamples=resamples,
        notes=(*_notes(ordered, model, ceiling, calibrated), *_outline_notes(along, len(ordered))),
        normaliser=normaliser,
        outlines=tuple(each for each in along.values() if each is not None),
    )


def _notes(
    cases: tuple[EvaluatedCase, ...], model: Figures, ceiling: Ceiling | None, calibrated: int
) -> tuple[str, ...]:
    notes = []
    if calibrated < len(cases):
        notes.append(
            f"{calibrated} of {len(cases)} images are calibrated: errors are given in pixels only."
        )
    detector = sum(
        case.calibration is not None and case.calibration.plane == "detector" for case in cases
    )
    if detector:
        notes.append(
            f"Millimetres of {detector} of {len(cases)} images are at the detector plane: "
            "magnification is not corrected."
        )
    missed = model.px.overall.missed
    if missed:
        notes.append(
            f"{missed} of {model.px.overall.count} annotated landmarks were not found: they count "
            "as failures in success and failure rates and are not in the means."
        )
    if model.normalised is not None:
        first, second = model.normalised.normaliser
        notes.append(
            f"Errors in % and NME are divided by the true distance {first} to {second} of each "
            "image: ground truth is used at test time for this."
        )
        for reason, count in Counter(model.normalised.excluded.values()).items():
            notes.append(f"{count} of {len(cases)} images have no normalised error: {reason}.")
    if len({case.subject for case in cases}) < 2:
        notes.append("There is one subject only: no interval can be given.")
    elif len({case.subject for case in cases}) < _FEW_SUBJECTS:
        notes.append(
            f"The intervals rest on {len({case.subject for case in cases})} subjects: with so few "
            "the bootstrap is too narrow."
        )
    if ceiling is not None:
        notes.append(ceiling.note)
        if ceiling.one_sided:
            notes.append(
                f"{ceiling.one_sided} landmarks were marked by some annotators and left out by "
                "others: no distance between these is counted."
            )
    return tuple(notes)


def _outline_notes(along: Mapping[str, OutlineErrors | None], images: int) -> Iterator[str]:
    """Say where an outline could not be told."""
    for title, each in along.items():
        without = images if each is None else each.without_curve
        if without:
            yield (
                f"{without} of {images} images have no curve {title!r}: fewer than two of its "
                "landmarks are annotated."
            )


def _rows(
    case: EvaluatedCase, normaliser: tuple[str, str] | None
) -> Iterator[dict[str, str | float | None]]:
    truth, mean = case.truth, case.prediction.mean
    present, found = truth.present, case.prediction.found
    spacing = None if case.calibration is None else np.array(case.calibration.spacing_mm)
    length = None if normaliser is None else normaliser_length(truth, normaliser)
    for k, name in enumerate(truth.scheme.names):
        row: dict[str, str | float | None] = {
            "image": case.identifier,
            "subject": case.subject,
            "group": case.group,
            "landmark": name,
            "status": _status(bool(present[k]), bool(found[k])),
        }
        for axis in range(truth.scheme.dimension):
            row[f"{AXES[axis]}_true"] = _finite(truth.coordinates[k, axis])
            row[AXES[axis]] = _finite(mean[k, axis])
        offset = mean[k] - truth.coordinates[k]
        error = float(np.linalg.norm(offset))
        row["error_px"] = _finite(error)
        row["error_mm"] = None if spacing is None else _finite(np.linalg.norm(offset * spacing))
        row["error_percent"] = None if length is None else _finite(100 * error / length)
        row["score"] = float(case.prediction.score[k])
        yield row


def _status(present: bool, found: bool) -> str:
    if not present:
        return "not annotated"
    return "found" if found else "missed"


def _finite(value: float | np.floating[Any]) -> float | None:
    return float(value) if np.isfinite(value) else None
