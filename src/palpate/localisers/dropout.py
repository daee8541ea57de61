"""Dropout left on while predicting: how far a network's answers depend on which units it has."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

import torch
from torch import nn

from palpate.errors import ConfigError
from palpate.image import Image
from palpate.localisers.mixture import mix
from palpate.localisers.network import NetworkLocaliser
from palpate.localisers.torch_engine import TorchForward
from palpate.localisers.wrapping import Wrapping
from palpate.networks import NETWORKS
from palpate.prediction import Prediction

_DROPOUT = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)
_CHANNELS = 1  # of an input; what a network is asked about here does not depend on it
# The chance of torch's dropout is the process's own: one image at a time sets and uses it.
_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True, eq=False, slots=True)
class DropoutLocaliser(Wrapping):
    """Runs a network several times, each time without other units, and joins the answers.

    Only dropout is as in training; batch normalisation keeps the statistics that it learned. The
    spread between passes is added to the covariances and tells how landmarks move together.
    The same seed gives the same image the same prediction, whatever was predicted before.

    Args:
        inner: a network on torch that has dropout.
        passes: how many times, two or more.
        seed: of the units that are left out.

    Raises:
        ConfigError: a network without dropout, one that torch does not run, or one pass.

    Source:
        Gal and Ghahramani, "Dropout as a Bayesian approximation", ICML 2016, section 4.
    """

    inner: NetworkLocaliser
    passes: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        if self.passes < 2:
            raise ConfigError(f"dropout needs two passes or more, got {self.passes}")
        if self.seed < 0:
            raise ConfigError(f"a seed is 0 or more, got {self.seed}")
        if not dropouts(_on_torch(self.inner).network):
            network, others = self.inner.spec.network, networks_with_dropout()
            listed = ", ".join(others) if others else "none of palpate's networks"
            raise ConfigError(
                f"network {network!r} has no dropout that could be left on; with it: {listed}; an "
                "ensemble of runs or several views say how sure a network is without it"
            )

    @property
    def name(self) -> str:
        """Recipe and study it was made from, and how many passes it makes."""
        return f"{self.inner.name} with dropout in {self.passes} passes"

    def predict(self, image: Image) -> Prediction:
        """Find the landmarks of one image; in pixels of the image as given.

        Raises:
            GeometryError: the image is not a plane of pixels.
        """
        forward = _on_torch(self.inner)
        prepared = self.inner.load(image)
        inputs = self.inner.inputs(prepared)
        with _dropping(forward, self.seed):
            found = [
                self.inner.read(prepared, forward.as_it_is(inputs)) for _ in range(self.passes)
            ]
        return mix(found, localiser=f"{self.name} {self.weights}")


def dropouts(network: nn.Module) -> list[nn.Module]:
    """Return the modules of a network that leave units out at random.

    Example:
        >>> len(dropouts(nn.Sequential(nn.Dropout(0.1), nn.Dropout2d(0.0))))
        1
    """
    return [one for one in network.modules() if isinstance(one, _DROPOUT) and one.p > 0]


def networks_with_dropout() -> tuple[str, ...]:
    """Return the names in ``NETWORKS`` of those that have dropout."""
    with torch.device("meta"):  # no weight is drawn, none takes memory
        built = {name: row.build(_CHANNELS, 1) for name, row in NETWORKS.items()}
    return tuple(name for name, network in built.items() if dropouts(network))


def _on_torch(localiser: NetworkLocaliser) -> TorchForward:
    if isinstance(localiser.forward, TorchForward):
        return localiser.forward
    raise ConfigError(
        f"{localiser.name!r} is an exported model, which has no dropout any more; give the run "
        "folder that it was exported from"
    )


@contextmanager
def _dropping(forward: TorchForward, seed: int) -> Iterator[None]:
    """Leave dropout on, and all else as for predicting; then all is as before."""
    devices = [forward.device] if forward.device.type == "cuda" else []
    with _ONE_AT_A_TIME, torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        forward.network.eval()
        for one in dropouts(forward.network):
            one.train()
        try:
            yield
        finally:
            forward.network.eval()
