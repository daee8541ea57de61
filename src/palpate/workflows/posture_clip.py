"""From the track of a clip to posture: angles, alignment, contact and control, frame by frame."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.files import write_json, write_text
from palpate.protocols.posture import (
    arranged,
    check_facing,
    contact,
    difference,
    mean_posture,
    misaligned,
    neutral_posture,
    posture_of,
    segment_angles,
)
from palpate.protocols.posture_control import LevelControl, level_control
from palpate.protocols.posture_flags import Flags
from palpate.protocols.protocol import Protocol
from palpate.scheme import LandmarkScheme
from palpate.sequences.track import Track
from palpate.workflows.clip_sources import ClipSource


@dataclass(frozen=True, slots=True)
class PostureRequest:
    """What posture is judged against.

    Args:
        neutral_frame: a frame marked as the neutral posture; None takes the clip's mean.
        level: of support at which the clip was recorded; empty where not known.
    """

    neutral_frame: int | None = None
    level: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class ClipPosture:
    """Posture of one clip, without labels.

    Args:
        protocol: what was measured with.
        source: the clip.
        times_s: of the frames.
        angles: (frame, segment) degrees; NaN where a landmark was not found.
        reference: (segment,) degrees.
        reference_from: what the reference is, in words.
        out_of_line: (frame, segment).
        touching: (frame, rule), against the predicted landmark.
        control: at the clip's level; None where no level is known.
    """

    protocol: Protocol
    source: ClipSource
    times_s: Float[ndarray, " frame"]
    angles: Float[ndarray, "frame segment"]
    reference: Float[ndarray, " segment"]
    reference_from: str
    out_of_line: Flags
    touching: Flags
    control: LevelControl | None = None

    @property
    def segments(self) -> tuple[str, ...]:
        """Names of the columns of ``angles``."""
        return posture_of(self.protocol).segments

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the columns of ``touching``."""
        return tuple(rule.point for rule in posture_of(self.protocol).contact)


def clip_posture(
    protocol: Protocol,
    source: ClipSource,
    scheme: LandmarkScheme,
    track: Track,
    request: PostureRequest,
) -> ClipPosture:
    """Measure every frame.

    Raises:
        ConfigError: the protocol has no posture table, or not the level.
        SchemeError: a landmark of the protocol is not in the track.
        StudyError: the landmarks contradict the facing.
        GeometryError: there is no such neutral frame, or a landmark is absent in it.
    """
    table = posture_of(protocol)
    coordinates = arranged(protocol, scheme, track.coordinates)
    check_facing(protocol, coordinates, source.facing)
    angles = segment_angles(protocol, coordinates, source.facing)
    if request.neutral_frame is None:
        reference = mean_posture(angles)
        told = f"the mean of the predicted angles over the {len(angles)} frames of this clip"
    else:
        reference = neutral_posture(angles, request.neutral_frame)
        told = f"frame {request.neutral_frame}, marked as neutral"
    flags = misaligned(angles, reference, table.threshold_deg)
    touching = contact(protocol, coordinates, source.facing)
    control = (
        level_control(protocol, request.level, flags, touching, track.times_s)
        if request.level
        else None
    )
    return ClipPosture(
        protocol, source, track.times_s, angles, reference, told, flags, touching, control
    )


def write_clip_posture(posture: ClipPosture, out: Path) -> None:
    """Write angles.csv and posture.csv, one row a frame, and posture.json.

    A cell is empty where something is not known.
    """
    table = posture_of(posture.protocol)
    turned = difference(posture.angles, posture.reference)
    write_text(out / "angles.csv", _table(posture.times_s, table.segments, posture.angles))
    write_text(
        out / "posture.csv",
        _table(
            posture.times_s,
            (
                *(f"{name}_turned_deg" for name in table.segments),
                *(f"{name}_misaligned" for name in table.segments),
                *(f"{rule.point}_contact" for rule in table.contact),
            ),
            np.concatenate(
                [turned, _numbers(posture.out_of_line), _numbers(posture.touching)], axis=1
            ),
        ),
    )
    write_json(out / "posture.json", summary(posture))


def summary(posture: ClipPosture) -> dict[str, object]:
    """What there is to say of the whole clip."""
    table = posture_of(posture.protocol)
    control = posture.control
    return {
        "clip": posture.source.name,
        "protocol": posture.protocol.label,
        "frames": len(posture.times_s),
        "facing": posture.source.facing,
        "facing_stated": posture.source.facing_stated,
        "threshold_deg": table.threshold_deg,
        "judged": list(table.groups[table.headline]),
        "reference_from": posture.reference_from,
        "reference_deg": {
            name: float(angle) if np.isfinite(angle) else None
            for name, angle in zip(table.segments, posture.reference, strict=True)
        },
        "misaligned": _shares(table.segments, posture.out_of_line),
        "contact": _shares(tuple(rule.point for rule in table.contact), posture.touching),
        "control": None
        if control is None
        else {
            "level": control.level,
            "demonstrated": control.demonstrated,
            "longest_s": control.longest_s,
            "sentence": control.sentence,
        },
    }


def _shares(names: tuple[str, ...], flags: Flags) -> dict[str, dict[str, float | int | None]]:
    """Of the frames in which it is known, the share in which it holds."""
    found: dict[str, dict[str, float | int | None]] = {}
    for column, name in enumerate(names):
        known = int(flags.known[:, column].sum())
        held = int((flags.value & flags.known)[:, column].sum())
        found[name] = {"frames": held, "known": known, "share": held / known if known else None}
    return found


def _numbers(flags: Flags) -> Float[ndarray, "frame kind"]:
    return np.where(flags.known, flags.value.astype(float), np.nan)


def _table(
    times_s: Float[ndarray, " frame"], names: tuple[str, ...], values: Float[ndarray, "frame kind"]
) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["frame", "time_s", *names])
    for frame, (time, row) in enumerate(zip(times_s, values, strict=True)):
        cells = ["" if np.isnan(value) else f"{value:.6g}" for value in row]
        writer.writerow([str(frame), f"{time:.6f}", *cells])
    return text.getvalue()
