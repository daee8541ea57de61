"""What people wear in front of a detector: dense things that are no anatomy."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from palpate.phantoms.canvas import Canvas
from palpate.phantoms.cervical_anatomy import Neck
from palpate.phantoms.cervical_head import on_skull
from palpate.phantoms.contour import Contour, oval, place, smooth_path

Wear = Callable[[Neck, Canvas, Generator], None]


def necklace(neck: Neck, canvas: Canvas, rng: Generator) -> None:
    """Hang a chain or a row of beads around the lower neck."""
    line = smooth_path(_round_the_neck(neck, rng, float(rng.uniform(-2.0, 22.0))))
    if rng.random() < 0.4:
        canvas.stroke(line, 1.2, width_mm=float(rng.uniform(0.9, 1.6)))
        return
    bead = float(rng.uniform(0.9, 2.2))
    for at in _spaced(line, bead * float(rng.uniform(2.0, 3.2))):
        canvas.fill(oval(at, (bead, bead)), 1.3)
    if rng.random() < 0.5:
        canvas.fill(oval(line[-1], (3.5, 5.0)), 1.6)


def earring(neck: Neck, canvas: Canvas, rng: Generator) -> None:
    """Hang one or two studs or hoops below the ear."""
    for _ in range(int(rng.integers(1, 3))):
        at = on_skull(neck, rng.normal([[-2.0, -14.0]], 7.0))[0]
        size = float(rng.uniform(1.2, 7.0))
        if size < 3.0:
            canvas.fill(oval(at, (size, size)), 2.5)
        else:
            hoop = oval(at - [0.0, size], (size * float(rng.uniform(0.3, 1.0)), size))
            canvas.stroke(np.concatenate([hoop, hoop[:1]]), 2.2, width_mm=1.3)


def hairpin(neck: Neck, canvas: Canvas, rng: Generator) -> None:
    """Put one to four pins into the hair at the back of the head."""
    for _ in range(int(rng.integers(1, 5))):
        start = rng.uniform([-85.0, -5.0], [-40.0, 45.0])
        turn = rng.uniform(0.0, 2 * np.pi)
        leg = np.array([np.cos(turn), np.sin(turn)]) * rng.uniform(25.0, 42.0)
        gap = np.array([-leg[1], leg[0]]) / np.linalg.norm(leg) * rng.uniform(1.0, 3.0)
        canvas.stroke(on_skull(neck, [start, start + leg]), 1.6, width_mm=0.9)
        canvas.stroke(on_skull(neck, [start, start + leg + gap]), 1.6, width_mm=0.9)


def zipper(neck: Neck, canvas: Canvas, rng: Generator) -> None:
    """Close a jacket in front or behind with a row of teeth."""
    side = float(rng.choice([-1.0, 1.0]))
    top = neck.t1[1] + np.array([side * rng.uniform(28.0, 48.0), rng.uniform(5.0, 35.0)])
    end = top + np.array([side * rng.uniform(5.0, 30.0), -120.0])
    line = smooth_path(np.stack([top, (top + end) / 2 + [side * 4.0, 0.0], end]))
    along = np.degrees(np.arctan2(*(end - top)[::-1]))
    for i, at in enumerate(_spaced(line, 2.4)):
        shift = 1.0 if i % 2 else -1.0
        tooth = place([[-0.7, -1.2], [0.7, -1.2], [0.7, 1.2], [-0.7, 1.2]], at, float(along))
        canvas.fill(tooth + np.array([shift, 0.0]), 1.3)
    canvas.fill(oval(line[0], (1.8, 3.6), float(along)), 1.5)


def seam(neck: Neck, canvas: Canvas, rng: Generator) -> None:
    """Lay a collar: two faint lines and a fold around the lower neck."""
    rise = float(rng.uniform(5.0, 30.0))
    line = smooth_path(_round_the_neck(neck, rng, rise))
    for drop, strength in ((0.0, 0.14), (rng.uniform(3.0, 9.0), 0.1)):
        path = line - np.array([0.0, drop])
        canvas.stroke(path, strength, width_mm=float(rng.uniform(1.0, 2.2)), soften_mm=0.4)
    fold = np.concatenate([line, line[::-1] - [0.0, rng.uniform(20.0, 60.0)]])
    canvas.fill(fold, 0.07, soften_mm=0.8)


def button(neck: Neck, canvas: Canvas, rng: Generator) -> None:
    """Sew one to three buttons or snaps on, with their holes."""
    at = neck.t1[1] + np.array([rng.uniform(-60.0, 55.0), rng.uniform(-20.0, 20.0)])
    step = np.array([rng.uniform(-6.0, 6.0), -rng.uniform(16.0, 26.0)])
    size = float(rng.uniform(3.0, 5.5))
    for i in range(int(rng.integers(1, 4))):
        canvas.bone(oval(at + i * step, (size, size)), 0.45, rim=0.4, rim_mm=0.8)
        canvas.fill(oval(at + i * step, (0.25 * size, 0.25 * size)), -0.3)


def filling(neck: Neck, canvas: Canvas, rng: Generator) -> None:
    """Fill some teeth with metal."""
    for _ in range(int(rng.integers(1, 7))):
        x = rng.uniform(44.0, 78.0)
        y = -16.0 - 0.15 * (x - 47.0) + rng.choice([-3.5, 3.5]) + rng.normal(0.0, 0.8)
        angle = neck.pose.skull + float(rng.normal(0.0, 25.0))
        half = (float(rng.uniform(1.5, 4.0)), float(rng.uniform(1.0, 2.6)))
        canvas.fill(oval(on_skull(neck, [[x, y]])[0], half, angle), 2.2)


# How likely each is on a film.
WEAR: dict[str, tuple[float, Wear]] = {
    "necklace": (0.16, necklace),
    "earring": (0.2, earring),
    "hairpin": (0.12, hairpin),
    "zip": (0.12, zipper),
    "seam": (0.16, seam),
    "button": (0.1, button),
    "filling": (0.35, filling),
}


def dress(neck: Neck, canvas: Canvas, rng: Generator, *, clutter: float) -> tuple[str, ...]:
    """Draw what is worn and add it; return the names. ``clutter`` scales how likely each is."""
    worn = []
    for name, (likely, wear) in WEAR.items():
        # A generator for each, so that one more necklace moves no hairpin.
        own = rng.spawn(1)[0]
        if own.random() < likely * clutter:
            wear(neck, canvas, own)
            worn.append(name)
    return tuple(worn)


def _round_the_neck(neck: Neck, rng: Generator, rise: float) -> Contour:
    base = neck.t1[1] + np.array([0.0, rise])
    sag = float(rng.uniform(8.0, 40.0))
    girth = neck.anatomy.girth * neck.anatomy.stature
    return base + np.array(
        [[-62.0 * girth, 8.0], [-30.0, 4.0], [8.0, -4.0], [40.0, -sag], [68.0 * girth, -1.2 * sag]]
    )


def _spaced(path: Contour, step: float) -> Contour:
    """Points along a path, ``step`` mm apart."""
    run = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    at = np.arange(0.0, run[-1], step)
    return np.stack([np.interp(at, run, path[:, 0]), np.interp(at, run, path[:, 1])], axis=1)
