"""A study with planted errors: in memory, to judge its labels, or as a folder, to train on."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from palpate.errors import OutputError, StudyError
from palpate.files import write_json
from palpate.image import Image
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.csv_plain import write_csv
from palpate.labels.planted import Planted
from palpate.points import Points
from palpate.study import Study

TRUTH = "planted.json"


def reference_labels(study: Study) -> dict[str, Points]:
    """Return the labels that a model is trained on: the reference, or the annotators' mean."""
    return {case.identifier: p for case in study.cases if (p := case.points) is not None}


def widths_of(study: Study) -> dict[str, float]:
    """Return the width of every image in px; reads each once."""
    images: dict[str, Image] = {c.identifier: study.load(c).image for c in study.cases}
    return {name: float(image.size[0]) for name, image in images.items()}


def planted_study(study: Study, labels: Mapping[str, Points]) -> Study:
    """Return the study with these labels as its only ones.

    The annotators' own are left out: with them, an error in the reference would give itself away.
    """
    cases = tuple(
        replace(case, annotations={}, reference=labels.get(case.identifier)) for case in study.cases
    )
    return replace(study, cases=cases)


def write_planted(
    study: Study, labels: Mapping[str, Points], truth: Sequence[Planted], out: Path
) -> None:
    """Write the study with planted errors as a folder to train on; images are copied.

    What was planted is in ``planted.json``, which no other command reads.

    Raises:
        StudyError: a study of clips, or one whose settings name their own annotation files.
        OutputError: ``out`` is there already, or cannot be written.
    """
    if study.settings.annotations is not None or any(case.clip for case in study.cases):
        raise StudyError(
            f"study {study.name!r}: errors are planted into a folder of images with a "
            "landmarks.csv, not into clips or files that study.toml names"
        )
    if out.exists():
        raise OutputError(f"{out} is there already; name a new folder")
    try:
        for case in study.cases:
            place = out / study.settings.images / case.identifier
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(case.path, place)
        for file in ("study.toml", "meta.csv"):
            if (study.root / file).is_file():
                shutil.copyfile(study.root / file, out / file)
    except OSError as error:
        raise OutputError(f"could not write {out}: {error.strerror or error}") from error
    rows = tuple(
        AnnotatedImage(c.identifier, labels[c.identifier], c.subject, group=c.group, split=c.split)
        for c in study.cases
        if c.identifier in labels
    )
    write_csv(AnnotationFile(study.scheme, rows), out / "landmarks.csv")
    content = [
        {"image": e.image, "kind": e.kind, "landmarks": list(e.landmarks), "px": round(e.px, 3)}
        for e in truth
    ]
    write_json(out / TRUTH, content)
