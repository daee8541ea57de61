"""The published figures of the satco protocol, for orientation: other children, other cameras.

Source:
    Cunningham, Sánchez, Butler, Southgate and Loram, R. Soc. Open Sci. 6:191011, 2019: network with
    mean pooling, 12 children with cerebral palsy, 30,825 frames. Table 1 is printed out of order;
    it is read so that its groups are the means of its segments (see docs/clinical/satco.md).
"""

from collections.abc import Mapping
from types import MappingProxyType

PROTOCOL = "satco"
CITED = "Cunningham et al. 2019"
NOTE = (
    f"Figures of {CITED} (R. Soc. Open Sci. 6:191011) are of other children, cameras and labels "
    "(12 children with cerebral palsy, 30,825 frames, network with mean pooling, image grid of "
    "256 px): for orientation, not a comparison."
)
TRUNK_NOTE = (
    "What the paper prints as its trunk, 5.6, is the mean of its figures of neck, UT, MT, LT, UL "
    "and LL; it stands beside that group."
)

RELIABLE_NOTE = (
    "In the paper F1 is above 50 % up to 14 degrees for the neck, 12 for the head, and 4 to 5 for "
    "the six segments of trunk and pelvis."
)

# Mean and standard deviation of the absolute error in degrees, table 1.
ANGLES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "head": (9.6, 8.9),
        "neck": (4.8, 6.1),
        "UT": (6.2, 5.8),
        "MT": (4.2, 3.3),
        "LT": (5.1, 4.1),
        "UL": (4.4, 3.4),
        "LL": (8.7, 7.4),
        "pelvis": (8.5, 7.4),
        "upper arm": (6.7, 9.5),
        "forearm": (9.9, 12.0),
        "arm": (8.3, 8.9),
        "neck and trunk": (5.6, 2.6),
        "reference": (6.4, 2.8),
        "all": (6.8, 3.1),
    }
)

# Mean and standard deviation in px of a grid of 256 px, section 3.1.
POINTS = (4.40, 3.75)

# F1 in percent at 20 degrees, table 2.
ALIGNMENT: Mapping[str, float] = MappingProxyType(
    {
        "head": 49.7,
        "neck": 63.7,
        "UT": 27.5,
        "MT": 49.0,
        "LT": 12.2,
        "UL": 5.3,
        "LL": 0.2,
        "pelvis": 5.3,
    }
)

# F1 in percent with the ASIS of the labels, table 3. What it calls 'elbow and wrist' has more
# positives than either alone: it is contact of either.
CONTACT: Mapping[str, float] = MappingProxyType(
    {"elbow": 80.5, "wrist": 36.1, "elbow or wrist": 76.0}
)


def published(protocol: str) -> bool:
    """Whether the figures are of this protocol, given by name and version.

    Example:
        >>> published("satco 1"), published("cervical 1")
        (True, False)
    """
    return protocol.split(" ", maxsplit=1)[0] == PROTOCOL
