"""The nearest known name, for an error that helps."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"``, or the known names where none is near.

    Example:
        >>> did_you_mean("noes", ["nose", "ear"])
        "; did you mean 'nose'?"
        >>> did_you_mean("qqq", ["nose", "ear"])
        '; known: ear, nose'
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""
