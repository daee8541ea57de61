"""Predict clips into a folder, each into one of its own; one bad clip does not stop the rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from palpate.errors import PalpateError
from palpate.files import write_json
from palpate.localisers.clip import ClipLocaliser
from palpate.localisers.localiser import Localiser
from palpate.protocols.posture import arranged, segment_angles
from palpate.protocols.protocol import Protocol
from palpate.report.clip_report import ReportedClip, write_clip_report
from palpate.report.depth_report import write_depth_report
from palpate.sequences.smooth import Method, Smoothed, smooth
from palpate.workflows.clip_sources import ClipSource
from palpate.workflows.posture_clip import (
    ClipPosture,
    PostureRequest,
    clip_posture,
    summary,
    write_clip_posture,
)
from palpate.workflows.predict_clip import PredictedClip, predict_clip
from palpate.workflows.predict_depth_clip import PredictedDepth, predict_depth_clip
from palpate.workflows.predict_depth_reported import about_depth, reported_depth
from palpate.workflows.provenance import localiser_provenance
from palpate.workflows.smoothed_csv import write_smoothed


@dataclass(frozen=True, slots=True)
class ClipWishes:
    """What is made of each clip beside its points.

    Args:
        labelled: a video with the landmarks drawn in.
        protocol: what is measured in every frame; None measures nothing.
        posture: what posture is judged against.
        smoothing: a smoothed track beside the raw one; None makes none.
    """

    labelled: bool = True
    protocol: Protocol | None = None
    posture: PostureRequest = field(default_factory=PostureRequest)
    smoothing: Method | None = None


def predict_clips_into(
    out: Path,
    localiser: Localiser,
    sources: Sequence[ClipSource],
    wishes: ClipWishes,
    *,
    advance: Callable[[str, int, int], None],
) -> dict[str, str]:
    """Predict every clip into ``out/<name without suffix>`` and return why some failed.

    Each folder holds points.csv, clip.json and report.html, and as wished labelled.mp4,
    smoothed.csv, and for a protocol of posture angles.csv, posture.csv and posture.json; and
    limbs.csv where limbs are linked.
    """
    failures: dict[str, str] = {}
    for source in sources:
        folder = out / PurePosixPath(source.name).with_suffix("")
        try:
            _one(folder, localiser, source, wishes, advance)
        except PalpateError as error:
            failures[source.name] = str(error)
    return failures


def _one(
    folder: Path,
    localiser: Localiser,
    source: ClipSource,
    wishes: ClipWishes,
    advance: Callable[[str, int, int], None],
) -> None:
    found = _predicted(folder, localiser, source, wishes, advance)
    clip = found.clip if isinstance(found, PredictedDepth) else found
    smoothed = None if wishes.smoothing is None else smooth(clip.track, wishes.smoothing)
    if smoothed is not None:
        write_smoothed(smoothed, folder / "smoothed.csv")
    provenance = {**localiser_provenance(localiser), "clip": source.name}
    about = _about(clip, smoothed, provenance)
    if isinstance(found, PredictedDepth):
        about |= about_depth(found, localiser)
    write_json(folder / "clip.json", about)
    posture = None
    if wishes.protocol is not None and wishes.protocol.posture is not None:
        posture = clip_posture(
            wishes.protocol, source, localiser.scheme, clip.track, wishes.posture
        )
        write_clip_posture(posture, folder)
    reported = _reported(clip, localiser, smoothed, posture, provenance)
    if isinstance(found, PredictedDepth):
        write_depth_report(reported_depth(found, reported, localiser), folder / "report.html")
    else:
        write_clip_report(reported, folder / "report.html")


def _predicted(
    folder: Path,
    localiser: Localiser,
    source: ClipSource,
    wishes: ClipWishes,
    advance: Callable[[str, int, int], None],
) -> PredictedClip | PredictedDepth:
    """Several frames at once where the localiser takes them so; depth as depth in any case."""
    several = isinstance(localiser, ClipLocaliser) or source.depth is not None
    predict = predict_depth_clip if several else predict_clip
    return predict(
        localiser,
        source,
        folder,
        labelled=wishes.labelled,
        advance=lambda done, total: advance(source.name, done, total),
    )


def _about(
    clip: PredictedClip, smoothed: Smoothed | None, provenance: dict[str, str]
) -> dict[str, object]:
    video, source = clip.video, clip.source
    return {
        "clip": source.name,
        "frames": len(clip.track.times_s),
        "frames_in_file": video.frames,
        "rate_hz": video.rate_hz,
        "variable_rate": video.variable_rate,
        "pixel_aspect": video.pixel_aspect,
        "size": list(video.size),
        "region": None if source.region is None else list(source.region),
        "facing": source.facing,
        "facing_stated": source.facing_stated,
        "problem": clip.problem,
        "smoothing": None if smoothed is None else smoothed.sentence,
        "provenance": provenance,
    }


def _reported(
    clip: PredictedClip,
    localiser: Localiser,
    smoothed: Smoothed | None,
    posture: ClipPosture | None,
    provenance: dict[str, str],
) -> ReportedClip:
    return ReportedClip(
        name=clip.source.name,
        video=clip.video,
        track=clip.track,
        edges=localiser.scheme.edges,
        region=clip.source.region,
        smoothed=smoothed,
        provenance=provenance,
        problem=clip.problem,
        segments=() if posture is None else posture.segments,
        angles=None if posture is None else posture.angles,
        reference=None if posture is None else posture.reference,
        out_of_line=None if posture is None else posture.out_of_line,
        rules=() if posture is None else posture.rules,
        touching=None if posture is None else posture.touching,
        summary={} if posture is None else summary(posture),
        smoothed_angles=None
        if posture is None or smoothed is None
        else segment_angles(
            posture.protocol,
            arranged(posture.protocol, localiser.scheme, smoothed.coordinates),
            clip.source.facing,
        ),
    )
