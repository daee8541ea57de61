"""The trunk, the neck and what is worn on them, from the pelvis up."""

from dataclasses import dataclass

import numpy as np

from palpate.phantoms.satco_arm import Track
from palpate.phantoms.satco_body import Colour, Look
from palpate.phantoms.satco_outline import Outline, curve, oval, tube
from palpate.phantoms.satco_paint import Fold, Layer, Mark, Solid, shaded
from palpate.phantoms.satco_pose import Pose, turned

# Vertices from one landmark of the back to the next; S1 is vertex STEP, C7 is 6 STEP.
STEP = 6
S1, L3, T11, T7, T3, C7, NAPE = (STEP * i for i in range(1, 8))


@dataclass(frozen=True, eq=False, slots=True)
class Torso:
    """Back and front of a trunk, vertex by vertex: the back passes through its landmarks."""

    back: Outline
    front: Outline

    def band(self, low: int, high: int, *, drop: int = 0) -> Outline:
        """Outline of what lies between two heights, the front ``drop`` vertices lower."""
        front = self.front[:, max(low - drop, 0) : high - drop + 1]
        return np.concatenate([self.back[:, low : high + 1], front[:, ::-1]], axis=1)

    def at(self, height: int | float, depth: float) -> Track:
        """A point of the trunk's side: vertex ``height``, from 0 at the back to 1 in front."""
        low = min(int(height), self.back.shape[1] - 2)
        share = height - low
        back = (1 - share) * self.back[:, low] + share * self.back[:, low + 1]
        front = (1 - share) * self.front[:, low] + share * self.front[:, low + 1]
        return (1 - depth) * back + depth * front

    def line(self, places: list[tuple[int | float, float]]) -> Outline:
        """An open line through points of the trunk's side."""
        return curve(np.stack([self.at(*place) for place in places], axis=1), closed=False)


def build_torso(pose: Pose) -> Torso:
    """Draw the skin's outline about the spine."""
    body, px, chain = pose.body, pose.px, pose.motion.chain
    # Fronts of neighbouring heights would cross in a deep slump: they turn less than the spine.
    local = np.concatenate([0.5 * (chain[:, 0:5] + chain[:, 1:6]), chain[:, 5:6]], axis=1)
    whole = 0.5 * (chain[:, 0:5].mean(axis=1) + chain[:, 2])
    tilts = 0.4 * local + 0.6 * whole[:, None]
    sink = np.array([0.6, 0.2, 0.0, -0.4, -1.8, -3.0])
    front = [pose.on_pelvis([6.6 * body.stature, 8.6 * body.stature])]
    for i in range(6):
        offset = [body.depths[i], sink[i] * body.stature]
        front.append(pose.spine[:, i] + turned(offset, tilts[:, i], px))
    front.append(pose.on_head(body.head * np.array([3.0, -6.6, 0.0])))
    tail = pose.on_pelvis(body.s1 + body.stature * np.array([-0.7, -5.5]))
    nape = pose.on_head(body.head * np.array([-6.0, -3.6, 0.0]))
    back = [tail, *pose.spine.swapaxes(0, 1), nape]
    return Torso(
        curve(np.stack(back, axis=1), closed=False, samples=STEP),
        curve(np.stack(front, axis=1), closed=False, samples=STEP),
    )


def pelvis_outline(pose: Pose, torso: Torso, waist: int) -> Outline:
    """Outline of the hips, from the waist down to the bench."""
    size = pose.body.stature
    below = [[4.6, 2.0], [1.0, 0.2], [-3.5, 0.0], [-6.8, 1.6]]
    bottom = np.stack([pose.on_pelvis(size * np.array(b)) for b in below], axis=1)
    return np.concatenate([torso.band(0, waist, drop=1), bottom], axis=1)


def torso_layers(pose: Pose, torso: Torso, look: Look) -> list[Layer]:
    """Trunk and neck, then what is worn above the waist."""
    px = pose.px
    trunk = np.concatenate([torso.band(0, C7), pelvis_outline(pose, torso, 1)[:, -4:]], axis=1)
    skin = Solid("trunk", (trunk,), look.skin, 5.2 * px, folds=_bones(torso, px))
    neck = Solid("neck", (torso.band(C7 - 4, NAPE),), shaded(look.skin, 0.94), 3.0 * px)
    if look.top == "bare":
        return [neck, skin, _collar(torso, look.skin, px)]
    low = {"crop": T11 + 2, "shirt": S1 + 1}[look.top]
    cloth = Solid(
        "top",
        (torso.band(low, C7 - 3, drop=0),),
        look.top_colour,
        4.5 * px,
        shadow=0.15,
        folds=_wrinkles(torso, px, low),
    )
    return [neck, skin, _collar(torso, look.skin, px), cloth, *_print(torso, look, px)]


def hip_layers(pose: Pose, torso: Torso, look: Look) -> list[Layer]:
    """Shorts about hips and thigh; the thigh below them is skin."""
    px, body = pose.px, pose.body
    size = px * body.stature * (0.5 + 0.5 * body.girth)
    hip, knee = pose.on_pelvis(body.trochanter), pose.knees[:, 0]
    thigh = tube(hip, knee, size * np.array([6.3, 6.2, 5.6, 5.0, 4.5, 4.3]))
    hem = hip + 0.56 * (knee - hip)
    leg = tube(hip, hem, size * np.array([6.5, 6.6, 6.3, 5.8]), cap=5)
    waist = S1 + round(look.waist_cm)
    crease = [[6.2, 10.6], [4.0, 11.0], [1.5, 10.4], [-1.0, 9.0]]
    groin = np.stack([pose.on_pelvis(body.stature * np.array(p)) for p in crease], axis=1)
    dark = shaded(look.shorts, 0.7)
    return [
        Solid("thigh", (thigh,), look.skin, 3.6 * px),
        Solid(
            "shorts",
            (pelvis_outline(pose, torso, waist), leg),
            look.shorts,
            4.2 * px,
            shadow=0.12,
            folds=(
                Fold(curve(groin, closed=False), 0.9 * px, -0.13),
                Fold(_between(hip, hem, 0.3, -3.0 * size), 1.5 * px, -0.08),
                Fold(_between(hip, hem, 0.65, -2.0 * size), 1.2 * px, 0.08),
            ),
        ),
        Mark(torso.line([(waist - 0.6, 0.03), (waist - 1.1, 0.5), (waist - 1.6, 0.97)]), dark, 1),
    ]


def _between(start: Track, end: Track, share: float, height: float) -> Outline:
    middle = start + share * (end - start)
    up = np.array([0.0, height])
    return np.stack([middle - 0.4 * up, middle + up], axis=1)


def _collar(torso: Torso, skin: Colour, px: float) -> Solid:
    """Muscle from neck to shoulder, that joins neck and trunk."""
    path = [torso.at(C7 + 2.5, 0.3), torso.at(C7 - 1.5, 0.28), torso.at(T3, 0.42)]
    radii = px * np.array([2.0, 2.6, 3.2])
    pieces = (
        tube(path[0], path[1], [radii[0], 2.4 * px, radii[1]]),
        tube(path[1], path[2], [radii[1], 3.0 * px, radii[2]]),
    )
    return Solid("collar", pieces, shaded(skin, 0.99), 3.6 * px)


def _bones(torso: Torso, px: float) -> tuple[Fold, ...]:
    """What bones do to the skin: shoulder blade from T3 to T7, ribs down to T11, iliac crest."""
    return (
        Fold(torso.line([(T3, 0.3), (T7 + 1.5, 0.22), (T7 - 0.3, 0.17)]), 1.5 * px, 0.13),
        Fold(torso.line([(T7 + 2, 0.14), (T7 - 0.8, 0.13), (T7 - 1.0, 0.27)]), 1.1 * px, -0.17),
        Fold(torso.line([(T11 - 0.3, 0.12), (T11, 0.4), (T11 + 2.5, 0.75)]), 1.2 * px, -0.12),
        Fold(torso.line([(T7 - 2, 0.3), (T7 - 2, 0.55), (T7 + 0.2, 0.8)]), 1.0 * px, -0.05),
        Fold(torso.line([(L3 - 1.5, 0.1), (L3 - 1.2, 0.45), (L3 - 2.2, 0.8)]), 1.3 * px, -0.10),
    )


def _wrinkles(torso: Torso, px: float, low: int) -> tuple[Fold, ...]:
    middle = 0.5 * (low + T3)
    return (
        Fold(torso.line([(low + 1.5, 0.1), (low + 2.5, 0.5), (low + 1.0, 0.9)]), 1.2 * px, -0.10),
        Fold(torso.line([(middle, 0.25), (middle - 1, 0.6), (middle - 3, 0.85)]), 1.4 * px, 0.07),
        Fold(torso.line([(T3, 0.55), (T7 + 1, 0.7), (T7 - 2, 0.75)]), 1.3 * px, -0.10),
    )


def _print(torso: Torso, look: Look, px: float) -> list[Layer]:
    """Dots on a shirt, which a careless method takes for markers."""
    rng = np.random.default_rng(look.print_seed)
    if look.top != "shirt" or rng.random() < 0.4:
        return []
    light = shaded(look.top_colour, 1.9 if sum(look.top_colour) < 300 else 0.45)
    size = px * float(rng.uniform(0.45, 0.8))
    places = [(float(h), float(d)) for h in np.arange(S1 + 5, T3, 4.0) for d in (0.2, 0.45, 0.7)]
    still = np.zeros(len(torso.back))
    return [Mark(oval(torso.at(h + 2 * (d > 0.4), d), (size, size), still, count=10), light)
            for h, d in places]  # fmt: skip
