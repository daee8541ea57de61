"""A clinical protocol: its landmarks, its quantities, their signs, sources and examples."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from palpate.errors import ConfigError, SchemeError
from palpate.measurement import NormalRange, Unit
from palpate.protocols.classes import Classes
from palpate.protocols.described import LandmarkTable, described, plain_title
from palpate.protocols.facing import Facing
from palpate.protocols.formula import AnyFormula, Gives
from palpate.protocols.outline import OutlineTable, ProtocolOutline, outlines_of
from palpate.protocols.posture_table import PostureTable, check_posture
from palpate.protocols.problems import explained
from palpate.protocols.template import expanded
from palpate.scheme import LandmarkScheme
from palpate.suggest import did_you_mean

Pair = tuple[str, str]
Position = tuple[float, float]
Positive = Annotated[float, Field(gt=0.0)]

# What each kind of number may be given in.
UNITS: Mapping[Gives, tuple[Unit, ...]] = MappingProxyType(
    {"angle": ("deg",), "length": ("mm", "px"), "ratio": ("%", "1"), "side": ("1",)}
)

PROTOCOLS: dict[str, Traversable] = {
    name: files("palpate.protocols") / f"{name}.toml"
    for name in ("cervical", "cephalogram", "spine-cobb", "proximal-femur", "satco")
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SchemeTable(_Strict):
    """The landmarks of a protocol file."""

    landmarks: tuple[str, ...]
    mirror: tuple[Pair, ...] = ()
    edges: tuple[Pair, ...] = ()


class NormalTable(_Strict):
    """What is usual, and who says so ('typical' where nobody is cited)."""

    low: float
    high: float
    source: Annotated[str, Field(min_length=1)]


class Convention(_Strict):
    """A sign convention that may be turned round."""

    default: str
    flipped: str


class Example(_Strict):
    """A case small enough to work out by hand, with the answer.

    Args:
        points: name -> (x, y) in px, or the name of one of the file's drawings.
        value: the answer, in the quantity's unit.
        because: how it is worked out.
        spacing_mm: of a pixel along (x, y); needed for mm.
        size: (width, height) of the film in px, where the formula asks for it.
    """

    points: str | dict[str, tuple[float, float]]
    value: float
    because: str
    spacing_mm: tuple[Positive, Positive] | None = None
    size: tuple[int, int] | None = None


class Quantity(_Strict):
    """One thing that is measured.

    Args:
        name: as the report names it.
        unit: deg, mm, px, % or 1.
        formula: one of the kinds of :mod:`palpate.protocols.formula`.
        meaning: in a clinician's words.
        sign: what a positive value means; 'unsigned' where there is no sign.
        source: who defined it.
        example: worked by hand; tested.
        convention: name of the sign convention that may turn it round.
        normal: usual range.
        classes: names for parts of the range, with the limits between them.
        group: heading or segment it is reported under.
    """

    name: Annotated[str, Field(min_length=1)]
    unit: Unit
    formula: AnyFormula
    meaning: str
    sign: str
    source: str
    example: Example
    convention: str = ""
    normal: NormalTable | None = None
    classes: Classes | None = None
    group: str = ""

    def needs(self) -> tuple[str, ...]:
        """Landmarks that it is computed from."""
        return self.formula.needs()

    @property
    def defined(self) -> str:
        """Short hash of how it is computed: what held-out errors of it are known by."""
        text = f"{self.unit} {self.formula.model_dump_json()}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def factor(self) -> float:
        """What the formula's number is multiplied by for the unit: 100 for a ratio in %."""
        return 100.0 if self.unit == "%" else 1.0


class ProtocolFile(_Strict):
    """The keys of a protocol file, after its repeated quantities were written out."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    version: str
    title: str
    source: str
    scheme: SchemeTable
    quantity: Annotated[tuple[Quantity, ...], Field(min_length=1)]
    normaliser: Pair | None = None
    references: Pair | None = None
    facing: Facing | None = None
    conventions: dict[str, Convention] = {}
    drawings: dict[str, dict[str, tuple[float, float]]] = {}
    posture: PostureTable | None = None
    outline: tuple[OutlineTable, ...] = ()
    landmark: tuple[LandmarkTable, ...] = ()
    layout: str | None = None


@dataclass(frozen=True, slots=True)
class Protocol:
    """What is measured on one kind of image.

    Args:
        name: and ``version`` are printed with every number.
        version: changes whenever a number may.
        title: for people.
        scheme: the landmarks, in the order that a new study should use.
        quantities: in the order of the report.
        source: of the protocol as a whole.
        normaliser: two landmarks whose distance normalises errors; None where there is none.
        facing: how the patient's front is told; None where no quantity asks.
        conventions: name -> what its signs mean.
        drawings: point sets that several worked examples share.
        posture: what is told of a posture over many frames; None where nothing is.
        flipped: conventions that were turned round.
        references: two landmarks that tell place, scale and turn of the anatomy, for a search in
            two stages; None where none are named.
        outlines: curves that landmarks mark; errors are also told as distances from these.
        described: landmark -> its title and where it is put; some or all may be left out.
        layout: name of the drawing that pictures of the landmarks are made from; it holds every
            landmark. None where the file has none.
    """

    name: str
    version: str
    title: str
    scheme: LandmarkScheme
    quantities: tuple[Quantity, ...]
    source: str
    normaliser: Pair | None
    facing: Facing | None
    conventions: Mapping[str, Convention]
    drawings: Mapping[str, Mapping[str, Position]]
    posture: PostureTable | None = None
    flipped: frozenset[str] = frozenset()
    references: Pair | None = None
    outlines: tuple[ProtocolOutline, ...] = ()
    described: Mapping[str, LandmarkTable] = field(default_factory=lambda: MappingProxyType({}))
    layout: str | None = None

    @property
    def label(self) -> str:
        """Name and version, as every measurement carries them."""
        return f"{self.name} {self.version}"

    def title_of(self, landmark: str) -> str:
        """Readable name of a landmark."""
        table = self.described.get(landmark)
        return plain_title(landmark) if table is None else table.title

    def description_of(self, landmark: str) -> str:
        """Where a landmark is put, in words; empty where the file does not say."""
        table = self.described.get(landmark)
        return "" if table is None else table.description

    def quantity(self, name: str) -> Quantity:
        """Return a quantity by name.

        Raises:
            ConfigError: there is none of that name.
        """
        for quantity in self.quantities:
            if quantity.name == name:
                return quantity
        known = [quantity.name for quantity in self.quantities]
        raise ConfigError(
            f"protocol {self.name!r} measures no {name!r}" + did_you_mean(name, known)
        )

    def flip(self, convention: str) -> "Protocol":
        """Turn the signs of one convention round, with their normal ranges.

        Raises:
            ConfigError: the protocol has no such convention.

        Example:
            >>> read_protocol("cervical").flip("lordosis").sense(
            ...     read_protocol("cervical").quantity("Cobb C2-C7"))
            -1.0
        """
        if convention not in self.conventions:
            raise ConfigError(
                f"protocol {self.name!r} has no sign convention {convention!r}"
                + did_you_mean(convention, self.conventions)
            )
        return replace(self, flipped=self.flipped ^ {convention})

    def sense(self, quantity: Quantity) -> float:
        """-1 where the quantity's sign is turned round, else +1."""
        return -1.0 if quantity.convention in self.flipped else 1.0

    def sign(self, quantity: Quantity) -> str:
        """What a positive value means, as the conventions stand."""
        if quantity.convention in self.flipped:
            return self.conventions[quantity.convention].flipped
        return quantity.sign

    def normal(self, quantity: Quantity) -> NormalRange | None:
        """Usual range, with the signs as the conventions stand."""
        if quantity.normal is None:
            return None
        ends = sorted(
            self.sense(quantity) * end for end in (quantity.normal.low, quantity.normal.high)
        )
        return NormalRange(ends[0], ends[1], quantity.normal.source)

    def example_points(self, quantity: Quantity) -> Mapping[str, Position]:
        """Points of the worked example, by name."""
        points = quantity.example.points
        return self.drawings[points] if isinstance(points, str) else points


def read_protocol(name_or_path: str) -> Protocol:
    """Read a shipped protocol by name, or a protocol file by its path.

    Raises:
        ConfigError: no such protocol, a key that is not known or missing, a landmark that is
            not in the scheme or described twice, a unit that does not suit the formula.

    Example:
        >>> len(read_protocol("cervical").scheme)
        29
    """
    text = protocol_text(name_or_path)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name_or_path}: not a TOML file: {error}") from error
    return protocol_from_table(raw, where=name_or_path)


def protocol_text(name_or_path: str) -> str:
    """Return the file of a protocol as it stands.

    Raises:
        ConfigError: there is no such protocol or file, or it is not text.
    """
    place = PROTOCOLS.get(name_or_path) or Path(name_or_path)
    if isinstance(place, Path) and not place.is_file():
        raise ConfigError(
            f"there is no protocol and no file {name_or_path!r}"
            + did_you_mean(name_or_path, PROTOCOLS)
        )
    try:
        return place.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name_or_path}: not a text file in UTF-8: {error.reason}") from error
    except OSError as error:
        raise ConfigError(f"{name_or_path}: cannot be read: {error.strerror}") from error


def protocol_from_table(raw: Mapping[str, Any], *, where: str) -> Protocol:
    """Check the content of a protocol file; ``where`` begins every message.

    Raises:
        ConfigError: as :func:`read_protocol`.
    """
    table = expanded(raw, where=where)
    try:
        # Through JSON, where a list is a tuple but text is never a number.
        file = ProtocolFile.model_validate_json(json.dumps(table, allow_nan=False), strict=True)
    except ValidationError as error:
        raise ConfigError(explained(error, ProtocolFile, table, where=where)) from error
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: a value is neither text, number nor list: {error}") from error
    try:
        scheme = LandmarkScheme(
            file.name, file.scheme.landmarks, file.scheme.mirror, file.scheme.edges
        )
    except SchemeError as error:
        raise ConfigError(f"{where}: {error}") from error
    _check_names(file, scheme, where)
    for quantity in file.quantity:
        _check_quantity(file, quantity, where)
    if file.posture is not None:
        formulas = {quantity.name: quantity.formula for quantity in file.quantity}
        check_posture(file.posture, formulas, scheme.names, where=where)
    return Protocol(
        file.name,
        file.version,
        file.title,
        scheme,
        file.quantity,
        file.source,
        file.normaliser,
        file.facing,
        MappingProxyType(file.conventions),
        MappingProxyType(file.drawings),
        file.posture,
        references=file.references,
        outlines=outlines_of(file.outline, scheme.names, where=where),
        described=described(file.landmark, scheme.names, where=where),
        layout=_layout(file, scheme, where),
    )


def _layout(file: ProtocolFile, scheme: LandmarkScheme, where: str) -> str | None:
    """Refuse a layout that is no drawing, or one that leaves a landmark out."""
    if file.layout is None:
        return None
    if file.layout not in file.drawings:
        raise ConfigError(
            f"{where}: the layout is drawing {file.layout!r}, and there is no "
            f"[drawings.{file.layout}]" + did_you_mean(file.layout, file.drawings)
        )
    missing = [name for name in scheme.names if name not in file.drawings[file.layout]]
    if missing:
        raise ConfigError(
            f"{where}: the layout holds every landmark; drawing {file.layout!r} has no "
            f"{missing[0]!r}" + (f" and {len(missing) - 1} more not" if missing[1:] else "")
        )
    return file.layout


def _check_names(file: ProtocolFile, scheme: LandmarkScheme, where: str) -> None:
    """Refuse a landmark that is not in the scheme, and two quantities of one name."""
    named: dict[str, tuple[str, ...]] = {
        "the normaliser": file.normaliser or (),
        "the list of references": file.references or (),
    }
    if file.facing is not None:
        pairs = (*file.facing.front_back, *file.facing.top_bottom)
        named["the facing rule"] = tuple(name for pair in pairs for name in pair)
    for drawing, points in file.drawings.items():
        named[f"drawing {drawing!r}"] = tuple(points)
    for quantity in file.quantity:
        named[f"quantity {quantity.name!r}"] = quantity.needs()
        if not isinstance(quantity.example.points, str):
            named[f"the example of {quantity.name!r}"] = tuple(quantity.example.points)
    for place, names in named.items():
        for name in names:
            if name not in scheme.names:
                raise ConfigError(
                    f"{where}: {place} uses landmark {name!r}, which the scheme does not have"
                    + did_you_mean(name, scheme.names)
                )
    titles = [quantity.name for quantity in file.quantity]
    for name in titles:
        if titles.count(name) > 1:
            raise ConfigError(f"{where}: two quantities are called {name!r}")


def _check_quantity(file: ProtocolFile, quantity: Quantity, where: str) -> None:
    """Refuse what does not fit together inside one quantity."""
    place = f"{where}: quantity {quantity.name!r}"
    units = UNITS[quantity.formula.gives]
    if quantity.unit not in units:
        raise ConfigError(
            f"{place}: its formula gives {quantity.formula.gives}, in {' or '.join(units)}, "
            f"not in {quantity.unit}"
        )
    if quantity.formula.needs_facing() and file.facing is None:
        raise ConfigError(f"{place}: its sign follows the patient's front; add a [facing] table")
    if quantity.convention and quantity.convention not in file.conventions:
        raise ConfigError(
            f"{place}: no [conventions.{quantity.convention}] table"
            + did_you_mean(quantity.convention, file.conventions)
        )
    points = quantity.example.points
    if isinstance(points, str) and points not in file.drawings:
        raise ConfigError(f"{place}: no drawing {points!r}" + did_you_mean(points, file.drawings))
    if quantity.normal is not None and quantity.normal.low > quantity.normal.high:
        raise ConfigError(f"{place}: the normal range ends before it begins")
    _check_classes(quantity, place)
    if quantity.unit == "mm" and quantity.example.spacing_mm is None:
        raise ConfigError(f"{place}: an example in mm needs spacing_mm")


def _check_classes(quantity: Quantity, place: str) -> None:
    """Refuse classes that no value could ever be in."""
    if quantity.classes is None:
        return
    if quantity.formula.gives == "side":
        raise ConfigError(f"{place}: a side is +1 or -1; classes need a range of values")
    low, high = (quantity.factor * end for end in quantity.formula.bounds)
    outside = [limit for limit in quantity.classes.limits if not low < limit < high]
    if outside:
        raise ConfigError(
            f"{place}: its values are from {low:g} to {high:g} {quantity.unit}, so no class can "
            f"end at {outside[0]:g}"
        )
