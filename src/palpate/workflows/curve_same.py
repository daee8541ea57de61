"""Whether a run folder holds the run that is asked for: a finished one is not done again."""

import hashlib
import json
from pathlib import Path

import numpy as np

from palpate.errors import ConfigError, FormatError
from palpate.files import write_json
from palpate.localisers.run_folder import RunFolder
from palpate.splits import PARTS, read_split
from palpate.training.job import TrainingJob
from palpate.training.recipe import Recipe, read_recipe

# Beside the run: a hash of what its images were annotated with.
_LABELS = "labels.json"


def claim(root: Path, job: TrainingJob[Recipe]) -> None:
    """Write down the labels of a run to be; refuse a folder that holds another run.

    Settings are compared as they are read today, so one that a recipe has gained since, at its
    default, makes no other run. Labels are compared where they were written down, that is not of
    a run that another command made.

    Raises:
        ConfigError: the run there is of other images, labels or settings.
    """
    folder, labels = RunFolder(root), root / _LABELS
    if not folder.recipe.exists():
        write_json(labels, {"sha256": _hash(job)})
        return
    for what, same in (
        ("settings", read_recipe(str(folder.recipe)) == job.recipe),
        ("images", _same_parts(folder, job)),
        ("labels", _read(labels) in ("", _hash(job))),
    ):
        if not same:
            raise ConfigError(
                f"{root} holds a run of other {what}; choose another --out, or move that folder "
                "away to train it anew"
            )


def _same_parts(folder: RunFolder, job: TrainingJob[Recipe]) -> bool:
    before = read_split(folder.split).parts
    return all(sorted(before[part]) == sorted(job.part(part)) for part in PARTS)


def _read(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["sha256"])
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(path, f"cannot be read: {error}") from error


def _hash(job: TrainingJob[Recipe]) -> str:
    digest = hashlib.sha256()
    for name in sorted((*job.part("train"), *job.part("validation"))):
        points = job.study.case(name).points
        where = [] if points is None else np.round(points.coordinates, 4).ravel().tolist()
        digest.update(json.dumps([name, where]).encode())
    return digest.hexdigest()
