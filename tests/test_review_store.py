"""The store of a review: what was saved is what is read, in order, by whom it may be."""

import json
import tomllib
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from palpate.errors import SchemeError
from palpate.protocols.protocol import PROTOCOLS, protocol_from_table, read_protocol
from palpate.review.account import Account
from palpate.review.case import NewCase, Project, Urgency
from palpate.review.event import SHARED, Change, event_digest
from palpate.review.mark import Mark
from palpate.review.project_plain import (
    protocol_from_plain,
    protocol_to_plain,
    protocol_to_toml,
)
from palpate.review.refusals import (
    ConflictError,
    NotAllowedError,
    ReviewError,
    SignedError,
    StoreError,
    UnknownCaseError,
)
from palpate.review.store import Store
from review_store_cases import (
    ANNA,
    BEN,
    ROOT,
    RUTH,
    SCHEME,
    drag,
    fill,
    moved,
    new_case,
    predicted,
)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "review.sqlite") as opened:
        yield opened


# --- projects and cases ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_comes_back_as_it_was(name):
    protocol = read_protocol(name)
    assert protocol_from_plain(json.loads(json.dumps(protocol_to_plain(protocol)))) == protocol
    table = tomllib.loads(protocol_to_toml(protocol))
    assert protocol_from_table(table, where="a file") == protocol
    for convention in protocol.conventions:
        turned = protocol.flip(convention)
        assert protocol_from_plain(json.loads(json.dumps(protocol_to_plain(turned)))) == turned


def test_a_case_comes_back_to_the_last_bit(tmp_path):
    given = replace(new_case("a.png", 1, frames=4), set_aside=("unlike any film",), source="video")
    given = replace(given, marks=(Mark("nose", "absent", frame=2),), labelled_by="Dr. É")
    given = replace(given, predictions={0: predicted("a.png#0", 1), 3: predicted("a.png#3", 2)})
    urgency = Urgency(0.25, None, 1 / 3, ("one", "zwei é"))
    with Store.open(tmp_path / "r.sqlite") as store:
        store.add_project(Project("p", "P", SCHEME), root=tmp_path)
        (made,) = store.add_cases("p", [given], who="root", urgency={"a.png": urgency})
    with Store.open(tmp_path / "r.sqlite", create=False) as store:
        case = store.case(made.identifier)
    assert (case.project, case.model, case.urgency) == ("p", "net 1", urgency)
    assert replace(case.given, predictions={}) == replace(given, predictions={})
    for frame, image in given.predictions.items():
        found = case.given.predictions[frame]
        assert (found.image, found.size, found.subject) == (image.image, image.size, image.subject)
        for part in ("mean", "covariance", "score"):
            a, b = getattr(found.prediction, part), getattr(image.prediction, part)
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(
            found.prediction.correlation.matrix, image.prediction.correlation.matrix
        )
    assert len(case.identifier) == 22


def test_the_correlation_of_a_model_is_kept_once(store, tmp_path):
    fill(store, tmp_path, 20)
    with store._database.read() as connection:
        count_ = connection.exec_driver_sql("SELECT count(*) FROM shared_values").scalar_one()
    assert count_ == 1


def test_a_project_is_there_once(store, tmp_path):
    fill(store, tmp_path)
    store.add_project(Project("p", "Renamed", SCHEME), root=tmp_path / "elsewhere")
    assert store.root("p") == tmp_path / "elsewhere"
    assert store.project("p").name == "Renamed"
    other = replace(SCHEME, names=("nose", "eye_l", "eye_r", "ear"))
    with pytest.raises(ReviewError, match="other landmarks"):
        store.add_project(Project("p", "P", other), root=tmp_path)
    with pytest.raises(ReviewError, match="choice of blinding"):
        store.add_project(Project("p", "P", SCHEME, blinded=True), root=tmp_path)
    with pytest.raises(ReviewError, match="small letters"):
        store.add_project(Project("../p", "P", SCHEME), root=tmp_path)


@pytest.mark.parametrize("film", ["../a.png", "/etc/passwd", "a/../../b", "c:\\a", ""])
def test_a_film_lies_below_its_project(store, tmp_path, film):
    store.add_project(Project("p", "P", SCHEME), root=tmp_path)
    with pytest.raises(ReviewError, match="below"):
        store.add_cases("p", [NewCase("a", film, "0" * 64, (8, 8))], who="root", urgency={})
    assert store.queue("p", reader=ANNA).total == 0


def test_new_predictions_are_an_event_and_overwrite_nothing(store, tmp_path):
    begun, fresh, signed = (case.identifier for case in fill(store, tmp_path, 3))
    drag(store, begun, 1.0)
    before = store.reading(begun).marks
    again = [
        replace(store.case(each).given, predictions={0: predicted("x", 7, "net 2")})
        for each in (begun, fresh)
    ]
    cases = store.add_cases("p", again, who="root", urgency={})
    assert [case.identifier for case in cases] == [begun, fresh]
    assert {case.model for case in cases} == {"net 2"}
    assert store.reading(begun).marks == before
    assert [event.kind for event in store.history(begun)] == ["marks", "predicted"]
    assert store.case(begun, reading=SHARED).model == "net 1"
    # A reading that nobody has begun begins from the newest.
    reading = store.reading(fresh)
    assert (reading.state, reading.step) == ("new", 1)
    x = float(again[1].predictions[0].prediction.mean[0, 0])
    assert reading.marks[0, "nose"].x == x
    assert drag(store, fresh, 3.0).model == "net 2"
    # The same ones again are nothing new; nor is a case without any.
    head = store.head()
    store.add_cases("p", [again[0], replace(again[1], predictions={})], who="root", urgency={})
    assert store.head() == head
    assert store.history(signed) == ()
    with pytest.raises(ReviewError, match="another film"):
        store.add_cases("p", [replace(again[0], digest="f" * 64)], who="root", urgency={})
    assert store.verify() == ()


def test_what_is_not_there_is_said(store, tmp_path):
    fill(store, tmp_path)
    for ask in (
        lambda: store.case("nobody"),
        lambda: store.project("nobody"),
        lambda: store.reading("nobody"),
        lambda: store.history("nobody"),
        lambda: store.queue("nobody", reader=ANNA),
        lambda: store.reading(store.queue("p", reader=ANNA).rows[0].id, "ben"),
    ):
        with pytest.raises(UnknownCaseError):
            ask()
    with pytest.raises(StoreError, match="no review"):
        Store.open(tmp_path / "missing.sqlite", create=False)
    with pytest.raises(StoreError, match="folder"):
        Store.open(tmp_path)
    (tmp_path / "text.sqlite").write_text("not a database" * 100)
    with pytest.raises(StoreError, match="no review, or it is damaged"):
        Store.open(tmp_path / "text.sqlite")
    with pytest.raises(StoreError, match="SQLite or PostgreSQL"):
        Store.open("mysql://localhost/x")


# --- the queue ------------------------------------------------------------------------------------


def _paged(store, **filters):
    found, after = [], ""
    for _ in range(1000):
        page = store.queue("p", reader=ANNA, after=after, limit=3, **filters)
        found += page.rows
        after = page.next
        if not after:
            return found, page.total
    raise AssertionError("the queue does not end")


def test_the_queue_goes_by_urgency_then_by_name_a_page_at_a_time(store, tmp_path):
    store.add_project(Project("p", "P", SCHEME), root=tmp_path)
    rng = np.random.default_rng(3)
    names = [f"{name:02d}_%.png" for name in rng.permutation(20)]
    urgency = {name: Urgency(float(rng.choice([0.1, 0.5, 0.9]))) for name in names[:12]}
    store.add_cases("p", [new_case(n, None) for n in names], who="root", urgency=urgency)
    rows, total = _paged(store)
    expected = sorted(names, key=lambda n: (-(urgency[n].class_change if n in urgency else 0), n))
    assert [row.image for row in rows] == expected
    assert total == 20
    assert [row.image for row in _paged(store, order="image")[0]] == sorted(names)
    case = {row.image: row.id for row in rows}
    drag(store, case[names[5]], 1.0)
    drag(store, case[names[2]], 1.0)
    assert [row.image for row in _paged(store, order="updated")[0]][:2] == [names[2], names[5]]
    assert {row.image for row in _paged(store, state="open")[0]} == {names[2], names[5]}
    assert _paged(store, state="open")[1] == 2
    assert _paged(store, state="new")[1] == len(_paged(store, state="new")[0]) == 18
    assert _paged(store, search="07_%")[1] == 1
    assert _paged(store, search="_X")[1] == 0
    for place, row in enumerate(rows):
        ends = ["", *[each.id for each in rows], ""]
        assert store.neighbours(row.id, reader=ANNA) == (ends[place], ends[place + 2])
    assert store.counts("p", reader=ANNA) == {"new": 18, "open": 2, "signed": 0}


@pytest.mark.parametrize("after", ["x", "bm8", "WyJhIl0", "W10", "é"])
def test_a_page_that_there_is_not_is_refused(store, tmp_path, after):
    fill(store, tmp_path)
    with pytest.raises(ReviewError, match="no such page"):
        store.queue("p", reader=ANNA, after=after)


# --- readings -------------------------------------------------------------------------------------


def test_a_reading_begins_from_labels_then_from_the_model(store, tmp_path):
    given = replace(new_case("a.png", 1), marks=(Mark("nose", "occluded", 3.0, 4.0),))
    for name, assisted in (("p", True), ("q", False)):
        store.add_project(Project(name, name, SCHEME, assisted=assisted), root=tmp_path)
        (case,) = store.add_cases(name, [given], who="root", urgency={})
        reading = store.reading(case.identifier)
        assert reading.marks[0, "nose"] == Mark("nose", "occluded", 3.0, 4.0)
        assert reading.state == "new"
        origins = {key[1]: mark.origin for key, mark in reading.marks.items()}
        # The third landmark was not found: it has no mark until a person sets one.
        wanted = {"nose": "person", "eye_l": "model"} if assisted else {"nose": "person"}
        assert origins == wanted


def test_events_lead_to_the_marks_and_are_chained(store, tmp_path):
    case = fill(store, tmp_path)[0].identifier
    first = store.reading(case).marks[0, "nose"]
    changes = [
        moved(first, 1.0, 2.0),
        Change(store.reading(case).marks[0, "eye_l"], None),
        Change(store.reading(case).marks[0, "eye_r"], Mark("eye_r", "absent")),
    ]
    saved = store.append(
        case, SHARED, after=0, key="key-00001", who=ANNA, kind="marks", changes=changes, note="ß"
    )
    undone = store.append(
        case,
        SHARED,
        after=1,
        key="key-00002",
        who=BEN,
        kind="undo",
        changes=[change.reversed for change in saved.changes[:1]],
    )
    reading = store.reading(case)
    assert reading.marks == {(0, "nose"): first, (0, "eye_r"): Mark("eye_r", "absent")}
    assert (reading.step, reading.state) == (2, "open")
    assert reading.events == store.history(case) == (saved, undone)
    assert undone.previous == saved.digest
    assert event_digest(replace(undone, digest="")) == undone.digest
    assert store.head() == (2, undone.digest)
    assert store.reading(case, events=1).events == (undone,)
    (row,) = (row for row in store.queue("p", reader=ANNA).rows if row.id == case)
    assert (row.readers, row.state, row.updated) == (("anna", "ben"), "open", undone.when)
    assert store.readings(case) == (SHARED,)
    assert store.verify() == ()


def test_the_same_key_is_saved_once(store, tmp_path):
    case = fill(store, tmp_path)[0].identifier
    change = moved(store.reading(case).marks[0, "nose"], 1.0, 2.0)

    def send(note=""):
        return store.append(
            case,
            SHARED,
            after=0,
            key="same-key",
            who=ANNA,
            kind="marks",
            changes=[change],
            note=note,
        )

    saved = send()
    drag(store, case, 5.0)
    assert send() == saved
    assert store.head()[0] == 2
    with pytest.raises(ReviewError, match="another event"):
        send("something else")


def test_who_comes_second_learns_what_they_missed(store, tmp_path):
    case = fill(store, tmp_path)[0].identifier
    seen = store.reading(case)
    theirs = drag(store, case, 1.0, who=BEN)
    with pytest.raises(ConflictError, match="ben came in between") as refused:
        store.append(
            case,
            SHARED,
            after=seen.step,
            key="my-key-1",
            who=ANNA,
            kind="marks",
            changes=[moved(seen.marks[0, "nose"], 9.0, 9.0)],
        )
    assert refused.value.missed == (theirs,)
    with pytest.raises(ConflictError, match="not where the page saw it"):
        store.append(
            case,
            SHARED,
            after=1,
            key="my-key-2",
            who=ANNA,
            kind="marks",
            changes=[moved(seen.marks[0, "nose"], 9.0, 9.0)],
        )
    with pytest.raises(ConflictError):
        store.append(case, SHARED, after=7, key="k" * 8, who=ANNA, kind="comment", note="x")
    assert store.reading(case).step == 1


NOSE = Mark("nose", "visible", 1.0, 1.0)


@pytest.mark.parametrize(
    ("error", "said", "event"),
    [
        (SchemeError, "no landmark", {"changes": [Change(None, Mark("noes", "absent"))]}),
        (ReviewError, "1 frames", {"changes": [Change(None, replace(NOSE, frame=1))]}),
        (ReviewError, "once", {"changes": [Change(None, NOSE), Change(None, NOSE)]}),
        (ReviewError, "nothing to save", {}),
        (ReviewError, "has text", {"kind": "comment"}),
        (ReviewError, "not 'sign'", {"kind": "sign", "note": "x"}),
        (ReviewError, "not 'predicted'", {"kind": "predicted", "note": "x"}),
        (ReviewError, "no letter", {"kind": "comment", "note": "a\0b"}),
        (ReviewError, "no letter", {"kind": "comment", "note": "\ud800"}),
        (ReviewError, "at most", {"kind": "comment", "note": "x" * 20_001}),
        (NotAllowedError, "reviewer", {"kind": "adjudicate", "note": "x"}),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(store, tmp_path, error, said, event):
    case = fill(store, tmp_path)[0].identifier
    with pytest.raises(error, match=said):
        store.append(
            case, SHARED, **{"after": 0, "key": "k" * 8, "who": ANNA, "kind": "marks", **event}
        )
    assert store.head()[0] == 0
    assert store.reading(case).state == "new"


def test_a_clip_has_marks_of_frames(store, tmp_path):
    store.add_project(Project("p", "P", SCHEME), root=tmp_path)
    (case,) = store.add_cases("p", [new_case("a.mp4", 0, frames=9)], who="r", urgency={})
    far = Mark("nose", "visible", 1.0, 1.0, frame=8)
    store.append(
        case.identifier,
        SHARED,
        after=0,
        key="k" * 8,
        who=ANNA,
        kind="marks",
        changes=[Change(None, far)],
    )
    assert store.reading(case.identifier).marks[8, "nose"] == far


# --- signing --------------------------------------------------------------------------------------


def _sign(store, case, who=ANNA, report=b"{}", reading=SHARED):
    step = store.reading(case, reading).step
    return store.sign(case, reading, after=step, who=who, statement="I agree.", report=report)


def test_a_signature_freezes_the_reading_and_keeps_the_report(store, tmp_path):
    case = fill(store, tmp_path)[0].identifier
    drag(store, case, 1.0)
    signature = _sign(store, case, report=b'{"a":1}')
    assert store.reading(case).signature == signature
    assert (signature.who, signature.name) == ("anna", "Dr. Anna Example")
    with pytest.raises(SignedError, match=r"signed by Dr\. Anna Example"):
        drag(store, case, 2.0)
    with pytest.raises(SignedError, match=r"signed by Dr\. Anna Example on 20"):
        _sign(store, case, BEN)
    (row,) = store.queue("p", reader=BEN, state="signed").rows
    assert (row.id, row.signed_by) == (case, "anna")
    with pytest.raises(NotAllowedError, match=r"Dr\. Anna Example"):
        store.reopen(case, SHARED, after=2, who=BEN, reason="second thoughts")
    with pytest.raises(ReviewError, match="reason"):
        store.reopen(case, SHARED, after=2, who=ANNA, reason=" ")
    with pytest.raises(ConflictError):
        store.reopen(case, SHARED, after=1, who=ANNA, reason="late")
    store.reopen(case, SHARED, after=2, who=RUTH, reason="a slip")
    assert store.reading(case).signature is None
    with pytest.raises(ReviewError, match="not signed"):
        store.reopen(case, SHARED, after=3, who=RUTH, reason="again")
    drag(store, case, 3.0)
    second = _sign(store, case, BEN, report=b'{"a":2}')
    assert store.signed_report(case, SHARED) == b'{"a":2}'
    assert store.signed_report(case, SHARED, signature.report) == b'{"a":1}'
    with pytest.raises(UnknownCaseError):
        store.signed_report(case, SHARED, "0" * 64)
    kinds = [event.kind for event in store.history(case)]
    assert kinds == ["marks", "sign", "reopen", "marks", "sign"]
    assert store.history(case)[-1].payload == second.report
    assert store.verify() == ()


def test_a_report_of_an_older_step_is_not_signed(store, tmp_path):
    case = fill(store, tmp_path)[0].identifier
    drag(store, case, 1.0, who=BEN)
    with pytest.raises(ConflictError):
        store.sign(case, SHARED, after=0, who=ANNA, statement="yes", report=b"{}")
    with pytest.raises(ReviewError, match="statement and a report"):
        store.sign(case, SHARED, after=1, who=ANNA, statement=" ", report=b"{}")
    with pytest.raises(UnknownCaseError):
        store.signed_report(case, SHARED)


def test_what_the_model_said_can_be_signed_as_it_is(store, tmp_path):
    case = fill(store, tmp_path)[0].identifier
    _sign(store, case)
    assert store.reading(case).state == "signed"
    store.reopen(case, SHARED, after=1, who=ANNA, reason="not yet")
    drag(store, case, 4.0)
    assert store.verify() == ()


# --- blinded --------------------------------------------------------------------------------------


def test_blinded_readers_have_readings_of_their_own(store, tmp_path):
    case = fill(store, tmp_path, blinded=True)[0].identifier
    drag(store, case, 1.0, reading="anna")
    assert store.reading(case, "ben").state == "new"
    drag(store, case, 2.0, who=BEN, reading="ben")
    assert store.reading(case, "anna").marks[0, "nose"].x == 1.0
    rows = {who.name: store.queue("p", reader=who).rows[0] for who in (ANNA, BEN, RUTH)}
    assert rows["anna"].readers == rows["ben"].readers == ()
    assert rows["ruth"].readers == ("anna", "ben")
    assert [rows[name].state for name in rows] == ["open", "open", "new"]
    for who, reading in ((ANNA, "ben"), (ANNA, SHARED)):
        with pytest.raises(UnknownCaseError, match="not yours"):
            store.append(case, reading, after=1, key="k" * 8, who=who, kind="comment", note="hm")
        with pytest.raises(UnknownCaseError):
            store.sign(case, reading, after=1, who=who, statement="yes", report=b"{}")
    with pytest.raises(NotAllowedError, match="its reader's own"):
        store.append(case, "ben", after=1, key="k" * 8, who=RUTH, kind="adjudicate", note="hm")
    with pytest.raises(NotAllowedError, match="adjudicating"):
        drag(store, case, 3.0, who=RUTH, reading=SHARED)
    now = store.reading(case, SHARED)
    store.append(
        case,
        SHARED,
        after=0,
        key="k" * 8,
        who=RUTH,
        kind="adjudicate",
        changes=[moved(now.marks[0, "nose"], 1.5, 2.5)],
    )
    assert store.readings(case) == ("anna", "ben", SHARED)
    assert store.verify() == ()


def test_who_was_struck_off_saves_nothing(store, tmp_path):
    case = fill(store, tmp_path)[0].identifier
    store.add_account(ANNA, "correct horse")
    store.add_account(ROOT, None)
    store.change_account("anna", active=False, who=ROOT)
    with pytest.raises(NotAllowedError, match="no longer"):
        drag(store, case, 1.0)
    with pytest.raises(NotAllowedError):
        _sign(store, case)
    with pytest.raises(NotAllowedError):
        drag(store, case, 1.0, who=Account("carl", "Carl", "reviewer", active=False))


def test_times_are_those_of_the_clock(tmp_path):
    from datetime import UTC, datetime, timedelta

    ticks = count()

    def now():
        return datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(seconds=next(ticks))

    with Store.open(tmp_path / "r.sqlite", now=now) as store:
        case = fill(store, tmp_path)[0].identifier
        assert drag(store, case, 1.0).when == "2026-03-01T12:00:01.000000Z"
