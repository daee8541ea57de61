"""Where the files of pre-annotation are, and proposals as an annotation file.

OUT/
  run/                 what was trained for it, where no run was given
  proposals.csv        (or .json, .tps, a folder: as the format wants it) for a person to correct
  queue.csv queue.png  the order to correct in, the worst first
  report.html overlays/ predictions.json predictions.csv     as 'palpate predict' writes them
  proposed.json        what was proposed; written last, as the seal
  corrected/           what a person has corrected, ready for the study
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.errors import ConfigError, OutputError, PalpateError
from palpate.files import write_bytes
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.formats import WRITERS, format_of, not_carried, reader_of
from palpate.io.images import is_dicom
from palpate.io.predictions import PredictedImage
from palpate.points import Points
from palpate.scheme import LandmarkScheme
from palpate.study import Study
from palpate.study_annotation import annotation_files
from palpate.study_case import StudyCase
from palpate.study_proposals import DIGITS, PROPOSAL, RECORD, is_proposal

# A .pts file has no room for who made it, nor for a point that is absent.
FORMATS = tuple(name for name in WRITERS if name != "pts")
_FILES = {
    "csv": "proposals.csv",
    "coco": "proposals.json",
    "tps": "proposals.tps",
    "deeplabcut": f"CollectedData_{PROPOSAL}.csv",
    "deeplabcut-h5": f"CollectedData_{PROPOSAL}.h5",
    "slicer": "proposals",
    "labelme": "proposals",
}
# A point that lies farther outside its image than this is not proposed.
_OUTSIDE_PX = 0.5


@dataclass(frozen=True, slots=True)
class SeedFolder:
    """The paths of OUT."""

    root: Path

    @property
    def run(self) -> Path:
        """The run that was trained for it."""
        return self.root / "run"

    @property
    def record(self) -> Path:
        """What was proposed; its presence says that OUT is whole."""
        return self.root / RECORD

    @property
    def queue(self) -> Path:
        """The order to correct in."""
        return self.root / "queue.csv"

    @property
    def sheet(self) -> Path:
        """The queue as a picture."""
        return self.root / "queue.png"

    @property
    def corrected(self) -> Path:
        """What goes back into the study."""
        return self.root / "corrected"

    def proposals(self) -> Path:
        """Return the file or folder that holds the proposals.

        Raises:
            PalpateError: there is none.
        """
        for name in dict.fromkeys(_FILES.values()):
            if (self.root / name).exists():
                return self.root / name
        raise PalpateError(
            f"{self.root} holds no proposals, such as {_FILES['csv']}; name the corrected file: "
            "--edited FILE"
        )

    def refuse_finished(self) -> None:
        """Refuse to write over proposals that a person may have begun to correct.

        Raises:
            PalpateError: they are there.
        """
        if self.record.exists():
            raise PalpateError(
                f"{self.root} holds proposals already, perhaps with corrections in them, and they "
                "are not written over; take corrections back with --corrected-by NAME, or choose "
                "another --out"
            )


def format_for(study: Study, wanted: str | None) -> str:
    """Return the format asked for, else the study's own, else csv.

    Raises:
        ConfigError: a format that proposals cannot be written in.
    """
    if wanted is not None:
        if wanted not in FORMATS:
            raise ConfigError(
                f"proposals are written as {', '.join(FORMATS)}, not as {wanted!r}"
                + (": it cannot say that a model made them" if wanted in WRITERS else "")
            )
        return wanted
    files = annotation_files(study.root, study.settings)
    own = format_of(files[0][1]) if files else "csv"
    return own if own in FORMATS else "csv"


def proposed_points(predicted: PredictedImage, scheme: LandmarkScheme) -> Points:
    """Return what is proposed: the landmarks that were found inside the image, rounded.

    Example:
        >>> import numpy as np
        >>> from palpate.prediction import Prediction
        >>> scheme = LandmarkScheme("face", ("nose", "ear"))
        >>> mean = np.array([[3.00049, 4.0], [200.0, 4.0]])
        >>> found = Prediction(scheme, mean, np.zeros((2, 2, 2)), np.ones(2), "model")
        >>> proposed_points(PredictedImage("a.png", found, (64, 48)), scheme).present.tolist()
        [True, False]
    """
    rounded = np.round(predicted.prediction.mean, DIGITS)
    return Points.of(scheme, _inside(rounded, predicted.size))


def _inside(
    points: Float[ndarray, "landmark d"], size: tuple[int, int]
) -> Float[ndarray, "landmark d"]:
    last = np.array(size, dtype=float) - 1.0 + _OUTSIDE_PX
    flat = points[:, :2]
    outside = np.logical_or(flat < -_OUTSIDE_PX, flat > last).any(axis=1)
    kept = points.copy()
    kept[outside] = np.nan
    return kept


def subject_known(study: Study, case: StudyCase) -> str:
    """Return the subject where the study says it; empty where the image stands for its own."""
    stands_for_itself = case.subject == case.identifier and study.settings.subjects != "image"
    return "" if stands_for_itself else case.subject


def write_proposals(
    study: Study,
    points: Mapping[str, Points],
    sizes: Mapping[str, tuple[int, int]],
    folder: SeedFolder,
    written_as: str,
) -> Path:
    """Write proposals for a person to correct, read them back and compare; return where they are.

    LabelMe looks for an image beside its file, so images are copied there.

    Raises:
        OutputError: it cannot be written, or the file does not say that these are proposals.
    """
    scheme = next(iter(points.values())).scheme
    cases = [study.case(name) for name in points]
    rows = [
        AnnotatedImage(
            image=case.identifier,
            points=points[case.identifier],
            subject=subject_known(study, case),
            annotator=PROPOSAL,
            group=case.group,
            split=case.split,
            size=sizes[case.identifier],
        )
        for case in cases
    ]
    path = folder.root / _FILES[written_as]
    content = AnnotationFile(scheme, tuple(rows))
    WRITERS[written_as](content, path)
    back = reader_of(written_as)(path)
    not_carried(content, back, path=path)
    if not all(is_proposal(row.annotator) for row in back.rows):
        raise OutputError(f"{path}: {written_as} does not say that a model made it; use --format")
    if written_as == "labelme":
        _beside(cases, path)
    return path


def _beside(cases: list[StudyCase], folder: Path) -> None:
    """Copy the images to where LabelMe looks for them; it opens no DICOM."""
    for case in cases:
        target = folder / case.identifier
        if not is_dicom(case.path) and not target.exists():
            write_bytes(target, case.path.read_bytes())
