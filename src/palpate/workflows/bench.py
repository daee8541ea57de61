"""What ``palpate bench`` measures. Compare the ratios of one run, not seconds of two."""

import multiprocessing
import resource
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch

from palpate.augment.channels import CHANNELS
from palpate.errors import ConfigError
from palpate.files import write_bytes
from palpate.io.predictions import PredictionFile, write_predictions, write_predictions_csv
from palpate.localisers.engines import load_onnx, openvino_forward
from palpate.localisers.network import Forward, NetworkLocaliser
from palpate.localisers.spec import LocaliserSpec
from palpate.localisers.torch_engine import build, place, torch_forward
from palpate.networks import NETWORKS, multiply_accumulates, parameters_keras
from palpate.phantoms.write import write_phantom
from palpate.scheme import LandmarkScheme
from palpate.study import open_study
from palpate.training.batches import Batch, Share, prefetched
from palpate.training.inputs import training_grid, training_images
from palpate.training.job import TrainingJob, silent
from palpate.training.loop import Plan, State, train_step
from palpate.training.objective import loss_function
from palpate.training.pixel_store import PixelStore
from palpate.training.recipe import network_recipe, read_recipe
from palpate.training.train import make_examples, make_spec, new_state
from palpate.workflows.bench_clips import (
    CLIP_NETWORKS,
    bench_memory,
    bench_networks,
    bench_path,
)
from palpate.workflows.bench_forest import bench_forest
from palpate.workflows.bench_limbs import bench_kernels, bench_light
from palpate.workflows.bench_monitor import MonitorLengths, bench_monitor
from palpate.workflows.bench_trust import bench_bootstrap, bench_calibration, bench_film
from palpate.workflows.bench_votes import bench_votes
from palpate.workflows.export import to_onnx
from palpate.workflows.predict import find_sources, predict_each
from palpate.workflows.split import choose_split
from palpate.workflows.timing import interleaved

Row = dict[str, Any]  # column -> text or number

_LANDMARKS = 29
_GRIDS = {"unet": (512, 640)}
_PAPER_GRID = (128, 256)
_HEAD_START = 3  # batches that were made while nobody waited for them


def run_bench(
    repeats: int, *, advance: Callable[[str], None], lengths: MonitorLengths | None = None
) -> dict[str, list[Row]]:
    """Measure everything; ``repeats`` runs per figure, of which the median counts.

    ``lengths`` is how much of a stream is monitored.
    """
    device = torch.device("cpu")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        tables: dict[str, list[Row]] = {"forward pass, milliseconds an image, batch 1": []}
        for name in (name for name in NETWORKS if name not in CLIP_NETWORKS):
            advance(f"network {name}")
            tables["forward pass, milliseconds an image, batch 1"].append(
                _engines(name, folder, device, repeats)
            )
        write_phantom("cervical", folder / "study", n=24, seed=0)
        advance("predicting a folder")
        tables["predict a folder of 24 films, seconds"] = [_predicting(folder, repeats)]
        advance("training steps")
        tables["training with the default recipe"] = [_training(folder, repeats)]
        advance("votes")
        tables["votes: 58 landmarks, 224 x 224"] = bench_votes(repeats)
        advance("forests")
        tables["forests: 58 landmarks of hips"] = bench_forest(folder)
        advance("uncertainty")
        tables["one film, 544 x 640, with its uncertainty: 19 landmarks"] = bench_film(repeats)
        tables["calibrating a run, predictions at hand"] = bench_calibration()
        tables["intervals of all figures by bootstrap"] = bench_bootstrap(repeats)
        advance("limbs, full and asymmetric kernels")
        tables["limbs: regression, 128 x 96, one clip of 3 frames"] = bench_kernels(repeats)
        advance("limbs, the light network")
        tables["limbs: clips a second, 128 x 96"] = bench_light(folder, repeats)
        advance("monitoring")
        tables |= bench_monitor(folder / "monitor", lengths or MonitorLengths())
        tables["clips: images a second, 256 x 256"] = bench_networks(
            folder, repeats, advance=advance
        )
        tables["clips: from video to points.csv"] = bench_path(folder, repeats, advance=advance)
        tables["clips: peak memory on ONNX Runtime"] = bench_memory(folder, advance=advance)
    return tables


def _spec(name: str) -> LocaliserSpec:
    scheme = LandmarkScheme("bench", tuple(f"p{i}" for i in range(_LANDMARKS)))
    network = NETWORKS[name]
    channels = "standardised" if name == "unet" else "grey-eq-inv"
    return LocaliserSpec(
        "bench",
        scheme,
        name,
        _GRIDS.get(name, _PAPER_GRID),
        channels,
        network.output,
        stride=network.stride,
    )


def _engines(name: str, folder: Path, device: torch.device, repeats: int) -> Row:
    spec = _spec(name)
    torch.manual_seed(0)
    network = place(build(spec).eval(), device)
    path = folder / f"{name}.onnx"
    write_bytes(path, to_onnx(network, spec))
    shape = (CHANNELS[spec.channels].count, spec.grid[1], spec.grid[0])
    batch = np.random.default_rng(0).random((1, *shape), np.float32)
    engines: dict[str, Forward] = {
        "torch": torch_forward(network, device),
        "ONNX Runtime": load_onnx(path).forward,
    }
    try:
        engines["OpenVINO"] = openvino_forward(path)
    except ConfigError as error:  # an optional extra: the column says so
        missing = str(error)
        engines_missing = {"OpenVINO": missing}
    else:
        engines_missing = {}
    times = interleaved({n: partial(f, batch) for n, f in engines.items()}, repeats)
    return {
        "network": name,
        "input": f"{spec.grid[0]} x {spec.grid[1]}",
        "parameters": f"{parameters_keras(network):,}",
        "MACs (M)": multiply_accumulates(network, shape) / 1e6,
        **{n: 1000 * seconds for n, seconds in times.items()},
        **engines_missing,
    }


def _predicting(folder: Path, repeats: int) -> Row:
    spec = _spec("unet")
    torch.manual_seed(0)
    forward = torch_forward(build(spec), torch.device("cpu"))
    localiser = NetworkLocaliser(spec, forward, "bench")
    sources = find_sources([folder / "study"])
    shape = (1, 1, spec.grid[1], spec.grid[0])
    batch = np.random.default_rng(0).random(shape, np.float32)

    def whole() -> None:
        found = [outcome.predicted for outcome in predict_each(localiser, sources)]
        file = PredictionFile(spec.scheme, tuple(image for image in found if image is not None))
        write_predictions(file, folder / "out" / "predictions.json")
        write_predictions_csv(file, folder / "out" / "predictions.csv")

    def bare() -> None:
        for _ in sources:
            forward(batch)

    times = interleaved({"whole": whole, "bare network": bare}, repeats)
    return {
        "network": "unet, torch",
        **times,
        "whole / bare": times["whole"] / times["bare network"],
        "allowed": 1.15,
    }


def _plan(folder: Path) -> tuple[Plan, State]:
    study, recipe = open_study(folder / "study"), network_recipe(read_recipe("default"))
    job = TrainingJob(study, recipe, choose_split(study, recipe))
    grid = training_grid(job)
    spec = make_spec(recipe, job, grid)
    store = PixelStore(folder)
    images = training_images(job, "train", job.part("train"), grid, advance=silent, store=store)
    examples = make_examples(recipe, spec, images)
    device = torch.device("cpu")
    loss = loss_function(recipe.loss.name, spec)
    plan = Plan(recipe.training, recipe.optimiser, examples, loss, device)
    return plan, new_state(recipe, spec, device)


def _step_times(folder: Path, repeats: int) -> tuple[float, float]:
    """Median seconds of a step with real loading and of one on a cached batch, block by block."""
    plan, state = _plan(folder)
    size, count = plan.training.batch, len(plan.examples)
    block = repeats + _HEAD_START
    groups = [[(size * i + j) % count for j in range(size)] for i in range(2 * block + 1)]
    made = prefetched(plan.examples, groups, epoch=0, share=Share(), workers=1)
    state.network.train()
    cached = next(made)

    def seconds(batches: Iterable[Batch]) -> list[float]:
        times, start = [], perf_counter()
        for batch in batches:
            train_step(plan, state, state.network, batch)
            times.append(perf_counter() - start)
            start = perf_counter()
        return times

    seconds([cached])  # the first step also builds kernels
    real, bare = [], []
    for _ in range(2):
        real += seconds(islice(made, block))[_HEAD_START:]
        bare += seconds([cached] * repeats)
    return median(real), median(bare)


def _measure_training(folder: Path, repeats: int) -> tuple[float, float, float]:
    real, cached = _step_times(folder, repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # Linux counts in KiB
    return real, cached, peak


def _training(folder: Path, repeats: int) -> Row:
    # In a process of its own, so that its peak memory is its own.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        real, cached, peak = pool.apply(_measure_training, (folder, repeats))
    return {
        "step, real loading (s)": real,
        "step, cached batch (s)": cached,
        "real / cached": real / cached,
        "allowed": 1.15,
        "peak memory (GiB)": peak,
        "memory allowed (GiB)": 4.0,
    }
