"""A clip of a phantom: a video that can be painted, with everything that is known about it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from jaxtyping import Bool, Float, UInt8
from numpy import ndarray

from palpate.arrays import locked
from palpate.errors import GeometryError
from palpate.phantoms.satco_room import SIZE
from palpate.phantoms.satco_scene import Scene, paint_frames
from palpate.phantoms.satco_truth import LEVELS, elbow_contacts, wrist_contacts


@dataclass(frozen=True, eq=False, slots=True)
class PhantomClip:
    """One made-up clip and its exact truth.

    Args:
        identifier: file name of the video.
        subject: the child.
        level: where hands hold it, one of LEVELS.
        region: (x, y, width, height) in px of the part to look at; a square.
        rate_hz: frames a second.
        points: in px of the whole frame, in the order of LANDMARKS; true where hidden too.
        visible: False where a hand or an arm is in front of the point.
        angles: of the SEGMENTS in degrees from the upright, positive towards the front.

    Raises:
        GeometryError: numbers of frames differ, or a point is outside of the region.
    """

    identifier: str
    subject: str
    level: str
    region: tuple[int, int, int, int]
    rate_hz: float
    points: Float[ndarray, "frame 13 2"]
    visible: Bool[ndarray, "_ 13"]
    angles: Float[ndarray, "_ 10"]
    scene: Scene = field(repr=False)

    def __post_init__(self) -> None:
        if not len(self.points) == len(self.visible) == len(self.angles):
            raise GeometryError(f"{self.identifier}: points, visible, angles differ in frames")
        x, y, width, height = self.region
        low, high = self.points.min(axis=(0, 1)), self.points.max(axis=(0, 1))
        if (low < [x, y]).any() or (high > [x + width - 1, y + height - 1]).any():
            raise GeometryError(f"{self.identifier}: a point is outside of region {self.region}")
        if self.level not in LEVELS:
            raise GeometryError(f"{self.identifier}: there is no level {self.level!r}")
        for name in ("points", "angles"):
            object.__setattr__(self, name, locked(getattr(self, name)))
        visible = self.visible.copy()
        visible.flags.writeable = False
        object.__setattr__(self, "visible", visible)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of a frame in px."""
        return SIZE

    @property
    def elbow_contact(self) -> Bool[ndarray, " frame"]:
        """Whether the elbow is behind ASIS."""
        return elbow_contacts(self.points)

    @property
    def wrist_contact(self) -> Bool[ndarray, " frame"]:
        """Whether the wrist is below ASIS."""
        return wrist_contacts(self.points)

    def frames(self) -> Iterator[UInt8[ndarray, "y x 3"]]:
        """Paint the frames one by one, RGB; every call paints the same ones."""
        return paint_frames(self.scene)
