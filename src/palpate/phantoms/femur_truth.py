"""What is known of a proximal femur because it was built so: no landmark is looked at."""

import numpy as np

from palpate.phantoms.femur_bone import Femur


def quantities_of(femur: Femur) -> dict[str, float]:
    """Return the quantities of one femur, from the numbers that it was built with.

    Lengths are in mm at the patient, angles in degrees, as the film shows them.

    Example:
        >>> from palpate.phantoms.femur_bone import build_femur
        >>> from palpate.phantoms.femur_growth import draw_child, sizes_at
        >>> sizes = sizes_at(draw_child(np.random.default_rng(0)), "left", 0.0)
        >>> quantities_of(build_femur(sizes))["shaft_width_mm"] == sizes.shaft_width
        True
    """
    sizes, head = femur.sizes, femur.head_centre
    return {
        "flattening": sizes.flattening,
        "shaft_width_mm": sizes.shaft_width,
        "neck_shaft_deg": sizes.neck_shaft_deg,
        # The plate's normal is steeper than the neck's axis by its turn.
        "physis_shaft_deg": sizes.neck_shaft_deg + sizes.physis_turn - 90.0,
        "neck_length_mm": sizes.neck_length,
        "neck_width_mm": sizes.neck_width,
        "head_diameter_mm": sizes.head_diameter,
        "epiphysis_width_mm": sizes.epiphysis_width,
        "epiphysis_height_mm": sizes.epiphysis_height,
        "epiphysis_height_to_width": sizes.epiphysis_height / sizes.epiphysis_width,
        "metaphysis_width_mm": sizes.metaphysis_width,
        "head_centre_x_mm": float(head[0]),
        "head_centre_y_mm": float(head[1]),
        "shaft_tilt_deg": _tilt(femur),
    }


def _tilt(femur: Femur) -> float:
    """How far the shaft's lower end goes to the lateral side, as the bone was placed."""
    down = femur.to_plane.linear @ np.array([0.0, -1.0])
    outwards = np.sign(np.linalg.det(femur.to_plane.linear))
    return float(np.degrees(np.arctan2(outwards * down[0], -down[1])))
