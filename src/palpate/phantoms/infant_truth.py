"""What is true of a frame of a lying infant: twelve joints, four limbs, a kind of movement.

Points are (x, y) in px of the frame; joints are (x, y, z) in mm of the camera, z away from it.
Right and left are the infant's own.
"""

from palpate.scheme import LandmarkScheme

# In the order of the landmarks, from the trunk outwards.
LIMBS: dict[str, tuple[str, str, str]] = {
    "right arm": ("right_shoulder", "right_elbow", "right_wrist"),
    "left arm": ("left_shoulder", "left_elbow", "left_wrist"),
    "right leg": ("right_hip", "right_knee", "right_ankle"),
    "left leg": ("left_hip", "left_knee", "left_ankle"),
}
JOINTS = tuple(joint for limb in LIMBS.values() for joint in limb)
SCHEME = LandmarkScheme(
    "infant",
    JOINTS,
    mirror=tuple(
        (f"right_{part}", f"left_{part}")
        for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    ),
    edges=tuple(pair for a, b, c in LIMBS.values() for pair in ((a, b), (b, c))),
)
# How an infant may move; one after the other in a clip.
WRITHING, CRAMPED, REST = "writhing", "cramped-synchronised", "rest"
KINDS = (WRITHING, CRAMPED, REST)
