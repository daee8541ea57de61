"""What a run writes beside its weights."""

import platform
from importlib.metadata import version
from typing import Literal

import tomli_w
import torch
from safetensors.torch import save
from torch import nn

from palpate.files import sha256, write_bytes, write_json, write_rows, write_text
from palpate.localisers.run_folder import RunFolder
from palpate.localisers.spec import LocaliserSpec
from palpate.training.calibrate import VarianceCalibration
from palpate.training.checkpoint import Progress
from palpate.training.job import TrainingJob
from palpate.training.recipe import Recipe

_LIBRARIES = ("palpate", "torch", "numpy", "opencv-python-headless")


def write_request(folder: RunFolder, job: TrainingJob[Recipe], *, command: str) -> None:
    """Write, before training, what was asked for: recipe, split, provenance."""
    values = job.recipe.model_dump(mode="json", exclude_none=True)
    write_text(folder.recipe, tomli_w.dumps(values))
    job.split.write(folder.split)
    if job.halves:
        write_json(folder.halves, [list(half) for half in job.halves])
    write_json(folder.study, {"path": str(job.study.root.resolve())})
    parts = {part: len(names) for part, names in job.split.parts.items()}
    provenance = {
        "study": job.study.name,
        "recipe": job.recipe.name,
        "seed": str(job.recipe.chance),
        "split": f"by {job.split.by}, seed {job.split.seed}, "
        + ", ".join(f"{part} {count}" for part, count in parts.items()),
        "inputs": job.fingerprint()[:12],
        "machine": f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads",
        **{library: version(library) for library in _LIBRARIES},
    }
    if command:
        provenance["command"] = command
    write_json(folder.provenance, provenance)


def write_log(folder: RunFolder, progress: Progress) -> None:
    """Write the history as CSV; whole each time, so that a resumed run has no double rows."""
    if not progress.history:
        return
    write_rows(folder.log, progress.history)


def write_best(folder: RunFolder, network: nn.Module) -> None:
    """Write the averaged network at a new best validation."""
    write_bytes(folder.best, _weights(network))


def write_weights(folder: RunFolder, network: nn.Module, *, keep: Literal["best", "last"]) -> None:
    """Write the run's weights at its end: the last average, or the best where there is one."""
    if keep == "best" and folder.best.exists():
        write_bytes(folder.weights, folder.best.read_bytes())
    else:
        write_bytes(folder.weights, _weights(network))


def _weights(network: nn.Module) -> bytes:
    state = network.state_dict()
    return save({name: value.detach().cpu().contiguous() for name, value in state.items()})


def write_result(
    folder: RunFolder,
    spec: LocaliserSpec,
    progress: Progress,
    *,
    calibration: VarianceCalibration | None,
    error_px: float | None,
) -> None:
    """Write, after training, what came out; the localiser's description last, as the seal."""
    metrics = {
        "epochs": progress.epoch,
        "steps": progress.step,
        "validation_mean_radial_error_px": error_px,
        "best_validation_px": progress.best or None,
        "variance_factor": None if calibration is None else calibration.factor,
        "variance_factor_images": 0 if calibration is None else calibration.images,
        "variance_factor_landmarks": 0 if calibration is None else calibration.landmarks,
        "weights_sha256": sha256(folder.weights),
    }
    write_json(folder.metrics, metrics)
    write_json(folder.localiser, spec.to_json())
