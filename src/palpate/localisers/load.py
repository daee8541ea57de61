"""Load a localiser from a RUN folder or an exported ONNX file."""

from importlib.util import find_spec
from pathlib import Path

from palpate.errors import PalpateError
from palpate.localisers.engines import load_onnx
from palpate.localisers.network import NetworkLocaliser


def load_localiser(path: Path, *, device: str = "cpu") -> NetworkLocaliser:
    """Load what ``palpate train`` or ``palpate export`` made.

    Raises:
        PalpateError: nothing there, or torch is needed and missing.
    """
    if path.suffix == ".onnx":
        if not path.exists():
            raise PalpateError(f"there is no model {path}")
        return load_onnx(path)
    if not path.is_dir():
        raise PalpateError(f"there is no run folder {path}; make one with 'palpate train'")
    if find_spec("torch") is None:
        raise PalpateError(
            f"{path} is a run folder, which needs torch: pip install 'palpate[train]'; or use a "
            "model exported with 'palpate export', which needs only palpate[predict]"
        )
    import torch

    from palpate.localisers.torch_engine import load_run

    return load_run(path, torch.device(device))
