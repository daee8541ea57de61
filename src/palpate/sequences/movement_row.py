"""What a window of time says of the movement of a body: values or reasons, and what was seen."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from types import MappingProxyType
from typing import Literal

from palpate.errors import GeometryError
from palpate.sequences.movement_amount import Amount

LengthUnit = Literal["px", "mm"]


@dataclass(frozen=True, slots=True)
class LimbMovement:
    """The movement of one limb in a window.

    Args:
        limb: its name.
        observed_s: how long its movement can be told.
        bouts: how many movements.
        longest_bout_s: the longest of them, as far as it is seen; 0 without any.
        active_share, bouts_per_minute, bout_length: see :mod:`palpate.sequences.movement_bouts`.
        path_length to mean_jerk: see :mod:`palpate.sequences.movement_speed`.
        log_dimensionless_jerk, spectral_arc_length: see
            :mod:`palpate.sequences.movement_smoothness`.
        speed_entropy: see :mod:`palpate.sequences.movement_entropy`.
        spread, room: see :mod:`palpate.sequences.movement_extent`.
    """

    limb: str
    observed_s: float
    bouts: int
    longest_bout_s: float
    active_share: Amount
    bouts_per_minute: Amount
    bout_length: Amount
    path_length: Amount
    mean_speed: Amount
    peak_speed: Amount
    mean_acceleration: Amount
    mean_jerk: Amount
    log_dimensionless_jerk: Amount
    spectral_arc_length: Amount
    speed_entropy: Amount
    spread: Amount
    room: Amount

    def amounts(self) -> dict[str, Amount]:
        """Every measure by its name."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in found.items() if isinstance(value, Amount)}


@dataclass(frozen=True, slots=True)
class SideMovement:
    """A left limb beside its right one; see :mod:`palpate.sequences.movement_sides`."""

    left: str
    right: str
    symmetry_index: Amount
    speed_correlation: Amount

    @property
    def name(self) -> str:
        """Of the pair: ``left arm and right arm`` become ``arms``."""
        rest = self.left.replace("left ", "")
        return (
            f"{rest}s" if rest == self.right.replace("right ", "") else f"{self.left}, {self.right}"
        )


@dataclass(frozen=True, slots=True)
class MovementRow:
    """One window.

    Args:
        start_s, end_s: of the window.
        frames: how many frames of it were looked at, whatever was found in them.
        states: how many frames had which state, by the state's name.
        gap_s: time of the window in which no frame came at all.
        unit: of the positions.
        scale: one body length in that unit.
        half_width_s: of the fit that the derivatives come from.
        jumped: positions that were left out because they jump.
        limbs, sides: one entry a limb, one a pair of limbs.
        synchrony, quantity_of_motion, centroid_spread: of the whole body.

    Raises:
        GeometryError: a window that does not end after it begins, counts below 0.
    """

    start_s: float
    end_s: float
    frames: int
    states: Mapping[str, int]
    gap_s: float
    unit: LengthUnit
    scale: Amount
    half_width_s: float
    jumped: int
    limbs: tuple[LimbMovement, ...]
    sides: tuple[SideMovement, ...]
    synchrony: Amount
    quantity_of_motion: Amount
    centroid_spread: Amount

    def __post_init__(self) -> None:
        object.__setattr__(self, "states", MappingProxyType(dict(self.states)))
        if not (isfinite(self.start_s) and isfinite(self.end_s) and self.end_s > self.start_s):
            raise GeometryError(f"a window ends after it begins; got {self.start_s}, {self.end_s}")
        if min(self.frames, self.gap_s, *self.states.values(), 0) < 0:
            raise GeometryError("frames, states and gaps are not negative")

    @property
    def length_s(self) -> float:
        """Of the window."""
        return self.end_s - self.start_s

    def observed(self, limb: int) -> float:
        """Share of the window in which the movement of a limb can be told."""
        return min(1.0, self.limbs[limb].observed_s / self.length_s)
