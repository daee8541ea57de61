"""What a user wishes of clips, from words to values."""

from typing import TYPE_CHECKING

from palpate.errors import ConfigError
from palpate.protocols.posture_table import Side
from palpate.suggest import did_you_mean

if TYPE_CHECKING:
    from palpate.sequences.smooth import Method
    from palpate.study_settings import Region


def chosen_region(text: str | None) -> "Region | None":
    """Read ``X,Y,WIDTH,HEIGHT``.

    Raises:
        ConfigError: not four whole numbers.
    """
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise ConfigError(
            f"--region needs X,Y,WIDTH,HEIGHT in px, such as 120,40,380,380; got {text!r}"
        )
    x, y, width, height = (int(part) for part in parts)
    return x, y, width, height


def chosen_facing(text: str | None) -> Side | None:
    """Read a side of the image.

    Raises:
        ConfigError: neither side.
    """
    if text is None:
        return None
    if text == "right":
        return "right"
    if text == "left":
        return "left"
    raise ConfigError(f"--facing is right or left, got {text!r}")


def chosen_smoothing(name: str | None) -> "Method | None":
    """Read the name of a way of smoothing, at its usual settings.

    Raises:
        ConfigError: there is none of that name.
    """
    from palpate.sequences.one_euro import OneEuro
    from palpate.sequences.rts import Rts

    ways: dict[str, Method] = {"one-euro": OneEuro(), "rts": Rts()}
    if name is None:
        return None
    if name not in ways:
        raise ConfigError(f"there is no smoothing {name!r}{did_you_mean(name, ways)}")
    return ways[name]
