"""Results as plain JSON values."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any

from numpy import ndarray


def plain(value: Any) -> Any:
    """Turn dataclasses, mappings and tuples into dicts and lists; infinity and NaN into None.

    Example:
        >>> plain({2.5: (1.0, float("inf"))})
        {'2.5': [1.0, None]}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if isfinite(value) else None
    return value


def _key(key: Any) -> str:
    return f"{key:g}" if isinstance(key, float) else str(key)
