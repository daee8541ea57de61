"""Landmarks that repeat from level to level, as those of vertebrae: told by their names."""

from collections.abc import Sequence

# One level is a name alone; so many landmarks make a level.
_FEWEST = 2


def level_shift(names: Sequence[str], step: int) -> dict[int, int]:
    """Return, of each landmark, the row of its like so many levels further.

    A level is what stands before the first underscore, in the order of first appearance, where
    at least two landmarks share it.

    Example:
        >>> level_shift(["C2_front", "C2_back", "C3_front", "C3_back", "tip"], 1)
        {0: 2, 1: 3}
    """
    parts = [name.partition("_") for name in names]
    count: dict[str, int] = {}
    for level, _, part in parts:
        if part:
            count[level] = count.get(level, 0) + 1
    levels = [level for level, number in count.items() if number >= _FEWEST]
    rows = {(level, part): k for k, (level, _, part) in enumerate(parts)}
    found = {}
    for k, (level, _, part) in enumerate(parts):
        if level in levels and 0 <= levels.index(level) + step < len(levels):
            there = rows.get((levels[levels.index(level) + step], part))
            if there is not None:
                found[k] = there
    return found
