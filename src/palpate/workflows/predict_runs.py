"""Predict frames of a study in clips of neighbours, each frame once."""

from collections.abc import Iterator, Sequence

from palpate.errors import PalpateError, StudyError
from palpate.image import Image
from palpate.io.predictions import PredictedImage
from palpate.localisers.clip import ClipLocaliser
from palpate.prediction import Prediction
from palpate.sequences.windows import covering
from palpate.study import Study
from palpate.study_case import StudyCase
from palpate.study_runs import SAME_STEP, runs_of
from palpate.workflows.predict import Outcome


def predict_runs(
    localiser: ClipLocaliser, study: Study, cases: Sequence[StudyCase]
) -> Iterator[Outcome]:
    """Predict cases run by run; what cannot be read or predicted is told, not raised.

    A run is cut into clips that do not overlap, as the published evaluation does; where frames
    are left at its end, the last clip reaches back, and of a run shorter than a clip the last
    frame is repeated. A frame that cannot be read ends its clip alone.

    Raises:
        StudyError: no case is named, or their step is not that of the training.
    """
    by_name = {case.identifier: case for case in cases}
    found = runs_of(study, by_name)
    _refuse_other_step(localiser.interval_s, found.interval_s, study.name)
    for run in found.runs:
        for clip, read in covering(len(run), localiser.frames):
            names = [run[min(at, len(run) - 1)] for at in clip]
            wanted = [run[at] for at in read]
            yield from _clip(localiser, study, [by_name[name] for name in names], wanted)


def _refuse_other_step(trained_s: float, step_s: float, name: str) -> None:
    if trained_s and step_s and abs(step_s - trained_s) > SAME_STEP * trained_s:
        raise StudyError(
            f"the run was trained on frames {trained_s:.3g} s apart, and those annotated in study "
            f"{name!r} are {step_s:.3g} s apart; annotate at the same step, or check the study's "
            "rate (video.depth.rate_hz); 'palpate predict' picks frames by time at any rate"
        )


def _clip(
    localiser: ClipLocaliser, study: Study, cases: Sequence[StudyCase], wanted: list[str]
) -> Iterator[Outcome]:
    try:
        images = [study.load(case).image for case in cases]
        found = localiser.find([[localiser.prepare(image) for image in images]])[0]
    except PalpateError as error:
        for name in wanted:
            yield Outcome(name, None, reason=str(error))
        return
    for case, image, one in zip(cases, images, found, strict=True):
        if case.identifier in wanted:
            wanted.remove(case.identifier)
            yield Outcome(case.identifier, _predicted(case, image, one.prediction), image)


def _predicted(case: StudyCase, image: Image, prediction: Prediction) -> PredictedImage:
    return PredictedImage(
        image=case.identifier,
        prediction=prediction,
        size=(image.size[0], image.size[1]),
        subject=case.subject,
        group=case.group,
        calibration=image.calibration,
    )
