"""Networks for clips: several frames in, the maps of all of them out.

To add one: write the module in a file of its own here, and a row in ``CLIP_NETWORKS``. The
contract tests run over every row, as they do over ``NETWORKS``.
"""

from palpate.errors import ConfigError
from palpate.networks import infant_detection, infant_light, infant_regression
from palpate.networks.clip_spec import ClipNetworkSpec
from palpate.suggest import did_you_mean

__all__ = ["CLIP_NETWORKS", "ClipNetworkSpec", "find_clip_network"]

_MOCCIA = "Moccia et al., IEEE TBME 67(8):2370, 2020"
_MIGLIORELLI = "Migliorelli et al., EMBC 2021"

CLIP_NETWORKS: dict[str, ClipNetworkSpec] = {
    "infant-detection": ClipNetworkSpec(
        build=infant_detection.InfantDetection,
        stride=1,
        multiple=infant_detection.MULTIPLE,
        source=_MOCCIA,
    ),
    "infant-regression": ClipNetworkSpec(
        build=infant_regression.regression,
        stride=1,
        multiple=infant_regression.MULTIPLE,
        source=f"{_MOCCIA}; {_MIGLIORELLI}",
    ),
    "infant-regression-asym": ClipNetworkSpec(
        build=infant_regression.asymmetric_regression,
        stride=1,
        multiple=infant_regression.MULTIPLE,
        source=f"{_MIGLIORELLI}, table I",
    ),
    "infant-light": ClipNetworkSpec(
        build=infant_light.InfantLight,
        stride=infant_light.STRIDE,
        multiple=infant_light.MULTIPLE,
        source="our own design: one network at the rate of a camera on two processor cores",
    ),
}


def find_clip_network(name: str) -> ClipNetworkSpec:
    """The row of that name.

    Raises:
        ConfigError: there is no such network for clips; says the nearest name.

    Example:
        >>> find_clip_network("infant-ligth")
        Traceback (most recent call last):
        ...
        palpate.errors.ConfigError: no network for clips 'infant-ligth'; did you mean \
'infant-light'?
    """
    if name not in CLIP_NETWORKS:
        raise ConfigError(f"no network for clips {name!r}{did_you_mean(name, CLIP_NETWORKS)}")
    return CLIP_NETWORKS[name]
