"""Accounts and sessions of a review."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from palpate.review import accounts
from palpate.review.account import Account
from palpate.review.refusals import NotAllowedError, ReviewError, UnknownCaseError
from palpate.review.store import Store
from review_store_cases import ANNA, BEN, ROOT, RUTH, hash_of

TOKEN = hash_of("token")
HALF, DAY = timedelta(minutes=30), timedelta(hours=24)


class Clock:
    def __init__(self):
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self):
        return self.now

    def later(self, **by):
        self.now += timedelta(**by)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path, clock, monkeypatch):
    # As many steps as the library's default, with less memory: these tests hash often.
    monkeypatch.setattr(accounts, "_HASHER", PasswordHasher(memory_cost=64, time_cost=1))
    accounts._nobody.cache_clear()
    with Store.open(tmp_path / "review.sqlite", now=clock) as opened:
        yield opened
    accounts._nobody.cache_clear()


def test_a_password_is_checked_and_never_kept(store, tmp_path):
    store.add_account(ANNA, "correct horse é")
    store.add_account(ROOT, None)
    assert store.check_password("anna", "correct horse é") == ANNA
    assert store.check_password("anna", "correct horse") is None
    assert store.check_password("nobody", "correct horse é") is None
    assert store.check_password("root", "") is None
    assert store.check_password("anna", "\ud800") is None
    connection = sqlite3.connect(tmp_path / "review.sqlite")
    (kept,) = connection.execute("SELECT password FROM accounts WHERE name = 'anna'").fetchone()
    connection.close()
    assert kept.startswith("$argon2id$")
    assert "correct" not in kept


@pytest.mark.parametrize("name", ["anna", "nobody", "root", "gone"])
def test_an_unknown_name_costs_as_much_as_a_wrong_password(store, monkeypatch, name):
    """One verification of argon2 each, whatever the name: counted, since nothing is timed here."""
    store.add_account(ANNA, "correct horse")
    store.add_account(ROOT, None)
    store.add_account(Account("gone", "Gone", "reader", active=False), "correct horse")
    asked = []
    real = accounts._HASHER

    class Counting:
        def verify(self, kept, password):
            asked.append(kept)
            return real.verify(kept, password)

        def hash(self, password):
            return real.hash(password)

        def check_needs_rehash(self, kept):
            return False

    accounts._nobody()
    monkeypatch.setattr(accounts, "_HASHER", Counting())
    right = store.check_password(name, "correct horse")
    assert (right is not None) == (name == "anna")
    assert store.check_password(name, "wrong horse!") is None
    assert len(asked) == 2
    assert all(kept.split("$")[3] == "m=64,t=1,p=4" for kept in asked)


def test_an_old_hash_is_renewed_at_sign_in(store, monkeypatch, tmp_path):
    store.add_account(ANNA, "correct horse")
    monkeypatch.setattr(accounts, "_HASHER", PasswordHasher(memory_cost=128, time_cost=1))
    assert store.check_password("anna", "correct horse") == ANNA
    connection = sqlite3.connect(tmp_path / "review.sqlite")
    (kept,) = connection.execute("SELECT password FROM accounts").fetchone()
    connection.close()
    assert "m=128" in kept
    assert store.check_password("anna", "correct horse") == ANNA


@pytest.mark.parametrize(
    ("account", "password", "said"),
    [
        (Account("Anna", "A", "reader"), None, "small letters"),
        (Account("shared", "A", "reader"), None, "is not 'shared'"),
        (Account("a/b", "A", "reader"), None, "small letters"),
        (Account("a", " ", "reader"), None, "name, as it is printed"),
        (Account("a", "A", "reader"), "short", "10 to"),
        (Account("a", "A", "reader"), "x" * 1001, "10 to"),
        (Account("anna", "A", "reader"), None, "there is an account"),
    ],
)
def test_an_account_that_makes_no_sense_is_refused(store, account, password, said):
    store.add_account(ANNA, None)
    with pytest.raises(ReviewError, match=said):
        store.add_account(account, password)
    assert store.accounts() == (ANNA,)


def test_accounts_are_kept_by_administrators_of_whom_one_stays(store):
    store.add_account(ROOT, None)
    with pytest.raises(NotAllowedError, match="administrators"):
        store.add_account(ANNA, None, who=RUTH)
    store.add_account(ANNA, None, who=ROOT)
    with pytest.raises(NotAllowedError):
        store.change_account("anna", role="administrator", who=ANNA)
    assert store.change_account("anna", role="reviewer", title="Prof. Anna", who=ROOT) == Account(
        "anna", "Prof. Anna", "reviewer"
    )
    for change in ({"active": False}, {"role": "reader"}):
        with pytest.raises(NotAllowedError, match="nobody would be left"):
            store.change_account("root", **change)
    assert store.account("root") == ROOT
    with pytest.raises(UnknownCaseError):
        store.change_account("nobody", active=False)
    store.add_account(BEN, None)
    assert [each.name for each in store.accounts()] == ["anna", "ben", "root"]


def test_a_session_runs_out_when_it_is_not_used(store, clock):
    store.add_account(ANNA, None)
    store.add_session("anna", TOKEN, idle=HALF, lifetime=DAY)
    for _ in range(4):
        clock.later(minutes=29)
        assert store.session(TOKEN).account == ANNA
    clock.later(minutes=29, seconds=59)
    assert store.session(TOKEN) is not None
    clock.later(minutes=30)
    assert store.session(TOKEN) is None


def test_a_session_runs_out_at_last_however_often_it_is_used(store, clock):
    store.add_account(ANNA, None)
    store.add_session("anna", TOKEN, idle=HALF, lifetime=timedelta(hours=1))
    clock.later(minutes=25)
    assert store.session(TOKEN).expires == clock.now + HALF
    clock.later(minutes=25)
    assert store.session(TOKEN).expires == clock.now + timedelta(minutes=10)
    clock.later(minutes=10)
    assert store.session(TOKEN) is None


def test_reading_a_session_seldom_writes(store, clock):
    store.add_account(ANNA, None)
    store.add_session("anna", TOKEN, idle=HALF, lifetime=DAY)
    clock.later(seconds=59)
    assert not store.session(TOKEN).stale
    clock.later(seconds=1)
    assert store.session(TOKEN).stale
    assert not store.session(TOKEN).stale


def test_a_session_ends_with_signing_out_a_new_password_or_being_struck_off(store):
    store.add_account(ROOT, None)
    store.add_account(ANNA, "correct horse")

    def begin():
        store.add_session("anna", TOKEN, idle=HALF, lifetime=DAY)
        assert store.session(TOKEN).account.name == "anna"

    begin()
    store.end_session(TOKEN)
    assert store.session(TOKEN) is None
    begin()
    store.change_account("anna", password="another horse")
    assert store.session(TOKEN) is None
    assert store.check_password("anna", "correct horse") is None
    begin()
    store.change_account("anna", active=False)
    assert store.session(TOKEN) is None
    assert store.check_password("anna", "another horse") is None
    with pytest.raises(UnknownCaseError):
        store.add_session("nobody", TOKEN, idle=HALF, lifetime=DAY)


def test_what_an_account_may_counts_from_its_next_request(store):
    store.add_account(ROOT, None)
    store.add_account(ANNA, None)
    store.add_session("anna", TOKEN, idle=HALF, lifetime=DAY)
    store.change_account("anna", role="reviewer")
    assert store.session(TOKEN).account.role == "reviewer"


def test_sessions_that_ran_out_are_cleared_away(store, clock, tmp_path):
    store.add_account(ANNA, None)
    store.add_session("anna", TOKEN, idle=HALF, lifetime=HALF)
    clock.later(hours=1)
    store.add_session("anna", hash_of("other"), idle=HALF, lifetime=HALF)
    connection = sqlite3.connect(tmp_path / "review.sqlite")
    assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
    connection.close()
