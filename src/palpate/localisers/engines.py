"""Networks on ONNX Runtime and OpenVINO. Torch is not needed here."""

import json
from pathlib import Path

import numpy as np
from numpy import ndarray

from palpate.errors import ConfigError, FormatError
from palpate.files import sha256
from palpate.localisers.network import Forward, NetworkLocaliser
from palpate.localisers.spec import LocaliserSpec

METADATA_KEY = "palpate"
_AT_ONCE = 16  # images through the network together; bounds the memory


def load_onnx(path: Path, *, threads: int = 0) -> NetworkLocaliser:
    """Load an exported localiser on ONNX Runtime.

    Args:
        path: a file that ``palpate export`` wrote.
        threads: 0 lets the engine choose.

    Raises:
        FormatError: not an exported localiser.
        ConfigError: ONNX Runtime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError("ONNX Runtime is missing; pip install 'palpate[predict]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise FormatError(path, f"ONNX Runtime cannot read it: {error}") from error
    spec = _spec(session.get_modelmeta().custom_metadata_map.get(METADATA_KEY), path)

    def forward(batch: ndarray) -> ndarray:
        return np.concatenate(
            [
                session.run(None, {"image": batch[at : at + _AT_ONCE]})[0]
                for at in range(0, len(batch), _AT_ONCE)
            ]
        )

    return NetworkLocaliser(spec, forward, sha256(path)[:12])


def openvino_forward(path: Path) -> Forward:
    """Compile an exported model with OpenVINO for this machine's processor.

    Raises:
        ConfigError: OpenVINO is not installed.
    """
    try:
        import openvino
    except ImportError as error:
        raise ConfigError("OpenVINO is missing; pip install 'palpate[openvino]'") from error
    # Otherwise it computes in bfloat16 where the processor can, and answers differ by a percent.
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(str(path), "CPU", exact)

    def forward(batch: ndarray) -> ndarray:
        return np.concatenate(
            [
                np.asarray(compiled(batch[at : at + _AT_ONCE])[0])
                for at in range(0, len(batch), _AT_ONCE)
            ]
        )

    return forward


def _spec(text: str | None, path: Path) -> LocaliserSpec:
    if text is None:
        raise FormatError(path, "an ONNX model, but not one that 'palpate export' wrote")
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise FormatError(path, f"its description is damaged: {error}") from error
    return LocaliserSpec.from_json(values, where=str(path))
