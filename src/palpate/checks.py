"""What is wrong with a study, before any training: one sentence for each thing a person should see.

In the flow: study -> :func:`find_problems` -> findings -> table, JSON and contact sheet. A new
check is a function of the study (and of its films, read once) that yields findings; add it to
:func:`find_problems`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from json import dumps

import numpy as np
from numpy import ndarray

from palpate.annotator_checks import annotator_problems
from palpate.duplicates import Films, duplicates_among, read_films
from palpate.errors import FormatError, StudyError
from palpate.finding import SEVERITIES, Finding
from palpate.io.depth import open_depth
from palpate.io.depth_blank import blank_frames
from palpate.points import Points
from palpate.shape_checks import ShapeKind, ShapeProblem, shape_problems
from palpate.splits import given_split, refuse_leaks
from palpate.study import Study, pictures
from palpate.study_case import StudyCase
from palpate.study_proposals import RECORD, read_proposal_record

# A point may lie so far outside before it counts: files count from a corner or from a centre.
OUTSIDE_PX = 1.0
# A landmark absent from more images than this share is absent by habit, and told once.
OFTEN_ABSENT = 0.2
# Copies within a subject are told only where they are the same picture, not neighbouring frames.
SAME_PICTURE = 0.995

_SHAPES: dict[ShapeKind, str] = {
    "swapped": "{names} lie as if they had been exchanged",
    "sides-swapped": "all left and right landmarks lie as if they had been exchanged",
    "mirrored": "the shape is a mirror image of the others: the image faces the other way, "
    "or left and right were exchanged",
    "reversed-order": "{names} lie in another order than in the other images",
    "far-off": "{names} up to {weight:.0f} times farther from the usual place than is usual",
}


def find_problems(study: Study) -> tuple[Finding, ...]:
    """Look for everything that is known to go wrong; reads every image once.

    Args:
        study: as :func:`palpate.study.survey_study` or ``open_study`` gives it.

    Returns:
        Errors first, then warnings and notes; the most unusual first among these.
    """
    study = _as_annotated(study)
    films = read_films(pictures(study))
    found = list(study.findings)
    found += _unreadable(films)
    found += _calibrations(study) if study.depth is None else _of_depth(study)
    found += _copies(study, films)
    if study.landmarks is not None:
        found += _not_annotated(study)
        found += _absent(study)
        found += _outside(study, films)
        found += _same_place(study)
        found += _shapes(study)
        found += annotator_problems(study)
        found += _as_proposed(study)
    order = {severity: i for i, severity in enumerate(SEVERITIES)}
    return tuple(sorted(found, key=lambda f: (order[f.severity], -f.weight, f.kind, f.image)))


def _as_annotated(study: Study) -> Study:
    """Leave out the frames of clips in which every label lies between annotated ones."""
    kept = [
        case.identifier
        for case in study.cases
        if case.clip is None
        or case.points is None
        or len(case.clip.interpolated) < int(case.points.present.sum())
    ]
    return study.subset(kept) if len(kept) < len(study) else study


def same_subject_line(findings: Iterable[Finding]) -> str:
    """Return the line for study.toml that keeps all copies of one film together, or nothing.

    Example:
        >>> kind = "copy-across-subjects"
        >>> pairs = [Finding(kind, "error", "", a, other=b) for a, b in ("ab", "cd", "be")]
        >>> same_subject_line(pairs)
        'same_subject = [["a", "b", "e"], ["c", "d"]]'
    """
    together: dict[str, list[str]] = {}
    for finding in findings:
        if finding.kind == "copy-across-subjects":
            first = together.get(finding.image, [finding.image])
            second = together.get(finding.other, [finding.other])
            joined = first + [name for name in second if name not in first]
            together.update(dict.fromkeys(joined, joined))
    groups = {id(names): names for names in together.values()}.values()
    return f"same_subject = {dumps(list(groups), ensure_ascii=False)}" if together else ""


def _unreadable(films: Films) -> Iterator[Finding]:
    for name, reason in films.failures.items():
        yield Finding("unreadable-image", "error", f"{name}: {reason}", image=name)
    for name, coarse in zip(films.names, films.coarse, strict=True):
        if not coarse.any():
            yield Finding(
                "blank-image", "warning", f"{name} is of one grey value all over", image=name
            )


def _calibrations(study: Study) -> Iterator[Finding]:
    given = [case for case in study.cases if case.calibration is not None]
    without = [case.identifier for case in study.cases if case.calibration is None]
    if not given:
        sentence = (
            f"none of the {len(study.cases)} images is calibrated: angles can be measured, "
            "lengths cannot; a column mm_per_px in meta.csv calibrates them"
        )
        yield Finding("no-calibration", "note", sentence)
    elif without:
        sentence = (
            f"{len(without)} of {len(study.cases)} images are not calibrated, such as "
            f"{without[0]!r}: lengths cannot be measured there"
        )
        yield Finding("no-calibration", "warning", sentence, image=without[0])
    spacings = {c.identifier: min(c.calibration.spacing_mm) for c in given if c.calibration}
    usual = float(np.median(list(spacings.values()))) if spacings else 1.0
    for name, spacing in spacings.items():
        ratio = max(spacing / usual, usual / spacing)
        if ratio > 3:
            sentence = (
                f"{name} has {spacing:g} mm per pixel where {usual:g} is usual; check its unit "
                "and that it is of the image as stored"
            )
            yield Finding("unusual-spacing", "warning", sentence, image=name, weight=ratio)


def _of_depth(study: Study) -> Iterator[Finding]:
    """What a depth camera is not known by, and frames in which it measured nothing."""
    if study.depth is None:
        return
    if study.depth.intrinsics is None:
        sentence = (
            "the camera's focal length is not known, so no length can be given in mm; say it in "
            "study.toml: focal_px = [x, y] and centre_px = [x, y] under [video.depth]"
        )
        yield Finding("no-intrinsics", "note", sentence)
    annotated: dict[str, set[int]] = defaultdict(set)
    paths = {}
    for case in study.cases:
        if case.clip is not None:
            annotated[case.clip.clip].add(case.clip.frame)
            paths[case.clip.clip] = case.path
    for name, path in paths.items():
        try:
            clip = open_depth(path, study.depth)
            blank = blank_frames(clip).tolist()
        except FormatError as error:
            sentence = f"{name}: {error.problem}"
            yield Finding("unreadable-clip", "error", sentence, image=name)
            continue
        if blank:
            count = len(annotated[name] & set(blank))
            sentence = (
                f"{name}: {len(blank)} of {clip.frames} frames hold no measurement at all, such as "
                f"{blank[0]}; {count} of them are annotated"
            )
            share = len(blank) / clip.frames
            yield Finding("blank-frames", "warning", sentence, image=name, weight=share)


def _copies(study: Study, films: Films) -> Iterator[Finding]:
    subject = {case.identifier: case.subject for case in study.cases}
    across = duplicates_among(films, apart=subject)
    for pair in across:
        sentence = (
            f"{pair.first} and {pair.second} are nearly the same image ({pair.sentence}) of two "
            f'subjects; say that they belong together: same_subject = [["{pair.first}", '
            f'"{pair.second}"]] in study.toml'
        )
        yield Finding(
            "copy-across-subjects",
            "error",
            sentence,
            image=pair.first,
            other=pair.second,
            weight=pair.likeness,
        )
    several = len(set(subject.values())) < len(subject)
    for pair in duplicates_among(films) if several else ():
        if subject[pair.first] == subject[pair.second] and pair.likeness >= SAME_PICTURE:
            sentence = (
                f"{pair.first} and {pair.second} are the same picture ({pair.sentence}) of subject "
                f"{subject[pair.first]!r}; it counts twice"
            )
            yield Finding(
                "copy-in-subject",
                "note",
                sentence,
                image=pair.first,
                other=pair.second,
                weight=pair.likeness,
            )
    if all(case.split for case in study.cases):
        try:
            refuse_leaks(given_split(study), study, duplicates=across)
        except StudyError as error:
            # One part for all is no split, as in the training half of a challenge.
            if len({case.split for case in study.cases}) > 1:
                yield Finding("leak", "error", f"the parts that the annotation names: {error}")


def _not_annotated(study: Study) -> Iterator[Finding]:
    without = [case.identifier for case in study.cases if case.points is None]
    if without:
        sentence = (
            f"{len(without)} of {len(study.cases)} images have no annotation, "
            f"such as {without[0]!r}"
        )
        yield Finding("not-annotated", "warning", sentence, image=without[0])


def _absent(study: Study) -> Iterator[Finding]:
    """Landmarks that nobody gave, or one annotator did not, apart from those often absent."""
    cases = [(case, case.points) for case in study.cases]
    there = [(case, points) for case, points in cases if points is not None]
    if not there:
        return
    names = study.scheme.names
    share = np.mean([~points.present for _, points in there], axis=0)
    often = {name for name, s in zip(names, share, strict=True) if s > OFTEN_ABSENT}
    for name, s in zip(names, share, strict=True):
        if s > OFTEN_ABSENT:
            sentence = f"{name} is absent from {s:.0%} of the annotated images"
            yield Finding("often-absent", "note", sentence, landmarks=(name,), weight=float(s))
    for case, points in there:
        nobody = {n for n, p in zip(names, points.present, strict=True) if not p}
        told = tuple(n for n in names if n in nobody - often)
        if told:
            yield _absence(case.identifier, told, len(names), "")
        for annotator, own in case.annotations.items():
            missing = {n for n, p in zip(names, own.present, strict=True) if not p}
            told = tuple(n for n in names if n in missing - nobody - often)
            if told:
                yield _absence(case.identifier, told, len(names), annotator)


def _absence(image: str, landmarks: tuple[str, ...], of: int, annotator: str) -> Finding:
    who = f" by {annotator!r}" if annotator else ""
    sentence = f"{image}: {_listed(landmarks)} not annotated{who} ({len(landmarks)} of {of})"
    return Finding("absent", "warning", sentence, image, landmarks, annotator, weight=0.0)


def _outside(study: Study, films: Films) -> Iterator[Finding]:
    for case in study.cases:
        size = case.clip.size if case.clip else films.sizes.get(case.identifier)
        if size is None:
            continue
        last = np.array(size, dtype=float) - 0.5
        for annotator, points in _given(case):
            beyond = np.maximum(points.coordinates[:, :2] - last, -0.5 - points.coordinates[:, :2])
            distance = np.nan_to_num(beyond, nan=-np.inf).max(axis=1)
            rows = np.flatnonzero(distance > OUTSIDE_PX)
            if not len(rows):
                continue
            names = tuple(study.scheme.names[k] for k in rows)
            far = float(distance[rows].max())
            sentence = (
                f"{case.identifier}: {_listed(names)} up to {far:.1f} px outside the image of "
                f"{size[0]} x {size[1]} px"
                f"{_by(annotator)}"
            )
            yield Finding(
                "outside-image", "error", sentence, case.identifier, names, annotator, weight=far
            )


def _same_place(study: Study) -> Iterator[Finding]:
    """Two landmarks on one spot: one of them was probably set by mistake."""
    names = study.scheme.names
    for case in study.cases:
        for annotator, points in _given(case):
            rows = np.flatnonzero(points.present)
            spots: dict[tuple[float, ...], list[str]] = defaultdict(list)
            for k in rows:
                spots[tuple(points.coordinates[k].round(3).tolist())].append(names[k])
            for together in spots.values():
                if len(together) > 1:
                    sentence = (
                        f"{case.identifier}: {_listed(together)} are on the same spot"
                        f"{_by(annotator)}"
                    )
                    yield Finding(
                        "same-place",
                        "warning",
                        sentence,
                        case.identifier,
                        tuple(together),
                        annotator,
                        weight=10.0,
                    )


def _shapes(study: Study) -> Iterator[Finding]:
    if study.scheme.dimension != 2:
        return
    annotated = [(case, points) for case in study.cases if (points := case.points) is not None]
    order = study.scheme.mirror_order()
    told = set()
    for case, problem in _unusual("", annotated, order):
        told.add((case.identifier, problem.kind, problem.landmarks))
        yield _shape_finding(study, case, problem, "")
    for annotator in dict.fromkeys(a for case in study.cases for a in case.annotations):
        if all(set(case.annotations) <= {annotator} for case in study.cases):
            continue  # the only one: told already
        own = [(c, c.annotations[annotator]) for c in study.cases if annotator in c.annotations]
        for case, problem in _unusual(annotator, own, order):
            if (case.identifier, problem.kind, problem.landmarks) not in told:
                yield _shape_finding(study, case, problem, annotator)


def _unusual(
    annotator: str, given: Sequence[tuple[StudyCase, Points]], order: ndarray
) -> Iterator[tuple[StudyCase, ShapeProblem]]:
    if given:
        shapes = np.stack([points.coordinates for _, points in given])
        for problem in shape_problems(shapes, mirror_order=order):
            yield given[problem.row][0], problem


def _shape_finding(study: Study, case: StudyCase, problem: ShapeProblem, annotator: str) -> Finding:
    names = tuple(study.scheme.names[k] for k in problem.landmarks)
    said = _SHAPES[problem.kind].format(names=_listed(names, " and "), weight=problem.weight)
    sentence = f"{case.identifier}: {said}{_by(annotator)}"
    return Finding(
        problem.kind, "warning", sentence, case.identifier, names, annotator, weight=problem.weight
    )


def _as_proposed(study: Study) -> Iterator[Finding]:
    """Images whose points are a model's to the last digit, though somebody's name stands there."""
    path = study.root / RECORD
    if not path.is_file():
        return
    record = read_proposal_record(path)
    looked_at: dict[str, list[str]] = defaultdict(list)
    for case in study.cases:
        if case.identifier not in record.images:
            continue
        for annotator, points in _given(case):
            if not points.present.any() or not record.untouched(case.identifier, points).all():
                continue
            who = record.images[case.identifier].looked_at_by
            if who:
                looked_at[who].append(case.identifier)
                continue
            sentence = (
                f"{case.identifier}: not corrected: all {int(points.present.sum())} landmarks are "
                f"where a model proposed them{_by(annotator)}; correct them or take them out; "
                "where they are right, say so in 'looked_at' and take them back with 'palpate "
                "annotate-seed ... --corrected-by NAME'"
            )
            yield Finding(
                "not-corrected", "warning", sentence, case.identifier, annotator=annotator
            )
    for who, images in looked_at.items():
        sentence = (
            f"{len(images)} images, such as {images[0]!r}, are as a model proposed them; {who} "
            "looked at them and changed nothing: a model is not judged by these"
        )
        yield Finding("looked-at", "note", sentence, images[0], weight=float(len(images)))


def _given(case: StudyCase) -> Iterator[tuple[str, Points]]:
    """Every annotator's points; the reference only where nobody is named, as it follows them."""
    if case.annotations:
        only = len(case.annotations) == 1
        for annotator, points in case.annotations.items():
            yield ("" if only else annotator), points
    elif case.reference is not None:
        yield "", case.reference


def _by(annotator: str) -> str:
    return f" (annotator {annotator})" if annotator else ""


def _listed(names: Sequence[str], joint: str = ", ", most: int = 4) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return (joint if not rest else ", ").join(names[:most]) + rest
