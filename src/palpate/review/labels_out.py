"""From readings back to labels: a study folder that every other command takes as it is.

In the flow: readings in a store -> **labels** -> check, agreement, consensus, train. OUT holds

    study.toml                  points at the films where they are, names the files below
    landmarks.csv               what all share: the only labels, or the reference beside readers
    landmarks_READER.csv        each reader's own, in a blinded project
    meta.csv                    millimetres per pixel, where films differ in it
    protocol.toml               where what was measured is no protocol of palpate's own

Of a signed reading every mark is a label, for the reader has signed them all. Of one that is not
signed only what a person set is: a model must not be taught by what nobody has looked at. Labels
that a case came with are labels still, until a reader of what all share changes them.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from palpate.errors import FormatError
from palpate.files import write_rows, write_text
from palpate.frame_names import frame_name
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.csv_plain import write_csv
from palpate.io.depth import open_depth
from palpate.review.account import Account
from palpate.review.case import Case, Project, Reading
from palpate.review.event import SHARED
from palpate.review.intake_film import frame_numbers
from palpate.review.labels_out_study import CalibrationRow, is_shipped, study_text
from palpate.review.mark import Mark, points_of
from palpate.review.project_plain import protocol_to_toml
from palpate.review.refusals import ReviewError
from palpate.review.store import Store
from palpate.study_settings import SETTINGS

_PAGE = 200
# Whoever takes labels out at the command line has the database itself.
_KEEPER = Account("command-line", "command line", "administrator")


@dataclass(frozen=True, slots=True)
class LabelsOut:
    """What was written.

    Args:
        files: reader (empty: what all share) -> file.
        images: how many images and frames have labels.
        left_out: readings that are begun and gave no label, by why.
    """

    files: Mapping[str, Path]
    images: int
    left_out: Mapping[str, int]


def every_case(store: Store, project: str) -> Iterator[Case]:
    """Yield the cases of a project by the names of their images, a page at a time."""
    after = ""
    while True:
        page = store.queue(project, reader=_KEEPER, order="image", after=after, limit=_PAGE)
        for row in page.rows:
            yield store.case(row.id)
        if not page.next:
            return
        after = page.next


def labels_of(
    store: Store, project: Project, *, signed: bool = False
) -> tuple[dict[str, AnnotationFile], dict[str, int]]:
    """Return the labels of every reader, under the empty name those that all share.

    Args:
        store: with the readings.
        project: one of its projects.
        signed: take signed readings alone.

    Returns:
        Reader -> labels; and how many readings gave none, by why.
    """
    rows: dict[str, list[AnnotatedImage]] = defaultdict(list)
    left_out: dict[str, int] = defaultdict(int)
    for case in every_case(store, project.identifier):
        number = _numbers(store, case)
        for name in _names(store, project, case):
            reading = store.reading(case.identifier, name, events=0)
            if signed and reading.state != "signed":
                left_out["not signed"] += reading.state != "new"
                continue
            annotator = "" if name == SHARED else name
            found = list(_rows(project, case, reading, annotator, number))
            left_out["no mark of a person"] += reading.state != "new" and not found
            if found and _in_no_study(case):
                left_out["frames of a DICOM file, which no study holds"] += 1
                continue
            rows[annotator] += found
    files = {
        name: AnnotationFile(project.scheme, tuple(given)) for name, given in rows.items() if given
    }
    return files, {why: count for why, count in left_out.items() if count}


def _in_no_study(case: Case) -> bool:
    return case.given.frames > 1 and case.given.source not in ("video", "depth")


def _names(store: Store, project: Project, case: Case) -> tuple[str, ...]:
    """The readings that somebody has begun; and what all share, which may begin from labels."""
    begun = store.readings(case.identifier)
    return begun if project.blinded or SHARED in begun else (*begun, SHARED)


def _rows(
    project: Project,
    case: Case,
    reading: Reading,
    annotator: str,
    number: Callable[[int], int],
) -> Iterator[AnnotatedImage]:
    """Labels of the frames of one reading."""
    of_frame: dict[int, list[Mark]] = defaultdict(list)
    own = bool(annotator) and reading.state != "signed"
    begun = {mark.key: mark for mark in case.given.marks} if own else {}
    for mark in reading.marks.values():
        # What a film came with is another's, until the reader signs it.
        if reading.state == "signed" or (mark.origin == "person" and begun.get(mark.key) != mark):
            of_frame[mark.frame].append(mark)
    given = case.given
    for frame, marks in sorted(of_frame.items()):
        clip = given.source in ("video", "depth")
        image = frame_name(given.image, number(frame)) if clip else given.image
        points = points_of(project.scheme, marks, frame=frame)
        subject = given.subject or given.image
        yield AnnotatedImage(image, points, subject, annotator, given.group, size=given.size)


def _numbers(store: Store, case: Case) -> Callable[[int], int]:
    """Return what the frames of a clip are called, by their place.

    Raises:
        FormatError: the clip is of a depth camera, and is not where it was.
    """
    if case.given.source != "depth":
        return int
    numbers = frame_numbers(open_depth(store.root(case.project) / case.given.film))
    return (lambda frame: numbers[frame]) if numbers else int


def write_labels(store: Store, project: Project, out: Path, *, signed: bool = False) -> LabelsOut:
    """Write the labels of a project as a study.

    Args:
        store: with the readings.
        project: one of its projects.
        out: folder; a study that is there already is not overwritten.
        signed: take signed readings alone.

    Raises:
        ReviewError: there is no label yet.
        FormatError: ``out`` holds a study.
        OutputError: it cannot be written.
    """
    if (out / SETTINGS).exists():
        raise FormatError(out / SETTINGS, "is there already; name a new folder for the labels")
    labels, left_out = labels_of(store, project, signed=signed)
    if not labels:
        told = ", ".join(f"{count} {why}" for why, count in left_out.items())
        raise ReviewError(
            f"project {project.identifier!r} has no {'signed ' if signed else ''}labels yet"
            + (f" (readings: {told})" if told else "")
        )
    files = {name: _file_name(name) for name in sorted(labels)}
    for name, file in files.items():
        write_csv(labels[name], out / file)
    cases = list(every_case(store, project.identifier))
    spacings = [_spacing_row(case) for case in cases]
    text, table = study_text(project, store.root(project.identifier), out, files, spacings)
    if table:
        write_rows(out / "meta.csv", table)
    whose = sorted({case.given.labelled_by for case in cases if case.given.labelled_by})
    if whose and "" in files:
        text = f"# The films came with labels of: {json.dumps(whose, ensure_ascii=False)}.\n" + text
    if project.protocol is not None and not is_shipped(project.protocol):
        write_text(out / "protocol.toml", protocol_to_toml(project.protocol))
        text = "# 'palpate measure . --protocol protocol.toml' measures as the review did.\n" + text
    write_text(out / SETTINGS, text)
    images = {row.image for file in labels.values() for row in file.rows}
    return LabelsOut({name: out / file for name, file in files.items()}, len(images), left_out)


def _file_name(reader: str) -> str:
    return f"landmarks_{reader}.csv" if reader else "landmarks.csv"


def _spacing_row(case: Case) -> CalibrationRow:
    return CalibrationRow(case.given.image, case.given.source, case.given.calibration)
