"""Predictions by models that did not see the subject: only these may accuse a label.

In the flow: a cross-validation's folder and a study -> :class:`HeldOutPredictions`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from palpate.errors import FormatError, StudyError
from palpate.io.predictions import PredictedImage, PredictionFile, read_predictions
from palpate.scheme import LandmarkScheme
from palpate.splits import Split, read_split
from palpate.study import Study

PREDICTIONS, SPLIT = "predictions.json", "split.json"


@dataclass(frozen=True, slots=True)
class HeldOutPredictions:
    """What may be held against the labels of a study.

    Args:
        images: identifier -> its prediction by a model that its subject had no part in.
        refused: identifier -> why its prediction is not used.
        made_by: recipe, split and seed of the cross-validation, for the provenance.
    """

    images: Mapping[str, PredictedImage]
    refused: Mapping[str, str]
    made_by: Mapping[str, str]


def read_held_out(study: Study, folder: Path) -> HeldOutPredictions:
    """Read a finished cross-validation of a study.

    Subjects are those of the study as it is now: where it has since been said that two images
    are of one person, a model trained on one does not judge the other.

    Args:
        study: whose labels are to be judged; it may hold more images than were predicted.
        folder: of 'palpate crossval': predictions.json, and split.json in every fold.

    Raises:
        FormatError: no finished cross-validation is there, or a file of it cannot be read.
        StudyError: it is of other images or landmarks, or no prediction may be used.
    """
    path = folder / PREDICTIONS
    if not path.is_file():
        raise FormatError(
            folder,
            f"expected a finished cross-validation with {PREDICTIONS}; make one: "
            "palpate crossval STUDY --recipe NAME --out DIR",
        )
    file = read_predictions(path)
    _same_landmarks(study.scheme, file, path)
    splits = [read_split(each) for each in sorted(folder.glob(f"fold-*/{SPLIT}"))]
    if not splits:
        raise FormatError(
            folder,
            f"holds no fold-*/{SPLIT}, so it is not known who was trained on; a label is judged "
            "only by a model that did not see its subject",
        )
    known = {case.identifier for case in study.cases}
    predicted = [image for image in file.images if image.image in known]
    if not predicted:
        raise StudyError(
            f"{path}: none of its {len(file.images)} images is in study {study.name!r}; name the "
            "folder of a cross-validation of this study"
        )
    refused = _refused(study, [image.image for image in predicted], splits)
    if len(refused) == len(predicted):
        name, why = next(iter(refused.items()))
        raise StudyError(f"{folder}: no prediction may judge a label: {name}: {why}")
    images = {image.image: image for image in predicted if image.image not in refused}
    return HeldOutPredictions(images, refused, dict(file.provenance))


def _same_landmarks(scheme: LandmarkScheme, file: PredictionFile, path: Path) -> None:
    if file.scheme.names != scheme.names:
        other = next(
            (name for name in scheme.names if name not in file.scheme.names),
            "their order",
        )
        raise StudyError(
            f"{path}: predicts {len(file.scheme)} landmarks, the study has {len(scheme)}; they "
            f"differ in {other!r}: name a cross-validation of this study's landmarks"
        )


def _refused(study: Study, names: Sequence[str], splits: Sequence[Split]) -> dict[str, str]:
    """Images that no fold held out, or whose fold learned from their subject."""
    subject = {case.identifier: case.subject for case in study.cases}
    learned = []
    for split in splits:
        seen = {
            subject[name]: name
            for part in ("train", "validation")
            for name in split.parts[part]
            if name in subject
        }
        learned.append(seen)
    refused = {}
    for name in names:
        folds = [i for i, split in enumerate(splits) if name in split.parts["test"]]
        if not folds:
            refused[name] = "no fold held it out, so a model may have learned its label"
            continue
        for fold in folds:
            if subject[name] in learned[fold]:
                refused[name] = (
                    f"the model that predicted it learned from {learned[fold][subject[name]]!r} "
                    f"of the same subject {subject[name]!r}"
                )
    return refused
