"""Where a film may lie: below its project's folder, whoever says so."""

from pathlib import PurePosixPath


def is_below(film: str) -> bool:
    """Whether a path stays below the folder that it is joined to.

    Example:
        >>> is_below("images/a.png"), is_below("../a.png"), is_below("/etc/passwd")
        (True, False, False)
    """
    path = PurePosixPath(film)
    odd = "\\" in film or "\0" in film or ":" in path.parts[:1] or path.is_absolute()
    return bool(film) and not odd and ".." not in path.parts and path.parts != ()
