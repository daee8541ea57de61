"""From what was named on the command line to a project in a store, ready to be read.

In the flow: a study, predictions or a plain folder -> cases with their urgency -> **store**.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from palpate.errors import StudyError
from palpate.io.predictions import PredictionFile, is_predictions, read_predictions
from palpate.protocols.protocol import Protocol, read_protocol
from palpate.review.case import NewCase, Project, Urgency
from palpate.review.intake import Intake, plain_folder, slug, study_cases
from palpate.review.intake_doubt import judged_cases, known_doubt
from palpate.review.intake_scheme import project_scheme, protocol_like
from palpate.review.store import Store
from palpate.study import Study, survey_study
from palpate.study_settings import SETTINGS, ClipSettings

STORE = "review.sqlite"
# What a review cannot begin from: it would not be known which labels are meant.
_BLOCKING = ("ambiguous-name", "annotated-twice", "two-subjects")
_SQLITE = b"SQLite format 3\0"
_SAME_START = (
    "every blinded reader begins from the labels that are there, and readers who begin alike "
    "agree more than they would from nothing; a copy of the study without labels avoids that"
)


@dataclass(frozen=True, slots=True)
class ReviewWish:
    """What is to be reviewed, and how.

    Args:
        given: a study's folder, a plain folder of films, or predictions.json.
        predictions: of the study's images.
        run: run or model that predicts the study's images first.
        images: folder or study with the films of ``given`` predictions.
        protocol: name or file; default: that of the study, else of the predictions' landmarks.
        project: name; default: that of the study.
        blinded: every reader works in a reading of their own.
        assisted: readings begin with the model's marks.
    """

    given: Path
    predictions: Path | None = None
    run: str | None = None
    images: Path | None = None
    protocol: str | None = None
    project: str | None = None
    blinded: bool = False
    assisted: bool = True


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is put into a store.

    Args:
        project: that the cases are of.
        root: folder that their films lie below.
        cases: with their predictions and labels.
        urgency: of each, by its image.
        missing: image -> why there is no case of it.
        notes: sentences about the study.
    """

    project: Project
    root: Path
    cases: tuple[NewCase, ...]
    urgency: Mapping[str, Urgency]
    missing: Mapping[str, str]
    notes: tuple[str, ...] = ()


Advance = Callable[[str, int, int, str], None]


def is_store(path: Path) -> bool:
    """Whether a file is a database, as a review on this machine is kept in.

    Example:
        >>> is_store(Path("no such file"))
        False
    """
    try:
        with path.open("rb") as stream:
            return stream.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def usual_store(given: Path) -> Path:
    """Return where a review is kept that nobody named a place for: beside what is reviewed."""
    if is_store(given):
        return given
    return (given if given.is_dir() else given.parent) / STORE


def prepared(wish: ReviewWish, *, advance: Advance) -> Prepared:
    """Read what is to be reviewed, before a store is opened or made for it.

    Args:
        wish: what and how.
        advance: is told the stage, how much is done of how much, and the image.

    Raises:
        StudyError: no study, or no films of the predictions.
        FormatError: a file is not what it should be.
        ConfigError: nothing says which landmarks there are.
        SchemeError: labels of landmarks that the predictions do not have.
    """
    study, file, path = _opened(wish, advance)
    protocol = _protocol(wish, study, file)
    labels = not is_predictions(wish.given)
    scheme = project_scheme(
        study.landmarks if labels else None, None if file is None else file.scheme, protocol
    )
    name = wish.project or study.name
    project = Project(slug(name), name, scheme, protocol, wish.blinded, wish.assisted)

    def films(done: int, total: int, image: str) -> None:
        advance("reading films", done, total, image)

    known = known_doubt(file, path)
    taken = study_cases(
        study,
        file,
        labels=labels,
        only_predicted=not labels,
        uncertainty=known.uncertainty,
        advance=films,
    )
    if not taken.cases:
        raise StudyError(_nothing(wish.given, taken))
    cases, urgency = judged_cases(project, taken.cases, known)
    notes = [finding.sentence for finding in study.findings if finding.severity == "error"]
    if wish.blinded and any(case.marks for case in cases):
        notes.append(_SAME_START)
    return Prepared(project, taken.root, tuple(cases), urgency, taken.missing, tuple(notes))


def put_in(store: Store, ready: Prepared, *, who: str) -> None:
    """Put it into a store; what is there already stays as it is.

    Args:
        store: opened.
        ready: project and cases.
        who: account that new predictions are told of.

    Raises:
        ReviewError: the store holds the project with other landmarks or rules, or a changed film.
    """
    store.add_project(ready.project, root=ready.root)
    store.add_cases(ready.project.identifier, ready.cases, who=who, urgency=ready.urgency)


def _nothing(given: Path, taken: Intake) -> str:
    name, reason = next(iter(taken.missing.items()), ("", ""))
    told = f"; {name}: {reason}" if name else ""
    return f"{given}: there is no film to be reviewed below {taken.root}{told}"


def _opened(wish: ReviewWish, advance: Advance) -> tuple[Study, PredictionFile | None, Path | None]:
    """The films, and the predictions of them with their file."""
    if is_predictions(wish.given):
        file = read_predictions(wish.given)
        return _films_of(wish), file, wish.given
    study = _study(wish.given)
    if wish.predictions is not None:
        return study, read_predictions(wish.predictions), wish.predictions
    if wish.run is not None:
        from palpate.workflows.review_predict import predict_study

        folder = wish.given if wish.given.is_dir() else wish.given.parent
        path = predict_study(study, wish.run, folder / "review-predictions", advance=advance)
        return study, read_predictions(path), path
    return study, None, None


def _study(path: Path) -> Study:
    """A study, or a folder of films and nothing else.

    Raises:
        StudyError: it is neither, or it is not clear which labels are meant.
    """
    if path.is_file() and path.name != SETTINGS:
        raise StudyError(
            f"{path}: expected a study's folder, a folder of films, predictions.json or a review"
        )
    if path.is_dir() and not _looks_like_study(path):
        return plain_folder(path)
    study = survey_study(path)
    for finding in study.findings:
        if finding.kind in _BLOCKING:
            raise StudyError(finding.sentence)
    return study


def _looks_like_study(folder: Path) -> bool:
    usual = ("images", ClipSettings().folder)
    return (folder / SETTINGS).is_file() or any((folder / name).is_dir() for name in usual)


def _films_of(wish: ReviewWish) -> Study:
    """The films of predictions: where they were said to be, else the study that they lie in.

    A folder of results is not searched itself: its overlays have the films' names.
    """
    if wish.images is not None:
        return _study(wish.images)
    for folder in (wish.given.parent, *wish.given.resolve().parents[1:3]):
        if _looks_like_study(folder):
            return _study(folder)
    raise StudyError(
        f"{wish.given}: it is not known where the films of these predictions are; say so with "
        "--images FOLDER, or --images STUDY"
    )


def _protocol(wish: ReviewWish, study: Study, file: PredictionFile | None) -> Protocol | None:
    name = wish.protocol or study.settings.protocol
    if name:
        return read_protocol(name)
    return protocol_like(file.scheme) if file is not None else None
