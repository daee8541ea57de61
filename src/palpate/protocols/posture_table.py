"""The ``[posture]`` table of a protocol file: what is told of a posture over many frames."""

from collections.abc import Mapping
from string import Formatter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from palpate.errors import ConfigError
from palpate.protocols.formula import AngleToVertical, Formula
from palpate.suggest import did_you_mean

Side = Literal["right", "left"]
Positive = Annotated[float, Field(gt=0.0)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]

# What each sentence may speak of.
PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "demonstrated": frozenset({"level", "segments", "threshold", "longest", "start", "hold"}),
    "not_demonstrated": frozenset({"level", "segments", "threshold", "longest", "hold"}),
    "unknown": frozenset({"unknown", "frames"}),
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ContactRule(_Strict):
    """When a point of the arm counts as in contact with a support.

    Args:
        point: the landmark that is judged; the rule is named after it.
        side: where it lies then: ``behind``, towards the child's back, or ``below``.
        of: the landmark that it is compared with.
    """

    point: str
    side: Literal["behind", "below"]
    of: str


class Level(_Strict):
    """A level of the test: where the hands hold, and what is free above them.

    Args:
        name: of the control that is tested, as recordings are labelled.
        support: where the therapist holds.
        segments: that the child must control, those above the hands.
    """

    name: Annotated[str, Field(min_length=1)]
    support: str
    segments: Names


class Wording(_Strict):
    """What a report says of control; ``{name}`` stands for a value of :data:`PLACEHOLDERS`."""

    demonstrated: str
    not_demonstrated: str
    unknown: str

    @model_validator(mode="after")
    def _placeholders(self) -> "Wording":
        for key, allowed in PLACEHOLDERS.items():
            for _, name, _, _ in Formatter().parse(getattr(self, key)):
                if name is not None and name not in allowed:
                    raise ValueError(
                        f"{key} speaks of {{{name}}}; it may speak of {', '.join(sorted(allowed))}"
                    )
        return self


class PostureTable(_Strict):
    """How segments are judged over time.

    Args:
        segments: quantities of the protocol, in the order of every segment axis.
        groups: name -> segments that are reported together.
        headline: the group that one figure is given for where only one is.
        threshold_deg: a segment that deviates by more from the reference is misaligned.
        sweep_deg: first and last of the whole degrees that thresholds are swept over.
        reference: ``mean`` of the child's frames, or a marked ``neutral`` frame.
        facing: which side of the image the child faces where the study does not say.
        hold_s: how long control must last to be demonstrated.
        bridge_s: gaps shorter than this do not end it.
        contact: rules of contact of the arm.
        level: levels of the test, from the head down.
        wording: of the report.
    """

    segments: Names
    groups: dict[str, Names]
    headline: str
    threshold_deg: Positive
    sweep_deg: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(le=180)]]
    reference: Literal["mean", "neutral"] = "mean"
    facing: Side = "right"
    hold_s: Annotated[float, Field(ge=0.0)]
    bridge_s: Annotated[float, Field(ge=0.0)]
    contact: Annotated[tuple[ContactRule, ...], Field(min_length=1)]
    level: Annotated[tuple[Level, ...], Field(min_length=1)]
    wording: Wording

    @field_validator("sweep_deg")
    @classmethod
    def _rises(cls, sweep: tuple[int, int]) -> tuple[int, int]:
        if sweep[0] > sweep[1]:
            raise ValueError("a sweep of thresholds ends before it begins")
        return sweep

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Every threshold of the sweep, in degrees."""
        return tuple(float(degrees) for degrees in range(self.sweep_deg[0], self.sweep_deg[1] + 1))

    def columns(self, names: tuple[str, ...]) -> list[int]:
        """Return the places of some segments on the segment axis.

        Raises:
            ConfigError: one is not a segment of the protocol.
        """
        for name in names:
            if name not in self.segments:
                raise ConfigError(
                    f"there is no segment {name!r}" + did_you_mean(name, self.segments)
                )
        return [self.segments.index(name) for name in names]

    def level_named(self, name: str) -> Level:
        """Return a level of the test.

        Raises:
            ConfigError: there is none of that name.
        """
        for level in self.level:
            if level.name == name:
                return level
        known = [level.name for level in self.level]
        raise ConfigError(
            f"there is no level {name!r}; known are {', '.join(known)}" + did_you_mean(name, known)
        )


def check_posture(
    table: PostureTable,
    formulas: Mapping[str, Formula],
    landmarks: tuple[str, ...],
    *,
    where: str,
) -> None:
    """Refuse a posture table that does not fit the rest of its file.

    Raises:
        ConfigError: a segment is no quantity or not a lean with the front positive, a group or
            level names what is not a segment, a rule names an unknown landmark, a name is double.
    """
    place = f"{where}: [posture]"
    for name in table.segments:
        if name not in formulas:
            raise ConfigError(
                f"{place} names segment {name!r}, and no quantity is called so"
                + did_you_mean(name, formulas)
            )
        formula = formulas[name]
        if not isinstance(formula, AngleToVertical) or formula.positive != "top_forwards":
            raise ConfigError(
                f"{place}: segment {name!r} must be of kind angle_to_vertical with "
                "positive = 'top_forwards', so that all segments have one sign"
            )
    named = {"the list of segments": table.segments}
    named.update({f"group {name!r}": members for name, members in table.groups.items()})
    named.update({f"level {level.name!r}": level.segments for level in table.level})
    for what, members in named.items():
        _known_once(members, table.segments, f"{place}: {what} has segment")
    _known_once((table.headline,), tuple(table.groups), f"{place}: headline names group")
    _known_once(tuple(rule.point for rule in table.contact), landmarks, f"{place}: contact of")
    for rule in table.contact:
        _known_once((rule.of,), landmarks, f"{place}: contact is compared with")
    levels = tuple(level.name for level in table.level)
    _known_once(levels, levels, f"{place}: level")
    clash = sorted(set(table.groups) & set(table.segments))
    if clash:
        raise ConfigError(f"{place}: {clash[0]!r} is a group and a segment; rename the group")


def _known_once(names: tuple[str, ...], known: tuple[str, ...], what: str) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(f"{what} {name!r}, which is not known" + did_you_mean(name, known))
        if names.count(name) > 1:
            raise ConfigError(f"{what} {name!r} twice")
