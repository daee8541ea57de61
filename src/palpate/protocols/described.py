"""The landmarks of a protocol in words: where exactly an annotator puts each of them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from palpate.errors import ConfigError
from palpate.suggest import did_you_mean


class LandmarkTable(BaseModel):
    """A ``[[landmark]]`` of a protocol file.

    Args:
        name: of a landmark of the scheme.
        title: as a page shows it.
        description: one or two sentences that tell where exactly it is put.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1)]
    title: Annotated[str, Field(min_length=1)]
    description: Annotated[str, Field(min_length=1)]


def described(
    tables: Sequence[LandmarkTable], names: tuple[str, ...], *, where: str
) -> Mapping[str, LandmarkTable]:
    """Landmark -> what the file says of it, in the scheme's order; ``where`` begins a message.

    A landmark that the file does not describe is left out.

    Raises:
        ConfigError: a landmark that the scheme does not have, one twice, two of one title.

    Example:
        >>> nose = LandmarkTable(name="nose", title="Tip of the nose", description="Foremost.")
        >>> described([nose], ("ear", "nose"), where="x.toml")["nose"].title
        'Tip of the nose'
    """
    found: dict[str, LandmarkTable] = {}
    for table in tables:
        if table.name not in names:
            raise ConfigError(
                f"{where}: a [[landmark]] table describes {table.name!r}, which the scheme does "
                "not have" + did_you_mean(table.name, names)
            )
        if table.name in found:
            raise ConfigError(f"{where}: landmark {table.name!r} is described twice")
        found[table.name] = table
    titles = [table.title for table in tables]
    for title in titles:
        if titles.count(title) > 1:
            raise ConfigError(f"{where}: two landmarks have the title {title!r}")
    return MappingProxyType({name: found[name] for name in names if name in found})


def plain_title(name: str) -> str:
    """Return a readable name where the file gives none.

    Example:
        >>> plain_title("C2_anterior_superior")
        'C2 anterior superior'
    """
    return name.replace("_", " ")
