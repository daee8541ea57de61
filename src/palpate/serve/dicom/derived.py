"""Identifiers that follow from what was measured: the same work has the same identifier."""

import hashlib
import uuid


def derived_uid(*parts: str) -> str:
    """Return a UID of PS3.5 B.2 (2.25 and a UUID) that follows from ``parts`` alone.

    Work that was interrupted and is done again gives the same object, which an archive that has
    it already takes for what it is. Name in ``parts`` all that the object depends on: the film's
    identifier and digest, the model's weights, the protocol with its version, the kind of object.

    Example:
        >>> derived_uid("1.2.3", "sr") == derived_uid("1.2.3", "sr")
        True
        >>> derived_uid("1.2", "3") == derived_uid("1.23", "")
        False
    """
    text = "\x00".join(f"{len(part)}:{part}" for part in parts)
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    # Version 8 of RFC 9562 is for values that an application makes by its own rule.
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) | 0x8 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return f"2.25.{uuid.UUID(int=number).int}"
