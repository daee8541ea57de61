"""Export a run to ONNX, with the difference to the original in pixels."""

import logging
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import nn

from palpate.augment.channels import CHANNELS
from palpate.errors import PalpateError
from palpate.files import write_bytes
from palpate.image import Image
from palpate.localisers.calibrated import calibration_path, find_calibration
from palpate.localisers.engines import METADATA_KEY, load_onnx, load_onnx_limbs
from palpate.localisers.limb_spec import LIMBS, LimbSpec
from palpate.localisers.limbs import LimbLocaliser
from palpate.localisers.load import load_localiser
from palpate.localisers.run_folder import RunFolder
from palpate.localisers.spec import LocaliserSpec
from palpate.localisers.torch_engine import load_network
from palpate.localisers.torch_limbs import load_chain
from palpate.trust.store import write_calibration

_ALLOWED_PX = 0.1
_ALLOWED_MAPS = 0.01  # of 1, or of a logit


@dataclass(frozen=True, slots=True)
class Exported:
    """Where the model is and the largest distance between its answer and the original's, in px."""

    path: Path
    difference_px: float


def export_onnx(run: Path, out: Path) -> Exported:
    """Write an ONNX file that holds all that predicting needs, and check it on noise images.

    A calibrated run's calibration is written beside it, as ``OUT.calibration.json``.

    Raises:
        PalpateError: the exported model answers differently by more than a tenth of a pixel.
    """
    limbs = RunFolder(run).description().get("method") == LIMBS
    if limbs:
        chain_spec, chain = load_chain(run)
        model, grid = limbs_to_onnx(chain, chain_spec), chain_spec.grid
    else:
        spec, network = load_network(RunFolder(run))
        model, grid = to_onnx(network, spec), spec.grid
    partial = out.with_name(f".{out.name}.unchecked")
    write_bytes(partial, model)
    try:
        difference = _limbs_apart(run, partial) if limbs else _difference(run, partial, grid)
        if difference > _ALLOWED_PX:
            raise PalpateError(
                f"the exported model differs by {difference:.3f} px from the original "
                f"(allowed: {_ALLOWED_PX}); it was not kept"
            )
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    _export_calibration(run, out)
    return Exported(out, difference)


def _export_calibration(run: Path, out: Path) -> None:
    """Put the run's calibration, without names of subjects, beside the exported model."""
    calibration = find_calibration(run)
    if calibration is None:
        # Of an earlier export to this name it would be another run's.
        calibration_path(out).unlink(missing_ok=True)
        return
    weights = load_localiser(out).weights
    exported = replace(calibration, weights=weights, subjects=())
    write_calibration(exported, calibration_path(out))


def to_onnx(network: nn.Module, spec: LocaliserSpec) -> bytes:
    """Return the network, for any number of images, as ONNX that describes the localiser."""
    channels = CHANNELS[spec.channels].count
    return _described(network, (channels, spec.grid[1], spec.grid[0]), spec.dumps())


def limbs_to_onnx(chain: nn.Module, spec: LimbSpec) -> bytes:
    """Return a chain, for any number of clips, as ONNX that describes the localiser of limbs."""
    return _described(chain, (1, spec.frames, spec.grid[1], spec.grid[0]), spec.dumps())


def _described(network: nn.Module, shape: tuple[int, ...], description: str) -> bytes:
    # Two images: the exporter takes a size of 1 for a constant.
    example = torch.zeros(2, *shape)
    # It says for every operator of torchvision that torchvision, which nobody needs, is missing.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        program = torch.onnx.export(
            network,
            (example,),
            input_names=["image"],
            output_names=["maps"],
            dynamic_shapes=({0: torch.export.Dim("images")},),
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise PalpateError("torch could not export this network")
    model = program.model_proto
    onnx.helper.set_model_props(model, {METADATA_KEY: description})
    return bytes(model.SerializeToString())


def _limbs_apart(run: Path, exported: Path) -> float:
    """Largest distance between the centres of the same map, in px of the grid, on blurred noise.

    Centres, not joints: on noise there are none to be found, and nothing would be compared.

    Raises:
        PalpateError: the maps differ.
    """
    rng = np.random.default_rng(0)
    original, copy = load_localiser(run), load_onnx_limbs(exported)
    assert isinstance(original, LimbLocaliser)
    worst = 0.0
    across, down = original.spec.grid
    for _ in range(3):
        noise = cv2.GaussianBlur(rng.normal(size=(original.frames, down, across)), (0, 0), 4.0)
        clip = (noise / noise.std()).astype(np.float32)[None, None]
        ours, theirs = original.forward(clip), copy.forward(clip)
        maps = np.abs(ours - theirs).max()
        if maps > _ALLOWED_MAPS:
            raise PalpateError(f"the exported model's maps differ by {maps:.3g} from the original")
        apart = np.linalg.norm(_centres(ours) - _centres(theirs), axis=-1).max()
        worst = max(worst, float(apart) * original.spec.stride)
    return worst


def _centres(maps: Float[ndarray, "*n y x"]) -> Float[ndarray, "*n 2"]:
    """Where the mass of each map lies, above its smallest value, in cells."""
    mass = maps.astype(np.float64) - maps.min(axis=(-2, -1), keepdims=True)
    total = np.maximum(mass.sum(axis=(-2, -1)), 1e-12)
    x = (mass.sum(axis=-2) * np.arange(maps.shape[-1])).sum(axis=-1) / total
    y = (mass.sum(axis=-1) * np.arange(maps.shape[-2])).sum(axis=-1) / total
    return np.stack([x, y], axis=-1)


def _difference(run: Path, exported: Path, grid: tuple[int, int]) -> float:
    rng = np.random.default_rng(0)
    original, copy = load_localiser(run), load_onnx(exported)
    worst = 0.0
    for number in range(3):
        pixels = rng.integers(0, 256, (1, grid[1], grid[0]), dtype=np.uint8)
        image = Image(pixels, f"noise {number}")
        apart = original.predict(image).mean - copy.predict(image).mean
        worst = max(worst, float(np.linalg.norm(apart, axis=1).max()))
    return worst
