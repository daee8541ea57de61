"""From links between candidates to parts of limbs, and from parts to bodies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import dist, inf

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import linear_sum_assignment

from palpate.linking.limbs import Limb

_Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Link:
    """A connection between two candidates.

    Args:
        edge: row of the connection.
        joints: of its first and its second end.
        candidates: of its first and its second end.
        score: its line integral.
    """

    edge: int
    joints: tuple[int, int]
    candidates: tuple[int, int]
    score: float


@dataclass(frozen=True, slots=True)
class Part:
    """Candidates that belong to one body: at most one per joint, at most one link per connection.

    Args:
        members: candidate by joint.
        links: link by connection.
        anchors: where its limbs begin: the first joint of each that there is, on the trunk's side.
        size: length of its longest link, or the width of a joint's disc where that is more.
    """

    members: dict[int, int]
    links: dict[int, Link]
    anchors: tuple[_Place, ...] = ()
    size: float = 0.0

    @property
    def score(self) -> float:
        """Sum of the scores of its links."""
        return sum(link.score for link in self.links.values())

    def joined(self, other: "Part") -> "Part":
        """Both as one."""
        return Part(
            self.members | other.members,
            self.links | other.links,
            self.anchors + other.anchors,
            max(self.size, other.size),
        )


def matched(scores: Float[ndarray, "first second"], least: float) -> list[tuple[int, int]]:
    """Pair candidates of two joints one to one, for the highest sum of scores.

    What scores less than ``least`` is no pair, and does not help another to become one.

    Example:
        >>> matched(np.array([[0.9, 0.8], [0.8, 0.1]]), least=0.2)
        [(0, 1), (1, 0)]
    """
    useful = np.where(scores >= least, scores, 0.0)
    rows, columns = linear_sum_assignment(useful, maximize=True)
    each = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column) for row, column in each if useful[row, column] > 0]


def parts_of(
    links: Iterable[Link], limbs: Sequence[Limb], places: Sequence[_Place], disc: float
) -> list[Part]:
    """Join links that share a candidate, the strongest first.

    A link that would bring a second candidate of the same joint into a part is left out; that
    takes connections that form a ring.
    """
    at: dict[int, Part] = {}
    for link in sorted(links, key=lambda each: -each.score):
        mine = Part(dict(zip(link.joints, link.candidates, strict=True)), {link.edge: link})
        candidates = set(link.candidates)
        for part in {id(at[one]): at[one] for one in link.candidates if one in at}.values():
            mine = mine.joined(part)
            candidates.update(part.members.values())
        if len(candidates) > len(mine.members):
            continue
        at.update(dict.fromkeys(mine.members.values(), mine))
    unique = {id(part): part for part in at.values()}
    return [_placed(part, limbs, places, disc) for part in unique.values()]


def _placed(part: Part, limbs: Sequence[Limb], places: Sequence[_Place], disc: float) -> Part:
    """The same part with its place and its size."""
    begins = [
        next((part.members[joint] for joint in limb.joints if joint in part.members), None)
        for limb in limbs
        if any(edge in part.links for edge in limb.edges)
    ]
    anchors = tuple(places[one] for one in begins if one is not None)
    lengths = [dist(*(places[one] for one in link.candidates)) for link in part.links.values()]
    return Part(part.members, part.links, anchors, max(disc, *lengths))


def bodies_of(
    parts: Sequence[Part], limbs: Sequence[Limb], places: Sequence[_Place], reach: float
) -> list[Part]:
    """Group parts into bodies; the one with the highest sum of scores comes first.

    Whole limbs come first. As many bodies as there are of the limb that is seen most often are
    begun with those; of each other limb, all are given to bodies at once, one to one, for the
    least sum of distances between where limbs begin (of an infant, shoulders and hips). So two
    infants beside each other are told apart even where one's left arm lies nearer to the other's
    right arm than to his own. Broken limbs come last, the best first: each joins the nearest body
    that lacks its joints. What is farther from a body than ``reach`` times its size begins a body
    of its own.
    """
    whole: dict[int, list[Part]] = {}
    broken = []
    for part in sorted(parts, key=lambda each: -each.score):
        of = next((row for row, limb in enumerate(limbs) if part.links.keys() >= {*limb.edges}), -1)
        if of < 0:
            broken.append(part)
        else:
            whole.setdefault(of, []).append(part)
    most_seen = sorted(whole, key=lambda row: (-len(whole[row]), row))
    bodies: list[Part] = []
    for row in most_seen:
        bodies = _given(bodies, whole[row], places, reach)
    for part in broken:
        bodies = _given(bodies, [part], places, reach)
    return sorted(bodies, key=lambda each: -each.score)


def _given(
    bodies: list[Part], parts: list[Part], places: Sequence[_Place], reach: float
) -> list[Part]:
    """Give parts to bodies, one to one; what no body takes begins one."""
    if not bodies:
        return list(parts)
    costs = np.array([[_cost(part, body, places, reach) for body in bodies] for part in parts])
    possible = np.isfinite(costs)
    # So large that no impossible pair is taken for the sake of shorter distances.
    large = 1.0 + costs[possible].sum()
    rows, columns = linear_sum_assignment(np.where(possible, costs, large))
    taken = {
        row: column
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if possible[row, column]
    }
    bodies = list(bodies)
    for row, part in enumerate(parts):
        if row in taken:
            bodies[taken[row]] = bodies[taken[row]].joined(part)
        else:
            bodies.append(part)
    return bodies


def _cost(part: Part, body: Part, places: Sequence[_Place], reach: float) -> float:
    """Mean distance between where their limbs begin; infinite where they cannot be one body."""
    if part.members.keys() & body.members.keys():
        return inf
    gap = min(
        dist(places[one], places[other])
        for one in part.members.values()
        for other in body.members.values()
    )
    if gap > reach * max(part.size, body.size):
        return inf
    each = [dist(one, other) for one in part.anchors for other in body.anchors]
    return sum(each) / len(each)
