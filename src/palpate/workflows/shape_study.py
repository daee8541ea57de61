"""The shapes of a study: their model, and each case judged by a model of the other subjects."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import GeometryError, StudyError
from palpate.shape.build import UnusableShapeError, build_shape_model
from palpate.shape.model import ShapeModel
from palpate.shape.named import NamedShapeModel
from palpate.shape.sides import Outlier, judge_shape
from palpate.study import Study
from palpate.workflows.shape_cases import ShapeCase, ShapeCases, shape_cases

# Models of fewer subjects call every fourth new shape unusual, instead of one in a hundred
# (docs/shape.md). Below the second number the judgement is rough, and the reader is told.
FEWEST, ROUGH = 10, 20
FOLDS = 10
# Of the size of a shape: what is below it is rounding.
_NOTHING = 1e-9

Advance = Callable[[str, int, int, str], None]


@dataclass(frozen=True, eq=False, slots=True)
class JudgedCase:
    """One case and what the other subjects say of it.

    Args:
        case: the shape.
        scores: along the modes of the model of all, less the mean of the other subjects' cases
            and over their standard deviation; NaN where these do not vary.
        outlier: by a model that no case of this subject is in; None where there was none.
        reason: why there was none.
    """

    case: ShapeCase
    scores: Float[ndarray, " m"]
    outlier: Outlier | None
    reason: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class ShapeStudy:
    """The model of a study and its cases.

    Args:
        name: of the study.
        named: the model of all cases.
        gathered: what it was built of.
        judged: every case, in the order of the model's shapes.
        folds: how many models of the others judged them.
        notes: what a reader must know.
    """

    name: str
    named: NamedShapeModel
    gathered: ShapeCases
    judged: tuple[JudgedCase, ...]
    folds: int
    notes: tuple[str, ...]

    @property
    def model(self) -> ShapeModel:
        """Of all cases."""
        return self.named.model

    @property
    def outliers(self) -> tuple[JudgedCase, ...]:
        """The unusual ones, the least plausible first."""
        found = [each for each in self.judged if each.outlier and each.outlier.unusual]
        return tuple(
            sorted(found, key=lambda each: each.outlier.plausibility if each.outlier else 1.0)
        )


def study_shapes(
    study: Study,
    *,
    variance: float = 0.98,
    sides: Path | None = None,
    advance: Advance = lambda what, done, total, remark: None,
) -> ShapeStudy:
    """Build the shape model of an annotated study, and judge its cases by subject.

    No case judges itself, nor does another of its subject: plausibility is that of a model of the
    other subjects, in up to ten folds, and the scores are measured against the other subjects'.

    Args:
        study: with annotation.
        variance: share of the variance to explain.
        sides: a table that tells which side each image shows; right sides are mirrored.
        advance: is told the stage, how much is done of how much, and a remark.

    Raises:
        StudyError: too few subjects, shapes that are all alike, or one that is no shape.
        GeometryError: a share that is not in (0, 1].
    """
    gathered = shape_cases(study, sides=sides)
    if len(gathered.subjects) < FEWEST:
        raise StudyError(
            f"a study's shapes need annotated cases of {FEWEST} or more subjects, so that each is "
            f"judged by the others; study {study.name!r} has {len(gathered.subjects)}"
        )
    cases = gathered.cases
    advance("building", 0, 1, "")
    model = _built(cases, variance)
    if not len(model.modes) or model.total_variance < _NOTHING**2:
        raise StudyError(
            f"the {len(cases)} shapes of study {study.name!r} are all alike, so there is nothing "
            "to model; are they copies of one annotation?"
        )
    advance("building", 1, 1, "")
    outliers, reasons = _judged(gathered, variance, advance)
    raw = np.array([model.scores(case.points) for case in cases])
    scores = against_others(raw, [case.subject for case in cases])
    label = f"shape model of {study.name}, {len(cases)} shapes"
    judged = zip(cases, scores, outliers, reasons, strict=True)
    return ShapeStudy(
        study.name,
        NamedShapeModel(label, gathered.names, model),
        gathered,
        tuple(JudgedCase(*each) for each in judged),
        min(FOLDS, len(gathered.subjects)),
        (*gathered.notes, *_notes(gathered, raw)),
    )


def against_others(raw: Float[ndarray, "n m"], subjects: Sequence[str]) -> Float[ndarray, "n m"]:
    """Return scores less the mean, over the standard deviation, of the other subjects' scores.

    NaN where those do not vary: then a mode is of this subject alone.

    Example:
        >>> against_others(np.array([[0.0], [1.0], [-1.0], [9.0]]), list("abcd")).round(2)[3]
        array([9.])
    """
    owners, scores = np.array(subjects), np.full(raw.shape, np.nan)
    for subject in dict.fromkeys(subjects):
        own = owners == subject
        others = raw[~own]
        spread = others.std(axis=0, ddof=1) if len(others) > 1 else np.zeros(raw.shape[1])
        varies = spread > _NOTHING
        away = raw[own][:, varies] - others[:, varies].mean(axis=0)
        scores[np.ix_(own, varies)] = away / spread[varies]
    return scores


def _built(cases: Sequence[ShapeCase], variance: float) -> ShapeModel:
    try:
        return build_shape_model([case.points for case in cases], variance=variance)
    except UnusableShapeError as error:
        raise StudyError(f"the shape of {cases[error.row].identifier!r} {error.problem}") from error


def _judged(
    gathered: ShapeCases, variance: float, advance: Advance
) -> tuple[list[Outlier | None], list[str]]:
    """Judge every case by a model of the subjects of the other folds."""
    cases = gathered.cases
    folds = np.array_split(
        np.array(gathered.subjects, dtype=object), min(FOLDS, len(gathered.subjects))
    )
    found: dict[str, Outlier] = {}
    reasons: dict[str, str] = {}
    for done, fold in enumerate(folds):
        advance("judging", done, len(folds), "")
        own = [case for case in cases if case.subject in set(fold)]
        others = [case for case in cases if case.subject not in set(fold)]
        try:
            model = build_shape_model([case.points for case in others], variance=variance)
            for case in own:
                found[case.identifier] = judge_shape(model, case.points, names=gathered.names)
        except GeometryError as error:
            # Such as a landmark that no other subject has.
            for case in own:
                reasons[case.identifier] = f"not judged by the other subjects: {error}"
                found.pop(case.identifier, None)
    advance("judging", len(folds), len(folds), "")
    names = [case.identifier for case in cases]
    return [found.get(name) for name in names], [reasons.get(name, "") for name in names]


def _notes(gathered: ShapeCases, raw: Float[ndarray, "n m"]) -> list[str]:
    notes = []
    subjects = len(gathered.subjects)
    if subjects < ROUGH:
        notes.append(
            f"With {subjects} subjects plausibility is rough: read the order of the cases rather "
            "than the numbers."
        )
    same: dict[tuple[float, ...], list[str]] = defaultdict(list)
    for case, scores in zip(gathered.cases, raw, strict=True):
        same[tuple(np.round(scores, 6).tolist())].append(case.identifier)
    notes += [
        f"{', '.join(names)} have the same shape: is one a copy of the other? Copies vouch for "
        "each other."
        for names in same.values()
        if len(names) > 1
    ]
    if gathered.left_out:
        notes.append(f"{len(gathered.left_out)} annotated images are no shapes and left out.")
    return notes
