"""A day at a cot, without a camera: joints of a moving phantom, windows of movement, the page.

    python benchmarks/infant/day.py OUT [--hours 24] [--rate-hz 30] [--each 3] [--seed 0]

The joints are those of the phantom, with what a localiser and a ward add: noise, joints that are
not found, positions that jump, care every three hours with hands over the infant, a camera that
stalls, frames that are skipped because the work is behind. From noon on the left leg rests, so
that there is something to find. Writes OUT/monitor.html and OUT/day.json, and prints the seconds
and the greatest memory.
"""

import argparse
import json
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from palpate.monitor.movement_windows import MovementWindows
from palpate.phantoms.infant import infant_motion
from palpate.phantoms.infant_truth import SCHEME
from palpate.report.monitor_page import Delays, MonitorSummary, StreamGap, write_monitor_page
from palpate.sequences.movement_row import MovementRow
from palpate.sequences.movement_settings import MovementSettings

HOUR_S = 3600.0
# Seconds of a piece that is drawn at once: so much is in memory, however long the day.
PIECE_S = 600.0
# Noise that lasts is what a localiser makes; a new one each frame would be smoothed away.
NOISE_PX = 0.9
NOISE_LASTS_S = 0.1


@dataclass(frozen=True)
class Ward:
    """When what happens, in hours of the day."""

    asleep: tuple[tuple[float, float], ...] = (
        (0.5, 2.4),
        (3.6, 5.3),
        (6.6, 8.2),
        (9.5, 11.1),
        (12.7, 14.2),
        (15.4, 17.4),
        (18.6, 20.3),
        (21.5, 23.2),
    )
    cramped: tuple[tuple[float, float], ...] = ((11.4, 11.8), (20.5, 20.9))
    care: tuple[tuple[float, float], ...] = tuple((h, h + 0.22) for h in np.arange(2.6, 24.0, 3.0))
    stalls: tuple[tuple[float, float, str], ...] = (
        (4.5, 4.52, "stall"),
        (7.1, 7.45, "stall"),
        (16.2, 16.22, "source restarted"),
        (22.4, 22.65, "not running"),
    )
    behind: tuple[tuple[float, float], ...] = ((13.0, 14.5),)
    left_leg_rests_from: float = 12.0


def within(hours: np.ndarray, spans: tuple[tuple[float, ...], ...]) -> np.ndarray:
    return np.logical_or.reduce([(hours >= a) & (hours < b) for a, b, *_ in spans])


def weight(hours: np.ndarray, spans: tuple[tuple[float, ...], ...]) -> np.ndarray:
    """1 within, 0 outside, and a second and a half to go from one to the other."""
    soft = [np.clip(np.minimum(hours - a, b - hours) * HOUR_S / 1.5, 0.0, 1.0) for a, b in spans]
    return np.max(soft, axis=0)


class Infant:
    """One infant that passes from one kind of movement into another."""

    def __init__(self, seed: int, seconds: float, ward: Ward) -> None:
        kinds = ("writhing", "rest", "cramped-synchronised")
        self.kinds = [infant_motion(np.random.default_rng(seed), seconds, kind) for kind in kinds]
        self.ward = ward

    def points(self, times_s: np.ndarray) -> np.ndarray:
        hours = times_s / HOUR_S
        writhing, rest, cramped = (kind.at(times_s)[1] for kind in self.kinds)
        asleep, stiff = weight(hours, self.ward.asleep), weight(hours, self.ward.cramped)
        asleep, stiff = asleep[:, None, None], stiff[:, None, None]
        points = (1.0 - asleep) * writhing + asleep * rest
        points = (1.0 - stiff) * points + stiff * cramped
        leg = [k for k, name in enumerate(SCHEME.names) if name in ("left_knee", "left_ankle")]
        late = np.clip((hours - self.ward.left_leg_rests_from) * HOUR_S / 1.5, 0.0, 1.0)
        late = 0.85 * late[:, None, None]
        points[:, leg] = (1.0 - late) * points[:, leg] + late * rest[:, leg]
        return points


def found(points: np.ndarray, hours: np.ndarray, rng: np.random.Generator, step_s: float, ward):
    """What a localiser would find of these joints."""
    keep = float(np.exp(-step_s / NOISE_LASTS_S))
    noise = rng.normal(0.0, NOISE_PX * np.sqrt(1.0 - keep**2), points.shape)
    for k in range(1, len(noise)):
        noise[k] += keep * noise[k - 1]
    points = points + noise
    jumps = rng.random(points.shape[:2]) < 0.0005
    points[jumps] += rng.normal(0.0, 60.0, (int(jumps.sum()), 2))
    # A joint goes missing for a while, now and then.
    lost = rng.random(points.shape[:2]) < 0.004 * step_s * 30.0
    for frame, joint in np.argwhere(lost):
        last = frame + 1 + int(rng.exponential(0.25) / step_s)
        points[frame:last, joint] = np.nan
    hands = within(hours, ward.care)
    covered = rng.random((1 + len(points) // 20, points.shape[1])) < 0.75
    points[hands[:, None] & np.repeat(covered, 20, axis=0)[: len(points)]] = np.nan
    return points


def frames(args: argparse.Namespace, ward: Ward) -> Iterator[tuple[float, np.ndarray | None, str]]:
    """Time, joints and state of every frame that comes."""
    seconds = args.hours * HOUR_S
    infant, rng = Infant(args.seed, seconds, ward), np.random.default_rng(args.seed + 1)
    step_s = args.each / args.rate_hz
    for start in np.arange(0.0, seconds, PIECE_S):
        times = (
            start + np.arange(round(min(PIECE_S, seconds - start) * args.rate_hz)) / args.rate_hz
        )
        hours = times / HOUR_S
        looked = np.arange(len(times)) % args.each == 0
        looked &= ~(within(hours, ward.behind) & (rng.random(len(times)) < 0.3))
        points = np.full((len(times), len(SCHEME), 2), np.nan)
        places = found(infant.points(times[looked]), hours[looked], rng, step_s, ward)
        points[looked] = places
        came = ~within(hours, ward.stalls)
        count = np.isfinite(points[..., 0]).sum(axis=1)
        for k in np.flatnonzero(came).tolist():
            if not looked[k]:
                yield float(times[k]), None, "skipped"
            else:
                whole = count[k] == len(SCHEME)
                state = "found" if whole else "partial" if count[k] else "nothing found"
                yield float(times[k]), points[k], state


def delays(rng: np.random.Generator, count: int) -> Delays:
    """Delays as a processor has them: most alike, a few long."""
    seconds = 0.045 * np.exp(rng.normal(0.0, 0.25, count)) + rng.exponential(0.004, count)
    edges = 1e-3 * 10.0 ** (np.arange(0, 61) / 20.0)
    counts = np.histogram(seconds, np.concatenate([[0.0], edges]))[0]
    there = np.flatnonzero(counts)
    kept = range(int(there[0]), int(there[-1]) + 1)
    return Delays(tuple((float(edges[k]), int(counts[k])) for k in kept), float(seconds.max()))


def followed(args: argparse.Namespace, ward: Ward) -> tuple[list[MovementRow], int, float]:
    windows = MovementWindows(SCHEME, MovementSettings())
    rows: list[MovementRow] = []
    count, spent_s = 0, 0.0
    for time_s, points, state in frames(args, ward):
        before_s = time.process_time()
        rows += windows.feed(time_s, points, None, state)
        spent_s += time.process_time() - before_s
        count += 1
    before_s = time.process_time()
    rows += windows.finish()
    return rows, count, spent_s + time.process_time() - before_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--rate-hz", type=float, default=30.0)
    parser.add_argument("--each", type=int, default=3, help="joints are looked for in each n-th")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    ward = Ward()
    began_s = time.process_time()
    rows, count, spent_s = followed(args, ward)
    all_s = time.process_time() - began_s
    spans = ward.stalls
    gaps = tuple(StreamGap(a * HOUR_S, b * HOUR_S, why) for a, b, why in spans if b < args.hours)
    summary = MonitorSummary(
        title="A day of the infant phantom",
        rows=tuple(rows),
        measured_by=MovementWindows(SCHEME).body.measured_by,
        began=datetime(2026, 3, 1),
        gaps=gaps,
        delays=delays(np.random.default_rng(args.seed + 2), 200_000),
        warnings=("These joints and delays are simulated; no infant was recorded.",),
        provenance={
            "joints": f"phantom infant, seed {args.seed}, with simulated faults",
            "frames": f"{args.rate_hz:g} a second, joints in each {args.each}th",
            "made by": "benchmarks/infant/day.py",
        },
    )
    before_s = time.process_time()
    args.out.mkdir(parents=True, exist_ok=True)
    write_monitor_page(summary, args.out / "monitor.html")
    figures = {
        "hours": args.hours,
        "frames": count,
        "windows": len(rows),
        "windows_cpu_s": round(spent_s, 1),
        "windows_cpu_share_of_real_time": round(spent_s / (args.hours * HOUR_S), 6),
        "page_cpu_s": round(time.process_time() - before_s, 1),
        "all_cpu_s": round(all_s, 1),
        "greatest_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "page_kb": round((args.out / "monitor.html").stat().st_size / 1024),
    }
    (args.out / "day.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
