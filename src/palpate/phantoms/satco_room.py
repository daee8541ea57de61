"""The room behind a child: wall, floor, bench, what stands and hangs about."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from palpate.phantoms.satco_body import CLOTHS, Colour, varied
from palpate.phantoms.satco_paint import Layer, Light, Picture, shaded

SIZE = (640, 480)
WALLS = (
    (196, 200, 196), (206, 196, 176), (168, 186, 200), (186, 200, 172), (212, 208, 204),
    (152, 160, 172),
)  # fmt: skip
FLOORS = ((120, 104, 86), (92, 98, 108), (140, 132, 118), (84, 92, 84))
PADS = ((40, 60, 110), (60, 64, 70), (120, 40, 44), (40, 96, 92), (150, 132, 96), (20, 40, 60))


@dataclass(frozen=True, slots=True)
class Room:
    """What a room is made of; the same for all clips of a child.

    Args:
        seat: where on the picture the child sits, in px.
        seed: of what stands and hangs about.
    """

    wall: Colour
    floor: Colour
    pad: Colour
    seat: tuple[float, float]
    seed: int


def draw_room(rng: Generator) -> Room:
    """Draw a room."""
    return Room(
        wall=varied(WALLS[rng.integers(len(WALLS))], rng, 8.0),
        floor=varied(FLOORS[rng.integers(len(FLOORS))], rng, 8.0),
        pad=varied(PADS[rng.integers(len(PADS))], rng, 8.0),
        seat=(float(rng.uniform(288.0, 318.0)), float(rng.uniform(352.0, 368.0))),
        seed=int(rng.integers(2**31)),
    )


def paint_room(room: Room, trial: int, people: list[Layer]) -> Picture:
    """Paint a room as it is in one trial: toys and stickers change places, walls do not.

    ``people`` stand behind the bench as they are in the first frame.
    """
    fixed, moved = (
        np.random.default_rng([room.seed, 0]),
        np.random.default_rng([room.seed, 1, trial]),
    )
    picture = _wall(room, fixed)
    for _ in range(int(fixed.integers(2, 5))):
        THINGS[int(fixed.integers(len(THINGS)))](picture, fixed)
    for _ in range(int(moved.integers(2, 6))):
        _ball(picture, moved)
    # What is far behind the child is a little out of focus.
    picture = cv2.GaussianBlur(picture, (0, 0), float(fixed.uniform(0.9, 1.8)))
    for layer in people:
        layer.paint(picture, 0, Light())
    _bench(picture, room, fixed)
    _stickers(picture, moved)
    return picture


def _wall(room: Room, rng: Generator) -> Picture:
    width, height = SIZE
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None, None]
    slope = rng.uniform(-0.14, 0.14, 2).astype(np.float32)
    shade = 1 + slope[0] * x + slope[1] * y - np.float32(0.08) * (x**2 + y**2)
    grain = cv2.resize(rng.normal(0, 0.02, (30, 40)).astype(np.float32), SIZE)[..., None]
    picture = np.clip((shade + grain) * np.array(room.wall, np.float32), 0, 255).astype(np.uint8)
    skirting = int(room.seat[1] + rng.uniform(40, 70))
    if rng.random() < 0.5:
        rail = int(rng.uniform(170, 260))
        picture[rail:skirting] = (
            picture[rail:skirting] * np.float32(rng.uniform(0.75, 0.92))
        ).astype(np.uint8)
        cv2.line(picture, (0, rail), (width, rail), shaded(room.wall, 0.6), 3)
    floor = np.clip((1 + 0.2 * (y - 0.7)) * np.array(room.floor, np.float32) + 0 * x, 0, 255)
    picture[skirting:] = floor.astype(np.uint8)[skirting:]
    cv2.rectangle(picture, (0, skirting - 12), (width, skirting), shaded(room.wall, 0.8), -1)
    return picture


def _colour(rng: Generator) -> Colour:
    return varied(CLOTHS[rng.integers(len(CLOTHS))], rng, 14.0)


def _poster(picture: Picture, rng: Generator) -> None:
    x, y = int(rng.integers(0, 560)), int(rng.integers(10, 150))
    w, h = int(rng.integers(60, 130)), int(rng.integers(60, 140))
    cv2.rectangle(picture, (x, y), (x + w, y + h), _colour(rng), -1)
    cv2.rectangle(picture, (x, y), (x + w, y + h), (235, 235, 230), 4)
    for _ in range(int(rng.integers(3, 9))):
        at = (int(x + rng.uniform(0.15, 0.85) * w), int(y + rng.uniform(0.15, 0.85) * h))
        cv2.circle(picture, at, int(rng.integers(4, 16)), _colour(rng), -1)


def _window(picture: Picture, rng: Generator) -> None:
    x, y = int(rng.integers(0, 520)), int(rng.integers(-20, 40))
    w, h = int(rng.integers(90, 160)), int(rng.integers(110, 190))
    cv2.rectangle(picture, (x, y), (x + w, y + h), (236, 240, 244), -1)
    cv2.line(picture, (x + w // 2, y), (x + w // 2, y + h), (190, 190, 188), 5)
    cv2.line(picture, (x, y + h // 2), (x + w, y + h // 2), (190, 190, 188), 5)
    cv2.rectangle(picture, (x, y), (x + w, y + h), (200, 200, 198), 7)


def _bars(picture: Picture, rng: Generator) -> None:
    """Wall bars, as in a gym."""
    x, w, wood = int(rng.integers(0, 500)), int(rng.integers(110, 200)), (176, 136, 92)
    for side in (x, x + w):
        cv2.rectangle(picture, (side - 6, 0), (side + 6, 380), shaded(wood, 0.8), -1)
    for y in range(int(rng.integers(0, 30)), 370, int(rng.integers(26, 38))):
        cv2.line(picture, (x, y), (x + w, y), wood, 7)
        cv2.line(picture, (x, y + 3), (x + w, y + 3), shaded(wood, 0.6), 2)


def _shelf(picture: Picture, rng: Generator) -> None:
    x, y, w = int(rng.integers(-30, 480)), int(rng.integers(120, 280)), int(rng.integers(110, 220))
    at = x
    while at < x + w:
        wide, high = int(rng.integers(8, 30)), int(rng.integers(18, 60))
        cv2.rectangle(picture, (at, y - high), (at + wide, y), _colour(rng), -1)
        at += wide + int(rng.integers(1, 8))
    cv2.rectangle(picture, (x - 5, y), (x + w + 5, y + 7), (150, 122, 92), -1)


def _door(picture: Picture, rng: Generator) -> None:
    x, wood = int(rng.integers(-40, 560)), varied((168, 132, 100), rng, 14.0)
    cv2.rectangle(picture, (x, 0), (x + 120, 420), wood, -1)
    cv2.rectangle(picture, (x, -10), (x + 120, 420), shaded(wood, 0.6), 5)
    cv2.circle(picture, (x + 104, 220), 6, (210, 206, 190), -1)


THINGS = (_poster, _window, _bars, _shelf, _door)


def _ball(picture: Picture, rng: Generator) -> None:
    radius = int(rng.integers(8, 46))
    at = (int(rng.integers(0, 640)), int(rng.uniform(380, 450)) - radius)
    colour = _colour(rng)
    cv2.circle(picture, at, radius, shaded(colour, 0.75), -1, cv2.LINE_AA)
    light = (at[0] + radius // 5, at[1] - radius // 4)
    cv2.circle(picture, light, int(0.7 * radius), colour, -1, cv2.LINE_AA)
    cv2.circle(
        picture,
        (light[0], light[1] - radius // 5),
        radius // 4,
        shaded(colour, 1.35),
        -1,
        cv2.LINE_AA,
    )


def _bench(picture: Picture, room: Room, rng: Generator) -> None:
    """A padded bench: its upper side as a strip, its near side, legs; a shadow under the child."""
    x, y = room.seat
    left, right = int(x - rng.uniform(235, 330)), int(x + rng.uniform(88, 100))
    far, near, under = int(y - 9), int(y + 7), int(y + 7 + rng.uniform(22, 34))
    for at in (left + 14, right - 22):
        cv2.rectangle(picture, (at, under), (at + 10, 470), (96, 92, 88), -1)
        cv2.rectangle(picture, (at, under), (at + 3, 470), (140, 136, 130), -1)
    if rng.random() < 0.6:
        cv2.rectangle(picture, (left + 8, under), (right - 6, 470), shaded(room.pad, 0.45), -1)
    top = np.array([[left + 7, far], [right - 5, far], [right, near], [left, near]])
    cv2.fillPoly(picture, [top], shaded(room.pad, 1.3), cv2.LINE_AA)
    cv2.rectangle(picture, (left, near), (right, under), room.pad, -1)
    cv2.line(picture, (left, near), (right, near), shaded(room.pad, 1.6), 2, cv2.LINE_AA)
    cv2.line(picture, (left, under), (right, under), shaded(room.pad, 0.5), 3, cv2.LINE_AA)
    _shade(picture, room, (far, near), (max(left, 0), right))


def _shade(picture: Picture, room: Room, rows: tuple[int, int], columns: tuple[int, int]) -> None:
    """Lay the shadow of a child on the upper side of the bench."""
    x, y = room.seat
    dark = np.zeros(picture.shape[:2], np.float32)
    cv2.ellipse(dark, (int(x + 34), int(y + 2)), (92, 9), 0, 0, 360, 0.55, -1)
    part = np.s_[rows[0] : rows[1], columns[0] : columns[1]]
    light = 1 - cv2.GaussianBlur(dark, (0, 0), 6)[part]
    picture[part] = (picture[part] * light[..., None]).astype(np.uint8)


def _stickers(picture: Picture, rng: Generator) -> None:
    """Small coloured squares and dots like markers, on wall and bench."""
    for _ in range(int(rng.integers(4, 12))):
        at = (int(rng.integers(0, 640)), int(rng.integers(20, 430)))
        side, colour = int(rng.integers(2, 6)), _colour(rng)
        if rng.random() < 0.5:
            cv2.circle(picture, at, side, colour, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(picture, at, (at[0] + 2 * side, at[1] + 2 * side), colour, -1)
