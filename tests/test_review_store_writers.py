"""Many who write at once, processes that are killed, disks that are full: nothing is lost."""

import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from palpate.review.account import Account
from palpate.review.event import SHARED, Event
from palpate.review.refusals import ConflictError, ReviewError, StoreError
from palpate.review.store import Store
from review_store_cases import ANNA, drag, fill, moved

WRITER = Path(__file__).parent / "review_store_writer.py"


@pytest.fixture
def review(tmp_path):
    path = tmp_path / "review.sqlite"
    with Store.open(path) as store:
        return path, fill(store, tmp_path, 2)[0].identifier


def _start(path, case, name, events=0, most_bytes=0):
    return subprocess.Popen(
        [sys.executable, str(WRITER), str(path), case, name, str(events), str(most_bytes)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_of_threads_at_one_step_exactly_one_wins(review):
    path, case = review
    threads, steps = 6, 5
    barrier = Barrier(threads)

    with Store.open(path) as store:

        def race(number):
            who = Account(f"reader{number}", "Reader", "reader")
            outcomes = []
            for _ in range(steps):
                now = store.reading(case)
                barrier.wait()
                try:
                    outcomes.append(
                        store.append(
                            case,
                            SHARED,
                            after=now.step,
                            key=f"step-{now.step:04d}",
                            who=who,
                            kind="marks",
                            changes=[moved(now.marks[0, "nose"], float(number), float(now.step))],
                        )
                    )
                except ConflictError as refused:
                    outcomes.append(refused.missed)
                barrier.wait()
            return outcomes

        with ThreadPoolExecutor(threads) as pool:
            by_thread = list(pool.map(race, range(threads)))
        history = store.history(case)
        assert len(history) == steps
        for step, outcomes in enumerate(zip(*by_thread, strict=True)):
            assert outcomes.count(history[step]) == 1
            assert outcomes.count((history[step],)) == threads - 1
        assert store.verify() == ()


def test_processes_lose_nothing_to_each_other(review):
    path, case = review
    writers = [_start(path, case, name, events=12) for name in ("ann", "bob", "eve")]
    said = [writer.communicate(timeout=60)[0].split("\n")[:-1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    with Store.open(path) as store:
        saved = {f"{each.number} {each.digest}" for each in store.history(case)}
        assert saved == {line for lines in said for line in lines}
        assert len(saved) == 36
        assert store.reading(case).marks[0, "nose"].x == 35.0
        assert store.verify() == ()


def test_a_process_that_is_killed_has_lost_nothing_that_it_was_told_is_saved(review):
    path, case = review
    writer = _start(path, case, "ann")
    acknowledged = [writer.stdout.readline().strip() for _ in range(25)]
    writer.kill()
    acknowledged += [line for line in writer.stdout.read().split("\n")[:-1] if " " in line]
    writer.stdout.close()
    assert writer.wait(timeout=30) == -9
    with Store.open(path) as store:
        saved = [f"{each.number} {each.digest}" for each in store.history(case)]
        assert saved[: len(acknowledged)] == acknowledged
        assert store.verify() == ()
        drag(store, case, -1.0)


def test_a_full_disk_is_said_and_nothing_is_lost(review):
    path, case = review
    writer = _start(path, case, "ann", most_bytes=400_000)
    said = writer.communicate(timeout=60)[0].split("\n")[:-1]
    assert said[-1] == (
        "refused the disk is full: nothing was saved; free some space and save again"
    ) or said[-1].startswith("refused the disk refused to write: nothing was saved")
    assert len(said) > 10
    with Store.open(path) as store:
        assert [f"{each.number} {each.digest}" for each in store.history(case)] == said[:-1]
        assert store.verify() == ()
        drag(store, case, -1.0)


def test_a_review_that_may_only_be_read_says_so(review):
    path, case = review
    with Store.open(path) as store:
        drag(store, case, 1.0)

        def only_read(connection, record):
            connection.execute("PRAGMA query_only=ON")

        store._database.engine.dispose()
        event.listen(store._database.engine, "connect", only_read)
        with pytest.raises(StoreError, match="only be read, not written: nothing was saved"):
            drag(store, case, 2.0)
        assert store.reading(case).step == 1


def test_a_review_that_is_held_says_so_in_the_end(review):
    path, case = review
    with Store.open(path) as store, Store.open(path) as other:
        store._database.engine.dispose()
        event.listen(
            store._database.engine,
            "connect",
            lambda connection, record: connection.execute("PRAGMA busy_timeout=50"),
        )
        with (
            other._database.exclusive(),
            pytest.raises(StoreError, match="another program holds the review"),
        ):
            drag(store, case, 2.0)
        drag(store, case, 2.0)
        assert store.reading(case).events[0].who == ANNA.name


def test_errors_never_quote_what_was_stored(review):
    path, case = review
    with Store.open(path) as store:
        event.listen(
            store._database.engine,
            "before_cursor_execute",
            lambda connection, cursor, statement, values, context, many: (
                ("INSERT INTO absent VALUES ('Jane Roe')", ())
                if statement.startswith("INSERT INTO events")
                else (statement, values)
            ),
            retval=True,
        )
        with pytest.raises(StoreError) as refused:
            drag(store, case, 1.0)
        assert "Jane" not in str(refused.value)
        assert "nothing was saved" in str(refused.value)


def _all_at_once(store, jobs):
    """Have them queue behind somebody who holds the review, then let go."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        with store._database._turn:
            futures = [pool.submit(job) for job in jobs]
            waiting = store._database._together._waiting
            while len(waiting) < len(jobs) and not any(each.done() for each in futures):
                time.sleep(0.001)
        return [future.exception() or future.result() for future in futures]


def test_who_is_refused_does_not_take_along_who_waits_beside_them(tmp_path):
    with Store.open(tmp_path / "review.sqlite") as store:
        cases = [case.identifier for case in fill(store, tmp_path, 20)]
        jobs = [partial(drag, store, case, 1.0) for case in cases]
        jobs[7] = partial(
            store.append, cases[7], SHARED, after=0, key="k" * 8, who=ANNA, kind="marks"
        )
        outcomes = _all_at_once(store, jobs)
        assert isinstance(outcomes[7], ReviewError)
        saved = [outcome for outcome in outcomes if isinstance(outcome, Event)]
        assert sorted(each.number for each in saved) == list(range(1, 20))
        for case, outcome in zip(cases, outcomes, strict=True):
            assert list(store.history(case)) == [each for each in [outcome] if each in saved]
        assert store.verify() == ()


def test_nobody_hears_that_it_is_saved_where_it_did_not_get_to_the_disk(tmp_path):
    with Store.open(tmp_path / "review.sqlite") as store:
        cases = [case.identifier for case in fill(store, tmp_path, 5)]

        def full(connection):
            if connection.get_execution_options()["palpate_writes"]:
                raise OperationalError("COMMIT", None, sqlite3.OperationalError("disk is full"))

        event.listen(store._database.engine, "commit", full)
        jobs = [partial(drag, store, case, 1.0) for case in cases]
        outcomes = _all_at_once(store, jobs)
        assert {str(outcome).split(":")[0] for outcome in outcomes} == {"the disk is full"}
        assert len({id(outcome) for outcome in outcomes}) == 5
        event.remove(store._database.engine, "commit", full)
        assert store.head()[0] == 0
        assert drag(store, cases[0], 1.0).number == 1
