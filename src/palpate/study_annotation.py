"""All annotation of a study, from one file or one for each annotator, over one scheme.

In the flow: files of :mod:`palpate.io.formats` -> :class:`GatheredAnnotation` -> study. Rows of
the annotator ``proposal`` are a model's, and nobody's annotation: they are counted and left out.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from palpate.errors import ConfigError, SchemeError, StudyError
from palpate.finding import Finding
from palpate.frame_names import parse_frame_name
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.formats import read_annotation
from palpate.points import ABSENT, Points
from palpate.scheme import LandmarkScheme
from palpate.study_names import ImageNames
from palpate.study_proposals import is_proposal
from palpate.study_settings import StudySettings

# The agreed truth beside several annotators.
REFERENCE = ""
# An annotator whom neither the file nor its name tells.
UNNAMED = "annotator"

_DEFAULT = "landmarks.csv"
_ONE_EACH = "landmarks_annotator"
_SUFFIXES = (".csv", ".tsv", ".json", ".h5", ".hdf5", ".tps", ".pts", ".xml", ".txt", ".zip")
_OTHER_FILES = ("meta.csv", "readme.txt", "license.txt", "requirements.txt")
_OTHER_STEMS = ("split", "predictions", "findings", "metrics", "measurements", "propos")


@dataclass(frozen=True, slots=True)
class GatheredAnnotation:
    """What was said of each image.

    Args:
        scheme: None where nothing is annotated.
        rows: identifier -> annotator -> row; the reference under ``REFERENCE``. Every row's
            points are over ``scheme``.
        findings: names without an image, rows given twice, landmarks that a file lacks, proposals
            that nobody signed.
        left_out: names in the files that were excluded.
    """

    scheme: LandmarkScheme | None = None
    rows: Mapping[str, Mapping[str, AnnotatedImage]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    left_out: frozenset[str] = frozenset()


def gather(
    root: Path, settings: StudySettings, names: ImageNames, *, excluded: Collection[str] = ()
) -> GatheredAnnotation:
    """Read every annotation file of a study and put its rows to the images.

    Args:
        root: folder of the study.
        settings: of the study.
        names: of its images, those excluded among them.
        excluded: images, or names as the annotation writes them, whose rows are left out.

    Raises:
        StudyError: it is not clear which file holds the annotation.
        FormatError: a file is not what it should be.
        ConfigError: study.toml names a landmark that there is not.
    """
    files = [(who, path, read_annotation(path)) for who, path in annotation_files(root, settings)]
    if not files:
        return GatheredAnnotation()
    scheme = _scheme(root, settings, [content for _, _, content in files])
    findings: list[Finding] = []
    rows: dict[str, dict[str, AnnotatedImage]] = {}
    for who, path, content in files:
        findings += _lacking(path, who, content, scheme)
        findings += _unsigned(path, who, content)
        for row in content.rows:
            if _is_unsigned(who, row):
                continue
            identifier, trouble = _identify(row, path, names, excluded)
            if trouble is not None:
                findings.append(trouble)
            if identifier is None:
                continue
            annotator = who if who is not None else row.annotator or UNNAMED
            given = rows.setdefault(identifier, {})
            if annotator in given:
                findings.append(_twice(identifier, annotator, path, row))
                continue
            given[annotator] = replace(row, points=over(scheme, row.points))
    written = {row.image for _, _, content in files for row in content.rows}
    findings = _clips_missing(findings, names)
    return GatheredAnnotation(scheme, rows, tuple(findings), frozenset(written & set(excluded)))


def annotation_files(root: Path, settings: StudySettings) -> list[tuple[str | None, Path]]:
    """List (annotator, file); the annotator is None where the file's rows name theirs.

    Raises:
        StudyError: a file that study.toml names is not there, or several files could be meant.
    """
    if isinstance(settings.annotations, str):
        return [(None, _existing(root, settings.annotations))]
    if isinstance(settings.annotations, dict):
        listed: list[tuple[str | None, Path]] = []
        if settings.reference is not None:
            listed.append((REFERENCE, _existing(root, settings.reference)))
        for who, name in settings.annotations.items():
            if not who:
                raise StudyError(f"{root / 'study.toml'}: an annotator has no name")
            listed.append((who, _existing(root, name)))
        return listed
    several = sorted(root.glob(f"{_ONE_EACH}*.csv"))
    default = root / _DEFAULT
    if several:
        first: list[tuple[str | None, Path]] = [(REFERENCE, default)] if default.is_file() else []
        return first + [(p.stem.removeprefix(_ONE_EACH).strip("_-") or UNNAMED, p) for p in several]
    if default.is_file():
        return [(None, default)]
    found = [path for path in sorted(root.iterdir()) if _may_be_annotation(path)]
    if len(found) > 1:
        listing = ", ".join(path.name for path in found[:4])
        raise StudyError(
            f"{root}: {len(found)} files may hold the annotation ({listing}); say which in "
            f"study.toml: annotations = {found[0].name!r}"
        )
    return [(None, path) for path in found]


def over(scheme: LandmarkScheme, points: Points) -> Points:
    """Return the points over a scheme with the same names and perhaps more; the rest are absent.

    Raises:
        SchemeError: the scheme lacks a name, or is of another dimension.
    """
    if points.scheme.dimension != scheme.dimension:
        raise SchemeError(f"scheme {scheme.name!r} mixes points of two and of three dimensions")
    rows = scheme.indices(list(points.scheme.names))
    coordinates = np.full((len(scheme), scheme.dimension), np.nan)
    visibility = np.full(len(scheme), ABSENT)
    coordinates[rows] = points.coordinates
    visibility[rows] = points.visibility
    return Points(scheme, coordinates, visibility, points.frame)


def _existing(root: Path, name: str) -> Path:
    path = root / name
    if not path.exists():
        raise StudyError(f"{root / 'study.toml'} names {name!r}, but there is no file {path}")
    return path


def _may_be_annotation(path: Path) -> bool:
    name = path.name.lower()
    return (
        path.is_file()
        and path.suffix.lower() in _SUFFIXES
        and not name.startswith(".")
        and name not in _OTHER_FILES
        and not name.startswith(_OTHER_STEMS)
    )


def _scheme(
    root: Path, settings: StudySettings, contents: Sequence[AnnotationFile]
) -> LandmarkScheme:
    """One scheme over the landmarks of all files, in the order of the first."""
    first = contents[0].scheme
    names = tuple(dict.fromkeys(name for content in contents for name in content.scheme.names))
    try:
        return LandmarkScheme(
            settings.name or first.name or root.name,
            names,
            settings.mirror or first.mirror,
            settings.edges or first.edges,
            first.dimension,
        )
    except SchemeError as error:
        raise ConfigError(f"{root / 'study.toml'}: {error}") from error


def _lacking(
    path: Path, who: str | None, content: AnnotationFile, scheme: LandmarkScheme
) -> list[Finding]:
    lacking = tuple(name for name in scheme.names if name not in content.scheme.names)
    if not lacking:
        return []
    return [
        Finding(
            "landmark-not-in-file",
            "warning",
            f"{path.name} has no column for {_listed(lacking)}, which another annotator's file "
            "has; there it counts as not annotated",
            landmarks=lacking,
            annotator=who or "",
            weight=float(len(lacking)),
        )
    ]


def _is_unsigned(who: str | None, row: AnnotatedImage) -> bool:
    """Whether a row is a proposal; in a person's file, too, a row may still say so."""
    return is_proposal(who or "") or is_proposal(row.annotator)


def _unsigned(path: Path, who: str | None, content: AnnotationFile) -> list[Finding]:
    images = [row.image for row in content.rows if _is_unsigned(who, row)]
    if not images:
        return []
    sentence = (
        f"{path.name}: {len(images)} images are what a model proposed (annotator 'proposal'), such "
        f"as {images[0]!r}; they count as not annotated until a person has corrected them and "
        "stands there as the annotator ('palpate annotate-seed ... --corrected-by NAME')"
    )
    return [Finding("proposal", "warning", sentence, weight=float(len(images)))]


def _identify(
    row: AnnotatedImage, path: Path, names: ImageNames, excluded: Collection[str]
) -> tuple[str | None, Finding | None]:
    """Return the image of a row, or what is wrong with its name, or neither if it is left out."""
    place = f"{path.name}:{row.line}" if row.line is not None else path.name
    if row.image in excluded:
        return None, None
    try:
        identifier = names.find(row.image)
    except StudyError as error:
        return None, Finding("ambiguous-name", "error", f"{place}: {error}", image=row.image)
    if identifier is None:
        sentence = (
            f"{place}: annotates {row.image!r}, but there is no such image; add it, or leave it "
            "out with exclude = [...] in study.toml"
        )
        return None, Finding("image-missing", "error", sentence, image=row.image)
    return (None if identifier in excluded else identifier), None


def _clips_missing(findings: list[Finding], names: ImageNames) -> list[Finding]:
    """Say once of a clip that it is missing, and not of each of its frames."""
    there = {frame[0] for name in names.identifiers if (frame := parse_frame_name(name))}
    kept: list[Finding] = []
    frames: dict[str, int] = {}
    for finding in findings:
        frame = parse_frame_name(finding.image) if finding.kind == "image-missing" else None
        if frame is None or frame[0] in there:
            kept.append(finding)
        else:
            frames[frame[0]] = frames.get(frame[0], 0) + 1
    return kept + [
        Finding(
            "image-missing",
            "error",
            f"{count} frames of {clip!r} are annotated, but there is no such clip; add it, or "
            "correct its name in the annotation",
            image=clip,
        )
        for clip, count in frames.items()
    ]


def _twice(identifier: str, annotator: str, path: Path, row: AnnotatedImage) -> Finding:
    place = f"{path.name}:{row.line}" if row.line is not None else path.name
    who = "the reference" if annotator == REFERENCE else f"annotator {annotator!r}"
    return Finding(
        "annotated-twice",
        "error",
        f"{place}: a second annotation of {identifier!r} by {who}; keep one of them",
        image=identifier,
        annotator=annotator,
    )


def _listed(names: Iterable[str], most: int = 4) -> str:
    several = list(names)
    rest = f" and {len(several) - most} more" if len(several) > most else ""
    return ", ".join(several[:most]) + rest
