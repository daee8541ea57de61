"""Say in one sentence that training needs torch."""

from importlib.util import find_spec

from palpate.errors import PalpateError


def need_torch() -> None:
    """Refuse where torch is not installed.

    Raises:
        PalpateError: says what to install.
    """
    if find_spec("torch") is None:
        raise PalpateError(
            "training needs torch, which is not installed: pip install 'palpate[train]'"
        )
