"""Films that a service received become cases of a review, once each, with their predicted marks."""

from dataclasses import replace

import pytest

from dicom_films import write_film
from dicom_service import PROTOCOL, Quick, work
from palpate.errors import ConfigError, OutputError
from palpate.review.refusals import ReviewError, StoreError
from palpate.review.store import Store
from palpate.serve.dicom.service import Service
from palpate.workflows.dicom_objects import FilmWork
from palpate.workflows.dicom_review import SERVICE, ReviewIntake, service_project


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "review.sqlite") as opened:
        yield opened


@pytest.fixture
def project(tmp_path):
    return service_project(Quick(), PROTOCOL, tmp_path / "Clinic A", None)


def _intake(store, project, folder, **more):
    folder.mkdir(exist_ok=True)
    return ReviewIntake(store, project, folder, **more)


def _cases(store, project="clinic-a"):
    rows = store.queue(project, reader=SERVICE, order="image").rows
    return [store.case(row.id) for row in rows]


def _measured(folder, name="1.2.3.dcm", *, localiser=None, **film):
    folder.mkdir(exist_ok=True)
    write_film(folder / name, **film)
    return FilmWork(localiser or Quick(), PROTOCOL).measured(folder / name, "ab" * 32)


def test_a_film_that_is_told_of_twice_is_one_case_with_its_marks(tmp_path, store, project):
    inbox = tmp_path / "inbox"
    tell = _intake(store, project, inbox)
    film = _measured(inbox)
    tell(film)
    tell(film)
    # A service that was killed and starts again tells of it once more.
    _intake(store, project, inbox)(film)
    (case,) = _cases(store)
    assert case.given.film == "1.2.3.dcm"
    assert case.given.digest == film.digest
    assert (store.root("clinic-a") / case.given.film).is_file()
    assert case.model == "quick feed"
    marks = store.reading(case.identifier).marks
    assert len(marks) == len(PROTOCOL.scheme)
    for name in PROTOCOL.scheme.names:
        x, y = film.predicted.prediction.points[name]
        assert (marks[0, name].x, marks[0, name].y) == (x, y)
    assert store.history(case.identifier) == ()
    assert store.head()[0] == 0, "the same prediction again is no event"
    tell(_measured(inbox, localiser=Quick("beef")))
    assert [one.model for one in _cases(store)] == ["quick beef"], "another model's is a new one"
    assert [one.kind for one in store.history(case.identifier)] == ["predicted"]


def test_films_are_judged_beside_those_before_them_also_after_a_new_start(tmp_path, store, project):
    inbox = tmp_path / "inbox"
    tell = _intake(store, project, inbox)
    tell(_measured(inbox, "1.1.dcm", number=1))
    _intake(store, project, inbox)(_measured(inbox, "1.2.dcm", number=2, size=(100, 120)))
    # One px of doubt turns a small film's angle four times as far.
    small = _cases(store)[1]
    assert small.urgency.width == 0.5
    assert "times as wide as usual" in small.urgency.reasons[-1]


def test_what_speaks_against_a_film_stands_in_the_review(tmp_path, store, project):
    inbox = tmp_path / "inbox"
    film = _measured(inbox, localiser=Quick(first=(-50.0, 20.0)))
    _intake(store, project, inbox)(film)
    (case,) = _cases(store)
    assert any("outside" in reason for reason in case.urgency.reasons)
    assert case.given.set_aside == tuple(reason.words for reason in film.judged.reasons)


def test_a_changed_film_is_a_case_of_its_own(tmp_path, store, project):
    inbox = tmp_path / "inbox"
    tell = _intake(store, project, inbox)
    tell(_measured(inbox))
    tell(_measured(inbox, "1.2.3~abcdef.dcm"))
    assert [one.given.image for one in _cases(store)] == ["1.2.3.dcm", "1.2.3~abcdef.dcm"]


def test_a_project_with_other_films_or_landmarks_is_refused_before_films_come(
    tmp_path, store, project
):
    _intake(store, project, tmp_path / "one")
    with pytest.raises(ConfigError, match="--project NAME"):
        _intake(store, project, tmp_path / "two")
    other = replace(project, protocol=replace(PROTOCOL, version="9.9"))
    with pytest.raises(ConfigError, match=r"another protocol.*--project NAME"):
        _intake(store, other, tmp_path / "one")
    # A service whose folder was moved finds its project again.
    (tmp_path / "one").rename(tmp_path / "moved")
    _intake(store, project, tmp_path / "moved")
    assert store.root("clinic-a") == tmp_path / "moved"


def test_a_review_that_is_away_is_told_later_and_one_that_refuses_holds_no_report(
    tmp_path, store, project, monkeypatch
):
    inbox = tmp_path / "service" / "inbox"
    inbox.mkdir(parents=True)
    write_film(inbox / "1.2.3.dcm")
    uid = str(work().measured(inbox / "1.2.3.dcm", "").predicted.image)
    (inbox / "1.2.3.dcm").rename(inbox / f"{uid}.dcm")
    tell = _intake(store, project, inbox)
    add = store.add_cases
    problems = [StoreError("the disk is full"), ReviewError("with another film")]

    def failing(*given, **more):
        if problems:
            raise problems.pop(0)
        return add(*given, **more)

    monkeypatch.setattr(store, "add_cases", failing)
    monkeypatch.setattr("palpate.serve.dicom.backoff.FIRST", 0.0)
    service = Service(tmp_path / "service", work(on_predicted=tell), None, 0.0)
    try:
        assert service.recover() == 1
        assert service.predict_due() == 1
        (film,) = service.ledger.films()
        assert film.state == "received"
        assert "the disk is full" in film.reason
        assert service.predict_due() == 1
        assert service.ledger.films()[0].state == "predicted"
        assert len(service.ledger.objects()) == 1
    finally:
        service.close()


def test_a_store_that_cannot_be_written_is_an_output_error(tmp_path, store, project, monkeypatch):
    inbox = tmp_path / "inbox"
    tell = _intake(store, project, inbox)

    def full(*_, **__):
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "add_cases", full)
    with pytest.raises(OutputError, match="review: the disk is full"):
        tell(_measured(inbox))
