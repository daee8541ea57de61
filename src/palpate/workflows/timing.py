"""Timing for tables: compare the ratios of one run, not seconds of two."""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any


def interleaved(works: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Run all in turn, so that a machine whose speed drifts favours none; medians."""
    for work in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            start = perf_counter()
            work()
            times[name].append(perf_counter() - start)
    return {name: median(values) for name, values in times.items()}
