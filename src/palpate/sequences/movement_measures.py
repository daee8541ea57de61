"""Every measure of movement in words: its unit, what it means, where it comes from."""

from dataclasses import dataclass

_LDLJ = "Balasubramanian et al., J NeuroEng Rehabil 12:112, 2015; Hogan and Sternad, J Mot Behav "
_SPARC = "Balasubramanian et al., IEEE TBME 59(8), 2012, and J NeuroEng Rehabil 12:112, 2015"
_ADDE = "after the idea of Adde et al., "
_OWN = "own definition"


@dataclass(frozen=True, slots=True)
class MovementMeasure:
    """One measure.

    Args:
        title: as tables name it.
        unit: with ``{u}`` for the unit of the positions; 1 for a pure number.
        body: power of the body length that the value is divided by to be free of the camera's
            height; 0 where it is so already.
        meaning: one sentence.
        source: author, journal, year, or that the definition is our own.
    """

    title: str
    unit: str
    body: int
    meaning: str
    source: str


LIMB_MEASURES: dict[str, MovementMeasure] = {
    "active_share": MovementMeasure(
        "Active",
        "1",
        0,
        "Share of the observed time that lies in bouts: the limb's end is faster than the "
        "threshold for long enough, short rests inside included.",
        _OWN,
    ),
    "bouts_per_minute": MovementMeasure(
        "Bouts", "1/min", 0, "Bouts of movement in a minute of observed time.", _OWN
    ),
    "bout_length": MovementMeasure(
        "Bout length",
        "s",
        0,
        "Median length of the bouts whose beginning and end are both seen.",
        _OWN,
    ),
    "path_length": MovementMeasure(
        "Path", "{u}", 1, "Length of the way of the limb's end in the observed time.", "kinematics"
    ),
    "mean_speed": MovementMeasure(
        "Mean speed", "{u}/s", 1, "Path over the observed time; noise included.", "kinematics"
    ),
    "peak_speed": MovementMeasure(
        "Peak speed", "{u}/s", 1, "Passed in 1 % of the observed frames.", "kinematics"
    ),
    "mean_acceleration": MovementMeasure(
        "Acceleration", "{u}/s²", 1, "Root mean square of the acceleration.", "kinematics"
    ),
    "mean_jerk": MovementMeasure(
        "Jerk",
        "{u}/s³",
        1,
        "Root mean square of the third derivative of the place; at rest it is noise.",
        "kinematics",
    ),
    "log_dimensionless_jerk": MovementMeasure(
        "Log dimensionless jerk",
        "1",
        0,
        "Median over bouts of -ln of jerk freed of size and duration; less negative is smoother.",
        f"{_LDLJ}41(6), 2009",
    ),
    "spectral_arc_length": MovementMeasure(
        "Spectral arc length",
        "1",
        0,
        "Median over bouts of the arc length of the speed's spectrum; less negative is smoother.",
        _SPARC,
    ),
    "speed_entropy": MovementMeasure(
        "Sample entropy of speed",
        "1",
        0,
        "How irregular the speed is, at ten values a second; higher is less regular.",
        "Richman and Moorman, Am J Physiol Heart Circ Physiol 278(6), 2000",
    ),
    "spread": MovementMeasure(
        "Spread",
        "{u}",
        1,
        "Root mean square distance of the limb's end from its mean place.",
        _OWN,
    ),
    "room": MovementMeasure(
        "Room",
        "{u}²",
        2,
        "Area of the ellipse of one standard deviation of the place of the limb's end (with three "
        "coordinates the volume of the ellipsoid).",
        _OWN,
    ),
}

SIDE_MEASURES: dict[str, MovementMeasure] = {
    "symmetry_index": MovementMeasure(
        "Symmetry index",
        "1",
        0,
        "(L - R) / (L + R) of the mean speeds while both are seen: 0 is even, positive if the left "
        "moves more.",
        "form of the index: Robinson et al., J Manipulative Physiol Ther 10(4), 1987",
    ),
    "speed_correlation": MovementMeasure(
        "Correlation of sides",
        "1",
        0,
        "Pearson's correlation of the speeds of left and right; 1: always fast together.",
        _OWN,
    ),
}

BODY_MEASURES: dict[str, MovementMeasure] = {
    "synchrony": MovementMeasure(
        "Synchrony",
        "1",
        0,
        "Mean correlation of the speeds of all pairs of limbs. It describes; it is no assessment "
        "of general movements (Einspieler and Prechtl, Ment Retard Dev Disabil Res Rev 11(1), "
        "2005).",
        _OWN,
    ),
    "quantity_of_motion": MovementMeasure(
        "Quantity of motion",
        "body lengths/s",
        0,
        "Mean speed of all joints while each is seen.",
        f"{_ADDE}Early Hum Dev 85(9), 2009 (there of pixels)",
    ),
    "centroid_spread": MovementMeasure(
        "Spread of the centroid of motion",
        "body lengths",
        0,
        "How far the middle of what moves wanders.",
        f"{_ADDE}Dev Med Child Neurol 52(8), 2010 (there of pixels)",
    ),
}
