"""Say in one sentence that reviewing needs ``palpate[review]``."""

from importlib.util import find_spec

from palpate.errors import PalpateError

_MODULES = ("sqlalchemy", "alembic", "argon2", "fastapi", "uvicorn", "multipart")


def need_review() -> None:
    """Refuse where what a review is made with is not installed.

    Raises:
        PalpateError: says what to install.
    """
    missing = [name for name in _MODULES if find_spec(name) is None]
    if missing:
        raise PalpateError(
            f"reviewing needs {', '.join(missing)}, not installed here: "
            "pip install 'palpate[review]'"
        )
