"""The whole state of a run in one file, so that it is written whole or not at all.

Tensors are stored as safetensors; counters and history as JSON in the same file's header.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from palpate.errors import FormatError
from palpate.files import write_bytes
from palpate.training.average import Average


@dataclass(slots=True)
class Progress:
    """Where a run stands.

    Args:
        epoch: next epoch to do, or to finish.
        part: parts of it that are done, where it is validated several times.
        step: steps done.
        best: smallest error so far on each set that is validated on, in px; empty before the
            first validation.
        stale: validations since one of these fell.
        history: one row per epoch, or part of one.
        fingerprint: of recipe, study and split; a run goes on only with the same.
    """

    epoch: int = 0
    part: int = 0
    step: int = 0
    best: list[float] = field(default_factory=list)
    stale: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    fingerprint: str = ""


def save_checkpoint(
    path: Path,
    progress: Progress,
    *,
    network: nn.Module,
    average: Average,
    optimiser: torch.optim.Optimizer,
) -> None:
    """Write everything that the next step depends on, atomically."""
    tensors: dict[str, Tensor] = {}
    for name, value in network.state_dict().items():
        tensors[f"network.{name}"] = value
    for name, value in average.network.state_dict().items():
        tensors[f"average.{name}"] = value
    for index, state in optimiser.state_dict()["state"].items():
        for name, value in state.items():
            tensors[f"optimiser.{index}.{name}"] = torch.as_tensor(value)
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    write_bytes(path, save(plain, metadata={"progress": json.dumps(asdict(progress))}))


def load_checkpoint(
    path: Path, *, network: nn.Module, average: Average, optimiser: torch.optim.Optimizer
) -> Progress:
    """Restore what ``save_checkpoint`` wrote.

    Raises:
        FormatError: the file is damaged or belongs to another network.
    """
    try:
        with safe_open(path, framework="pt") as stored:
            progress = Progress(**json.loads(stored.metadata()["progress"]))
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        network.load_state_dict(_part(tensors, "network."))
        average.network.load_state_dict(_part(tensors, "average."))
    except (SafetensorError, OSError, KeyError, TypeError) as error:
        raise FormatError(path, f"the checkpoint cannot be read: {error}") from error
    except RuntimeError as error:  # torch lists every weight that does not fit
        raise FormatError(path, "the checkpoint is of another network; train anew") from error
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(tensors, "optimiser.").items():
        index, _, key = name.partition(".")
        states.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict(
        {"state": states, "param_groups": optimiser.state_dict()["param_groups"]}
    )
    return progress


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
