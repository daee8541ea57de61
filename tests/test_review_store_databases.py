"""The same review on SQLite and PostgreSQL; their tables are those that the code knows."""

import glob
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from palpate.review.event import SHARED
from palpate.review.migrate import config
from palpate.review.refusals import ConflictError, SignedError, StoreError
from palpate.review.store import Store
from palpate.review.tables import metadata
from review_store_cases import ANNA, BEN, ROOT, RUTH, drag, fill, moved


@pytest.fixture(scope="module")
def server(program):
    """Address of a PostgreSQL server of our own, on a socket in a temporary folder."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    binaries = Path(found[-1] if found else program("initdb")).parent
    folder = Path(tempfile.mkdtemp(prefix="palpate-postgres-"))
    as_user = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        as_user = [program("runuser"), "-u", "postgres", "--"]
    data = str(folder / "data")

    def call(name, *arguments):
        subprocess.run(
            [*as_user, str(binaries / name), *arguments],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )

    call("initdb", "-D", data, "-U", "palpate", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    call("pg_ctl", "-D", data, "-w", "-o", options, "-l", str(folder / "log"), "start")
    yield f"postgresql+psycopg://palpate@/{{}}?host={folder}"
    call("pg_ctl", "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgres"])
def address(request, tmp_path):
    """Of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/review.sqlite"
    return _new_database(request.getfixturevalue("server"), tmp_path)


def _new_database(server, tmp_path):
    name = f"r{abs(hash(str(tmp_path))):x}"
    engine = create_engine(server.format("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.format(name)


def test_migrations_make_the_tables_that_the_code_knows(address):
    assert len(ScriptDirectory.from_config(config()).get_heads()) == 1
    with Store.open(address) as store, store._database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    # A second time nothing is left to do.
    with Store.open(address, create=False) as store:
        assert store.head() == (0, "0" * 64)


def test_a_review_of_a_newer_palpate_is_refused(address):
    with Store.open(address) as store, store._database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer palpate"):
        Store.open(address)


def test_two_who_open_an_empty_review_make_its_tables_once(address):
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: Store.open(address), range(4)))
    assert {store.head()[0] for store in stores} == {0}
    for store in stores:
        store.close()


def test_a_review_goes_its_way(address, tmp_path):
    with Store.open(address) as store:
        cases = [case.identifier for case in fill(store, tmp_path, 7)]
        case = cases[0]
        drag(store, case, 1 / 3)
        assert store.reading(case).marks[0, "nose"].x == 1 / 3
        with pytest.raises(ConflictError) as refused:
            store.append(case, SHARED, after=0, key="k" * 8, who=BEN, kind="comment", note="é")
        assert refused.value.missed == store.history(case)
        signature = store.sign(case, SHARED, after=1, who=ANNA, statement="Yes.", report=b"\0{}")
        with pytest.raises(SignedError):
            drag(store, case, 2.0)
        assert store.signed_report(case, SHARED, signature.report) == b"\0{}"
        found, after = [], ""
        for _ in range(3):
            page = store.queue("p", reader=ANNA, limit=3, after=after, search="0")
            found += [row.id for row in page.rows]
            after = page.next
        assert found == cases
        assert store.neighbours(case, reader=ANNA) == ("", cases[1])
        assert store.counts("p", reader=ANNA) == {"new": 6, "open": 0, "signed": 1}
        store.reopen(case, SHARED, after=2, who=RUTH, reason="a slip")
        store.add_account(ROOT, "correct horse")
        assert store.check_password("root", "correct horse") == ROOT
        assert store.verify() == ()
        again = Store.open(address, create=False)
        assert again.reading(case) == store.reading(case)
        again.close()
        with store._database.write() as connection:
            connection.exec_driver_sql("UPDATE marks SET x = 3.0")
        assert "is not where its events left it" in store.verify()[0].sentence


def test_of_threads_at_one_step_exactly_one_wins(address, tmp_path):
    with Store.open(address) as store:
        case = fill(store, tmp_path, 1)[0].identifier
        begun = store.reading(case).marks[0, "nose"]

        def race(number):
            try:
                return store.append(
                    case,
                    SHARED,
                    after=0,
                    key=f"key-{number:04d}",
                    who=ANNA,
                    kind="marks",
                    changes=[moved(begun, float(number), 0.0)],
                )
            except ConflictError as refused:
                return refused.missed

        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(race, range(8)))
        (won,) = store.history(case)
        assert outcomes.count(won) == 1
        assert outcomes.count((won,)) == 7


def test_two_processes_lose_nothing_to_each_other(server, tmp_path):
    address = _new_database(server, tmp_path)
    with Store.open(address) as store:
        case = fill(store, tmp_path, 1)[0].identifier
    writer = str(Path(__file__).parent / "review_store_writer.py")
    started = [
        subprocess.Popen(
            [sys.executable, writer, address, case, name, "6", "0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("ann", "bob")
    ]
    said = [line for each in started for line in each.communicate(timeout=60)[0].splitlines()]
    with Store.open(address) as store:
        assert {f"{each.number} {each.digest}" for each in store.history(case)} == set(said)
        assert len(said) == 12
        assert store.verify() == ()


def test_a_review_moves_from_one_database_to_the_other(address, tmp_path):
    with Store.open(tmp_path / "from.sqlite") as store:
        case = fill(store, tmp_path, 3)[0].identifier
        drag(store, case, 0.1 + 0.2)
        store.sign(case, SHARED, after=1, who=ANNA, statement="Ja: ß.", report=b"\xff\0")
        store.export(tmp_path / "one.zip")
        head = store.head()
    with Store.open(address) as store:
        store.import_(tmp_path / "one.zip", root=tmp_path)
        assert store.head() == head
        assert store.verify() == ()
        store.export(tmp_path / "two.zip")
    with Store.open(tmp_path / "to.sqlite") as store:
        store.import_(tmp_path / "two.zip", root=tmp_path)
        assert (store.head(), store.verify()) == (head, ())
        assert store.signed_report(case, SHARED) == b"\xff\0"


def test_a_server_that_is_not_there_is_said(tmp_path):
    with pytest.raises(StoreError, match="does not answer"):
        Store.open(f"postgresql+psycopg://palpate@/x?host={tmp_path}")


def test_the_file_of_a_review_is_for_its_owner_alone(tmp_path):
    Store.open(tmp_path / "new folder" / "review.sqlite").close()
    assert (tmp_path / "new folder" / "review.sqlite").stat().st_mode & 0o077 == 0


def test_sqlite_waits_for_the_disk(tmp_path):
    with Store.open(tmp_path / "r.sqlite") as store, store._database.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert sqlite3.threadsafety > 0
