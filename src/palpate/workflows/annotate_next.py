"""From many unlabelled images, those that a person should annotate next, with why and a picture."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from palpate.contact_sheet import write_contact_sheet
from palpate.duplicates import Films, read_films
from palpate.errors import PalpateError
from palpate.evaluation.acquisition import Candidate, Chosen, choose
from palpate.files import write_rows
from palpate.finding import Finding
from palpate.io.images import find_images
from palpate.io.predictions import PredictedImage, PredictionFile
from palpate.localisers.localiser import Localiser
from palpate.scheme import LandmarkScheme
from palpate.study import Study, pictures, survey_study
from palpate.study_case import StudyCase
from palpate.study_settings import SETTINGS
from palpate.workflows.evaluate import source_of
from palpate.workflows.predict_into import predict_into
from palpate.workflows.seed import without_points

_PREDICTED = "predicted"  # who set the points on the contact sheet
_MOST_TILES = 40


@dataclass(frozen=True, eq=False, slots=True)
class Next:
    """What to annotate next.

    Args:
        chosen: in the order to annotate in.
        pool: the images that were chosen from.
        failures: image -> why nothing is known of it; look at these by eye.
    """

    chosen: tuple[Chosen, ...]
    pool: int
    failures: Mapping[str, str]


def find_pool(inputs: Sequence[Path], scheme: LandmarkScheme) -> Study:
    """Return the images without landmarks among files, folders and studies, as one study.

    Of a study its own images without a landmark, and whom they show; an image of a plain folder
    or a file is of a subject of its own.

    Raises:
        PalpateError: an input is not there, two images have one name, or none is left.
    """
    cases: dict[str, StudyCase] = {}
    for given in inputs:
        for case in _cases(given):
            if case.identifier in cases:
                raise PalpateError(
                    f"two inputs hold an image {case.identifier!r}: give one folder at a time"
                )
            cases[case.identifier] = case
    if not cases:
        raise PalpateError(
            "there is no image without landmarks in "
            + ", ".join(str(path) for path in inputs)
            + ": name a folder of images that nobody has annotated"
        )
    return Study("images to choose from", inputs[0], scheme, tuple(cases.values()))


def choose_next(
    localiser: Localiser,
    pool: Study,
    out: Path,
    *,
    count: int,
    advance: Callable[[int, str], None],
) -> Next:
    """Predict the pool, choose from it, and write ``next.csv`` and ``next.png`` into ``out``.

    ``predictions.json`` and ``predictions.csv`` hold what was found of the whole pool.

    Raises:
        PalpateError: no image could be predicted.
        OutputError: something could not be written.
    """
    sources = [source_of(pool, case) for case in pool.cases]
    file = predict_into(out, localiser, sources, overlays=False, advance=advance)
    films = read_films(pictures(pool))
    failures = {**films.failures, **file.failures}
    candidates = _candidates(file, films)
    if not candidates:
        name, reason = next(iter(failures.items()))
        raise PalpateError(f"none of {len(pool)} images could be predicted; {name}: {reason}")
    chosen = choose(candidates, count)
    found = Next(tuple(chosen), len(candidates), failures)
    by_name = {image.image: image for image in file.images}
    _write_sheet(pool, found, by_name, out / "next.png")
    write_rows(
        out / "next.csv",
        [
            {
                "rank": rank,
                "image": each.image,
                "subject": "" if each.subject == each.image else each.subject,
                "unsure": f"{each.unsure:.3f}",
                "unlike": "" if each.unlike is None else f"{each.unlike:.3f}",
                "score": f"{each.score:.4f}",
                "why": why(each, found.pool),
            }
            for rank, each in enumerate(chosen, start=1)
        ],
    )
    return found


def why(chosen: Chosen, pool: int) -> str:
    """Say in words why an image is worth annotating."""
    place = (
        "the most unsure" if chosen.rank_unsure == 1 else f"number {chosen.rank_unsure} in doubt"
    )
    most = f" ({' and '.join(chosen.worst[:2])} the most)" if chosen.worst else ""
    told = (
        f"{place} of {pool}: landmarks spread {chosen.unsure:.2f} times as wide as usual{most}, "
        f"score {chosen.score:.2f} of the usual"
    )
    reasons = [told]
    if chosen.missed:
        some = ", ".join(chosen.missed[:3]) + (", ..." if len(chosen.missed) > 3 else "")
        reasons.append(f"{len(chosen.missed)} landmarks not found: {some}")
    if chosen.unlike is not None:
        reasons.append(
            f"unlike those above: {chosen.unlike:.2f} of the usual distance from the nearest, "
            f"{chosen.nearest}"
        )
    return "; ".join(reasons)


def _cases(given: Path) -> list[StudyCase]:
    if not given.exists():
        raise PalpateError(f"there is no file or folder {given}")
    if not given.is_dir():
        return [StudyCase(given.name, given, given.name)]
    if (given / SETTINGS).exists() or (given / "images").is_dir():
        study = survey_study(given)
        return [case for case in without_points(study).cases if case.clip is None]
    names = {path.relative_to(given).as_posix(): path for path in find_images(given)}
    return [StudyCase(name, path, name) for name, path in sorted(names.items())]


def _candidates(file: PredictionFile, films: Films) -> list[Candidate]:
    row = {name: k for k, name in enumerate(films.names)}
    return [
        Candidate(
            image.image,
            image.subject or image.image,
            image.size,
            image.prediction,
            films.coarse[row[image.image]].astype(float),
        )
        for image in file.images
        if image.image in row
    ]


def _write_sheet(
    pool: Study, found: Next, predicted: Mapping[str, PredictedImage], path: Path
) -> None:
    """Draw the chosen images with what was predicted, the most unusual landmarks ringed."""
    shown = found.chosen[:_MOST_TILES]
    cases = tuple(
        replace(
            pool.case(each.image),
            annotations={_PREDICTED: predicted[each.image].prediction.points},
        )
        for each in shown
    )
    findings = [
        Finding(f"{rank}: {each.image}", "warning", why(each, found.pool), each.image, each.worst)
        for rank, each in enumerate(shown, start=1)
    ]
    write_contact_sheet(replace(pool, cases=cases), findings, path, most=_MOST_TILES)
