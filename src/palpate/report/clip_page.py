"""What the page of a clip says, as text and drawings, in the order of the page."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from palpate.protocols.posture import difference
from palpate.report.clip_frames import SEED, Sheet, sheet
from palpate.report.clip_plots import (
    AnglePanel,
    BarPanel,
    Line,
    PointPanel,
    points_plot,
    posture_plot,
)
from palpate.report.clip_reported import ReportedClip
from palpate.report.clip_tables import contact_table, landmark_table, segment_table
from palpate.report.clip_thinned import marked
from palpate.report.clip_tiles import counted, tiles
from palpate.report.clip_warnings import grounds, warnings
from palpate.report.parts import Plot, SheetHead, Table
from palpate.sequences.outliers import outliers
from palpate.sequences.smooth import USUAL_JUMPS


@dataclass(frozen=True, slots=True)
class PosturePart:
    """Posture over time, ready to print."""

    plot: Plot
    segments: Table | None
    contact: Table | None


@dataclass(frozen=True, slots=True)
class ClipPage(SheetHead):
    """The sections that the template prints below the head."""

    posture: PosturePart | None
    landmarks: Table
    points: Plot
    sheet: Sheet
    sheet_note: str


def clip_page(clip: ReportedClip, pictures: Sheet | None = None) -> ClipPage:
    """Turn a clip into text and drawings.

    Args:
        clip: with what was found in it.
        pictures: its frames where they are drawn in another way; None reads and draws them here.
    """
    jumps = (
        outliers(clip.track.coordinates, clip.track.times_s, USUAL_JUMPS)
        if clip.smoothed is None
        else clip.smoothed.outliers
    )
    pictures = sheet(clip) if pictures is None else pictures
    return ClipPage(
        title=clip.name,
        subtitle=_subtitle(clip),
        banner="Not for diagnosis. Unsigned: no person has reviewed what was found in this clip.",
        warnings=warnings(clip, jumps),
        spoken=spoken(clip),
        notes=grounds(clip),
        tiles=tiles(clip, jumps),
        posture=_posture(clip),
        landmarks=landmark_table(clip.track, jumps),
        points=_points(clip, jumps),
        sheet=pictures,
        sheet_note=_sheet_note(clip, pictures),
        provenance=tuple(clip.provenance.items()),
    )


def _subtitle(clip: ReportedClip) -> str:
    width, height = clip.video.size
    parts = [f"clip of {width} x {height} px", counted(len(clip.track.names), "landmark")]
    protocol = clip.summary.get("protocol")
    if isinstance(protocol, str):
        parts.append(f"protocol {protocol}")
    control = clip.control
    if "level" in control:
        parts.append(f"level: {control['level']}")
    if clip.smoothed is not None:
        parts.append("smoothed beside the raw track")
    return " · ".join(parts)


def spoken(clip: ReportedClip) -> tuple[str, ...]:
    """Say what the clip shows of control, in the protocol's words, or why nothing is said."""
    if not clip.segments:
        return ()
    sentence = clip.control.get("sentence")
    if isinstance(sentence, str):
        return (sentence,)
    return (
        "Nothing is said of control: the level of support at which the clip was recorded is not "
        "given.",
    )


def _posture(clip: ReportedClip) -> PosturePart | None:
    if not clip.segments and not clip.rules:
        return None
    drawing = posture_plot(clip.track.times_s, angle_panels(clip), contact_panels(clip))
    return PosturePart(
        plot=Plot(drawing, _posture_caption(clip)),
        segments=segment_table(clip),
        contact=contact_table(clip),
    )


def _posture_caption(clip: ReportedClip) -> str:
    words = (
        "Turn from the reference in degrees, positive where a segment's upper end turns to the "
        "child's front; at the right the angle itself. Dashed: the reference posture; band: within "
        "the threshold; marked: out of line; grey at the foot: not known; arrowheads: turns beyond "
        "the panel."
    )
    if clip.smoothed_angles is None:
        return words
    return f"{words} Grey line: as found; blue: of the smoothed track. Marks are of the raw track."


def angle_panels(clip: ReportedClip) -> tuple[AnglePanel, ...]:
    """One panel a segment; the marks are those of the flags, nothing is judged here."""
    if clip.angles is None or clip.reference is None or clip.out_of_line is None:
        return ()
    turned = difference(clip.angles, clip.reference)
    smoothed = (
        None if clip.smoothed_angles is None else difference(clip.smoothed_angles, clip.reference)
    )
    threshold = clip.summary.get("threshold_deg")
    times = clip.track.times_s
    return tuple(
        AnglePanel(
            name=name,
            turned=Line(turned[:, k], None if smoothed is None else smoothed[:, k]),
            reference_deg=(float(clip.reference[k]) if np.isfinite(clip.reference[k]) else None),
            threshold_deg=float(threshold) if isinstance(threshold, (int, float)) else None,
            marked=marked(clip.out_of_line.value[:, k], times),
            unknown=marked(~clip.out_of_line.known[:, k], times),
        )
        for k, name in enumerate(clip.segments)
    )


def contact_panels(clip: ReportedClip) -> tuple[BarPanel, ...]:
    """One row a rule of contact."""
    if clip.touching is None:
        return ()
    times = clip.track.times_s
    return tuple(
        BarPanel(
            name,
            marked(clip.touching.value[:, k], times),
            marked(~clip.touching.known[:, k], times),
        )
        for k, name in enumerate(clip.rules)
    )


def _points(clip: ReportedClip, jumps: Bool[ndarray, "frame landmark"]) -> Plot:
    smoothed = None if clip.smoothed is None else clip.smoothed.coordinates
    raw = clip.track.coordinates
    panels = []
    for k, name in enumerate(clip.track.names):
        x, y = (
            Line(raw[:, k, axis], None if smoothed is None else smoothed[:, k, axis])
            for axis in (0, 1)
        )
        panels.append(PointPanel(name, x, y, jumps[:, k]))
    caption = "Positions in px of the frame. Ringed: positions that jump; nothing is removed."
    if clip.smoothed is not None:
        caption += f" Grey: as found; blue: smoothed ({clip.smoothed.sentence})."
    return Plot(points_plot(clip.track.times_s, panels), caption)


def _sheet_note(clip: ReportedClip, pictures: Sheet) -> str:
    shown, total = len(pictures.shown), len(clip.track.times_s)
    words = (
        "Every frame"
        if shown == total
        else f"{counted(shown, 'frame')} of {total:,}, drawn by chance (seed {SEED})"
    )
    part = "" if clip.region is None else " What is shown is the region that was looked at."
    return f"{words}; with what was found, not smoothed.{part}"
