"""Load a localiser from a RUN folder or an exported ONNX file."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from palpate.errors import ConfigError, PalpateError
from palpate.localisers.cascade import CASCADE, GLOBAL, LOCAL, join_cascade
from palpate.localisers.engines import (
    exported_method,
    load_onnx,
    load_onnx_limbs,
    load_openvino,
    openvino_forward,
)
from palpate.localisers.forest import METHOD, load_forest
from palpate.localisers.limb_spec import LIMBS
from palpate.localisers.localiser import Localiser
from palpate.localisers.run_folder import RunFolder

ENGINES = ("onnxruntime", "openvino")


def load_localiser(
    path: Path, *, device: str = "cpu", engine: str | None = None, one_thread: bool = False
) -> Localiser:
    """Load what ``palpate train`` or ``palpate export`` made.

    Args:
        path: a RUN folder, which torch runs, or an exported model.
        device: of torch.
        engine: for an exported model: ``onnxruntime``, which None also means, or ``openvino``.
        one_thread: the network keeps to the thread that calls it, where it runs on a processor;
            several threads that each do whole images are faster than several that share a layer.

    Raises:
        PalpateError: nothing there, an engine that is none or cannot run it, or torch is needed
            and missing.
    """
    if engine not in (None, *ENGINES):
        raise ConfigError(f"engines are {', '.join(ENGINES)}; got {engine!r}")
    if path.suffix == ".onnx":
        if not path.exists():
            raise PalpateError(f"there is no model {path}")
        if exported_method(path) == LIMBS:
            return _exported_limbs(path, engine, one_thread=one_thread)
        load = load_openvino if engine == "openvino" else load_onnx
        return load(path, one_thread=one_thread)
    if engine is not None:
        raise ConfigError(
            f"{path} is a run folder; {engine} needs a model made with 'palpate export'"
        )
    if not path.is_dir():
        raise PalpateError(f"there is no run folder {path}; make one with 'palpate train'")
    folder = RunFolder(path)
    method = folder.description().get("method")
    if method == CASCADE:
        searches = (
            load_localiser(path / name, device=device, one_thread=one_thread)
            for name in (GLOBAL, LOCAL)
        )
        return join_cascade(folder, *searches)
    if method == METHOD:
        return load_forest(folder)
    if find_spec("torch") is None:
        raise PalpateError(
            f"{path} is a run folder, which needs torch: pip install 'palpate[train]'; or use a "
            "model exported with 'palpate export', which needs only palpate[predict]"
        )
    import torch

    if method == LIMBS:
        from palpate.localisers.torch_limbs import load_limbs

        return load_limbs(path, torch.device(device), one_thread=one_thread)

    from palpate.localisers.torch_engine import load_run

    return load_run(path, torch.device(device), one_thread=one_thread)


def _exported_limbs(path: Path, engine: str | None, *, one_thread: bool) -> Localiser:
    limbs = load_onnx_limbs(path, one_thread=one_thread)
    if engine != "openvino":
        return limbs
    return replace(limbs, forward=openvino_forward(path, one_thread=one_thread))
