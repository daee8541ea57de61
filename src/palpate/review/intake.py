"""From a study, and predictions, to cases of a review.

In the flow: Study, PredictionFile -> **NewCase** -> store. Films stay where they are: a case knows
its film by its name below the project's root, which the server alone knows.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from palpate.errors import FormatError, StudyError
from palpate.frame_names import parse_frame_name
from palpate.image import Calibration
from palpate.io.images import find_images, read_calibration
from palpate.io.predictions import PredictedImage, PredictionFile
from palpate.points import OCCLUDED, VISIBLE, Points
from palpate.review.case import NewCase
from palpate.review.intake_film import FilmFacts, clip_facts, still_facts
from palpate.review.mark import Mark, MarkState
from palpate.study import Study
from palpate.study_annotation import UNNAMED
from palpate.study_case import StudyCase
from palpate.study_clips import find_clips
from palpate.study_names import FrameNames, ImageNames
from palpate.study_settings import ClipSettings
from palpate.trust.calibration import UncertaintyCalibration

_STATES: Mapping[int, MarkState] = {VISIBLE: "visible", OCCLUDED: "occluded"}


@dataclass(frozen=True, slots=True)
class Intake:
    """What can be put into a store.

    Args:
        root: folder that the films lie below.
        cases: in the order of the study.
        missing: image -> why there is no case of it, in words.
    """

    root: Path
    cases: tuple[NewCase, ...]
    missing: Mapping[str, str]


def _silently(done: int, total: int, image: str) -> None:
    """Show no progress."""


def plain_folder(folder: Path) -> Study:
    """Return the images of a folder that is no study, as one that nobody has annotated.

    Raises:
        FormatError: there is no such folder.
        StudyError: it holds no image.
    """
    paths = {path.relative_to(folder).as_posix(): path for path in find_images(folder)}
    if not paths:
        raise StudyError(f"{folder}: holds no PNG, JPEG, TIFF, BMP or DICOM file, and no study")
    cases = tuple(
        StudyCase(name, path, name, calibration=read_calibration(path))
        for name, path in paths.items()
    )
    return Study(folder.resolve().name, folder, None, cases)


def study_cases(
    study: Study,
    predictions: PredictionFile | None = None,
    *,
    labels: bool = True,
    only_predicted: bool = False,
    uncertainty: UncertaintyCalibration | None = None,
    advance: Callable[[int, int, str], None] = _silently,
) -> Intake:
    """Return a case for every image and clip of a study.

    Labels become marks of a person: the reference where the study has one, else the mean of its
    annotators; of frames that lie between annotated ones nothing is taken. Predictions are found
    again by the name of the image, as annotation is.

    Args:
        study: opened or surveyed.
        predictions: of its images.
        labels: False leaves them out.
        only_predicted: leaves out what was not predicted; what could not be is among the missing.
        uncertainty: what held-out subjects say of the model that predicted.
        advance: is told how many films are done, of how many, and which.
    """
    clips = _clip_settings(study)
    missing: dict[str, str] = {}
    if clips is None:
        root, films = _images_root(study), {case.identifier: case.path for case in study.cases}
        names: ImageNames = ImageNames(films)
    else:
        root = study.root / clips.folder
        films = find_clips(study.root, clips)
        names = FrameNames(films)
    found = _found(predictions, names, missing)
    labelled = _labelled(study.cases)
    everywhere = None if clips is None else _spacing(study)
    wanted = [name for name in films if name in found or not only_predicted]
    cases = []
    for done, name in enumerate(wanted, start=1):
        try:
            path = films[name]
            facts = still_facts(path) if clips is None else clip_facts(path, clips.depth)
            film = path.relative_to(root).as_posix()
            of_film = _OfFilm(name, film, facts, labelled.get(name, {}), found.get(name, {}))
            case = _case(of_film, everywhere, labels=labels)
            told = uncertainty if case.predictions else None
            cases.append(replace(case, uncertainty=told))
        except FormatError as error:
            missing[name] = error.problem
        advance(done, len(wanted), name)
    return Intake(root.resolve(), tuple(cases), missing)


def _images_root(study: Study) -> Path:
    """Folder that the identifiers of a study's images are paths below."""
    for case in study.cases:
        depth = len(Path(case.identifier).parts)
        return case.path.parents[depth - 1]
    return study.root


def _clip_settings(study: Study) -> ClipSettings | None:
    """The settings of a study of clips, which may have no case, for nobody annotated a frame."""
    if study.settings.video is not None:
        return study.settings.video
    usual = ClipSettings()
    of_clips = any(case.clip is not None for case in study.cases)
    none_yet = not study.cases and (study.root / usual.folder).is_dir()
    return usual if of_clips or none_yet else None


def _spacing(study: Study) -> Calibration | None:
    given = study.settings.calibration
    if given is None or given.spacing_mm is None:
        return None
    return Calibration(given.spacing_mm, given.source, given.plane, given.detail)


# film -> number of the frame -> what is known of it; images have the frame 0 alone.
_Found = dict[str, dict[int, PredictedImage]]


def _found(
    predictions: PredictionFile | None, names: ImageNames, missing: dict[str, str]
) -> _Found:
    """Put predictions to films; those that have none are listed."""
    found: _Found = defaultdict(dict)
    if predictions is None:
        return found
    for image, reason in predictions.failures.items():
        missing[image] = f"not predicted: {reason}"
    for predicted in predictions.images:
        try:
            identifier = names.find(predicted.image)
        except StudyError as error:
            missing[predicted.image] = str(error)
            continue
        if identifier is None:
            missing[predicted.image] = "predicted, but there is no such image here"
            continue
        name, frame = _parts(identifier, of_clip=isinstance(names, FrameNames))
        found[name][frame] = predicted
    return found


def _parts(identifier: str, *, of_clip: bool) -> tuple[str, int]:
    parts = parse_frame_name(identifier) if of_clip else None
    return parts if parts is not None else (identifier, 0)


def _labelled(cases: Iterable[StudyCase]) -> dict[str, dict[int, StudyCase]]:
    found: dict[str, dict[int, StudyCase]] = defaultdict(dict)
    for case in cases:
        if case.clip is None:
            found[case.identifier][0] = case
        else:
            found[case.clip.clip][case.clip.frame] = case
    return found


@dataclass(frozen=True, slots=True)
class _OfFilm:
    """All that is known of one film: by the numbers of its frames."""

    name: str
    film: str
    facts: FilmFacts
    labelled: Mapping[int, StudyCase]
    predicted: Mapping[int, PredictedImage]


def _case(one: _OfFilm, everywhere: Calibration | None, *, labels: bool) -> NewCase:
    """Make a case; ``everywhere`` is the calibration of all clips of the study.

    Raises:
        FormatError: what was predicted is of a film of another size, or of a frame that is not
            there.
    """
    first = next(iter(one.labelled.values()), None)
    told = next(iter(one.predicted.values()), None)
    calibration = first.calibration if first is not None else None
    calibration = calibration or everywhere or one.facts.calibration
    calibration = calibration or (told.calibration if told is not None else None)
    marks: list[Mark] = []
    for number, case in sorted(one.labelled.items()):
        index = one.facts.index_of(number)
        if labels and index is not None and case.points is not None:
            passed = case.clip.interpolated if case.clip is not None else frozenset()
            marks += _marks(case.points, index, passed)
    predictions = {}
    for number, predicted in sorted(one.predicted.items()):
        index = _checked(one, number, predicted)
        predictions[index] = replace(predicted, calibration=predicted.calibration or calibration)
    whose = next((case for case in one.labelled.values() if case.points is not None), None)
    return NewCase(
        one.name,
        one.film,
        one.facts.digest,
        one.facts.size,
        _subject(first, told),
        one.facts.frames,
        calibration,
        predictions,
        tuple(marks),
        (),
        one.facts.source,
        (first.group if first is not None else "") or (told.group if told is not None else ""),
        labelled_by=_whose(whose) if marks and whose is not None else "",
    )


def _whose(case: StudyCase) -> str:
    """Whose a case's labels are, in words; empty where the study does not name them."""
    names = [name for name in case.annotations if name != UNNAMED]
    if case.reference is not None:
        return "the study's reference"
    if len(case.annotations) > 1:
        return f"the mean of {', '.join(case.annotations)}"
    return names[0] if names else ""


def _checked(one: _OfFilm, number: int, predicted: PredictedImage) -> int:
    index = one.facts.index_of(number)
    if index is None:
        raise FormatError(one.name, f"frame {number} was predicted, and is not in the clip")
    if predicted.size != one.facts.size:
        width, height = predicted.size
        raise FormatError(
            one.name,
            f"was predicted as {width} x {height} px and is {one.facts.size[0]} x "
            f"{one.facts.size[1]} px: another film of the same name",
        )
    return index


def _subject(labelled: StudyCase | None, predicted: PredictedImage | None) -> str:
    """Whom the film shows; an image that counts as its own subject shows nobody known."""
    own = labelled.subject if labelled is not None else ""
    told = predicted.subject if predicted is not None else ""
    known = own if labelled is not None and own != labelled.identifier else told
    return "" if predicted is not None and known == predicted.image else known


def _marks(points: Points, frame: int, passed: frozenset[str]) -> Iterator[Mark]:
    """Marks of a person; ``passed`` are landmarks that nobody annotated here."""
    for row, name in enumerate(points.scheme.names):
        if points.present[row] and name not in passed:
            x, y = (float(value) for value in points.coordinates[row][:2])
            yield Mark(name, _STATES[int(points.visibility[row])], x, y, frame)


def slug(text: str) -> str:
    """Return a name for addresses: lower-case letters, digits, hyphens.

    Example:
        >>> slug("Hüft-Studie 2026 (links)"), slug("...")
        ('h-ft-studie-2026-links', 'review')
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-") or "review"
