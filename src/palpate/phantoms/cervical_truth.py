"""The cervical protocol's quantities of a made-up neck, from the numbers it was built with.

Angles are differences of the tilts that were drawn, and a listhesis is the slip that was
drawn: no landmark is looked at. The other lengths are taken in the plane in which the neck
was built, before it is put on any film.
"""

import numpy as np

from palpate.phantoms.cervical_anatomy import BODIES, Neck

# Rows of ``Neck.corners``.
BACK_TOP, BACK_LOW = 1, 3


def quantities_of(neck: Neck) -> dict[str, float]:
    """Return every quantity of the protocol, in its order and units; mm are at the patient.

    A tilt is positive where the front is higher, so a body whose front is higher than that of
    the body below it is in lordosis, which counts negative.

    Example:
        >>> from palpate.phantoms.cervical_anatomy import build_neck, draw_anatomy, draw_pose
        >>> rng = np.random.default_rng(0)
        >>> anatomy = draw_anatomy(rng)
        >>> values = quantities_of(build_neck(anatomy, draw_pose(anatomy, "flexion", rng)))
        >>> values["ARA C2-C7"] > 0
        True
    """
    pose, top_depth = neck.pose, neck.anatomy.top_depth
    segments = [(i, f"{BODIES[i]}-{BODIES[i + 1]}") for i in range(5)]
    values = {"Cobb C2-C7": pose.bottom[5] - pose.bottom[0]}
    values["ARA C2-C7"] = pose.wall[5] - pose.wall[0]
    values |= {f"RRA {name}": pose.wall[i + 1] - pose.wall[i] for i, name in segments}
    values |= {"Atlas plane": pose.atlas, "C7 slope": -pose.top[5], "T1 slope": -pose.t1}
    values |= _lengths(neck)
    values |= {f"Translation {name}": pose.slip[i] for i, name in segments}
    values |= {f"Slip {name}": 100.0 * pose.slip[i] / top_depth[i + 1] for i, name in segments}
    return {name: float(value) for name, value in values.items()}


def _lengths(neck: Neck) -> dict[str, float]:
    c2, c7 = neck.corners[0], neck.corners[5]
    back = neck.corners[:, (BACK_TOP, BACK_LOW)].reshape(-1, 2)
    chord = c7[BACK_LOW] - neck.dens_tip
    forwards = np.array([-chord[1], chord[0]]) / np.linalg.norm(chord)
    heights = (back - neck.dens_tip) @ forwards
    return {
        "Anterior head translation": float(c2[BACK_TOP, 0] - c7[BACK_LOW, 0]),
        "C2-C7 SVA": float(c2[:, 0].mean() - c7[BACK_TOP, 0]),
        "Depth of the curve": float(heights[np.argmax(np.abs(heights))]),
    }
