"""Limbs of a scheme: its connections as chains from joint to joint."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from palpate.errors import SchemeError
from palpate.scheme import LandmarkScheme

# A chain with these ends has a name of its own.
_KNOWN = {
    (f"{side}_{first}", f"{side}_{last}"): f"{side} {name}"
    for side in ("right", "left")
    for first, last, name in (("shoulder", "wrist", "arm"), ("hip", "ankle", "leg"))
}


@dataclass(frozen=True, slots=True)
class Limb:
    """A chain of connections.

    Args:
        name: 'right arm', 'left leg', ..., else 'FIRST to LAST' with the names of its ends.
        joints: rows of the scheme in the chain's order, one more than connections; a ring ends
            with the joint that it begins with.
        edges: rows of ``scheme.edges`` in the same order.
    """

    name: str
    joints: tuple[int, ...]
    edges: tuple[int, ...]


@lru_cache(maxsize=64)
def limbs_of(scheme: LandmarkScheme) -> tuple[Limb, ...]:
    """The limbs of a scheme, in the order of their first connections.

    A limb is a chain as long as possible that nothing branches off from: it ends where a joint
    has one connection, or more than two. A ring without branches is one limb. A limb is walked so
    that the first of its connections in the scheme goes from its first name to its second. Every
    connection is in exactly one limb; a joint without connections is in none.

    Raises:
        SchemeError: a connection is there twice, or joins a joint with itself.

    Example:
        >>> arm = LandmarkScheme("arm", ("a", "b", "c"), edges=(("a", "b"), ("b", "c")))
        >>> limbs_of(arm)
        (Limb(name='a to c', joints=(0, 1, 2), edges=(0, 1)),)
    """
    ends = [(int(first), int(second)) for first, second in ends_of(scheme)]
    at_joint: dict[int, list[int]] = {}
    for row, pair in enumerate(ends):
        for joint in pair:
            at_joint.setdefault(joint, []).append(row)
    taken: set[int] = set()
    limbs = []
    for row, (first, second) in enumerate(ends):
        if row in taken:
            continue
        taken.add(row)
        after = _walk(second, ends, at_joint, taken)
        before = _walk(first, ends, at_joint, taken)
        joints = (*(joint for _, joint in before[::-1]), first, second, *(j for _, j in after))
        edges = (*(edge for edge, _ in before[::-1]), row, *(edge for edge, _ in after))
        limbs.append(Limb(_name(scheme, joints), joints, edges))
    return tuple(limbs)


@lru_cache(maxsize=64)
def ends_of(scheme: LandmarkScheme) -> Int[ndarray, "connection 2"]:
    """Rows of the two joints of every connection, in the order of ``scheme.edges``; read-only.

    Raises:
        SchemeError: a connection is there twice, or joins a joint with itself.
    """
    ends = np.array([scheme.indices(list(edge)) for edge in scheme.edges], dtype=np.intp)
    seen = set()
    for first, second in scheme.edges:
        if first == second:
            raise SchemeError(f"scheme {scheme.name!r}: {first!r} is connected with itself")
        if frozenset((first, second)) in seen:
            raise SchemeError(f"scheme {scheme.name!r} connects {first!r} and {second!r} twice")
        seen.add(frozenset((first, second)))
    ends = ends.reshape(-1, 2)
    ends.flags.writeable = False
    return ends


def _walk(
    joint: int, ends: list[tuple[int, int]], at_joint: dict[int, list[int]], taken: set[int]
) -> list[tuple[int, int]]:
    """Connections and the joints that they lead to, until the chain ends or branches."""
    steps = []
    while len(at_joint[joint]) == 2:
        free = [row for row in at_joint[joint] if row not in taken]
        if not free:
            break
        taken.add(free[0])
        first, second = ends[free[0]]
        joint = second if joint == first else first
        steps.append((free[0], joint))
    return steps


def _name(scheme: LandmarkScheme, joints: tuple[int, ...]) -> str:
    first, last = scheme.names[joints[0]], scheme.names[joints[-1]]
    return _KNOWN.get((first, last)) or f"{first} to {last}"
