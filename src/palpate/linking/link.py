"""From maps of joints and connections to one body's pose."""

from dataclasses import dataclass
from math import dist
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from palpate.errors import ConfigError, GeometryError
from palpate.linking.assemble import Link, Part, bodies_of, matched, parts_of
from palpate.linking.candidates import Candidates, find_candidates
from palpate.linking.integral import line_integrals
from palpate.linking.limbs import Limb, ends_of, limbs_of
from palpate.linking.pose import LinkedPose
from palpate.scheme import LandmarkScheme


@runtime_checkable
class MapLayout(Protocol):
    """What maps show, and where their cells lie: ``palpate.codecs.limb_maps.LimbMaps`` says it."""

    @property
    def scheme(self) -> LandmarkScheme:
        """Names of the joints; its edges are the connections."""
        ...

    @property
    def radius_px(self) -> float:
        """Of a joint's region, in grid px."""
        ...

    @property
    def stride(self) -> int:
        """Grid px per cell; the centre of cell i is at ``(i + 1/2) * stride - 1/2``."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """Size of a map as (y, x)."""
        ...


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What counts as a joint, and what as a link.

    Args:
        least_joint: height of a joint's smoothed map that makes a candidate.
        least_link: line integral of a connection's map that makes a link.
        lone_joint: height that makes a joint of a candidate that nothing is linked with.
        share: of a peak's height; what lies below does not count for its centre.
        samples: on the line between two joints.
        most: candidates per joint.
        reach: how far a limb may lie from the rest of its body, in lengths of the longest link, or
            in discs of a joint where those are wider. An infant's trunk is about twice as long as
            a thigh, and limbs are seen shortened.

    Raises:
        ConfigError: a share that is not in (0, 1), a count or a length that is not positive.
    """

    least_joint: float = 0.2
    least_link: float = 0.2
    lone_joint: float = 0.3
    share: float = 0.3
    samples: int = 10
    most: int = 6
    reach: float = 5.0

    def __post_init__(self) -> None:
        for name in ("least_joint", "least_link", "lone_joint", "share"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"{name} is between 0 and 1, got {getattr(self, name)}")
        for name in ("samples", "most", "reach"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is more than 0, got {getattr(self, name)}")


def link_pose(
    maps: Float[ndarray, "map y x"], layout: MapLayout, settings: LinkSettings | None = None
) -> LinkedPose:
    """Find the joints of one body and how they are linked, in grid px.

    Peaks of the joints' maps are candidates; the line integral of a connection's map scores each
    pair of candidates, bipartite matching links them; links that share a joint make limbs, and
    limbs that are near each other bodies. The body with the highest sum of links is returned;
    ``others`` counts the rest. A joint that it lacks is taken from a strong candidate nearby that
    nothing is linked with; its connections stay unlinked. Where nothing is linked at all, the
    strongest candidate of every joint stands alone.

    Covariances are the spread of the peaks, not yet errors: calibrate them on held-out subjects.

    Args:
        maps: of joints, in the scheme's order, then of connections; about 1 where they certainly
            are and 0 elsewhere.
        layout: what the maps show.
        settings: thresholds; None for the usual ones.

    Raises:
        GeometryError: another number or size of maps than the layout's, or values that are not
            finite.

    Source:
        Migliorelli et al., "Asymmetric three-dimensional convolutions for preterm infants' pose
        estimation", section II-B; after Moccia et al., IEEE TBME 67(8):2370, 2020.

    Example:
        >>> from palpate.codecs.limb_maps import LimbMaps
        >>> arm = LandmarkScheme("arm", ("a", "b", "c"), edges=(("a", "b"), ("b", "c")))
        >>> codec = LimbMaps((64, 48), arm)
        >>> points = np.array([[10.0, 12.0], [30.0, 12.0], [30.0, 32.0]])
        >>> pose = link_pose(codec.masks(points, np.array([True, True, True])), codec)
        >>> pose.coordinates.round(1).tolist(), pose.linked.tolist()
        ([[10.0, 12.0], [30.0, 12.0], [30.0, 32.0]], [True, True])
    """
    settings = settings or LinkSettings()
    scheme, joints = layout.scheme, len(layout.scheme)
    maps = _checked(maps, layout)
    found = find_candidates(
        maps[:joints],
        radius=layout.radius_px / layout.stride,
        least=settings.least_joint,
        share=settings.share,
        most=settings.most,
    )
    places = [(x, y) for x, y in found.position.tolist()]
    limbs = limbs_of(scheme)
    links = _links(maps[joints:], found, scheme, settings)
    parts = parts_of(links, limbs, places, 2 * layout.radius_px / layout.stride)
    bodies = bodies_of(parts, limbs, places, settings.reach)
    best = bodies[0] if bodies else None
    members = dict(best.members) if best else {}
    members |= _alone(found, bodies, places, settings)
    return _pose(found, members, best, max(len(bodies) - 1, 0), layout)


def partial_limbs(scheme: LandmarkScheme, pose: LinkedPose) -> tuple[str, ...]:
    """Say in words which limbs are not whole, and what is missing; empty if all are whole.

    Example:
        >>> arm = LandmarkScheme("arm", ("a", "b", "c"), edges=(("a", "b"), ("b", "c")))
        >>> points = np.array([[10.0, 12.0], [30.0, 12.0], [np.nan, np.nan]])
        >>> covariance = np.tile(np.eye(2), (3, 1, 1))
        >>> score, links = np.array([1.0, 1.0, 0.0]), np.array([0.9, 0.0])
        >>> partial_limbs(arm, LinkedPose(points, covariance, score, links))
        ('a to c: c not found',)
    """
    said = (_missing(limb, scheme, pose) for limb in limbs_of(scheme))
    return tuple(words for words in said if words)


def _missing(limb: Limb, scheme: LandmarkScheme, pose: LinkedPose) -> str:
    """What a limb lacks, in words; empty if it is whole."""
    if pose.linked[list(limb.edges)].all():
        return ""
    found = {joint: bool(pose.found[joint]) for joint in limb.joints}
    if not any(found.values()):
        return f"{limb.name}: not found"
    side = limb.name.split()[0] + "_"
    names = {joint: scheme.names[joint].removeprefix(side).replace("_", " ") for joint in found}
    lacks = [f"{names[joint]} not found" for joint in found if not found[joint]]
    for edge in limb.edges:
        first, second = (int(joint) for joint in ends_of(scheme)[edge])
        if found[first] and found[second] and not pose.linked[edge]:
            lacks.append(f"{names[first]} to {names[second]} not linked")
    return f"{limb.name}: {', '.join(lacks)}"


def _checked(maps: Float[ndarray, "map y x"], layout: MapLayout) -> Float[ndarray, "map y x"]:
    wanted = (len(layout.scheme) + len(layout.scheme.edges), *layout.shape)
    if maps.shape != wanted:
        raise GeometryError(
            f"{layout.scheme.name!r} has maps of (map, y, x) = {wanted}, got {maps.shape}"
        )
    # NaN is neither low nor high, so both ends of the range tell.
    if not (np.isfinite(maps.min()) and np.isfinite(maps.max())):
        raise GeometryError("a network put out maps that are not finite; train it anew")
    return np.ascontiguousarray(maps, dtype=np.float32)


def _links(
    maps: Float[ndarray, "connection y x"],
    found: Candidates,
    scheme: LandmarkScheme,
    settings: LinkSettings,
) -> list[Link]:
    """Links between candidates, by bipartite matching for each connection."""
    ends = ends_of(scheme)
    starts = np.searchsorted(found.joint, np.arange(len(scheme) + 1))
    counts = np.diff(starts)
    pairs = [
        _pairs(starts[first : first + 2], starts[second : second + 2]) for first, second in ends
    ]
    which = np.repeat(np.arange(len(ends)), [len(each) for each in pairs])
    both = np.concatenate([np.empty((0, 2), np.intp), *pairs])
    scores = line_integrals(
        maps, which, found.position[both[:, 0]], found.position[both[:, 1]], settings.samples
    )
    links = []
    upto = 0
    for edge, (first, second) in enumerate(ends.tolist()):
        size = (int(counts[first]), int(counts[second]))
        table = scores[upto : upto + size[0] * size[1]].reshape(size)
        upto += table.size
        for row, column in matched(table, settings.least_link):
            rows = (int(starts[first]) + row, int(starts[second]) + column)
            score = min(float(table[row, column]), 1.0)
            links.append(Link(edge, (first, second), rows, score))
    return links


def _pairs(first: Int[ndarray, " 2"], second: Int[ndarray, " 2"]) -> Int[ndarray, "pair 2"]:
    """Each row of one range with each of another."""
    rows = np.repeat(np.arange(*first), second[1] - second[0])
    others = np.tile(np.arange(*second), first[1] - first[0])
    return np.stack([rows, others], axis=1)


def _alone(
    found: Candidates,
    bodies: list[Part],
    places: list[tuple[float, float]],
    settings: LinkSettings,
) -> dict[int, int]:
    """Strong candidates, linked with nothing, of joints that the best body lacks."""
    linked = {one for body in bodies for one in body.members.values()}
    best = bodies[0] if bodies else None
    alone: dict[int, int] = {}
    for one, joint in enumerate(found.joint.tolist()):
        if one in linked or found.score[one] < settings.lone_joint:
            continue
        if best and joint in best.members:
            continue
        if best and not _near(places[one], best, places, settings.reach):
            continue
        if joint not in alone or found.score[one] > found.score[alone[joint]]:
            alone[joint] = one
    return alone


def _near(
    place: tuple[float, float], body: Part, places: list[tuple[float, float]], reach: float
) -> bool:
    nearest = min(dist(place, places[one]) for one in body.members.values())
    return nearest <= reach * body.size


def _pose(
    found: Candidates, members: dict[int, int], best: Part | None, others: int, layout: MapLayout
) -> LinkedPose:
    """Candidates as a pose, in grid px."""
    joints, edges = len(layout.scheme), len(layout.scheme.edges)
    coordinates = np.full((joints, 2), np.nan)
    covariance = np.full((joints, 2, 2), np.nan)
    score, links = np.zeros(joints), np.zeros(edges)
    to, of = list(members), list(members.values())
    coordinates[to] = (found.position[of] + 0.5) * layout.stride - 0.5
    covariance[to] = found.covariance[of] * layout.stride**2
    score[to] = found.score[of]
    for edge, link in best.links.items() if best else ():
        links[edge] = link.score
    return LinkedPose(coordinates, covariance, score, links, others)
