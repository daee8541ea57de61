"""Train forests and a shape model into a run folder."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from palpate.errors import PalpateError, StudyError
from palpate.files import sha256, write_json
from palpate.forest.film import Film
from palpate.forest.model import RfrvModel
from palpate.forest.store import write_rfrv
from palpate.forest.train import train_rfrv
from palpate.localisers.forest import ForestLocaliser, ForestSpec
from palpate.localisers.run_folder import RunFolder
from palpate.prediction import Prediction
from palpate.sample import Sample
from palpate.side_by_side import processors
from palpate.training.calibrate import variance_factor
from palpate.training.job import Advance, TrainingJob, silent
from palpate.training.recipe import ForestRecipe
from palpate.training.record import write_request


def train_forest(
    job: TrainingJob[ForestRecipe],
    out: Path,
    *,
    command: str = "",
    advance: Advance = silent,
) -> None:
    """Train a localiser of forests and write the run folder ``out``.

    It takes minutes, so one that was interrupted begins anew; nothing is done where it had
    finished. Validation subjects calibrate the covariances; they choose nothing.

    Args:
        job: what determines the numbers.
        out: a new folder, or that of a run that was interrupted.
        command: for the provenance.
        advance: shows progress.

    Raises:
        StudyError: too few films to train on.
        PalpateError: ``out`` holds a run of another method.
    """
    folder = RunFolder(out)
    if folder.localiser.exists():
        return
    if folder.last.exists():
        raise PalpateError(f"{out} holds a network that is not finished; choose another --out")
    films = [_film(sample) for sample in _samples(job, "train", advance)]
    write_request(folder, job, command=command)
    rng = np.random.default_rng(job.recipe.seed)
    model = train_rfrv(films, job.recipe.settings, rng, advance=advance, workers=processors())
    write_rfrv(model, folder.weights)
    _finish(folder, job, model, advance)


def _samples(job: TrainingJob[ForestRecipe], part: str, advance: Advance) -> list[Sample]:
    names = job.part(part)
    samples: list[Sample] = []
    for done, name in enumerate(names):
        advance(f"reading {part} images", done, len(names), "")
        samples.extend(job.samples(name))
    return samples


def _film(sample: Sample) -> Film:
    if sample.points is None:
        raise StudyError(
            f"image {sample.image.identifier!r} is in the split but not annotated; annotate it, or "
            "take it out of the split"
        )
    image = sample.image
    x, y, width, height = image.region or (0, 0, image.size[0], image.size[1])
    grey = image.grey()[y : y + height, x : x + width]
    if grey.min() == grey.max():
        raise StudyError(
            f"image {image.identifier!r} has one grey value everywhere: leave it out; study.toml: "
            f'exclude = ["{image.identifier}"]'
        )
    return Film(grey, sample.points.coordinates - np.array([x, y]))


def _finish(
    folder: RunFolder,
    job: TrainingJob[ForestRecipe],
    model: RfrvModel,
    advance: Advance,
) -> None:
    """Calibrate on validation subjects and write the description last, as the seal."""
    spec = ForestSpec(
        f"{job.recipe.name} on {job.study.name}",
        job.scheme,
        protocol=job.study.settings.protocol or "",
    )
    localiser = ForestLocaliser(spec, model, sha256(folder.weights)[:12])
    held_out = _samples(job, "validation", advance)
    found: list[Prediction] = []
    for done, sample in enumerate(held_out):
        advance("calibrating", done, len(held_out), "")
        found.append(localiser.predict(sample.image))
    truths = [sample.points for sample in held_out if sample.points is not None]
    calibration = variance_factor(found, truths)
    metrics: dict[str, object] = {"films": model.films, "weights_sha256": sha256(folder.weights)}
    if calibration is not None:
        spec = replace(spec, variance_factor=calibration.factor)
        metrics["variance_factor"] = calibration.factor
        metrics["variance_factor_images"] = calibration.images
        metrics["variance_factor_landmarks"] = calibration.landmarks
    write_json(folder.metrics, metrics)
    write_json(folder.localiser, spec.to_json())
