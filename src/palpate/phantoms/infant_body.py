"""How big an infant is: lengths in mm, as shares of the length from crown to heel."""

from dataclasses import dataclass

from numpy.random import Generator


@dataclass(frozen=True, slots=True)
class InfantBody:
    """Sizes of an infant in mm.

    Args:
        length: from crown to heel, 300 to 420.
        trunk: from the middle of the hips to the middle of the shoulders.
        shoulders: from the middle to a shoulder joint.
        hips: from the middle to a hip joint.
        arm: upper arm, forearm, hand.
        leg: thigh, shank, foot.
        head: half axes of the head: to the side, to the crown, to the face.
        girth: thickness of trunk and limbs as a share of ``length``; 1 is usual.
        hat: thickness of a hat; 0 is none.
    """

    length: float
    trunk: float
    shoulders: float
    hips: float
    arm: tuple[float, float, float]
    leg: tuple[float, float, float]
    head: tuple[float, float, float]
    girth: float
    hat: float

    def thick(self, share: float) -> float:
        """A thickness in mm that is usually this share of the body's length."""
        return share * self.length * self.girth


def draw_body(rng: Generator) -> InfantBody:
    """Draw an infant born preterm: 30 to 42 cm long, limbs thin, head large."""
    length = float(rng.uniform(300.0, 420.0))

    def size(share: float, spread: float = 0.06) -> float:
        return length * share * float(min(max(rng.normal(1.0, spread), 0.85), 1.15))

    return InfantBody(
        length=length,
        trunk=size(0.335),
        shoulders=size(0.118),
        hips=size(0.070),
        arm=(size(0.165), size(0.138), size(0.085)),
        leg=(size(0.185), size(0.165), size(0.150)),
        head=(size(0.105, 0.05), size(0.132, 0.05), size(0.122, 0.05)),
        girth=float(rng.uniform(0.85, 1.15)),
        hat=float(rng.choice([0.0, 0.0, 3.0, 5.0])),
    )
