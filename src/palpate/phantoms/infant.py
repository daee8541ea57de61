"""Depth clips of made-up infants born preterm who lie in a crib and move by themselves.

A clip is drawn in the order in which a real one comes about: an infant, how it lies and moves, a
camera above it, a crib, and what lies about. Joints are known before the first pixel is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from palpate.arrays import locked
from palpate.errors import ConfigError
from palpate.phantoms.infant_body import InfantBody, draw_body
from palpate.phantoms.infant_camera import InfantCamera, Size, draw_camera
from palpate.phantoms.infant_cover import draw_blanket, draw_cables
from palpate.phantoms.infant_crib import draw_crib
from palpate.phantoms.infant_motion import Motion, draw_motion, draw_parts
from palpate.phantoms.infant_operator import draw_visits
from palpate.phantoms.infant_pose import Skeleton, build_skeleton
from palpate.phantoms.infant_scene import InfantFrame, Renderer, Scene
from palpate.phantoms.infant_sensor import draw_sensor
from palpate.phantoms.infant_signal import Times
from palpate.phantoms.infant_truth import KINDS
from palpate.suggest import did_you_mean

SIZE: Size = (640, 480)
# One frame in five of the camera's 30 a second, as the data set is distributed.
RATE_HZ, CAMERA_HZ = 6.0, 30.0
SECONDS = 10.0
# An operator's hand comes so often, about.
VISITS_EVERY_S = 18.0


@dataclass(frozen=True, eq=False, slots=True)
class InfantClip:
    """One made-up clip and its exact truth.

    Args:
        identifier: name of the clip's folder.
        subject: the infant.
        rate_hz: frames a second.
        camera: pinhole and place.
        joints_mm: in the camera's frame, in the order of the scheme; true where hidden too.
        points: the same in px of the frame.
        kinds: of movement, one a frame.
        scene: what is rendered.
    """

    identifier: str
    subject: str
    rate_hz: float
    camera: InfantCamera
    joints_mm: Float[ndarray, "frame 12 3"]
    points: Float[ndarray, "frame 12 2"]
    kinds: tuple[str, ...]
    scene: Scene = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("joints_mm", "points"):
            object.__setattr__(self, name, locked(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.points)

    @property
    def size(self) -> Size:
        """(width, height) of a frame in px."""
        return self.camera.size

    def frames(self, start: int = 0) -> Iterator[InfantFrame]:
        """Render the frames one by one; every call renders the same ones."""
        renderer = Renderer(self.scene)
        return (renderer.frame(index) for index in range(start, len(self)))


@dataclass(frozen=True, eq=False, slots=True)
class InfantMotion:
    """An infant that moves and is seen by a camera; its joints can be asked at any times."""

    body: InfantBody
    motion: Motion
    camera: InfantCamera

    def skeleton(self, times_s: Times) -> Skeleton:
        """Everything of the skeleton at these times in s, in mm of the crib."""
        return build_skeleton(self.body, self.motion.pose(times_s))

    def at(
        self, times_s: Times
    ) -> tuple[Float[ndarray, "frame 12 3"], Float[ndarray, "frame 12 2"]]:
        """Joints at these times in s: in mm of the camera, and in px of its picture."""
        joints = self.camera.seen(self.skeleton(times_s).joints)
        return joints, self.camera.project(joints)


def infant_clips(
    infants: int,
    rng: Generator,
    *,
    seconds: float = SECONDS,
    rate_hz: float = RATE_HZ,
    size: Size = SIZE,
) -> Iterator[InfantClip]:
    """Draw a clip of each of so many infants.

    Infant k depends on the generator's seed and on k, not on the number of infants; its movement
    does not depend on seconds, rate and size either.

    Args:
        infants: how many.
        rng: of the study; infants are spawned from it.
        seconds: length of a clip.
        rate_hz: frames a second.
        size: (width, height) in px, 4 to 3; the focal length goes with it.

    Raises:
        ConfigError: no infant, no frame, or a size of another proportion.

    Example:
        >>> clip = next(infant_clips(1, np.random.default_rng(7), seconds=1.0, size=(160, 120)))
        >>> clip.identifier, clip.points.shape, clip.kinds[0]
        ('infant01', (6, 12, 2), 'writhing')
        >>> next(clip.frames()).pixels.shape
        (120, 160)
    """
    if infants < 1:
        raise ConfigError(f"a study has at least 1 infant, got {infants}")
    _check(seconds, rate_hz)
    return (
        _clip(f"infant{number:02d}", rng.spawn(1)[0], seconds, rate_hz, size)
        for number in range(1, infants + 1)
    )


def infant_study(
    infants: int, rng: Generator, *, seconds: float = SECONDS, size: Size = SIZE
) -> tuple[Iterator[InfantClip], InfantClip]:
    """Draw the clips of a study at 6 frames a second, and one more infant's at 30, to be followed.

    The clip to be followed does not depend on the number of infants.

    Example:
        >>> clips, replay = infant_study(2, np.random.default_rng(0), seconds=1.0)
        >>> [len(clip) for clip in clips], len(replay), replay.identifier
        ([6, 6], 30, 'replay')
    """
    for_study, for_replay = rng.spawn(2)
    clips = infant_clips(infants, for_study, seconds=seconds, size=size)
    replay = infant_clip("replay", for_replay, seconds=seconds, rate_hz=CAMERA_HZ, size=size)
    return clips, replay


def infant_clip(
    name: str,
    rng: Generator,
    *,
    seconds: float = SECONDS,
    rate_hz: float = RATE_HZ,
    size: Size = SIZE,
) -> InfantClip:
    """Draw a clip of one infant of this name; see :func:`infant_clips`."""
    _check(seconds, rate_hz)
    return _clip(name, rng, seconds, rate_hz, size)


def infant_motion(rng: Generator, seconds: float, kind: str, *, size: Size = SIZE) -> InfantMotion:
    """Draw an infant that moves in one manner for so long, without anything to render.

    Raises:
        ConfigError: no such kind, or no time.

    Example:
        >>> motion = infant_motion(np.random.default_rng(0), 60.0, "rest")
        >>> joints, points = motion.at(np.array([0.0, 0.5, 59.9]))
        >>> joints.shape, points.shape
        ((3, 12, 3), (3, 12, 2))
    """
    if kind not in KINDS:
        raise ConfigError(f"there is no kind of movement {kind!r}" + did_you_mean(kind, KINDS))
    _check(seconds, CAMERA_HZ)
    return _draw_infant(rng.spawn(4), seconds, ((0.0, kind),), size)


def infant_tracks(
    rng: Generator, seconds: float, rate_hz: float, kind: str
) -> tuple[Float[ndarray, "frame 12 3"], Float[ndarray, "frame 12 2"]]:
    """Joints of one moving infant: mm of the camera (x, y, z), and px of a 640 x 480 frame.

    For longer than some hours ask :func:`infant_motion` piece by piece: it is the same movement.

    Args:
        rng: of the infant.
        seconds: how long.
        rate_hz: how often a second.
        kind: 'writhing', 'cramped-synchronised' or 'rest'.

    Raises:
        ConfigError: no such kind, no time, no rate.

    Example:
        >>> joints, points = infant_tracks(np.random.default_rng(0), 2.0, 30.0, "writhing")
        >>> joints.shape, points.shape
        ((60, 12, 3), (60, 12, 2))
    """
    _check(seconds, rate_hz)
    return infant_motion(rng, seconds, kind).at(_times(seconds, rate_hz))


def _check(seconds: float, rate_hz: float) -> None:
    if not (np.isfinite(rate_hz) and rate_hz > 0):
        raise ConfigError(f"a clip has more than 0 frames a second, got {rate_hz}")
    if not (np.isfinite(seconds) and round(seconds * rate_hz) >= 1):
        raise ConfigError(
            f"a clip has at least 1 frame; {seconds} s at {rate_hz} a second have none"
        )


def _times(seconds: float, rate_hz: float) -> Times:
    return np.arange(round(seconds * rate_hz)) / rate_hz


def _draw_infant(
    rngs: list[Generator], seconds: float, parts: tuple[tuple[float, str], ...] | None, size: Size
) -> InfantMotion:
    """Draw an infant from four generators; ``parts`` are drawn where none are given."""
    for_body, for_motion, for_camera, for_parts = rngs
    body = draw_body(for_body)
    parts = parts or draw_parts(for_parts, seconds)
    motion = draw_motion(for_motion, body, seconds, parts)
    return InfantMotion(body, motion, draw_camera(for_camera, body.length, size))


def _clip(name: str, rng: Generator, seconds: float, rate_hz: float, size: Size) -> InfantClip:
    # The first four as a movement alone has them: a clip's infant is the one of infant_motion.
    *own, for_crib, for_sensor, for_cover, for_cables, for_visits = rng.spawn(9)
    infant = _draw_infant(own, seconds, None, size)
    times = _times(seconds, rate_hz)
    skeleton = infant.skeleton(times)
    joints, points = infant.at(times)
    scene = Scene(
        body=infant.body,
        skeleton=skeleton,
        camera=infant.camera,
        crib=draw_crib(for_crib, infant.body, infant.motion.turn),
        sensor=draw_sensor(for_sensor),
        blanket=draw_blanket(for_cover, infant.body, infant.motion),
        cables=draw_cables(for_cables),
        visits=draw_visits(for_visits, seconds, VISITS_EVERY_S),
        times_s=times,
    )
    return InfantClip(
        identifier=name,
        subject=name,
        rate_hz=rate_hz,
        camera=infant.camera,
        joints_mm=joints,
        points=points,
        kinds=infant.motion.kinds(times),
        scene=scene,
    )
