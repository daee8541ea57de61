"""The page of a clip: what it says, that its drawings follow the data, that it needs nothing."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from palpate.errors import GeometryError, OutputError, SchemeError
from palpate.io.video import open_video
from palpate.io.video_write import VideoWriter
from palpate.protocols.posture import difference, mean_posture, misaligned
from palpate.protocols.posture_flags import Flags
from palpate.report.clip_frames import predicted, sheet
from palpate.report.clip_page import angle_panels, clip_page, contact_panels, spoken
from palpate.report.clip_plots import (
    AnglePanel,
    BarPanel,
    Line,
    PointPanel,
    points_plot,
    posture_plot,
)
from palpate.report.clip_report import ReportedClip, render_clip, write_clip_report
from palpate.report.clip_tables import jitter, landmark_table, segment_table
from palpate.report.clip_thinned import COLUMNS, kept, marked
from palpate.report.clip_tiles import tiles
from palpate.report.clip_warnings import warnings
from palpate.sequences.one_euro import OneEuro
from palpate.sequences.smooth import smooth
from palpate.sequences.track import Track

NAMES = ("ear", "hip", "hand")
EDGES = (("ear", "hip"), ("hip", "hand"))
SIZE = (64, 48)
HOSTILE = "<b>.mp4\"&'</title><script>alert(1)</script>"
THRESHOLD = 20.0


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    """Thirty frames at 10 Hz; frame k is grey of level 5 k."""
    path = tmp_path_factory.mktemp("clips") / "film.mp4"
    with VideoWriter(path, SIZE, 10.0) as writer:
        for level in range(30):
            writer.add(np.full((48, 64, 3), 5 * level, dtype=np.uint8))
    return open_video(path)


def track_of(video, *, absent=(), frames=None, seed=0):
    count = video.frames if frames is None else frames
    rng = np.random.default_rng(seed)
    course = np.array([[20.0, 10.0], [30.0, 40.0], [45.0, 25.0]]) + rng.normal(0, 1, (count, 3, 2))
    for frame, landmark in absent:
        course[frame, landmark] = np.nan
    covariance = np.where(np.isnan(course[..., :1, None]), np.nan, 2.25 * np.eye(2))
    return Track(NAMES, course, video.times_s[:count], covariance)


def points_only(video, **more):
    fields = {
        "name": "film.mp4",
        "video": video,
        "track": track_of(video),
        "edges": EDGES,
        "region": None,
        "smoothed": None,
        "provenance": {"localiser": "net 3f9a"},
    }
    return ReportedClip(**{**fields, **more})


def with_posture(video, *, control="Control is demonstrated for 1.20 s.", **more):
    times = video.times_s
    trunk = np.where((times > 0.95) & (times < 1.45), 35.0, 0.0) + 170.0
    angles = np.stack([np.where(trunk > 180.0, trunk - 360.0, trunk), 3.0 * times], axis=1)
    angles[20:21, 1] = np.nan
    reference = mean_posture(angles)
    frames = np.arange(len(times))[:, None]
    touching, known = np.isin(frames, [3, 4, 5, 12]), frames != 8
    summary = {
        "protocol": "sitting 1",
        "facing": "right",
        "threshold_deg": THRESHOLD,
        "reference_from": f"the mean of the predicted angles over the {len(times)} frames",
        "control": control
        and {
            "level": "mid thoracic",
            "demonstrated": True,
            "longest_s": 1.2,
            "sentence": control,
        },
    }
    fields = {
        "segments": ("trunk", "arm"),
        "angles": angles,
        "reference": reference,
        "out_of_line": misaligned(angles, reference, THRESHOLD),
        "rules": ("wrist",),
        "touching": Flags(touching, known),
        "summary": summary,
    }
    return points_only(video, **{**fields, **more})


class Page(HTMLParser):
    """Tags with their attributes, and the text outside of script and style."""

    VOID = ("meta", "input", "link", "br", "img")

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.stack, self.faults = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.faults.append((tag, self.getpos()))

    def handle_data(self, data):
        if self.stack and self.stack[-1] not in ("script", "style"):
            self.text.append(data)

    def words(self):
        return re.sub(r"\s+", " ", " ".join(self.text))


def jumps_of(clip):
    return np.zeros(clip.track.present.shape, dtype=bool)


@pytest.fixture(scope="module")
def whole(film):
    """A clip with all that there can be, its page and its HTML: drawn once."""
    smoothed = smooth(track_of(film), OneEuro())
    clip = with_posture(film, smoothed=smoothed, region=(10, 5, 40, 40))
    return clip, clip_page(clip), render_clip(clip)


def images(html):
    return re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", html)


# ---- what the page says


def test_the_page_says_what_was_found_and_what_it_rests_on(whole):
    words = Page(whole[2]).words()
    assert "Control is demonstrated for 1.20 s." in words
    assert "Frames 30 of 30 in the file; 3.00 s, 10.00 frames a second" in words
    assert "Landmarks found 100.0 % 90 of 90 positions" in words
    assert "face the right of the image" in words
    assert "the mean of the predicted angles over the 30 frames" in words
    assert "Not for diagnosis" in words
    assert "localiser net 3f9a" in words
    assert "level: mid thoracic" in words
    assert "One-Euro, min_cutoff 1 Hz" in words
    assert "drawn by chance" not in words
    assert "Every frame" in words
    for heading in ("Posture over time", "Segments", "Contact", "Landmarks", "Provenance"):
        assert heading in words


def test_every_number_of_the_tables_is_on_the_page(whole):
    _, page, html = whole
    words = Page(html).words()
    for table in (page.posture.segments, page.posture.contact, page.landmarks):
        assert len(table.rows) > 0
        for row in table.rows:
            assert len(row) == len(table.head)
            assert " ".join(row) in words


def test_the_table_of_segments_counts_the_flags(film):
    clip = with_posture(film)
    trunk, arm = segment_table(clip).rows
    off = np.abs(difference(clip.angles, clip.reference))
    assert trunk[0] == "trunk"
    assert trunk[1] == f"{clip.reference[0]:.1f}"
    assert trunk[2] == f"{np.median(off[:, 0]):.1f}"
    assert trunk[5:] == ("30", "5", "16.7 %", "0.40")
    assert arm[5:] == ("29", "0", "0.0 %", "–")


def test_a_share_of_several_segments_is_of_frames_in_which_all_are_known(film):
    flags = Flags(
        np.array([[True, False]] * 10 + [[False, False]] * 20),
        np.array([[True, False]] * 10 + [[True, True]] * 20),
    )
    clip = with_posture(film, out_of_line=flags)
    tile = {each.label: each for each in tiles(clip, jumps_of(clip))}["Out of line"]
    # Ten frames are out of line and half known: counting them would call 10 of 30 what is 0 of 20.
    assert tile.value == "0.0 %"
    assert "0 of the 20 frames" in tile.detail
    one = replace(clip, summary={**clip.summary, "judged": ["trunk"]})
    tile = {each.label: each for each in tiles(one, jumps_of(one))}["Out of line"]
    assert tile.value == "33.3 %"
    assert "30 frames in which all are known: trunk" in tile.detail


def test_what_is_wrong_comes_first(film):
    absent = [(frame, 1) for frame in range(10)] + [(frame, 2) for frame in range(25)]
    clip = points_only(
        film, track=track_of(film, absent=absent, frames=25), problem="frame 25 cannot be decoded"
    )
    first, *rest = warnings(clip, jumps_of(clip))
    assert first.startswith("25 of 30 frames of the file are in this report")
    assert "frame 25 cannot be decoded" in first
    assert rest == ["Never found: hand.", "Seldom found: hip (60.0 % of the frames)."]
    html = render_clip(clip)
    assert html.index("frame 25 cannot be decoded") < html.index("Landmarks found")
    assert warnings(points_only(film), jumps_of(clip)) == ()


def test_a_varying_rate_and_pixels_that_are_not_square_are_named(film):
    times = np.where(np.arange(30) > 15, film.times_s + 0.5, film.times_s)
    track = replace(track_of(film), times_s=times)
    odd = replace(film, times_s=times, pixel_aspect=1.2, problem="a part is missing")
    said = " ".join(warnings(points_only(odd, track=track), np.zeros((30, 3), dtype=bool)))
    assert "0.100 to 0.600 s" in said
    assert "not square (width by height 1.2)" in said
    assert "a part is missing" in said


def test_points_that_jump_are_named(film):
    course = np.tile([[[20.0, 10.0], [30.0, 40.0], [45.0, 25.0]]], (30, 1, 1))
    course += np.random.default_rng(0).normal(0, 0.05, course.shape)
    course[12, 0] += 20.0
    page = clip_page(points_only(film, track=Track(NAMES, course, film.times_s)))
    assert page.landmarks.rows[0][-1] == "1"
    assert page.landmarks.rows[1][-1] == "0"
    assert "ear (1 of 30)" in page.warnings[0]


def test_without_posture_there_are_points_only(film):
    html = render_clip(points_only(film))
    words = Page(html).words()
    assert "Posture over time" not in words
    assert "face" not in words
    assert "Control" not in words
    assert "hand" in words
    assert "None" not in words


def test_without_a_level_nothing_is_said_of_control(film):
    clip = with_posture(film, control=None)
    assert "Nothing is said of control" in spoken(clip)[0]
    assert not any("Control" in tile.label for tile in tiles(clip, jumps_of(clip)))


# ---- drawings follow the data


def test_marked_stretches_are_those_of_the_flags(film, whole):
    clip = whole[0]
    for panels, flags in (
        (angle_panels(clip), clip.out_of_line),
        (contact_panels(clip), clip.touching),
    ):
        for k, panel in enumerate(panels):
            for stretches, said in (
                (panel.marked, flags.value[:, k]),
                (panel.unknown, ~flags.known[:, k]),
            ):
                inside = np.zeros(30, dtype=bool)
                for part in stretches:
                    inside |= (film.times_s > part.start_s) & (film.times_s < part.end_s)
                assert np.array_equal(inside, said)
    assert [len(panel.marked) for panel in angle_panels(clip)] == [1, 0]
    assert [len(panel.marked) for panel in contact_panels(clip)] == [2]
    drawn = re.findall(r'd="([^"]*)"[^>]*style="fill: var\(--human\)', whole[2])
    # The stretch out of line, and the two of contact.
    assert sorted(path.count("M") for path in drawn) == [1, 2]


def test_a_segment_is_drawn_as_its_turn_from_the_reference(film):
    clip = with_posture(film)
    panel = angle_panels(clip)[0]
    assert panel.reference_deg == pytest.approx(clip.reference[0])
    assert panel.threshold_deg == THRESHOLD
    # Through the seam: 170 and -155 are 35 apart, not 325.
    assert np.ptp(panel.turned.raw) == pytest.approx(35.0)
    assert panel.turned.smoothed is None
    both = replace(clip, smoothed_angles=clip.angles + 1.0)
    assert angle_panels(both)[0].turned.smoothed == pytest.approx(panel.turned.raw + 1.0)


@given(
    st.lists(st.floats(-50, 50) | st.just(np.nan), min_size=30, max_size=400), st.integers(1, 12)
)
def test_thinning_keeps_what_stands_out(values, columns):
    values = np.array(values)
    times = np.arange(len(values)) / 25.0
    frames = kept(times, values, columns=columns)
    assert (np.diff(frames) > 0).all()
    assert len(frames) <= max(columns, 4 * columns)
    if np.isfinite(values).any():
        assert np.nanmax(values[frames]) == np.nanmax(values)
        assert np.nanmin(values[frames]) == np.nanmin(values)
    column = np.minimum((times / times[-1] * columns).astype(int), columns - 1)
    for k in range(columns):
        part, there = values[column == k], values[frames[column[frames] == k]]
        assert np.isfinite(part).any() == np.isfinite(there).any()


def test_an_absence_breaks_the_thinned_line():
    values = np.sin(np.arange(10_000.0))
    values[4000:6000] = np.nan
    frames = kept(np.arange(10_000.0), values, columns=100)
    shown = values[frames]
    assert np.isnan(shown[(frames >= 4100) & (frames < 5900)]).all()
    assert ((frames >= 4100) & (frames < 5900)).any()


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.data())
def test_marks_hold_exactly_the_flagged_frames(flags, data):
    flags = np.array(flags)
    steps = data.draw(
        st.lists(st.floats(0.01, 0.5), min_size=len(flags), max_size=len(flags)), label="steps"
    )
    times = np.cumsum(np.array(steps))
    inside = np.zeros(len(flags), dtype=bool)
    for part in marked(flags, times, columns=1_000_000):
        assert part.start_s < part.end_s
        inside |= (times > part.start_s) & (times < part.end_s)
    assert np.array_equal(inside, flags)


def test_marks_of_a_long_clip_are_few_and_lose_no_frame():
    rng = np.random.default_rng(0)
    flags = rng.random(90_000) < 0.02
    times = np.arange(90_000) / 25.0
    parts = marked(flags, times)
    assert len(parts) <= COLUMNS
    starts, ends = (
        np.array([getattr(part, end) for part in parts]) for end in ("start_s", "end_s")
    )
    row = np.searchsorted(starts, times[flags]) - 1
    assert (times[flags] < ends[row]).all()


def test_no_mark_bridges_a_hole_in_the_frames():
    times = np.array([0.0, 0.1, 0.2, 5.0, 5.1])
    first, second = marked(np.ones(5, dtype=bool), times, columns=1000)
    assert (first.start_s, first.end_s) == pytest.approx((-0.05, 0.25))
    assert (second.start_s, second.end_s) == pytest.approx((4.95, 5.15))


def test_a_lone_point_is_drawn_as_a_dot_and_a_wild_one_is_pointed_at():
    times = np.arange(100) / 10.0
    calm = np.zeros(100)
    wild = calm.copy()
    wild[50] = 170.0

    def drawn(values):
        return posture_plot(times, [AnglePanel("head", Line(values), 5.0, 20.0, (), ())], [])

    # A marker is drawn by <use>, as are ticks: one more of them is the arrowhead, or the dot.
    assert drawn(wild).count("<use") == drawn(calm).count("<use") + 1
    alone = calm.copy()
    alone[[49, 51]] = np.nan
    assert drawn(alone).count("<use") == drawn(calm).count("<use") + 1


def test_a_plot_of_nothing_is_nothing():
    assert posture_plot(np.array([0.0]), [], []) == ""
    bars = posture_plot(np.array([0.0, 1.0]), [], [BarPanel("wrist", (), ())])
    assert "wrist contact" in bars
    one = PointPanel("ear", Line(np.array([1.0])), Line(np.array([2.0])), np.array([False]))
    assert "ear" in points_plot(np.array([0.0]), [one])


@pytest.mark.parametrize(("end_s", "words"), [(60.0, "time, s"), (600.0, "time, min:s")])
def test_a_long_clip_is_read_by_the_clock(end_s, words):
    times = np.linspace(0, end_s, 50)
    plot = posture_plot(times, [AnglePanel("head", Line(np.zeros(50)), 5.0, 20.0, (), ())], [])
    assert words in plot
    assert (">5:00<" in plot) == (words == "time, min:s")


def test_jitter_is_noise_and_not_movement(film):
    times = np.arange(2000) / 25.0
    rng = np.random.default_rng(0)
    path = np.stack([30.0 * times, 100.0 * np.sin(times)], axis=1)[:, None]
    shaken = path + rng.normal(0, 0.7, path.shape)
    assert jitter(Track(("a",), shaken, times), 0) == pytest.approx(0.7, rel=0.06)
    assert jitter(Track(("a",), path, times), 0) < 0.05
    assert jitter(Track(("a",), path[:2], times[:2]), 0) is None


def test_steps_do_not_cross_an_absence(film):
    course = np.zeros((30, 3, 2))
    course[10:20, 0] = np.nan
    course[20:, 0] = 500.0
    rows = landmark_table(Track(NAMES, course, film.times_s), np.zeros((30, 3), bool)).rows
    assert rows[0][1:6] == ("20", "66.7 %", "1.10", "0.00", "0.00")


# ---- frames by chance


def test_frames_are_drawn_by_a_seed_that_the_page_names(film):
    clip = points_only(film)
    few = sheet(clip, most=5)
    assert [each.frame for each in few.shown] == sorted(each.frame for each in few.shown)
    assert len({each.frame for each in few.shown}) == 5
    assert few == sheet(clip, most=5)
    assert few != sheet(clip, most=5, seed=1)
    for each in few.shown:
        picture = Pillow.open(BytesIO(base64.b64decode(each.uri.partition(",")[2])))
        assert picture.format == "JPEG"
        # The corner holds no landmark: the picture is that of its frame.
        assert np.asarray(picture)[-3:, :3].mean() == pytest.approx(5 * each.frame, abs=4)


def test_a_frame_says_what_was_flagged_in_it(film):
    shown = {each.frame: each for each in sheet(with_posture(film)).shown}
    assert shown[12].notes == ("trunk out of line", "wrist in contact")
    assert shown[4].notes == ("wrist in contact",)
    assert shown[0].notes == ()


def test_the_region_is_shown_and_points_move_with_it(film):
    region = (10, 5, 40, 40)
    clip = points_only(film, region=region, track=track_of(film))
    made = sheet(clip, most=3)
    picture = Pillow.open(BytesIO(base64.b64decode(made.shown[0].uri.partition(",")[2])))
    assert picture.size == (40, 40)
    assert made.paths.width == 40
    first = made.paths.ways[0].runs[0].split(" ")[0]
    x, y = map(float, first.split(","))
    assert (x, y) == pytest.approx(clip.track.coordinates[0, 0] - (10, 5), abs=0.26)
    assert made.whole.startswith("data:image/jpeg")
    assert sheet(points_only(film), most=3).whole == ""
    beyond = sheet(points_only(film, region=(500, 500, 10, 10)), most=1)
    size = Pillow.open(BytesIO(base64.b64decode(beyond.shown[0].uri.partition(",")[2]))).size
    assert size == SIZE


def test_a_track_frame_is_drawn_with_its_covariance(film):
    track = track_of(film, absent=[(0, 2)])
    found = predicted(track, 0, EDGES)
    assert found.found.tolist() == [True, True, False]
    assert found.covariance[0].tolist() == [[2.25, 0.0], [0.0, 2.25]]
    bare = predicted(replace(track, covariance=None), 0, EDGES)
    assert bare.covariance[0].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_a_clip_whose_file_is_gone_still_gives_its_page(film, tmp_path):
    gone = replace(film, path=tmp_path / "gone.mp4")
    html = render_clip(with_posture(gone))
    assert "0 of 30 frames could be read" in html
    assert "Posture over time" in html
    assert images(html) == []


# ---- odd clips


def test_a_clip_of_one_frame(tmp_path):
    path = tmp_path / "one.mp4"
    with VideoWriter(path, SIZE, 25.0) as writer:
        writer.add(np.full((48, 64, 3), 90, dtype=np.uint8))
    video = open_video(path)
    html = render_clip(with_posture(video, smoothed=smooth(track_of(video), OneEuro())))
    words = Page(html).words()
    assert "Frames 1 of 1 in the file" in words
    assert not re.search(r"\bnan\b", html, re.IGNORECASE)
    # the frame, and the frame under the paths
    assert len(images(html)) == 2


def test_a_landmark_that_is_never_found(film):
    track = track_of(film, absent=[(frame, 2) for frame in range(30)])
    html = render_clip(points_only(film, track=track, smoothed=smooth(track, OneEuro())))
    assert "Never found: hand." in html
    assert not re.search(r"\bnan\b", html, re.IGNORECASE)
    row = landmark_table(track, np.zeros((30, 3), dtype=bool)).rows[2]
    assert row == ("hand", "0", "0.0 %", "throughout", "–", "–", "–", "–", "0")


def test_nothing_found_at_all(film):
    course = np.full((30, 3, 2), np.nan)
    nothing = Flags(np.zeros((30, 2), bool), np.zeros((30, 2), bool))
    clip = with_posture(
        film,
        track=Track(NAMES, course, film.times_s),
        angles=np.full((30, 2), np.nan),
        reference=np.full(2, np.nan),
        out_of_line=nothing,
        touching=nothing.columns([0]),
    )
    html = render_clip(clip)
    words = Page(html).words()
    assert "Never found: ear, hip, hand." in words
    assert "Out of line not known" in words
    assert not re.search(r"\bnan\b", html, re.IGNORECASE)


def test_a_track_without_covariance(film):
    track, still = track_of(film), np.zeros((30, 3), dtype=bool)
    assert landmark_table(replace(track, covariance=None), still).rows[0][7] == "–"
    assert landmark_table(track, still).rows[0][7] == "1.50"


# ---- the page itself


def test_nothing_is_fetched_and_the_markup_is_whole(whole):
    clip, _, html = whole
    assert "http:" not in html
    assert "https:" not in html
    page = Page(html)
    assert page.faults == []
    assert page.stack == []
    for tag, attributes in page.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
        for name in ("src", "href"):
            value = attributes.get(name, "#")
            assert value.startswith(("#", "data:image/jpeg;base64,"))
        assert not any(name.startswith("on") for name in attributes)
    anchors = {a["id"] for tag, a in page.tags if tag == "section"}
    targets = {a["href"][1:] for tag, a in page.tags if tag == "a"}
    assert targets == anchors
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert render_clip(clip) == html


def test_hostile_names_stay_text(film):
    track = replace(track_of(film), names=(HOSTILE, "hip", "hand"))
    clip = with_posture(
        film,
        name=HOSTILE,
        track=track,
        edges=((HOSTILE, "hip"),),
        segments=(HOSTILE, "arm"),
        rules=(HOSTILE,),
        problem=HOSTILE,
        provenance={HOSTILE: HOSTILE},
        control=HOSTILE,
    )
    html = render_clip(clip)
    page = Page(html)
    assert page.faults == []
    assert html.count("<script>") == 1
    assert "<b>.mp4" not in html
    assert "<b>.mp4" in page.words()


def test_a_long_clip_is_not_drawn_frame_by_frame():
    rng = np.random.default_rng(0)
    panels = []
    for count in (6000, 12_000):
        times = np.arange(count) / 25.0
        turned = Line(rng.normal(0, 12, count), rng.normal(0, 12, count))
        flags = marked(rng.random(count) < 0.1, times)
        panel = AnglePanel("head", turned, 5.0, THRESHOLD, flags, flags)
        panels.append(len(posture_plot(times, [panel], [BarPanel("wrist", flags, flags)])))
    # Ten segments and the tracks of thirteen landmarks make 4.7 MB of 90,000 frames, pictures and
    # all; were every frame drawn, they would make 100.
    assert panels[1] < 1.1 * panels[0]
    assert panels[1] < 250_000


def test_the_page_is_whole_or_absent(film, tmp_path):
    out = tmp_path / "report.html"
    write_clip_report(points_only(film, track=track_of(film, frames=2)), out)
    assert out.read_text("utf-8").endswith("</html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(OutputError):
        write_clip_report(points_only(film), Path("/dev/null/report.html"))


def test_a_clip_is_checked_at_birth(film):
    whole = with_posture(film)
    with pytest.raises(GeometryError, match=r"angles should be of shape \(30, 2\)"):
        replace(whole, angles=whole.angles[:5])
    with pytest.raises(GeometryError, match="segments come with angles"):
        replace(whole, reference=None)
    with pytest.raises(GeometryError, match="contact come with their flags"):
        replace(whole, touching=None)
    with pytest.raises(GeometryError, match="another clip"):
        points_only(film, track=replace(track_of(film), times_s=film.times_s + 0.03))
    with pytest.raises(GeometryError, match="not of this track"):
        points_only(film, smoothed=smooth(track_of(film, frames=20), OneEuro()))
    with pytest.raises(SchemeError, match="no landmark 'heel'"):
        render_clip(points_only(film, edges=(("ear", "heel"),)))
