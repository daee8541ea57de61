"""The outlines of a protocol: which landmarks lie along one curve, in their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from palpate.errors import ConfigError
from palpate.suggest import did_you_mean


class OutlineTable(BaseModel):
    """An ``[[outline]]`` of a protocol file.

    Args:
        title: for people.
        landmarks: in their order along the curve.
        all: all landmarks of the scheme, in its order, instead of a list.
        closed: the last is joined with the first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Annotated[str, Field(min_length=1)]
    landmarks: tuple[str, ...] = ()
    all: bool = False
    closed: bool = False


@dataclass(frozen=True, slots=True)
class ProtocolOutline:
    """A curve that landmarks mark, such as the edge of a bone.

    Args:
        title: for people; unique in a protocol.
        landmarks: two or more, each once, in their order along the curve.
        closed: the last is joined with the first.
    """

    title: str
    landmarks: tuple[str, ...]
    closed: bool


def outlines_of(
    tables: Sequence[OutlineTable], names: tuple[str, ...], *, where: str
) -> tuple[ProtocolOutline, ...]:
    """Check the outlines of a file against its landmarks; ``where`` begins every message.

    Raises:
        ConfigError: a landmark that the scheme does not have, one twice, fewer than two, both or
            neither of a list and ``all``, two outlines of one title.

    Example:
        >>> table = OutlineTable(title="edge", all=True)
        >>> outlines_of([table], ("a", "b"), where="x.toml")[0].landmarks
        ('a', 'b')
    """
    titles = [table.title for table in tables]
    for title in titles:
        if titles.count(title) > 1:
            raise ConfigError(f"{where}: two outlines are called {title!r}")
    return tuple(_outline(table, names, f"{where}: outline {table.title!r}") for table in tables)


def _outline(table: OutlineTable, names: tuple[str, ...], place: str) -> ProtocolOutline:
    if table.all == bool(table.landmarks):
        raise ConfigError(f"{place} needs landmarks = [...] in their order, or all = true")
    along = names if table.all else table.landmarks
    for name in along:
        if name not in names:
            raise ConfigError(
                f"{place} uses landmark {name!r}, which the scheme does not have"
                + did_you_mean(name, names)
            )
        if along.count(name) > 1:
            raise ConfigError(
                f"{place} names landmark {name!r} twice; a curve that comes back to its start is "
                "written closed = true"
            )
    if len(along) < 2:
        raise ConfigError(f"{place} goes through two or more landmarks, got {len(along)}")
    return ProtocolOutline(table.title, along, table.closed)
