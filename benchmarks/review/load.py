"""Many readers at once over HTTP: how long a save and the queue's first page take.

    python benchmarks/review/load.py [--cases 10000] [--readers 50] [--seconds 30] [--think 1.0]

Starts the real server in a process of its own over a store of so many predicted cases, signs every
reader in before the clock starts, and lets each look at the queue, take a case that nobody has
begun, save five events in it, go on to the next, again and again, with a pause before each request
as a person makes. Five readers share a page of the queue, as people who divide a list do; saves
that met another's (409, the whole reading comes back) are told apart. ``--think 0`` leaves the
pauses out: what the server can do at most. Clients run in processes of their own.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image as Pillow

from palpate.files import sha256
from palpate.image import Calibration
from palpate.io.predictions import PredictedImage
from palpate.prediction import Prediction
from palpate.protocols.protocol import read_protocol
from palpate.review.account import Account
from palpate.review.case import NewCase, Project, Urgency
from palpate.review.store import Store

PASSWORD = "a password for the load"
SIZE = (320, 464)
# Cases that a reader goes through by 'next' before looking at the queue again.
_CASES_A_PAGE = 3
_READERS_A_PAGE = 5
TARGETS_MS = {"save": 200.0, "queue": 300.0}


def fill(folder: Path, cases: int, readers: int) -> None:
    """Make a store of predicted cases that share one film."""
    rng = np.random.default_rng(0)
    film = folder / "film.png"
    Pillow.fromarray(rng.integers(0, 255, SIZE[::-1], dtype=np.uint8)).save(film)
    protocol = read_protocol("cervical")
    names, digest = protocol.scheme.names, sha256(film)
    calibration = Calibration((0.3, 0.3), "ruler")
    drawing = next(d for d in protocol.drawings.values() if set(names) <= set(d))
    base = np.array([drawing[name] for name in names], dtype=float)
    base = 20 + 260 * (base - base.min(0)) / np.ptp(base, axis=0).max()
    spread = np.tile(4.0 * np.eye(2), (len(names), 1, 1))

    def case(number: int) -> NewCase:
        mean = base + rng.normal(0, 3, base.shape)
        said = Prediction(protocol.scheme, mean, spread, np.ones(len(names)), "load 1")
        image = f"film-{number:05}.png"
        predicted = {0: PredictedImage(image, said, SIZE, calibration=calibration)}
        return NewCase(image, "film.png", digest, SIZE, f"s{number}", 1, calibration, predicted)

    urgency = {
        f"film-{n:05}.png": Urgency(float(rng.random() / 2), float(rng.random()))
        for n in range(cases)
    }
    with Store.open(folder / "review.sqlite") as store:
        project = Project("load", "Load", protocol.scheme, protocol)
        store.add_project(project, root=folder)
        store.add_cases("load", (case(n) for n in range(cases)), who="load", urgency=urgency)
        for reader in range(readers):
            store.add_account(Account(f"reader-{reader}", f"Reader {reader}", "reader"), PASSWORD)


def serve(folder: Path) -> None:
    """Serve the store; prints the address."""
    from palpate.serve.web.attempts import Attempts
    from palpate.serve.web.run import serve as run
    from palpate.serve.web.settings import Settings

    # All readers come from one address here, which no attacker's rate may.
    Attempts.wait_s = lambda *_: 0  # type: ignore[method-assign]
    with Store.open(folder / "review.sqlite") as store:
        run(store, Settings(), announce=lambda text: print(text, flush=True))


class Reader:
    """One reader with a browser's one connection, and what each request took."""

    def __init__(self, client: httpx.AsyncClient, number: int, think: float) -> None:
        self.client, self.number, self.think = client, number, think
        self.random = random.Random(number)
        self.took: list[tuple[str, float]] = []
        self.errors: list[str] = []

    async def ask(self, what: str, path: str) -> dict[str, Any]:
        if self.think:
            await asyncio.sleep(self.random.expovariate(1 / self.think))
        began = time.perf_counter()
        answer = await self.client.get(path)
        self.took.append((what, 1000 * (time.perf_counter() - began)))
        if answer.status_code != 200:
            self.errors.append(f"{what} {answer.status_code} {answer.text[:200]}")
            return {}
        return answer.json() if "json" in answer.headers["content-type"] else {}

    async def work(self, until: float) -> None:
        """Take a case that nobody has begun, then the next ones; then the queue again."""
        while time.time() < until:
            page = await self.ask("queue", "/api/projects/load/queue")
            for _ in range(self.number // _READERS_A_PAGE):
                if page.get("next") and time.time() < until:
                    path = f"/api/projects/load/queue?after={page['next']}"
                    page = await self.ask("queue on", path)
            rows = page.get("rows", ())
            fresh = [row["id"] for row in rows if row["state"] == "new"]
            case = self.random.choice(fresh or [row["id"] for row in rows] or [""])
            for _ in range(_CASES_A_PAGE):
                if case and time.time() < until:
                    case = await self.read(case, until)

    async def read(self, case: str, until: float) -> str:
        """Open a case, drag five points, and return the next one.

        Whoever else is there makes conflicts, no errors.
        """
        path = f"/api/cases/{case}/readings/shared"
        film = await self.ask("case", f"/api/cases/{case}")
        await self.ask("pixels", f"/api/cases/{case}/pixels")
        reading = await self.ask("reading", path)
        for _ in range(5):
            if not reading or time.time() >= until:
                break
            before = self.random.choice(reading["marks"])
            after = {**before, "x": before["x"] + 0.25, "origin": "person"}
            event = {
                "after": reading["step"],
                "key": secrets.token_hex(8),
                "kind": "marks",
                "changes": [{"before": before, "after": after}],
            }
            saved = await self.save(f"{path}/events", event)
            reading = saved.get("reading") or reading
            if "number" in saved:
                reading["step"] = saved["step"]
                marks = [m for m in reading["marks"] if m["landmark"] != before["landmark"]]
                reading["marks"] = [*marks, after]
        following: str = film.get("after", "")
        return following

    async def save(self, path: str, event: dict[str, Any]) -> dict[str, Any]:
        if self.think:
            await asyncio.sleep(self.random.expovariate(1 / self.think))
        began = time.perf_counter()
        answer = await self.client.post(path, json=event)
        what = "conflict" if answer.status_code == 409 else "save"
        self.took.append((what, 1000 * (time.perf_counter() - began)))
        if answer.status_code not in (201, 409):
            self.errors.append(f"save {answer.status_code} {answer.text[:200]}")
            return {}
        return answer.json()


async def clients(
    address: str, numbers: range, think: float, start: float, stop: float
) -> dict[str, Any]:
    """Sign in so many readers, wait for the clock, let them work."""
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    readers = []
    for number in numbers:
        client = httpx.AsyncClient(base_url=address, timeout=60, limits=limits)
        asked = {"name": f"reader-{number}", "password": PASSWORD}
        session = (await client.post("/api/session", json=asked)).json()
        client.headers["X-CSRF-Token"] = session["csrf"]
        readers.append(Reader(client, number, think))
    late = max(0.0, time.time() - start)
    await asyncio.sleep(max(0.0, start - time.time()))
    results = await asyncio.gather(
        *(reader.work(stop + late) for reader in readers), return_exceptions=True
    )
    for reader in readers:
        await reader.client.aclose()
    return {
        "took": [one for reader in readers for one in reader.took],
        "errors": [error for reader in readers for error in reader.errors]
        + [repr(one) for one in results if isinstance(one, BaseException)],
    }


def in_process(arguments: tuple[str, range, float, float, float]) -> dict[str, Any]:
    """Run some of the readers in this process."""
    return asyncio.run(clients(*arguments))


def main() -> None:
    """Run, print, and say whether the targets hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--think", type=float, default=1.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--serve", type=Path, default=None, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve is not None:
        serve(asked.serve)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        fill(folder, asked.cases, asked.readers)
        print(
            f"{asked.cases} cases and {asked.readers} accounts in "
            f"{time.perf_counter() - began:.1f} s"
        )
        command = [sys.executable, __file__, "--serve", name]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=(folder / "log").open("wb")
        ) as server:
            assert server.stdout is not None
            address = server.stdout.readline().decode().strip().rstrip("/")
            try:
                found = measure(address, asked, server.pid)
            finally:
                server.terminate()
            server.wait()
        report(found, folder / "log")
        print(f"processors {os.cpu_count()}, load average {os.getloadavg()[0]:.1f}")


def measure(address: str, asked: argparse.Namespace, server: int) -> dict[str, Any]:
    """Run the clients and gather what they saw."""
    start = time.time() + 3 + 0.25 * asked.readers
    share = -(-asked.readers // asked.processes)
    work = [
        (
            address,
            range(n, min(n + share, asked.readers)),
            asked.think,
            start,
            start + asked.seconds,
        )
        for n in range(0, asked.readers, share)
    ]
    with multiprocessing.get_context("spawn").Pool(len(work)) as pool:
        waiting = pool.map_async(in_process, work)
        time.sleep(max(0.0, start - time.time()))
        began = processor_s(server)
        parts = waiting.get()
        used = processor_s(server) - began
    return {
        "took": [tuple(one) for part in parts for one in part["took"]],
        "errors": [error for part in parts for error in part["errors"]],
        "seconds": asked.seconds,
        "processor_s": used,
    }


def processor_s(process: int) -> float:
    """Seconds that a process has computed, as Linux counts them."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(found: dict[str, Any], log: Path) -> None:
    """Print the table."""
    print(f"{'request':10} {'count':>6} {'per s':>7} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8}")
    kinds = sorted({what for what, _ in found["took"]})
    for kind in kinds:
        values = np.array([ms for what, ms in found["took"] if what == kind])
        p50, p95, p99 = np.percentile(values, (50, 95, 99))
        rate = len(values) / found["seconds"]
        target = TARGETS_MS.get(kind)
        held = "" if target is None else f"  {'held' if p95 < target else 'MISSED'}: {target:g} ms"
        print(f"{kind:10} {len(values):6} {rate:7.1f} {p50:8.1f} {p95:8.1f} {p99:8.1f}{held}")
    each = 1000 * found["processor_s"] / max(1, len(found["took"]))
    print(f"server: {each:.1f} ms of processor time a request")
    print(
        f"errors: {len(found['errors'])}", json.dumps(found["errors"][:5]) * bool(found["errors"])
    )
    faults = [line for line in log.read_text().splitlines() if " ERROR " in line]
    print(f"faults in the server's log: {len(faults)}", *faults[:5], sep="\n" if faults else " ")


if __name__ == "__main__":
    main()
