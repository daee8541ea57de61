"""Plain values as one text, whoever writes them, so that hashes can be computed again."""

import hashlib
import json
from typing import Any


def canonical(value: Any) -> str:
    """Return JSON with sorted keys and no spaces; NaN and infinity are refused.

    Example:
        >>> canonical({"b": (1, 2), "a": None})
        '{"a":null,"b":[1,2]}'
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest_of(content: str | bytes) -> str:
    """SHA-256 of a text in UTF-8, or of bytes, as hexadecimal digits."""
    raw = content.encode("utf-8") if isinstance(content, str) else content
    return hashlib.sha256(raw).hexdigest()
