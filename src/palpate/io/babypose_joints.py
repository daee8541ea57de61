"""The twelve joints of babyPose, and the names by which its tables may call them."""

import re
from itertools import pairwise

from palpate.scheme import LandmarkScheme

_LIMBS = (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
_SIDES = ("right", "left")

# The infant's own right and left; arms before legs.
BABYPOSE = LandmarkScheme(
    "infant",
    tuple(f"{side}_{joint}" for limb in _LIMBS for side in _SIDES for joint in limb),
    mirror=tuple((f"right_{joint}", f"left_{joint}") for limb in _LIMBS for joint in limb),
    edges=tuple(
        (f"{side}_{first}", f"{side}_{second}")
        for limb in _LIMBS
        for side in _SIDES
        for first, second in pairwise(limb)
    ),
)

# What the group's own tables write, and its words in Italian.
_SIDE_WORDS = {
    **dict.fromkeys(("right", "r", "dx", "destro", "destra"), "right"),
    **dict.fromkeys(("left", "l", "sx", "sinistro", "sinistra"), "left"),
}
_JOINT_WORDS = {
    **dict.fromkeys(("shoulder", "spalla"), "shoulder"),
    **dict.fromkeys(("elbow", "gomito"), "elbow"),
    **dict.fromkeys(("wrist", "hand", "polso", "mano"), "wrist"),
    **dict.fromkeys(("hip", "anca"), "hip"),
    **dict.fromkeys(("knee", "ginocchio"), "knee"),
    **dict.fromkeys(("ankle", "foot", "caviglia", "piede"), "ankle"),
}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def joint_of(column: str) -> tuple[str, str] | None:
    """Return the joint that a column is of and its axis ('x', 'y', or '' for both), or None.

    Example:
        >>> joint_of("right_hand"), joint_of("Shoulder Left Y"), joint_of("head")
        (('right_wrist', ''), ('left_shoulder', 'y'), None)
    """
    words = [word.lower() for word in _WORD.findall(column)]
    sides = [_SIDE_WORDS[word] for word in words if word in _SIDE_WORDS]
    joints = [_JOINT_WORDS[word] for word in words if word in _JOINT_WORDS]
    axes = [word for word in words if word in ("x", "y")]
    if len(sides) != 1 or len(joints) != 1 or len(axes) > 1 or len(words) > 2 + len(axes):
        return None
    return f"{sides[0]}_{joints[0]}", "".join(axes)
