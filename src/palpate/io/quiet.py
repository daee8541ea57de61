"""Reading with libraries that warn about every oddity of a file: we say what matters ourselves."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

# The warning filters belong to the process, so only one thread may change them at a time.
_FILTERS = RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back the warnings of an image library while a file is opened.

    Example:
        >>> import warnings
        >>> with quiet():
        ...     warnings.warn("a retired VR")
    """
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
