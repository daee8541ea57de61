"""Networks on torch: how a run's own weights are used."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy import ndarray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from palpate.augment.channels import CHANNELS
from palpate.errors import FormatError
from palpate.files import sha256
from palpate.localisers.network import NetworkLocaliser
from palpate.localisers.run_folder import RunFolder
from palpate.localisers.spec import LocaliserSpec
from palpate.networks import NETWORKS

_AT_ONCE = 16  # views or images through the network together
# By the rank of (batch, channel, y, x) and (batch, channel, t, y, x).
_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


def build(spec: LocaliserSpec) -> nn.Module:
    """Build the network that a spec names; its weights are torch's random ones."""
    return NETWORKS[spec.network].build(CHANNELS[spec.channels].count, len(spec.scheme))


def place(network: nn.Module, device: torch.device) -> nn.Module:
    """Move a network to a device, its weights channels last: faster there for convolutions."""
    network.to(device)
    for parameter in network.parameters():
        if parameter.ndim in _CHANNELS_LAST:
            order = _CHANNELS_LAST[parameter.ndim]
            parameter.data = parameter.data.contiguous(memory_format=order)
    return network


def fast_order(batch: ndarray) -> torch.memory_format:
    """The order in memory that convolutions like for a batch of images, or of clips."""
    return _CHANNELS_LAST[batch.ndim]


@dataclass(frozen=True, eq=False, slots=True)
class TorchForward:
    """A network as it is now; it is put into evaluation mode for every call.

    Args:
        network: on the device.
        device: where it computes.
        one_thread: compute in the calling thread alone, so that several threads may call.
    """

    network: nn.Module
    device: torch.device
    one_thread: bool = False

    def __call__(self, batch: ndarray) -> ndarray:
        """Run the network on a batch of images, or of clips."""
        self.network.eval()
        return self.as_it_is(batch)

    @torch.inference_mode()
    def as_it_is(self, batch: ndarray) -> ndarray:
        """Run the network with each of its modules in the mode that it is in."""
        parts = []
        with threads(1 if self.one_thread else torch.get_num_threads()):
            for at in range(0, len(batch), _AT_ONCE):
                part = torch.from_numpy(batch[at : at + _AT_ONCE])
                out = self.network(part.to(self.device, memory_format=fast_order(batch)))
                parts.append(out.float().cpu().contiguous().numpy())
        return np.concatenate(parts)


def torch_forward(
    network: nn.Module, device: torch.device, *, one_thread: bool = False
) -> TorchForward:
    """Use a network on a device, in one thread or in as many as torch likes."""
    return TorchForward(network, device, one_thread)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use so many threads for what the calling thread asks of it."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def load_network(folder: RunFolder) -> tuple[LocaliserSpec, nn.Module]:
    """Load the network of a finished run on the CPU.

    Raises:
        FormatError: the weights are damaged or belong to another network.
    """
    spec = folder.spec()
    network = build(spec)
    load_weights(network, folder.weights)
    return spec, network.eval()


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill a network from safetensors."""
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise FormatError(path, f"these weights cannot be read: {error}") from error
    except RuntimeError as error:  # torch lists every weight that does not fit
        raise FormatError(
            path, "these weights are of another network, or of another version of it; train again"
        ) from error


def load_run(root: Path, device: torch.device, *, one_thread: bool = False) -> NetworkLocaliser:
    """Load a finished run; ``one_thread`` counts on a processor alone."""
    folder = RunFolder(root)
    spec, network = load_network(folder)
    place(network, device)
    alone = one_thread and device.type == "cpu"
    forward = torch_forward(network, device, one_thread=alone)
    return NetworkLocaliser(
        spec, forward, sha256(folder.weights)[:12], one_thread=alone, channels_last=True
    )
