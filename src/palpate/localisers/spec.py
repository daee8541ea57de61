"""Everything but the weights that a network localiser needs to read an image."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from palpate.codecs import CoordinateCodec, DisplacementCodec, HeatmapCodec
from palpate.errors import ConfigError
from palpate.scheme import LandmarkScheme

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Views:
    """How many slightly turned and scaled views of an image are averaged; the first is plain."""

    count: int = 1
    rotation_deg: float = 4.0
    scale: float = 0.05
    both_orders: bool = False


@dataclass(frozen=True, slots=True)
class LocaliserSpec:
    """Input, codec and calibration of a network localiser.

    Args:
        name: recipe and study it was made from.
        scheme: the landmarks.
        network: its name in ``NETWORKS``.
        grid: size (x, y) of the input.
        channels, mirrored_channels: names in ``CHANNELS``; the second where the input is mirrored.
        output: ``heatmap``, ``coordinates`` or ``displacement``.
        stride, sigma_cells, scale: of the heatmap codec.
        sigma_cells, reach_px, smooth_px, weigh_votes: of the displacement codec, whose cells are
            pixels of the grid.
        views: averaged when predicting.
        variance_factor: multiplies every covariance so that it holds on held-out subjects; None
            while no subject was held out for it.
        protocol: of the study it was trained on; may be empty.
    """

    name: str
    scheme: LandmarkScheme
    network: str
    grid: tuple[int, int]
    channels: str
    output: Literal["heatmap", "coordinates", "displacement"]
    mirrored_channels: str | None = None
    stride: int = 4
    sigma_cells: float = 1.5
    scale: Literal["logit", "intensity"] = "logit"
    reach_px: float = 20.0
    smooth_px: float = 4.0
    weigh_votes: bool = False
    views: Views = Views()
    variance_factor: float | None = None
    protocol: str = ""

    @property
    def codec(self) -> HeatmapCodec | CoordinateCodec | DisplacementCodec:
        """The codec that encodes its targets and decodes its outputs."""
        if self.output == "coordinates":
            return CoordinateCodec(self.grid)
        if self.output == "displacement":
            return DisplacementCodec(
                self.grid,
                sigma_px=self.sigma_cells,
                reach_px=self.reach_px,
                smooth_px=self.smooth_px,
                weigh_votes=self.weigh_votes,
            )
        return HeatmapCodec(
            self.grid, stride=self.stride, sigma_cells=self.sigma_cells, scale=self.scale
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        values = {**asdict(self), "scheme": scheme_to_json(self.scheme)}
        return {"palpate_localiser": _VERSION, **values}

    @classmethod
    def from_json(cls, values: dict[str, Any], *, where: str) -> "LocaliserSpec":
        """Read what ``to_json`` wrote.

        Raises:
            ConfigError: ``where`` is no localiser of this version.
        """
        values = dict(values)
        version = values.pop("palpate_localiser", None)
        if version != _VERSION:
            raise ConfigError(
                f"{where}: not a palpate localiser of version {_VERSION} (found {version!r})"
            )
        method = values.pop("method", "network")
        if method != "network":
            raise ConfigError(f"{where}: a network is needed here, and this run is a {method}")
        try:
            scheme = scheme_from_json(values.pop("scheme"))
            values["grid"] = tuple(values["grid"])
            values["views"] = Views(**values["views"])
            return cls(scheme=scheme, **values)
        except (KeyError, TypeError) as error:
            raise ConfigError(
                f"{where}: the localiser's description is damaged: {error}"
            ) from error

    def dumps(self) -> str:
        """Return one line of JSON, for the metadata of an exported model."""
        return json.dumps(self.to_json())


def scheme_to_json(scheme: LandmarkScheme) -> dict[str, Any]:
    """Return a scheme as plain values for a JSON file."""
    values = asdict(scheme)
    values.pop("_index")
    return values


def scheme_from_json(values: dict[str, Any]) -> LandmarkScheme:
    """Read what :func:`scheme_to_json` wrote.

    Raises:
        KeyError, TypeError: it is something else.

    Example:
        >>> scheme_from_json(scheme_to_json(LandmarkScheme("one", ("tip",)))).names
        ('tip',)
    """
    listed = {
        key: tuple(tuple(v) if isinstance(v, list) else v for v in values[key])
        for key in ("names", "mirror", "edges")
    }
    return LandmarkScheme(**{**values, **listed})
