"""Time of the store alone: 10,000 cases, and readers who save, open cases and page the queue.

    python benchmarks/review/store.py [--cases 10000] [--readers 50] [--seconds 15]
        [--pause 1] [--store URL]

Each reader is a thread that does, over and over: the queue's first page, a case with its reading,
and five saved events with a pause before each. Without --store, in a temporary folder on this
machine's disk.
"""

import argparse
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from palpate.correlation import Correlation
from palpate.io.predictions import PredictedImage
from palpate.prediction import Prediction
from palpate.protocols.protocol import read_protocol
from palpate.review.account import Account
from palpate.review.case import NewCase, Project, Urgency
from palpate.review.event import SHARED, Change
from palpate.review.mark import Mark
from palpate.review.refusals import ConflictError
from palpate.review.store import Store

Times = dict[str, list[float]]


@contextmanager
def timed(times: Times, what: str) -> Iterator[None]:
    """Note how long a block takes, in ms."""
    begun = time.perf_counter()
    yield
    times[what].append(1000.0 * (time.perf_counter() - begun))


def new_cases(n: int) -> Iterator[tuple[NewCase, Urgency]]:
    """Cephalograms with random marks."""
    scheme = read_protocol("cephalogram").scheme
    k = len(scheme)
    rng = np.random.default_rng(0)
    together = Correlation(np.eye(2 * k))
    for i in range(n):
        mean = rng.uniform(100.0, 2000.0, (k, 2))
        prediction = Prediction(
            scheme,
            mean,
            np.tile(np.eye(2), (k, 1, 1)),
            np.full(k, 0.9),
            "net 1",
            correlation=together,
        )
        name = f"ceph-{i:06d}.png"
        image = PredictedImage(name, prediction, (2000, 2400), f"s{i // 2}")
        case = NewCase(name, name, "0" * 64, (2000, 2400), f"s{i // 2}", predictions={0: image})
        yield case, Urgency(float(rng.uniform()), float(rng.uniform()), None, ("a reason",))


def read_and_save(
    store: Store, number: int, cases: list[str], pause: float, until: float, times: Times
) -> None:
    """One reader, until the time is over."""
    who = Account(f"reader{number}", f"Reader {number}", "reader")
    rng = np.random.default_rng(number)
    saved = 0
    while time.perf_counter() < until:
        with timed(times, "queue, first page"):
            store.queue("ceph", reader=who)
        case = cases[int(rng.integers(len(cases)))]
        with timed(times, "case with its reading"):
            given = store.case(case)
            now = store.reading(case)
        name = given.given.predictions[0].prediction.scheme.names[number % 10]
        for _ in range(5):
            time.sleep(float(rng.uniform(0.5, 1.5)) * pause)
            saved += 1
            after = Mark(name, "visible", *(float(v) for v in rng.uniform(0, 2000, 2)))
            try:
                with timed(times, "save"):
                    store.append(
                        case,
                        SHARED,
                        after=now.step,
                        key=f"{who.name}-{saved:06d}",
                        who=who,
                        kind="marks",
                        changes=[Change(now.marks.get((0, name)), after)],
                    )
            except ConflictError:
                times["conflicts"].append(0.0)
            with timed(times, "reading"):
                now = store.reading(case)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--pause", type=float, default=1.0, help="before each save, in s")
    parser.add_argument("--store", default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        address = given.store or f"{folder}/review.sqlite"
        with Store.open(address) as store:
            run(store, Path(folder), given)


def run(store: Store, folder: Path, given: argparse.Namespace) -> None:
    """Fill the store and let the readers in."""
    protocol = read_protocol("cephalogram")
    store.add_project(Project("ceph", "Cephalograms", protocol.scheme, protocol), root=folder)
    made = list(new_cases(given.cases))
    begun = time.perf_counter()
    cases = store.add_cases(
        "ceph",
        [case for case, _ in made],
        who="root",
        urgency={case.image: urgency for case, urgency in made},
    )
    print(f"{given.cases} cases put in: {time.perf_counter() - begun:.1f} s")
    times: Times = defaultdict(list)
    names = [case.identifier for case in cases]
    until = time.perf_counter() + given.seconds
    threads = [
        threading.Thread(
            target=read_and_save, args=(store, number, names, given.pause, until, times)
        )
        for number in range(given.readers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    conflicts = len(times.pop("conflicts", []))
    print(
        f"{given.readers} readers, {given.seconds:g} s, {given.pause:g} s between saves; "
        f"{conflicts} conflicts"
    )
    for what, values in times.items():
        p50, p95, p99 = np.percentile(values, [50, 95, 99])
        print(
            f"{what:22s} {len(values):6d} times   median {p50:6.1f} ms   p95 {p95:6.1f} ms   "
            f"p99 {p99:6.1f} ms"
        )
    begun = time.perf_counter()
    problems = store.verify()
    print(f"verified {store.head()[0]} events in {time.perf_counter() - begun:.1f} s: {problems}")


if __name__ == "__main__":
    main()
