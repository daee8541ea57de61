"""The satco phantom: exact truth, pictures that show it, and a study that is not too easy."""

import csv
import math
import tomllib
from dataclasses import replace
from itertools import islice

import cv2
import numpy as np
import pytest
from numpy.random import default_rng

from palpate.errors import ConfigError, GeometryError, OutputError
from palpate.io.video import open_video, read_frame
from palpate.phantoms import satco_write
from palpate.phantoms.satco import MARGIN_PX, satco_clips
from palpate.phantoms.satco_arm import bent
from palpate.phantoms.satco_motion import draw_motion
from palpate.phantoms.satco_outline import grown, inside, oval, tube
from palpate.phantoms.satco_paint import Light, Solid
from palpate.phantoms.satco_scene import set_stage
from palpate.phantoms.satco_signal import weights_of
from palpate.phantoms.satco_truth import (
    LANDMARKS,
    LEVELS,
    SCHEME,
    SEGMENTS,
    wrapped_deg,
)
from palpate.phantoms.satco_write import write_satco
from palpate.points import Points
from palpate.protocols.measure import measure_points
from palpate.protocols.protocol import read_protocol

GRID = 256
BACK = ("S1", "L3", "T11", "T7", "T3", "C7")
RATE = {"rate_hz": "25.0", "frames": "25"}


def clips_of(children, seed=0, **settings):
    return list(satco_clips(children, default_rng(seed), **settings))


@pytest.fixture(scope="module")
def clips():
    """Truth of three children; nothing is painted."""
    return clips_of(3)


def by_child(clips):
    names = sorted({clip.subject for clip in clips})
    return {name: [clip for clip in clips if clip.subject == name] for name in names}


def on_grid(clip):
    return (clip.points - np.array(clip.region[:2]) + 0.5) * GRID / clip.region[2] - 0.5


def at(clip, name):
    return clip.points[:, LANDMARKS.index(name)]


# ---- truth


def test_angles_are_those_of_the_points(clips):
    """By a formula of its own: what was drawn and built upon comes back from the points."""
    for clip in clips:
        for column, (first, second) in enumerate(SEGMENTS.values()):
            a, b = at(clip, first), at(clip, second)
            for frame in range(0, len(a), 7):
                dx, dy = b[frame] - a[frame]
                angle = 90.0 - math.degrees(math.atan2(-dy, dx))
                difference = (clip.angles[frame, column] - angle + 180.0) % 360.0 - 180.0
                assert abs(difference) < 1e-9
        assert (clip.angles > -180.0).all()
        assert (clip.angles <= 180.0).all()


def test_the_seam_of_the_angles_is_crossed(clips):
    """Segments that point down jump from 180 to -180: a plain difference would be wrong."""
    angles = np.concatenate([clip.angles for clip in clips])
    jumps = np.abs(np.diff(angles, axis=0)) > 180
    assert jumps[:, list(SEGMENTS).index("LT")].any()


def test_an_upright_child_sits_as_neutral_says(clips):
    """Signs: the neck leans to the front, the ASIS is in front of the trochanter."""
    angles = np.concatenate([clip.angles for clip in clips])
    mean = dict(zip(SEGMENTS, np.median(angles, axis=0), strict=True))
    assert 15 < mean["neck"] < 65
    assert 5 < mean["pelvis"] < 60
    for clip in clips:
        assert (at(clip, "ear_tragus")[:, 1] < at(clip, "C7")[:, 1]).all()
        assert (at(clip, "ASIS")[:, 0] > at(clip, "S1")[:, 0]).all()


def test_contact_follows_from_the_points(clips):
    for clip in clips:
        elbow = [
            x < asis
            for x, asis in zip(at(clip, "elbow")[:, 0], at(clip, "ASIS")[:, 0], strict=True)
        ]
        wrist = [
            y > asis
            for y, asis in zip(at(clip, "wrist")[:, 1], at(clip, "ASIS")[:, 1], strict=True)
        ]
        assert clip.elbow_contact.tolist() == elbow
        assert clip.wrist_contact.tolist() == wrist


def test_a_trunk_keeps_its_lengths_in_all_clips_of_a_child(clips):
    for own in by_child(clips).values():
        for segment in ("UT", "MT", "LT", "UL", "LL", "pelvis"):
            first, second = SEGMENTS[segment]
            lengths = [np.linalg.norm(at(c, second) - at(c, first), axis=1) for c in own]
            assert np.ptp(lengths) < 1e-9
        pose, back = own[0].scene.pose, [own[0].points[0, LANDMARKS.index(n)] for n in BACK]
        links = np.linalg.norm(np.diff(back, axis=0), axis=1)
        assert links == pytest.approx(pose.px * pose.body.links)


def test_an_arm_foreshortens_as_a_whole(clips):
    """It stands out of the plane: upper arm and forearm by the same angle, 4 to 32 degrees."""
    for own in by_child(clips).values():
        joints = [np.stack([at(c, n) for n in ("shoulder", "elbow", "wrist")], axis=1) for c in own]
        lengths = np.linalg.norm(np.diff(np.concatenate(joints), axis=1), axis=-1)
        pose = own[0].scene.pose
        seen, also = lengths.T / pose.px / [[pose.body.upper_arm], [pose.body.forearm]]
        assert np.abs(seen - also).max() < 1e-9
        assert seen.min() > np.cos(np.radians(32.1))
        assert seen.max() < np.cos(np.radians(3.9))
        assert np.ptp(seen) > 0.05


def test_a_head_that_does_not_turn_keeps_its_distances(clips):
    for clip in clips[:4]:
        pose = clip.scene.pose
        for still in (True, False):
            yaw = np.zeros_like(pose.motion.yaw) if still else pose.motion.yaw
            points = replace(pose, motion=replace(pose.motion, yaw=yaw)).points
            neck = np.linalg.norm(points[:, 0] - points[:, 2], axis=1)
            head = np.linalg.norm(points[:, 1] - points[:, 0], axis=1)
            assert (np.ptp(neck) < 1e-9) == still
            assert (np.ptp(head) < 1e-9) == still


def test_children_differ_in_size_and_are_children(clips):
    sitting = {}
    for name, own in by_child(clips).items():
        body = own[0].scene.pose.body
        sitting[name] = body.links.sum()
        assert 20 < body.links.sum() < 33
        assert 0.5 < body.forearm / body.upper_arm < 1.1
    assert len(set(sitting.values())) == 3


# ---- pictures


def painted(clip, name, frame):
    """One part alone, white on black, as grey values from 0 to 1."""
    part = next(
        la for la in set_stage(clip.scene).layers if isinstance(la, Solid) and la.name == name
    )
    picture = np.zeros((clip.size[1], clip.size[0], 3), np.uint8)
    # A huge radius of its form and light from nowhere: one flat grey.
    cover = part.cover(frame, (0, 0, clip.size[0], clip.size[1]))
    part.paint(picture, frame, Light(0.0, 0.0, 0.0))
    assert (picture.max(axis=2) > 0).sum() <= (cover > 0).sum()
    return part, cover / 255.0


def still_frames(clip, count):
    """Frames in which the right arm hardly moves: a picture without motion blur."""
    speed = np.linalg.norm(np.gradient(clip.points, axis=0), axis=-1).max(axis=1)
    return np.argsort(speed)[:count]


def test_a_painted_forearm_ends_at_elbow_and_wrist(clips):
    """Its area is that of its outline, its centroid too, its ends are the joints and a radius."""
    for clip in clips[::3]:
        for frame in still_frames(clip, 2):
            # The right arm is the last one painted; the far one comes before.
            parts = [la for la in set_stage(clip.scene).arm if isinstance(la, Solid)]
            part = next(la for la in parts if la.name == "forearm")
            cover = part.cover(int(frame), (0, 0, *clip.size)) / 255.0
            elbow, wrist = at(clip, "elbow")[frame], at(clip, "wrist")[frame]
            along = (wrist - elbow) / np.linalg.norm(wrist - elbow)
            outline = part.pieces[0][frame]
            area, centre = polygon(outline)
            y, x = np.mgrid[: clip.size[1], : clip.size[0]]
            seen = np.array([(cover * x).sum(), (cover * y).sum()]) / cover.sum()
            assert np.abs(seen - centre).max() < 0.2
            assert cover.sum() == pytest.approx(area, rel=0.02)
            for joint, way in ((elbow, -along), (wrist, along)):
                radius = np.max((outline - joint) @ way)
                assert edge(cover, joint, way) == pytest.approx(radius, abs=0.45)


def test_the_back_passes_through_its_landmarks(clips):
    """The edge of the painted trunk is within half a pixel of C7 to S1."""
    for clip in clips[::2]:
        frame = int(still_frames(clip, 1)[0])
        _, trunk = painted(clip, "trunk", frame)
        _, neck = painted(clip, "neck", frame)
        both = np.maximum(trunk, neck)
        back = np.array([at(clip, n)[frame] for n in ("C7", "T3", "T7", "T11", "L3", "S1")])
        for upper, point, lower in zip(back, back[1:-1], back[2:], strict=False):
            tangent = (upper - lower) / np.linalg.norm(upper - lower)
            outwards = np.array([tangent[1], -tangent[0]])
            assert outwards[0] < 0
            assert abs(edge(both, point - 6 * outwards, outwards) - 6) < 0.5


def test_a_frame_shows_the_arm_where_the_truth_says(short):
    """What differs between two frames of a whole picture is where the arm was and where it is."""
    clip, pictures = short[0][1], [frame.astype(float) for frame in short[1]]
    away = [np.linalg.norm(at(clip, "wrist") - at(clip, "wrist")[f], axis=1) for f in range(25)]
    seen = clip.visible[:, LANDMARKS.index("wrist")] & clip.visible[:, LANDMARKS.index("elbow")]
    away = np.where(seen[:, None] & seen, away, 0.0)
    first, second = np.unravel_index(np.argmax(away), (25, 25))
    assert away[first, second] > 10
    changed = np.abs(pictures[first] - pictures[second]).max(axis=2)
    arm = next(la for la in set_stage(clip.scene).arm if la.name == "forearm")
    covers = [arm.cover(int(f), (0, 0, *clip.size)) > 250 for f in (first, second)]
    moved = covers[0] ^ covers[1]
    assert np.median(changed[moved]) > 2 * np.median(changed)


def polygon(outline):
    """Area and centroid by Gauss's formula."""
    x, y = outline.T
    x1, y1 = np.roll(x, -1), np.roll(y, -1)
    cross = x * y1 - x1 * y
    area = cross.sum() / 2
    centre = np.array([((x + x1) * cross).sum(), ((y + y1) * cross).sum()]) / (6 * area)
    return abs(area), centre


def edge(cover, start, way):
    """How far from ``start`` along ``way`` the cover falls through a half."""
    steps = np.arange(0.0, 30.0, 0.05)
    path = (start + steps[:, None] * way).astype(np.float32)
    seen = cv2.remap(cover.astype(np.float32), path[:, 0], path[:, 1], cv2.INTER_LINEAR).ravel()
    return steps[np.argmax(seen < 0.5)]


def test_no_landmark_is_drawn_as_a_dot(clips):
    """The middle of a landmark looks like what surrounds it along the outline or on the part."""
    for clip in clips[::4]:
        for layer in set_stage(clip.scene).layers:
            if not isinstance(layer, Solid):
                centres = layer.outline.mean(axis=1, keepdims=True)
                near = np.linalg.norm(clip.points - centres, axis=-1) < 1.0
                assert near.mean(axis=0).max() < 0.5


def test_hidden_points_lie_under_a_hand_or_arm(clips):
    clip = next(c for c in clips if not c.visible.all())
    stage = set_stage(clip.scene)
    hands = [la for la in (*stage.middle, *stage.arm, *stage.front) if isinstance(la, Solid)]
    for frame in range(0, len(clip.points), 20):
        cover = np.max([la.cover(frame, (0, 0, *clip.size)) for la in hands], axis=0)
        for point, visible in zip(clip.points[frame], clip.visible[frame], strict=True):
            if not visible:
                x, y = np.round(point).astype(int)
                assert cover[y - 1 : y + 2, x - 1 : x + 2].max() > 100


# ---- a study that is not too easy


def test_regions_hold_every_landmark(clips):
    for clip in clips:
        x, y, width, height = clip.region
        assert width == height
        assert 355 <= width <= 460
        assert x >= 0
        assert y >= 0
        assert x + width <= clip.size[0]
        assert y + height <= clip.size[1]
        assert (clip.points.min(axis=(0, 1)) >= np.array([x, y]) + MARGIN_PX - 1).all()
        assert (clip.points.max(axis=(0, 1)) <= np.array([x, y]) + width - MARGIN_PX).all()


def test_misalignment_is_neither_rare_nor_common(clips):
    """Beyond 20 degrees of the child's mean in 5 to 40 % of frames, for most segments."""
    shares = []
    for own in by_child(clips).values():
        angles = np.radians(np.concatenate([clip.angles for clip in own]))
        mean = np.angle(np.exp(1j * angles).mean(axis=0))
        away = wrapped_deg(np.degrees(angles - mean))
        shares.append((np.abs(away) > 20).mean(axis=0))
    share = np.mean(shares, axis=0)
    assert ((share > 0.05) & (share < 0.40)).sum() >= 7
    assert (share > 0.02).all()
    assert (share < 0.70).all()


def test_contact_comes_and_goes(clips):
    for own in by_child(clips).values():
        assert 0.10 < np.mean([clip.elbow_contact.mean() for clip in own]) < 0.60
        assert 0.08 < np.mean([clip.wrist_contact.mean() for clip in own]) < 0.60
    changes = [np.abs(np.diff(clip.elbow_contact.astype(int))).sum() for clip in clips]
    assert np.mean(changes) > 2


def test_a_mean_posture_fails(clips):
    """On the 256 grid, after the static region, the mean of other children is far off."""
    children = by_child(clips)
    grids = {name: np.concatenate([on_grid(c) for c in own]) for name, own in children.items()}
    for name, own in grids.items():
        others = np.mean([g.mean(axis=0) for n, g in grids.items() if n != name], axis=0)
        errors = np.linalg.norm(own - others, axis=-1)
        assert errors.mean() > 12
        assert errors.mean(axis=0).min() > 6
        # Even the child's own mean, which no method is given, is far off.
        assert np.linalg.norm(own - own.mean(axis=0), axis=-1).mean() > 10


def test_every_clip_hides_several_points_for_a_while(clips):
    for clip in clips:
        hidden = ~clip.visible
        assert (hidden.mean(axis=0) > 0.05).sum() >= 2
        assert 0.03 < hidden.mean() < 0.5
    everywhere = np.mean([1 - clip.visible.mean(axis=0) for clip in clips], axis=0)
    assert (everywhere > 0.01).all()


def test_the_spine_can_be_told_from_its_ends(clips):
    """From C7 and S1 alone, a person who knows proportions is within 3 px along the back."""
    rests = []
    for own in by_child(clips).values():
        back = np.stack([at(own[0], n)[0] for n in BACK])
        lengths = np.linalg.norm(np.diff(back, axis=0), axis=1)
        rests.append((np.cumsum(lengths) / lengths.sum(), lengths.sum()))
    usual = np.mean([share for share, _ in rests], axis=0)
    assert max(np.abs(share - usual).max() * whole for share, whole in rests) < 3.0


def test_each_child_has_four_clips_at_different_levels(clips):
    for name, own in by_child(clips).items():
        assert [clip.identifier for clip in own] == [f"{name}_{t}.mp4" for t in "abcd"]
        assert len({clip.level for clip in own}) == 4
        assert {clip.level for clip in own} <= set(LEVELS)
        assert {clip.rate_hz for clip in own} == {25.0}
        assert {len(clip.points) for clip in own} == {200}
    assert len({clip.level for clip in clips}) > 5


def test_above_the_hands_a_child_sways_more_than_below():
    """Over many clips: the upper trunk held low, and the lower trunk held high."""

    def sway(level, link):
        rng = default_rng(3)
        chains = [draw_motion(level, 100, 25.0, rng).chain for _ in range(20)]
        return np.mean([chain[:, link].std() for chain in chains])

    assert sway("upper lumbar", 5) > 1.2 * sway("head", 5)
    assert sway("lower lumbar", 3) > 1.2 * sway("upper thoracic", 3)


def test_scheme_and_edges_are_the_protocols():
    protocol = read_protocol("satco")
    assert protocol.scheme.names == SCHEME.names
    assert {frozenset(e) for e in protocol.scheme.edges} == {frozenset(e) for e in SCHEME.edges}
    assert [quantity.name for quantity in protocol.quantities] == list(SEGMENTS)


def test_the_protocol_measures_what_was_built(clips):
    protocol = read_protocol("satco")
    for clip in clips[::5]:
        for frame in (0, 101):
            points = Points.of(protocol.scheme, clip.points[frame])
            report = measure_points(protocol, points, None, size=clip.size)
            measured = np.array([one.value for one in report.measurements], dtype=float)
            assert np.abs(wrapped_deg(measured - clip.angles[frame])).max() < 1e-6


# ---- seeds


@pytest.fixture(scope="module")
def short():
    """The clips of a child, a second each, and the frames of the second one."""
    own = clips_of(1, seed=5, seconds=1.0)
    return own, list(own[1].frames())


def test_the_same_seed_gives_the_same_pixels(short):
    own, frames = short
    again = clips_of(1, seed=5, seconds=1.0)
    assert np.array_equal(own[1].points, again[1].points)
    for a, b in zip(islice(frames, 4), again[1].frames(), strict=False):
        assert np.array_equal(a, b)
    assert np.array_equal(frames[0], next(own[1].frames()))


def test_another_seed_gives_other_clips(short):
    other = next(satco_clips(1, default_rng(6), seconds=1.0))
    assert not np.allclose(short[0][0].points, other.points, atol=1.0)


def test_a_child_does_not_depend_on_how_many_there_are(short):
    many = clips_of(2, seed=5, seconds=1.0)
    assert [clip.subject for clip in many] == ["child01"] * 4 + ["child02"] * 4
    for a, b in zip(short[0], many[:4], strict=True):
        assert (a.identifier, a.level, a.region) == (b.identifier, b.level, b.region)
        assert np.array_equal(a.points, b.points)
        assert np.array_equal(a.visible, b.visible)
    assert np.array_equal(short[1][0], next(many[1].frames()))


def test_frames_are_painted_one_by_one_in_colour(short):
    own, frames = short
    lazily = own[0].frames()
    assert iter(lazily) is lazily
    assert len(frames) == 25
    assert {(frame.shape, frame.dtype.name) for frame in frames} == {((480, 640, 3), "uint8")}
    assert min(frame.std() for frame in frames) > 15
    assert not np.array_equal(frames[0], frames[1])
    assert np.abs(frames[0][..., 0].astype(int) - frames[0][..., 2]).mean() > 3


def test_looks_vary_from_child_to_child(clips):
    looks = [own[0].scene.look for own in by_child(clips).values()]
    assert len({look.skin for look in looks}) == 3
    assert len({look.shorts for look in looks}) > 1
    assert len({own[0].scene.camera.cast for own in by_child(clips).values()}) == 3


# ---- refusals


@pytest.mark.parametrize(("children", "seconds"), [(0, 8.0), (1, 0.5), (1, float("nan"))])
def test_an_impossible_study_is_refused(children, seconds):
    with pytest.raises(ConfigError, match="at least 1"):
        satco_clips(children, default_rng(0), seconds=seconds)


def test_a_clip_is_checked_at_birth(clips):
    clip = clips[0]
    right = int(clip.points[..., 0].max())
    for region in ((0, 0, right, 480), (0, 0, 640, 100), (right, 0, 640 - right, 480)):
        with pytest.raises(GeometryError, match="outside of region"):
            replace(clip, region=region)
    with pytest.raises(GeometryError, match="differ in frames"):
        replace(clip, angles=clip.angles[1:])
    with pytest.raises(GeometryError, match="no level 'knee'"):
        replace(clip, level="knee")
    with pytest.raises(ValueError, match="read-only"):
        clip.points[0, 0, 0] = 0.0


# ---- on disk


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def folder(short, tmp_path_factory):
    seen = []
    out = write_satco(
        tmp_path_factory.mktemp("satco") / "study",
        short[0][:2],
        advance=lambda *step: seen.append(step),
    )
    assert seen == [("clips", 1, 2, "child01_a.mp4"), ("clips", 2, 2, "child01_b.mp4")]
    return out


def test_the_folder_is_a_study_of_clips(folder, short):
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert names == [
        "landmarks.csv", "meta.csv", "study.toml", "truth/child01_a.csv", "truth/child01_b.csv",
        "videos/child01_a.mp4", "videos/child01_b.mp4",
    ]  # fmt: skip
    study = tomllib.loads((folder / "study.toml").read_text())
    assert (study["name"], study["protocol"]) == ("phantom-satco", "satco")
    assert [tuple(edge) for edge in study["edges"]] == list(SCHEME.edges)
    regions = study["video"].pop("region")
    assert study["video"] == {"folder": "videos", "interpolate": 4, "facing": "right"}
    assert regions == {clip.identifier: list(clip.region) for clip in short[0][:2]}
    assert table(folder / "meta.csv") == [
        {"video": c.identifier, "subject": "child01", "level": c.level} | RATE for c in short[0][:2]
    ]


def test_every_fourth_frame_is_labelled_exactly(folder, short):
    rows = table(folder / "landmarks.csv")
    assert list(rows[0])[:7] == [
        "video", "frame", "subject", "group", "ear_tragus_x", "ear_tragus_y", "ear_tragus_v",
    ]  # fmt: skip
    assert [int(row["frame"]) for row in rows] == [*range(0, 25, 4)] * 2
    clips = {clip.identifier: clip for clip in short[0]}
    for row in rows:
        clip, frame = clips[row["video"]], int(row["frame"])
        assert (row["subject"], row["group"]) == ("child01", clip.level)
        for k, name in enumerate(LANDMARKS):
            assert [float(row[f"{name}_{axis}"]) for axis in "xy"] == clip.points[frame, k].tolist()
            assert row[f"{name}_v"] == ("2" if clip.visible[frame, k] else "1")


def test_truth_holds_every_frame(folder, short):
    for clip in short[0][:2]:
        rows = table(folder / "truth" / f"{clip.identifier[:-4]}.csv")
        assert [row["frame"] for row in rows] == [str(i) for i in range(25)]
        angles = [[float(row[f"{segment}_deg"]) for segment in SEGMENTS] for row in rows]
        assert np.array_equal(angles, clip.angles)
        assert [row["elbow_contact"] == "1" for row in rows] == clip.elbow_contact.tolist()
        assert [row["wrist_contact"] == "1" for row in rows] == clip.wrist_contact.tolist()
        assert float(rows[3]["wrist_x"]) == clip.points[3, -1, 0]


def test_the_video_shows_the_frames(folder, short):
    video = open_video(folder / "videos" / "child01_b.mp4")
    assert (video.size, video.frames, video.rate_hz) == ((640, 480), 25, pytest.approx(25.0))
    for index in (0, 13, 24):
        difference = read_frame(video, index).astype(float) - short[1][index]
        assert np.abs(difference).mean() < 5
        other = read_frame(video, index).astype(float) - short[1][24 - index]
        assert index == 24 - index or np.abs(difference).mean() <= np.abs(other).mean()


def test_a_study_that_breaks_off_is_not_taken_for_whole(short, tmp_path, monkeypatch):
    def refuse(path, rows):
        raise OutputError(f"could not write {path}: no space left on device")

    monkeypatch.setattr(satco_write, "_write_video", lambda folder, clip: None)
    monkeypatch.setattr(satco_write, "write_rows", refuse)
    with pytest.raises(OutputError, match="no space"):
        write_satco(tmp_path / "out", short[0][:1])
    assert not (tmp_path / "out" / "study.toml").exists()


def test_what_cannot_be_written_is_refused_before_anything_is(short, tmp_path):
    clip = short[0][0]
    with pytest.raises(ConfigError, match="at least 1 clip"):
        write_satco(tmp_path / "out", [])
    with pytest.raises(ConfigError, match="two clips are called 'child01_a"):
        write_satco(tmp_path / "out", [clip, clip])
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(OutputError, match="is not empty; give a new folder's name"):
        write_satco(tmp_path, [clip])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


# ---- parts


def test_an_outline_grows_by_what_is_asked():
    circle = oval(np.array([[50.0, 50.0]]), (20.0, 20.0), np.zeros(1), count=60)
    radius = np.linalg.norm(grown(circle, 2.0) - 50.0, axis=-1)
    assert radius == pytest.approx(np.full((1, 60), 22.0), abs=1e-6)
    assert grown(circle[:, ::-1], -1.0) == pytest.approx(grown(circle, -1.0)[:, ::-1])


def test_inside_is_opencvs_point_in_polygon():
    rng = default_rng(0)
    shape = tube(np.array([[20.0, 20.0]]), np.array([[60.0, 45.0]]), [9.0, 6.0, 4.0])
    points = rng.uniform(0.0, 80.0, (1, 200, 2))
    contour = shape[0].astype(np.float32)
    expected = [cv2.pointPolygonTest(contour, tuple(map(float, p)), False) > 0 for p in points[0]]
    assert inside(shape, points)[0].tolist() == expected


def test_states_follow_each_other_softly():
    weights = weights_of([0, 2, 1], [1.0, 0.5, 2.0], 3, 75, 25.0)
    assert weights.sum(axis=1) == pytest.approx(np.ones(75))
    assert weights[10].argmax() == 0
    assert weights[31].argmax() == 2
    assert weights[60].argmax() == 1
    assert np.abs(np.diff(weights, axis=0)).max() < 0.3


def test_an_arm_reaches_its_goal_or_as_near_as_it_can():
    start, lengths = np.zeros((2, 2)), (np.full(2, 3.0), np.full(2, 2.0))
    goal = np.array([[2.5, 2.0], [30.0, 40.0]])
    upper, fore = np.radians(bent(start, goal, lengths)).T
    end = 3 * np.stack([np.sin(upper), np.cos(upper)], 1) + 2 * np.stack(
        [np.sin(fore), np.cos(fore)], 1
    )
    assert end[0] == pytest.approx(goal[0])
    assert np.linalg.norm(end[1]) == pytest.approx(0.995 * 5)
    assert end[1] / np.linalg.norm(end[1]) == pytest.approx([0.6, 0.8])
