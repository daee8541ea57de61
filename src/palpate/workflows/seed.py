"""Pre-annotation: what a person would draw is proposed, so that it is corrected instead."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from palpate.errors import PalpateError
from palpate.io.predictions import PredictionFile
from palpate.localisers.localiser import Localiser
from palpate.points import Points
from palpate.study import Study
from palpate.study_proposals import ProposalRecord, Proposed
from palpate.workflows.abstain import Verdict
from palpate.workflows.doubt import mirrored
from palpate.workflows.evaluate import refuse_other_scheme, source_of
from palpate.workflows.predict_into import predict_into
from palpate.workflows.provenance import localiser_provenance
from palpate.workflows.report_predictions import report_predictions
from palpate.workflows.seed_files import SeedFolder, proposed_points, write_proposals
from palpate.workflows.seed_queue import (
    Queued,
    queue_of,
    usual_shapes,
    write_queue,
    write_sheet,
)


@dataclass(frozen=True, eq=False, slots=True)
class Seeded:
    """What was proposed.

    Args:
        queue: the worst first.
        failures: image -> why there is no proposal.
        path: the file or folder for a person to correct.
        calibrated: whether the expected errors were held against subjects not trained on.
    """

    queue: tuple[Queued, ...]
    failures: dict[str, str]
    path: Path
    calibrated: bool


def without_points(study: Study, *, subjects: int | None = None) -> Study:
    """Return the study of the images without any landmark, of at most so many subjects."""
    done = {case.identifier for case in study.annotated().cases}
    open_ = [case for case in study.cases if case.identifier not in done]
    first = list(dict.fromkeys(case.subject for case in open_))[:subjects]
    return study.subset(case.identifier for case in open_ if case.subject in set(first))


def propose(
    localiser: Localiser,
    study: Study,
    wanted: Study,
    folder: SeedFolder,
    *,
    written_as: str,
    advance: Callable[[int, str], None],
) -> Seeded:
    """Predict the images of ``wanted`` and write them as proposals, with the order to correct in.

    Args:
        localiser: of the study's landmarks.
        study: whose annotated shapes say what is usual.
        wanted: the images without points.
        folder: nothing is written elsewhere.
        written_as: name of an annotation format.
        advance: is told how many are done, and the last image's name.

    Raises:
        ConfigError: the localiser knows other landmarks.
        PalpateError: no image could be predicted.
        OutputError: something could not be written.
    """
    if study.landmarks is not None:
        refuse_other_scheme(localiser, study)
    scheme = study.landmarks or localiser.scheme
    sources = [source_of(wanted, case) for case in wanted.cases]
    file = predict_into(folder.root, localiser, sources, overlays=True, advance=advance)
    if not file.images:
        name, why = next(iter(file.failures.items()))
        raise PalpateError(f"none of {len(sources)} images could be predicted; {name}: {why}")
    points = {image.image: proposed_points(image, scheme) for image in file.images}
    other_side = mirrored(localiser, sources, file)
    queue = queue_of(file, points, usual_shapes(study), mirrored=other_side)
    failures = dict(file.failures)
    in_order = _in_order(file, queue)
    report_predictions(folder.root, in_order, sources, reports={}, verdict=Verdict())
    write_sheet(wanted, queue, points, folder.sheet)
    write_queue(queue, failures, folder.queue)
    given = {name: each for name, each in points.items() if each.present.any()}
    if not given:
        raise PalpateError("no landmark was found inside any image; draw some by hand instead")
    sizes = {image.image: image.size for image in file.images}
    ordered = {each.image: given[each.image] for each in queue if each.image in given}
    path = write_proposals(wanted, ordered, sizes, folder, written_as)
    _record(localiser, ordered).write(folder.record)  # last: it seals the rest
    return Seeded(tuple(queue), failures, path, localiser.variance_factor is not None)


def _in_order(file: PredictionFile, queue: list[Queued]) -> PredictionFile:
    by_name = {image.image: image for image in file.images}
    images = tuple(by_name[each.image] for each in queue)
    return PredictionFile(file.scheme, images, file.provenance, file.failures)


def _record(localiser: Localiser, points: dict[str, Points]) -> ProposalRecord:
    first = next(iter(points.values()))
    return ProposalRecord(
        first.scheme.names,
        {name: Proposed(each.coordinates) for name, each in points.items()},
        localiser_provenance(localiser),
    )
