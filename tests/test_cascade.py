"""Two searches: the region that two landmarks place, errors of the first, and a whole run."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palpate.affine import Affine
from palpate.augment.region import RegionOfInterest, learn_region
from palpate.augment.search_error import SearchError, search_error
from palpate.errors import ConfigError, GeometryError, PalpateError, SchemeError, StudyError
from palpate.image import Image
from palpate.localisers.cascade import GLOBAL, LOCAL, CascadeLocaliser, CascadeSpec
from palpate.localisers.load import load_localiser
from palpate.localisers.localiser import Localiser
from palpate.localisers.run_folder import RunFolder
from palpate.phantoms.write import write_phantom
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme
from palpate.shape.similarity import Similarity
from palpate.splits import Split
from palpate.study import open_study
from palpate.training.focus import Regions, SomeLandmarks
from palpate.training.job import TrainingJob, silent
from palpate.training.recipe import CascadeRecipe, parse_recipe, read_recipe
from palpate.training.train import Manner
from palpate.workflows.train_job import train_job

SCHEME = LandmarkScheme("bone", ("top", "tip", "foot"), edges=(("top", "tip"), ("tip", "foot")))
REFERENCES = ("top", "foot")
REGION = RegionOfInterest(REFERENCES, ((20.0, 10.0), (20.0, 50.0)), (48, 64))

similarities = st.builds(
    lambda scale, turn, x, y: Similarity(scale, turn, np.array([x, y])),
    st.floats(0.3, 3.0),
    st.floats(-3.0, 3.0),
    st.floats(-200.0, 200.0),
    st.floats(-200.0, 200.0),
)


def points(*rows):
    return Points.of(SCHEME, rows)


def fake(scheme, find):
    """A localiser that answers with what ``find`` makes of the image."""

    class Fake:
        name, weights, protocol, variance_factor = "fake", "0", "", None

        def predict(self, image):
            mean = np.asarray(find(image), dtype=float)
            k = len(scheme)
            return Prediction(
                scheme, mean, np.tile(np.eye(2), (k, 1, 1)), np.full(k, 0.8), "fake 0"
            )

    made = Fake()
    made.scheme = scheme
    return made


@given(similarities)
def test_the_references_lie_in_their_places_however_the_film_lies(similarity):
    film = similarity(np.array([[0.0, 0.0], [5.0, 40.0]]))
    found = REGION.view(film)(film)
    assert np.allclose(found, np.array(REGION.places) + REGION.margin, atol=1e-6)


@given(similarities)
def test_a_bone_looks_the_same_in_its_region_however_it_lies_in_the_film(similarity):
    bone = np.array([[0.0, 0.0], [30.0, 10.0], [5.0, 40.0]])
    plain, moved = (REGION.view(p[[0, 2]])(p) for p in (bone, similarity(bone)))
    assert np.allclose(plain, moved, atol=1e-6)


def test_a_bright_pixel_is_cut_out_where_the_view_says():
    film = np.zeros((1, 200, 160), np.uint8)
    film[0, 90, 70] = 255
    view = REGION.view(np.array([[70.0, 50.0], [70.0, 130.0]]))  # twice as large as the region
    part = REGION.cut(Image(film, "a"), view)
    assert part.size == REGION.canvas
    assert part.region == (REGION.margin, REGION.margin, 48, 64)
    x, y = view([[70.0, 90.0]])[0]
    ys, xs = np.indices(part.pixels.shape[1:])
    weight = part.pixels[0] / part.pixels.sum()
    assert np.allclose([(xs * weight).sum(), (ys * weight).sum()], [x, y], atol=0.3)


def test_what_lies_outside_the_film_is_black_and_the_rest_in_place():
    film = np.full((1, 100, 100), 200, np.uint8)
    view = REGION.view(np.array([[90.0, 10.0], [90.0, 50.0]]))  # its right side is off the film
    part = REGION.cut(Image(film, "a"), view).pixels[0]
    edge = round(float(view([[99.5, 30.0]])[0][0]))
    middle = part[part.shape[0] // 2]
    assert (middle[: edge - 1] == 200).all()
    assert (middle[edge + 2 :] == 0).all()


@pytest.mark.parametrize(
    ("positions", "said"),
    [
        ([[5.0, 5.0], [5.5, 5.0]], "0.5 px apart"),
        ([[5.0, 5.0], [np.nan, np.nan]], "without 'foot'"),
    ],
)
def test_references_that_tell_nothing_are_refused(positions, said):
    with pytest.raises(GeometryError, match=said):
        REGION.view(np.array(positions))


def test_the_learned_region_holds_every_landmark_of_every_film_upright():
    rng = np.random.default_rng(0)
    bone = np.array([[0.0, 0.0], [30.0, 10.0], [5.0, 40.0]])
    films = []
    for _ in range(20):
        turn = float(rng.normal(0.5, 0.1))
        lies = Similarity(float(rng.uniform(1, 2)), turn, rng.uniform(50, 90, 2))
        films.append(points(*lies(bone + rng.normal(0, 1, bone.shape))))
    region = learn_region(films, REFERENCES, (60, 80), around=0.1)
    inside = np.stack([region.view(f.coordinates[[0, 2]])(f.coordinates) for f in films])
    inside -= region.margin
    assert inside.min() >= 0
    assert (inside <= np.array([59, 79])).all()
    angles = [np.arctan2(*(f.coordinates[2] - f.coordinates[0])[::-1]) for f in films]
    (x1, y1), (x2, y2) = region.places
    assert np.isclose(np.arctan2(y2 - y1, x2 - x1), np.mean(angles), atol=0.02)


def test_a_region_cannot_be_learned_without_references():
    with pytest.raises(StudyError, match="no training film has both 'top' and 'foot'"):
        learn_region([points([1, 1], [2, 2], [np.nan] * 2)], REFERENCES, (60, 80), around=0.1)
    with pytest.raises(SchemeError, match="toe"):
        learn_region([points([1, 1], [2, 2], [3, 9])], ("top", "toe"), (60, 80), around=0.1)


def test_errors_that_were_drawn_are_measured_again():
    wanted = SearchError((3.0, 1.5), 4.0, 0.08, 2000, 0)
    rng = np.random.default_rng(1)
    true = REGION.view(np.array([[70.0, 50.0], [60.0, 130.0]]))
    pairs = [(true, wanted.draw(rng, REGION) @ true) for _ in range(2000)]
    found = search_error(pairs, REGION)
    assert np.allclose(found.shift_px, wanted.shift_px, rtol=0.06)
    assert np.isclose(found.rotation_deg, 4.0, rtol=0.06)
    assert np.isclose(found.log_scale, 0.08, rtol=0.06)
    assert (found.films, found.lost) == (2000, 0)


def test_lost_searches_are_counted_and_left_out():
    true = Affine.identity()
    far = Affine.translation([40.0, 0.0])
    turned = SearchError((0.0, 0.0), 0.0, 0.0, 1, 0).draw(np.random.default_rng(0), REGION)
    assert np.allclose(turned.matrix, np.eye(3))  # nothing to draw from
    centre = (np.array(REGION.canvas) - 1) / 2
    over = Affine(np.diag([-1.0, -1.0, 1.0]), "pixel", "pixel")  # upside down, about the centre
    over = Affine.translation(2 * centre) @ over
    found = search_error([(true, true), (true, far), (true, over), (true, None)], REGION)
    assert (found.films, found.lost, found.shift_px) == (4, 3, (0.0, 0.0))
    with pytest.raises(StudyError, match="found the place of none"):
        search_error([(true, far)], REGION)


def test_landmarks_are_mapped_back_exactly_and_covariances_with_them():
    place = Similarity(2.0, 0.4, np.array([60.0, 30.0]))
    truth = place(np.array([[0.0, 0.0], [10.0, 6.0], [0.0, 30.0]]))
    references = SomeLandmarks.of(SCHEME, REFERENCES).scheme
    view = REGION.view(truth[[0, 2]])
    cascade = CascadeLocaliser(
        CascadeSpec("both", REGION),
        fake(references, lambda image: truth[[0, 2]]),
        fake(SCHEME, lambda image: view(truth)),
    )
    assert isinstance(cascade, Localiser)
    found = cascade.predict(Image(np.zeros((1, 200, 160), np.uint8), "a"))
    assert np.allclose(found.mean, truth)
    assert np.allclose(found.covariance, np.eye(2) / view.scale**2)


def test_a_region_outside_the_film_is_one_sentence():
    references = SomeLandmarks.of(SCHEME, REFERENCES).scheme
    away = fake(references, lambda image: [[900.0, 900.0], [900.0, 980.0]])
    cascade = CascadeLocaliser(CascadeSpec("both", REGION), away, fake(SCHEME, lambda image: []))
    with pytest.raises(GeometryError, match="'a': the global search found no region"):
        cascade.predict(Image(np.zeros((1, 200, 160), np.uint8), "a"))


def test_a_focus_on_some_landmarks_keeps_their_edges_and_says_unknown_names():
    some = SomeLandmarks.of(SCHEME, ("foot", "tip"))
    assert some.scheme.names == ("foot", "tip")
    assert some.scheme.edges == (("tip", "foot"),)
    with pytest.raises(SchemeError, match="toe"):
        SomeLandmarks.of(SCHEME, ("toe",))


def test_regions_move_image_and_points_alike():
    study_points = points([30.0, 20.0], [40.0, 30.0], [30.0, 60.0])
    view = REGION.view(study_points.coordinates[[0, 2]])
    focus = Regions(SCHEME, REGION, {"a": [view, view]})
    from palpate.sample import Sample

    sample = Sample(Image(np.zeros((1, 90, 90), np.uint8), "a"), "s", reference=study_points)
    seen = focus(sample)
    assert len(seen) == 2
    assert np.allclose(seen[0].points.coordinates, view(study_points.coordinates))
    other = Sample(Image(np.zeros((1, 90, 90), np.uint8), "b"), "s", reference=study_points)
    assert focus(other) == []


# Recipes of two searches.


def test_a_search_names_a_recipe_and_changes_it():
    recipe = read_recipe("whdv-cascade", ["local_search.training.steps=7"])
    assert isinstance(recipe, CascadeRecipe)
    assert recipe.local_search.training.steps == 7
    assert recipe.local_search.training.epochs is None
    assert recipe.global_search.input.size == (192, 256)
    assert parse_recipe(recipe.model_dump(), where="again") == recipe


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["local_search.training.stepz=7"], r"\[local_search\]: unknown setting 'training.stepz'"),
        (["local_search.recipe=whd"], "did you mean 'whdv'"),
        (["local_search.recipe=rfrv-cascade"], "cannot be a cascade itself"),
        (["region.folds=1"], "folds is 0 or at least 2"),
        (["region.size=[8, 8]"], "16 px or more"),
        (["local_search=3"], r"expected a table \[local_search\]"),
    ],
)
def test_a_wrong_cascade_is_one_sentence(changes, said):
    with pytest.raises(ConfigError, match=said):
        read_recipe("whdv-cascade", changes)


# A whole run, of forests as they are quick.

LEVEL = "{long_side_px=60, patch_px=25, reach_px=12, search_px=10, rounds=2, radius_px=10.0}"
SMALL = [
    f"{search}.forest.{setting}"
    for search in ("global_search", "local_search")
    for setting in (f"levels=[{LEVEL}]", "tree.trees=3", "poses=2", "search.samples=2000")
] + ["region.folds=2", "region.size=[160, 160]"]


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    study = open_study(write_phantom("femur", tmp_path_factory.mktemp("femur") / "study", n=9))
    names = tuple(case.identifier for case in study.cases)
    parts = {"train": names[:6], "validation": names[6:8], "test": names[8:]}
    recipe = read_recipe("rfrv-cascade", SMALL)
    return TrainingJob(study, recipe, Split(parts=parts, seed=0, by="given"))


@pytest.fixture(scope="module")
def run(job, tmp_path_factory):
    out = tmp_path_factory.mktemp("cascade") / "run"
    train_job(job, out, manner=Manner(), advance=silent)
    return out


def test_a_run_finds_the_bone_of_a_film_that_it_never_saw(job, run):
    localiser = load_localiser(run)
    assert isinstance(localiser, CascadeLocaliser)
    sample = job.study.load(job.study.case(job.part("test")[0]))
    found = localiser.predict(sample.image)
    truth = sample.points.coordinates
    error = np.linalg.norm(found.mean - truth, axis=1)[sample.points.present]
    size = np.nanmax(truth, axis=0) - np.nanmin(truth, axis=0)
    assert error.mean() < 0.1 * size.max()
    assert localiser.variance_factor > 0


def test_a_run_records_how_far_off_the_first_search_was(run):
    metrics = json.loads(RunFolder(run).metrics.read_text())
    assert metrics["folds"] == 2
    assert metrics["search_error"]["films"] == 8  # 6 by folds, 2 of validation
    assert max(metrics["search_error"]["shift_px"]) > 0
    assert load_localiser(run / GLOBAL).scheme.names == ("superior_neck_6", "lesser_trochanter_5")
    assert len(load_localiser(run / LOCAL).scheme) == 58


def test_a_run_is_not_begun_twice_and_resumes_only_as_it_was(job, run):
    with pytest.raises(PalpateError, match="already holds a run"):
        train_job(job, run, manner=Manner(), advance=silent)
    before = (run / LOCAL / "weights.safetensors").stat().st_mtime_ns
    train_job(job, run, manner=Manner(resume=True), advance=silent)
    assert (run / LOCAL / "weights.safetensors").stat().st_mtime_ns == before
    other = TrainingJob(job.study, read_recipe("rfrv-cascade", [*SMALL, "seed=1"]), job.split)
    with pytest.raises(ConfigError, match="begun with another recipe"):
        train_job(other, run, manner=Manner(resume=True), advance=silent)


def test_an_interrupted_run_trains_only_what_is_missing(job, run):
    RunFolder(run).localiser.unlink()
    weights = run / GLOBAL / "weights.safetensors"
    before = weights.stat().st_mtime_ns
    train_job(job, run, manner=Manner(resume=True), advance=silent)
    assert weights.stat().st_mtime_ns == before
    assert isinstance(load_localiser(run), CascadeLocaliser)


def test_the_first_search_must_be_measured_on_somebody(job, tmp_path):
    recipe = read_recipe("rfrv-cascade", [*SMALL, "region.folds=0"])
    nobody = Split({"train": job.part("train"), "test": job.part("test")}, by="given")
    with pytest.raises(ConfigError, match=r"region\.folds=3"):
        train_job(
            TrainingJob(job.study, recipe, nobody), tmp_path / "r", manner=Manner(), advance=silent
        )


def test_a_study_without_references_is_told_to_name_them(job, tmp_path):
    from dataclasses import replace

    bare = replace(job.study, settings=job.study.settings.model_copy(update={"protocol": None}))
    with pytest.raises(ConfigError, match="needs two landmarks that tell where to look"):
        train_job(
            TrainingJob(bare, job.recipe, job.split),
            tmp_path / "r",
            manner=Manner(),
            advance=silent,
        )
