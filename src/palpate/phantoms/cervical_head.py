"""Skull, jaw, teeth, airway and soft parts around the neck: they carry no landmark."""

import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from palpate.arrays import Numbers
from palpate.phantoms.canvas import Canvas
from palpate.phantoms.cervical_anatomy import Neck
from palpate.phantoms.contour import Contour, forwards, oval, place, smooth, smooth_path, upwards

# In the skull's frame: mm from the occipital condyle, forwards and upwards.
# fmt: off
VAULT = (
    (-27, 1), (-52, 2), (-76, 18), (-95, 55), (-88, 100), (-40, 140), (40, 145), (92, 105),
    (98, 62), (94, 45), (70, 50), (42, 48), (33, 38), (24, 40), (18, 22), (8, 6), (-6, 1),
)
OCCIPUT = ((-8, 4), (-28, 1), (-54, 4), (-76, 20), (-93, 55), (-88, 100))
PETROUS = ((-22, 8), (-16, 22), (2, 30), (20, 24), (22, 12), (6, 6), (-8, 4))
MASTOID = ((-20, 10), (-6, 12), (-2, 2), (-8, -12), (-14, -14), (-22, -2))
# Air cells of mastoid and petrous bone: x, y, half width.
CELLS = (
    (-14, 6, 3.0), (-9, -2, 2.5), (-16, -3, 2.5), (-13, -9, 2.0), (-18, 13, 3.0), (-3, 15, 3.5),
    (8, 18, 2.5), (-8, 20, 3.0),
)
PALATE = ((40, 2), (62, 2), (84, 1), (88, -3), (62, -2.5), (40, -1.5))
MAXILLA = ((44, 4), (60, 32), (92, 40), (90, 4), (84, -10), (50, -9))
MANDIBLE = (
    (10, 14), (15, 14), (20, 2), (30, 4), (36, 14), (42, 2), (44, -22), (78, -36),
    (86, -40), (84, -62), (76, -68), (50, -60), (24, -46), (16, -34), (13, -10),
)
# Teeth of the lower row, crown up.
MOLAR = (
    (-4.2, 7), (-4.6, 2), (-3.6, -8), (-2.2, -12), (-0.6, -4), (0.8, -4), (2.6, -12),
    (3.8, -8), (4.6, 2), (4.2, 7), (1.5, 6), (-1.5, 6),
)
INCISOR = ((-2.2, 8), (-3.4, 1), (-2.4, -13), (0, -17), (2.4, -13), (3.4, 1), (1.5, 8))
FACE = (
    (100, 130), (108, 70), (104, 48), (128, 18), (112, 2), (114, -14), (108, -24), (110, -40),
    (100, -72), (80, -80), (40, -66), (0, -30), (-60, -10), (-92, 4), (-104, 50), (-98, 110),
    (-40, 165), (60, 160),
)
# fmt: on


def skull_origin(neck: Neck) -> Float[ndarray, "2"]:
    """Return where the occipital condyle stands on the atlas."""
    size, tilt = neck.anatomy.stature, neck.pose.atlas
    return neck.arches[0] - 13.0 * size * forwards(tilt) + 9.5 * size * upwards(tilt)


def on_skull(neck: Neck, local: Numbers) -> Contour:
    """Put points of the skull's frame into the plane."""
    points = neck.anatomy.stature * np.asarray(local, dtype=float)
    return place(points, skull_origin(neck), neck.pose.skull)


def paint_head(neck: Neck, canvas: Canvas) -> None:
    """Add skull base, vault, jaws and teeth."""
    dense = neck.anatomy.bone
    canvas.bone(smooth(on_skull(neck, VAULT), 2), 0.45 * dense, rim=0.45 * dense, rim_mm=2.0)
    canvas.stroke(smooth_path(on_skull(neck, OCCIPUT)), 0.3 * dense, width_mm=4.0, soften_mm=1.4)
    canvas.fill(smooth(on_skull(neck, PETROUS), 2), 0.5 * dense, soften_mm=2.5)
    for x, y, half in CELLS:
        canvas.fill(on_skull(neck, oval((x, y), (half, 0.8 * half))), -0.14 * dense, soften_mm=0.8)
    canvas.fill(smooth(on_skull(neck, MASTOID)), 0.3 * dense, soften_mm=1.5)
    canvas.fill(smooth(on_skull(neck, MAXILLA), 2), 0.3 * dense, soften_mm=2.5)
    canvas.fill(smooth(on_skull(neck, PALATE), 2), 0.35 * dense, soften_mm=0.6)
    # The two halves of the jaw, a little apart on the film.
    for shift in (0.0, 3.0):
        outline = smooth(on_skull(neck, np.array(MANDIBLE) + np.array([shift, -0.5 * shift])), 2)
        canvas.bone(outline, 0.17 * dense, rim=0.2 * dense, rim_mm=1.3)
    _paint_teeth(neck, canvas)
    _paint_hyoid(neck, canvas)


def _paint_teeth(neck: Neck, canvas: Canvas) -> None:
    """Both sides of both rows, the lower one biting a little behind the upper."""
    dense = neck.anatomy.bone
    for column in range(7):
        shape = 0.92 * np.array(MOLAR if column < 4 else INCISOR, dtype=float)
        for side in (0.0, 1.3):
            x = 47.0 + 8.2 * column - 0.5 * max(column - 3, 0) ** 2 + side
            lower = shape + np.array([x, -23.5 - 1.1 * column])
            upper = shape * [1.0, -1.0] + np.array([x + 1.5, -8.5 - 1.1 * column])
            for tooth in (lower, upper):
                canvas.bone(
                    smooth(on_skull(neck, tooth), 2), 0.2 * dense, rim=0.08 * dense, rim_mm=0.9
                )


def _paint_hyoid(neck: Neck, canvas: Canvas) -> None:
    size, dense = neck.anatomy.stature, neck.anatomy.bone
    jaw = on_skull(neck, [[46.0, -62.0]])[0]
    spine = neck.corners[2, 0] + 20.0 * size * forwards(float(neck.pose.wall[2]))
    at = 0.35 * jaw + 0.65 * spine
    tilt = 0.5 * (neck.pose.skull + float(neck.pose.wall[2]))
    canvas.bone(oval(at, (3.2 * size, 5.0 * size), tilt - 20.0), 0.3 * dense, rim=0.3 * dense)
    horn = place(np.array([[-2.0, 1.0], [-14.0, 4.0], [-24.0, 9.0]]) * size, at, tilt)
    canvas.stroke(horn, 0.3 * dense, width_mm=2.6, soften_mm=0.5)


def airway(neck: Neck) -> Contour:
    """Outline of the air from the nose's back to the trachea."""
    size, pose = neck.anatomy.stature, neck.pose
    walls = [(neck.arches[0], 11.0, 16.0, pose.skull)]
    rows = ((0, 2, 6.0, 13.0), (1, 2, 5.0, 14.0), (2, 2, 7.0, 13.0), (3, 0, 11.0, 11.0),
            (4, 0, 15.0, 12.0), (5, 0, 16.0, 16.0))  # fmt: skip
    walls += [
        (neck.corners[body, corner], gap, width, float(pose.wall[body]))
        for body, corner, gap, width in rows
    ]
    walls.append((neck.t1[0], 15.0, 17.0, pose.t1))
    rear = [at + gap * size * forwards(tilt) for at, gap, _, tilt in walls]
    front = [at + (gap + width) * size * forwards(tilt) for at, gap, width, tilt in walls]
    nose = on_skull(neck, [[38.0, 24.0], [24.0, 22.0]])
    low = neck.t1[0] - 70.0 * size * upwards(-12.0)
    bottom = np.stack([low + 14.0 * size * np.array([1, 0]), low + 31.0 * size * np.array([1, 0])])
    return np.concatenate([nose[1:], np.stack(rear), bottom, np.stack(front[::-1]), nose[:1]])


def paint_air(neck: Neck, canvas: Canvas) -> None:
    """Take the air away, and put epiglottis and a mouth's air in."""
    size = neck.anatomy.stature
    canvas.fill(smooth(airway(neck)), -0.42, soften_mm=1.3)
    root = neck.corners[2, 2] + 17.0 * size * forwards(float(neck.pose.wall[2]))
    leaf = place(np.array([[5.0, -6.0], [1.0, 4.0], [-3.0, 11.0]]) * size, root,
                 float(neck.pose.wall[2]))  # fmt: skip
    canvas.stroke(smooth_path(leaf), 0.25, width_mm=2.4, soften_mm=0.7)
    mouth = ((42, -6), (60, -7), (76, -8), (60, -12), (44, -12), (38, -20))
    canvas.fill(smooth(on_skull(neck, mouth)), -0.25, soften_mm=1.5)


def flesh(neck: Neck) -> list[Contour]:
    """Outlines of head, neck and trunk; the body's silhouette is their union."""
    girth, size, pose = neck.anatomy.girth * neck.anatomy.stature, neck.anatomy.stature, neck.pose
    tilts = [float(pose.wall[b]) for b in (0, 2, 4)]
    at = [neck.corners[b, 3] for b in (0, 2, 4)]
    nape = [p - (46.0 + 14.0 * girth) * forwards(t) for p, t in zip(at, tilts, strict=True)]
    throat = [
        p + (34.0 + 12.0 * girth + 4.0 * i) * forwards(t)
        for i, (p, t) in enumerate(zip(at, tilts, strict=True))
    ]
    skull = on_skull(neck, [[40.0, -50.0], [40.0, 20.0], [-70.0, 20.0], [-84.0, 2.0]])
    base = neck.t1[1]
    waist = [
        base + np.array([-70.0 - 8.0 * girth, -14.0]),
        base + np.array([56.0 + 10.0 * girth, -26.0]),
    ]
    tube = np.stack(
        [skull[1], skull[2], skull[3], *nape, waist[0], waist[1], *throat[::-1], skull[0]]
    )
    trunk = np.array([[-62, 2], [-82, -22], [-112, -70], [-120, -190], [130, -190], [110, -70],
                      [62, -34], [46, -26]]) * size + base  # fmt: skip
    return [smooth(on_skull(neck, FACE), 2), smooth(tube, 2), smooth(trunk, 2)]


def paint_flesh(neck: Neck, canvas: Canvas) -> None:
    """Add soft tissue: as thick as a round body of that silhouette would be."""
    shape, scale = canvas.values.shape, 2
    # The silhouette is drawn beyond the film, so that the film's edge is no skin.
    margin = 48
    mask = np.zeros([-(-side // scale) + 2 * margin for side in shape], np.uint8)
    for outline in flesh(neck):
        points = (canvas.to_pixel(outline) + 0.5) / scale - 0.5 + margin
        cv2.fillPoly(mask, [np.round(points).astype(np.int32)], 1)
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3) * np.float32(scale / canvas.mm)
    radius = np.float32(34.0 * neck.anatomy.girth)
    thick = np.sqrt(1 - (1 - np.minimum(depth / radius, 1)) ** 2).astype(np.float32)
    thick = cv2.GaussianBlur(thick, (0, 0), 4.0)[margin:-margin, margin:-margin]
    size = (thick.shape[1] * scale, thick.shape[0] * scale)
    thick = cv2.resize(thick, size, interpolation=cv2.INTER_LINEAR)[: shape[0], : shape[1]]
    canvas.values[:] += np.float32(1.5 * neck.anatomy.girth**0.5) * thick


def paint_shoulders(neck: Neck, canvas: Canvas, *, rise_mm: float, amount: float) -> None:
    """Add the shoulders' haze over T1, up to ``rise_mm`` above its endplate."""
    base = neck.t1[1] + np.array([0.0, rise_mm])
    for shift, part in ((np.array([6.0, 0.0]), 0.6), (np.array([-10.0, -9.0]), 0.4)):
        blob = np.array([[-48, -20], [-30, -2], [0, 2], [26, -6], [46, -26], [80, -70], [80, -190],
                         [-90, -190], [-80, -60]])  # fmt: skip
        canvas.fill(smooth(base + shift + blob, 2), part * amount, soften_mm=7.0)
    clavicle = base + np.array([[-30.0, -16.0], [0.0, -14.0], [30.0, -24.0], [52.0, -30.0]])
    canvas.stroke(smooth_path(clavicle), 0.22 * neck.anatomy.bone, width_mm=9.0, soften_mm=1.5)
