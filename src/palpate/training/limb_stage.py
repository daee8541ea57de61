"""Train one network of a chain from clips to maps; resumable, and timed."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from palpate.errors import FormatError
from palpate.files import write_json
from palpate.localisers.limb_spec import LimbSpec, MapNetwork
from palpate.localisers.run_folder import RunFolder
from palpate.localisers.torch_engine import fast_order, load_weights, place
from palpate.localisers.torch_limbs import build_network, with_maps
from palpate.losses.maps import binary_cross_entropy, mean_squared_error
from palpate.networks.count import multiply_accumulates, parameters
from palpate.training.average import Average
from palpate.training.batches import Batch
from palpate.training.checkpoint import Progress
from palpate.training.job import Advance
from palpate.training.limb_examples import ClipExamples
from palpate.training.loop import (
    Hooks,
    Plan,
    State,
    load_state,
    make_optimiser,
    run_training,
    save_state,
)
from palpate.training.record import write_best, write_log, write_weights
from palpate.training.settings import MapStageSettings

LOSSES = {
    "binary-cross-entropy": binary_cross_entropy,
    "mean-squared-error": mean_squared_error,
}
_TOGETHER = 4  # clips that are validated at a time


@dataclass(frozen=True, eq=False, slots=True)
class Stage:
    """One network to train.

    Args:
        name: of the stage, and of its column in the log.
        settings: of the recipe.
        spec: of the whole localiser.
        former: the network whose maps it sees too; None for the first.
        examples: to train on.
        held_out: to choose the weights by; may be empty.
        folder: of this stage.
        device: where it is computed.
        fingerprint: of recipe, study and split.
    """

    name: str
    settings: MapStageSettings
    spec: LimbSpec
    former: nn.Module | None
    examples: ClipExamples
    held_out: ClipExamples
    folder: RunFolder
    device: torch.device
    fingerprint: str

    def build(self) -> nn.Module:
        """The network with weights drawn from the stage's seed, on the device."""
        torch.manual_seed(self.settings.training.seed)
        network = MapNetwork(self.settings.network, self.settings.width)
        return place(build_network(network, self.spec, first=self.former is None), self.device)


@dataclass(frozen=True, slots=True)
class TrainedStage:
    """A network as it was kept, and what it cost."""

    network: nn.Module
    costs: dict[str, Any]


@dataclass(slots=True)
class _Seconds:
    """Time that is not the network's own training: validation, and the former network."""

    validating: float = 0.0
    before: float = 0.0
    began: float = field(default_factory=monotonic)


def train_map_stage(stage: Stage, *, resume: bool, advance: Advance) -> TrainedStage:
    """Train a network, go on with it, or load it where it has finished.

    The weights kept are the best of validation: of a network of logits those with the highest
    share of right pixels, of one of intensities those with the lowest mean absolute error.

    Raises:
        ConfigError: the run to resume was another one.
        PalpateError: the loss diverged.
    """
    network = stage.build()
    if resume and stage.folder.weights.exists():
        load_weights(network, stage.folder.weights)
        return TrainedStage(network.eval(), read_costs(stage.folder))
    training = stage.settings.training
    average = Average(network, training.average)
    optimiser = make_optimiser(network, stage.settings.optimiser)
    state = State(network, average, optimiser, Progress(fingerprint=stage.fingerprint))
    if resume and stage.folder.last.exists():
        load_state(stage.folder.last, state)
    seconds, first = _Seconds(), state.progress.step
    plan = _plan(stage, seconds)
    run_training(plan, state, _hooks(stage, plan, state, seconds, advance))
    own = monotonic() - seconds.began - seconds.validating - seconds.before
    done = state.progress.step - first
    costs = {
        "name": stage.name,
        **_work(stage, network),
        # Not known where the last step had been done before this run was resumed.
        "seconds_per_epoch": round(own / done * plan.batches_per_epoch, 3) if done else None,
        "epochs": state.progress.epoch,
        "steps": state.progress.step,
        "clips": len(stage.examples),
    }
    write_costs(stage.folder, costs)
    write_weights(stage.folder, average.network, keep=training.keep)  # last: they say it is done
    load_weights(network, stage.folder.weights)
    return TrainedStage(network.eval(), costs)


def _work(stage: Stage, network: nn.Module) -> dict[str, int]:
    across, down = stage.spec.grid
    channels = 1 if stage.former is None else 1 + stage.spec.maps.count
    return {
        "parameters": parameters(network),
        "multiply_accumulates": multiply_accumulates(
            network, (channels, stage.spec.frames, down, across)
        ),
    }


def _plan(stage: Stage, seconds: _Seconds) -> Plan:
    def before(inputs: Tensor) -> Tensor:
        began = _now(stage.device)
        given = _given(stage, inputs)
        seconds.before += _now(stage.device) - began
        return given

    settings = stage.settings
    return Plan(
        settings.training,
        settings.optimiser,
        stage.examples,
        LOSSES[settings.loss],
        stage.device,
        before=before,
    )


@torch.no_grad()
def _given(stage: Stage, inputs: Tensor) -> Tensor:
    """What the network sees: the clip, and the former network's maps where there is one."""
    if stage.former is None:
        return inputs
    return with_maps(inputs, stage.former(inputs))


def _now(device: torch.device) -> float:
    """The time, once everything that was asked of the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return monotonic()


def _hooks(stage: Stage, plan: Plan, state: State, seconds: _Seconds, advance: Advance) -> Hooks:
    column, measure = _choice(stage.settings)

    def validate(network: nn.Module) -> tuple[float, ...]:
        began = _now(stage.device)
        error = _mean_over(stage, plan, network, measure)
        seconds.validating += _now(stage.device) - began
        return (error,)

    def save(current: State, better: tuple[bool, ...]) -> None:
        if any(better):
            write_best(stage.folder, current.average.network)
        save_state(stage.folder.last, current)
        write_log(stage.folder, current.progress)

    def tell(loss: float) -> None:
        best = state.progress.best
        remark = f"loss {loss:.3g}" + (f", {column} {best[0]:.4g}" if best else "")
        advance(f"training {stage.name}", state.progress.step, plan.steps, remark)

    sets = (column,) if len(stage.held_out) else ()
    return Hooks(sets, validate, save, tell)


Measure = Callable[[Tensor, Tensor], Tensor]


def _choice(settings: MapStageSettings) -> tuple[str, Measure]:
    if settings.loss == "binary-cross-entropy":
        return "validation_wrong_pixels", wrong_pixels
    return "validation_mean_absolute_error", mean_absolute_error


def wrong_pixels(logits: Tensor, target: Tensor) -> Tensor:
    """Share of pixels on the wrong side of one half: 1 - accuracy.

    Example:
        >>> wrong_pixels(torch.tensor([2.0, -2.0]), torch.tensor([1.0, 1.0]))
        tensor(0.5000)
    """
    return ((logits > 0) != (target > 0.5)).float().mean()


def mean_absolute_error(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference over all pixels."""
    return (output - target).abs().mean()


@torch.no_grad()
def _mean_over(stage: Stage, plan: Plan, network: nn.Module, measure: Measure) -> float:
    network.eval()
    total = 0.0
    indices = _evenly(len(stage.held_out), stage.settings.training.validate_at_most)
    for at in range(0, len(indices), _TOGETHER):
        chosen = indices[at : at + _TOGETHER]
        batch: Batch = stage.held_out.plain(chosen)
        inputs = torch.from_numpy(batch.inputs).to(
            stage.device, memory_format=fast_order(batch.inputs)
        )
        with plan.precision():
            output = network(_given(stage, inputs))
        target = torch.from_numpy(batch.targets).to(stage.device)
        total += float(measure(output.float(), target)) * len(chosen)
    return total / len(indices)


def _evenly(count: int, most: int | None) -> list[int]:
    if most is None or count <= most:
        return list(range(count))
    return [int(i) for i in np.linspace(0, count - 1, most).round()]


def write_costs(folder: RunFolder, costs: dict[str, Any]) -> None:
    """Keep what a stage cost, for a run that is resumed after it."""
    write_json(folder.metrics, costs)


def read_costs(folder: RunFolder) -> dict[str, Any]:
    """Read what :func:`write_costs` wrote.

    Raises:
        FormatError: it cannot be read.
    """
    try:
        return dict(json.loads(folder.metrics.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise FormatError(folder.metrics, f"cannot be read: {error}") from error
