"""A frame of a lying infant: what the camera measures, and which joints can be seen in it."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int, UInt16
from numpy import ndarray

from palpate.phantoms.infant_body import InfantBody
from palpate.phantoms.infant_camera import InfantCamera
from palpate.phantoms.infant_cover import Blanket, Cable, cable_mask, draped, under_blanket
from palpate.phantoms.infant_crib import Crib, build_mattress, with_roll
from palpate.phantoms.infant_flesh import flesh, under_skin_mm
from palpate.phantoms.infant_operator import Visit, hands
from palpate.phantoms.infant_pose import Skeleton
from palpate.phantoms.infant_sensor import Sensor, SensorSetting
from palpate.phantoms.infant_solid import FAR, Depth, Rays, draw
from palpate.points import ABSENT, OCCLUDED, VISIBLE

# Beyond what is under the skin: a joint is hidden where something is so much nearer, in mm.
_CLEAR_MM = 6.0


@dataclass(frozen=True, eq=False, slots=True)
class Scene:
    """Everything that is needed to render the frames of a clip."""

    body: InfantBody
    skeleton: Skeleton
    camera: InfantCamera
    crib: Crib
    sensor: SensorSetting
    blanket: Blanket | None
    cables: tuple[Cable, ...]
    visits: tuple[Visit, ...]
    times_s: Float[ndarray, " frame"]


@dataclass(frozen=True, eq=False, slots=True)
class InfantFrame:
    """A rendered frame.

    Args:
        pixels: mm from the camera, 0 where nothing was measured.
        surface: the same before the camera's noise and holes.
        visibility: of each joint: VISIBLE; OCCLUDED by cloth or by the infant itself; ABSENT where
            an operator's hand lies over it, or where it is out of the picture.
    """

    pixels: UInt16[ndarray, "y x"]
    surface: Float[ndarray, "y x"] = field(repr=False)
    visibility: Int[ndarray, "12"]


class Renderer:
    """Renders the frames of a scene in any order; what does not move is rendered once."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._rays = Rays.of(scene.camera)
        self._mattress = build_mattress(scene.crib, scene.camera, self._rays)
        self._crib = with_roll(scene.crib, self._mattress, scene.camera, self._rays)
        self._sensor = Sensor(scene.sensor, scene.camera, self._rays)
        self._covered: Bool[ndarray, "y x"] | None = None
        if scene.blanket is not None:
            self._covered = under_blanket(scene.blanket, scene.camera, self._crib, self._rays)

    def frame(self, index: int) -> InfantFrame:
        """Render the frame of this index."""
        scene = self._scene
        surface, covered = self._infant(index), self._covered
        if scene.blanket is not None and covered is not None:
            surface = draped(surface, covered, scene.blanket.thick_mm)
        dark = self._cables(surface, index)
        operator = self._operator(index)
        whole = surface if operator is None else np.minimum(surface, operator)
        if operator is not None:
            dark &= operator >= surface
        pixels = self._sensor.measured(whole, dark, index)
        return InfantFrame(pixels, whole, self._visibility(index, surface, operator))

    def _infant(self, index: int) -> Depth:
        scene = self._scene
        buffer = self._rays.empty()
        for solid, soft in flesh(scene.body, scene.skeleton, index, scene.camera):
            draw(buffer, solid, self._rays, soft_mm=soft)
        # A limb presses the roll down to where it lies; the mattress does not give way.
        pressed = np.minimum(buffer, self._mattress)
        return np.where(buffer < FAR, pressed, self._crib)

    def _cables(self, surface: Depth, index: int) -> Bool[ndarray, "y x"]:
        """Lay the cables on the surface, and return the px that the camera cannot measure."""
        scene = self._scene
        dark = np.zeros(surface.shape, bool)
        for cable in scene.cables:
            mask = cable_mask(cable, scene.skeleton, index, scene.camera)
            if self._covered is not None:
                mask &= ~self._covered
            surface[mask] -= np.float32(2 * cable.radius_mm)
            if cable.dark:
                dark |= mask
        return dark

    def _operator(self, index: int) -> Depth | None:
        scene = self._scene
        parts = hands(scene.visits, scene.times_s, scene.skeleton, index, scene.camera)
        if not parts:
            return None
        buffer = self._rays.empty()
        for part in parts:
            draw(buffer, part, self._rays, soft_mm=5.0)
        return buffer

    def _visibility(self, index: int, surface: Depth, operator: Depth | None) -> Int[ndarray, "12"]:
        scene = self._scene
        joints = scene.camera.seen(scene.skeleton.joints[index])
        x, y = np.round(scene.camera.project(joints)).astype(int).T
        width, height = scene.camera.size
        outside = (x < 0) | (y < 0) | (x >= width) | (y >= height)
        at = (y.clip(0, height - 1), x.clip(0, width - 1))
        depth = joints[:, 2]
        hidden = surface[at] < depth - under_skin_mm(scene.body) - _CLEAR_MM
        if self._covered is not None:
            hidden |= self._covered[at]
        state = np.where(hidden, OCCLUDED, VISIBLE)
        if operator is not None:
            outside |= (operator[at] < np.minimum(depth, FAR)) & (operator[at] < surface[at])
        return np.where(outside, ABSENT, state)
