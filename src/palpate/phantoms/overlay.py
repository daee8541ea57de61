"""What is laid on a finished film: burnt-in text, side markers, collimation edges."""

import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

# Nothing here says which view it is: a text that did would be a shortcut.
TEXTS = ("C-SPINE LAT", "LATERAL", "CSPINE", "ERECT", "72 IN", "SID 183", "70 KV 10 MAS", "IMG 3",
         "PORTABLE", "W 2048 L 1024", "X-TABLE", "TECH 07", "S: 214", "EI 1780")  # fmt: skip
SIDES = ("L", "R")

Film = Float[ndarray, "y x"]
Landmarks = Float[ndarray, "landmark 2"]


def burn_text(film: Film, points: Landmarks, rng: Generator) -> Film:
    """Burn one to three short lines into a corner that holds no landmark."""
    lines = [str(line) for line in rng.choice(TEXTS, int(rng.integers(1, 4)), replace=False)]
    scale = film.shape[1] / 320 * float(rng.uniform(0.26, 0.42))
    return _write(film, points, lines, (scale, float(rng.choice([1.0, 1.0, 0.0]))), rng)


def burn_marker(film: Film, points: Landmarks, rng: Generator) -> Film:
    """Lay a lead letter beside the neck: large, a little turned in thickness, never on a point."""
    scale = film.shape[1] / 320 * float(rng.uniform(0.7, 1.1))
    return _write(film, points, [str(rng.choice(SIDES))], (scale, 1.0), rng)


def _write(
    film: Film, points: Landmarks, lines: list[str], look: tuple[float, float], rng: Generator
) -> Film:
    scale, bright = look
    thick = max(round(scale * 2.2), 1)
    font = cv2.FONT_HERSHEY_SIMPLEX
    sizes = [cv2.getTextSize(line, font, scale, thick)[0] for line in lines]
    box = np.array([max(w for w, _ in sizes) + 4, sum(h + 5 for _, h in sizes) + 4])
    size = np.array([film.shape[1], film.shape[0]])
    spots = [rng.uniform(0.0, 0.08, 2) * size for _ in range(4)]
    for corner in rng.permutation(4):
        right, low = corner % 2, corner // 2
        at = np.where([right, low], size - box - spots[corner], spots[corner])
        inside = ((points > at - 6) & (points < at + box + 6)).all(axis=1)
        if (at >= 0).all() and not inside.any():
            break
    else:
        return film
    letters = np.zeros(film.shape, np.uint8)
    y = at[1]
    for line, (_, h) in zip(lines, sizes, strict=True):
        y += h + 5
        origin = (int(at[0]), int(y))
        cv2.putText(letters, line, origin, font, scale, 255, thick, cv2.LINE_AA)
    cover = letters.astype(np.float32) / np.float32(255.0)
    return film * (1 - cover) + np.float32(bright) * cover


def collimate(film: Film, points: Landmarks, rng: Generator) -> Film:
    """Cover what lies outside the collimator's blades; all landmarks stay in the open."""
    height, width = film.shape
    angle = np.radians(rng.normal(0.0, 1.5))
    across = np.array([np.cos(angle), np.sin(angle)])
    down = np.array([-across[1], across[0]])
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    open_part = np.ones_like(film)
    soft = np.float32(rng.uniform(0.4, 2.5))
    for axis, extent in ((across, width), (-across, width), (down, height), (-down, height)):
        closed, depth = rng.random() < 0.5, rng.uniform(0.02, 0.16)
        if not closed:
            continue
        corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]])
        border = float((corners @ axis).max()) - depth * extent
        edge = max(border, float((points @ axis).max()) + 7.0)
        reach = np.float32(edge) - (np.float32(axis[0]) * x + np.float32(axis[1]) * y)
        open_part *= np.clip(reach / soft + np.float32(0.5), 0.0, 1.0)
    shade = np.float32(rng.choice([0.0, 0.0, 0.03, 1.0]))
    return film * open_part + shade * (1 - open_part)
