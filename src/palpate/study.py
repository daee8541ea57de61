"""A folder of images with their annotation, as cases with a subject each.

In the flow: files -> io -> **study** -> Sample. A case knows everything but the pixels; those are
read by :meth:`Study.load`, one image at a time. docs/study.md describes the folder.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from palpate.errors import FormatError, StudyError
from palpate.finding import Finding
from palpate.image import Calibration, Image
from palpate.io.annotation import AnnotatedImage
from palpate.io.babypose_layout import BabyPoseInfant, find_infants
from palpate.io.babypose_table import columns_passed_over
from palpate.io.depth import DepthSettings
from palpate.io.dicom import read_dicom_header
from palpate.io.frame_cursor import FrameCursor
from palpate.io.images import FrameOf, Picture, find_images, is_dicom, read_calibration, read_image
from palpate.sample import Sample
from palpate.scheme import LandmarkScheme
from palpate.study_annotation import REFERENCE, gather
from palpate.study_babypose import babypose_settings, may_be_babypose
from palpate.study_calibration import given_calibrations
from palpate.study_case import ClipFrame, StudyCase
from palpate.study_clips import clip_frame, fill, find_clips, open_clips, within
from palpate.study_names import FrameNames, ImageNames
from palpate.study_settings import SETTINGS, ClipSettings, StudySettings, read_settings
from palpate.suggest import did_you_mean

# What makes a study unusable; anything else is for `palpate check` to tell.
_BLOCKING = (
    "image-missing",
    "unreadable-clip",
    "frame-missing",
    "ambiguous-name",
    "annotated-twice",
    "two-subjects",
    "no-subject",
)


@dataclass(frozen=True, eq=False)
class Study:
    """Images of one kind over one scheme.

    Args:
        name: of the study.
        root: its folder.
        landmarks: the scheme, or None where nothing is annotated.
        cases: in the order of their identifiers.
        settings: as study.toml gives them.
        findings: what was noticed on opening.

    Raises:
        StudyError: an identifier is there twice.
    """

    name: str
    root: Path
    landmarks: LandmarkScheme | None
    cases: tuple[StudyCase, ...]
    settings: StudySettings = field(default_factory=StudySettings)
    findings: tuple[Finding, ...] = ()
    _rows: dict[str, StudyCase] = field(init=False, repr=False)
    _cursor: FrameCursor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rows = {case.identifier: case for case in self.cases}
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_cursor", FrameCursor(self.depth))
        if len(rows) != len(self.cases):
            raise StudyError(f"study {self.name!r} holds an image twice")

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def depth(self) -> DepthSettings | None:
        """The depth camera that the clips are of; None where they are plain ones, or images."""
        return self.settings.video.depth if self.settings.video else None

    @property
    def scheme(self) -> LandmarkScheme:
        """The landmarks.

        Raises:
            StudyError: nothing is annotated, so there are none.
        """
        if self.landmarks is None:
            raise StudyError(
                f"study {self.name!r} in {self.root} has no annotation; put a landmarks.csv "
                "beside its images, or name the file in study.toml: annotations = 'FILE'"
            )
        return self.landmarks

    def case(self, identifier: str) -> StudyCase:
        """Return a case by its identifier.

        Raises:
            StudyError: there is none.
        """
        if identifier not in self._rows:
            raise StudyError(
                f"study {self.name!r} has no image {identifier!r}"
                + _near(identifier, list(self._rows))
            )
        return self._rows[identifier]

    def subset(self, identifiers: Iterable[str]) -> "Study":
        """Return the study of these images only, in the study's order.

        Raises:
            StudyError: one of them is not in the study.
        """
        wanted = {self.case(identifier).identifier for identifier in identifiers}
        return replace(self, cases=tuple(c for c in self.cases if c.identifier in wanted))

    def annotated(self) -> "Study":
        """Return the study of the images with at least one landmark."""
        return replace(self, cases=tuple(c for c in self.cases if _has_points(c)))

    def load(self, case: StudyCase) -> Sample:
        """Read the pixels of a case; frames of a clip fastest in their order, in one thread.

        Raises:
            FormatError: the image cannot be read.
        """
        if case.clip is None:
            image = read_image(case.path, identifier=case.identifier, calibration=case.calibration)
        else:
            pixels = self._cursor.read(case.path, case.clip.frame)
            image = Image(
                pixels,
                case.identifier,
                calibration=case.calibration,
                region=case.clip.region,
            )
        return Sample(image, case.subject, case.annotations, case.reference, case.group)


def pictures(study: Study) -> dict[str, Picture]:
    """What is looked at to find copies: every image, and of a clip its first, middle and last case.

    Neighbouring frames are alike in truth, and a copy of a clip is a copy at any frame.
    """
    clips: dict[str, list[StudyCase]] = defaultdict(list)
    found: dict[str, Picture] = {}
    for case in study.cases:
        if case.clip is None:
            found[case.identifier] = case.path
        else:
            clips[case.clip.clip].append(case)
    for cases in clips.values():
        for case in dict.fromkeys((cases[0], cases[len(cases) // 2], cases[-1])):
            if case.clip is not None:
                found[case.identifier] = FrameOf(case.path, case.clip.frame, study.depth)
    return found


def open_study(path: Path) -> Study:
    """Open a study: its folder, or its study.toml.

    Raises:
        StudyError: no images, an annotated image is missing or is there under two names, an image
            is annotated twice, or it is not known which subject an image is of.
        FormatError: a file is not what it should be.
        ConfigError: study.toml is wrong.
    """
    study = survey_study(path)
    blocking = [finding for finding in study.findings if finding.kind in _BLOCKING]
    if blocking:
        more = f" (and {len(blocking) - 1} more like it: 'palpate check')"
        raise StudyError(blocking[0].sentence + (more if len(blocking) > 1 else ""))
    return study


def survey_study(path: Path) -> Study:
    """Open a study as far as it goes: what :func:`open_study` refuses is among the findings.

    An image without a subject counts as a subject of its own here.

    Raises:
        StudyError: there is no study, or it is not clear which file holds its annotation.
        FormatError: a file is not what it should be.
        ConfigError: study.toml is wrong.
    """
    root = path.parent if path.name == SETTINGS else path
    if not root.is_dir():
        raise StudyError(f"{root}: there is no such folder; a study is a folder with images/ in it")
    settings = read_settings(root / SETTINGS)
    if may_be_babypose(root, settings) and (infants := find_infants(root)):
        return _survey_babypose(root, settings, infants)
    clips = _clip_settings(root, settings)
    if clips is not None:
        return _survey_clips(root, settings, clips, find_clips(root, clips))
    paths = _images(root, settings)
    names = ImageNames(paths)
    excluded = {names.find(name) or name for name in settings.exclude}
    gathered = gather(root, settings, names, excluded=excluded)
    _refuse_unknown(root, settings, names, gathered.left_out)
    given = given_calibrations(root, settings, names)
    findings = list(gathered.findings)
    calibrations = {
        identifier: given.get(identifier) or _of_file(identifier, file, findings)
        for identifier, file in paths.items()
        if identifier not in excluded
    }
    return _assembled(
        root, settings, names, _Found(paths, gathered.rows, calibrations, findings, gathered.scheme)
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What lies in a study's folder: a file, and perhaps rows, for every case to be."""

    files: Mapping[str, Path]
    rows: Mapping[str, Mapping[str, AnnotatedImage]]
    calibrations: Mapping[str, Calibration | None]
    findings: list[Finding]
    scheme: LandmarkScheme | None
    clips: Mapping[str, ClipFrame] = field(default_factory=dict)


def _assembled(root: Path, settings: StudySettings, names: ImageNames, found: _Found) -> Study:
    subjects = {
        identifier: _subject(identifier, file, found.rows.get(identifier, {}), settings)
        for identifier, file in found.files.items()
    }
    subjects = _united(subjects, names, settings)
    cases = [
        _case(identifier, found, settings, subjects[identifier] or identifier)
        for identifier in found.calibrations
    ]
    findings = found.findings + _subject_findings(cases, found.rows, subjects, settings)
    name = settings.name or root.resolve().name
    return Study(name, root, found.scheme, tuple(cases), settings, tuple(findings))


def _clip_settings(root: Path, settings: StudySettings) -> ClipSettings | None:
    """The settings of a study of clips; a folder of clips and none of images is one."""
    if settings.video is not None:
        return settings.video
    usual = ClipSettings()
    only_clips = (root / usual.folder).is_dir() and not (root / settings.images).is_dir()
    return usual if only_clips else None


def _survey_babypose(
    root: Path, settings: StudySettings, infants: Sequence[BabyPoseInfant]
) -> Study:
    given = babypose_settings(settings, infants[0].frames)
    settings = settings.model_copy(update={"video": given, "annotations": "."})
    paths = {infant.name: infant.frames for infant in infants}
    study = _survey_clips(root, settings, given, paths)
    passed_over = sorted({name for infant in infants for name in columns_passed_over(infant.table)})
    if not passed_over:
        return study
    sentence = f"the tables' columns {', '.join(passed_over)} are of no limb's joint; left out"
    return replace(study, findings=(*study.findings, Finding("columns", "note", sentence)))


def _survey_clips(
    root: Path,
    settings: StudySettings,
    clip_settings: ClipSettings,
    paths: Mapping[str, Path],
) -> Study:
    names = FrameNames(paths)
    excluded = {names.find(name) or name for name in settings.exclude}
    gathered = gather(root, settings, names, excluded=excluded)
    findings = list(gathered.findings)
    clips = open_clips(paths, findings, depth=clip_settings.depth)
    labelled = within(gathered.rows, clips, findings)
    rows, between = fill(labelled, clips, most=clip_settings.interpolate)
    frames = {name: clip_frame(name, clips, clip_settings, between[name]) for name in rows}
    calibration = _spacing(settings)
    return _assembled(
        root,
        settings,
        names,
        _Found(
            {name: paths[frame.clip] for name, frame in frames.items()},
            rows,
            dict.fromkeys(rows, calibration),
            findings,
            gathered.scheme,
            frames,
        ),
    )


def _spacing(settings: StudySettings) -> Calibration | None:
    """One spacing for all clips; a table of them is for images."""
    given = settings.calibration
    if given is None or given.spacing_mm is None:
        return None
    return Calibration(given.spacing_mm, given.source, given.plane, given.detail)


def _images(root: Path, settings: StudySettings) -> dict[str, Path]:
    """Identifier -> file, sorted by identifier."""
    folder = root / settings.images
    if not folder.is_dir():
        raise StudyError(
            f"{root}: there is no folder {settings.images!r} with the images; make one, or say in "
            "study.toml where they are: images = 'FOLDER' ('.' for the study's own folder)"
        )
    paths = {path.relative_to(folder).as_posix(): path for path in find_images(folder)}
    if not paths:
        raise StudyError(f"{folder}: holds no PNG, JPEG, TIFF, BMP or DICOM file")
    return dict(sorted(paths.items()))


def _refuse_unknown(
    root: Path, settings: StudySettings, names: ImageNames, left_out: Iterable[str]
) -> None:
    """A misspelt exclusion excludes nothing: say so instead."""
    known = {*names.identifiers, *left_out}
    named = {
        "exclude": settings.exclude,
        "flagged": settings.flagged,
        "same_subject": [name for several in settings.same_subject for name in several],
    }
    for key, listed in named.items():
        for name in listed:
            if name not in known and names.find(name) is None:
                raise StudyError(
                    f"{root / SETTINGS}: {key} names {name!r}, which is no image of the study"
                    + _near(name, names.identifiers)
                )


def _near(name: str, identifiers: Iterable[str]) -> str:
    """The nearest identifier; not the whole list, which may be thousands long."""
    hint = did_you_mean(name, identifiers)
    return hint if hint.startswith("; did you mean") else ""


def _of_file(identifier: str, file: Path, findings: list[Finding]) -> Calibration | None:
    try:
        return read_calibration(file)
    except FormatError as error:
        findings.append(
            Finding("bad-calibration", "error", f"{identifier}: {error.problem}", image=identifier)
        )
        return None


def _subject(
    identifier: str, file: Path, rows: Mapping[str, AnnotatedImage], settings: StudySettings
) -> str:
    """The subject that the annotation, the pattern or the settings give; empty where none does."""
    for row in rows.values():
        if row.subject:
            return row.subject
    if settings.subject_pattern is not None:
        match = re.search(settings.subject_pattern, identifier)
        if match and match.group(1):
            return match.group(1)
    if settings.subjects == "image":
        return identifier
    if settings.subjects == "dicom" and is_dicom(file):
        return read_dicom_header(file).provenance.get("patient", "")
    return ""


def _united(
    subjects: Mapping[str, str], names: ImageNames, settings: StudySettings
) -> dict[str, str]:
    """Give the images of each list of ``same_subject`` the subject of its first."""
    united = dict(subjects)
    for several in settings.same_subject:
        found = [identifier for name in several if (identifier := names.find(name)) is not None]
        for identifier in found:
            united[identifier] = united[found[0]] or found[0]
    return united


def _case(identifier: str, found: _Found, settings: StudySettings, subject: str) -> StudyCase:
    rows = found.rows.get(identifier, {})
    group = next((row.group for row in rows.values() if row.group), "")
    if not group and settings.group_pattern is not None:
        match = re.search(settings.group_pattern, identifier)
        group = (match.group(1) or "") if match else ""
    return StudyCase(
        identifier,
        found.files[identifier],
        subject,
        group,
        next((row.split for row in rows.values() if row.split), ""),
        {who: row.points for who, row in rows.items() if who != REFERENCE},
        rows[REFERENCE].points if REFERENCE in rows else None,
        found.calibrations[identifier],
        found.clips.get(identifier),
    )


def _has_points(case: StudyCase) -> bool:
    points = case.points
    return points is not None and bool(points.present.any())


def _subject_findings(
    cases: Iterable[StudyCase],
    rows: Mapping[str, Mapping[str, AnnotatedImage]],
    subjects: Mapping[str, str],
    settings: StudySettings,
) -> list[Finding]:
    """What is not known, or known twice, of whom the images show."""
    findings = []
    without: dict[bool, list[str]] = {True: [], False: []}
    for case in cases:
        given = rows.get(case.identifier, {})
        named = sorted({row.subject for row in given.values() if row.subject})
        if len(named) > 1:
            sentence = (
                f"{case.identifier} is of subject {named[0]!r} in one annotation file and of "
                f"{named[1]!r} in another; correct one of them"
            )
            findings.append(Finding("two-subjects", "error", sentence, image=case.identifier))
        if not subjects[case.identifier]:
            without[bool(given)].append(case.identifier)
    if without[True]:
        findings.append(_no_subject(without[True], settings))
    if without[False]:
        sentence = (
            f"{len(without[False])} images without annotation name no subject, such as "
            f"{without[False][0]!r}; each counts as its own, which matters only once they are "
            "annotated"
        )
        findings.append(Finding("subject-unknown", "note", sentence, image=without[False][0]))
    return findings


def _no_subject(identifiers: list[str], settings: StudySettings) -> Finding:
    tried = (
        f"and subject_pattern {settings.subject_pattern!r} does not fit the name"
        if settings.subject_pattern
        else "so nothing keeps one person's images in one part of a split"
    )
    sentence = (
        f"{len(identifiers)} annotated images name no subject, such as {identifiers[0]!r}, "
        f"{tried}; say in study.toml whom they show: subject_pattern = '^([^_]+)_' takes it from "
        'the file name, subjects = "image" says that every image is of another person'
    )
    return Finding("no-subject", "error", sentence, image=identifiers[0])
