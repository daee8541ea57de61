"""Marks for readers to begin from: a run predicts the films of a study, all frames of its clips."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from palpate.errors import PalpateError
from palpate.frame_names import frame_name
from palpate.io.depth import DepthClip
from palpate.io.predictions import PredictionFile, write_predictions
from palpate.localisers.clip import ClipLocaliser
from palpate.localisers.localiser import Localiser
from palpate.study import Study
from palpate.study_case import StudyCase
from palpate.study_clips import clip_frame, find_clips, open_clips
from palpate.study_settings import ClipSettings
from palpate.workflows.asking import Asking, load_asked
from palpate.workflows.evaluate import source_of
from palpate.workflows.predict import Outcome, predict_each
from palpate.workflows.predict_into import predict_into
from palpate.workflows.predict_runs import predict_runs
from palpate.workflows.provenance import localiser_provenance

PREDICTIONS = "predictions.json"
Advance = Callable[[str, int, int, str], None]


def predict_study(study: Study, run: str, out: Path, *, advance: Advance) -> Path:
    """Predict every film of a study into ``out``; return the file of predictions.

    Args:
        study: of images or clips.
        run: as 'palpate predict' takes it.
        out: folder; written anew each time.
        advance: is told the stage, how much is done of how much, and the film.

    Raises:
        PalpateError: the run cannot be loaded, or no film could be predicted.
        OutputError: the folder cannot be written.
    """
    localiser = load_asked(run, Asking())
    clips = study.settings.video or (None if study.cases else ClipSettings())
    if clips is None:
        sources = [source_of(study, case) for case in study.cases]

        def show(done: int, image: str) -> None:
            advance("predicting", done, len(sources), image)

        file = predict_into(out, localiser, sources, overlays=False, advance=show)
    else:
        file = _clips(study, clips, localiser, advance)
        write_predictions(file, out / PREDICTIONS)
    if not file.images:
        name, reason = next(iter(file.failures.items()), ("", "there is no film"))
        raise PalpateError(f"no film of {study.root} could be predicted; {name}: {reason}")
    return out / PREDICTIONS


def _clips(
    study: Study, settings: ClipSettings, localiser: Localiser, advance: Advance
) -> PredictionFile:
    cases = _frames(study, settings)
    whole = replace(study, cases=tuple(cases))
    found, failures = [], {}
    for done, outcome in enumerate(_outcomes(localiser, whole, cases), start=1):
        if outcome.predicted is None:
            failures[outcome.identifier] = outcome.reason
        else:
            found.append(outcome.predicted)
        advance("predicting", done, len(cases), outcome.identifier)
    provenance = localiser_provenance(localiser)
    return PredictionFile(localiser.scheme, tuple(found), provenance, failures)


def _outcomes(localiser: Localiser, study: Study, cases: Sequence[StudyCase]) -> Iterator[Outcome]:
    if isinstance(localiser, ClipLocaliser):
        return predict_runs(localiser, study, cases)
    return predict_each(localiser, (source_of(study, case) for case in cases))


def _frames(study: Study, settings: ClipSettings) -> list[StudyCase]:
    """Every frame of every clip that can be opened, as a case without labels."""
    paths = find_clips(study.root, settings)
    opened = open_clips(paths, [], depth=settings.depth)
    known = {case.clip.clip: case for case in study.cases if case.clip is not None}
    cases = []
    for clip, what in opened.items():
        numbers = what.numbers.tolist() if isinstance(what, DepthClip) else range(what.frames)
        first = known.get(clip)
        for number in numbers:
            name = frame_name(clip, number)
            at = clip_frame(name, opened, settings, frozenset())
            cases.append(
                StudyCase(
                    name,
                    paths[clip],
                    clip if first is None else first.subject,
                    "" if first is None else first.group,
                    calibration=None if first is None else first.calibration,
                    clip=at,
                )
            )
    return cases
