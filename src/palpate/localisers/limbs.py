"""Networks that put out maps of joints and connections for clips, and the linking of those."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt16
from numpy import ndarray

from palpate.affine import Affine
from palpate.augment.depth import centred, fit_depth
from palpate.augment.resample import fit
from palpate.errors import GeometryError
from palpate.image import Image
from palpate.linking.link import LinkSettings, link_pose
from palpate.linking.pose import LinkedPose
from palpate.localisers.clip import ClipPlane, FoundFrame
from palpate.localisers.limb_spec import LimbSpec
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme

# (clip, 1, t, y, x) float32 -> (clip, map, t, y / stride, x / stride) float32
ClipForward = Callable[[ndarray], ndarray]

_LINKING = LinkSettings()


@dataclass(frozen=True, eq=False, slots=True)
class LimbLocaliser:
    """Fits the frames of a clip into the grid, runs the networks, links joints to limbs.

    Args:
        spec: what the networks expect and how their maps are read.
        forward: the whole chain of networks, on whatever engine.
        weights: short hash of the weights, for provenance.
        one_thread: the engine keeps to the thread that calls it, so that several may call.
    """

    spec: LimbSpec
    forward: ClipForward
    weights: str
    one_thread: bool = False

    @property
    def scheme(self) -> LandmarkScheme:
        """The joints it finds."""
        return self.spec.scheme

    @property
    def name(self) -> str:
        """Recipe and study it was made from."""
        return self.spec.name

    @property
    def protocol(self) -> str:
        """Protocol of the study it was made from; may be empty."""
        return self.spec.protocol

    @property
    def variance_factor(self) -> float | None:
        """What covariances are multiplied with."""
        return self.spec.variance_factor

    @property
    def frames(self) -> int:
        """How many frames it is given at a time."""
        return self.spec.frames

    @property
    def interval_s(self) -> float:
        """From one frame to the next, as in training."""
        return self.spec.interval_s

    def predict(self, image: Image) -> Prediction:
        """Find the joints of one image, as if it stood still; in pixels of the image as given.

        Raises:
            GeometryError: the image is no plane, or not of the kind that it was trained on.
        """
        still = [self.prepare(image)] * self.frames
        return self.find([still])[0][self.frames // 2].prediction

    def prepare(self, image: Image) -> ClipPlane:
        """Fit a frame into the grid, its holes kept apart.

        Raises:
            GeometryError: the image is no plane, or not of the kind that it was trained on.
        """
        x, y, width, height = image.region or (0, 0, *image.size[:2])
        to_grid = fit((x, y, width, height), self.spec.grid)
        return plane(counts(image, self.spec.channels), to_grid, to_grid, self.spec.grid)

    def find(
        self, clips: Sequence[Sequence[ClipPlane]], *, last: bool = False
    ) -> list[list[FoundFrame]]:
        """Find the joints of clips of ``frames`` frames each, in time's order.

        Raises:
            GeometryError: a clip has another number of frames.
        """
        if any(len(clip) != self.frames for clip in clips):
            got = sorted({len(clip) for clip in clips})
            raise GeometryError(f"clips of {self.frames} frames were expected, got {got}")
        if not clips:
            return []
        values = np.stack([[frame.values for frame in clip] for clip in clips])
        maps = self.forward(values[:, None] / np.float32(self.spec.span))
        read = range(self.frames - 1, self.frames) if last else range(self.frames)
        return [
            [self._read(clip_maps[:, at], clip[at]) for at in read]
            for clip_maps, clip in zip(maps, clips, strict=True)
        ]

    def _read(self, maps: Float[ndarray, "map y x"], frame: ClipPlane) -> FoundFrame:
        values = _sigmoid(maps) if self.spec.scale == "logit" else np.clip(maps, 0.0, 1.0)
        pose = link_pose(values, self.spec.maps, _LINKING)
        back = frame.to_grid.inverse()
        factor = self.spec.variance_factor or 1.0
        moved = LinkedPose(
            back(pose.coordinates),
            back.covariance(pose.covariance) * factor,
            pose.score,
            pose.links,
            pose.others,
        )
        prediction = Prediction(
            self.scheme,
            moved.coordinates,
            moved.covariance,
            moved.score,
            f"{self.name} {self.weights}",
            basis="uncalibrated" if self.spec.variance_factor is None else "scaled",
        )
        return FoundFrame(prediction, moved)


def counts(image: Image, channels: str) -> UInt16[ndarray, "y x"]:
    """Return a frame as counts in which 0 says that nothing was measured.

    Args:
        image: a plane; for ``depth`` of one channel of 16 bits.
        channels: ``depth`` or ``grey``, of which no pixel is a hole.

    Raises:
        GeometryError: it is no plane, or not of that kind.
    """
    if image.axes != "yx":
        raise GeometryError(f"image {image.identifier!r} has axes {image.axes}; a plane is needed")
    if channels == "grey":
        return (np.rint(image.grey() * 65534) + 1).astype(np.uint16)
    if image.pixels.dtype != np.uint16 or len(image.pixels) != 1:
        raise GeometryError(
            f"image {image.identifier!r}: depth is one channel of 16 bits, got "
            f"{len(image.pixels)} of {image.pixels.dtype}; a localiser of grey images is trained "
            "with input.channels=grey"
        )
    return np.asarray(image.pixels[0])


def plane(
    pixels: UInt16[ndarray, "y x"], from_pixels: Affine, to_grid: Affine, grid: tuple[int, int]
) -> ClipPlane:
    """Sample the grid from counts and take away the mean of what was measured.

    Args:
        pixels: 0 where nothing was measured.
        from_pixels: px of these pixels -> grid.
        to_grid: px of the frame as given -> grid, kept for the way back.
        grid: size (x, y).
    """
    values, valid = fit_depth(pixels, from_pixels, grid)
    return ClipPlane(centred(values, valid), valid, to_grid)


def _sigmoid(logits: Float[ndarray, "map y x"]) -> Float[ndarray, "map y x"]:
    clipped = np.clip(logits, -30.0, 30.0)
    return (1.0 / (1.0 + np.exp(-clipped))).astype(np.float32)
