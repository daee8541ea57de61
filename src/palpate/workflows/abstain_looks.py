"""What images look like, gathered while they are predicted."""

from dataclasses import dataclass, field

from jaxtyping import Float
from numpy import ndarray

from palpate.image import Image
from palpate.trust.novelty import look_of


@dataclass(frozen=True, slots=True)
class Looks:
    """Descriptors by image: pixels are seen once, and not kept.

    Args:
        wanted: nothing is computed where nobody can compare it.
        seen: identifier -> descriptor.

    Example:
        >>> import numpy as np
        >>> looks = Looks(wanted=True)
        >>> looks.see(Image(np.zeros((1, 20, 30), np.uint8), "1.png"))
        >>> list(looks.seen)
        ['1.png']
    """

    wanted: bool
    seen: dict[str, Float[ndarray, " look"]] = field(default_factory=dict)

    def see(self, image: Image) -> None:
        """Describe an image, if it is a single picture."""
        if self.wanted and image.axes == "yx":
            self.seen[image.identifier] = look_of(image)
