"""Proposals that a person has corrected, on their way back into the study.

What nobody touched stays behind. What goes back is one CSV in the person's name, with all that the
person had marked before, and the record of what was proposed: both are laid into the study.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from palpate.errors import FormatError, PalpateError
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.csv_plain import write_csv
from palpate.io.formats import format_of, read_annotation
from palpate.scheme import LandmarkScheme
from palpate.study import Study
from palpate.study_annotation import UNNAMED, annotation_files, over
from palpate.study_names import ImageNames
from palpate.study_proposals import (
    RECORD,
    ProposalRecord,
    Proposed,
    is_proposal,
    read_proposal_record,
)
from palpate.study_settings import SETTINGS
from palpate.suggest import did_you_mean
from palpate.workflows.seed_files import SeedFolder, subject_known
from palpate.workflows.seed_queue import read_looked_at

_OWN = "landmarks.csv"


@dataclass(frozen=True, slots=True)
class Returned:
    """What a person has corrected.

    Args:
        corrected: image -> how many of its landmarks were moved, added or taken away.
        looked_at: images that the person found right as they were.
        untouched: images that stay proposals.
        file: the person's annotation, to be laid into the study.
        setting: lines for study.toml; empty where none are needed.
    """

    corrected: Mapping[str, int]
    looked_at: tuple[str, ...]
    untouched: tuple[str, ...]
    file: Path
    setting: str


@dataclass(frozen=True, slots=True)
class _Home:
    """Where the person's rows go: the file to write, the rows it had, and the line to say so."""

    name: str
    rows: tuple[AnnotatedImage, ...] = ()
    setting: str = ""


def take_back(study: Study, folder: SeedFolder, *, by: str, edited: Path | None = None) -> Returned:
    """Write what ``by`` has corrected into ``folder.corrected``; the study is not touched.

    An image is taken where a landmark was moved, added or taken away, where its row names the
    person instead of ``proposal``, or where the person wrote something into the column
    ``looked_at`` of the queue.

    Args:
        study: that the proposals were made for.
        folder: of the proposals.
        by: name of the person.
        edited: the corrected file, of any format; by default the proposals where they were
            written.

    Raises:
        PalpateError: no proposals there, no name, nothing corrected, or a study whose annotation
            has no room for another annotator.
        FormatError: a file is damaged, or has other images or landmarks.
    """
    if not by.strip() or is_proposal(by):
        raise PalpateError(f"--corrected-by wants the name of a person, got {by!r}")
    if not folder.record.exists():
        raise PalpateError(
            f"{folder.root} holds no proposals; make them first: the same command without "
            "--corrected-by"
        )
    record = read_proposal_record(folder.record)
    path = edited or folder.proposals()
    scheme = study.landmarks or read_annotation(path).scheme
    rows = _rows_of(path, study, record, scheme)
    looked_at = read_looked_at(folder.queue, ImageNames(record.images))
    taken: dict[str, AnnotatedImage] = {}
    corrected: dict[str, int] = {}
    right: list[str] = []
    for name, row in rows.items():
        moved = _moved(record, name, row)
        signed = row.annotator == by or name in looked_at
        if row.annotator not in ("", by) and not is_proposal(row.annotator):
            continue  # somebody else's, to be taken back in that name
        if moved:
            corrected[name] = moved
        elif signed:
            right.append(name)
        else:
            continue
        taken[name] = replace(row, annotator=by)
    if not taken:
        raise PalpateError(
            f"{path}: all {len(rows)} images are as they were proposed, so none is taken; correct "
            f"them, and write something into the column 'looked_at' of {folder.queue} for those "
            "that are right as they are"
        )
    home = _home(study, by)
    file = folder.corrected / home.name
    write_csv(AnnotationFile(scheme, _merged(home.rows, taken, scheme)), file)
    _with_record(study, record, taken, right, by).write(folder.corrected / RECORD)
    untouched = tuple(name for name in record.images if name not in taken)
    return Returned(corrected, tuple(right), untouched, file, home.setting)


def _rows_of(
    path: Path, study: Study, record: ProposalRecord, scheme: LandmarkScheme
) -> dict[str, AnnotatedImage]:
    """Image -> its row, in the study's names and over its scheme."""
    names = ImageNames([case.identifier for case in study.cases])
    content = read_annotation(path)
    known = set(scheme.names)
    for name in content.scheme.names:
        if name not in known:
            raise FormatError(
                path, f"has a landmark {name!r}, which the study has not{did_you_mean(name, known)}"
            )
    rows: dict[str, AnnotatedImage] = {}
    for row in content.rows:
        identifier = names.find(row.image)
        if identifier is None:
            raise FormatError(path, f"names {row.image!r}, which is no image of the study")
        if identifier in rows:
            raise FormatError(path, f"holds {identifier!r} twice; keep one of them", line=row.line)
        points = over(scheme, row.points)
        if identifier not in record.images and not points.present.any():
            continue
        subject = row.subject or subject_known(study, study.case(identifier))
        rows[identifier] = replace(row, image=identifier, points=points, subject=subject)
    return rows


def _moved(record: ProposalRecord, name: str, row: AnnotatedImage) -> int:
    """How many landmarks are not where they were proposed; all, where nothing was proposed."""
    if name not in record.images:
        return int(row.points.present.sum())
    return int((~record.untouched(name, row.points)).sum())


def _home(study: Study, by: str) -> _Home:
    """Find where the rows of one more annotator go, whatever the study's layout is."""
    files = annotation_files(study.root, study.settings)
    own = f"landmarks_annotator{by}.csv"
    _refuse_bad_name(own)
    if not files:
        return _Home(_OWN)
    if len(files) == 1 and files[0][0] is None:
        return _beside_one_file(study, files[0][1], by, own)
    for who, path in files:
        if who == by:
            if format_of(path) != "csv" or path.parent != study.root:
                raise PalpateError(
                    f"{by!r} has annotated {path.name} already, to which nothing can be added; "
                    f"take the corrections back under another name, such as '{by}2'"
                )
            return _Home(path.name, read_annotation(path).rows)
    if isinstance(study.settings.annotations, dict):
        named = {**study.settings.annotations, by: own}
        listed = ", ".join(f'"{who}" = "{file}"' for who, file in named.items())
        return _Home(own, (), f"annotations = {{{listed}}}")
    return _Home(own)


def _beside_one_file(study: Study, path: Path, by: str, own: str) -> _Home:
    rows = read_annotation(path).rows
    if format_of(path) == "csv" and path.parent == study.root:
        return _Home(path.name, rows)
    # A file of another program may hold more than landmarks: it is kept as it is.
    images = [row.image for row in rows]
    if len(set(images)) < len(images):
        raise PalpateError(
            f"{path.name} holds several annotators, to which one more cannot be added; convert it "
            f"first: palpate convert {path.name} {_OWN}, and name that in {SETTINGS}"
        )
    named = study.settings.annotations
    reference = named if isinstance(named, str) else path.name
    return _Home(own, (), f'annotations = {{"{by}" = "{own}"}}\nreference = "{reference}"')


def _refuse_bad_name(name: str) -> None:
    if any(sign in name for sign in '/\\:*?"<>|\n') or not name.isprintable():
        raise PalpateError(f"--corrected-by: {name!r} is no name for a file; use letters")


def _merged(
    before: tuple[AnnotatedImage, ...], taken: Mapping[str, AnnotatedImage], scheme: LandmarkScheme
) -> tuple[AnnotatedImage, ...]:
    """The rows there were, less what is replaced and what says nothing, and those taken."""
    names = ImageNames(taken)
    kept = []
    for row in before:
        points = over(scheme, row.points)
        again = names.find(row.image)
        if again is not None:
            whose = row.annotator or UNNAMED
            replaced = whose == taken[again].annotator or not points.present.any()
            if replaced or is_proposal(row.annotator):
                continue
        kept.append(replace(row, points=points))
    return (*kept, *taken.values())


def _with_record(
    study: Study,
    record: ProposalRecord,
    taken: Mapping[str, AnnotatedImage],
    right: list[str],
    by: str,
) -> ProposalRecord:
    """What was proposed for the images taken, beside what the study knows from earlier rounds."""
    images: dict[str, Proposed] = {}
    before = study.root / RECORD
    if before.exists():
        earlier = read_proposal_record(before)
        for name, each in earlier.images.items():
            again = np.full((len(record.landmarks), each.coordinates.shape[1]), np.nan)
            for k, landmark in enumerate(record.landmarks):
                if landmark in earlier.landmarks:
                    again[k] = each.coordinates[earlier.landmarks.index(landmark)]
            images[name] = Proposed(again, each.looked_at_by)
    for name in taken:
        if name in record.images:
            looked = by if name in right else ""
            images[name] = Proposed(record.images[name].coordinates, looked)
    return ProposalRecord(record.landmarks, images, record.origin)
