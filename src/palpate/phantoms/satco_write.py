"""Clips of a phantom on disk: a study folder with videos, labels of some frames, truth of all."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from palpate.errors import ConfigError, OutputError
from palpate.files import write_rows, write_text
from palpate.io.video_write import VideoWriter
from palpate.phantoms.satco_clip import PhantomClip
from palpate.phantoms.satco_truth import SCHEME, SEGMENTS
from palpate.points import OCCLUDED, VISIBLE

# Every so many frames are annotated, as the three operators of the source did.
EVERY = 4
# As clinics keep their videos: the compression shows, and truth is not touched by it.
CRF = 23
STUDY = """\
# Made by `palpate phantom satco`: children in the SATCo test, from the side. No patient is in it.
name = "phantom-satco"
protocol = "satco"
edges = [
{edges}]

[video]
folder = "videos"
interpolate = {every}
facing = "right"

[video.region]
{regions}"""

Row = dict[str, str]
Advance = Callable[[str, int, int, str], None]


def _silently(stage: str, done: int, total: int, remark: str) -> None:
    """Show no progress."""


def write_satco(out: Path, clips: Sequence[PhantomClip], *, advance: Advance = _silently) -> Path:
    """Write clips and their truth to a new folder, and return it.

    The folder holds ``videos/*.mp4``; ``landmarks.csv`` with every fourth frame (video, frame,
    subject, group, which is the level held, then x, y in px and v of each landmark: 2 visible,
    1 hidden but known); ``truth/*.csv`` with points, angles and contact of every frame;
    ``meta.csv``; and ``study.toml``, which is written last: a folder without it is not whole.

    Args:
        out: a new folder.
        clips: what to write, as :func:`palpate.phantoms.satco.satco_clips` draws it.
        advance: is told the stage, how many of how many clips are written, and the clip.

    Raises:
        ConfigError: no clip, or two of one name; PyAV is missing.
        OutputError: ``out`` holds something already, or cannot be written.

    Example:
        >>> import tempfile
        >>> from numpy.random import default_rng
        >>> from palpate.phantoms.satco import satco_clips
        >>> clip = next(satco_clips(1, default_rng(0), seconds=1.0))
        >>> folder = write_satco(Path(tempfile.mkdtemp()) / "study", [clip])
        >>> sorted(path.name for path in folder.iterdir())
        ['landmarks.csv', 'meta.csv', 'study.toml', 'truth', 'videos']
    """
    names = [clip.identifier for clip in clips]
    if not names:
        raise ConfigError("a study has at least 1 clip, got 0")
    if len(set(names)) != len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"two clips are called {double!r}; names are those of the files")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is there already and is not empty; give a new folder's name")
    for done, clip in enumerate(clips, start=1):
        _write_video(out / "videos", clip)
        write_rows(out / "truth" / f"{Path(clip.identifier).stem}.csv", list(_truth_rows(clip)))
        advance("clips", done, len(clips), clip.identifier)
    write_rows(out / "landmarks.csv", [row for clip in clips for row in _label_rows(clip)])
    write_rows(out / "meta.csv", [_meta_row(clip) for clip in clips])
    write_text(out / "study.toml", _study(clips))
    return out


def _write_video(folder: Path, clip: PhantomClip) -> None:
    with VideoWriter(folder / clip.identifier, clip.size, clip.rate_hz, crf=CRF) as video:
        for frame in clip.frames():
            video.add(frame)


def _label_rows(clip: PhantomClip) -> Iterable[Row]:
    for frame in range(0, len(clip.points), EVERY):
        about = {
            "video": clip.identifier,
            "frame": str(frame),
            "subject": clip.subject,
            "group": clip.level,
        }
        yield about | _point_cells(clip, frame)


def _truth_rows(clip: PhantomClip) -> Iterable[Row]:
    elbow, wrist = clip.elbow_contact, clip.wrist_contact
    for frame, angles in enumerate(clip.angles):
        degrees = {f"{s}_deg": repr(float(a)) for s, a in zip(SEGMENTS, angles, strict=True)}
        touch = {
            "elbow_contact": str(int(elbow[frame])),
            "wrist_contact": str(int(wrist[frame])),
        }
        yield {"frame": str(frame)} | _point_cells(clip, frame) | degrees | touch


def _point_cells(clip: PhantomClip, frame: int) -> Row:
    """All digits: the angles follow from the points to 1e-9."""
    row = {}
    points = zip(SCHEME.names, clip.points[frame], clip.visible[frame], strict=True)
    for name, (x, y), visible in points:
        row[f"{name}_x"], row[f"{name}_y"] = repr(float(x)), repr(float(y))
        row[f"{name}_v"] = str(VISIBLE if visible else OCCLUDED)
    return row


def _meta_row(clip: PhantomClip) -> Row:
    return {
        "video": clip.identifier,
        "subject": clip.subject,
        "level": clip.level,
        "rate_hz": repr(clip.rate_hz),
        "frames": str(len(clip.points)),
    }


def _study(clips: Sequence[PhantomClip]) -> str:
    return STUDY.format(
        edges="".join(f'    ["{a}", "{b}"],\n' for a, b in SCHEME.edges),
        every=EVERY,
        regions="".join(f'"{clip.identifier}" = {list(clip.region)}\n' for clip in clips),
    )
