"""Depth clips of a phantom on disk: a study folder with frames, labels and truth of all of them."""

from collections.abc import Callable, Iterable
from pathlib import Path

from jaxtyping import Float, Int
from numpy import ndarray

from palpate.errors import ConfigError, OutputError
from palpate.files import write_rows, write_text
from palpate.io.depth_folder import TIMESTAMPS
from palpate.io.depth_write import write_depth_png
from palpate.phantoms.infant import InfantClip
from palpate.phantoms.infant_camera import InfantCamera
from palpate.phantoms.infant_truth import SCHEME
from palpate.points import ABSENT

STUDY = """\
# Made by `palpate phantom infant`: preterm infants in a crib, in depth. No patient is in it.
name = "phantom-infant"
mirror = [
{mirror}]
edges = [
{edges}]

[video]
folder = "videos"
interpolate = 1

[video.depth]
rate_hz = {rate_hz}
unit_mm = 1.0
focal_px = {focal_px}
centre_px = {centre_px}
"""

Row = dict[str, str]
Advance = Callable[[str, int, int, str], None]


def _silently(stage: str, done: int, total: int, remark: str) -> None:
    """Show no progress."""


def write_infant(
    out: Path,
    clips: Iterable[InfantClip],
    *,
    n: int,
    replay: InfantClip | None = None,
    advance: Advance = _silently,
) -> Path:
    """Write ``n`` clips and their truth to a new folder, and return it.

    The folder holds ``videos/infant01/000000.png``, 16-bit frames in mm, 0 where nothing was
    measured; ``landmarks.csv`` with every frame (video, frame, subject, group, which is the kind
    of movement, then x, y in px and v of each joint: 2 visible, 1 under cloth or the infant
    itself; a joint under an operator's hand, or out of the picture, has empty cells, as
    annotators leave it out); ``truth/infant01.csv`` with all joints in px and mm of the camera;
    ``meta.csv``; with ``replay`` a clip in ``replay/`` at the camera's rate, with the times of its
    frames in ``replay/timestamps.csv`` and its truth in ``replay-truth.csv``; and ``study.toml``,
    written last: a folder without it is not whole.

    Args:
        out: a new folder.
        clips: at least ``n``, as :func:`palpate.phantoms.infant.infant_clips` draws them, of one
            rate and size.
        n: how many to write.
        replay: a clip to follow as if it came from a camera; no part of the study.
        advance: is told the stage, how much is written of how much, and the clip.

    Raises:
        ConfigError: no clip, two of one name, or of different rates or sizes.
        OutputError: ``out`` holds something already, or cannot be written.

    Example:
        >>> import tempfile
        >>> from palpate.phantoms.infant import infant_clips
        >>> from numpy.random import default_rng
        >>> clips = infant_clips(1, default_rng(0), seconds=0.5, size=(64, 48))
        >>> folder = write_infant(Path(tempfile.mkdtemp()) / "study", clips, n=1)
        >>> sorted(path.name for path in folder.iterdir())
        ['landmarks.csv', 'meta.csv', 'study.toml', 'truth', 'videos']
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is there already and is not empty; give a new folder's name")
    labels: list[Row] = []
    meta: list[Row] = []
    first: InfantClip | None = None
    for done, clip in zip(range(1, n + 1), clips, strict=False):
        first = first or clip
        _refuse_a_stranger(clip, first, {row["video"] for row in meta})
        labels += _write_clip(out, clip)
        meta.append(_meta_row(clip))
        advance("clips", done, n, clip.identifier)
    if first is None:
        raise ConfigError("a study has at least 1 clip, got 0")
    if replay is not None:
        _write_replay(out, replay)
        advance("replay", 1, 1, replay.identifier)
    write_rows(out / "landmarks.csv", labels)
    write_rows(out / "meta.csv", meta)
    write_text(out / "study.toml", _study(first))
    return out


def _refuse_a_stranger(clip: InfantClip, first: InfantClip, names: set[str]) -> None:
    if clip.identifier in names:
        raise ConfigError(f"two clips are called {clip.identifier!r}; names are those of folders")
    if (clip.rate_hz, clip.size) != (first.rate_hz, first.size):
        raise ConfigError(
            f"{clip.identifier} has {clip.rate_hz} frames a second of {clip.size} px, "
            f"{first.identifier} {first.rate_hz} of {first.size}; a study has one kind"
        )


def _write_clip(out: Path, clip: InfantClip) -> list[Row]:
    labels, truth = _write_frames(out / "videos" / clip.identifier, clip)
    write_rows(out / "truth" / f"{clip.identifier}.csv", truth)
    return labels


def _write_replay(out: Path, clip: InfantClip) -> None:
    """Its rate is not that of the study's clips, so its times lie beside its frames."""
    _, truth = _write_frames(out / "replay", clip)
    times = [{"frame": row["frame"], "time_s": row["time_s"]} for row in truth]
    write_rows(out / "replay" / TIMESTAMPS, times)
    write_rows(out / "replay-truth.csv", truth)


def _write_frames(folder: Path, clip: InfantClip) -> tuple[list[Row], list[Row]]:
    """Write the frames of a clip; return its labels and its truth."""
    labels, truth = [], []
    for index, frame in enumerate(clip.frames()):
        write_depth_png(folder / f"{index:06d}.png", frame.pixels)
        about = {"video": clip.identifier, "frame": str(index), "subject": clip.subject}
        points, kind = clip.points[index], clip.kinds[index]
        labels.append(about | {"group": kind} | _label_cells(points, frame.visibility))
        when = {"frame": str(index), "time_s": repr(index / clip.rate_hz), "kind": kind}
        truth.append(when | _truth_cells(points, clip.joints_mm[index], frame.visibility))
    return labels, truth


def _label_cells(points: Float[ndarray, "12 2"], states: Int[ndarray, "12"]) -> Row:
    row: Row = {}
    for name, (x, y), state in zip(SCHEME.names, points, states, strict=True):
        there = state != ABSENT
        row[f"{name}_x"] = repr(float(x)) if there else ""
        row[f"{name}_y"] = repr(float(y)) if there else ""
        row[f"{name}_v"] = str(int(state)) if there else ""
    return row


def _truth_cells(
    points: Float[ndarray, "12 2"], joints: Float[ndarray, "12 3"], states: Int[ndarray, "12"]
) -> Row:
    """All digits: px follow from mm to 1e-9."""
    row: Row = {}
    for name, point, joint, state in zip(SCHEME.names, points, joints, states, strict=True):
        values = zip(("x", "y", "x_mm", "y_mm", "z_mm"), (*point, *joint), strict=True)
        row |= {f"{name}_{what}": repr(float(value)) for what, value in values}
        row[f"{name}_v"] = str(int(state))
    return row


def _meta_row(clip: InfantClip) -> Row:
    scene = clip.scene
    return {
        "video": clip.identifier,
        "subject": clip.subject,
        "rate_hz": repr(clip.rate_hz),
        "frames": str(len(clip)),
        "length_mm": repr(scene.body.length),
        "blanket": str(int(scene.blanket is not None)),
        "visits": str(len(scene.visits)),
        "camera_mm": repr(float(clip.camera.shift_mm[2])),
    }


def _study(clip: InfantClip) -> str:
    camera: InfantCamera = clip.camera
    return STUDY.format(
        mirror="".join(f'    ["{a}", "{b}"],\n' for a, b in SCHEME.mirror),
        edges="".join(f'    ["{a}", "{b}"],\n' for a, b in SCHEME.edges),
        rate_hz=clip.rate_hz,
        focal_px=list(camera.focal_px),
        centre_px=list(camera.centre_px),
    )
