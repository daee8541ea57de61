"""Chains of clip networks on torch: how a run of limbs uses its weights."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from palpate.files import sha256
from palpate.localisers.limb_spec import LimbSpec, MapNetwork
from palpate.localisers.limbs import LimbLocaliser
from palpate.localisers.run_folder import RunFolder
from palpate.localisers.torch_engine import load_weights, place, torch_forward
from palpate.networks.clips import find_clip_network

# The run folders of the chain's networks, inside that of the whole; one alone is the last.
STAGES = ("detection", "regression")


class Chain(nn.Module):
    """Networks one after the other: each later one sees the clip and the maps before it.

    Takes ``(batch, 1, t, y, x)`` and returns the maps of the last network, as that puts them out.
    The maps handed on are probabilities: all but the last network put out logits.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, clip: Float[Tensor, "batch 1 t y x"]) -> Tensor:
        """Return the last maps."""
        given = clip
        for network in list(self.networks)[:-1]:
            given = with_maps(clip, network(given))
        return self.networks[-1](given)


def with_maps(clip: Tensor, logits: Tensor) -> Tensor:
    """Put the clip and the probabilities of maps side by side, as channels."""
    return torch.cat([clip, logits.to(clip.dtype).sigmoid()], dim=1)


def build_network(network: MapNetwork, spec: LimbSpec, *, first: bool) -> nn.Module:
    """Build one network of a chain; its weights are torch's random ones."""
    count = spec.maps.count
    row = find_clip_network(network.name)
    return row.build(1 if first else 1 + count, count, spec.frames, network.width)


def stage_names(spec: LimbSpec) -> tuple[str, ...]:
    """Names of the run folders of a chain's networks, in its order."""
    return STAGES[-len(spec.networks) :]


def load_chain(root: Path) -> tuple[LimbSpec, Chain]:
    """Load the networks of a finished run on the CPU.

    Raises:
        PalpateError: no finished run, or its weights are damaged or of other networks.
    """
    spec = LimbSpec.from_json(RunFolder(root).description(), where=str(RunFolder(root).localiser))
    networks = []
    for index, (name, network) in enumerate(zip(stage_names(spec), spec.networks, strict=True)):
        built = build_network(network, spec, first=index == 0)
        load_weights(built, RunFolder(root / name).weights)
        networks.append(built.eval())
    return spec, Chain(networks)


def load_limbs(root: Path, device: torch.device, *, one_thread: bool = False) -> LimbLocaliser:
    """Load a finished run of limbs; ``one_thread`` counts on a processor alone."""
    spec, chain = load_chain(root)
    alone = one_thread and device.type == "cpu"
    forward = torch_forward(place(chain, device), device, one_thread=alone)
    return LimbLocaliser(spec, forward, weights_hash(root, spec), one_thread=alone)


def weights_hash(root: Path, spec: LimbSpec) -> str:
    """Short hash of the weights of all networks of a run."""
    own = " ".join(sha256(RunFolder(root / name).weights) for name in stage_names(spec))
    return hashlib.sha256(own.encode()).hexdigest()[:12]
