"""Many who write at once, processes that are killed, disks that are full: nothing is lost."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import event

from palpate.review.account import Account
from palpate.review.event import SHARED
from palpate.review.refusals import ConflictError, StoreError
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
    writer = _start(path, case, "ann", most_bytes=600_000)
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
