"""A phantom as a study folder, as a user's own study would be."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from palpate.errors import ConfigError, OutputError
from palpate.files import write_bytes, write_rows, write_text
from palpate.phantoms.femur_write import write_femur
from palpate.phantoms.film import PhantomFilm
from palpate.phantoms.infant_write import write_infant
from palpate.phantoms.satco_write import write_satco
from palpate.phantoms.table import (
    CLIP_PHANTOMS,
    DEPTH_PHANTOMS,
    OUTLINE_PHANTOMS,
    PHANTOMS,
    ClipPhantom,
    DepthPhantom,
    OutlinePhantom,
    Phantom,
)
from palpate.suggest import did_you_mean

STUDY = """\
# Made by `palpate phantom {name}`: {title}. No patient is in it.
name = "phantom-{name}"
protocol = "{protocol}"
mirror = [{mirror}]
edges = [{edges}]

[calibration]
column = "mm_per_px"
file = "meta.csv"
source = "user"
detail = "exact by construction"
"""


Advance = Callable[[str, int, int, str], None]


def _silently(stage: str, done: int, total: int, remark: str) -> None:
    """Show no progress."""


def write_phantom(
    name: str, out: Path, *, n: int | None = None, seed: int = 0, advance: Advance = _silently
) -> Path:
    """Write ``n`` films, or the clips of ``n`` subjects, and their truth; return the new folder.

    For clips see :func:`~palpate.phantoms.satco_write.write_satco`, for depth clips
    :func:`~palpate.phantoms.infant_write.write_infant`, for films with two annotators
    :func:`~palpate.phantoms.femur_write.write_femur`. Of other films the folder holds
    ``images/*.png``, ``landmarks.csv``, ``meta.csv``, ``measurements.csv`` (the exact value of
    every quantity) and ``study.toml``, which is written last: a folder without it is not whole.
    The same seed gives the same files, and more films begin with the same ones. ``advance`` is
    told the stage, how much is written of how much, and a remark.

    Raises:
        ConfigError: no such phantom, or fewer than one film.
        OutputError: ``out`` holds something already, or cannot be written.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp()) / "study"
        >>> sorted(path.name for path in write_phantom("cervical", folder, n=1).iterdir())
        ['images', 'landmarks.csv', 'measurements.csv', 'meta.csv', 'study.toml']
    """
    known: dict[str, Phantom | OutlinePhantom | ClipPhantom | DepthPhantom] = {
        **PHANTOMS,
        **OUTLINE_PHANTOMS,
        **CLIP_PHANTOMS,
        **DEPTH_PHANTOMS,
    }
    if name not in known:
        raise ConfigError(f"there is no phantom {name!r}" + did_you_mean(name, known))
    if seed < 0:
        raise ConfigError(f"a seed is not negative, got {seed}")
    n = known[name].usual if n is None else n
    if name in CLIP_PHANTOMS:
        clips = CLIP_PHANTOMS[name].clips(n, np.random.default_rng(seed))
        return write_satco(out, list(clips), advance=advance)
    if name in DEPTH_PHANTOMS:
        deep, replay = DEPTH_PHANTOMS[name].clips(n, np.random.default_rng(seed))
        return write_infant(out, deep, n=n, replay=replay, advance=advance)
    if name in OUTLINE_PHANTOMS:
        outlined = OUTLINE_PHANTOMS[name].films(n, np.random.default_rng(seed))
        return write_femur(out, outlined, n=n, advance=advance)
    return _write_films(name, out, n=n, seed=seed, advance=advance)


def _write_films(name: str, out: Path, *, n: int, seed: int, advance: Advance) -> Path:
    phantom = PHANTOMS[name]
    films = phantom.films(n, np.random.default_rng(seed))
    _refuse_what_is_there(out)
    landmarks, meta, measurements = [], [], []
    for done, film in enumerate(films, start=1):
        _write_image(film, out / "images")
        landmarks.append(_landmark_row(film))
        meta.append(_meta_row(film))
        measurements.append(_measurement_row(film))
        advance("films", done, n, "")
    for table, rows in (("landmarks", landmarks), ("meta", meta), ("measurements", measurements)):
        write_rows(out / f"{table}.csv", rows)
    write_text(out / "study.toml", _study(name, phantom))
    return out


def _refuse_what_is_there(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is there already and is not empty; give a new folder's name")


def _study(name: str, phantom: Phantom) -> str:
    return STUDY.format(
        name=name,
        protocol=phantom.protocol,
        title=phantom.title,
        mirror=_pairs(phantom.scheme.mirror),
        edges=_pairs(phantom.scheme.edges),
    )


def _pairs(pairs: tuple[tuple[str, str], ...]) -> str:
    lines = "".join(f'\n    ["{a}", "{b}"],' for a, b in pairs)
    return f"{lines}\n" if lines else ""


def _write_image(film: PhantomFilm, folder: Path) -> None:
    image = film.sample.image
    # The least compression is the quickest, and noise does not compress.
    done, content = cv2.imencode(".png", image.pixels[0], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise OutputError(f"could not encode {image.identifier} as PNG")
    write_bytes(folder / image.identifier, content.tobytes())


def _landmark_row(film: PhantomFilm) -> dict[str, str]:
    sample = film.sample
    row = {
        "image": sample.image.identifier,
        "split": "",
        "subject": sample.subject,
        "group": sample.group,
    }
    if sample.points is not None:
        for landmark, (x, y) in zip(
            sample.points.scheme.names, sample.points.coordinates, strict=True
        ):
            # All digits: the angles of measurements.csv follow from these to 1e-6.
            row[f"{landmark}_x"], row[f"{landmark}_y"] = repr(float(x)), repr(float(y))
    return row


def _meta_row(film: PhantomFilm) -> dict[str, str]:
    image = film.sample.image
    width, height = image.size
    spacing = repr(image.calibration.spacing_mm[0]) if image.calibration else ""
    return {
        "image": image.identifier,
        "width": str(width),
        "height": str(height),
        "mm_per_px": spacing,
        **film.notes,
    }


def _measurement_row(film: PhantomFilm) -> dict[str, str]:
    values = {name: repr(value) for name, value in film.quantities.items()}
    return {"image": film.sample.image.identifier, **values}
