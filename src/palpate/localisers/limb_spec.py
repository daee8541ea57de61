"""Everything but the weights that a localiser of limbs needs to read a clip."""

import json
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Literal

from palpate.codecs.limb_maps import LimbMaps
from palpate.errors import ConfigError
from palpate.localisers.spec import scheme_from_json, scheme_to_json
from palpate.scheme import LandmarkScheme

LIMBS = "limbs"
_VERSION = 1

Target = Literal["masks", "bumps", "sharp"]


@dataclass(frozen=True, slots=True)
class MapNetwork:
    """A network of the chain: its name in ``CLIP_NETWORKS``, and what multiplies its channels."""

    name: str
    width: float = 1.0

    def __post_init__(self) -> None:
        if not (isfinite(self.width) and self.width > 0):
            raise ConfigError(f"a network's width is a positive number, got {self.width}")


@dataclass(frozen=True, slots=True)
class LimbSpec:
    """Input, maps and calibration of a localiser of limbs.

    Args:
        name: recipe and study it was made from.
        scheme: the joints; its edges are the connections.
        networks: in the order of the chain; each later one sees the maps of the one before.
        grid: size (x, y) of the input.
        frames: of a clip.
        interval_s: from one frame to the next, as in training; 0 where that is not known.
        channels: ``depth``, where 0 is a hole, or ``grey``.
        span: what centred values are divided by: their standard deviation in training.
        stride: pixels of the grid in a cell of the maps.
        scale: what the last network puts out: ``logit`` or ``intensity``.
        radius_px: of the discs and rectangles, in pixels of the grid.
        variance_factor: multiplies every covariance so that it holds on held-out subjects; None
            while no subject was held out for it.
        protocol: of the study it was trained on; may be empty.

    Raises:
        ConfigError: values against the above.
    """

    name: str
    scheme: LandmarkScheme
    networks: tuple[MapNetwork, ...]
    grid: tuple[int, int]
    frames: int
    interval_s: float
    channels: Literal["depth", "grey"]
    span: float
    stride: int
    scale: Literal["logit", "intensity"]
    radius_px: float = 6.0
    variance_factor: float | None = None
    protocol: str = ""

    def __post_init__(self) -> None:
        if len(self.networks) not in (1, 2):
            raise ConfigError(f"a chain has one network or two, got {len(self.networks)}")
        if self.frames < 1 or min(self.grid) < 1 or self.stride < 1:
            raise ConfigError(
                f"frames, grid and stride are at least 1, got {self.frames}, {self.grid} and "
                f"{self.stride}"
            )
        if not (isfinite(self.span) and self.span > 0):
            raise ConfigError(f"the span of values is a positive number, got {self.span}")
        if not (isfinite(self.interval_s) and self.interval_s >= 0):
            raise ConfigError(f"the interval between frames is a time in s, got {self.interval_s}")
        if self.channels not in ("depth", "grey") or self.scale not in ("logit", "intensity"):
            raise ConfigError(f"unknown channels or scale: {self.channels!r}, {self.scale!r}")

    @property
    def maps(self) -> LimbMaps:
        """The maps that the last network puts out."""
        return LimbMaps(self.grid, self.scheme, radius_px=self.radius_px, stride=self.stride)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        values = {**asdict(self), "scheme": scheme_to_json(self.scheme)}
        return {"palpate_localiser": _VERSION, "method": LIMBS, **values}

    @classmethod
    def from_json(cls, values: dict[str, Any], *, where: str) -> "LimbSpec":
        """Read what ``to_json`` wrote.

        Raises:
            ConfigError: ``where`` is no such localiser of this version.
        """
        values = dict(values)
        version, method = values.pop("palpate_localiser", None), values.pop("method", None)
        if version != _VERSION or method != LIMBS:
            raise ConfigError(
                f"{where}: not a localiser of limbs of version {_VERSION} "
                f"(found {method!r}, {version!r})"
            )
        try:
            across, down = values.pop("grid")
            networks = tuple(MapNetwork(**network) for network in values.pop("networks"))
            scheme = scheme_from_json(values.pop("scheme"))
            return cls(scheme=scheme, networks=networks, grid=(across, down), **values)
        except (KeyError, TypeError, ValueError, ConfigError) as error:
            raise ConfigError(
                f"{where}: the localiser's description is damaged: {error}"
            ) from error

    def dumps(self) -> str:
        """Return one line of JSON, for the metadata of an exported model."""
        return json.dumps(self.to_json())
