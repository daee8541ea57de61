"""Networks: modules that know no landmarks, no files and no losses.

To add one: write the module in a file of its own here, and a row in ``NETWORKS``. The
contract tests run over every row: the answer has the promised shape, a wrong size is
refused with the right one, every weight gets a gradient, and a saved state is read
back. If a paper gives a parameter count, add it to ``tests/test_networks.py``.
"""

from torch import nn

from palpate.errors import ConfigError
from palpate.networks import average_unet, mobilenet, posenet, resnet
from palpate.networks.average_unet import LIGHT_WIDTHS, PUBLISHED_WIDTHS, AverageUNet, Planes
from palpate.networks.coordinate_head import CoordinateHead
from palpate.networks.count import (
    flops_tensorflow,
    multiply_accumulates,
    parameters,
    parameters_keras,
)
from palpate.networks.heatmap_head import HeatmapHead
from palpate.networks.layers import SizeGate, start_as_keras
from palpate.networks.mobilenet import MobileNetV2
from palpate.networks.posenet import PoseNet
from palpate.networks.resnet import ResNet50
from palpate.networks.satco import SIDE, satco_learned, satco_max, satco_mean
from palpate.networks.satco_light import SatcoLight
from palpate.networks.spec import NetworkBuilder, NetworkSpec
from palpate.networks.unet import UNet
from palpate.suggest import did_you_mean

__all__ = [
    "NETWORKS",
    "NetworkSpec",
    "find_network",
    "flops_tensorflow",
    "multiply_accumulates",
    "parameters",
    "parameters_keras",
]

_FARD = "Fard et al., IEEE Access 2022"
_MOBILENET = "Sandler et al., CVPR 2018 (MobileNetV2)"
_RESNET = "He et al., CVPR 2016 (ResNet-50)"
_CUNNINGHAM = "Cunningham et al., R. Soc. Open Sci. 6:191011, 2019"
_DAVISON = "Davison et al., MSKI 2018, section 3.1"
_DROPOUT = 0.1
_UNET_MULTIPLE = 2**5  # five levels, each half the one above


def _chain(*parts: nn.Module) -> nn.Module:
    """Join a backbone and a head, and draw their weights."""
    network = nn.Sequential(*parts)
    start_as_keras(network)
    return network


def _unet(in_channels: int, landmarks: int) -> nn.Module:
    return nn.Sequential(SizeGate(_UNET_MULTIPLE), UNet(in_channels, landmarks))


def _unet_dropout(in_channels: int, landmarks: int) -> nn.Module:
    return nn.Sequential(SizeGate(_UNET_MULTIPLE), UNet(in_channels, landmarks, dropout=_DROPOUT))


def _mobilenet_coordinates(in_channels: int, landmarks: int) -> nn.Module:
    return _chain(MobileNetV2(in_channels), CoordinateHead(mobilenet.FEATURES, landmarks))


def _mobilenet_heatmaps(in_channels: int, landmarks: int) -> nn.Module:
    return _chain(MobileNetV2(in_channels), HeatmapHead(mobilenet.FEATURES, landmarks))


def _resnet_coordinates(in_channels: int, landmarks: int) -> nn.Module:
    return _chain(ResNet50(in_channels), CoordinateHead(resnet.FEATURES, landmarks))


def _resnet_heatmaps(in_channels: int, landmarks: int) -> nn.Module:
    return _chain(ResNet50(in_channels), HeatmapHead(resnet.FEATURES, landmarks))


def _average_unet(planes: int, *, widths: tuple[int, ...]) -> NetworkBuilder:
    """Builder of a network with so many planes a landmark; maps where it is one."""

    def build(in_channels: int, landmarks: int) -> nn.Module:
        unet = AverageUNet(in_channels, planes * landmarks, widths=widths)
        parts: list[nn.Module] = [SizeGate(average_unet.MULTIPLE), unet]
        if planes > 1:
            parts.append(Planes(planes))
        return nn.Sequential(*parts)

    return build


NETWORKS: dict[str, NetworkSpec] = {
    "unet": NetworkSpec(
        build=_unet,
        output="heatmap",
        stride=4,
        multiple=_UNET_MULTIPLE,
        source="our own design: a light residual U-Net",
    ),
    "unet-dropout": NetworkSpec(
        build=_unet_dropout,
        output="heatmap",
        stride=4,
        multiple=_UNET_MULTIPLE,
        source="our own design: the light residual U-Net with dropout of channels",
    ),
    "posenet": NetworkSpec(
        build=PoseNet,
        output="heatmap",
        stride=4,
        multiple=posenet.MULTIPLE,
        source=f"{_FARD}, section III-A",
    ),
    "mnv2": NetworkSpec(
        build=_mobilenet_coordinates,
        output="coordinates",
        stride=1,
        multiple=mobilenet.MULTIPLE,
        source=f"{_MOBILENET}; {_FARD}, section IV-D",
    ),
    "res50": NetworkSpec(
        build=_resnet_coordinates,
        output="coordinates",
        stride=1,
        multiple=resnet.MULTIPLE,
        source=f"{_RESNET}; {_FARD}, section IV-D",
    ),
    "mnv2-hm": NetworkSpec(
        build=_mobilenet_heatmaps,
        output="heatmap",
        stride=4,
        multiple=mobilenet.MULTIPLE,
        source=f"{_MOBILENET}; {_FARD}, section IV-D",
    ),
    "res50-hm": NetworkSpec(
        build=_resnet_heatmaps,
        output="heatmap",
        stride=4,
        multiple=resnet.MULTIPLE,
        source=f"{_RESNET}; {_FARD}, section IV-D",
    ),
    "satco": NetworkSpec(
        build=satco_mean,
        output="coordinates",
        stride=1,
        multiple=SIDE,
        source=f"{_CUNNINGHAM}, section 2.4",
        size=(SIDE, SIDE),
    ),
    "satco-max": NetworkSpec(
        build=satco_max,
        output="coordinates",
        stride=1,
        multiple=SIDE,
        source=f"{_CUNNINGHAM}, section 2.4, with max-pooling",
        size=(SIDE, SIDE),
    ),
    "satco-learned": NetworkSpec(
        build=satco_learned,
        output="coordinates",
        stride=1,
        multiple=SIDE,
        source=f"{_CUNNINGHAM}, section 2.4, with region pooling",
        size=(SIDE, SIDE),
    ),
    "satco-light": NetworkSpec(
        build=SatcoLight,
        output="coordinates",
        stride=1,
        multiple=SIDE,
        source="our own design: light enough for video on two processor cores",
        size=(SIDE, SIDE),
    ),
    "average-unet": NetworkSpec(
        build=_average_unet(3, widths=LIGHT_WIDTHS),
        output="displacement",
        stride=1,
        multiple=average_unet.MULTIPLE,
        source=f"{_DAVISON}; widths of our own, for two processor cores",
    ),
    "average-unet-hm": NetworkSpec(
        build=_average_unet(1, widths=LIGHT_WIDTHS),
        output="heatmap",
        stride=1,
        multiple=average_unet.MULTIPLE,
        source=f"{_DAVISON}, heatmaps alone; widths of our own, for two processor cores",
    ),
    "average-unet-wide": NetworkSpec(
        build=_average_unet(3, widths=PUBLISHED_WIDTHS),
        output="displacement",
        stride=1,
        multiple=average_unet.MULTIPLE,
        source=f"{_DAVISON}, with the widths of the U-Net it cites",
    ),
    "average-unet-wide-hm": NetworkSpec(
        build=_average_unet(1, widths=PUBLISHED_WIDTHS),
        output="heatmap",
        stride=1,
        multiple=average_unet.MULTIPLE,
        source=f"{_DAVISON}, heatmaps alone, with the widths of the U-Net it cites",
    ),
}


def find_network(name: str) -> NetworkSpec:
    """The row of that name.

    Raises:
        ConfigError: there is no such network; says the nearest name.

    Example:
        >>> find_network("posnet")
        Traceback (most recent call last):
        ...
        palpate.errors.ConfigError: no network 'posnet'; did you mean 'posenet'?
    """
    if name not in NETWORKS:
        raise ConfigError(f"no network {name!r}{did_you_mean(name, NETWORKS)}")
    return NETWORKS[name]
