"""A proximal femur from its sizes: its outline, and where on it the 58 landmarks lie.

The bone is built in its own frame, in millimetres: the shaft's axis is x = 0, x to the lateral
side, y upwards, and the axes of shaft and neck cross in the origin. Then it is turned and put
where the head's centre belongs. A right femur is a left one in a mirror.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.affine import Affine
from palpate.phantoms.contour import Contour
from palpate.phantoms.femur_growth import HipSizes
from palpate.phantoms.femur_path import Path, through
from palpate.phantoms.femur_scheme import REGIONS

# How far the shaft is drawn below its bottom landmarks, in shaft widths.
BELOW = 6.0
SAMPLES = 16


@dataclass(frozen=True, eq=False, slots=True)
class Femur:
    """One proximal femur, in its own frame or, once placed, in the plane of the film.

    Args:
        sizes: that it was built from.
        paths: lateral side from below the film to the growth plate; epiphysis from its lateral to
            its medial corner; medial side downwards.
        path_of: of each landmark, which path.
        run: of each landmark, how far along it, in mm.
        base: lower border of the epiphysis, lateral to medial.
        plate: upper border of the metaphysis, lateral to medial.
        to_plane: from the bone's own frame.
    """

    sizes: HipSizes
    paths: tuple[Path, Path, Path]
    path_of: Int[ndarray, "58"]
    run: Float[ndarray, "58"]
    base: Contour
    plate: Contour
    to_plane: Affine

    @property
    def landmarks(self) -> Float[ndarray, "58 2"]:
        """The landmarks in the order of the scheme, in mm."""
        return self.moved(np.zeros(58), np.zeros(58))

    @property
    def room(self) -> Float[ndarray, "58"]:
        """Distance along the outline from each landmark to its nearest neighbour, in mm."""
        room = np.zeros(58)
        for i in range(3):
            own = self.path_of == i
            gaps = np.diff(self.run[own])
            room[own] = np.minimum(np.append(gaps, gaps[-1]), np.insert(gaps, 0, gaps[0]))
        return room

    @property
    def metaphysis(self) -> Contour:
        """Outline of shaft, trochanters and neck, closed far below the landmarks."""
        lateral, _, medial = self.paths
        return np.concatenate([lateral.vertices, self.plate[1:-1], medial.vertices])

    @property
    def epiphysis(self) -> Contour:
        """Outline of the head's bone."""
        return np.concatenate([self.paths[1].vertices, self.base[-2:0:-1]])

    @property
    def head_centre(self) -> Float[ndarray, "2"]:
        """Centre of the head with its cartilage, before any flattening."""
        return self.to_plane(neck_direction(self.sizes)[None] * self.sizes.neck_length)[0]

    def moved(
        self, along: Float[ndarray, "58"], outwards: Float[ndarray, "58"]
    ) -> Float[ndarray, "58 2"]:
        """Return the landmarks moved along the outline, in its order, and away from the bone."""
        points = np.zeros((58, 2))
        mirrored = float(np.linalg.det(self.to_plane.linear)) < 0
        for i, path in enumerate(self.paths):
            own = self.path_of == i
            run = self.run[own] + along[own]
            # A left femur is to the left of a path that goes up its lateral side.
            out = path.left(run) * (-1.0 if mirrored else 1.0)
            points[own] = path.at(run) - outwards[own, None] * out
        return points

    def placed(self, centre: Float[ndarray, "2"], tilt_deg: float, *, mirrored: bool) -> "Femur":
        """Return the bone with its head's centre at ``centre`` and its shaft tilted.

        Args:
            centre: in the plane, mm.
            tilt_deg: of the shaft's lower end to the lateral side: abduction.
            mirrored: for a right femur, whose lateral side is at smaller x.
        """
        angle = np.radians(tilt_deg)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        if mirrored:
            turn = np.diag([-1.0, 1.0]) @ turn
        matrix = np.eye(3)
        matrix[:2, :2] = turn
        own = neck_direction(self.sizes) * self.sizes.neck_length
        matrix[:2, 2] = centre - turn @ own
        to = Affine(matrix, "mm", "mm")
        lateral, head, medial = (path.moved(to) for path in self.paths)
        return Femur(
            self.sizes,
            (lateral, head, medial),
            self.path_of,
            self.run,
            to(self.base),
            to(self.plate),
            to @ self.to_plane,
        )


def neck_direction(sizes: HipSizes) -> Float[ndarray, "2"]:
    """Return the unit vector from the shaft's axis along the neck to the head.

    Example:
        >>> from palpate.phantoms.femur_growth import draw_child, sizes_at
        >>> sizes = sizes_at(draw_child(np.random.default_rng(0)), "left", 0.0)
        >>> angle = np.degrees(np.arccos(neck_direction(sizes) @ np.array([0.0, -1.0])))
        >>> bool(abs(angle - sizes.neck_shaft_deg) < 1e-9)
        True
    """
    angle = np.radians(sizes.neck_shaft_deg)
    return np.array([-np.sin(angle), -np.cos(angle)])


def build_femur(sizes: HipSizes) -> Femur:
    """Build a left femur in its own frame."""
    neck = neck_direction(sizes)
    normal, lateral = _plate_frame(sizes, neck)
    centre = neck * sizes.neck_length - 0.06 * sizes.head_diameter * normal
    half = 0.5 * sizes.metaphysis_width * lateral
    low = centre - sizes.gap * normal
    up, up_knots = _lateral_side(sizes, neck, low + half)
    down, down_knots = _medial_side(sizes, neck, low - half)
    dome, dome_knots = _dome(sizes, normal, lateral, centre + sizes.shift * lateral)
    paths = (Path.of(up), Path.of(dome), Path.of(down))
    path_of, run = _marks(paths, (up_knots, dome_knots, down_knots))
    bulge = 0.07 * sizes.metaphysis_width * (1 - 0.6 * sizes.flattening) * normal
    return Femur(
        sizes,
        paths,
        path_of,
        run,
        _plate(dome[0], dome[-1], bulge),
        _plate(low + half, low - half, bulge),
        Affine.identity(source="mm", target="mm"),
    )


def _plate_frame(
    sizes: HipSizes, neck: Float[ndarray, "2"]
) -> tuple[Float[ndarray, "2"], Float[ndarray, "2"]]:
    """Normal of the growth plate, towards the head, and its lateral direction."""
    turn = -np.radians(sizes.physis_turn)
    normal = np.array(
        [
            np.cos(turn) * neck[0] - np.sin(turn) * neck[1],
            np.sin(turn) * neck[0] + np.cos(turn) * neck[1],
        ]
    )
    return normal, np.array([normal[1], -normal[0]])


def _lateral_side(
    sizes: HipSizes, neck: Float[ndarray, "2"], corner: Float[ndarray, "2"]
) -> tuple[Contour, list[int]]:
    """The line from below to the lateral corner of the metaphysis, and its anchors' vertices."""
    w, ossified = sizes.shaft_width, sizes.trochanter
    upper = np.array([-neck[1], neck[0]])
    upper = -upper if upper[1] < 0 else upper
    tip = np.array([0.42 + 0.06 * ossified, 0.5 + 0.62 * ossified + sizes.trochanter_rise]) * w
    # A plate that is turned much brings the corner down along the neck: there the neck is short.
    half, end = 0.5 * sizes.neck_width, float(corner @ neck)
    start = min(0.42 * sizes.neck_length, 0.62 * end)
    fossa = start * neck + 0.96 * half * upper
    waist = 0.5 * (start + end) * neck + 0.95 * half * upper
    knots = np.array(
        [
            [0.5 * w, -(sizes.level + BELOW) * w],
            [0.5 * w, -(sizes.level + 0.5 * BELOW) * w],
            [0.5 * w, -sizes.level * w],
            [0.505 * w, -0.6 * sizes.level * w],
            [0.55 * w, -0.3 * w],
            [(0.66 + 0.08 * ossified) * w, (0.1 + 0.1 * ossified) * w],
            tip + np.array([0.17 + 0.03 * ossified, -0.26]) * w,
            tip,
            0.5 * (tip + fossa) + np.array([0.03, -0.03 - 0.12 * ossified]) * w,
            fossa,
            waist,
            0.4 * waist + 0.6 * corner - 0.03 * w * upper,
            corner,
        ]
    )
    return through(knots, samples=SAMPLES), [SAMPLES * k for k in (2, 4, 7, 9, 12)]


def _medial_side(
    sizes: HipSizes, neck: Float[ndarray, "2"], corner: Float[ndarray, "2"]
) -> tuple[Contour, list[int]]:
    """The line from the medial corner of the metaphysis down, and its anchors' vertices."""
    w = sizes.shaft_width
    lower = np.array([neck[1], -neck[0]])
    lower = -lower if lower[1] > 0 else lower
    along, half = sizes.neck_length, 0.5 * sizes.neck_width
    waist = 0.5 * along * neck + 0.97 * half * lower
    drop = sizes.lesser_drop
    root = np.array([-0.6, -0.62 - drop]) * w
    knots = np.array(
        [
            corner,
            0.72 * corner + 0.28 * waist + 0.02 * w * lower,
            waist,
            0.5 * (waist + root) + 0.04 * w * np.array([1.0, 0.3]),
            root,
            [-(0.56 + 0.7 * sizes.lesser) * w, -(0.8 + drop) * w],
            [-(0.56 + sizes.lesser) * w, -(0.98 + drop) * w],
            [-(0.55 + 0.55 * sizes.lesser) * w, -(1.18 + drop) * w],
            [-0.53 * w, -(1.4 + drop) * w],
            [-0.505 * w, -0.5 * (1.4 + drop + sizes.level) * w],
            [-0.5 * w, -sizes.level * w],
            [-0.5 * w, -(sizes.level + 0.5 * BELOW) * w],
            [-0.5 * w, -(sizes.level + BELOW) * w],
        ]
    )
    return through(knots, samples=SAMPLES), [SAMPLES * k for k in (0, 4, 6, 8, 10)]


def _dome(
    sizes: HipSizes,
    normal: Float[ndarray, "2"],
    lateral: Float[ndarray, "2"],
    middle: Float[ndarray, "2"],
) -> tuple[Contour, list[int]]:
    """The surface of the epiphysis over the middle of its lower border; anchors' vertices."""
    half = 4 * SAMPLES
    phi = np.linspace(0.0, np.pi, 2 * half + 1)
    # A flat head is boxy; bumps vanish at both corners and at the crown, so that these are exact.
    boxy = 1.0 - 0.3 * sizes.flattening
    height = sizes.epiphysis_height * np.sin(phi) ** boxy
    waves = np.sin(2.0 * np.outer(np.arange(1, 5), phi)) / np.array([[1.0], [1.5], [2.2], [3.0]])
    height = height + sizes.bumps @ waves * np.sin(phi)
    height[[0, half, -1]] = [0.0, sizes.epiphysis_height, 0.0]
    across = 0.5 * sizes.epiphysis_width * np.cos(phi)
    return middle + np.outer(across, lateral) + np.outer(height, normal), [0, half, 2 * half]


def _plate(
    start: Float[ndarray, "2"], end: Float[ndarray, "2"], bulge: Float[ndarray, "2"]
) -> Contour:
    """A border of the growth plate: bulging towards the head, a little wavy."""
    t = np.linspace(0.0, 1.0, 33)
    rise = 4 * t * (1 - t) + 0.12 * np.sin(3 * np.pi * t) * np.sin(np.pi * t)
    return start + np.outer(t, end - start) + np.outer(rise, bulge)


def _marks(
    paths: tuple[Path, Path, Path], knots: tuple[list[int], list[int], list[int]]
) -> tuple[Int[ndarray, "58"], Float[ndarray, "58"]]:
    """Anchors at their vertices, the others evenly between: path and run of each landmark."""
    lateral, head, medial = (
        [float(path.run[k]) for k in own] for path, own in zip(paths, knots, strict=True)
    )
    n = REGIONS
    tip = 6
    up = [
        *_evenly(lateral[0], lateral[1], n["lateral_shaft"]),
        *_evenly(lateral[1], lateral[2], tip),
        *_evenly(lateral[2], lateral[3], n["greater_trochanter"] - 1 - tip),
        *_evenly(lateral[3], lateral[4], n["superior_neck"]),
        lateral[4],
    ]
    over = [*_evenly(head[0], head[1], n["head"] // 2), *_evenly(head[1], head[2], n["head"] // 2)]
    over.append(head[2])
    down = [
        *_evenly(medial[0], medial[1], n["medial_neck"]),
        *_evenly(medial[1], medial[2], n["lesser_trochanter"] // 2),
        *_evenly(medial[2], medial[3], n["lesser_trochanter"] // 2),
        *_evenly(medial[3], medial[4], n["medial_shaft"]),
        medial[4],
    ]
    path_of = np.repeat(np.arange(3), [len(up), len(over), len(down)])
    return path_of, np.array([*up, *over, *down])


def _evenly(start: float, end: float, steps: int) -> list[float]:
    """The first of ``steps + 1`` runs from start to end, without the end."""
    return [start + (end - start) * i / steps for i in range(steps)]
