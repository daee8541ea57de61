"""The training loop: plain PyTorch, one process or several, resumable at any moment."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from palpate.errors import PalpateError
from palpate.localisers.torch_engine import fast_order
from palpate.training.average import Average
from palpate.training.batches import Batch, MakesBatches, Share, epoch_batches, prefetched
from palpate.training.begin import refuse_another
from palpate.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from palpate.training.objective import PerLandmark, mean_over_processes
from palpate.training.schedule import learning_rate
from palpate.training.settings import OptimiserSettings, TrainingSettings

CHECKPOINT_SECONDS = 30.0  # a checkpoint costs a write of the whole state; not after every epoch


def _as_they_are(inputs: Tensor) -> Tensor:
    return inputs


@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """What is trained, on what, and where.

    Args:
        training, optimiser: of the recipe.
        examples: make the batches.
        loss: between output and targets.
        device: where it is computed.
        share: which part of every batch.
        before: what is done to a batch's inputs on the device before the network gets them.
    """

    training: TrainingSettings
    optimiser: OptimiserSettings
    examples: MakesBatches
    loss: PerLandmark
    device: torch.device
    share: Share = field(default_factory=Share)
    before: Callable[[Tensor], Tensor] = _as_they_are

    @property
    def batches_per_epoch(self) -> int:
        """Whole batches in one pass over the images."""
        count = len(self.examples)
        return count // min(self.training.batch, count)

    @property
    def parts(self) -> int:
        """Into how many parts an epoch is cut, each followed by a validation."""
        return min(self.training.validations_per_epoch, self.batches_per_epoch)

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        if self.training.steps is not None:
            return self.training.steps
        return (self.training.epochs or 0) * self.batches_per_epoch

    def precision(self) -> Any:
        """The context that a network computes in."""
        if self.training.precision == "bfloat16":
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return nullcontext()


@dataclass(slots=True)
class State:
    """What changes while training: the network, its average, the optimiser, where it stands."""

    network: nn.Module
    average: Average
    optimiser: torch.optim.Optimizer
    progress: Progress


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the loop calls outside: validation, keeping, and showing progress.

    Args:
        sets: names of the sets that are validated on, as the log's columns.
        validate: the averaged network -> mean radial error on each set, in px of the image.
        save: after an epoch or a part of one; the flags say on which sets the average is the
            best so far.
        advance: after every step, with the loss.
    """

    sets: tuple[str, ...]
    validate: Callable[[nn.Module], tuple[float, ...]]
    save: Callable[[State, tuple[bool, ...]], None]
    advance: Callable[[float], None]


def save_state(path: Path, state: State) -> None:
    """Write everything that the next step depends on, atomically."""
    save_checkpoint(
        path,
        state.progress,
        network=state.network,
        average=state.average,
        optimiser=state.optimiser,
    )


def load_state(path: Path, state: State) -> None:
    """Restore what :func:`save_state` wrote, if it is of the same run.

    Raises:
        FormatError: the file is damaged or belongs to another network.
        ConfigError: it was begun with another recipe, study or split.
    """
    before = load_checkpoint(
        path, network=state.network, average=state.average, optimiser=state.optimiser
    )
    refuse_another(path.parent, before.fingerprint, state.progress.fingerprint)
    state.progress = before


def make_optimiser(network: nn.Module, settings: OptimiserSettings) -> torch.optim.Optimizer:
    """Make Adam, AdamW or SGD; norms and biases do not decay."""
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": weights, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if settings.name == "sgd":
        return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=settings.momentum)
    kind = torch.optim.AdamW if settings.name == "adamw" else torch.optim.Adam
    return kind(groups, lr=settings.learning_rate, betas=settings.betas)


def run_training(plan: Plan, state: State, hooks: Hooks) -> None:
    """Train from where ``state`` stands to the end of the plan, or until patience ends.

    Raises:
        PalpateError: the loss is no longer finite; the last checkpoint is kept.
    """
    forward: nn.Module = state.network
    if plan.share.processes > 1:
        forward = DistributedDataParallel(state.network)
    saved = monotonic()
    while state.progress.step < plan.steps and not _patience_ended(plan, state):
        mean_loss = _run_part(plan, state, hooks, forward)
        better = _finish_part(plan, state, hooks, mean_loss)
        done = state.progress.step >= plan.steps or _patience_ended(plan, state)
        if any(better) or done or monotonic() - saved > CHECKPOINT_SECONDS:
            hooks.save(state, better)
            saved = monotonic()


def _run_part(plan: Plan, state: State, hooks: Hooks, forward: nn.Module) -> float:
    total, count = 0.0, 0
    forward.train()
    for batch in _batches(plan, state.progress):
        loss = train_step(plan, state, forward, batch)
        total, count = total + loss, count + 1
        hooks.advance(loss)
    return total / max(count, 1)


def _batches(plan: Plan, progress: Progress) -> Iterator[Batch]:
    """The batches of the next part of an epoch; an epoch is one part unless the recipe says so."""
    training, epoch = plan.training, progress.epoch
    whole = epoch_batches(len(plan.examples), training.batch, epoch=epoch, seed=training.seed)
    start = len(whole) * progress.part // plan.parts
    stop = len(whole) * (progress.part + 1) // plan.parts
    batches = whole[start : min(stop, start + plan.steps - progress.step)]
    workers = 4 if plan.device.type == "cuda" else 1
    return prefetched(plan.examples, batches, epoch=epoch, share=plan.share, workers=workers)


def train_step(plan: Plan, state: State, forward: nn.Module, batch: Batch) -> float:
    """Do one step on one batch and return its loss.

    ``forward`` is the network, or what shares it between processes.
    """
    # Dropout draws from the process's own chance. It follows from the step, so that a training
    # that was resumed goes on as if it had not stopped.
    chance = np.random.SeedSequence(
        (plan.training.seed, state.progress.step, plan.share.rank)
    ).generate_state(1)
    torch.manual_seed(int(chance[0]))
    settings = plan.optimiser
    rate = learning_rate(settings, state.progress.step, plan.steps, epoch=plan.batches_per_epoch)
    for group in state.optimiser.param_groups:
        group["lr"] = rate
    inputs = torch.from_numpy(batch.inputs).to(plan.device, memory_format=fast_order(batch.inputs))
    targets = torch.from_numpy(batch.targets).to(plan.device)
    present = torch.from_numpy(batch.present).to(plan.device)
    with plan.precision():
        output = forward(plan.before(inputs))
    per_landmark = plan.loss(output.float(), targets)
    loss = mean_over_processes(per_landmark, present, processes=plan.share.processes)
    state.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    value = float(loss.detach())
    if not torch.isfinite(loss.detach()):
        raise PalpateError(
            f"the loss is {value} at step {state.progress.step}; lower "
            "optimiser.learning_rate or set optimiser.clip_norm, then start again with --resume"
        )
    if settings.clip_norm is not None:
        nn.utils.clip_grad_norm_(state.network.parameters(), settings.clip_norm)
    state.optimiser.step()
    state.average.follow(state.network, state.progress.step)
    state.progress.step += 1
    return value


def _finish_part(plan: Plan, state: State, hooks: Hooks, mean_loss: float) -> tuple[bool, ...]:
    progress = state.progress
    progress.part += 1
    if progress.part == plan.parts:
        progress.epoch, progress.part = progress.epoch + 1, 0
    row: dict[str, Any] = {
        "epoch": progress.epoch + progress.part / plan.parts if progress.part else progress.epoch,
        "step": progress.step,
        "learning_rate": state.optimiser.param_groups[0]["lr"],
        "loss": mean_loss,
        **dict.fromkeys(hooks.sets),
    }
    better: tuple[bool, ...] = ()
    last = progress.step >= plan.steps
    if hooks.sets and (progress.epoch % plan.training.validate_every == 0 or last):
        errors = hooks.validate(state.average.network)
        row.update(zip(hooks.sets, errors, strict=True))
        before = progress.best or [inf] * len(errors)
        better = tuple(error < best for error, best in zip(errors, before, strict=True))
        progress.best = [min(pair) for pair in zip(errors, before, strict=True)]
        progress.stale = 0 if any(better) else progress.stale + 1
    progress.history.append(row)
    return better


def _patience_ended(plan: Plan, state: State) -> bool:
    patience = plan.training.patience
    return patience is not None and state.progress.stale >= patience
