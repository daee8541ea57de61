"""Text and JSON that are read whole or refused, in words that name the file and the line.

Every annotation reader begins here. To add a format: read with these functions, build rows with
:mod:`palpate.io.rows`, enter reader and writer in :mod:`palpate.io.formats`.
"""

import json
import re
from math import isfinite
from pathlib import Path
from typing import Any, Never, TypeVar

from pydantic import BaseModel, ValidationError

from palpate.errors import FormatError

# A decimal number in ASCII: float() alone would also take 'nan', 'inf', '1_000' and other digits.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)

Model = TypeVar("Model", bound=BaseModel)


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, without byte order mark, each line ended by a line feed.

    Raises:
        FormatError: the file is missing, empty, or not text.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise FormatError(path, "there is no such file") from error
    except OSError as error:
        raise FormatError(path, f"cannot be read: {error.strerror or error}") from error
    if not content.strip():
        raise FormatError(path, "the file is empty; copy it again from its source")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FormatError(path, "is not UTF-8 text; save it as UTF-8", line=line) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise FormatError(path, "holds a zero byte: it is not text, or is damaged", line=line)
    return text.replace("\r\n", "\n")


def read_whole_text(path: Path) -> str:
    """Return the text of a file whose last line is complete.

    A file that is cut inside '12.75' still ends in a number; only the missing line break tells.

    Raises:
        FormatError: as :func:`read_text`, or the last line has no line break.
    """
    text = read_text(path)
    if not text.endswith("\n"):
        raise FormatError(
            path,
            "the last line has no line break, so the file may be cut off; copy it again, or add "
            "a line break if it is whole",
            line=text.count("\n") + 1,
        )
    return text


def parse_number(text: str, path: Path, *, line: int | None, what: str) -> float:
    """Return a finite number, or say which value of which line is none.

    Example:
        >>> parse_number("1.5e2", Path("a.csv"), line=2, what="x of 'nose'")
        150.0
        >>> parse_number("nan", Path("a.csv"), line=2, what="x of 'nose'")
        Traceback (most recent call last):
        palpate.errors.FormatError: a.csv:2: x of 'nose' is 'nan', a finite number was expected
    """
    stripped = text.strip()
    value = float(stripped) if _NUMBER.fullmatch(stripped) else float("nan")
    if not isfinite(value):
        hint = "; write decimals with a point" if re.fullmatch(r"-?\d+,\d+", stripped) else ""
        raise FormatError(
            path, f"{what} is {text!r}, a finite number was expected{hint}", line=line
        )
    return value


def read_json(path: Path) -> Any:
    """Return the content of a JSON file; a key given twice, NaN and Infinity are refused.

    Raises:
        FormatError: as :func:`read_text`, or not JSON, with the line.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) != len(pairs):
            names = [name for name, _ in pairs]
            double = next(name for name in names if names.count(name) > 1)
            raise FormatError(path, f"gives {double!r} twice in one object")
        return content

    def no_constant(constant: str) -> Never:
        raise FormatError(path, f"holds {constant}, a finite number was expected")

    text = read_text(path)
    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=no_constant)
    except json.JSONDecodeError as error:
        raise FormatError(
            path, f"is not JSON, or is cut off: {error.msg}", line=error.lineno
        ) from error
    except RecursionError as error:
        raise FormatError(path, "is nested too deeply to be an annotation") from error
    except FormatError:
        raise
    except ValueError as error:  # an integer of thousands of digits
        raise FormatError(path, f"holds a number that cannot be read: {error}") from error


def read_model(path: Path, model: type[Model]) -> Model:
    """Return a JSON file checked against a pydantic model.

    Raises:
        FormatError: as :func:`read_json`, or the content does not fit: says which entry.
    """
    return as_model(path, read_json(path), model)


def as_model(path: Path, content: Any, model: type[Model], *, line: int | None = None) -> Model:
    """Return parsed JSON checked against a pydantic model.

    Raises:
        FormatError: the content does not fit: says which entry.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the top"
        came = "" if first["type"] == "missing" else f", got {_short(first['input'])}"
        raise FormatError(path, f"at {place}: {first['msg']}{came}", line=line) from error


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
