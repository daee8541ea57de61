"""Frames of several children, each with its labels and with what was predicted."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from palpate.arrays import locked, rows_with_nan
from palpate.errors import GeometryError, StudyError
from palpate.protocols.posture_table import Side


@dataclass(frozen=True, eq=False, slots=True)
class PostureFrames:
    """What a posture is evaluated from. Landmarks are in the order of the protocol's scheme.

    Args:
        identifiers: of the frames, each once, such as ``child01_a.mp4#12``.
        subjects: the child of each frame: the unit of the reference posture and the bootstrap.
        labels: px of the image as given; NaN where a landmark is absent.
        predictions: px of the image as given; NaN where a landmark was not found.
        grid_per_px: how many px of the network's grid (256 in the paper) an image px is.
        made_by: who predicted; named in every row.
        facing: the side of the image that the children face; None for the protocol's default.
        scored: labels that errors are counted for; None for all. Labels that were interpolated
            between annotated frames can be left out so; the reference posture is still
            the mean over all labels.

    Raises:
        StudyError: no frame, a frame twice, or a frame without a child.
        GeometryError: shapes that do not fit, a coordinate that is infinite or half absent, a
            factor that is not positive.
    """

    identifiers: tuple[str, ...]
    subjects: tuple[str, ...]
    labels: Float[ndarray, "frame landmark 2"]
    predictions: Float[ndarray, "frame landmark 2"]
    grid_per_px: Float[ndarray, " frame"]
    made_by: str
    facing: Side | None = None
    scored: Bool[ndarray, "frame landmark"] | None = None

    def __post_init__(self) -> None:
        count = len(self.identifiers)
        if not count:
            raise StudyError("there is no frame to evaluate")
        if len(set(self.identifiers)) != count:
            twice = next(name for name in self.identifiers if self.identifiers.count(name) > 1)
            raise StudyError(f"frame {twice!r} is given twice; a frame counts once")
        if len(self.subjects) != count or not all(self.subjects):
            raise StudyError(f"each of {count} frames needs the child that it shows")
        if self.labels.shape != self.predictions.shape or len(self.labels) != count:
            raise GeometryError(
                f"{count} frames have labels of shape {self.labels.shape} and predictions of "
                f"shape {self.predictions.shape}; both must be (frame, landmark, 2)"
            )
        for who, points in (("labels", self.labels), ("predictions", self.predictions)):
            if np.isinf(points).any() or (rows_with_nan(points) & ~np.isnan(points).all(-1)).any():
                raise GeometryError(f"{who}: a point has both coordinates, finite, or is NaN")
        factors = self.grid_per_px
        if len(factors) != count or not (np.isfinite(factors) & (factors > 0.0)).all():
            raise GeometryError("grid_per_px must be a positive factor for each frame")
        if self.scored is not None and self.scored.shape != self.labels.shape[:2]:
            raise GeometryError(
                f"scored has shape {self.scored.shape}, the labels are {self.labels.shape[:2]}"
            )
        for name in ("labels", "predictions", "grid_per_px"):
            object.__setattr__(self, name, locked(getattr(self, name)))

    @property
    def counted(self) -> Bool[ndarray, "frame landmark"]:
        """Labels that errors are counted for."""
        present = ~rows_with_nan(self.labels)
        return present if self.scored is None else present & self.scored

    @property
    def errors_px(self) -> Float[ndarray, "frame landmark"]:
        """Euclidean error in px of the image; NaN where either is absent."""
        return np.linalg.norm(self.predictions - self.labels, axis=-1)

    @property
    def errors_grid(self) -> Float[ndarray, "frame landmark"]:
        """Euclidean error in px of the network's grid."""
        return self.errors_px * self.grid_per_px[:, None]

    def predicted(
        self, predictions: Float[ndarray, "frame landmark 2"], *, made_by: str
    ) -> "PostureFrames":
        """Return the same frames with another prediction: of a baseline, or another method."""
        return replace(self, predictions=predictions, made_by=made_by)


def mean_pose(
    coordinates: Float[ndarray, "frame landmark 2"], subjects: tuple[str, ...]
) -> Float[ndarray, "landmark 2"]:
    """Mean points of the training children, each child with the same weight: a baseline.

    Give it labels in px of the grid, where children are of one size and place, and map the
    answer back into each image. NaN for a landmark that no child has.

    Example:
        >>> frames = np.array([[[0.0, 0.0]], [[2.0, 0.0]], [[9.0, 0.0]]])
        >>> mean_pose(frames, ("a", "a", "b")).tolist()
        [[5.0, 0.0]]
    """
    owners = np.array(subjects)
    means = [_mean(coordinates[owners == child]) for child in sorted(set(subjects))]
    return _mean(np.stack(means))


def _mean(points: Float[ndarray, "row landmark 2"]) -> Float[ndarray, "landmark 2"]:
    known = ~rows_with_nan(points)
    count = known.sum(axis=0)[:, None]
    total = np.where(known[..., None], points, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
