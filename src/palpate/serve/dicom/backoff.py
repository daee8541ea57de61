"""How long to wait before something is tried again."""

FIRST = 2.0
LONGEST = 600.0


def pause_after(tries: int) -> float:
    """Return seconds: 2 after the first failure, doubled with each more, at most ten minutes.

    There is no last attempt: an archive may be away for a weekend, and nothing is lost by asking.

    Example:
        >>> [pause_after(tries) for tries in (0, 1, 2, 20)]
        [2.0, 4.0, 8.0, 600.0]
    """
    return min(LONGEST, FIRST * 2.0 ** min(tries, 30))
