"""Angles of labels and predictions, and the reference posture of each child: computed once."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from palpate.errors import ConfigError, GeometryError, StudyError
from palpate.evaluation.bootstrap import Resampling
from palpate.evaluation.posture_frames import PostureFrames
from palpate.protocols.posture import (
    check_facing,
    difference,
    mean_posture,
    posture_of,
    segment_angles,
    segment_lines,
)
from palpate.protocols.posture_table import PostureTable, Side
from palpate.protocols.protocol import Protocol
from palpate.protocols.scene import names_of

Angles = Float[ndarray, "frame segment"]
References = Mapping[str, Float[ndarray, " segment"]]


@dataclass(frozen=True, eq=False, slots=True)
class Judged:
    """Segment angles of some frames, and what they are compared with.

    Args:
        table: the protocol's posture table.
        frames: as given.
        labelled: angles of the labels that are scored; NaN elsewhere.
        predicted: angles of the predictions.
        facing: the side of the image that the children face.
        references: child -> reference posture, from the labels or as given.
        rows: the reference posture of each frame's child.
        owners: place of each frame's child among the sorted children.
        resampling: of the children.
    """

    table: PostureTable
    frames: PostureFrames
    labelled: Float[ndarray, "frame segment"]
    predicted: Float[ndarray, "frame segment"]
    facing: Side
    references: References
    rows: Float[ndarray, "frame segment"]
    owners: Int[ndarray, " frame"]
    resampling: Resampling

    @property
    def errors(self) -> Float[ndarray, "frame segment"]:
        """How far the predicted angle is from the label's, in degrees, 0 to 180."""
        return np.abs(difference(self.predicted, self.labelled))

    @property
    def wanted(self) -> Bool[ndarray, "frame segment"]:
        """Segments that are labelled and scored."""
        return np.isfinite(self.labelled)

    def turned(self) -> tuple[Angles, Angles]:
        """Labels and predictions, each as its difference from the reference of the labels."""
        return difference(self.labelled, self.rows), difference(self.predicted, self.rows)

    def groups(self) -> dict[str, list[int]]:
        """Columns of each segment's group, by name, as the table lists them."""
        return {name: self.table.columns(members) for name, members in self.table.groups.items()}


def judge(
    protocol: Protocol,
    frames: PostureFrames,
    resampling: Resampling,
    references: References | None,
) -> Judged:
    """Compute all angles, and the reference posture of each child.

    Raises:
        ConfigError: no posture table, or it asks for neutral frames and none are given.
        StudyError: a child without a reference, or a facing that the labels contradict.
        GeometryError: arrays that do not fit the protocol.
    """
    table = posture_of(protocol)
    facing = table.facing if frames.facing is None else frames.facing
    check_facing(protocol, frames.labels, facing)
    angles = segment_angles(protocol, frames.labels, facing)
    places = [names_of(*line) for line in segment_lines(protocol)]
    counted = np.stack(
        [frames.counted[:, protocol.scheme.indices(names)].all(axis=1) for names in places], axis=1
    )
    owners = resampling.owners(frames.subjects)
    chosen = _references(table, resampling.subjects, angles, owners, references)
    return Judged(
        table=table,
        frames=frames,
        labelled=np.where(counted, angles, np.nan),
        predicted=segment_angles(protocol, frames.predictions, facing),
        facing=facing,
        references=chosen,
        rows=np.stack([chosen[child] for child in resampling.subjects])[owners],
        owners=owners,
        resampling=resampling,
    )


def _references(
    table: PostureTable,
    children: tuple[str, ...],
    angles: Float[ndarray, "frame segment"],
    owners: Int[ndarray, " frame"],
    given: References | None,
) -> dict[str, Float[ndarray, " segment"]]:
    if given is None:
        if table.reference != "mean":
            raise ConfigError(
                "the protocol's reference posture is a neutral frame of each child: give "
                "the angles of those frames as references"
            )
        return {child: mean_posture(angles[owners == k]) for k, child in enumerate(children)}
    missing = [child for child in children if child not in given]
    if missing:
        raise StudyError(f"there is no reference posture of {', '.join(map(repr, missing[:5]))}")
    for child in children:
        if given[child].shape != (len(table.segments),):
            raise GeometryError(
                f"the reference posture of {child!r} has shape {given[child].shape}; it needs an "
                f"angle for each of {len(table.segments)} segments"
            )
    return {child: given[child] for child in children}
