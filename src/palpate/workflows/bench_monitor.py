"""What ``palpate bench`` measures of monitoring: delay at a camera's rate, memory of a long stream.

The stream is the phantom's replay, round and round, as 16-bit PNG frames of 640 x 480; the network
is the light one on ONNX Runtime, its weights random. `palpate monitor` prints the same figures of a
trained run.
"""

import multiprocessing
from dataclasses import dataclass
from math import inf
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import torch

from palpate.files import write_bytes
from palpate.io.depth_write import write_depth_folder
from palpate.localisers.engines import load_onnx_limbs
from palpate.localisers.torch_engine import place
from palpate.localisers.torch_limbs import Chain
from palpate.monitor.clock import SystemClock
from palpate.monitor.follow import FollowSettings
from palpate.monitor.status import Status
from palpate.networks.clips import find_clip_network
from palpate.phantoms.infant import infant_clip
from palpate.phantoms.infant_truth import SCHEME
from palpate.workflows.bench_limbs import light_spec
from palpate.workflows.export import limbs_to_onnx
from palpate.workflows.monitor_live import LiveRun
from palpate.workflows.monitor_source import SourceWishes, open_source

Row = dict[str, Any]

_RATE_HZ = 30.0
_RECORDED_S = 10.0
_MARKS = 5  # how often memory is looked at


@dataclass(frozen=True, slots=True)
class MonitorLengths:
    """How much is replayed.

    Args:
        paced_s: at the camera's rate.
        hurried_s: of the stream, as fast as it goes.
    """

    paced_s: float = 60.0
    hurried_s: float = 240.0


LONG = MonitorLengths(600.0, 3600.0)


def bench_monitor(folder: Path, lengths: MonitorLengths) -> dict[str, list[Row]]:
    """Follow a replay twice, each in a process of its own: delays, then memory."""
    _write(folder)
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        delays = pool.apply(_paced, (folder, lengths.paced_s))
        memory = pool.apply(_hurried, (folder, lengths.hurried_s))
    return {
        "monitoring: delay of a replay at 30 Hz": delays,
        "monitoring: memory of a replay as fast as it goes": memory,
    }


def _write(folder: Path) -> None:
    clip = infant_clip("replay", np.random.default_rng(0), seconds=_RECORDED_S, rate_hz=_RATE_HZ)
    write_depth_folder(folder / "replay", (frame.pixels for frame in clip.frames()))
    spec = light_spec(SCHEME, interval_s=5 / _RATE_HZ)
    torch.manual_seed(0)
    row = find_clip_network(spec.networks[0].name)
    network = place(row.build(1, spec.maps.count, spec.frames, 1.0), torch.device("cpu")).eval()
    write_bytes(folder / "light.onnx", limbs_to_onnx(Chain([network]).eval(), spec))


def _paced(folder: Path, seconds: float) -> list[Row]:
    status, _ = _followed(folder, folder / "paced", seconds, pace=1.0)
    delay = status.as_json()["delay_ms"]
    came = status.came
    return [
        {
            "stream (s)": seconds,
            "frames": came,
            "skipped or bad": sum(status.frames.get(state, 0) for state in ("skipped", "bad")),
            "p50 (ms)": delay["p50"],
            "p99 (ms)": delay["p99"],
            "longest (ms)": delay["max"],
            "a frame lasts (ms)": 1e3 / _RATE_HZ,
        }
    ]


def _hurried(folder: Path, seconds: float) -> list[Row]:
    _, seen = _followed(folder, folder / "hurried", seconds, pace=inf)
    last = seen[-1][0]
    marks = [next(s for s in seen if s[0] >= last * n / _MARKS) for n in range(1, _MARKS + 1)]
    return [
        {"stream (s)": frames / _RATE_HZ, "frames": frames, "resident memory (MiB)": mib}
        for frames, mib in marks
    ]


def _followed(
    folder: Path, out: Path, seconds: float, *, pace: float
) -> tuple[Status, list[tuple[int, float]]]:
    """How a run stood in the end, and what memory it took after how many frames."""
    clock, seen = SystemClock(), list[tuple[int, float]]()

    def look(status: Status) -> None:
        seen.append((status.came, _resident_mib()))

    wishes = SourceWishes(rate_hz=_RATE_HZ, accelerate=pace, loop=True)
    source = open_source(folder / "replay", wishes, clock)
    settings = FollowSettings(policy="all", duration_s=seconds)
    live = LiveRun(load_onnx_limbs(folder / "light.onnx"), source, out, settings, {})
    status = live.follow(clock=clock, stop=Event(), tell=look)
    look(status)
    return status, seen


def _resident_mib() -> float:
    """What this process holds in memory now; Linux tells it in pages."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20
