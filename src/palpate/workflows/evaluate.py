"""Predict the held-out part of a study and compare with what people marked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from palpate.errors import ConfigError, StudyError
from palpate.evaluation.cases import EvaluatedCase
from palpate.io.predictions import PredictedImage
from palpate.localisers.clip import ClipLocaliser
from palpate.localisers.localiser import Localiser
from palpate.study import Study
from palpate.study_case import StudyCase
from palpate.workflows.predict import Outcome, Source, predict_each
from palpate.workflows.predict_runs import predict_runs


@dataclass(frozen=True, slots=True)
class EvaluatedStudy:
    """Cases with their predictions, and the images that could not be predicted, with reasons."""

    cases: tuple[EvaluatedCase, ...]
    predicted: tuple[PredictedImage, ...]
    failures: dict[str, str]


def evaluate_study(
    localiser: Localiser,
    study: Study,
    identifiers: Sequence[str],
    *,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> EvaluatedStudy:
    """Predict the annotated images named and pair them with their truth.

    Raises:
        ConfigError: the localiser was trained on other landmarks.
        StudyError: none of the images is annotated, or none could be predicted.
    """
    refuse_other_scheme(localiser, study)
    wanted = [study.case(name) for name in identifiers]
    annotated = [case for case in wanted if case.points is not None]
    if not annotated:
        raise StudyError(f"none of the {len(wanted)} images to evaluate is annotated")
    by_name = {case.identifier: case for case in annotated}
    cases, predicted, failures = [], [], {}
    for outcome in _outcomes(localiser, study, annotated):
        if outcome.predicted is None:
            failures[outcome.identifier] = outcome.reason
        else:
            predicted.append(outcome.predicted)
            cases.append(pair(by_name[outcome.identifier], outcome.predicted))
        advance(len(cases) + len(failures), len(annotated))
    if not cases:
        name, reason = next(iter(failures.items()))
        raise StudyError(f"none of {len(annotated)} images could be predicted; {name}: {reason}")
    return EvaluatedStudy(tuple(cases), tuple(predicted), failures)


def _outcomes(localiser: Localiser, study: Study, cases: Sequence[StudyCase]) -> Iterator[Outcome]:
    if isinstance(localiser, ClipLocaliser):
        return predict_runs(localiser, study, cases)
    return predict_each(localiser, [source_of(study, case) for case in cases])


def source_of(study: Study, case: StudyCase) -> Source:
    """Say how an image of a study is read."""
    return Source(case.identifier, lambda: study.load(case).image, case.subject, case.group)


def refuse_other_scheme(localiser: Localiser, study: Study) -> None:
    """Refuse a localiser of other landmarks, naming the first that differs."""
    ours, theirs = localiser.scheme.names, study.scheme.names
    if ours == theirs:
        return
    missing = [name for name in theirs if name not in ours]
    extra = [name for name in ours if name not in theirs]
    what = (
        f"it does not know {missing[0]!r}"
        if missing
        else f"the study lacks {extra[0]!r}"
        if extra
        else "they stand in another order"
    )
    raise ConfigError(
        f"the run was trained on other landmarks than study {study.name!r} has: {what}"
    )


def pair(case: StudyCase, predicted: PredictedImage) -> EvaluatedCase:
    """Join what was predicted of an image with what people marked in it.

    Raises:
        StudyError: it is not annotated.
    """
    truth = case.points
    if truth is None:
        raise StudyError(f"image {case.identifier!r} is not annotated")
    return EvaluatedCase(
        identifier=case.identifier,
        subject=case.subject,
        group=case.group,
        truth=truth,
        prediction=predicted.prediction,
        annotators=case.annotations if len(case.annotations) > 1 else {},
        calibration=predicted.calibration,
    )
