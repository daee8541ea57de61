"""The cervical phantom: truth is where it is drawn, and the films vary as films do."""

import cv2
import numpy as np
import pytest

from palpate.errors import ConfigError
from palpate.phantoms.canvas import Canvas
from palpate.phantoms.cervical import (
    MARGIN_PX,
    attenuation,
    cervical_study,
    draw_habit,
    draw_placement,
)
from palpate.phantoms.cervical_anatomy import (
    LANDMARKS,
    SCHEME,
    VIEWS,
    build_neck,
    draw_anatomy,
    draw_pose,
)
from palpate.phantoms.cervical_bones import arch_contours, body_contour, t1_contour
from palpate.phantoms.contour import body_outline
from palpate.protocols.measure import measure_points
from palpate.protocols.protocol import read_protocol


def films(n, seed=0, **look):
    return list(cervical_study(n, np.random.default_rng(seed), **look))


@pytest.fixture(scope="module")
def study():
    return films(72, seed=3)


def placed_neck(seed, view="neutral", width=320):
    rng = np.random.default_rng(seed)
    neck = build_neck(anatomy := draw_anatomy(rng), draw_pose(anatomy, view, rng))
    habit = draw_habit(rng)
    return neck, habit, draw_placement(neck, habit, rng, width=width)


def isolated(outline, placement):
    canvas = Canvas(np.zeros(placement.size[::-1], np.float32), placement.to_pixel, fine=8)
    canvas.fill(outline, 1.0)
    return canvas.values


def half_level(picture):
    """Points of the half-level line, found from grey values alone, pixel 0 at its centre."""
    found = []
    for axis in (0, 1):
        a = picture
        b = np.roll(picture, -1, axis=axis)
        crossing = (a - 0.5) * (b - 0.5) < 0
        y, x = np.nonzero(crossing)
        part = ((0.5 - a[y, x]) / (b[y, x] - a[y, x])).astype(float)
        found.append(np.stack([x + part * (axis == 1), y + part * (axis == 0)], axis=1))
    return np.concatenate(found)


# ---- each landmark is a lamp


def test_an_outline_passes_exactly_through_its_corners():
    corners = np.array([[0.0, 0.0], [20.0, 1.0], [21.0, 15.0], [-1.0, 14.0]])
    outline = body_outline(corners, [1.0, 0.5, 1.0, 0.5], np.full(4, 2.0))
    gaps = np.linalg.norm(outline[:, None] - corners[None], axis=2).min(axis=0)
    assert gaps.max() < 1e-12


def past(edge, landmarks, centre=None):
    """How far a drawn shape reaches past each landmark, seen from a centre, or its middle."""
    if centre is None:
        centre, _, _ = cv2.minAreaRect(edge.astype(np.float32))
    away = (landmarks - centre) / np.linalg.norm(landmarks - centre, axis=1, keepdims=True)
    return [(edge @ a).max() - landmark @ a for a, landmark in zip(away, landmarks, strict=True)]


def test_a_drawn_corner_is_at_its_landmark():
    """The farthest point of the drawn body along a diagonal, from the grey values alone."""
    residuals = []
    for seed in range(8):
        neck, _, placement = placed_neck(seed, VIEWS[seed % 3], width=480)
        for body in range(1, 6):
            edge = half_level(isolated(body_contour(neck, body), placement))
            residuals.append(past(edge, placement.to_pixel(neck.corners[body])))
    assert np.abs(residuals).max() < 0.3
    # A pixel's average cuts a little of a round corner, the same of all four: an offset
    # would move two of them out and two in.
    assert np.abs(np.mean(residuals, axis=0)).max() < 0.15


def test_a_drawn_body_has_its_centre_where_the_outline_has_it():
    """Half a pixel of offset in the drawing would show in every centre, by 0.5."""
    offsets = []
    for seed in range(6):
        neck, _, placement = placed_neck(seed, VIEWS[seed % 3])
        for body in range(6):
            outline = body_contour(neck, body)
            picture = isolated(outline, placement)
            y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
            seen = np.array([(picture * x).sum(), (picture * y).sum()]) / picture.sum()
            moments = cv2.moments((1000 * placement.to_pixel(outline)).astype(np.float32))
            true = np.array([moments["m10"], moments["m01"]]) / moments["m00"] / 1000
            offsets.append(seen - true)
            assert picture.sum() == pytest.approx(abs(moments["m00"]) / 1e6, rel=0.01)
    offsets = np.array(offsets)
    assert np.abs(offsets).max() < 0.05
    assert np.abs(offsets.mean(axis=0)).max() < 0.02


def test_dens_and_t1_are_drawn_to_their_landmarks():
    for seed in range(6):
        neck, _, placement = placed_neck(seed, VIEWS[seed % 3], width=480)
        edge = half_level(isolated(body_contour(neck, 0), placement))
        assert np.abs(past(edge, placement.to_pixel(neck.dens_tip[None]))).max() < 0.3
        c2 = placement.to_pixel(neck.corners[0])
        assert np.abs(past(edge, c2[2:], centre=c2.mean(axis=0))).max() < 0.3
        edge = half_level(isolated(t1_contour(neck), placement))
        assert np.abs(past(edge, placement.to_pixel(neck.t1))).max() < 0.3


def test_the_rings_of_the_atlas_are_centred_on_their_landmarks():
    for seed in range(6):
        neck, _, placement = placed_neck(seed, VIEWS[seed % 3])
        for ring, truth in zip(arch_contours(neck), placement.to_pixel(neck.arches), strict=True):
            picture = isolated(ring, placement)
            y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
            seen = np.array([(picture * x).sum(), (picture * y).sum()]) / picture.sum()
            assert np.abs(seen - truth).max() < 0.05


def test_a_mirrored_placement_gives_the_mirrored_film():
    """The points of a mirrored film are at width - 1 - x: half a pixel would double."""
    neck, habit, placement = placed_neck(4, "extension")
    rng = np.random.default_rng(0)
    straight = attenuation(neck, placement, habit, rng, noise=0.0)
    mirror = attenuation(neck, placement.mirrored(), habit, rng, noise=0.0)
    difference = np.abs(straight - mirror[:, ::-1])
    # Fine pixels on a tie fall to one side; an offset of half a pixel gives ten times that.
    assert difference.mean() < 0.003
    shifted = np.abs(straight[:, 1:] - mirror[:, ::-1][:, :-1])
    assert shifted.mean() > 4 * difference.mean()
    points = placement.to_pixel(neck.landmarks)
    assert placement.mirrored().to_pixel(neck.landmarks) == pytest.approx(
        points * [-1, 1] + [placement.size[0] - 1, 0]
    )


def test_bodies_drawn_from_the_points_lie_on_the_films_bodies():
    """On the finished film: the shift at which bodies drawn here from the points fit best is 0."""
    best = []
    steps = np.arange(-1.5, 1.51, 0.5)
    for film in films(12, seed=8, noise=0.0, clutter=0.0):
        picture = film.sample.image.pixels[0].astype(np.float32)
        if film.notes["foreground"] == "black":
            picture = 255 - picture
        picture = picture - cv2.GaussianBlur(picture, (0, 0), 3)
        spacing = film.sample.image.calibration.spacing_mm[0]
        bodies = film.sample.points.coordinates[:24].reshape(6, 4, 2)[1:5]
        outlines = [hollowed(body, 1 / spacing) for body in bodies]
        scores = np.zeros((len(steps), len(steps)))
        for i, dx in enumerate(steps):
            for j, dy in enumerate(steps):
                mask = own_raster([o + np.array([dx, dy]) for o in outlines], picture.shape)
                mask = mask - cv2.GaussianBlur(mask, (0, 0), 3)
                scores[j, i] = (mask * picture).sum()
        best.append((peak(scores.max(axis=0), steps), peak(scores.max(axis=1), steps)))
    assert np.abs(np.median(best, axis=0)).max() < 0.2


def hollowed(body, px):
    """A body's corners with the middle of each side drawn in by what is typical, in mm."""
    around = body[[0, 2, 3, 1]]
    middles = (around + np.roll(around, -1, axis=0)) / 2
    inwards = around.mean(axis=0) - middles
    inwards /= np.linalg.norm(inwards, axis=1, keepdims=True)
    middles = middles + px * np.array([[0.8], [0.8], [0.4], [0.5]]) * inwards
    return np.stack([around, middles], axis=1).reshape(-1, 2)


def own_raster(outlines, shape, fine=5):
    """Part of each pixel inside, with pixel 0 from -1/2 to +1/2; no drawing library."""
    total = np.zeros(shape, np.float32)
    for outline in outlines:
        low = np.floor(outline.min(axis=0)).astype(int) - 1
        high = np.ceil(outline.max(axis=0)).astype(int) + 2
        x = low[0] - 0.5 + (np.arange((high[0] - low[0]) * fine) + 0.5) / fine
        y = low[1] - 0.5 + (np.arange((high[1] - low[1]) * fine)[:, None] + 0.5) / fine
        inside = np.zeros((y.size, x.size), bool)
        for a, b in zip(outline, np.roll(outline, -1, axis=0), strict=True):
            crosses = (a[1] > y) != (b[1] > y)
            with np.errstate(divide="ignore", invalid="ignore"):
                inside ^= crosses & (x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
        part = inside.reshape(y.size // fine, fine, x.size // fine, fine).mean(axis=(1, 3))
        total[low[1] : high[1], low[0] : high[0]] += part
    return total


def peak(scores, steps):
    i = int(np.clip(np.argmax(scores), 1, len(steps) - 2))
    a, b, c = scores[i - 1 : i + 2]
    return steps[i] + (steps[1] - steps[0]) * 0.5 * (a - c) / (a - 2 * b + c)


# ---- truth


def test_the_scheme_is_the_protocols():
    assert read_protocol("cervical").scheme.names == LANDMARKS == SCHEME.names
    assert len(LANDMARKS) == 29


def test_what_was_built_is_what_the_protocol_measures(study):
    protocol = read_protocol("cervical")
    for film in study:
        image = film.sample.image
        report = measure_points(protocol, film.sample.points, image.calibration, size=image.size)
        assert [m.name for m in report.measurements] == list(film.quantities)
        for measured in report.measurements:
            assert measured.value == pytest.approx(film.quantities[measured.name], abs=1e-6)


def test_every_landmark_is_well_inside_the_film(study):
    for film in study:
        size = np.array(film.sample.image.size)
        points = film.sample.points.coordinates
        assert (points >= MARGIN_PX - 1e-9).all()
        assert (points <= size - 1 - MARGIN_PX + 1e-9).all()


def test_the_facing_of_the_notes_is_that_of_the_points(study):
    for film in study:
        points = film.sample.points
        front = points["C1_anterior_arch"][0] - points["C1_posterior_arch"][0]
        assert film.notes["facing"] == ("right" if front > 0 else "left")


def test_angles_are_those_of_necks(study):
    by_view = {view: [f for f in study if f.sample.group == view] for view in VIEWS}
    ara = {v: np.array([f.quantities["ARA C2-C7"] for f in by_view[v]]) for v in VIEWS}
    assert -35 < ara["neutral"].mean() < -15
    assert ara["extension"].mean() < ara["neutral"].mean() - 15
    assert ara["flexion"].mean() > ara["neutral"].mean() + 15
    assert all(-100 < a < 70 for v in VIEWS for a in ara[v])
    for film in by_view["neutral"]:
        assert -25 < film.quantities["Atlas plane"] < 55
        assert 0 < film.quantities["T1 slope"] < 50
    slips = [f.quantities[f"Translation {s}"] for f in study for s in ("C3-C4", "C4-C5")]
    assert 0.3 < np.std(slips) < 2.0


def test_no_body_overlaps_the_next():
    for seed in range(60):
        for view in VIEWS:
            neck, _, _ = placed_neck(seed, view)
            for upper in range(5):
                below, up = neck.corners[upper + 1], np.radians(neck.pose.top[upper + 1])
                normal = np.array([-np.sin(up), np.cos(up)])
                for corner in neck.corners[upper, 2:]:
                    assert (corner - below[1]) @ normal > 1.0


# ---- variety


def test_a_mean_shape_fails(study):
    """Even one with the best scale, turn and place for each film, which no method is given."""
    subjects = sorted({film.sample.subject for film in study})
    train = set(subjects[: len(subjects) // 2])
    seen = [f.sample.points for f in study if f.sample.subject in train]
    unseen = [f.sample.points for f in study if f.sample.subject not in train]
    mean = np.mean([p.coordinates for p in seen], axis=0)
    errors, aligned = [], []
    for points in unseen:
        unit = np.linalg.norm(points["C2_anterior_superior"] - points["C3_anterior_superior"])
        errors.append(np.linalg.norm(points.coordinates - mean, axis=1).mean() / unit)
        best = similar(facing_right(mean), facing_right(points.coordinates))
        left = np.linalg.norm(facing_right(points.coordinates) - best, axis=1).mean()
        aligned.append(left / unit)
    assert np.mean(errors) > 1.0
    assert np.mean(aligned) > 0.08
    assert np.min(errors) > 0.3


def facing_right(coordinates):
    front = coordinates[SCHEME.index("C1_anterior_arch"), 0]
    back = coordinates[SCHEME.index("C1_posterior_arch"), 0]
    return coordinates * [np.sign(front - back), 1.0]


def similar(shape, goal):
    """Move a shape onto a goal by the best similarity, as complex numbers."""
    z, w = (p[:, 0] + 1j * p[:, 1] for p in (shape, goal))
    z0, w0 = z - z.mean(), w - w.mean()
    moved = (np.vdot(z0, w0) / np.vdot(z0, z0)) * z0 + w.mean()
    return np.stack([moved.real, moved.imag], axis=1)


def test_each_subject_has_the_three_views_of_one_neck(study):
    subjects = sorted({film.sample.subject for film in study})
    assert len(subjects) == 24
    for subject in subjects:
        own = [film for film in study if film.sample.subject == subject]
        assert [film.sample.group for film in own] == list(VIEWS)
        assert own[1].quantities["ARA C2-C7"] < own[0].quantities["ARA C2-C7"]
        assert own[2].quantities["ARA C2-C7"] > own[0].quantities["ARA C2-C7"]
        heights = []
        for film in own:
            points, spacing = film.sample.points, film.sample.image.calibration.spacing_mm[0]
            wall = points["C5_posterior_superior"] - points["C5_posterior_inferior"]
            heights.append(spacing * np.linalg.norm(wall))
        assert heights == pytest.approx([heights[0]] * 3)


def test_films_vary_in_look_and_in_what_is_worn(study):
    notes = [film.notes for film in study]
    assert {note["foreground"] for note in notes} == {"white", "black"}
    assert {note["facing"] for note in notes} == {"left", "right"}
    worn = {word for note in notes for word in note["artefacts"].split()}
    assert worn == {
        "necklace", "earring", "hairpin", "zip", "seam", "button", "filling",
        "marker", "collimation", "text",
    }  # fmt: skip
    assert len({film.sample.image.size for film in study}) > 2
    levels = [np.median(film.sample.image.pixels) for film in study]
    assert np.ptp(levels) > 80


def test_bone_is_bright_on_white_foreground_and_dark_on_black(study):
    for film in films(18, seed=5, noise=0.0, clutter=0.0):
        picture = film.sample.image.pixels[0].astype(float)
        corners = film.sample.points.coordinates[:24].reshape(6, 4, 2)
        # The middles of C3 to C5 against the middles of the discs below them.
        bodies = corners[1:4].mean(axis=1)
        discs = (corners[1:4, 2:].mean(axis=1) + corners[2:5, :2].mean(axis=1)) / 2
        at = [[picture[round(y), round(x)] for x, y in p] for p in (bodies, discs)]
        brighter = np.mean(at[0]) > np.mean(at[1])
        assert brighter == (film.notes["foreground"] == "white")


def test_noise_and_clutter_can_be_turned_off_without_moving_a_point():
    with_all, bare = films(3, seed=4), films(3, seed=4, noise=0.0, clutter=0.0)
    for a, b in zip(with_all, bare, strict=True):
        assert np.array_equal(a.sample.points.coordinates, b.sample.points.coordinates)
        assert b.notes["artefacts"] == ""
        assert not np.array_equal(a.sample.image.pixels, b.sample.image.pixels)


# ---- seeds


def test_the_same_seed_gives_the_same_films():
    for a, b in zip(films(4, seed=9), films(4, seed=9), strict=True):
        assert np.array_equal(a.sample.image.pixels, b.sample.image.pixels)
        assert np.array_equal(a.sample.points.coordinates, b.sample.points.coordinates)
        assert (a.quantities, a.notes) == (b.quantities, b.notes)


def test_another_seed_gives_other_films():
    a, b = films(1, seed=1)[0], films(1, seed=2)[0]
    assert not np.allclose(a.sample.points.coordinates, b.sample.points.coordinates, atol=1.0)


def test_a_film_does_not_depend_on_how_many_there_are():
    few, many = films(2, seed=6), films(5, seed=6)
    for a, b in zip(few, many[:2], strict=True):
        assert np.array_equal(a.sample.image.pixels, b.sample.image.pixels)


def test_a_wider_film_is_the_same_neck():
    small, large = films(1, seed=2)[0], films(1, seed=2, width=640)[0]
    assert large.sample.image.size[0] == 640
    assert small.quantities == pytest.approx(large.quantities)


@pytest.mark.parametrize(("n", "width"), [(0, 320), (3, 64)])
def test_an_impossible_study_is_refused(n, width):
    with pytest.raises(ConfigError, match="at least"):
        cervical_study(n, np.random.default_rng(0), width=width)
