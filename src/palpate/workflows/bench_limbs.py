"""What ``palpate bench`` measures of limbs: kernels of two kinds, and the light network."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from palpate.files import write_bytes
from palpate.localisers.engines import load_onnx_limbs
from palpate.localisers.limb_spec import LimbSpec, MapNetwork
from palpate.localisers.limbs import ClipForward
from palpate.localisers.torch_engine import place, torch_forward
from palpate.localisers.torch_limbs import Chain
from palpate.networks import multiply_accumulates, parameters
from palpate.networks.clips import find_clip_network
from palpate.phantoms.infant_truth import SCHEME
from palpate.scheme import LandmarkScheme
from palpate.workflows.export import limbs_to_onnx
from palpate.workflows.timing import interleaved

Row = dict[str, Any]

_MAPS, _FRAMES, _SIZE = 20, 3, (128, 96)
_WIDTH = 1.0  # as published
_LIGHT = "infant-light"
_FULL, _ASYMMETRIC = "infant-regression", "infant-regression-asym"
_REPEATS = 3  # at most, of a step of training: seconds each
_RATE_HZ = 30.0  # of the camera


def bench_kernels(repeats: int) -> list[Row]:
    """Train and predict with the full and the asymmetric regression network, one clip at a time.

    A ratio of times above that of the multiply-accumulates is what a cascade adds: three passes
    of normalisation and ReLU, and three times as much memory to go through, where there was one.
    In bfloat16, where multiplying is cheap, that is most of the time.
    """
    rows = []
    for precision in ("float32", "bfloat16"):
        networks = {name: _network(name, 1 + _MAPS) for name in (_FULL, _ASYMMETRIC)}
        works: dict[str, Callable[[], Any]] = {}
        for name, network in networks.items():
            works[f"{name} step"] = partial(_step, network, precision)
            works[f"{name} clip"] = partial(_clip, network, precision)
        times = interleaved(works, min(repeats, _REPEATS))
        work = {name: _work(network, 1 + _MAPS) for name, network in networks.items()}
        for name, network in networks.items():
            rows.append(
                {
                    "network": name,
                    "precision": precision,
                    "parameters": f"{parameters(network):,}",
                    "MACs (G)": work[name] / 1e9,
                    "MACs / full": work[name] / work[_FULL],
                    "training step (s)": times[f"{name} step"],
                    "step / full": times[f"{name} step"] / times[f"{_FULL} step"],
                    "predicting a clip (s)": times[f"{name} clip"],
                    "clip / full": times[f"{name} clip"] / times[f"{_FULL} clip"],
                }
            )
    return rows


def bench_light(folder: Path, repeats: int) -> list[Row]:
    """Clips a second of the light network, beside the rate at which a camera makes them."""
    network = _network(_LIGHT, 1).eval()
    path = folder / f"{_LIGHT}.onnx"
    chain = Chain([network]).eval()
    write_bytes(path, limbs_to_onnx(chain, light_spec(SCHEME)))
    clip = _input(network).numpy()
    # One after the other: threads of one engine that wait for work keep the other's from theirs.
    engines: dict[str, Callable[[], ClipForward]] = {
        "torch": lambda: torch_forward(chain, torch.device("cpu")),
        "ONNX Runtime": lambda: load_onnx_limbs(path).forward,
    }
    times = {
        name: interleaved({name: partial(load(), clip)}, 5 * repeats)[name]
        for name, load in engines.items()
    }
    return [
        {
            "network": _LIGHT,
            "engine": engine,
            "parameters": f"{parameters(network):,}",
            "MACs (M)": _work(network, 1) / 1e6,
            "a clip (ms)": 1e3 * seconds,
            "clips a second": 1 / seconds,
            "at least": _RATE_HZ,
        }
        for engine, seconds in times.items()
    ]


def light_spec(scheme: LandmarkScheme, *, interval_s: float = 0.0) -> LimbSpec:
    """Describe the light network for the joints of a scheme."""
    return LimbSpec(
        name="bench",
        scheme=scheme,
        networks=(MapNetwork(_LIGHT, _WIDTH),),
        grid=_SIZE,
        frames=_FRAMES,
        interval_s=interval_s,
        channels="depth",
        span=1.0,
        stride=find_clip_network(_LIGHT).stride,
        scale="logit",
    )


def _network(name: str, channels: int) -> nn.Module:
    torch.manual_seed(0)
    network = find_clip_network(name).build(channels, _MAPS, _FRAMES, _WIDTH)
    return place(network, torch.device("cpu"))


def _work(network: nn.Module, channels: int) -> int:
    return multiply_accumulates(network, (channels, _FRAMES, _SIZE[1], _SIZE[0]))


def _input(network: nn.Module) -> Tensor:
    first = next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Conv3d))
    shape = (1, first.in_channels, _FRAMES, _SIZE[1], _SIZE[0])
    return torch.from_numpy(np.random.default_rng(0).standard_normal(shape, np.float32))


def _step(network: nn.Module, precision: str) -> None:
    network.train().zero_grad(set_to_none=True)
    with _autocast(precision):
        maps = network(_input(network))
    maps.float().square().mean().backward()


@torch.inference_mode()
def _clip(network: nn.Module, precision: str) -> None:
    with _autocast(precision):
        network.eval()(_input(network))


def _autocast(precision: str) -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")
