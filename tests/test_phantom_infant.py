"""The infant phantom: exact joints, depth that shows them, and movement that differs by kind."""

import csv
import tomllib
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.random import default_rng

from palpate.errors import ConfigError, OutputError
from palpate.phantoms import infant_write
from palpate.phantoms.infant import (
    infant_clip,
    infant_clips,
    infant_motion,
    infant_study,
    infant_tracks,
)
from palpate.phantoms.infant_body import draw_body
from palpate.phantoms.infant_camera import draw_camera
from palpate.phantoms.infant_flesh import under_skin_mm
from palpate.phantoms.infant_operator import Visit
from palpate.phantoms.infant_pose import Pose, build_skeleton
from palpate.phantoms.infant_scene import Renderer
from palpate.phantoms.infant_sensor import Sensor, SensorSetting
from palpate.phantoms.infant_signal import draw_wander
from palpate.phantoms.infant_solid import FAR, Capsule, Ellipsoid, Rays, draw
from palpate.phantoms.infant_truth import CRAMPED, JOINTS, KINDS, LIMBS, REST, SCHEME, WRITHING
from palpate.phantoms.infant_write import write_infant
from palpate.points import ABSENT, OCCLUDED, VISIBLE

SMALL = (160, 120)
ENDS = [SCHEME.index(joints[-1]) for joints in LIMBS.values()]


def clips_of(infants, seed=0, **settings):
    return list(infant_clips(infants, default_rng(seed), **{"size": SMALL} | settings))


@pytest.fixture(scope="module")
def clips():
    """Eight infants, two seconds each; nothing is rendered."""
    return clips_of(8, seconds=2.0)


@pytest.fixture(scope="module")
def rendered(clips):
    """Of each infant its clip and two frames."""
    pairs = []
    for clip in clips:
        renderer = Renderer(clip.scene)
        pairs.append((clip, {index: renderer.frame(index) for index in (0, 9)}))
    return pairs


def speeds(joints, rate_hz):
    """Of wrists and ankles in mm/s."""
    return rate_hz * np.linalg.norm(np.diff(joints[:, ENDS], axis=0), axis=2)


# ---- truth


def test_the_scheme_is_the_shared_one():
    assert JOINTS == (
        "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow",
        "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee",
        "left_ankle",
    )  # fmt: skip
    assert SCHEME.edges == (
        ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"),
        ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
        ("right_hip", "right_knee"), ("right_knee", "right_ankle"),
        ("left_hip", "left_knee"), ("left_knee", "left_ankle"),
    )  # fmt: skip
    assert SCHEME.mirror_order().tolist() == [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]


def test_points_are_projections_of_the_joints(clips):
    """By a formula of its own, to 1e-9 px."""
    for clip in clips:
        (fx, fy), (cx, cy) = clip.camera.focal_px, clip.camera.centre_px
        x, y, z = np.moveaxis(clip.joints_mm, -1, 0)
        assert np.abs(clip.points[..., 0] - (fx * x / z + cx)).max() < 1e-9
        assert np.abs(clip.points[..., 1] - (fy * y / z + cy)).max() < 1e-9


def test_bones_keep_their_lengths(clips):
    for clip in clips:
        body, joints = clip.scene.body, clip.joints_mm
        for limb, lengths in enumerate((body.arm, body.arm, body.leg, body.leg)):
            a, b, c = (joints[:, 3 * limb + part] for part in range(3))
            assert np.linalg.norm(b - a, axis=1) == pytest.approx(np.full(len(a), lengths[0]))
            assert np.linalg.norm(c - b, axis=1) == pytest.approx(np.full(len(a), lengths[1]))


def test_nobody_sinks_into_the_mattress(clips):
    heights = np.concatenate([-clip.scene.skeleton.joints[..., 2] for clip in clips])
    assert heights.min() > 4.0


def test_a_limb_that_would_sink_is_turned_upwards_and_stays_as_long():
    body = draw_body(default_rng(0))
    angles = np.radians([[70.0, -60.0, 0.0, 60.0], [70.0, -60.0, 40.0, 90.0],
                         [40.0, -50.0, 0.0, 90.0], [40.0, -50.0, -30.0, 20.0]])  # fmt: skip
    still = np.zeros(1)
    lying = Pose(np.array([[0.0, 0.0, -30.0]]), still, still, still, angles[None], np.zeros((1, 2)))
    joints = build_skeleton(body, lying).joints[0]
    assert -joints[:, 2].max() > 4.0
    for limb, lengths in enumerate((body.arm, body.arm, body.leg, body.leg)):
        found = np.linalg.norm(np.diff(joints[3 * limb : 3 * limb + 3], axis=0), axis=1)
        assert found == pytest.approx(lengths[:2])


def test_nearly_all_joints_are_in_the_picture():
    many = clips_of(24, seed=3, seconds=6.0)
    inside = [((c.points >= 0) & (c.points <= np.array(c.size) - 1)).all(-1).mean() for c in many]
    assert np.mean(inside) >= 0.97
    assert min(inside) > 0.8


def test_heads_are_up_and_the_infants_right_is_where_it_should_be(clips):
    """On its back and seen from above, an infant's right is at the picture's left."""
    for clip in clips:
        shoulders = clip.points[:, [0, 3]].mean(axis=1)
        up = shoulders - clip.points[:, [6, 9]].mean(axis=1)
        assert np.abs(np.degrees(np.arctan2(up[:, 0], -up[:, 1]))).max() < 55
        on_the_back = abs(clip.scene.skeleton.axes[0, 2, 2]) > 0.85
        if on_the_back:
            assert (clip.points[:, 0, 0] < clip.points[:, 3, 0]).all()


def test_infants_differ(clips):
    assert len({clip.scene.body.length for clip in clips}) == len(clips)
    assert np.ptp([clip.scene.body.length for clip in clips]) > 40
    assert np.ptp([clip.camera.shift_mm[2] for clip in clips]) > 15
    first = np.stack([clip.points[0] for clip in clips])
    mean = np.linalg.norm(first - first.mean(axis=0), axis=-1).mean()
    assert mean > 5  # px at 160 x 120: the mean posture finds nothing


def test_many_kinds_of_things_lie_about():
    many = clips_of(20, seed=1, rate_hz=1.0)
    assert 2 < sum(clip.scene.blanket is not None for clip in many) < 14
    assert 6 < sum(len(clip.scene.crib.roll) > 0 for clip in many) < 19
    assert any(cable.dark for clip in many for cable in clip.scene.cables)
    assert 3 < sum(len(clip.scene.visits) > 0 for clip in many) < 19
    rolls = np.array([abs(clip.scene.skeleton.axes[0, 2, 2]) for clip in many])
    assert 0.05 < (rolls < np.cos(np.radians(25))).mean() < 0.6


# ---- movement


@pytest.mark.parametrize("kind", KINDS)
def test_movement_is_continuous(kind):
    for seed in range(4):
        joints, points = infant_tracks(default_rng(seed), 20.0, 120.0, kind)
        assert joints.shape == (2400, 12, 3)
        assert points.shape == (2400, 12, 2)
        assert speeds(joints, 120.0).max() < 1000
        # From one 120th of a second to the next, speed hardly changes.
        velocity = 120.0 * np.diff(joints, axis=0)
        assert np.linalg.norm(np.diff(velocity, axis=0), axis=2).max() < 160


def test_kinds_differ_in_synchrony_and_amount():
    """Limbs move together where movement is cramped; at rest there is little of it."""
    amount, together = {}, {}
    for kind in KINDS:
        tracks = [infant_tracks(default_rng(seed), 40.0, 15.0, kind)[0] for seed in range(5)]
        found = [speeds(joints, 15.0) for joints in tracks]
        amount[kind] = np.mean([one.mean() for one in found])
        among = [np.corrcoef(one.T)[np.triu_indices(4, 1)].mean() for one in found]
        together[kind] = float(np.mean(among))
    assert together[CRAMPED] > 0.7
    assert together[WRITHING] < 0.45
    assert amount[REST] < 0.35 * amount[WRITHING]
    assert amount[REST] < 0.45 * amount[CRAMPED]


def test_a_movement_does_not_depend_on_rate_or_length():
    fast, _ = infant_tracks(default_rng(4), 6.0, 30.0, WRITHING)
    slow, _ = infant_tracks(default_rng(4), 6.0, 6.0, WRITHING)
    longer, _ = infant_tracks(default_rng(4), 9.0, 30.0, WRITHING)
    assert slow == pytest.approx(fast[::5])
    assert np.array_equal(longer[:180], fast)


def test_a_long_movement_can_be_had_in_pieces():
    motion = infant_motion(default_rng(2), 3600.0, CRAMPED)
    times = 3000.0 + np.arange(60) / 30.0
    whole, points = motion.at(times)
    joints, _ = motion.at(times[40:])
    assert np.array_equal(joints, whole[40:])
    assert points == pytest.approx(motion.camera.project(whole))


def test_the_infant_of_a_clip_is_that_of_its_parts():
    """The clip's movement passes from one kind to the next without a jump."""
    clip = infant_clip("one", default_rng(8), seconds=20.0, rate_hz=60.0, size=SMALL)
    assert len(clip.kinds) == len(clip) == 1200
    assert len(set(clip.kinds)) > 1
    assert set(clip.kinds) <= set(KINDS)
    assert speeds(clip.joints_mm, 60.0).max() < 1000


def test_a_wander_is_smooth_and_its_beginning_is_its_own():
    short, long = (draw_wander(default_rng(0), s, 0.5, 3) for s in (5.0, 50.0))
    times = np.linspace(0.0, 5.0, 501)
    assert np.array_equal(short.at(times), long.at(times))
    values = long.at(np.linspace(0.0, 50.0, 20001))
    assert np.abs(np.diff(values, n=2, axis=0)).max() < 0.001
    assert abs(np.corrcoef(values.T)[0, 1]) < 0.5


# ---- frames


def test_frames_are_mm_with_holes_that_are_exactly_zero(rendered):
    for _, frames in rendered:
        for frame in frames.values():
            assert frame.pixels.dtype == np.uint16
            assert frame.pixels.shape == SMALL[::-1]
            there = frame.pixels[frame.pixels > 0]
            assert there.min() >= 340
            assert there.max() <= 1500
            assert 0.001 < (frame.pixels == 0).mean() < 0.3


def test_what_is_measured_is_the_surface(rendered):
    """Noise of a mm or so, but at edges, where px fly."""
    for _, frames in rendered:
        frame = frames[0]
        there = frame.pixels > 0
        error = np.abs(frame.pixels.astype(float) - frame.surface)[there]
        assert 0.2 < np.median(error) < 2.5
        assert (error > 12).mean() < 0.06


def test_a_visible_joint_is_just_under_the_surface(rendered):
    for clip, frames in rendered:
        under = under_skin_mm(clip.scene.body) + 6.0
        for index, frame in frames.items():
            for joint in np.flatnonzero(frame.visibility == VISIBLE):
                x, y = np.round(clip.points[index, joint]).astype(int)
                ahead = clip.joints_mm[index, joint, 2] - frame.surface[y, x]
                assert -1.0 < ahead <= under[joint]


def test_a_hidden_joint_has_something_before_it(rendered):
    seen = []
    for clip, frames in rendered:
        under = under_skin_mm(clip.scene.body) + 6.0
        covered = clip.scene.blanket is not None
        for index, frame in frames.items():
            for joint in np.flatnonzero(frame.visibility != VISIBLE):
                x, y = np.round(clip.points[index, joint]).astype(int)
                if not (0 <= x < SMALL[0] and 0 <= y < SMALL[1]):
                    assert frame.visibility[joint] == ABSENT
                    continue
                seen.append(frame.visibility[joint])
                ahead = clip.joints_mm[index, joint, 2] - frame.surface[y, x]
                assert ahead > (0.0 if covered or seen[-1] == ABSENT else under[joint])
    assert OCCLUDED in seen


def test_an_operators_hand_makes_a_joint_absent():
    """Of the same clip with and without a hand, only the hand's px and joints differ."""
    clip = infant_clip("one", default_rng(5), seconds=4.0, size=SMALL)
    over = SCHEME.index("left_knee")
    visit = Visit(start_s=0.5, lasts_s=3.0, joint=over, side=0.4, over_mm=20.0, size=1.0)
    alone = Renderer(replace(clip.scene, visits=())).frame(12)
    held = Renderer(replace(clip.scene, visits=(visit,))).frame(12)
    assert held.visibility[over] == ABSENT
    assert alone.visibility[over] != ABSENT
    changed = held.surface < alone.surface - 1e-3
    assert 0.02 < changed.mean() < 0.6
    assert np.array_equal(held.surface[~changed], alone.surface[~changed])
    for joint in np.flatnonzero(held.visibility != alone.visibility):
        x, y = np.round(clip.points[12, joint]).astype(int)
        assert changed[y, x]
    assert (held.visibility == alone.visibility).any()


def test_a_blanket_covers_without_removing():
    many = infant_clips(12, default_rng(2), seconds=0.5, size=SMALL)
    clip = next(clip for clip in many if clip.scene.blanket is not None)
    bare = Renderer(replace(clip.scene, blanket=None, visits=())).frame(1)
    frame = Renderer(replace(clip.scene, visits=())).frame(1)
    hidden = (bare.visibility == VISIBLE) & (frame.visibility == OCCLUDED)
    assert hidden[6:].any()
    assert not hidden[:6].any()
    changed = np.abs(frame.surface - bare.surface) > 0.5
    x, y = np.round(clip.points[1]).astype(int).clip(0, np.array(SMALL) - 1).T
    assert (frame.visibility[changed[y, x]] != VISIBLE).all()
    # Thin cloth hides as much as thick cloth does.
    assert clip.scene.blanket is not None
    thin = replace(clip.scene.blanket, thick_mm=0.5)
    lightly = Renderer(replace(clip.scene, visits=(), blanket=thin)).frame(1)
    assert np.array_equal(lightly.visibility, frame.visibility)
    assert (frame.surface[changed] < bare.surface[changed]).mean() > 0.9


# ---- solids and sensor


@pytest.fixture(scope="module")
def rays():
    return Rays.of(draw_camera(default_rng(0), 360.0, SMALL))


def test_a_ball_is_where_geometry_says(rays):
    """A capsule without length and an ellipsoid with equal axes are the same ball."""
    middle = np.array([20.0, -10.0, 450.0])
    one, other = rays.empty(), rays.empty()
    draw(one, Capsule(middle, middle, (30.0, 30.0)), rays)
    draw(other, Ellipsoid(middle, np.eye(3), (30.0, 30.0, 30.0)), rays)
    both = (one < FAR) & (other < FAR)
    assert both.sum() > 250
    assert ((one < FAR) != (other < FAR)).sum() < 6
    assert np.abs(one - other)[both].max() < 0.1
    points = np.stack(np.broadcast_arrays(one * rays.x, one * rays.y, one), axis=-1)[both]
    assert np.linalg.norm(points - middle, axis=1) == pytest.approx(
        np.full(both.sum(), 30.0), abs=0.1
    )


def test_a_bar_contains_its_balls(rays):
    """Every ball between the ends is behind the bar's surface or in it."""
    start, end, radii = np.array([-60.0, 30.0, 430.0]), np.array([50.0, -20.0, 480.0]), (14.0, 22.0)
    bar = rays.empty()
    draw(bar, Capsule(start, end, radii), rays)
    for t in (0.0, 0.3, 0.7, 1.0):
        ball = rays.empty()
        middle, radius = start + t * (end - start), radii[0] + t * (radii[1] - radii[0])
        draw(ball, Capsule(middle, middle, (radius, radius)), rays)
        inside = ball < FAR
        assert (bar < FAR)[inside].mean() > 0.98
        # Balls along the nearest line stand in for the cone's exact surface.
        assert (bar - ball)[inside & (bar < FAR)].max() < 6.0


def test_what_is_out_of_the_picture_or_behind_is_not_drawn(rays):
    buffer = rays.empty()
    for middle in ([900.0, 0.0, 400.0], [0.0, -900.0, 400.0], [0.0, 0.0, -400.0]):
        draw(buffer, Capsule(np.array(middle), np.array(middle), (20.0, 20.0)), rays)
    assert (buffer == FAR).all()


def test_soft_joins_only_come_nearer(rays):
    balls = [Capsule(p, p, (30.0, 30.0)) for p in np.array([[0.0, 0.0, 450.0], [35.0, 0.0, 450.0]])]
    hard, soft = rays.empty(), rays.empty()
    for ball in balls:
        draw(hard, ball, rays)
        draw(soft, ball, rays, soft_mm=8.0)
    assert np.array_equal(hard == FAR, soft == FAR)
    assert (soft <= hard).all()
    assert 0 < (hard - soft).max() <= 2.0 + 1e-3


def test_noise_grows_with_distance_and_steps_cast_shadows():
    camera = draw_camera(default_rng(0), 360.0, (640, 480))
    rays = Rays.of(camera)
    sensor = Sensor(SensorSetting(1.0, 0.002, 7), camera, rays)
    flat = [np.full((480, 640), depth, np.float32) for depth in (450.0, 900.0)]
    near, far = (sensor.measured(depth, None, 0) for depth in flat)
    assert near[near > 0].std() == pytest.approx(0.81 + 0.05, abs=0.12)
    assert far[far > 0].std() > 3.0 * near[near > 0].std()
    step = flat[0].copy()
    step[:, 320:] = 520.0
    lost = sensor.measured(step, None, 0) == 0
    # The baseline is 55 mm: 55 * 570 * (1/450 - 1/520) is 9.4 px, to the right of what is near.
    assert lost[:, 321:328].mean() > 0.95
    assert lost[:, 335:].mean() < 0.01
    assert lost[:, :317].mean() < 0.01
    assert (sensor.measured(np.full((480, 640), 300.0, np.float32), None, 0) == 0).all()


# ---- seeds


def test_the_same_seed_gives_the_same_pixels(rendered):
    clip, frames = rendered[0]
    again = clips_of(1, seconds=2.0)[0]
    assert np.array_equal(clip.joints_mm, again.joints_mm)
    assert np.array_equal(Renderer(again.scene).frame(9).pixels, frames[9].pixels)
    assert np.array_equal(next(again.frames(start=9)).pixels, frames[9].pixels)
    assert not np.array_equal(frames[0].pixels, frames[9].pixels)


def test_an_infant_does_not_depend_on_how_many_there_are(clips):
    few = clips_of(2, seconds=2.0)
    for one, other in zip(few, clips, strict=False):
        assert one.identifier == other.identifier
        assert np.array_equal(one.points, other.points)
        assert one.kinds == other.kinds
        assert one.scene.visits == other.scene.visits


def test_a_longer_clip_begins_with_the_same_movement(clips):
    longer = clips_of(2, seconds=3.0)
    for one, other in zip(clips, longer, strict=False):
        assert np.array_equal(one.points, other.points[: len(one)])
        assert one.kinds == other.kinds[: len(one)]


def test_other_sizes_see_the_same_infant():
    small = clips_of(1, seconds=1.0)[0]
    large = clips_of(1, seconds=1.0, size=(640, 480))[0]
    assert np.array_equal(small.joints_mm, large.joints_mm)
    # Pixel 0 is the centre of the first pixel.
    assert (small.points + 0.5) * 4 - 0.5 == pytest.approx(large.points)
    assert large.camera.focal_px == (570.0, 570.0)
    assert large.camera.centre_px == (319.5, 239.5)


def test_another_seed_gives_another_infant(clips):
    assert not np.allclose(clips_of(1, seed=1, seconds=2.0)[0].points, clips[0].points, atol=1.0)


# ---- refusals


def test_the_impossible_is_refused_in_words():
    with pytest.raises(ConfigError, match="at least 1 infant, got 0"):
        infant_clips(0, default_rng(0))
    with pytest.raises(ConfigError, match="at least 1 frame"):
        infant_clips(1, default_rng(0), seconds=0.01)
    with pytest.raises(ConfigError, match="more than 0 frames"):
        infant_tracks(default_rng(0), 1.0, 0.0, REST)
    with pytest.raises(ConfigError, match="4 to 3"):
        infant_clip("one", default_rng(0), size=(640, 640))
    with pytest.raises(ConfigError, match=r"no kind of movement 'writhin'.*writhing"):
        infant_tracks(default_rng(0), 1.0, 30.0, "writhin")


# ---- on disk


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Two infants and one to follow, with an operator's hand in the first clip."""
    drawn, replay = infant_study(2, default_rng(0), seconds=0.5, size=SMALL)
    two = list(drawn)
    hand = Visit(start_s=-1.0, lasts_s=3.0, joint=4, side=0.1, over_mm=20.0, size=1.0)
    two[0] = replace(two[0], scene=replace(two[0].scene, visits=(hand,)))
    seen = []
    folder = write_infant(
        tmp_path_factory.mktemp("infant") / "study",
        iter(two),
        n=2,
        replay=replay,
        advance=lambda *step: seen.append(step),
    )
    assert seen == [
        ("clips", 1, 2, "infant01"),
        ("clips", 2, 2, "infant02"),
        ("replay", 1, 1, "replay"),
    ]
    return folder, two, replay


def test_the_folder_is_a_study_of_depth_clips(written):
    folder, *_ = written
    names = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    frames = {f"videos/infant0{k}/{i:06d}.png" for k in (1, 2) for i in range(3)}
    replayed = {f"replay/{i:06d}.png" for i in range(15)}
    tables = {"landmarks.csv", "meta.csv", "study.toml", "replay-truth.csv"}
    tables |= {"replay/timestamps.csv"}
    assert names == frames | replayed | tables | {"truth/infant01.csv", "truth/infant02.csv"}
    study = tomllib.loads((folder / "study.toml").read_text())
    assert study["name"] == "phantom-infant"
    assert [tuple(edge) for edge in study["edges"]] == list(SCHEME.edges)
    assert [tuple(pair) for pair in study["mirror"]] == list(SCHEME.mirror)
    assert study["video"] == {
        "folder": "videos",
        "interpolate": 1,
        "depth": {
            "rate_hz": 6.0,
            "unit_mm": 1.0,
            "focal_px": [142.5, 142.5],
            "centre_px": [79.5, 59.5],
        },
    }
    assert [row["video"] for row in table(folder / "meta.csv")] == ["infant01", "infant02"]


def test_the_files_hold_the_frames(written):
    folder, two, replay = written
    for clip, place in ((two[0], folder / "videos/infant01"), (replay, folder / "replay")):
        renderer = Renderer(clip.scene)
        for index in (0, 2):
            content = cv2.imread(str(place / f"{index:06d}.png"), cv2.IMREAD_UNCHANGED)
            assert content.dtype == np.uint16
            assert np.array_equal(content, renderer.frame(index).pixels)


def test_every_frame_is_labelled_and_what_a_hand_hides_is_left_out(written):
    folder, two, _ = written
    rows = table(folder / "landmarks.csv")
    assert list(rows[0])[:7] == [
        "video", "frame", "subject", "group", "right_shoulder_x", "right_shoulder_y",
        "right_shoulder_v",
    ]  # fmt: skip
    assert [(row["video"], row["frame"]) for row in rows] == [
        (clip.identifier, str(index)) for clip in two for index in range(3)
    ]
    left_out = 0
    for clip in two:
        states = [frame.visibility for frame in clip.frames()]
        for index, row in enumerate(r for r in rows if r["video"] == clip.identifier):
            assert row["group"] == clip.kinds[index]
            for k, name in enumerate(JOINTS):
                cells = [row[f"{name}_{part}"] for part in "xyv"]
                if states[index][k] == ABSENT:
                    assert cells == ["", "", ""]
                    left_out += 1
                else:
                    assert [float(c) for c in cells[:2]] == clip.points[index, k].tolist()
                    assert cells[2] == str(states[index][k])
    assert left_out > 0


def test_truth_holds_all_joints_to_the_last_digit(written):
    folder, two, replay = written
    places = [*(folder / "truth" / f"{clip.identifier}.csv" for clip in two)]
    for clip, place in zip([*two, replay], [*places, folder / "replay-truth.csv"], strict=True):
        rows = table(place)
        assert [row["kind"] for row in rows] == list(clip.kinds)
        assert float(rows[-1]["time_s"]) == (len(clip) - 1) / clip.rate_hz
        for index, row in enumerate(rows):
            for k, name in enumerate(JOINTS):
                cells = [float(row[f"{name}_{axis}_mm"]) for axis in "xyz"]
                assert cells == clip.joints_mm[index, k].tolist()
                assert float(row[f"{name}_x"]) == clip.points[index, k, 0]
                assert row[f"{name}_v"] in {"0", "1", "2"}


def test_the_infant_to_follow_does_not_depend_on_how_many_there_are(written):
    _, other = infant_study(5, default_rng(0), seconds=0.5, size=SMALL)
    assert np.array_equal(other.points, written[2].points)
    assert other.rate_hz == 30.0


def test_a_study_that_breaks_off_is_not_taken_for_whole(tmp_path, monkeypatch):
    def refuse(path, rows):
        raise OutputError(f"could not write {path}: no space left on device")

    monkeypatch.setattr(infant_write, "write_rows", refuse)
    with pytest.raises(OutputError, match="no space"):
        write_infant(tmp_path / "out", clips_of(1, seconds=0.2), n=1)
    assert not (tmp_path / "out" / "study.toml").exists()


def test_what_cannot_be_written_is_refused(tmp_path):
    one = clips_of(1, seconds=0.2)[0]
    with pytest.raises(ConfigError, match="at least 1 clip"):
        write_infant(tmp_path / "none", [], n=1)
    with pytest.raises(ConfigError, match="two clips are called 'infant01'"):
        write_infant(tmp_path / "twice", [one, one], n=2)
    faster = infant_clip("infant02", default_rng(1), seconds=0.2, rate_hz=30.0, size=SMALL)
    with pytest.raises(ConfigError, match="a study has one kind"):
        write_infant(tmp_path / "mixed", [one, faster], n=2)
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(OutputError, match="is not empty; give a new folder's name"):
        write_infant(tmp_path, [one], n=1)


def test_bodies_are_those_of_infants_born_preterm():
    bodies = [draw_body(default_rng(seed)) for seed in range(50)]
    assert all(300 <= body.length <= 420 for body in bodies)
    whole = [b.trunk + b.head[1] * 2 + sum(b.leg[:2]) for b in bodies]
    assert all(0.8 < w / b.length < 1.15 for w, b in zip(whole, bodies, strict=True))
