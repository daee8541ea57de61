"""All measures of one window, from a movement that reaches a little beyond it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from palpate.errors import GeometryError
from palpate.sequences.movement import Movement, gap_seconds, movement_of
from palpate.sequences.movement_amount import Amount
from palpate.sequences.movement_body import MovingBody
from palpate.sequences.movement_bouts import (
    Bout,
    active_share,
    bout_length,
    bouts,
    bouts_per_minute,
)
from palpate.sequences.movement_course import Course, course
from palpate.sequences.movement_entropy import speed_entropy
from palpate.sequences.movement_extent import centroid_spread, quantity_of_motion, room, spread
from palpate.sequences.movement_row import LengthUnit, LimbMovement, MovementRow, SideMovement
from palpate.sequences.movement_settings import MovementSettings
from palpate.sequences.movement_sides import speed_correlation, symmetry_index, synchrony
from palpate.sequences.movement_smoothness import log_dimensionless_jerk, spectral_arc_length
from palpate.sequences.movement_speed import (
    mean_acceleration,
    mean_jerk,
    mean_speed,
    path_length,
    peak_speed,
)
from palpate.sequences.track import Track


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time and what is known of it beside the movement.

    Args:
        start_s, end_s: from the first time to before the second.
        states: how many frames had which state.
        unit: of the positions.
        scale: one body length in that unit, or why it is not known.
        gap_s: time of it in which no frame came.
    """

    start_s: float
    end_s: float
    scale: Amount
    unit: LengthUnit = "px"
    gap_s: float = 0.0
    states: Mapping[str, int] = field(default_factory=dict)


def summarise(track: Track, body: MovingBody, settings: MovementSettings) -> MovementRow:
    """Summarise a whole track as one window, from its first frame to its last, in px.

    Raises:
        GeometryError: the names of the track are not those of the body, or it has no duration.

    Example:
        >>> from palpate.scheme import LandmarkScheme
        >>> names = ("shoulder", "elbow", "wrist")
        >>> arm = LandmarkScheme("arm", names, edges=(names[:2], names[1:]))
        >>> times = 0.04 * np.arange(250)
        >>> still = np.zeros((250, 3, 2)) + 10.0 * np.arange(3)[:, None]
        >>> row = summarise(Track(names, still, times), MovingBody.of(arm), MovementSettings())
        >>> row.limbs[0].active_share.value
        0.0
    """
    if track.names != body.scheme.names or len(track.times_s) < 2:
        raise GeometryError(
            f"a track of {body.scheme.names} over time was expected, got {track.names} in "
            f"{len(track.times_s)} frames"
        )
    # The last frame belongs to the window as well.
    end_s = float(np.nextafter(track.times_s[-1], np.inf))
    found = np.where(track.present.all(axis=1), 2, track.present.any(axis=1))
    words = ("nothing found", "partial", "found")
    states = Counter(words[k] for k in found.tolist())
    start_s = float(track.times_s[0])
    gap_s = gap_seconds(track.times_s, (start_s, end_s), settings)
    window = Window(start_s, end_s, body.scale(track.coordinates), gap_s=gap_s, states=states)
    return row_of(movement_of(track, settings), body, settings, window)


def row_of(
    movement: Movement, body: MovingBody, settings: MovementSettings, window: Window
) -> MovementRow:
    """Take all measures of a window; the movement may reach beyond it on both sides."""
    reach_s = (window.start_s, window.end_s)
    inside = (movement.times_s >= window.start_s) & (movement.times_s < window.end_s)
    limbs = tuple(
        course(movement, name, joint, reach_s)
        for name, joint in zip(body.limbs, body.ends, strict=True)
    )
    return MovementRow(
        start_s=window.start_s,
        end_s=window.end_s,
        frames=int(inside.sum()),
        states=window.states,
        gap_s=window.gap_s,
        unit=window.unit,
        scale=window.scale,
        half_width_s=movement.half_width_s,
        jumped=movement.jumped,
        limbs=tuple(_limb(limb, window.scale, settings) for limb in limbs),
        sides=tuple(_side(limbs[i], limbs[j], settings) for i, j in body.sides),
        synchrony=synchrony(limbs, settings),
        quantity_of_motion=_scaled(quantity_of_motion, movement, settings, window),
        centroid_spread=_scaled(centroid_spread, movement, settings, window),
    )


def _limb(limb: Course, scale: Amount, settings: MovementSettings) -> LimbMovement:
    refusal = limb.obstacle(settings)
    found: tuple[Bout, ...] = ()
    if refusal is None and scale.value is not None:
        found = bouts(limb, scale.value, settings)
    # Whether a limb moves is asked in body lengths a second.
    no_bouts = refusal or (None if scale.value is not None else scale)
    return LimbMovement(
        limb=limb.name,
        observed_s=limb.observed_s,
        bouts=len(found),
        longest_bout_s=max((bout.seconds for bout in found), default=0.0),
        active_share=no_bouts or active_share(limb, found),
        bouts_per_minute=no_bouts or bouts_per_minute(limb, found),
        bout_length=no_bouts or bout_length(limb, found),
        path_length=refusal or path_length(limb),
        mean_speed=refusal or mean_speed(limb),
        peak_speed=refusal or peak_speed(limb),
        mean_acceleration=refusal or mean_acceleration(limb),
        mean_jerk=refusal or mean_jerk(limb),
        log_dimensionless_jerk=no_bouts or log_dimensionless_jerk(limb, found),
        spectral_arc_length=no_bouts or spectral_arc_length(limb, found),
        speed_entropy=refusal or speed_entropy(limb),
        spread=refusal or spread(limb),
        room=refusal or room(limb),
    )


def _side(left: Course, right: Course, settings: MovementSettings) -> SideMovement:
    return SideMovement(
        left=left.name,
        right=right.name,
        symmetry_index=symmetry_index(left, right, settings),
        speed_correlation=speed_correlation(left, right, settings),
    )


def _scaled(
    measure: Callable[[Movement, MovementSettings, tuple[float, float], float], Amount],
    movement: Movement,
    settings: MovementSettings,
    window: Window,
) -> Amount:
    """A measure in body lengths, or why one body length is not known."""
    if window.scale.value is None:
        return window.scale
    return measure(movement, settings, (window.start_s, window.end_s), window.scale.value)
