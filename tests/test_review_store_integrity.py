"""Whoever changes a review behind its back is found out; an export is taken in whole or not."""

import hashlib
import json
import shutil
import sqlite3
import zipfile
from dataclasses import replace

import pytest

from palpate.errors import FormatError
from palpate.review.case import Project
from palpate.review.event import SHARED
from palpate.review.refusals import ReviewError
from palpate.review.store import Store
from review_store_cases import ANNA, BEN, ROOT, SCHEME, drag, fill, hash_of, new_case, predicted


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory):
    """A review of ten events: two readings, one signed and reopened, one predicted anew."""
    folder = tmp_path_factory.mktemp("reviewed")
    path = folder / "review.sqlite"
    with Store.open(path) as store:
        store.add_account(ANNA, "correct horse")
        first, second, third = (case.identifier for case in fill(store, folder, 3))
        for x in range(3):
            drag(store, first, float(x))
            drag(store, second, float(x), who=BEN)
        store.sign(first, SHARED, after=3, who=ANNA, statement="Seen.", report=b'{"v":1}')
        store.reopen(first, SHARED, after=4, who=ANNA, reason="a slip")
        store.sign(first, SHARED, after=5, who=ANNA, statement="Seen.", report=b'{"v":2}')
        new = replace(store.case(third).given, predictions={0: predicted("x", 9, "net 2")})
        store.add_cases("p", [new], who="root", urgency={})
        assert store.verify() == ()
        assert store.head()[0] == 10
    return path


@pytest.fixture
def copy(reviewed, tmp_path):
    path = tmp_path / "review.sqlite"
    shutil.copy(reviewed, path)
    return path


def _tampered(path, *statements):
    """Change the database past the store, and say what it finds."""
    connection = sqlite3.connect(path)
    for statement in statements:
        assert connection.execute(statement).rowcount
    connection.commit()
    connection.close()
    with Store.open(path, create=False) as store:
        return " | ".join(problem.sentence for problem in store.verify())


TAMPERING = {
    "a value of an event": (
        ["UPDATE events SET changes = replace(changes, '\"x\":1.0', '\"x\":1.5') WHERE number = 3"],
        "event 3 was changed after it was saved",
    ),
    "who did it": (["UPDATE events SET who = 'ben' WHERE number = 1"], "event 1 was changed"),
    "when": (["UPDATE events SET at = '2020' || substr(at, 5) WHERE number = 1"], "event 1 was c"),
    "a note": (["UPDATE events SET note = 'Not seen.' WHERE number = 7"], "event 7 was changed"),
    "an event removed": (["DELETE FROM events WHERE number = 4"], "event 4 is missing"),
    "several removed": (["DELETE FROM events WHERE number IN (4, 5)"], "events 4 to 5 are missing"),
    "the last removed": (["DELETE FROM events WHERE number = 10"], "the head says that event 10"),
    "all removed": (
        ["DELETE FROM signatures", "DELETE FROM events"],
        "the head says that event 10",
    ),
    "two swapped": (
        [
            "UPDATE events SET number = -1 WHERE number = 3",
            "UPDATE events SET number = 3 WHERE number = 5",
            "UPDATE events SET number = 5 WHERE number = -1",
        ],
        "event 3 does not follow event 2",
    ),
    "one inserted": (
        [
            "INSERT INTO events SELECT 11, case_id, reading, 99, kind, who, at, model, changes, "
            "note, payload, previous, digest, 'other-key' FROM events WHERE number = 1"
        ],
        "event 11 does not follow event 10",
    ),
    "unreadable": (["UPDATE events SET changes = '{' WHERE number = 2"], "event 2 was made unread"),
    "a mark": (["UPDATE marks SET x = 77.0 WHERE x = 2.0"], "is not where its events left it"),
    "a mark removed": (["DELETE FROM marks"], "is not where its events left it"),
    "a mark added": (
        ["UPDATE marks SET landmark = 'eye_l'"],
        "eye_l of frame 0 is not where its events left it",
    ),
    "a report": (
        ["UPDATE signatures SET content = CAST('{\"v\":3}' AS BLOB) WHERE event = 7"],
        "the report that event 7 signed was changed",
    ),
    "a report removed": (
        ["UPDATE readings SET signed = 7 WHERE signed = 9", "DELETE FROM signatures WHERE event=9"],
        "the report that event 9 signed is missing",
    ),
    "a signer": (["UPDATE signatures SET who = 'ben' WHERE event = 9"], "who signed, when or what"),
    "a signature taken off": (
        ["UPDATE readings SET state = 'open', signed = 0 WHERE state = 'signed'"],
        "step or state is not what its events led to",
    ),
    "a reading removed": (
        ["DELETE FROM marks", "DELETE FROM readings"],
        "step or state is not what its events led to",
    ),
    "the film of a case": (
        [f"UPDATE cases SET digest = '{'f' * 64}'"],
        "the film or the marks that it began from were changed",
    ),
    "a prediction": (
        ["UPDATE predictions SET content = replace(content, 'net 1', 'net 7') WHERE version = 1"],
        "prediction 1 of 'a0000.png' was changed or added",
    ),
    "a prediction removed": (
        ["DELETE FROM predictions WHERE version = 1"],
        "prediction 1 of 'a0000.png' is missing",
    ),
    "a prediction of an unread case": (
        ["DELETE FROM predictions WHERE version = 2"],
        "prediction 2 of 'c0002.png' is missing",
    ),
    "a correlation": (
        ["UPDATE shared_values SET content = replace(content, '0.5', '0.4')"],
        "what predictions share was changed",
    ),
}


@pytest.mark.parametrize("kind", TAMPERING)
def test_tampering_is_named(copy, kind):
    statements, sentence = TAMPERING[kind]
    assert sentence in _tampered(copy, *statements)


def test_a_chain_made_anew_is_told_by_its_head(copy):
    """The store cannot see it; the head that was written down elsewhere can."""
    with Store.open(copy) as store:
        before = store.head()
        case = store.history(store.queue("p", reader=ANNA, state="open").rows[0].id)
        assert case
        drag(store, case[0].case, 55.0, who=BEN)
        assert store.verify() == ()
        assert store.head() != before


# --- export and import ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported(reviewed):
    path = reviewed.parent / "review.zip"
    with Store.open(reviewed) as store:
        store.export(path)
    return path


def test_an_export_comes_back_whole(reviewed, exported, tmp_path):
    with Store.open(reviewed) as old, Store.open(tmp_path / "new.sqlite") as new:
        new.import_(exported, root=tmp_path / "films")
        assert new.head() == old.head()
        assert new.verify() == ()
        assert new.queue("p", reader=ANNA) == old.queue("p", reader=ANNA)
        for row in old.queue("p", reader=ANNA).rows:
            assert new.reading(row.id) == old.reading(row.id)
            assert new.history(row.id) == old.history(row.id)
            if row.state == "signed":
                assert new.signed_report(row.id, SHARED) == b'{"v":2}'
        assert new.root("p") == tmp_path / "films" / "p"
        assert new.accounts() == old.accounts()
        # Passwords stay behind.
        assert old.check_password("anna", "correct horse") == ANNA
        assert new.check_password("anna", "correct horse") is None
        new.export(tmp_path / "again.zip")
    assert _entries(tmp_path / "again.zip") == _entries(exported)


def test_no_password_and_no_place_of_this_machine_is_in_an_export(reviewed, exported):
    everything = b"".join(content for content in _entries(exported).values())
    assert b"argon2" not in everything
    assert str(reviewed.parent).encode() not in everything


def test_films_go_along(tmp_path):
    content = b"pixels"
    digest = hashlib.sha256(content).hexdigest()
    (tmp_path / "old" / "images").mkdir(parents=True)
    (tmp_path / "old" / "images" / "a.png").write_bytes(content)
    with Store.open(tmp_path / "old.sqlite") as store:
        store.add_project(Project("p", "P", SCHEME), root=tmp_path / "old")
        case = replace(new_case("a.png"), digest=digest)
        store.add_cases("p", [case], who="root", urgency={})
        store.export(tmp_path / "x.zip", films=True)
        (tmp_path / "old" / "images" / "a.png").write_bytes(b"other")
        with pytest.raises(ReviewError, match="not the one that the review was made with"):
            store.export(tmp_path / "y.zip", films=True)
        (tmp_path / "old" / "images" / "a.png").unlink()
        with pytest.raises(ReviewError, match="not where its project has it"):
            store.export(tmp_path / "y.zip", films=True)
        assert not (tmp_path / "y.zip").exists()
    with Store.open(tmp_path / "new.sqlite") as store:
        store.import_(tmp_path / "x.zip", root=tmp_path / "new")
        assert (store.root("p") / "images" / "a.png").read_bytes() == content


def test_nothing_is_imported_over_what_is_there(reviewed, exported, copy):
    with Store.open(copy) as store:
        before = store.head()
        with pytest.raises(ReviewError, match="holds cases already"):
            store.import_(exported, root=copy.parent)
        assert store.head() == before


def _entries(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _written(path, entries, *, resealed=True, doubled=()):
    """A zip of these entries, with a manifest whose hashes fit where it is resealed."""
    if resealed and "manifest.json" in entries:
        manifest = json.loads(entries["manifest.json"])
        manifest["files"] = {
            name: hashlib.sha256(content).hexdigest()
            for name, content in entries.items()
            if name != "manifest.json"
        }
        entries = {**entries, "manifest.json": json.dumps(manifest).encode()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [*entries.items(), *doubled]:
            archive.writestr(name, content)
    return path


def _swap(name, old, new):
    def change(entries):
        assert old in entries[name], (name, old)
        return {**entries, name: entries[name].replace(old, new)}

    return change


HOSTILE = {
    "a film above its folder": (_swap("cases.jsonl", b"images/", b"../../"), "not below"),
    "a project that climbs": (
        _swap("projects.jsonl", b'"identifier":"p"', b'"identifier":".."'),
        "identifier is not what it should be",
    ),
    "a case that is a tag": (
        lambda e: {
            **e,
            "cases.jsonl": e["cases.jsonl"].replace(b'"identifier":"', b'"identifier":"<'),
        },
        "identifier is not",
    ),
    "an event changed": (
        _swap("events.jsonl", b'"note":"Seen."', b'"note":"Sehn."'),
        "event 7 was",
    ),
    "a mark changed": (_swap("marks.jsonl", b'"x":2.0', b'"x":2.5'), "not where its events left"),
    "a report changed": (
        _swap("signatures.jsonl", b'"content":"ey', b'"content":"fy'),
        "event 7 signed was changed",
    ),
    "a line removed": (
        lambda e: {**e, "events.jsonl": e["events.jsonl"].split(b"\n", 1)[1]},
        "event 1 is missing",
    ),
    "a kind of event that is none": (
        _swap("events.jsonl", b'"kind":"reopen"', b'"kind":"burnt"'),
        "kind is not what it should be",
    ),
    "a number that is text": (_swap("events.jsonl", b'"step":1,', b'"step":"1",'), "step is not"),
    "a column more": (_swap("events.jsonl", b'"step":1,', b'"step":1,"a":1,'), "other columns"),
    "no JSON": (_swap("events.jsonl", b'{"at"', b'{at"'), "no JSON"),
    "a lone surrogate": (_swap("events.jsonl", b'"note":"Seen."', b'"note":"\\ud800"'), "note is"),
    "a zero": (_swap("events.jsonl", b'"note":"Seen."', b'"note":"\\u0000"'), "note is not"),
    "not a number": (_swap("marks.jsonl", b'"x":2.0', b'"x":NaN'), "no JSON"),
    "a protocol that is none": (
        _swap("projects.jsonl", b'"protocol":""', b'"protocol":"{}"'),
        "protocol is damaged",
    ),
    "a file that climbs out": (lambda e: {**e, "../x": b"x"}, "other files"),
    "a file of an absolute place": (lambda e: {**e, "/etc/x": b"x"}, "other files"),
    "a file too few": (
        lambda e: {name: each for name, each in e.items() if name != "marks.jsonl"},
        "other files",
    ),
    "no manifest": (
        lambda e: {name: each for name, each in e.items() if name != "manifest.json"},
        "no manifest.json",
    ),
    "a manifest of another": (
        _swap("manifest.json", b'"palpate review"', b'"other review"'),
        "another program or a newer palpate",
    ),
    "a bomb": (lambda e: {**e, "marks.jsonl": b"0" * 20_000_000}, "unpacks to too much"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_export_is_refused_and_nothing_is_left(exported, tmp_path, kind):
    change, said = HOSTILE[kind]
    path = _written(tmp_path / "x.zip", change(_entries(exported)))
    with Store.open(tmp_path / "new.sqlite") as store:
        with pytest.raises((FormatError, ReviewError), match=said):
            store.import_(path, root=tmp_path / "films")
        assert store.projects() == ()
        assert store.head()[0] == 0
    assert not (tmp_path / "films").exists()


def test_lines_that_were_changed_are_told_by_their_hash(exported, tmp_path):
    entries = _swap("cases.jsonl", b"640", b"641")(_entries(exported))
    path = _written(tmp_path / "x.zip", entries, resealed=False)
    with (
        Store.open(tmp_path / "new.sqlite") as store,
        pytest.raises(FormatError, match=r"cases\.jsonl was changed after the export"),
    ):
        store.import_(path, root=tmp_path)


def test_a_cut_export_or_two_files_of_a_name_are_refused(exported, tmp_path):
    whole = exported.read_bytes()
    with Store.open(tmp_path / "new.sqlite") as store:
        for cut in (0, 10, len(whole) // 2, len(whole) - 5):
            (tmp_path / "cut.zip").write_bytes(whole[:cut])
            with pytest.raises(FormatError):
                store.import_(tmp_path / "cut.zip", root=tmp_path)
        with pytest.raises(FormatError, match="cannot be read"):
            store.import_(tmp_path / "none.zip", root=tmp_path)
        with pytest.warns(UserWarning, match="Duplicate"):
            path = _written(tmp_path / "x.zip", _entries(exported), doubled=[("marks.jsonl", b"")])
        with pytest.raises(FormatError, match="two files of one name"):
            store.import_(path, root=tmp_path)
        store.import_(exported, root=tmp_path)
        assert store.verify() == ()


def test_a_film_that_is_another_is_not_unpacked(tmp_path):
    with Store.open(tmp_path / "old.sqlite") as store:
        store.add_project(Project("p", "P", SCHEME), root=tmp_path)
        store.add_cases("p", [new_case("a.png")], who="root", urgency={})
        store.export(tmp_path / "x.zip")
    entries = {**_entries(tmp_path / "x.zip"), f"films/{hash_of('a.png')}": b"something else"}
    path = _written(tmp_path / "y.zip", entries)
    with Store.open(tmp_path / "new.sqlite") as store:
        with pytest.raises(FormatError, match="not the film"):
            store.import_(path, root=tmp_path / "new")
        assert store.projects() == ()
    assert list((tmp_path / "new").rglob("*.png")) == []


def test_an_account_that_is_there_stays_as_it_is(exported, tmp_path):
    with Store.open(tmp_path / "new.sqlite") as store:
        store.add_account(replace(ANNA, title="Another Anna"), "another password")
        store.add_account(ROOT, None)
        store.import_(exported, root=tmp_path)
        assert store.account("anna").title == "Another Anna"
        assert store.check_password("anna", "another password") is not None
