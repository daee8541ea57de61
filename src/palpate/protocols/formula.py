"""The formulas that a protocol file may use: one class a kind, all of them in ``FORMULAS``.

A formula reads landmarks by name from a :class:`Scene` and gives one number: degrees, a length in
the unit of the scene, a ratio, or a side (+1 or -1). A place is a landmark's name, or a list of
names for the middle of them; a line is two places.

To add a kind: a class here with ``kind``, ``gives``, ``needs`` and ``value`` (and ``values``, if it
can be had for many scenes at once), its name in ``FORMULAS`` and in ``AnyFormula``, a paragraph in
docs/protocols.md, and one quantity with a worked example that uses it; for the page its twin in
serve/page/js/protocol/formulas.js and drawing.js, with a row in ``KINDS`` of
tests/test_live_formulas.py.
"""
# ruff: noqa: D102 - Formula says what needs, value, values and held are, once for all kinds.

from typing import Annotated, ClassVar, Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from palpate.errors import GeometryError
from palpate.geometry.angles import angle_between, turn
from palpate.geometry.circles import fit_circle
from palpate.geometry.circles_at_once import fit_circles
from palpate.geometry.lines import distance, distance_to_line, translation
from palpate.geometry.polylines import polyline_heights, polyline_length
from palpate.geometry.rows import angles_between, crossed, lengths, turns, units
from palpate.geometry.spine import CobbPairs, cobb_pairs, is_s_shaped
from palpate.protocols.scene import UPWARDS, Line, Place, Scene, Scenes, names_of

Gives = Literal["angle", "length", "ratio", "side"]


class Formula(BaseModel):
    """What all kinds share; a kind without ``needs`` and ``value`` cannot be evaluated."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    gives: ClassVar[Gives]
    # Whether the sign or the axis follows the patient's front.
    faces: ClassVar[bool] = False
    # A signed angle goes round at 360; an unsigned value stops at its bounds.
    period: ClassVar[float | None] = None
    bounds: ClassVar[tuple[float, float]] = (-np.inf, np.inf)

    def needs(self) -> tuple[str, ...]:
        """Names of the landmarks."""
        raise NotImplementedError

    def value(self, scene: Scene) -> float:
        """Return the number at these landmarks."""
        raise NotImplementedError

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        """Return the number of each of many scenes."""
        return np.array([self.value(scene) for scene in scenes])

    def needs_facing(self) -> bool:
        """Whether the number depends on which way the patient faces."""
        return self.faces

    def held(self, scene: Scene) -> tuple["Formula", str]:
        """Return a smooth formula that gives the same number here, and what was held for it.

        Where a formula picks the largest of several, the pick is held while the landmarks are
        varied, and the note says what was picked.
        """
        del scene
        return self, ""


class _Turn(Formula):
    """Signed angle between two directions of a scene; a kind says which."""

    gives: ClassVar[Gives] = "angle"
    faces: ClassVar[bool] = True
    period: ClassVar[float | None] = 360.0

    def ends(self, scene: Scene | Scenes) -> tuple[ndarray, ndarray]:
        """From which direction to which the angle turns, in a patient who looks to the right."""
        raise NotImplementedError

    def value(self, scene: Scene) -> float:
        return scene.facing * turn(*self.ends(scene))

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        return scenes.facing * turns(*self.ends(scenes))


class AngleBetween(Formula):
    """Unsigned angle between two directed lines, 0 to 180 degrees."""

    kind: Literal["angle_between"]
    first: Line
    second: Line

    gives: ClassVar[Gives] = "angle"
    bounds: ClassVar[tuple[float, float]] = (0.0, 180.0)

    def needs(self) -> tuple[str, ...]:
        return names_of(*self.first, *self.second)

    def value(self, scene: Scene) -> float:
        return angle_between(scene.direction(self.first), scene.direction(self.second))

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        return angles_between(scenes.direction(self.first), scenes.direction(self.second))


class AngleAt(Formula):
    """Unsigned angle at a vertex between the ways to two places, 0 to 180 degrees."""

    kind: Literal["angle_at"]
    vertex: Place
    first: Place
    second: Place

    gives: ClassVar[Gives] = "angle"
    bounds: ClassVar[tuple[float, float]] = (0.0, 180.0)

    def needs(self) -> tuple[str, ...]:
        return names_of(self.first, self.vertex, self.second)

    def value(self, scene: Scene) -> float:
        return angle_between(*self._legs(scene))

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        return angles_between(*self._legs(scenes))

    def _legs(self, scene: Scene | Scenes) -> tuple[ndarray, ndarray]:
        first, second = (self.vertex, self.first), (self.vertex, self.second)
        return scene.direction(first), scene.direction(second)


class NoseDownTurn(_Turn):
    """Signed angle from one line to another, positive where the turn is nose-down.

    Nose-down, a line to the front goes down and a line downwards goes to the back.
    """

    kind: Literal["nose_down_turn"]
    start: Line
    end: Line

    def needs(self) -> tuple[str, ...]:
        return names_of(*self.start, *self.end)

    def ends(self, scene: Scene | Scenes) -> tuple[ndarray, ndarray]:
        return scene.direction(self.start), scene.direction(self.end)


class Cobb(_Turn):
    """Angle between two end plates, each from back to front: kyphosis positive.

    That is, positive where the upper one is turned nose-down against the lower one.
    """

    kind: Literal["cobb"]
    upper: Line
    lower: Line

    def needs(self) -> tuple[str, ...]:
        return names_of(*self.upper, *self.lower)

    def ends(self, scene: Scene | Scenes) -> tuple[ndarray, ndarray]:
        return scene.direction(self.lower), scene.direction(self.upper)


class PosteriorTangent(_Turn):
    """Angle between two posterior walls, each from bottom to top: kyphosis positive."""

    kind: Literal["posterior_tangent"]
    upper: Line
    lower: Line

    def needs(self) -> tuple[str, ...]:
        return names_of(*self.upper, *self.lower)

    def ends(self, scene: Scene | Scenes) -> tuple[ndarray, ndarray]:
        return scene.direction(self.lower), scene.direction(self.upper)


class AngleToHorizontal(_Turn):
    """Slope of a line from back to front against the film's horizontal."""

    kind: Literal["angle_to_horizontal"]
    line: Line
    positive: Literal["front_up", "front_down"]

    def needs(self) -> tuple[str, ...]:
        return names_of(*self.line)

    def ends(self, scene: Scene | Scenes) -> tuple[ndarray, ndarray]:
        level, line = scene.forwards, scene.direction(self.line)
        return (level, line) if self.positive == "front_down" else (line, level)


class AngleToVertical(_Turn):
    """Lean of a line from bottom to top against the film's vertical."""

    kind: Literal["angle_to_vertical"]
    line: Line
    positive: Literal["top_forwards", "top_backwards"]

    def needs(self) -> tuple[str, ...]:
        return names_of(*self.line)

    def ends(self, scene: Scene | Scenes) -> tuple[ndarray, ndarray]:
        line = scene.direction(self.line)
        return (UPWARDS, line) if self.positive == "top_forwards" else (line, UPWARDS)


class Distance(Formula):
    """Length of the way between two places."""

    kind: Literal["distance"]
    start: Place
    end: Place

    gives: ClassVar[Gives] = "length"
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)

    def needs(self) -> tuple[str, ...]:
        return names_of(self.start, self.end)

    def value(self, scene: Scene) -> float:
        return distance(scene.position(self.start), scene.position(self.end))

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        return lengths(scenes.direction((self.start, self.end)))


class Translation(Formula):
    """How far ``end`` is from ``start`` along an axis.

    The axis is ``forwards`` or ``upwards`` of the film, or a line: then positive along it.
    """

    kind: Literal["translation"]
    start: Place
    end: Place
    along: Literal["forwards", "upwards"] | Line

    gives: ClassVar[Gives] = "length"

    def needs_facing(self) -> bool:
        return self.along == "forwards"

    def needs(self) -> tuple[str, ...]:
        axis = () if isinstance(self.along, str) else self.along
        return names_of(self.start, self.end, *axis)

    def value(self, scene: Scene) -> float:
        return translation(scene.position(self.start), scene.position(self.end), self._axis(scene))

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        way = scenes.direction((self.start, self.end))
        return (way * units(self._axis(scenes))).sum(axis=-1)

    def _axis(self, scene: Scene | Scenes) -> ndarray:
        if self.along == "forwards":
            return scene.forwards
        return UPWARDS if self.along == "upwards" else scene.direction(self.along)


class DistanceToLine(Formula):
    """Distance of a place from a line that runs downwards, positive in front of it."""

    kind: Literal["distance_to_line"]
    point: Place
    line: Line

    gives: ClassVar[Gives] = "length"
    faces: ClassVar[bool] = True

    def needs(self) -> tuple[str, ...]:
        return names_of(self.point, *self.line)

    def value(self, scene: Scene) -> float:
        start, end = (scene.position(place) for place in self.line)
        return -scene.facing * distance_to_line(scene.position(self.point), start, end)

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        along = units(scenes.direction(self.line))
        return -scenes.facing * crossed(along, scenes.direction((self.line[0], self.point)))


class SideOfLine(Formula):
    """+1 for a place in front of a line that runs downwards, -1 behind it."""

    kind: Literal["side_of_line"]
    point: Place
    line: Line

    gives: ClassVar[Gives] = "side"
    faces: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def needs(self) -> tuple[str, ...]:
        return names_of(self.point, *self.line)

    def value(self, scene: Scene) -> float:
        return 1.0 if self.offset(scene) >= 0.0 else -1.0

    def offset(self, scene: Scene) -> float:
        """Signed distance whose sign is the side."""
        start, end = (scene.position(place) for place in self.line)
        return -scene.facing * distance_to_line(scene.position(self.point), start, end)


class PolylineLength(Formula):
    """Length of the way through several places."""

    kind: Literal["polyline_length"]
    through: Annotated[tuple[Place, ...], Field(min_length=2)]

    gives: ClassVar[Gives] = "length"
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)

    def needs(self) -> tuple[str, ...]:
        return names_of(*self.through)

    def value(self, scene: Scene) -> float:
        return polyline_length(np.array([scene.position(place) for place in self.through]))

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        return lengths(np.diff(_row(scenes, self.through), axis=1)).sum(axis=1)


class PolylineDepth(Formula):
    """Farthest distance of a way's places from its chord, from top to bottom; front positive."""

    kind: Literal["polyline_depth"]
    through: Annotated[tuple[Place, ...], Field(min_length=3)]

    gives: ClassVar[Gives] = "length"
    faces: ClassVar[bool] = True

    def needs(self) -> tuple[str, ...]:
        return names_of(*self.through)

    def value(self, scene: Scene) -> float:
        heights = self._heights(scene)
        return float(heights[np.argmax(np.abs(heights))])

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        heights = -scenes.facing * _heights(_row(scenes, self.through))
        deepest = np.abs(heights).argmax(axis=1)[:, None]
        return np.take_along_axis(heights, deepest, axis=1)[:, 0]

    def held(self, scene: Scene) -> tuple[Formula, str]:
        deepest = self.through[int(np.argmax(np.abs(self._heights(scene))))]
        chord = (self.through[0], self.through[-1])
        formula = DistanceToLine(kind="distance_to_line", point=deepest, line=chord)
        return formula, f"at {' and '.join(names_of(deepest))}"

    def _heights(self, scene: Scene) -> np.ndarray:
        heights = polyline_heights(np.array([scene.position(place) for place in self.through]))
        return -scene.facing * heights


class FarthestAlong(Formula):
    """How far the farthest of several places is from ``start`` along a line, positive along it."""

    kind: Literal["farthest_along"]
    start: Place
    of: Annotated[tuple[Place, ...], Field(min_length=2)]
    along: Line

    gives: ClassVar[Gives] = "length"

    def needs(self) -> tuple[str, ...]:
        return names_of(self.start, *self.of, *self.along)

    def value(self, scene: Scene) -> float:
        return self.held(scene)[0].value(scene)

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        return np.max([way.values(scenes) for way in self._ways()], axis=0)

    def held(self, scene: Scene) -> tuple[Formula, str]:
        farthest = max(self._ways(), key=lambda way: way.value(scene))
        return farthest, f"at {' and '.join(names_of(farthest.end))}"

    def _ways(self) -> list[Translation]:
        return [
            Translation(kind="translation", start=self.start, end=place, along=self.along)
            for place in self.of
        ]


class ArcHeight(Formula):
    """Largest distance of an arc's places from its chord, on either side."""

    kind: Literal["arc_height"]
    through: Annotated[tuple[Place, ...], Field(min_length=3)]

    gives: ClassVar[Gives] = "length"
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)

    def needs(self) -> tuple[str, ...]:
        return names_of(*self.through)

    def value(self, scene: Scene) -> float:
        return float(self._heights(scene).max())

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        return np.abs(_heights(_row(scenes, self.through))).max(axis=1)

    def held(self, scene: Scene) -> tuple[Formula, str]:
        highest = self.through[int(np.argmax(self._heights(scene)))]
        three = (self.through[0], highest, self.through[-1])
        return ArcHeight(kind="arc_height", through=three), f"at {' and '.join(names_of(highest))}"

    def _heights(self, scene: Scene) -> np.ndarray:
        return np.abs(polyline_heights(np.array([scene.position(p) for p in self.through])))


class CircleDiameter(Formula):
    """Diameter of the circle that lies nearest to several places."""

    kind: Literal["circle_diameter"]
    rim: Annotated[tuple[Place, ...], Field(min_length=4)]

    gives: ClassVar[Gives] = "length"
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)

    def needs(self) -> tuple[str, ...]:
        return names_of(*self.rim)

    def value(self, scene: Scene) -> float:
        return 2.0 * fit_circle(np.array([scene.position(place) for place in self.rim])).radius

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        return 2.0 * fit_circles(_row(scenes, self.rim)).radii


class Roundness(Formula):
    """Largest less smallest distance of several places from the centre of their circle."""

    kind: Literal["roundness"]
    rim: Annotated[tuple[Place, ...], Field(min_length=4)]

    gives: ClassVar[Gives] = "length"
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)

    def needs(self) -> tuple[str, ...]:
        return names_of(*self.rim)

    def value(self, scene: Scene) -> float:
        return float(np.ptp(self.offsets(scene)))

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        return np.ptp(self.offsets_of(scenes), axis=1)

    def held(self, scene: Scene) -> tuple[Formula, str]:
        offsets = self.offsets(scene)
        out, within = int(np.argmax(offsets)), int(np.argmin(offsets))
        held = _HeldRoundness(kind="roundness", rim=self.rim, out=out, within=within)
        names = names_of(self.rim[out]), names_of(self.rim[within])
        return held, f"farthest {' and '.join(names[0])}, nearest {' and '.join(names[1])}"

    def offsets(self, scene: Scene) -> np.ndarray:
        """Distance of each place from the circle's line, positive outside."""
        places = np.array([scene.position(place) for place in self.rim])
        return fit_circle(places).distances(places)

    def offsets_of(self, scenes: Scenes) -> Float[ndarray, "scene place"]:
        """Return the same of many scenes."""
        places = _row(scenes, self.rim)
        return fit_circles(places).distances(places)


class _HeldRoundness(Roundness):
    """The same with the farthest and the nearest place held; no kind of its own in a file."""

    out: int
    within: int

    def value(self, scene: Scene) -> float:
        offsets = self.offsets(scene)
        return float(offsets[self.out] - offsets[self.within])

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        offsets = self.offsets_of(scenes)
        return offsets[:, self.out] - offsets[:, self.within]


class SpineCobb(Formula):
    """One of the AASCE challenge's Cobb angles over a whole spine seen from the front."""

    kind: Literal["spine_cobb"]
    vertebrae: Annotated[tuple[str, ...], Field(min_length=3)]
    # What follows the vertebra's name: top left, top right, bottom left, bottom right.
    corners: tuple[str, str, str, str]
    which: Literal["main", "second", "third", "distal"]

    gives: ClassVar[Gives] = "angle"
    bounds: ClassVar[tuple[float, float]] = (0.0, 180.0)

    def needs(self) -> tuple[str, ...]:
        return tuple(name + corner for name in self.vertebrae for corner in self.corners)

    def value(self, scene: Scene) -> float:
        return self.held(scene)[0].value(scene)

    def held(self, scene: Scene) -> tuple[Formula, str]:
        pairs = self._pairs(scene)
        pair: tuple[int, int] = getattr(pairs, self.which)
        upper, lower = (self.vertebrae[i] for i in pair)
        note = f"between {upper} and {lower}"
        if self.which == "third" and pairs.low:
            note += "; the main curve is low, so this one is above the second"
        first, second = (self._midline(self.vertebrae[i]) for i in pair)
        return AngleBetween(kind="angle_between", first=first, second=second), note

    def _midline(self, vertebra: str) -> Line:
        """From the middle of a vertebra's left side to the middle of its right side."""
        top_left, top_right, bottom_left, bottom_right = (vertebra + c for c in self.corners)
        return (top_left, bottom_left), (top_right, bottom_right)

    def _corners(self, scene: Scene) -> np.ndarray:
        rows = [[scene.at[name + corner] for corner in self.corners] for name in self.vertebrae]
        return np.array(rows)

    def _pairs(self, scene: Scene) -> CobbPairs:
        corners = self._corners(scene)
        height = scene.height
        if height is None:
            if self.which == "third" and is_s_shaped(corners):
                raise GeometryError(
                    "the height of the film is not known, and the third angle of an S-shaped "
                    "spine depends on whether its main curve is in the film's upper half"
                )
            height = 0.0
        return cobb_pairs(corners, height)


def _row(scenes: Scenes, places: tuple[Place, ...]) -> Float[ndarray, "scene place 2"]:
    """Coordinates of several places in their order, of every scene."""
    return np.stack([scenes.position(place) for place in places], axis=1)


def _heights(rows: Float[ndarray, "scene place 2"]) -> Float[ndarray, "scene place"]:
    """Return what :func:`palpate.geometry.polylines.polyline_heights` gives, for every scene."""
    along = units(rows[:, -1] - rows[:, 0])
    return crossed(along[:, None], rows - rows[:, :1])


class Ratio(Formula):
    """One length over another."""

    kind: Literal["ratio"]
    numerator: "AnyFormula"
    denominator: "AnyFormula"

    gives: ClassVar[Gives] = "ratio"

    def needs_facing(self) -> bool:
        return self.numerator.needs_facing() or self.denominator.needs_facing()

    @field_validator("numerator", "denominator")
    @classmethod
    def _is_length(cls, part: Formula) -> Formula:
        if part.gives != "length":
            raise ValueError(f"a ratio is of two lengths, got one that gives {part.gives}")
        return part

    def needs(self) -> tuple[str, ...]:
        return names_of(*self.numerator.needs(), *self.denominator.needs())

    def value(self, scene: Scene) -> float:
        below = self.denominator.value(scene)
        if below == 0.0:
            raise GeometryError("the length to divide by is zero")
        return self.numerator.value(scene) / below

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        below = self.denominator.values(scenes)
        if (below == 0.0).any():
            raise GeometryError("the length to divide by is zero")
        return self.numerator.values(scenes) / below


class Sum(Formula):
    """Several angles added."""

    kind: Literal["sum"]
    terms: Annotated[tuple["AnyFormula", ...], Field(min_length=2)]

    gives: ClassVar[Gives] = "angle"
    period: ClassVar[float | None] = 360.0

    def needs_facing(self) -> bool:
        return any(term.needs_facing() for term in self.terms)

    @field_validator("terms")
    @classmethod
    def _are_alike(cls, terms: tuple[Formula, ...]) -> tuple[Formula, ...]:
        kinds = {term.gives for term in terms}
        if kinds != {"angle"}:
            raise ValueError(f"a sum is of angles, got {', '.join(sorted(kinds))}")
        return terms

    def needs(self) -> tuple[str, ...]:
        return names_of(*(name for term in self.terms for name in term.needs()))

    def value(self, scene: Scene) -> float:
        return sum(term.value(scene) for term in self.terms)

    def values(self, scenes: Scenes) -> Float[ndarray, " scene"]:
        return np.sum([term.values(scenes) for term in self.terms], axis=0)


AnyFormula = Annotated[
    AngleBetween
    | AngleAt
    | NoseDownTurn
    | Cobb
    | PosteriorTangent
    | AngleToHorizontal
    | AngleToVertical
    | Distance
    | Translation
    | DistanceToLine
    | SideOfLine
    | PolylineLength
    | PolylineDepth
    | FarthestAlong
    | ArcHeight
    | CircleDiameter
    | Roundness
    | SpineCobb
    | Ratio
    | Sum,
    Field(discriminator="kind"),
]

FORMULAS: dict[str, type[Formula]] = {
    "angle_between": AngleBetween,
    "angle_at": AngleAt,
    "nose_down_turn": NoseDownTurn,
    "cobb": Cobb,
    "posterior_tangent": PosteriorTangent,
    "angle_to_horizontal": AngleToHorizontal,
    "angle_to_vertical": AngleToVertical,
    "distance": Distance,
    "translation": Translation,
    "distance_to_line": DistanceToLine,
    "side_of_line": SideOfLine,
    "polyline_length": PolylineLength,
    "polyline_depth": PolylineDepth,
    "farthest_along": FarthestAlong,
    "arc_height": ArcHeight,
    "circle_diameter": CircleDiameter,
    "roundness": Roundness,
    "spine_cobb": SpineCobb,
    "ratio": Ratio,
    "sum": Sum,
}

Ratio.model_rebuild()
Sum.model_rebuild()
