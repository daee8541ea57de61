"""Whether a run folder holds the run that is asked for: a finished one is not done again.

A finished run is taken for the one that is asked for only where settings, images and labels are
the same: else its figures would be of another study than the table says.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from palpate.errors import ConfigError, FormatError
from palpate.files import write_json
from palpate.localisers.run_folder import RunFolder
from palpate.splits import PARTS, read_split
from palpate.study import Study
from palpate.training.job import TrainingJob
from palpate.training.recipe import Recipe, read_recipe

# Beside the run: a hash of what its images were annotated with.
LABELS = "labels.json"
_MOVE = "choose another --out, or move that folder away to train it anew"


def claim(root: Path, job: TrainingJob[Recipe]) -> None:
    """Write down the labels of a run to be; refuse a folder that holds another run.

    Raises:
        ConfigError: as :func:`refuse_another`.
    """
    if RunFolder(root).recipe.exists():
        refuse_another(root, job)
    else:
        write_json(root / LABELS, {"sha256": label_hash(job)})


def refuse_another(root: Path, job: TrainingJob[Recipe]) -> None:
    """Refuse a folder that holds another run than is asked for.

    Settings are compared as they are read today, so one that a recipe has gained since, at its
    default, makes no other run. A run without a hash of its labels, which another command or an
    older version made, is known by the hash of all its inputs.

    Args:
        root: the run's folder, perhaps not there yet.
        job: what is asked for.

    Raises:
        ConfigError: the run there is of other images, labels or settings, or it cannot be told.
    """
    folder = RunFolder(root)
    if not folder.recipe.exists():
        return
    if read_recipe(str(folder.recipe)) != job.recipe:
        raise ConfigError(f"{root} holds a run of other settings; {_MOVE}")
    image = _other_image(folder, job)
    if image:
        raise ConfigError(f"{root} holds a run of other images: {image}; {_MOVE}")
    refuse_other_labels(root, job, otherwise=_MOVE)


def keep_labels(root: Path, job: TrainingJob[Recipe], *, by: str = "the training") -> None:
    """Write down that a run was trained on the labels of the job, and who says so.

    Nothing is written where the run keeps a hash of its labels, or where there is no run.
    """
    if RunFolder(root).recipe.exists() and not (root / LABELS).exists():
        write_json(root / LABELS, {"sha256": label_hash(job), "by": by})


def refuse_other_labels(root: Path, job: TrainingJob[Recipe], *, otherwise: str) -> None:
    """Refuse a run that was trained on other labels than the job has, or may have been.

    Raises:
        ConfigError: it was, or nothing tells.
    """
    known = _read(root / LABELS)
    if known:
        if known != label_hash(job):
            raise ConfigError(
                f"{root} holds a run of other labels: landmarks of its training images were "
                f"changed since; {otherwise}"
            )
        return
    if _inputs(root) == job.fingerprint()[:12]:
        return
    raise ConfigError(
        f"{root} holds a run that keeps no hash of its labels alone, and the hash of all its "
        "inputs is not today's: labels were changed since, or an older version made it; "
        f"{otherwise}, or say that the labels are the same: --trust-labels"
    )


def label_hash(job: TrainingJob[Recipe]) -> str:
    """Return a hash of the landmarks of the training and validation images, to 0.0001 px.

    Where a run is trained on each annotator's points or on their consensus, on those as well.
    """
    known = hash_of_labels(job.study, (*job.part("train"), *job.part("validation")))
    own = job.own_points
    if own is None:
        return known
    digest = hashlib.sha256(known.encode())
    for name in sorted(own):
        several = [np.round(points.coordinates, 4).ravel().tolist() for points in own[name]]
        digest.update(json.dumps([name, several]).encode())
    return digest.hexdigest()


def hash_of_labels(study: Study, names: tuple[str, ...]) -> str:
    """Return a hash of the landmarks of some images, to 0.0001 px."""
    digest = hashlib.sha256()
    for name in sorted(names):
        points = study.case(name).points
        where = [] if points is None else np.round(points.coordinates, 4).ravel().tolist()
        digest.update(json.dumps([name, where]).encode())
    return digest.hexdigest()


def _other_image(folder: RunFolder, job: TrainingJob[Recipe]) -> str:
    """Name the first image that is in another part, or in one alone; empty where there is none."""
    before = read_split(folder.split).parts
    was = {name: part for part in PARTS for name in before[part]}
    wanted = {name: part for part in PARTS for name in job.part(part)}
    for name in sorted({*was, *wanted}):
        if was.get(name) != wanted.get(name):
            there, here = was.get(name, "absent"), wanted.get(name, "absent")
            return f"{name!r} is in {here} now and was in {there}".replace("in absent", "absent")
    return ""


def _inputs(root: Path) -> str:
    folder = RunFolder(root)
    return folder.provenance_values().get("inputs", "") if folder.begun else ""


def _read(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["sha256"])
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(path, f"cannot be read: {error}") from error
