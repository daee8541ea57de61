"""From a study or predictions into a review, its order, and labels out again."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from scipy.stats import norm

from palpate.errors import ConfigError, FormatError, PalpateError, SchemeError, StudyError
from palpate.io.formats import read_annotation
from palpate.io.predictions import PredictedImage, PredictionFile, write_predictions
from palpate.measurement import Measurement, Report
from palpate.prediction import Prediction
from palpate.protocols.protocol import protocol_text, read_protocol
from palpate.review.account import Account
from palpate.review.case import Case, Urgency
from palpate.review.event import Change
from palpate.review.frozen import report_bytes
from palpate.review.intake import plain_folder, study_cases
from palpate.review.intake_scheme import project_scheme
from palpate.review.labels_out import every_case, write_labels
from palpate.review.mark import Mark
from palpate.review.measured import measure_reading
from palpate.review.refusals import ReviewError
from palpate.review.store import Store
from palpate.review.urgency import Doubted, urgencies, urgency_score
from palpate.scheme import LandmarkScheme
from palpate.study import open_study
from palpate.workflows.agreement import AgreementWish, study_agreement
from palpate.workflows.review import Prepared, ReviewWish, prepared, put_in

PROTOCOL = read_protocol("spine-cobb")
NAMES = PROTOCOL.scheme.names
SIZE = (400, 900)
ANNA = Account("anna", "Dr. Anna Example", "reader")
BEN = Account("ben", "Dr. Ben Example", "reader")
CHIEF = Account("chief", "Prof. Chief", "reviewer")


def spine(shift: float = 0.0) -> np.ndarray:
    quantity = max(PROTOCOL.quantities, key=lambda q: len(PROTOCOL.example_points(q)))
    drawn = PROTOCOL.example_points(quantity)
    generator = np.random.default_rng(5)
    places = [drawn.get(name, tuple(generator.uniform(50, 300, 2))) for name in NAMES]
    return np.array(places, dtype=float) + shift


def predicted(
    name: str, *, size: tuple[int, int] = SIZE, sd: float = 1.0, shift: float = 0.0
) -> PredictedImage:
    k = len(NAMES)
    covariance = np.tile(np.eye(2) * sd**2, (k, 1, 1))
    prediction = Prediction(PROTOCOL.scheme, spine(shift), covariance, np.full(k, 0.9), "net 1")
    return PredictedImage(name, prediction, size)


def films(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(np.full(SIZE[::-1], len(name), dtype=np.uint8)).save(path)
    return folder


def labelled_study(folder: Path, *names: str) -> Path:
    films(folder / "images", *names)
    columns = [f"{name}_{axis}" for name in NAMES for axis in "xy"]
    lines = [",".join(["image", "subject", *columns])]
    for i, name in enumerate(names):
        cells = [repr(float(value)) for value in spine(float(i)).ravel()]
        lines.append(",".join([name, f"S{i}", *cells]))
    (folder / "landmarks.csv").write_text("\n".join(lines) + "\n")
    (folder / "study.toml").write_text(
        'protocol = "spine-cobb"\n[calibration]\nspacing_mm = [0.2, 0.25]\nsource = "ruler"\n'
    )
    return folder


def silently(stage: str, done: int, total: int, remark: str) -> None:
    del stage, done, total, remark


def ready(wish: ReviewWish) -> Prepared:
    return prepared(wish, advance=silently)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "review.sqlite") as opened:
        yield opened


def into(store: Store, wish: ReviewWish) -> tuple[Prepared, list[Case]]:
    one = ready(wish)
    put_in(store, one, who="chief")
    return one, list(every_case(store, one.project.identifier))


def test_a_plain_folder_is_labelled_from_nothing(tmp_path: Path, store: Store) -> None:
    films(tmp_path / "films", "b.png", "deep/a.png")
    wish = ReviewWish(tmp_path / "films", protocol="spine-cobb")
    one, cases = into(store, wish)
    assert [case.given.image for case in cases] == ["b.png", "deep/a.png"]
    assert one.project.scheme == PROTOCOL.scheme
    given = cases[1].given
    assert (given.film, given.size, given.subject, given.source) == (
        "deep/a.png",
        SIZE,
        "",
        "raster",
    )
    assert store.root(one.project.identifier) == (tmp_path / "films").resolve()
    assert store.reading(cases[0].identifier).marks == {}


def test_nothing_to_set_is_said(tmp_path: Path) -> None:
    films(tmp_path / "films", "a.png")
    with pytest.raises(ConfigError, match="--protocol"):
        ready(ReviewWish(tmp_path / "films"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudyError, match="no study"):
        ready(ReviewWish(tmp_path / "empty"))
    with pytest.raises(PalpateError, match="no such folder"):
        ready(ReviewWish(tmp_path / "nowhere" / "study.toml"))


def test_marks_begin_from_the_labels_of_a_study(tmp_path: Path, store: Store) -> None:
    study = labelled_study(tmp_path / "study", "a.png", "b.png")
    one, cases = into(store, ReviewWish(study))
    marks = store.reading(cases[1].identifier).marks
    expected = spine(1.0)
    for row, name in enumerate(NAMES):
        x, y = float(expected[row, 0]), float(expected[row, 1])
        assert marks[0, name] == Mark(name, "visible", x, y)
    given = cases[1].given
    assert given.subject == "S1"
    assert given.calibration is not None
    assert given.calibration.spacing_mm == (0.2, 0.25)
    assert one.project.protocol == PROTOCOL


def predictions_in(folder: Path, *images: PredictedImage, **failures: str) -> Path:
    file = PredictionFile(PROTOCOL.scheme, images, {"localiser": "net 1"}, failures)
    write_predictions(file, folder / "predictions.json")
    return folder / "predictions.json"


def test_predictions_find_their_films_and_say_which_are_not_there(tmp_path: Path) -> None:
    films(tmp_path / "films", "a.png", "b.png", "unpredicted.png")
    path = predictions_in(
        tmp_path / "out",
        predicted("a.png"),
        predicted("gone.png"),
        predicted("b.png", size=(10, 10)),
        broken="the file is cut",
    )
    # Overlays have the names of the films, and are none.
    films(tmp_path / "out" / "overlays", "a.png", "gone.png")
    with pytest.raises(StudyError, match="--images"):
        ready(ReviewWish(path))
    one = ready(ReviewWish(path, images=tmp_path / "films"))
    assert [case.image for case in one.cases] == ["a.png"]
    assert one.project.protocol == PROTOCOL
    assert "no such image" in one.missing["gone.png"]
    assert "another film" in one.missing["b.png"]
    assert one.missing["broken"] == "not predicted: the file is cut"
    assert one.cases[0].predictions[0].prediction.localiser == "net 1"


def test_predictions_inside_a_study_need_no_folder_of_films(tmp_path: Path, store: Store) -> None:
    study = labelled_study(tmp_path / "study", "a.png")
    path = predictions_in(study / "results", predicted("a.png", shift=3.0))
    _, cases = into(store, ReviewWish(path))
    marks = store.reading(cases[0].identifier).marks
    assert {mark.origin for mark in marks.values()} == {"model"}
    told = cases[0].given.predictions[0].calibration
    assert told is not None
    assert told.spacing_mm == (0.2, 0.25)


def test_labels_stand_before_predictions_and_unassisted_readings_are_empty(
    tmp_path: Path, store: Store
) -> None:
    study = labelled_study(tmp_path / "study", "a.png")
    path = predictions_in(tmp_path, predicted("a.png", shift=3.0))
    _, cases = into(store, ReviewWish(study, predictions=path))
    assert {m.origin for m in store.reading(cases[0].identifier).marks.values()} == {"person"}
    unassisted = ReviewWish(path, images=study, project="alone", assisted=False)
    _, cases = into(store, unassisted)
    assert store.reading(cases[0].identifier).marks == {}


def test_putting_a_study_in_again_changes_nothing(tmp_path: Path, store: Store) -> None:
    study = labelled_study(tmp_path / "study", "a.png", "b.png")
    _, first = into(store, ReviewWish(study))
    _, again = into(store, ReviewWish(study))
    assert [case.identifier for case in first] == [case.identifier for case in again]
    assert store.head()[0] == 0


def test_landmarks_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    nose = LandmarkScheme("nose", ("tip",))
    with pytest.raises(SchemeError, match="tip"):
        project_scheme(nose, PROTOCOL.scheme, None)
    with pytest.raises(ConfigError, match="needs landmark"):
        project_scheme(None, nose, PROTOCOL)
    both = project_scheme(nose, None, PROTOCOL)
    assert both.names == (*NAMES, "tip")
    assert project_scheme(nose, None, None) == nose


def test_a_film_that_cannot_be_read_is_listed(tmp_path: Path) -> None:
    folder = films(tmp_path / "films", "a.png", "b.png")
    (folder / "b.png").write_bytes(b"\x89PNG cut")
    taken = study_cases(plain_folder(folder))
    assert [case.image for case in taken.cases] == ["a.png"]
    assert list(taken.missing) == ["b.png"]


# --- the order of the queue ----------------------------------------------------------------------


def doubted(image: str, value: float, sd: float, implausible: float | None = None) -> Doubted:
    """A cephalogram of which ANB alone is known: class I from 0 to 4 degrees."""
    below = {limit: float(norm.cdf(limit, value, sd)) for limit in (0.0, 4.0)}
    classes = CEPHALOGRAM.quantity("ANB").classes
    assert classes is not None
    chances = classes.chances(below.__getitem__)
    one = Measurement(
        "ANB", "deg", value, interval=(value - 2 * sd, value + 2 * sd), probabilities=chances
    )
    return Doubted(image, (Report("", image, (one,)),), implausible)


CEPHALOGRAM = read_protocol("cephalogram")


def test_the_reason_says_which_class_may_change() -> None:
    told = urgencies([doubted("a", 3.9, 1.0), doubted("b", 2.0, 0.1)], CEPHALOGRAM)
    assert told["a"].class_change == pytest.approx(0.46, abs=0.01)
    assert told["a"].reasons[0] == "ANB: chance 0.46 that the class changes (class I / class II)"
    assert told["b"].class_change == pytest.approx(0.0, abs=1e-6)
    assert told["b"].reasons == ()
    assert (told["a"].width, told["b"].width) == (0.5, 0.0)


Told = tuple[float, float, float | None]
CASE = st.tuples(st.floats(-5.0, 9.0), st.floats(0.1, 4.0), st.none() | st.floats(0.0, 1.0))


@given(st.lists(CASE, min_size=2, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_the_order_is_independent_of_the_order_of_input(cases: list[Told], random: Random) -> None:
    named = [doubted(f"{i}", *case) for i, case in enumerate(cases)]
    turned = list(named)
    random.shuffle(turned)
    assert urgencies(named, CEPHALOGRAM) == urgencies(turned, CEPHALOGRAM)


@given(st.lists(CASE, min_size=2, max_size=8), st.floats(1.0, 3.0), st.floats(0.0, 1.0))
@settings(max_examples=25)
def test_more_doubt_never_goes_down_the_queue(cases: list[Told], times: float, more: float) -> None:
    """A value that lies nearer to a limit, a wider interval, a stranger shape: each moves up."""
    named = [doubted(f"{i}", *case) for i, case in enumerate(cases)]
    value, sd, strange = cases[0]
    before = urgencies(named, CEPHALOGRAM)
    stranger = replace(named[0], implausible=max(strange or 0.0, more))
    after = urgencies([stranger, *named[1:]], CEPHALOGRAM)
    assert place("0", after) <= place("0", before)
    wider = urgencies([doubted("0", value, times * sd, strange), *named[1:]], CEPHALOGRAM)
    assert (wider["0"].width or 0.0) >= (before["0"].width or 0.0)


def place(image: str, told: dict[str, Urgency]) -> int:
    own = urgency_score(told[image])
    return sum(urgency_score(other) > own for other in told.values())


@given(st.tuples(*[st.none() | st.floats(0.0, 1.0)] * 3), st.integers(0, 2), st.floats(0.0, 1.0))
def test_no_number_lowers_the_score_when_it_grows(
    parts: tuple[float | None, float | None, float | None], which: int, more: float
) -> None:
    grown = list(parts)
    grown[which] = max(parts[which] or 0.0, more)
    before = urgency_score(Urgency(*parts))
    after = urgency_score(Urgency(grown[0], grown[1], grown[2]))
    assert 0.0 <= before <= after <= 1.0


def test_what_is_known_against_a_prediction_puts_it_first(tmp_path: Path, store: Store) -> None:
    folder = films(tmp_path / "films", "a.png", "b.png", "c.png")
    path = predictions_in(
        tmp_path, predicted("a.png"), predicted("b.png", shift=-200.0), predicted("c.png", sd=6.0)
    )
    rows = [
        ("image", "set_aside", "p_value", "reasons"),
        ("a.png", "no", "", ""),
        ("c.png", "yes", "0.01", "unlike the films of the 30 held-out subjects"),
    ]
    with (tmp_path / "set_aside.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    one, _ = into(store, ReviewWish(path, images=folder))
    queue = store.queue(one.project.identifier, reader=CHIEF)
    assert [row.image for row in queue.rows] == ["b.png", "c.png", "a.png"]
    outside, unlike, _ = queue.rows
    assert outside.implausible == 1.0
    assert outside.reasons[0].startswith("landmarks outside the film")
    assert unlike.implausible == pytest.approx(0.95)
    assert "unlike the films of the 30 held-out subjects" in unlike.reasons
    (tmp_path / "set_aside.csv").write_text("image,reasons\na.png,x\n")
    with pytest.raises(FormatError, match=r"set_aside\.csv:2"):
        ready(ReviewWish(path, images=folder))


# --- labels out ----------------------------------------------------------------------------------


def moved(store: Store, case: Case, who: Account, reading: str, dx: float) -> None:
    """Move every landmark of a reading by ``dx`` px, as a person does."""
    now = store.reading(case.identifier, reading)
    changes = [
        Change(mark, replace(mark, x=float(mark.x or 0.0) + dx, origin="person"))
        for mark in now.marks.values()
    ]
    store.append(
        case.identifier,
        reading,
        after=now.step,
        key=f"{who.name}-{case.identifier}"[:64],
        who=who,
        kind="adjudicate" if reading == "shared" else "marks",
        changes=changes,
    )


def sign(store: Store, case: Case, who: Account, reading: str) -> None:
    step = store.reading(case.identifier, reading).step
    store.sign(case.identifier, reading, after=step, who=who, statement="Read.", report=b"{}")


def test_corrections_come_back_as_a_study(tmp_path: Path, store: Store) -> None:
    study = labelled_study(tmp_path / "study", "a.png", "b.png")
    path = predictions_in(tmp_path, predicted("a.png"), predicted("b.png"))
    one, cases = into(store, ReviewWish(path, images=study))
    with pytest.raises(ReviewError, match="no labels yet"):
        write_labels(store, one.project, tmp_path / "out")
    now = store.reading(cases[0].identifier)
    first = now.marks[0, NAMES[0]]
    hidden = now.marks[0, NAMES[1]]
    changes = [
        Change(first, replace(first, x=123.25, origin="person")),
        Change(hidden, Mark(NAMES[1], "absent")),
    ]
    store.append(
        cases[0].identifier,
        "shared",
        after=0,
        key="k" * 8,
        who=CHIEF,
        kind="marks",
        changes=changes,
    )
    done = write_labels(store, one.project, tmp_path / "out")
    assert done.images == 1
    labelled = open_study(tmp_path / "out")
    points = labelled.case("a.png").points
    assert points is not None
    # What nobody looked at is no label, until the reading is signed.
    assert points.present.sum() == 1
    assert points[NAMES[0]][0] == 123.25
    sign(store, cases[0], CHIEF, "shared")
    done = write_labels(store, one.project, tmp_path / "signed", signed=True)
    points = open_study(tmp_path / "signed").case("a.png").points
    assert points is not None
    assert points.present.sum() == len(NAMES) - 1
    with pytest.raises(FormatError, match="there already"):
        write_labels(store, one.project, tmp_path / "signed")


def test_labels_that_nobody_changed_come_back_as_they_were(tmp_path: Path, store: Store) -> None:
    study = labelled_study(tmp_path / "study", "a.png", "b.png")
    one, _ = into(store, ReviewWish(study))
    write_labels(store, one.project, tmp_path / "out")
    before, after = open_study(study), open_study(tmp_path / "out")
    assert [case.identifier for case in after.cases] == ["a.png", "b.png"]
    for old, new in zip(before.cases, after.cases, strict=True):
        assert old.points is not None
        assert new.points is not None
        np.testing.assert_array_equal(old.points.coordinates, new.points.coordinates)
        assert (old.subject, old.path.resolve()) == (new.subject, new.path.resolve())
        assert new.calibration == old.calibration
    assert after.settings.protocol == "spine-cobb"


def by_two(study: Path) -> Path:
    """The labels of a study once more, by two people who are named."""
    one = (study / "landmarks.csv").read_text()
    (study / "landmarks.csv").unlink()
    (study / "landmarks_eva.csv").write_text(one)
    (study / "landmarks_tom.csv").write_text(one)
    settings = (study / "study.toml").read_text()
    told = 'annotations = { eva = "landmarks_eva.csv", tom = "landmarks_tom.csv" }\n'
    (study / "study.toml").write_text(told + settings)
    return study


def test_it_is_told_whose_labels_a_reading_began_from(tmp_path: Path, store: Store) -> None:
    study = by_two(labelled_study(tmp_path / "study", "a.png"))
    own = tmp_path / "own.toml"
    text = protocol_text("spine-cobb")
    own.write_text(text.replace('"spine-cobb"', '"spine-of-ours"', 1))
    one, (case,) = into(store, ReviewWish(study, protocol=str(own)))
    assert case.given.labelled_by == "the mean of eva, tom"
    now = store.reading(case.identifier)
    reports = measure_reading(one.project, case, now.marks)
    first = next(each for each in reports[0].measurements if each.value is not None)
    said = f"labelled by the mean of eva, tom: {', '.join(first.landmarks)}; no interval"
    assert first.note.endswith(said)
    moved(store, case, CHIEF, "shared", 1.0)
    after = measure_reading(one.project, case, store.reading(case.identifier).marks)
    notes = [each.note for each in after[0].measurements if each.value is not None]
    assert all(note.endswith("set by the reader; no interval") for note in notes)
    reading = store.reading(case.identifier)
    frozen = json.loads(report_bytes(one.project, case, reading, after, CHIEF))
    assert frozen["case"]["labelled_by"] == "the mean of eva, tom"
    write_labels(store, one.project, tmp_path / "out")
    assert "the mean of eva, tom" in (tmp_path / "out" / "study.toml").read_text()
    assert read_protocol(str(tmp_path / "out" / "protocol.toml")) == read_protocol(str(own))


def test_a_blinded_readers_labels_are_what_they_set(tmp_path: Path, store: Store) -> None:
    """What all begin from would make them agree; a signature makes it the reader's."""
    study = by_two(labelled_study(tmp_path / "study", "a.png"))
    one, (case,) = into(store, ReviewWish(study, blinded=True))
    assert any("begin alike" in note for note in one.notes)
    mark = store.reading(case.identifier, "anna").marks[0, NAMES[0]]
    change = Change(mark, replace(mark, x=1.5))
    store.append(
        case.identifier, "anna", after=0, key="k" * 8, who=ANNA, kind="marks", changes=[change]
    )
    write_labels(store, one.project, tmp_path / "out")
    points = open_study(tmp_path / "out").case("a.png").points
    assert points is not None
    assert points.present.sum() == 1
    sign(store, case, ANNA, "anna")
    write_labels(store, one.project, tmp_path / "signed")
    points = open_study(tmp_path / "signed").case("a.png").points
    assert points is not None
    assert points.present.all()


def test_two_blinded_readers_are_compared_as_they_come_out(tmp_path: Path, store: Store) -> None:
    pytest.importorskip("statsmodels")
    names = [f"{i}.png" for i in range(4)]
    study = labelled_study(tmp_path / "study", *names)
    path = predictions_in(
        tmp_path, *(predicted(name, shift=float(i)) for i, name in enumerate(names))
    )
    one, cases = into(store, ReviewWish(path, images=study, blinded=True, protocol="spine-cobb"))
    for i, case in enumerate(cases):
        for who, dx in ((ANNA, 0.5), (BEN, 1.5 + i)):
            moved(store, case, who, who.name, dx)
            sign(store, case, who, who.name)
    done = write_labels(store, one.project, tmp_path / "out", signed=True)
    assert sorted(done.files) == ["anna", "ben"]
    labels = open_study(tmp_path / "out").case("3.png").annotations
    off = labels["ben"].coordinates - labels["anna"].coordinates
    np.testing.assert_allclose(off, np.tile([4.0, 0.0], (len(NAMES), 1)))
    compared = study_agreement([str(tmp_path / "out")], AgreementWish(resamples=100))
    told = json.dumps(compared.to_json())
    assert '"anna"' in told
    assert '"ben"' in told
    # An adjudicated reading is the reference.
    moved(store, cases[0], CHIEF, "shared", 0.25)
    write_labels(store, one.project, tmp_path / "adjudicated")
    adjudicated = open_study(tmp_path / "adjudicated")
    assert adjudicated.case("0.png").reference is not None
    assert adjudicated.case("1.png").reference is None
    rows = read_annotation(tmp_path / "adjudicated" / "landmarks_anna.csv").rows
    assert {row.annotator for row in rows} == {"anna"}
