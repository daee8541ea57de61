"""The published errors of limbs, for orientation: other infants, another machine.

Source:
    Migliorelli et al., asymmetric 3D convolutions for the limb pose of preterm infants from depth
    video, table II: median RMSD and, in parentheses, its interquartile range, px at 128 x 96.
"""

from collections.abc import Mapping
from types import MappingProxyType

NOTE = (
    "The paper's figures (Migliorelli et al., table II: median and interquartile range over clips, "
    "px at 128 x 96; 0.05 s a clip in full and 0.03 s asymmetric on an RTX 2080) are of other "
    "infants and another machine: for orientation, not a comparison."
)

# Method -> limb -> median and interquartile range.
PUBLISHED: Mapping[str, Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "paper, full 3D": {
            "right arm": (16.59, 3.49),
            "left arm": (16.59, 3.45),
            "right leg": (16.10, 3.49),
            "left leg": (11.95, 5.76),
        },
        "paper, asymmetric": {
            "right arm": (16.90, 2.71),
            "left arm": (16.59, 2.43),
            "right leg": (16.27, 2.97),
            "left leg": (13.99, 4.60),
        },
    }
)
