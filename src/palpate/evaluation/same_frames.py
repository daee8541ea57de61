"""Two methods' frames side by side: which row of the second is which of the first."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from palpate.errors import StudyError


def rows_of_same_frames(first: Sequence[str], second: Sequence[str]) -> Int[ndarray, " frame"]:
    """Return, for each frame of the first, its row in the second.

    Args:
        first: identifiers of frames, each once.
        second: the same, in any order.

    Raises:
        StudyError: they are not the same frames.

    Example:
        >>> rows_of_same_frames(["a#0", "a#5"], ["a#5", "a#0"]).tolist()
        [1, 0]
    """
    missing = sorted(set(first) ^ set(second))
    if missing:
        shown = ", ".join(map(repr, missing[:5]))
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise StudyError(
            f"a paired comparison needs the same frames; only one of the two has {shown}{more}"
        )
    place = {name: row for row, name in enumerate(second)}
    return np.array([place[name] for name in first], dtype=int)
