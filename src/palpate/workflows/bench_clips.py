"""What ``palpate bench`` measures of clips: images a second, the whole path, and memory."""

import multiprocessing
import resource
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy import ndarray

from palpate.errors import ConfigError
from palpate.files import write_bytes
from palpate.io.video_write import write_video
from palpate.localisers.engines import load_onnx, openvino_forward
from palpate.localisers.network import Forward, NetworkLocaliser
from palpate.localisers.spec import LocaliserSpec
from palpate.localisers.torch_engine import build, place, torch_forward
from palpate.networks import NETWORKS, multiply_accumulates, parameters
from palpate.phantoms.satco import satco_clips
from palpate.phantoms.satco_truth import SCHEME
from palpate.phantoms.satco_write import CRF
from palpate.side_by_side import processors, side_by_side
from palpate.workflows.clip_sources import ClipSource
from palpate.workflows.export import to_onnx
from palpate.workflows.predict_clip import FRAMES_TOGETHER, predict_clip
from palpate.workflows.timing import interleaved

Row = dict[str, Any]

CLIP_NETWORKS = tuple(name for name in NETWORKS if name.startswith("satco"))
_LIGHTEST = "satco-light"
_SIDE = 256
_BATCHES = (1, 16)
_SECONDS = 8  # of the clip that the whole path is measured on
_MINUTES = (1, 10)  # of the clips that memory is measured on
_RATE_HZ = 25.0
_NOTHING_LOST = 18  # constant rate factor of H.264 that looks like the original


def bench_networks(folder: Path, repeats: int, *, advance: Callable[[str], None]) -> list[Row]:
    """Images a second of each network on three engines, at batch 1 and 16."""
    rows = []
    for name in CLIP_NETWORKS:
        advance(f"network {name}")
        rows += _images_per_second(name, folder, repeats)
    return rows


def _images_per_second(name: str, folder: Path, repeats: int) -> list[Row]:
    engines, about = _engines(name, folder)
    rows = []
    for batch in _BATCHES:
        images = np.random.default_rng(0).random((batch, 3, _SIDE, _SIDE), np.float32)
        times = interleaved({n: partial(f, images) for n, f in engines.items()}, repeats)
        speeds = {engine: batch / seconds for engine, seconds in times.items()}
        rows.append({**about, "batch": batch, **speeds})
    return rows


def _engines(
    name: str, folder: Path, *, one_thread: bool = False
) -> tuple[dict[str, Forward], Row]:
    spec = clip_spec(name)
    device = torch.device("cpu")
    torch.manual_seed(0)
    network = place(build(spec).eval(), device)
    path = folder / f"{name}.onnx"
    write_bytes(path, to_onnx(network, spec))
    engines: dict[str, Forward] = {
        "torch": torch_forward(network, device, one_thread=one_thread),
        "ONNX Runtime": load_onnx(path, one_thread=one_thread).forward,
    }
    with suppress(ConfigError):  # an optional extra: no column
        engines["OpenVINO"] = openvino_forward(path, one_thread=one_thread)
    about = {
        "network": name,
        "parameters": f"{parameters(network):,}",
        "MACs (M)": multiply_accumulates(network, (3, _SIDE, _SIDE)) / 1e6,
    }
    return engines, about


def clip_spec(name: str) -> LocaliserSpec:
    """A localiser of the clip networks, as the recipes make it."""
    network = NETWORKS[name]
    return LocaliserSpec(name, SCHEME, name, (_SIDE, _SIDE), "rgb", network.output)


def bench_path(folder: Path, repeats: int, *, advance: Callable[[str], None]) -> list[Row]:
    """The whole path from a clip to points.csv against the bare network on as many frames.

    The bare network is timed in two ways: one group of frames after another, each on all
    processors, and one group a processor, which is how clips are predicted. The faster counts.
    Decoding is work that the bare network has not, and it grows with the bit rate, so there are
    two clips: compressed as clinics keep theirs, and so that nothing is seen to be lost.
    """
    clips = [_clip(folder / f"crf{crf}.mp4", _SECONDS, crf=crf) for crf in (CRF, _NOTHING_LOST)]
    frames = round(_SECONDS * _RATE_HZ)
    rows = []
    for name in ("satco", _LIGHTEST):
        shared, _ = _engines(name, folder)
        alone, _ = _engines(name, folder, one_thread=True)
        for engine, forward in alone.items():
            advance(f"clips through {name}, {engine}")
            last = engine == "torch"  # as load_run has it
            localiser = NetworkLocaliser(
                clip_spec(name), forward, "bench", one_thread=True, channels_last=last
            )
            groups = _groups(frames, channels_last=last)
            works: dict[str, Callable[[], Any]] = {
                "in turn": partial(_bare, shared[engine], groups, workers=1),
                "at once": partial(_bare, forward, groups, workers=processors()),
            }
            for clip in clips:
                works[clip.name] = partial(
                    predict_clip, localiser, clip, folder / "o", labelled=False
                )
            times = interleaved(works, repeats)
            bare = min(times["in turn"], times["at once"])
            for clip in clips:
                rows.append(
                    {
                        "network": name,
                        "engine": engine,
                        "clip (Mbit/s)": clip.path.stat().st_size * 8e-6 / _SECONDS,
                        "images a second, whole": frames / times[clip.name],
                        "bare, in turn": frames / times["in turn"],
                        "bare, at once": frames / times["at once"],
                        "speed, whole / bare": bare / times[clip.name],
                        "at least": 0.85,
                    }
                )
    return rows


def _groups(frames: int, *, channels_last: bool) -> list[ndarray]:
    """As many random frames, in the layout that the engine is given those of a clip."""
    shape = (FRAMES_TOGETHER, _SIDE, _SIDE, 3)
    batch = np.random.default_rng(0).random(shape, np.float32).transpose(0, 3, 1, 2)
    group = batch if channels_last else np.ascontiguousarray(batch)
    return [group] * (frames // FRAMES_TOGETHER)


def _bare(forward: Forward, groups: list[ndarray], *, workers: int) -> None:
    for _ in side_by_side(forward, groups, workers=workers):
        pass


def bench_memory(folder: Path, *, advance: Callable[[str], None]) -> list[Row]:
    """Peak memory of predicting clips of 1 and of 10 minutes, each in a process of its own."""
    write_bytes(folder / "light.onnx", _light())
    rows = []
    for minutes in _MINUTES:
        advance(f"memory of {minutes} min")
        source = _clip(folder / f"{minutes}.mp4", 60 * minutes)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peak = pool.apply(_peak, (folder, source))
        rows.append({"clip (min)": minutes, "peak memory (MiB)": peak})
    return rows


def _light() -> bytes:
    spec = clip_spec(_LIGHTEST)
    return to_onnx(build(spec).eval(), spec)


def _peak(folder: Path, source: ClipSource) -> float:
    localiser = load_onnx(folder / "light.onnx", one_thread=True)
    predict_clip(localiser, source, folder / "out", labelled=False)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10  # Linux counts in KiB


def _clip(path: Path, seconds: int, *, crf: int = CRF) -> ClipSource:
    """A clip of the phantom's first two seconds, again and again."""
    clip = next(satco_clips(1, np.random.default_rng(0), seconds=2.0))
    drawn = list(clip.frames())
    wanted: Iterator[ndarray] = islice(cycle(drawn), round(seconds * _RATE_HZ))
    write_video(path, wanted, rate_hz=_RATE_HZ, crf=crf)
    return ClipSource(path.name, path, clip.region)
