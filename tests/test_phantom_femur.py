"""The femur phantom: truth is where it is drawn, annotators differ as people do."""

import csv
import itertools

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from palpate.checks import find_problems
from palpate.cli.phantom import phantom
from palpate.duplicates import find_duplicates
from palpate.errors import ConfigError, GeometryError, OutputError
from palpate.io.formats import read_annotation
from palpate.phantoms.canvas import Canvas
from palpate.phantoms.femur import MARGIN_PX, femur_study, place
from palpate.phantoms.femur_annotators import annotate, draw_annotators
from palpate.phantoms.femur_bone import neck_direction
from palpate.phantoms.femur_film import FemurTruth
from palpate.phantoms.femur_growth import draw_child, sizes_at
from palpate.phantoms.femur_pose import pose
from palpate.phantoms.femur_scheme import ANCHORS, LANDMARKS, REFERENCES, SCHEME
from palpate.phantoms.write import write_phantom
from palpate.points import OCCLUDED, Points
from palpate.protocols.measure import measure_points
from palpate.protocols.protocol import read_protocol
from palpate.scheme import LandmarkScheme
from palpate.study import open_study, pictures

# Where the outline bends sharply a pixel's average takes a little of the corner away.
SHARP = [
    SCHEME.index(ANCHORS[f"corner of the {bone}, {side}"])
    for bone, side in itertools.product(("metaphysis", "epiphysis"), ("lateral", "medial"))
]
# Of the films where many are needed: they cost by the pixel.
WIDTH = 400
MARGIN = MARGIN_PX * WIDTH / 640
SMOOTH = [i for i in range(58) if i not in SHARP]


def films(n, seed=0, **look):
    return list(femur_study(n, np.random.default_rng(seed), **look))


@pytest.fixture(scope="module")
def study():
    return films(48, seed=3, width=WIDTH)


@pytest.fixture(scope="module")
def plain():
    """Films without noise and lead."""
    return films(12, seed=8, noise=0.0, clutter=0.0)


@pytest.fixture(scope="module")
def drawn():
    """The films of ``folder``, by name."""
    return {film.sample.image.identifier: film for film in films(12, seed=1)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_phantom("femur", tmp_path_factory.mktemp("phantom") / "study", n=12, seed=1)


def hips_of(seed, years=0.0):
    rng = np.random.default_rng(seed)
    return pose(draw_child(rng), years, rng)


def sampled(picture, points):
    """Grey values between pixels, bilinear, pixel 0 at its centre."""
    low = np.floor(points).astype(int)
    part = points - low
    x, y = low[..., 0], low[..., 1]
    top = picture[y, x] * (1 - part[..., 0]) + picture[y, x + 1] * part[..., 0]
    bottom = picture[y + 1, x] * (1 - part[..., 0]) + picture[y + 1, x + 1] * part[..., 0]
    return top * (1 - part[..., 1]) + bottom * part[..., 1]


def outwards(points):
    """Unit normals of a left femur's landmarks in px, away from the bone."""
    along = np.zeros_like(points)
    for part in (slice(0, 26), slice(26, 41), slice(41, 58)):
        along[part] = np.gradient(points[part], axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    # Up the lateral side of a left femur, y downwards, the bone is to the left.
    return np.stack([-along[:, 1], along[:, 0]], axis=1)


# ---- the scheme


def test_the_scheme_is_58_points_from_one_bottom_of_the_shaft_to_the_other():
    assert len(LANDMARKS) == 58
    assert LANDMARKS[0] == ANCHORS["bottom of the shaft, lateral"]
    assert LANDMARKS[-1] == ANCHORS["bottom of the shaft, medial"]
    assert SCHEME.edges == tuple(itertools.pairwise(LANDMARKS))
    assert set(REFERENCES) <= set(ANCHORS.values()) <= set(LANDMARKS)


def test_the_scheme_is_the_protocols():
    protocol = read_protocol("proximal-femur")
    assert protocol.scheme.names == SCHEME.names
    assert protocol.normaliser == (LANDMARKS[0], LANDMARKS[-1])


# ---- truth is where it is drawn


def test_an_outline_is_drawn_through_its_landmarks():
    """Along each normal, the half level of the drawn bone is at the landmark."""
    offsets = []
    for seed in range(6):
        hips = hips_of(seed)
        to_pixel, size, _ = place(hips, np.random.default_rng(seed), width=640)
        for femur in hips.femurs:
            canvas = Canvas(np.zeros(size[::-1], np.float32), to_pixel, fine=8)
            canvas.fill(femur.metaphysis, 1.0)
            canvas.fill(femur.epiphysis, 1.0)
            points = to_pixel(femur.landmarks)
            away = (
                to_pixel.linear
                @ (femur.moved(np.zeros(58), np.ones(58)) - femur.landmarks).T
                / np.sqrt(-np.linalg.det(to_pixel.linear))
            )
            reach = np.arange(-1.5, 1.51, 0.05)
            profile = sampled(
                canvas.values, points[:, None] + reach[None, :, None] * away.T[:, None]
            )
            # How much of the line is bone tells where the edge is, wherever the grey is between.
            offsets.append(profile.mean(axis=1) * 3.05 - 1.525)
    offsets = np.array(offsets)
    assert np.abs(offsets[:, SMOOTH]).max() < 0.6
    assert np.sqrt((offsets[:, SMOOTH] ** 2).mean()) < 0.2
    assert abs(offsets[:, SMOOTH].mean()) < 0.06
    # Both femurs, each landmark for itself: half a pixel of offset would show.
    assert np.abs(offsets[:, SMOOTH].mean(axis=0)).max() < 0.35


@pytest.mark.parametrize("side", ["left", "mirrored"])
def test_the_finished_film_has_its_steepest_edge_at_the_landmarks(side, plain):
    """On either femur: the right one is the left one of the mirrored film."""
    reach = np.arange(-3.0, 3.01, 0.25)
    steepest, normals = [], []
    for film in plain:
        seen = film.mirrored() if side == "mirrored" else film
        picture = seen.sample.image.pixels[0].astype(float)
        if seen.notes["foreground"] == "black":
            picture = 255 - picture
        points = seen.left.points.coordinates
        away = outwards(points)
        profile = sampled(picture, points[:, None] + reach[:, None] * away[:, None])
        steepest.append(reach[np.argmin(np.gradient(profile, axis=1), axis=1)][SMOOTH])
        normals.append(away[SMOOTH])
    steepest, normals = np.concatenate(steepest), np.concatenate(normals)
    assert abs(np.median(steepest)) <= 0.25
    # Here and there a neighbouring bone's edge is the steeper one.
    near = np.abs(steepest) <= 1.0
    assert near.mean() > 0.8
    shift, *_ = np.linalg.lstsq(normals[near], steepest[near], rcond=None)
    # Half a pixel between drawing and points would show here.
    assert np.abs(shift).max() < 0.2


def test_every_landmark_of_both_femurs_is_well_inside_the_film(study):
    for film in study:
        size = np.array(film.sample.image.size)
        for truth in (film.left, film.right):
            points = truth.points.coordinates
            assert (points >= MARGIN - 1e-9).all()
            assert (points <= size - 1 - MARGIN + 1e-9).all()


def test_the_patients_left_is_at_the_right_of_the_film(study):
    for film in study:
        left, right = film.left.points, film.right.points
        assert left.coordinates[:, 0].min() > right.coordinates[:, 0].max()
        for points, sign in ((left, 1.0), (right, -1.0)):
            lateral, medial = points[LANDMARKS[0]], points[LANDMARKS[-1]]
            assert sign * (lateral[0] - medial[0]) > 0


def test_what_was_built_is_where_the_points_are(study):
    """Widths and heights that the bone was built with, against its exact points."""
    for film in study:
        spacing = film.sample.image.calibration.spacing_mm[0]
        for truth in (film.left, film.right):
            at = truth.points.coordinates * spacing
            lateral, crown, medial = (at[SCHEME.index(f"head_{i}")] for i in (1, 8, 15))
            known = truth.quantities
            found = {
                "shaft_width_mm": np.linalg.norm(at[0] - at[-1]),
                "epiphysis_width_mm": np.linalg.norm(lateral - medial),
                "epiphysis_height_mm": np.linalg.norm(crown - (lateral + medial) / 2),
                "metaphysis_width_mm": np.linalg.norm(at[25] - at[41]),
            }
            assert found == pytest.approx({name: known[name] for name in found})


def test_what_was_built_is_what_the_protocol_measures(study):
    protocol = read_protocol("proximal-femur")
    names = {
        "Shaft width": "shaft_width_mm",
        "Epiphysis width": "epiphysis_width_mm",
    }
    for film in study[:8]:
        image = film.sample.image
        for truth in (film.left, film.right):
            report = measure_points(protocol, truth.points, image.calibration, size=image.size)
            values = {m.name: m.value for m in report.measurements}
            for name, known in names.items():
                assert values[name] == pytest.approx(truth.quantities[known])
            # The protocol takes the shaft's axis from points where the shaft widens already.
            angle = truth.quantities["physis_shaft_deg"]
            assert values["Physis-shaft angle"] == pytest.approx(angle, abs=2.0)


def test_the_neck_shaft_angle_is_that_of_the_placed_bone():
    for seed in range(20):
        for femur in hips_of(seed).femurs:
            crossing, low = femur.to_plane(np.array([[0.0, 0.0], [0.0, -9.0]]))
            neck, shaft = femur.head_centre - crossing, low - crossing
            cosine = neck @ shaft / np.linalg.norm(neck) / np.linalg.norm(shaft)
            assert np.degrees(np.arccos(cosine)) == pytest.approx(femur.sizes.neck_shaft_deg)
            assert np.linalg.norm(neck) == pytest.approx(femur.sizes.neck_length)
            # The shaft's axis is midway between its bottom landmarks, and parallel to its sides.
            bottom = femur.landmarks[[0, -1]].mean(axis=0) - crossing
            assert abs(bottom[0] * shaft[1] - bottom[1] * shaft[0]) < 1e-9
            assert np.linalg.norm(neck_direction(femur.sizes)) == pytest.approx(1.0)


def test_no_outline_crosses_itself():
    for seed in range(40):
        for femur in hips_of(seed).femurs:
            for outline in (femur.metaphysis, femur.epiphysis):
                assert crossings(outline) == 0
            same = np.diff(femur.path_of) == 0
            assert (np.diff(femur.run)[same] > 0.3).all()


def test_outwards_leaves_the_bone_on_either_side():
    zero, one = np.zeros(58), np.ones(58)
    for seed in range(5):
        for femur in hips_of(seed).femurs:
            bones = (femur.metaphysis, femur.epiphysis, femur.metaphysis)
            for step, inside in ((0.3 * one, False), (-0.3 * one, True)):
                moved = femur.moved(zero, step)
                for i in SMOOTH:
                    bone = bones[femur.path_of[i]].astype(np.float32)
                    at = tuple(float(v) for v in moved[i])
                    assert (cv2.pointPolygonTest(bone, at, False) > 0) == inside


def crossings(outline):
    """How many pairs of sides of a closed polygon cross, each pair counted twice."""
    a, b = outline, np.roll(outline, -1, axis=0)

    def side(p, q, r):
        along, to = q - p, r - p
        return np.sign(along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0])

    first, second = (a[:, None], b[:, None]), (a[None], b[None])
    apart = side(*first, second[0]) * side(*first, second[1])
    other = side(*second, first[0]) * side(*second, first[1])
    return int(((apart < 0) & (other < 0)).sum())


def test_a_crossing_is_found():
    assert crossings(np.array([[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0]])) == 2


# ---- mirror


def test_a_mirrored_film_shows_the_right_femur_as_the_left(study):
    for film in study[:5]:
        mirror, width = film.mirrored(), film.sample.image.size[0]
        assert np.array_equal(mirror.sample.image.pixels, film.sample.image.pixels[..., ::-1])
        expected = film.right.points.coordinates * [-1, 1] + [width - 1, 0]
        assert np.allclose(mirror.left.points.coordinates, expected, atol=1e-12)
        assert np.array_equal(mirror.sample.points.coordinates, mirror.left.points.coordinates)
        assert mirror.left.quantities == film.right.quantities
        assert mirror.sample.annotations == {}
        assert (film.notes.get("mirrored"), mirror.notes["mirrored"]) == (None, "yes")
        again = mirror.mirrored()
        assert np.allclose(again.left.points.coordinates, film.left.points.coordinates, atol=1e-9)
        assert np.array_equal(again.sample.image.pixels, film.sample.image.pixels)


def test_a_truth_over_another_scheme_is_refused():
    with pytest.raises(GeometryError, match="proximal-femur"):
        FemurTruth(Points.of(LandmarkScheme("two", ("a", "b")), [[0.0, 0.0], [1.0, 1.0]]), {})


# ---- annotators


@pytest.fixture(scope="module")
def marks():
    """Differences of two annotators to the truth, (annotator, film, landmark), in shaft widths."""
    rng = np.random.default_rng(0)
    people = draw_annotators(rng)
    along, across = np.zeros((2, 2, 200, 58))
    for k in range(200):
        femur = hips_of(k).femurs[0]
        points, none = femur.landmarks, np.zeros(58, bool)
        away = femur.moved(np.zeros(58), np.ones(58)) - points
        for i, person in enumerate(people):
            moved = (annotate(person, femur, none, rng) - points) / femur.sizes.shaft_width
            across[i, k] = (moved * away).sum(axis=1)
            along[i, k] = (moved * np.stack([away[:, 1], -away[:, 0]], axis=1)).sum(axis=1)
    return along, across


def test_annotators_differ_along_the_outline_more_than_across(marks):
    along, across = (np.sqrt(((m[0] - m[1]) ** 2).mean(axis=0)) for m in marks)
    assert along.mean() > 2 * across.mean()
    straight = [2, 3, 4, 5, 44, 45, 54, 55]
    assert (along[straight] > 2 * across[straight]).all()
    assert 0.005 < across.mean() < 0.05


def test_anchors_are_told_better_than_what_lies_between(marks):
    along = np.sqrt(((marks[0][0] - marks[0][1]) ** 2).mean(axis=0))
    anchors = [SCHEME.index(name) for name in ANCHORS.values()]
    between = [i for i in range(58) if min(abs(i - a) for a in anchors) >= 2]
    assert along[between].mean() > 2 * along[anchors].mean()


def test_each_annotator_has_habits(marks):
    """The mean of one person's differences is more than chance would leave of them."""
    for along in marks[0]:
        chance = along.std(axis=0) / np.sqrt(along.shape[0])
        assert np.sqrt(((along.mean(axis=0) / chance) ** 2).mean()) > 3.0


def test_neighbours_slip_together(marks):
    slip = marks[0][0] - marks[0][0].mean(axis=0)
    shaft = np.corrcoef(slip[:, 3], slip[:, 4])[0, 1]
    assert shaft > 0.5
    assert abs(np.corrcoef(slip[:, 3], slip[:, 45])[0, 1]) < 0.25


def test_what_lies_under_lead_is_guessed():
    person = draw_annotators(np.random.default_rng(0))[0]
    femur = hips_of(2).femurs[0]
    errors = []
    for hidden in (np.zeros(58, bool), np.ones(58, bool)):
        rng = np.random.default_rng(5)
        made = [annotate(person, femur, hidden, rng) for _ in range(40)]
        errors.append(np.std(made, axis=0).mean())
    assert errors[1] > 1.3 * errors[0]


def test_the_order_along_the_outline_survives_the_annotators(study):
    for film in study:
        for points in film.sample.annotations.values():
            true = np.diff(film.left.points.coordinates, axis=0)
            seen = np.diff(points.coordinates, axis=0)
            # The last of the neck and the first of the head are of two bones.
            kept = [i for i in range(57) if i not in (25, 40)]
            assert ((true * seen).sum(axis=1)[kept] > 0).all()


# ---- variety


def test_shafts_widen_with_age(study):
    width = [film.left.quantities["shaft_width_mm"] for film in study]
    assert min(width) > 8.0
    assert np.corrcoef(width, [film.age for film in study])[0, 1] > 0.75
    child = draw_child(np.random.default_rng(0))
    growing = [sizes_at(child, "left", years).shaft_width for years in np.arange(0.0, 4.0)]
    assert (np.diff(growing) > 0).all()


def test_ages_and_diseases_vary(study):
    ages = [film.age for film in study]
    assert min(ages) < 4
    assert max(ages) > 10
    assert all(2 <= age < 12 for age in ages)
    flat = np.array([film.left.quantities["flattening"] for film in study])
    ratio = np.array([film.left.quantities["epiphysis_height_to_width"] for film in study])
    assert 0.15 < np.mean(flat > 0.15) < 0.6
    assert ratio[flat > 0.7].max() < 0.35
    assert ratio[flat < 0.1].min() > 0.42
    group = np.array([film.sample.group for film in study])
    assert np.array_equal(group == "flattened", flat >= 0.15)
    right = np.array([film.right.quantities["flattening"] for film in study])
    assert ((flat > 0.15) & (right < 0.1)).any()
    assert ((flat > 0.15) & (right > 0.15)).any()


def test_some_children_come_again_a_year_later(study):
    visits = {}
    for film in study:
        visits.setdefault(film.sample.subject, []).append(film)
    twice = [both for both in visits.values() if len(both) == 2]
    assert max(len(both) for both in visits.values()) == 2
    assert 0.15 < len(twice) / len(visits) < 0.6
    for first, second in twice:
        assert (first.visit, second.visit) == (1, 2)
        assert 0.7 <= second.age - first.age <= 1.4
        for a, b in ((first.left, second.left), (first.right, second.right)):
            assert b.quantities["shaft_width_mm"] > a.quantities["shaft_width_mm"]


def test_a_mean_shape_fails(study):
    """Even one laid on each film by the best scale, turn and place, which no method is given."""
    subjects = sorted({film.sample.subject for film in study})
    train = set(subjects[: len(subjects) // 2])
    seen = [f.left.points.coordinates for f in study if f.sample.subject in train]
    unseen = [f.left.points.coordinates for f in study if f.sample.subject not in train]
    mean = np.mean(seen, axis=0)
    width = np.array([np.linalg.norm(p[0] - p[-1]) for p in unseen])
    error = np.array([np.linalg.norm(p - mean, axis=1).mean() for p in unseen]) / width
    laid = np.array([np.linalg.norm(p - similar(mean, p), axis=1).mean() for p in unseen]) / width
    assert np.median(error) > 0.7
    assert np.median(laid) > 0.08


def similar(shape, goal):
    """Move a shape onto a goal by the best similarity, as complex numbers."""
    z, w = (p[:, 0] + 1j * p[:, 1] for p in (shape, goal))
    z0, w0 = z - z.mean(), w - w.mean()
    moved = (np.vdot(z0, w0) / np.vdot(z0, z0)) * z0 + w.mean()
    return np.stack([moved.real, moved.imag], axis=1)


def test_films_vary_in_look_and_in_what_is_laid_on_them(study):
    notes = [film.notes for film in study]
    assert {note["foreground"] for note in notes} == {"white", "black"}
    laid = {word for note in notes for word in note["artefacts"].split()}
    assert laid == {"shield", "hardware", "letter", "collimation"}
    assert len({film.sample.image.size for film in study}) > 5
    assert np.ptp([np.median(film.sample.image.pixels) for film in study]) > 80


def test_an_occluded_landmark_is_under_something_white(study):
    found = 0
    for film in study:
        picture = film.sample.image.pixels[0].astype(float)
        if film.notes["foreground"] == "black":
            picture = 255 - picture
        for truth in (film.left, film.right):
            hidden = truth.points.coordinates[truth.points.visibility == OCCLUDED]
            found += len(hidden)
            assert (sampled(picture, hidden) > 150).all()
    assert found > 10


# ---- the same again


def test_the_same_seed_gives_the_same_films_whatever_their_number():
    few, many = films(2, seed=6), films(4, seed=6)
    for a, b in zip(few, many[:2], strict=True):
        assert np.array_equal(a.sample.image.pixels, b.sample.image.pixels)
        assert np.array_equal(a.sample.points.coordinates, b.sample.points.coordinates)
        assert np.array_equal(a.left.points.coordinates, b.left.points.coordinates)
        assert (a.left.quantities, a.notes) == (b.left.quantities, b.notes)


def test_another_seed_gives_other_films():
    a, b = films(1, seed=1)[0], films(1, seed=2)[0]
    assert not np.allclose(a.left.points.coordinates, b.left.points.coordinates, atol=1.0)


def test_a_wider_film_is_the_same_child():
    small, large = films(1, seed=2, width=320)[0], films(1, seed=2)[0]
    assert (small.sample.image.size[0], large.sample.image.size[0]) == (320, 640)
    assert small.left.quantities == pytest.approx(large.left.quantities)


@pytest.mark.parametrize(("n", "width"), [(0, 640), (3, 128)])
def test_an_impossible_study_is_refused(n, width):
    with pytest.raises(ConfigError, match="at least"):
        femur_study(n, np.random.default_rng(0), width=width)


# ---- on disk


def test_the_folder_has_two_annotators_their_mean_and_the_truth(folder, drawn):
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.csv"))
    assert names == [
        "landmarks.csv", "landmarks_annotatorA.csv", "landmarks_annotatorB.csv", "meta.csv",
        "truth/femurs.csv", "truth/left.csv", "truth/right.csv",
    ]  # fmt: skip
    study = open_study(folder)
    assert study.settings.protocol == "proximal-femur"
    assert sorted(case.identifier for case in study.cases) == sorted(drawn)
    assert study.scheme.names == SCHEME.names
    assert study.scheme.edges == SCHEME.edges
    for case in study.cases:
        film = drawn[case.identifier]
        assert (case.subject, case.group) == (film.sample.subject, film.sample.group)
        assert case.calibration == film.sample.image.calibration
        assert sorted(case.annotations) == ["A", "B"]
        for name, points in film.sample.annotations.items():
            assert np.allclose(case.annotations[name].coordinates, points.coordinates, atol=1e-9)
        mean = np.mean([p.coordinates for p in case.annotations.values()], axis=0)
        assert np.allclose(case.points.coordinates, mean, atol=6e-4)
        assert np.array_equal(study.load(case).image.pixels, film.sample.image.pixels)


def test_the_truth_on_disk_is_the_truth(folder, drawn):
    for side in ("left", "right"):
        for row in read_annotation(folder / "truth" / f"{side}.csv").rows:
            points = getattr(drawn[row.image], side).points
            assert np.array_equal(row.points.coordinates, points.coordinates)
            assert np.array_equal(row.points.visibility, points.visibility)
    with (folder / "truth" / "femurs.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 24
    for row in rows:
        known = getattr(drawn[row["image"]], row["femur"]).quantities
        assert {name: float(row[name]) for name in known} == dict(known)
        assert all(np.isfinite(float(row[name])) for name in known)


def test_a_check_finds_nothing_wrong_with_films_and_points(folder):
    """Of 12 films, the scatter of two people on each of 58 landmarks is too rough to judge them.

    The check takes a landmark's usual scatter from 12 numbers: by chance it is small for some of
    the 58, and a difference that is not remarkable at all is remarked upon.
    """
    found = find_problems(open_study(folder))
    assert {finding.kind for finding in found} <= {"annotators-apart"}
    assert len(found) <= 4


def test_two_films_of_a_child_are_no_copies(folder):
    study = open_study(folder)
    assert len({case.subject for case in study.cases}) < len(study.cases)
    assert find_duplicates(pictures(study)) == ()


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    once, again = (write_phantom("femur", tmp_path / name, n=2, seed=5) for name in "ab")
    written = [path for path in once.rglob("*") if path.is_file()]
    assert len(written) == 10
    for path in written:
        assert path.read_bytes() == (again / path.relative_to(once)).read_bytes()


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(OutputError, match="is not empty; give a new folder's name"):
        write_phantom("femur", tmp_path, n=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_no_film_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigError, match="at least 1 film"):
        write_phantom("femur", tmp_path / "out", n=0)
    assert not (tmp_path / "out").exists()


def test_the_command_writes_a_study(tmp_path):
    app = typer.Typer()
    app.command()(phantom)
    done = CliRunner().invoke(app, ["femur", str(tmp_path / "out"), "--n", "2", "--seed", "4"])
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "out" / "images").iterdir())) == 2
