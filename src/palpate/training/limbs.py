"""Train a localiser of limbs: from clips to maps, network by network, to a run folder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import nn

from palpate.augment.warp import RandomWarp
from palpate.errors import ConfigError, StudyError
from palpate.files import write_json
from palpate.localisers.clip import ClipPlane
from palpate.localisers.limb_spec import LimbSpec, MapNetwork
from palpate.localisers.limbs import LimbLocaliser
from palpate.localisers.run_folder import RunFolder
from palpate.localisers.torch_engine import place, torch_forward
from palpate.localisers.torch_limbs import Chain, weights_hash
from palpate.networks.clips import find_clip_network
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.sequences.windows import covering, overlapping
from palpate.study_runs import Runs, runs_of
from palpate.training.begin import begin_run
from palpate.training.calibrate import VarianceCalibration, variance_factor
from palpate.training.device import choose_device
from palpate.training.job import Advance, TrainingJob
from palpate.training.limb_examples import ClipExamples, TrainingFrame
from palpate.training.limb_stage import Stage, TrainedStage, train_map_stage
from palpate.training.pixel_store import PixelStore
from palpate.training.recipe import LimbRecipe
from palpate.training.train import Manner

_TIMED = 5  # clips that are predicted to see how long one takes


@dataclass(frozen=True, eq=False, slots=True)
class _Part:
    """The frames of one part of the split, and the clips that are cut from them."""

    frames: Sequence[TrainingFrame]
    clips: Sequence[tuple[int, ...]]

    def planes(self, clip: tuple[int, ...], grid: tuple[int, int]) -> list[ClipPlane]:
        """The frames of a clip in the grid, not varied."""
        return [self.frames[at].seen(self.frames[at].to_grid, grid) for at in clip]


def train_limbs(
    job: TrainingJob[LimbRecipe], out: Path, *, manner: Manner, advance: Advance
) -> None:
    """Train the networks of a chain one after the other and write the run folder ``out``.

    Each has a run folder in it: ``detection``, whose maps the second network sees, and
    ``regression``. A network that has finished is not trained again when resumed.

    Raises:
        ConfigError: the recipe does not fit, or the run to resume was another one.
        StudyError: no connections, or no clip to train on.
        PalpateError: the folder is taken, or the loss diverged.
    """
    if job.halves:
        raise ConfigError(
            "limbs are trained with validation subjects; set crossval.choose=validation"
        )
    if not job.scheme.edges:
        raise StudyError(
            f"study {job.study.name!r} names no connections between its landmarks, and limbs are "
            'made of them; put them into study.toml: edges = [["shoulder", "elbow"], ...]'
        )
    if job.recipe.augment.mirror and not job.scheme.mirror:
        raise ConfigError(
            f"the recipe mirrors clips, but study {job.study.name!r} does not say which landmarks "
            'change sides; put mirror = [["right_wrist", "left_wrist"], ...] into study.toml, or '
            "--set augment.mirror=0"
        )
    _refuse_impossible(job.recipe)
    root = RunFolder(out)
    begin_run(root, job, resume=manner.resume, command=manner.command)
    if root.localiser.exists():
        return
    _Limbs(job, root, manner, advance).go()


def _refuse_impossible(recipe: LimbRecipe) -> None:
    for stage in recipe.stages.values():
        row = find_clip_network(stage.network)
        across, down = recipe.input.size
        if across % row.multiple or down % row.multiple:
            raise ConfigError(
                f"network {stage.network!r} takes sides that are multiples of {row.multiple}, the "
                f"input is {across} x {down}; set input.size"
            )
        if stage is recipe.detection and (row.stride != 1 or stage.loss != "binary-cross-entropy"):
            raise ConfigError(
                "the detection network hands its maps on: it must put out probabilities, "
                "loss = 'binary-cross-entropy', of the input's own size"
            )


@dataclass(frozen=True, slots=True)
class _Limbs:
    job: TrainingJob[LimbRecipe]
    folder: RunFolder
    manner: Manner
    advance: Advance

    def go(self) -> None:
        device = choose_device(self.manner.device)
        store = PixelStore(self.folder.root)
        if not self.job.part("train"):
            raise StudyError("the split leaves no frame to train on; annotate more clips")
        runs = runs_of(self.job.study, self.job.part("train"))
        train = self._part(runs, store, overlap=True)
        if not train.clips:
            raise StudyError(
                f"no {self.job.recipe.input.frames} consecutive frames are annotated in any "
                "training clip; annotate neighbours, or set input.frames"
            )
        names = self.job.part("validation")
        held_out = _Part((), ())
        if names:
            held_out = self._part(runs_of(self.job.study, names), store, overlap=False)
        spec = self._spec(train, runs.interval_s)
        stages: list[TrainedStage] = []
        for name in self.job.recipe.stages:
            former = stages[-1].network if stages else None
            stages.append(self._train(name, spec, former, (train, held_out), device))
        self._finish(spec, stages, (train, held_out), device)

    def _part(self, runs: Runs, store: PixelStore, *, overlap: bool) -> _Part:
        settings = self.job.recipe.input
        frames: list[TrainingFrame] = []
        clips: list[tuple[int, ...]] = []
        total = sum(len(run) for run in runs.runs)
        for run in runs.runs:
            first = len(frames)
            if overlap:
                cut = overlapping(len(run), settings.frames, settings.shift)
            else:
                cut = [clip for clip, _ in covering(len(run), settings.frames)]
            last = len(run) - 1
            clips += [tuple(first + min(at, last) for at in clip) for clip in cut]
            for name in run:
                (sample,) = self.job.samples(name)
                frames.append(
                    TrainingFrame.of(sample, settings.size, channels=settings.channels, store=store)
                )
                self.advance("reading frames", len(frames), total, "")
        return _Part(frames, clips)

    def _spec(self, train: _Part, interval_s: float) -> LimbSpec:
        recipe, study = self.job.recipe, self.job.study
        last = recipe.regression
        return LimbSpec(
            name=f"{recipe.name} on {study.name}",
            scheme=self.job.scheme,
            networks=tuple(MapNetwork(s.network, s.width) for s in recipe.stages.values()),
            grid=recipe.input.size,
            frames=recipe.input.frames,
            interval_s=interval_s,
            channels=recipe.input.channels,
            span=_span(train.frames, recipe.input.size),
            stride=find_clip_network(last.network).stride,
            scale="logit" if last.loss == "binary-cross-entropy" else "intensity",
            radius_px=recipe.maps.radius_px,
            protocol=study.settings.protocol or "",
        )

    def _train(
        self,
        name: str,
        spec: LimbSpec,
        former: nn.Module | None,
        parts: tuple[_Part, _Part],
        device: torch.device,
    ) -> TrainedStage:
        settings = self.job.recipe.stages[name]
        train, held_out = parts
        # Only the last network may put out maps coarser than the input.
        drawn = replace(spec, stride=find_clip_network(settings.network).stride)
        stage = Stage(
            name,
            settings,
            spec,
            former,
            self._examples(train, drawn, name),
            self._examples(held_out, drawn, name),
            RunFolder(self.folder.root / name),
            device,
            self.job.fingerprint(),
        )
        return train_map_stage(stage, resume=self.manner.resume, advance=self.advance)

    def _examples(self, part: _Part, spec: LimbSpec, name: str) -> ClipExamples:
        recipe = self.job.recipe
        ranges, settings = recipe.augment, recipe.stages[name]
        warp = RandomWarp(
            rotation_deg=ranges.rotation_deg,
            scale=ranges.scale,
            stretch=ranges.stretch,
            shift=ranges.shift,
            mirror=ranges.mirror,
        )
        return ClipExamples(
            part.frames,
            part.clips,
            spec.maps,
            settings.target,
            recipe.maps.sigma_px,
            spec.span,
            warp,
            settings.training.seed,
        )

    def _finish(
        self,
        spec: LimbSpec,
        stages: list[TrainedStage],
        parts: tuple[_Part, _Part],
        device: torch.device,
    ) -> None:
        """Calibrate on what chose the weights and write the description last, as the seal."""
        train, held_out = parts
        chain = place(Chain([stage.network for stage in stages]), device)
        weights = weights_hash(self.folder.root, spec)
        localiser = LimbLocaliser(spec, torch_forward(chain, device), weights)
        found, truths = _predicted(localiser, held_out)
        calibration = variance_factor(found, truths) if found else None
        if calibration is not None:
            spec = replace(spec, variance_factor=calibration.factor)
        metrics = {
            "stages": [stage.costs for stage in stages],
            "seconds_per_clip": _seconds_per_clip(localiser, train),
            **_errors(found, truths),
            **_calibrated(calibration),
            "weights": weights,
        }
        write_json(self.folder.metrics, metrics)
        write_json(self.folder.localiser, spec.to_json())


def _span(frames: Sequence[TrainingFrame], grid: tuple[int, int]) -> float:
    """Standard deviation of the centred values of some frames, over what was measured."""
    some = frames[:: max(1, len(frames) // 64)]
    planes = [frame.seen(frame.to_grid, grid) for frame in some]
    values = np.concatenate([plane.values[plane.valid] for plane in planes])
    if not values.size or values.std() == 0:
        raise StudyError(
            "the frames to train on show one value everywhere, or nothing was measured in them; "
            "see 'palpate check'"
        )
    return float(values.std())


def _predicted(localiser: LimbLocaliser, part: _Part) -> tuple[list[Prediction], list[Points]]:
    """Predictions and truths of every frame of a part, each once."""
    found: dict[int, Prediction] = {}
    for clip in part.clips:
        planes = part.planes(clip, localiser.spec.grid)
        for at, one in zip(clip, localiser.find([planes])[0], strict=True):
            found.setdefault(at, one.prediction)
    return list(found.values()), [part.frames[at].points for at in found]


def _seconds_per_clip(localiser: LimbLocaliser, part: _Part) -> float:
    """From frames in the grid to linked joints, one clip at a time; the median of a few."""
    seconds = []
    clips = part.clips[:: max(1, len(part.clips) // _TIMED)][:_TIMED]
    for clip in (clips[0], *clips):  # the first warms up
        planes = part.planes(clip, localiser.spec.grid)
        began = perf_counter()
        localiser.find([planes])
        seconds.append(perf_counter() - began)
    return round(float(np.median(seconds[1:])), 5)


def _errors(found: Sequence[Prediction], truths: Sequence[Points]) -> dict[str, float | None]:
    """Mean radial error over the joints found, and the share of those annotated that were."""
    errors, there = [], 0
    for prediction, truth in zip(found, truths, strict=True):
        both = prediction.found & truth.present
        there += int(truth.present.sum())
        errors.extend(
            np.linalg.norm(prediction.mean[both] - truth.coordinates[both], axis=1).tolist()
        )
    return {
        "validation_mean_radial_error_px": float(np.mean(errors)) if errors else None,
        "validation_share_found": len(errors) / there if there else None,
    }


def _calibrated(calibration: VarianceCalibration | None) -> dict[str, float | int | None]:
    return {
        "variance_factor": None if calibration is None else calibration.factor,
        "variance_factor_images": 0 if calibration is None else calibration.images,
        "variance_factor_landmarks": 0 if calibration is None else calibration.landmarks,
    }
