"""Networks on ONNX Runtime and OpenVINO. Torch is not needed here."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from palpate.errors import ConfigError, FormatError
from palpate.files import sha256
from palpate.localisers.limb_spec import LimbSpec
from palpate.localisers.limbs import LimbLocaliser
from palpate.localisers.network import Forward, NetworkLocaliser
from palpate.localisers.spec import LocaliserSpec

METADATA_KEY = "palpate"
_AT_ONCE = 16  # images through the network together; bounds the memory


def load_onnx(path: Path, *, one_thread: bool = False) -> NetworkLocaliser:
    """Load an exported localiser on ONNX Runtime.

    Args:
        path: a file that ``palpate export`` wrote.
        one_thread: compute in the calling thread alone, so that several threads may call.

    Raises:
        FormatError: not an exported localiser.
        ConfigError: ONNX Runtime is not installed.
    """
    session = _onnx_session(path, one_thread=one_thread)
    spec = LocaliserSpec.from_json(_described(session, path), where=str(path))
    return NetworkLocaliser(spec, _onnx_forward(session), sha256(path)[:12], one_thread)


def load_onnx_limbs(path: Path, *, one_thread: bool = False) -> LimbLocaliser:
    """Load an exported localiser of limbs on ONNX Runtime.

    Raises:
        FormatError: not such a localiser.
        ConfigError: ONNX Runtime is not installed.
    """
    session = _onnx_session(path, one_thread=one_thread)
    spec = LimbSpec.from_json(_described(session, path), where=str(path))
    return LimbLocaliser(spec, _onnx_forward(session), sha256(path)[:12], one_thread)


def exported_method(path: Path) -> str:
    """Which method an exported localiser is of.

    Raises:
        FormatError: not an exported localiser.
    """
    session = _onnx_session(path, one_thread=True)
    return str(_described(session, path).get("method", "network"))


def load_openvino(path: Path, *, one_thread: bool = False) -> NetworkLocaliser:
    """Load an exported localiser on OpenVINO, compiled for this machine's processor.

    Raises:
        FormatError: not an exported localiser.
        ConfigError: OpenVINO or ONNX Runtime, which reads the file, is not installed.
    """
    forward = openvino_forward(path, one_thread=one_thread)
    return replace(load_onnx(path), forward=forward, one_thread=one_thread)


def openvino_forward(path: Path, *, one_thread: bool = False) -> Forward:
    """Compile an exported model with OpenVINO.

    Raises:
        ConfigError: OpenVINO is not installed.
    """
    try:
        import openvino
    except ImportError as error:
        raise ConfigError("OpenVINO is missing; pip install 'palpate[openvino]'") from error
    # Otherwise it computes in bfloat16 where the processor can, and answers differ by a percent.
    wishes: dict[str, str | int] = {"INFERENCE_PRECISION_HINT": "f32"}
    if one_thread:  # its own threads then each do a whole request
        wishes["PERFORMANCE_HINT"] = "THROUGHPUT"
    compiled = openvino.Core().compile_model(str(path), "CPU", wishes)

    def forward(batch: ndarray) -> ndarray:
        # A request of one's own: the model's is not for several threads.
        request = compiled.create_infer_request()
        return np.concatenate([np.array(request.infer([p])[0]) for p in _parts(batch)])

    return forward


def _onnx_forward(session: Any) -> Forward:
    def forward(batch: ndarray) -> ndarray:
        return np.concatenate([session.run(None, {"image": part})[0] for part in _parts(batch)])

    return forward


def _onnx_session(path: Path, *, one_thread: bool) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError("ONNX Runtime is missing; pip install 'palpate[predict]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1 if one_thread else 0  # 0: as many as it likes
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise FormatError(path, f"ONNX Runtime cannot read it: {error}") from error


def _parts(batch: ndarray) -> Iterator[ndarray]:
    """Parts of a batch as these engines want them: channels first in memory, few together."""
    for at in range(0, len(batch), _AT_ONCE):
        yield np.ascontiguousarray(batch[at : at + _AT_ONCE])


def _described(session: Any, path: Path) -> dict[str, Any]:
    """What an exported model says of itself."""
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        raise FormatError(path, "an ONNX model, but not one that 'palpate export' wrote")
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise FormatError(path, f"its description is damaged: {error}") from error
