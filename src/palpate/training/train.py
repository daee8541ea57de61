"""Train a localiser on a study: the whole way from images to a run folder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from palpate.augment.exposure import RandomExposure
from palpate.augment.warp import RandomWarp
from palpate.errors import ConfigError, PalpateError
from palpate.files import sha256
from palpate.localisers.network import NetworkLocaliser
from palpate.localisers.run_folder import RunFolder
from palpate.localisers.spec import LocaliserSpec, Views
from palpate.localisers.torch_engine import build, load_weights, place, torch_forward
from palpate.losses import HEATMAP_SCALES
from palpate.networks import find_network
from palpate.prediction import Prediction
from palpate.training.average import Average
from palpate.training.batches import Examples, Share, TrainingImage
from palpate.training.calibrate import variance_factor
from palpate.training.checkpoint import Progress
from palpate.training.device import choose_device, processes
from palpate.training.inputs import training_grid, training_images
from palpate.training.job import Advance, TrainingJob, silent
from palpate.training.loop import (
    Hooks,
    Plan,
    State,
    load_state,
    make_optimiser,
    run_training,
    save_state,
)
from palpate.training.objective import loss_function
from palpate.training.pixel_store import PixelStore
from palpate.training.recipe import NetworkRecipe
from palpate.training.record import (
    write_best,
    write_log,
    write_request,
    write_result,
    write_weights,
)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a run is done, as against what it computes.

    Args:
        resume: go on from the last checkpoint.
        device: ``cpu``, ``cuda``; None takes a GPU where there is one.
        command: as typed, for provenance.
    """

    resume: bool = False
    device: str | None = None
    command: str = ""


def train(
    job: TrainingJob[NetworkRecipe],
    out: Path,
    *,
    manner: Manner | None = None,
    advance: Advance = silent,
) -> None:
    """Train a localiser and write the run folder ``out``.

    Under ``torchrun`` every process calls this; the first one writes.

    Raises:
        StudyError: nothing to train on.
        ConfigError: the recipe does not fit, or the run to resume was another one.
        PalpateError: ``out`` is taken, or the loss diverged.
    """
    manner = manner or Manner()
    folder = RunFolder(out)
    _refuse_mix_up(folder, resume=manner.resume)
    if manner.resume and folder.localiser.exists():
        return  # it had finished
    with processes() as share:
        _Run(job, folder, manner, share, advance).go()


@dataclass(frozen=True, slots=True)
class _Run:
    job: TrainingJob[NetworkRecipe]
    folder: RunFolder
    manner: Manner
    share: Share
    advance: Advance

    def go(self) -> None:
        job, recipe = self.job, self.job.recipe
        if recipe.training.batch % self.share.processes:
            raise ConfigError(
                f"a batch of {recipe.training.batch} cannot be shared evenly by "
                f"{self.share.processes} processes; change training.batch"
            )
        grid = training_grid(job)
        spec = make_spec(recipe, job, grid)
        loss = loss_function(recipe.loss.name, spec)
        device = choose_device(self.manner.device)
        store = PixelStore(self.folder.root)
        images = training_images(
            job, "train", job.part("train"), grid, advance=self.advance, store=store
        )
        examples = make_examples(recipe, spec, images)
        plan = Plan(recipe.training, recipe.optimiser, examples, loss, device, self.share)
        held_out = self._held_out(grid, store)
        state = self._state(spec, device)
        if self.share.rank == 0:
            write_request(self.folder, job, command=self.manner.command)
        run_training(plan, state, self._hooks(plan, spec, held_out, state))
        if self.share.rank == 0:
            # The run's own folder last: its description says that the run is finished.
            chosen = zip(self._folders(), held_out or {"": []}, strict=False)
            for folder, chosen_on in reversed(list(chosen)):
                write_weights(folder, state.average.network, keep=recipe.training.keep)
                self._finish(folder, spec, state, held_out.get(chosen_on, []))

    def _folders(self) -> tuple[RunFolder, ...]:
        """The run's own folder, and that of the second half's choice where there is one."""
        return (self.folder, self.folder.second) if self.job.halves else (self.folder,)

    def _held_out(self, grid: tuple[int, int], store: PixelStore) -> dict[str, list[TrainingImage]]:
        """What chooses the weights, by the column of the log that it has."""
        names = {"validation_px": self.job.part("validation")}
        if self.job.halves:
            names = {f"half_{i}_px": half for i, half in enumerate(self.job.halves, start=1)}
        most = self.job.recipe.training.validate_at_most
        return {
            column: training_images(
                self.job,
                "validation",
                _evenly(some, most),
                grid,
                advance=self.advance,
                store=store,
            )
            for column, some in names.items()
            if some
        }

    def _state(self, spec: LocaliserSpec, device: torch.device) -> State:
        state = new_state(self.job.recipe, spec, device)
        state.progress.fingerprint = self.job.fingerprint()
        if self.manner.resume and self.folder.last.exists():
            load_state(self.folder.last, state)
        return state

    def _hooks(
        self,
        plan: Plan,
        spec: LocaliserSpec,
        held_out: dict[str, list[TrainingImage]],
        state: State,
    ) -> Hooks:
        def validate(network: nn.Module) -> tuple[float, ...]:
            # Validation never averages views: it runs often, and only ranks epochs.
            plain = replace(spec, views=Views())
            localiser = NetworkLocaliser(plain, torch_forward(network, plan.device), "validation")
            return tuple(mean_radial_error_px(localiser, images) for images in held_out.values())

        def save(current: State, better: tuple[bool, ...]) -> None:
            if self.share.rank:
                return
            for folder, best in zip(self._folders(), better, strict=False):
                if best:
                    write_best(folder, current.average.network)
            save_state(self.folder.last, current)
            write_log(self.folder, current.progress)

        def advance(loss: float) -> None:
            best = state.progress.best
            remark = f"loss {loss:.3g}"
            if best:
                remark += f", validation {' and '.join(f'{px:.2f}' for px in best)} px"
            self.advance("training", state.progress.step, plan.steps, remark)

        return Hooks(tuple(held_out), validate, save, advance)

    def _finish(
        self,
        folder: RunFolder,
        spec: LocaliserSpec,
        state: State,
        validation: list[TrainingImage],
    ) -> None:
        """Calibrate the kept weights on what chose them and write the description last."""
        load_weights(state.average.network, folder.weights)
        device = next(state.average.network.parameters()).device
        forward = torch_forward(state.average.network, device)
        localiser = NetworkLocaliser(spec, forward, sha256(folder.weights)[:12])
        found = [localiser.predict_prepared(image.prepared) for image in validation]
        calibration = variance_factor(found, [image.points for image in validation])
        if calibration is not None:
            spec = replace(spec, variance_factor=calibration.factor)
        error = mean_error(found, validation) if validation else None
        write_result(folder, spec, state.progress, calibration=calibration, error_px=error)


def _evenly(names: Sequence[str], most: int | None) -> list[str]:
    """At most so many of the names, evenly spaced."""
    if most is None or len(names) <= most:
        return list(names)
    return [names[int(i)] for i in np.linspace(0, len(names) - 1, most).round()]


def _refuse_mix_up(folder: RunFolder, *, resume: bool) -> None:
    if resume:
        if not folder.root.exists():
            raise PalpateError(f"there is nothing to resume in {folder.root}; leave out --resume")
    elif folder.last.exists() or folder.weights.exists():
        raise PalpateError(
            f"{folder.root} already holds a run; choose another --out, or go on with --resume"
        )


def new_state(recipe: NetworkRecipe, spec: LocaliserSpec, device: torch.device) -> State:
    """Build a network, its average and its optimiser, all at the start, from the recipe's seed."""
    torch.manual_seed(recipe.training.seed)
    network = place(build(spec), device)
    average = Average(network, recipe.training.average)
    return State(network, average, make_optimiser(network, recipe.optimiser), Progress())


def make_spec(
    recipe: NetworkRecipe, job: TrainingJob[NetworkRecipe], grid: tuple[int, int]
) -> LocaliserSpec:
    """Describe the localiser that a recipe makes of a study.

    Raises:
        ConfigError: the network is unknown or does not take this grid.
    """
    name = recipe.network.name
    network = find_network(name)
    if network.padded(grid) != grid:
        raise ConfigError(
            f"network {name!r} takes sides that are multiples of {network.multiple}, the input "
            f"is {grid[0]} x {grid[1]}; set input.multiple = {network.multiple} or input.size"
        )
    predict = recipe.predict
    return LocaliserSpec(
        name=f"{recipe.name} on {job.study.name}",
        scheme=job.scheme,
        network=name,
        grid=grid,
        channels=recipe.input.channels,
        mirrored_channels=recipe.input.mirrored_channels,
        output=network.output,
        stride=network.stride,
        sigma_cells=recipe.target.sigma_cells,
        scale=HEATMAP_SCALES.get(recipe.loss.name, "logit"),
        reach_px=recipe.target.reach_px,
        smooth_px=recipe.target.smooth_px,
        weigh_votes=recipe.target.weigh_votes,
        views=Views(predict.views, predict.rotation_deg, predict.scale, predict.both_orders),
        protocol=job.study.settings.protocol or "",
    )


def make_examples(
    recipe: NetworkRecipe, spec: LocaliserSpec, images: list[TrainingImage]
) -> Examples:
    """Join images with the recipe's ranges of variation."""
    ranges = recipe.augment
    warp = RandomWarp(
        rotation_deg=ranges.rotation_deg,
        rotation_centre_deg=ranges.rotation_centre_deg,
        scale=ranges.scale,
        stretch=ranges.stretch,
        shear=ranges.shear,
        shift=ranges.shift,
        mirror=ranges.mirror,
    )
    exposure = RandomExposure(
        gamma=ranges.gamma,
        contrast=ranges.contrast,
        brightness=ranges.brightness,
        noise=ranges.noise,
        blur_px=ranges.blur_px,
        invert=ranges.invert,
        hide=ranges.hide,
        hide_size=ranges.hide_size,
    )
    return Examples(images, spec, warp, exposure, recipe.training.seed)


def mean_radial_error_px(localiser: NetworkLocaliser, images: list[TrainingImage]) -> float:
    """Mean distance over all annotated landmarks, in pixels of the images as given."""
    found = [localiser.predict_prepared(image.prepared) for image in images]
    return mean_error(found, images)


def mean_error(found: list[Prediction], images: list[TrainingImage]) -> float:
    """Mean distance of predictions from the images' points, in pixels as given."""
    errors = [
        np.linalg.norm(prediction.mean - image.points.coordinates, axis=1)[image.points.present]
        for prediction, image in zip(found, images, strict=True)
    ]
    return float(np.concatenate(errors).mean())
