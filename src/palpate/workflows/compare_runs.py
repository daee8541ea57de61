"""Finished cross-validations and evaluations, compared where they stand on the same ground.

The ground is the images that were held out, the folds and the labels. Whether the labels were
those of the study today is told by the truth in ``errors.csv``, else by the hashes of the runs.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palpate.errors import ConfigError, FormatError
from palpate.io.predictions import PredictionFile, read_predictions
from palpate.localisers.run_folder import RunFolder
from palpate.splits import Split, read_split
from palpate.study import Study
from palpate.training.job import TrainingJob
from palpate.training.recipe import read_recipe
from palpate.workflows.compare import Comparison, compare_results
from palpate.workflows.evaluate import EvaluatedStudy, pair
from palpate.workflows.folds import Folds
from palpate.workflows.same_ground import refuse_other_labels

_PREDICTIONS, _ERRORS = "predictions.json", "errors.csv"
_SAME_PX = 1e-3  # a label is the same to so many px
_COMPARE = "only what was done on the same labels is compared"


@dataclass(frozen=True, eq=False, slots=True)
class Finished:
    """A folder of ``palpate crossval`` or ``palpate evaluate``.

    Args:
        name: of the folder.
        root: the folder.
        file: predictions of the held-out images.
        folds: folders of the runs; empty where one run was evaluated elsewhere.
        splits: of the folds.
    """

    name: str
    root: Path
    file: PredictionFile
    folds: tuple[Path, ...]
    splits: tuple[Split, ...]


def read_finished(roots: Sequence[Path]) -> tuple[Finished, ...]:
    """Read folders of finished cross-validations or evaluations.

    Raises:
        ConfigError: fewer than two, one twice, or one without predictions.
        FormatError: a file in one cannot be read.
    """
    if len({root.resolve() for root in roots}) < max(2, len(roots)):
        given = ", ".join(str(root) for root in roots)
        raise ConfigError(f"two or more different folders are compared, got {given}")
    return tuple(_read(root, name) for root, name in zip(roots, _names(roots), strict=True))


def compare_finished(
    study: Study,
    finished: Sequence[Finished],
    *,
    trust_labels: bool = False,
    annotated_only: bool = False,
) -> Comparison:
    """Compare finished folders by the labels of a study.

    Args:
        study: whose images they predicted.
        finished: the first is what the others are compared with.
        trust_labels: take what keeps no trace of its labels for made on these.
        annotated_only: labels between annotated frames are not scored.

    Raises:
        ConfigError: images, folds or labels differ, naming the first difference, or nothing tells
            of the labels.
    """
    annotated = study.annotated()
    for one in finished:
        _refuse_other_images(finished[0], one, annotated)
        _refuse_other_folds(finished[0], one)
    for one in finished:
        _refuse_other_truth(one, annotated, trust_labels=trust_labels)
    results = {
        one.name: EvaluatedStudy(
            tuple(pair(annotated.case(image.image), image) for image in one.file.images),
            one.file.images,
            dict(one.file.failures),
        )
        for one in finished
    }
    return compare_results(
        Folds(annotated, finished[0].splits),
        results,
        {one.name: one.root for one in finished},
        annotated_only=annotated_only,
    )


def _names(roots: Sequence[Path]) -> list[str]:
    """The folders' names, with those above them where these are not different."""
    for parts in range(1, max(len(root.parts) for root in roots) + 1):
        names = ["/".join(root.resolve().parts[-parts:]) for root in roots]
        if len(set(names)) == len(names):
            return names
    return [str(root) for root in roots]


def _read(root: Path, name: str) -> Finished:
    path = root / _PREDICTIONS
    if not path.exists():
        raise ConfigError(
            f"{root} has no {_PREDICTIONS}: name a folder that 'palpate crossval' or 'palpate "
            "evaluate' has finished"
        )
    folds: list[Path] = []
    while (fold := root / f"fold-{len(folds) + 1}").is_dir():
        folds.append(fold)
    splits = tuple(read_split(RunFolder(fold).split) for fold in folds)
    return Finished(name, root, read_predictions(path), tuple(folds), splits)


def _refuse_other_images(first: Finished, other: Finished, study: Study) -> None:
    for one in (first, other):
        if one.file.scheme.names != study.scheme.names:
            raise ConfigError(f"{one.root} is of other landmarks than study {study.name!r}")
    found, theirs = ({image.image for image in one.file.images} for one in (first, other))
    for name in sorted(found ^ theirs):
        has, lacks = (first, other) if name in found else (other, first)
        why = lacks.file.failures.get(name)
        told = f"could not predict it: {why}" if why else "did not"
        raise ConfigError(
            f"other images: {has.root} predicted {name!r} and {lacks.root} {told}; only what was "
            "done on the same images is compared"
        )


def _refuse_other_folds(first: Finished, other: Finished) -> None:
    """Refuse other folds; which of the rest were for validation is the method's own affair."""
    counts = len(first.folds), len(other.folds)
    if counts[0] != counts[1]:
        raise ConfigError(
            f"other folds: {first.root} holds {counts[0]} and {other.root} {counts[1]}; only what "
            "was done on the same folds is compared"
        )
    for number, (one, two) in enumerate(zip(first.splits, other.splits, strict=True), start=1):
        for what, names, theirs in (
            ("held out", set(one.parts["test"]), set(two.parts["test"])),
            ("learnt from", _learnt_from(one), _learnt_from(two)),
        ):
            for name in sorted(names ^ theirs):
                has, lacks = (first, other) if name in names else (other, first)
                raise ConfigError(
                    f"other folds: in fold {number} {name!r} is {what} in {has.root} and not in "
                    f"{lacks.root}; only what was done on the same folds is compared"
                )


def _learnt_from(split: Split) -> set[str]:
    return {*split.parts["train"], *split.parts["validation"]}


def _refuse_other_truth(one: Finished, study: Study, *, trust_labels: bool) -> None:
    """Refuse labels other than today's, of held-out images and of those that were learnt from."""
    known = _same_truth(one.root, study)
    for fold, split in zip(one.folds, one.splits, strict=True):
        if _learnt_from(split) <= known or trust_labels:
            continue
        folder = RunFolder(fold)
        halves = folder.read_halves() if folder.halves.exists() else ()
        job = TrainingJob(
            study, read_recipe(str(folder.recipe)), split, tuple(tuple(half) for half in halves)
        )
        refuse_other_labels(fold, job, otherwise=_COMPARE)
    if not one.folds and not known and not trust_labels:
        raise ConfigError(
            f"{one.root} holds neither {_ERRORS} nor runs, so nothing tells which labels it was "
            "made on; evaluate it again, or say that the labels are the same: --trust-labels"
        )


def _same_truth(root: Path, study: Study) -> set[str]:
    """Return the images whose truth in ``errors.csv`` is that of the study today.

    Raises:
        ConfigError: a landmark is elsewhere today.
    """
    path = root / _ERRORS
    if not path.exists():
        return set()
    same: dict[str, bool] = {}
    for row in _rows(path):
        image, landmark = row["image"], row["landmark"]
        points = study.case(image).points
        if points is None or landmark not in points.scheme.names:
            raise _moved(root, image, landmark)
        today = points.coordinates[points.scheme.names.index(landmark)]
        given = [row.get(f"{axis}_true") or "" for axis in "xyz"[: len(today)]]
        if not all(given):
            # Not annotated then, or not scored, as between annotated frames of a clip.
            same[image] = same.get(image, True) and bool(np.isnan(today).all())
            continue
        if not np.allclose([float(value) for value in given], today, rtol=0, atol=_SAME_PX):
            raise _moved(root, image, landmark)
        same.setdefault(image, True)
    return {image for image, known in same.items() if known}


def _rows(path: Path) -> list[Mapping[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    if rows and not {"image", "landmark", "x_true", "y_true"} <= set(rows[0]):
        raise FormatError(path, "expected the columns image, landmark, x_true and y_true")
    return [dict(row) for row in rows]


def _moved(root: Path, image: str, landmark: str) -> ConfigError:
    return ConfigError(
        f"other labels: {root} was judged with {landmark!r} of {image!r} elsewhere than the study "
        f"has it now; {_COMPARE}: make it again"
    )
