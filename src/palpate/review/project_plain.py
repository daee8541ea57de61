"""A project as plain values: its scheme, and its protocol as a protocol file has it."""

from collections.abc import Mapping
from typing import Any

import tomli_w

from palpate.errors import PalpateError
from palpate.protocols.protocol import Protocol, protocol_from_table
from palpate.review.refusals import StoreError
from palpate.scheme import LandmarkScheme


def scheme_to_plain(scheme: LandmarkScheme) -> dict[str, Any]:
    """Return plain values."""
    return {
        "name": scheme.name,
        "names": scheme.names,
        "mirror": scheme.mirror,
        "edges": scheme.edges,
        "dimension": scheme.dimension,
    }


def scheme_from_plain(plain: Mapping[str, Any]) -> LandmarkScheme:
    """Return what :func:`scheme_to_plain` was given.

    Example:
        >>> eyes = LandmarkScheme("eyes", ("l", "r"), mirror=(("l", "r"),))
        >>> scheme_from_plain(scheme_to_plain(eyes)) == eyes
        True
    """
    pairs = {
        key: tuple((first, second) for first, second in plain[key]) for key in ("mirror", "edges")
    }
    return LandmarkScheme(
        plain["name"], tuple(plain["names"]), pairs["mirror"], pairs["edges"], plain["dimension"]
    )


def protocol_to_plain(protocol: Protocol) -> dict[str, Any]:
    """Return the content of a protocol file that says the same, and which signs were turned."""
    scheme = protocol.scheme
    table: dict[str, Any] = {
        "name": protocol.name,
        "version": protocol.version,
        "title": protocol.title,
        "source": protocol.source,
        "scheme": {"landmarks": scheme.names, "mirror": scheme.mirror, "edges": scheme.edges},
        "quantity": [
            quantity.model_dump(mode="json", exclude_none=True) for quantity in protocol.quantities
        ],
        "conventions": {
            name: convention.model_dump(mode="json")
            for name, convention in protocol.conventions.items()
        },
        "drawings": {name: dict(points) for name, points in protocol.drawings.items()},
        "outline": [
            {"title": one.title, "landmarks": one.landmarks, "closed": one.closed}
            for one in protocol.outlines
        ],
    }
    table["landmark"] = [one.model_dump(mode="json") for one in protocol.described.values()]
    for name in ("normaliser", "references", "layout"):
        if (value := getattr(protocol, name)) is not None:
            table[name] = value
    for name in ("facing", "posture"):
        if (part := getattr(protocol, name)) is not None:
            table[name] = part.model_dump(mode="json", exclude_none=True)
    return {"table": table, "flipped": sorted(protocol.flipped)}


def protocol_to_toml(protocol: Protocol) -> str:
    """Return a protocol file that says the same; signs that were turned are told at its top.

    Example:
        >>> from palpate.protocols.protocol import read_protocol
        >>> protocol_to_toml(read_protocol("cervical").flip("lordosis")).splitlines()[0]
        '# Signs turned round: --flip-sign lordosis'
    """
    plain = protocol_to_plain(protocol)
    turned = " ".join(f"--flip-sign {name}" for name in plain["flipped"])
    head = f"# Signs turned round: {turned}\n" if turned else ""
    return head + tomli_w.dumps(plain["table"])


def protocol_from_plain(plain: Mapping[str, Any]) -> Protocol:
    """Return what :func:`protocol_to_plain` was given.

    Raises:
        StoreError: it is no protocol, or that of another palpate.
    """
    try:
        protocol = protocol_from_table(plain["table"], where="the review's protocol")
        for convention in plain["flipped"]:
            protocol = protocol.flip(convention)
    except (PalpateError, KeyError, TypeError) as error:
        raise StoreError(f"a project's protocol is damaged: {error}") from error
    return protocol
