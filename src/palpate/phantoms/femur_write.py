"""Films of children's hips on disk: a study folder with two annotators, and the exact truth."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2

from palpate.errors import OutputError
from palpate.files import write_bytes, write_rows, write_text
from palpate.phantoms.femur_film import FemurFilm, FemurTruth
from palpate.phantoms.femur_scheme import SCHEME
from palpate.points import Points

STUDY = """\
# Made by `palpate phantom femur`: AP films of the pelvis of children. No patient is in it.
# The landmarks are of the patient's left femur, which is at the right of a film.
name = "phantom-femur"
protocol = "proximal-femur"
edges = [
{edges}]

[calibration]
column = "mm_per_px"
file = "meta.csv"
source = "user"
detail = "exact by construction"
"""

Row = dict[str, str]
Advance = Callable[[str, int, int, str], None]


def _silently(stage: str, done: int, total: int, remark: str) -> None:
    """Show no progress."""


def write_femur(
    out: Path, films: Iterator[FemurFilm], *, n: int, advance: Advance = _silently
) -> Path:
    """Write films and their truth to a new folder, and return it.

    The folder holds ``images/*.png``; ``landmarks_annotatorA.csv``, ``landmarks_annotatorB.csv``
    and their mean in ``landmarks.csv``; ``meta.csv``; ``truth/left.csv`` and ``truth/right.csv``
    with the exact points of either femur (v is 2 visible, 1 under lead or metal) and
    ``truth/femurs.csv`` with the numbers it was built with, a row for each femur of each film;
    and ``study.toml``, which is written last: a folder without it is not whole.

    Args:
        out: a new folder.
        films: what to write, as :func:`palpate.phantoms.femur.femur_study` draws it.
        n: how many they are.
        advance: is told the stage, how many of how many films are written, and a remark.

    Raises:
        OutputError: ``out`` holds something already, or cannot be written.

    Example:
        >>> import tempfile
        >>> from numpy.random import default_rng
        >>> from palpate.phantoms.femur import femur_study
        >>> films = femur_study(1, default_rng(0))
        >>> folder = write_femur(Path(tempfile.mkdtemp()) / "study", films, n=1)
        >>> sorted(path.name for path in (folder / "truth").iterdir())
        ['femurs.csv', 'left.csv', 'right.csv']
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is there already and is not empty; give a new folder's name")
    tables: dict[str, list[Row]] = {}
    for done, film in enumerate(films, start=1):
        _write_image(film, out / "images")
        for name, rows in _rows(film).items():
            tables.setdefault(name, []).extend(rows)
        advance("films", done, n, "")
    for name, rows in tables.items():
        write_rows(out / name, rows)
    edges = "".join(f'    ["{a}", "{b}"],\n' for a, b in SCHEME.edges)
    write_text(out / "study.toml", STUDY.format(edges=edges))
    return out


def _write_image(film: FemurFilm, folder: Path) -> None:
    image = film.sample.image
    # The least compression is the quickest, and noise does not compress.
    done, content = cv2.imencode(".png", image.pixels[0], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise OutputError(f"could not encode {image.identifier} as PNG")
    write_bytes(folder / image.identifier, content.tobytes())


def _rows(film: FemurFilm) -> dict[str, list[Row]]:
    """What one film adds to each table."""
    tables = {"landmarks.csv": [_landmark_row(film, film.sample.points)]}
    for annotator, points in film.sample.annotations.items():
        tables[f"landmarks_annotator{annotator}.csv"] = [_landmark_row(film, points)]
    tables["meta.csv"] = [_meta_row(film)]
    for side, truth in (("left", film.left), ("right", film.right)):
        tables[f"truth/{side}.csv"] = [_truth_row(film, truth)]
        tables.setdefault("truth/femurs.csv", []).append(_femur_row(film, side, truth))
    return tables


def _landmark_row(film: FemurFilm, points: Points | None) -> Row:
    sample = film.sample
    row = {
        "image": sample.image.identifier,
        "split": "",
        "subject": sample.subject,
        "group": sample.group,
    }
    if points is not None:
        for name, (x, y) in zip(points.scheme.names, points.coordinates, strict=True):
            # Clicks have hundredths of a pixel, so that their mean has thousandths.
            row[f"{name}_x"], row[f"{name}_y"] = f"{x:.3f}", f"{y:.3f}"
    return row


def _truth_row(film: FemurFilm, truth: FemurTruth) -> Row:
    points = truth.points
    row = {"image": film.sample.image.identifier, "subject": film.sample.subject}
    cells = zip(points.scheme.names, points.coordinates, points.visibility, strict=True)
    for name, (x, y), seen in cells:
        row[f"{name}_x"], row[f"{name}_y"] = repr(float(x)), repr(float(y))
        row[f"{name}_v"] = str(int(seen))
    return row


def _femur_row(film: FemurFilm, side: str, truth: FemurTruth) -> Row:
    about = {
        "image": film.sample.image.identifier,
        "subject": film.sample.subject,
        "visit": str(film.visit),
        "age_years": repr(film.age),
        "femur": side,
    }
    return about | {name: repr(float(value)) for name, value in truth.quantities.items()}


def _meta_row(film: FemurFilm) -> Row:
    image = film.sample.image
    width, height = image.size
    return {
        "image": image.identifier,
        "width": str(width),
        "height": str(height),
        "mm_per_px": repr(image.calibration.spacing_mm[0]) if image.calibration else "",
        "visit": str(film.visit),
        "age_years": f"{film.age:.2f}",
        **film.notes,
    }
