"""What a codec reads off an output, in grid pixels."""

from dataclasses import dataclass

from jaxtyping import Float
from numpy import ndarray


@dataclass(frozen=True, eq=False, slots=True)
class Decoded:
    """Means (landmark, 2), covariances (landmark, 2, 2) and scores (landmark,) in [0, 1].

    The variation (landmark,) is the normalised total variation of what each position was read
    from, see :mod:`palpate.variation`; None where there is no map.
    """

    mean: Float[ndarray, "landmark 2"]
    covariance: Float[ndarray, "landmark 2 2"]
    score: Float[ndarray, " landmark"]
    variation: Float[ndarray, " landmark"] | None = None
