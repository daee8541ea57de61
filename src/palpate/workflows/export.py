"""Export a run to ONNX, with the difference to the original in pixels."""

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from palpate.augment.channels import CHANNELS
from palpate.errors import PalpateError
from palpate.files import write_bytes
from palpate.image import Image
from palpate.localisers.engines import METADATA_KEY, load_onnx
from palpate.localisers.load import load_localiser
from palpate.localisers.run_folder import RunFolder
from palpate.localisers.spec import LocaliserSpec
from palpate.localisers.torch_engine import load_network

_ALLOWED_PX = 0.1


@dataclass(frozen=True, slots=True)
class Exported:
    """Where the model is and the largest distance between its answer and the original's, in px."""

    path: Path
    difference_px: float


def export_onnx(run: Path, out: Path) -> Exported:
    """Write an ONNX file that holds all that predicting needs, and check it on noise images.

    Raises:
        PalpateError: the exported model answers differently by more than a tenth of a pixel.
    """
    spec, network = load_network(RunFolder(run))
    partial = out.with_name(f".{out.name}.unchecked")
    write_bytes(partial, to_onnx(network, spec))
    try:
        difference = _difference(run, partial, spec.grid)
        if difference > _ALLOWED_PX:
            raise PalpateError(
                f"the exported model differs by {difference:.3f} px from the original "
                f"(allowed: {_ALLOWED_PX}); it was not kept"
            )
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return Exported(out, difference)


def to_onnx(network: nn.Module, spec: LocaliserSpec) -> bytes:
    """Return the network, for any number of images, as ONNX that describes the localiser."""
    channels = CHANNELS[spec.channels].count
    # Two images: the exporter takes a size of 1 for a constant.
    example = torch.zeros(2, channels, spec.grid[1], spec.grid[0])
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
        raise PalpateError(f"torch could not export network {spec.network!r}")
    model = program.model_proto
    onnx.helper.set_model_props(model, {METADATA_KEY: spec.dumps()})
    return bytes(model.SerializeToString())


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
