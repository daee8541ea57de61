"""Laws of choosing what to annotate next: in doubt, unlike, one a subject, in whatever order."""

import csv
from dataclasses import dataclass, replace

import numpy as np
import PIL.Image
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from palpate.cli.annotate_next import annotate_next
from palpate.errors import PalpateError, StudyError
from palpate.evaluation.acquisition import Candidate, choose, doubts, log_spreads
from palpate.localisers import load as load_module
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme
from palpate.workflows.annotate_next import choose_next, find_pool

TWO = LandmarkScheme("two", ("a", "b"))


def prediction(mean, spread, score=0.5):
    """Round ellipses with so many px of radius, one a landmark."""
    mean, radii = np.array(mean, dtype=float), np.broadcast_to(spread, 2)
    found = ~np.isnan(mean).any(axis=1)
    covariance = np.where(found[:, None, None], radii[:, None, None] ** 2 * np.eye(2), np.nan)
    return Prediction(TWO, mean, covariance, np.where(found, score, 0.0), "test")


def candidates(count, seed=0, size=(100, 80)):
    rng = np.random.default_rng(seed)
    found = []
    for k in range(count):
        looks = rng.normal(size=6)
        mean = np.array([[30.0, 30.0], [60.0, 50.0]]) + rng.normal(0, 5, (2, 2))
        made = prediction(mean, rng.uniform(1, 4, 2), float(rng.uniform(0.2, 0.9)))
        looks /= np.linalg.norm(looks)
        found.append(Candidate(f"{k:02}", f"p{k}", size, made, looks))
    return found


def named(chosen):
    return [each.image for each in chosen]


@given(st.permutations(range(12)), st.integers(1, 6))
def test_the_order_of_the_images_has_no_say(order, count):
    pool = candidates(12)
    assert choose([pool[k] for k in order], count) == choose(pool, count)


def test_the_first_is_the_most_in_doubt_and_only_the_more_doubtful_are_looked_at():
    pool = candidates(30)
    share = dict(zip((one.image for one in pool), doubts(pool), strict=True))
    ranked = sorted(share, key=lambda name: -share[name])
    chosen = choose(pool, 5)
    assert chosen[0].image == ranked[0]
    assert chosen[0].rank_unsure == 1
    assert set(named(chosen)) <= set(ranked[:10])
    assert named(choose(pool, 3, among=1)) != named(chosen)[:3] or len(chosen) == 5
    assert set(named(choose(pool, 3, among=1))) == set(ranked[:3])


def test_doubt_grows_with_spread_and_falls_with_score():
    pool = candidates(9)
    before = doubts(pool)
    wide = replace(pool[4], prediction=prediction(pool[4].prediction.mean, 50.0, 0.01))
    after = doubts([*pool[:4], wide, *pool[5:]])
    assert after[4] == 1.0
    assert after[4] >= before[4]
    assert ((after >= 0) & (after <= 1)).all()


def test_a_copy_of_a_chosen_image_is_the_last_to_be_chosen():
    pool = candidates(8)
    first = choose(pool, 1)[0]
    source = next(one for one in pool if one.image == first.image)
    copy = replace(source, image="copy", subject="other")
    chosen = choose([*pool, copy], 9)
    assert {chosen[0].image, chosen[-1].image} == {source.image, "copy"}
    assert chosen[-1].unlike == pytest.approx(0, abs=1e-9)
    assert [each.unlike is None for each in chosen] == [True] + [False] * 8
    apart = [each.unlike for each in chosen[1:]]
    assert apart == sorted(apart, reverse=True)


def test_a_subject_is_chosen_once_by_its_most_doubtful_image():
    pool = candidates(10)
    pool = [replace(one, subject=f"p{k % 4}") for k, one in enumerate(pool)]
    chosen = choose(pool, 6, among=5)
    assert sorted(each.subject for each in chosen) == ["p0", "p1", "p2", "p3"]
    share = dict(zip((one.image for one in pool), doubts(pool), strict=True))
    for each in chosen:
        own = [one.image for one in pool if one.subject == each.subject]
        assert share[each.image] == max(share[name] for name in own)


@given(st.floats(0.2, 5.0))
def test_the_size_of_the_films_does_not_matter(factor):
    small = candidates(7)
    large = [
        replace(
            one,
            size=(100_000, 80_000),
            prediction=Prediction(
                TWO,
                one.prediction.mean * 1000,
                one.prediction.covariance * 1e6,
                one.prediction.score,
                "test",
            ),
        )
        for one in small
    ]
    np.testing.assert_allclose(log_spreads(large), log_spreads(small), atol=1e-9)
    assert named(choose(large, 4)) == named(choose(small, 4))
    # a model that is everywhere so many times as unsure is as unsure as usual
    wider = [
        replace(
            one,
            prediction=Prediction(
                TWO,
                one.prediction.mean,
                one.prediction.covariance * factor**2,
                one.prediction.score,
                "test",
            ),
        )
        for one in small
    ]
    np.testing.assert_allclose(log_spreads(wider), log_spreads(small), atol=1e-9)


def test_a_worked_example_of_the_spread():
    pool = [
        Candidate(str(k), str(k), (30, 40), prediction([[1, 1], [2, 2]], spread), np.ones(1))
        for k, spread in enumerate(([1.0, 2.0], [2.0, 2.0], [4.0, 2.0]))
    ]
    np.testing.assert_allclose(
        log_spreads(pool), np.log([[0.5, 1.0], [1.0, 1.0], [2.0, 1.0]]), atol=1e-12
    )
    first = choose(pool, 1)[0]
    assert (first.image, first.worst) == ("2", ("a",))
    assert first.unsure == pytest.approx(np.sqrt(2.0))


def test_what_was_not_found_is_in_doubt_and_named():
    pool = candidates(5)
    gone = prediction([[np.nan, np.nan], [60, 50]], 1.0)
    chosen = choose([*pool, Candidate("gone", "q", (100, 80), gone, pool[0].features)], 6)
    lost = next(each for each in chosen if each.image == "gone")
    assert lost.missed == ("a",)
    assert np.isfinite([lost.unsure, lost.score]).all()
    nothing = prediction(np.full((2, 2), np.nan), 1.0)
    none = [Candidate(str(k), str(k), (9, 9), nothing, np.ones(2)) for k in range(3)]
    assert named(choose(none, 2)) == ["0", "1"]


def test_what_cannot_be_chosen_from_is_refused():
    with pytest.raises(StudyError, match="count of 1 or more"):
        choose(candidates(3), 0)
    with pytest.raises(StudyError, match="each once"):
        choose([candidates(1)[0]] * 2, 1)
    with pytest.raises(StudyError, match="no image"):
        choose([], 1)


# --- files


@dataclass
class Guesser:
    """Says the same place of every image; the brighter the image, the less sure it is."""

    name: str = "guess"
    weights: str = "abc"
    protocol: str = ""
    variance_factor: float | None = None
    scheme: LandmarkScheme = TWO

    def predict(self, image):
        bright = float(image.grey().mean())
        return prediction([[8, 8], [20, 16]], 1.0 + 9.0 * bright, 1.0 - 0.5 * bright)


@pytest.fixture
def study(tmp_path):
    root = tmp_path / "study"
    (root / "images").mkdir(parents=True)
    rng = np.random.default_rng(1)
    rows = ["image,subject,a_x,a_y,b_x,b_y", "0.png,p0,8,8,20,16"]
    for k in range(6):
        pixels = np.clip(rng.integers(0, 60, (24, 32)) + 30 * k, 0, 255).astype(np.uint8)
        PIL.Image.fromarray(pixels).save(root / "images" / f"{k}.png")
    (root / "landmarks.csv").write_text("\n".join([*rows, ""]))
    (root / "study.toml").write_text("subject_pattern = '^(.)'\n")
    (root / "images" / "broken.png").write_bytes(b"no picture")
    return root


def test_the_pool_is_what_nobody_annotated(study):
    pool = find_pool([study], TWO)
    names = [case.identifier for case in pool.cases]
    assert names == ["1.png", "2.png", "3.png", "4.png", "5.png", "broken.png"]
    assert [case.subject for case in pool.cases][:2] == ["1", "2"]
    plain = find_pool([study / "images" / "0.png"], TWO)
    assert [case.subject for case in plain.cases] == ["0.png"]
    with pytest.raises(PalpateError, match=r"two inputs hold an image '1\.png'"):
        find_pool([study, study / "images"], TWO)
    with pytest.raises(PalpateError, match="no file or folder"):
        find_pool([study / "nothing"], TWO)
    (study / "empty").mkdir()
    with pytest.raises(PalpateError, match="empty: name a folder of images that nobody"):
        find_pool([study / "empty"], TWO)


def test_list_and_sheet_are_written(study, tmp_path):
    out = tmp_path / "next"
    found = choose_next(Guesser(), find_pool([study], TWO), out, count=3, advance=lambda *_: None)
    assert found.pool == 5
    assert list(found.failures) == ["broken.png"]
    with (out / "next.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["image"] for row in rows] == named(found.chosen)
    assert rows[0]["image"] == "5.png"
    assert "the most unsure of 5" in rows[0]["why"]
    assert "unlike those above" in rows[1]["why"]
    with PIL.Image.open(out / "next.png") as sheet:
        assert sheet.width > 900
    assert (out / "predictions.json").exists()


def test_the_command(study, tmp_path, monkeypatch):
    monkeypatch.setattr(load_module, "load_localiser", lambda *_, **__: Guesser())
    app = typer.Typer()
    app.command()(annotate_next)
    flags = ["run", str(study), "--n", "9", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, flags)
    assert result.exit_code == 0, result.output
    assert "1. 5.png: the most unsure of 5" in result.output
    assert "5 and not 9" in result.output
    again = tmp_path / "again"
    CliRunner().invoke(app, [*flags[:-1], str(again)])
    assert (again / "next.csv").read_bytes() == (tmp_path / "out" / "next.csv").read_bytes()


def test_points_without_uncertainty_are_no_mistake():
    sure = Prediction.exact(Points.of(TWO, [[1.0, 1.0], [2.0, 2.0]]), made_by="me")
    pool = [Candidate(str(k), str(k), (9, 9), sure, np.ones(2)) for k in range(2)]
    assert np.isfinite(log_spreads(pool)).all()
    assert named(choose(pool, 2)) == ["0", "1"]
