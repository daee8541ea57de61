"""Frames carry their number in black and white, so that which frame was read is seen in it."""

import io
import itertools
import sys
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image as Pillow

from palpate.errors import ConfigError, FormatError, GeometryError, OutputError
from palpate.io import video_read
from palpate.io.video import Video, open_video, read_frame, read_frames, read_selected
from palpate.io.video_decode import decoded
from palpate.io.video_length import missing_bytes
from palpate.io.video_write import VideoWriter, write_video

av = pytest.importorskip("av")

WIDTH, HEIGHT = 64, 48
FRAMES = 50
LONG_GOP = {"bf": "3", "g": "250", "sc_threshold": "0"}
OPEN_GOP = {"x264-params": "open-gop=1:bframes=3:b-adapt=0:keyint=10:scenecut=0"}
REFRESH = {"x264-params": "intra-refresh=1:keyint=15:bframes=0:scenecut=0"}
HEVC = {"x265-params": "log-level=none:keyint=10:open-gop=1:scenecut=0"}
ALT_REF = {"auto-alt-ref": "1", "lag-in-frames": "16", "g": "20"}
MILLISECOND = Fraction(1, 1000)


def drawn(number, width=WIDTH, height=HEIGHT):
    """Eight blocks, four in a row: the bits of the number, the lowest first."""
    bits = np.array([[number >> bit & 1 for bit in row] for row in ((0, 1, 2, 3), (4, 5, 6, 7))])
    grey = np.kron(np.where(bits, 235, 20), np.ones((height // 2, width // 4)))
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def number_in(picture):
    height, width = picture.shape[:2]
    blocks = picture[..., 0].reshape(2, height // 2, 4, width // 4)[:, 6:-6, :, 4:-4]
    return int((blocks.mean(axis=(1, 3)) > 128).reshape(-1) @ (1 << np.arange(8)))


def numbers_in(pictures):
    return [number_in(picture) for picture in pictures]


def record(
    path, codec="libx264", *, options=None, times=None, container=None, prepare=None, change=None
):
    """Write numbered frames.

    ``times`` in ms; ``prepare`` changes the track, ``change`` what is written of each packet.
    """
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    with av.open(str(path), "w", container_options=container or {}) as output:
        track = output.add_stream(codec, rate=25, options=options or {})
        track.width, track.height = WIDTH, HEIGHT
        track.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        track.bit_rate = 2_000_000
        if times is not None:
            track.codec_context.time_base = MILLISECOND
        if prepare is not None:
            prepare(track)
        for frame in (*_frames(times, late=change is b_frames_late), None):
            for packet in track.encode(frame):
                output.mux([packet] if change is None else change(packet))
    return path


def _frames(times, *, late):
    for number in range(FRAMES if times is None else len(times)):
        frame = av.VideoFrame.from_ndarray(drawn(number), format="rgb24")
        if late and number < 30:
            frame.pict_type = av.video.frame.PictureType.P
        if times is not None:
            frame.pts, frame.time_base = times[number], MILLISECOND
        yield frame


def b_frames_late(packet):
    """No change; the first B-frames come when a player has made up its mind."""
    return [packet]


def begins_before_zero(packet):
    """Seven frames are before the beginning, which an edit list then cuts away."""
    packet.pts -= 7
    packet.dts -= 7
    return [packet]


def without_the_first_key_frame(packet):
    return [packet] if packet.pts else []


def all_called_key_frames(packet):
    packet.is_keyframe = True
    return [packet]


def key_frames_again_and_hidden(packet):
    """VP8, RFC 6386, 9.1: the fifth bit of a frame says that it is shown."""
    if not packet.is_keyframe or packet.pts == 0:
        return [packet]
    content = bytes(packet)
    hidden = av.Packet(bytes([content[0] & ~0x10]) + content[1:])
    hidden.stream, hidden.time_base = packet.stream, Fraction(1, 1000)
    hidden.pts = hidden.dts = round(1000 * packet.pts * packet.time_base) + 1
    return [packet, hidden]


def with_b_frames(track):
    track.gop_size, track.max_b_frames = 12, 2


def without_b_frames(track):
    track.gop_size, track.max_b_frames = 12, 0


RECORDINGS = {
    "long-gop.mp4": {"options": LONG_GOP},
    "fragmented.mp4": {"options": LONG_GOP, "container": {"movflags": "frag_every_frame"}},
    "open-gop.mp4": {"options": OPEN_GOP},
    "open-gop.mkv": {"options": OPEN_GOP},
    "open-gop-hevc.mov": {"codec": "libx265", "options": HEVC},
    "refreshed.mkv": {"options": REFRESH},
    "b-frames.m4v": {"codec": "mpeg4", "prepare": with_b_frames, "container": {"f": "mp4"}},
    "b-frames.avi": {"codec": "mpeg4", "prepare": with_b_frames},
    "no-b-frames.avi": {"codec": "mpeg4", "prepare": without_b_frames},
    "no-times.avi": {"options": OPEN_GOP},
    "pictures.avi": {"codec": "mjpeg"},
    "hidden-frames.webm": {
        "codec": "libvpx",
        "options": ALT_REF,
        "change": key_frames_again_and_hidden,
    },
    "headless.mkv": {"options": OPEN_GOP, "change": without_the_first_key_frame},
    "vp9.webm": {"codec": "libvpx-vp9", "options": ALT_REF},
    "windows.wmv": {"codec": "wmv2", "prepare": without_b_frames},
    "programme.mpg": {"codec": "mpeg2video", "prepare": with_b_frames},
    "late.mkv": {"options": LONG_GOP, "times": range(5000, 5000 + 40 * FRAMES, 40)},
    "false-keys.mp4": {
        "codec": "mpeg4",
        "prepare": without_b_frames,
        "change": all_called_key_frames,
    },
    "live.mkv": {"options": OPEN_GOP, "container": {"live": "1"}},
    "edited.mp4": {"options": OPEN_GOP, "change": begins_before_zero},
}
FIRST = {"edited.mp4": 7, "headless.mkv": 10}
# An MPEG stream does not say whether its last frame is whole.
LAST = {"programme.mpg": FRAMES - 1}


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A function from a name in RECORDINGS to its file, made once."""
    folder = tmp_path_factory.mktemp("video")

    def made(name):
        if not (folder / name).exists():
            record(folder / name, **RECORDINGS[name])
        return folder / name

    return made


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_frame_is_the_same_by_number_and_in_sequence(recording, name):
    video = open_video(recording(name))
    expected = list(range(FIRST.get(name, 0), LAST.get(name, FRAMES)))
    assert video.frames == len(expected)
    assert video.size == (WIDTH, HEIGHT)
    np.testing.assert_allclose(video.times_s, 0.04 * np.arange(video.frames), atol=1e-9)
    assert video.rate_hz == pytest.approx(25)
    assert video.duration_s == pytest.approx(video.frames / 25)
    assert not video.variable_rate
    assert (video.problem != "") == (name in LAST)
    pictures = list(read_frames(video))
    assert numbers_in(pictures) == expected
    for index in (video.frames - 1, 0, 33, 9, 10, 11, video.frames - 3):
        assert np.array_equal(read_frame(video, index), pictures[index]), index


def _silent_on_order(content):
    """Take the usability information (VUI) out of an H.264 stream: how far it is out of order."""
    start = content.index(b"\x67\x64")
    size = int.from_bytes(content[start - 2 : start], "big")
    raw = content[start + 1 : start + size].replace(b"\0\0\3", b"\0\0")
    bits = "".join(f"{byte:08b}" for byte in raw)
    at = 24
    # ITU-T H.264, 7.3.2.1.1: Golomb numbers and flags up to vui_parameters_present_flag.
    for field in "nnnnffnnnnfnnfff":
        zeros = bits.index("1", at) - at if field == "n" else 0
        at += 2 * zeros + 1
    bits = bits[:at] + "01"
    kept = int(bits.ljust(8 * (-(-len(bits) // 8)), "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    return content[: start + 1] + kept.ljust(size - 1, b"\0") + content[start + size :]


def test_b_frames_that_come_late_and_unannounced_are_not_lost(tmp_path):
    path = tmp_path / "a.mkv"
    options = {"x264-params": "bframes=7:b-pyramid=normal:b-adapt=0:keyint=500:scenecut=0"}
    record(path, options=options, change=b_frames_late)
    path.write_bytes(_silent_on_order(path.read_bytes()))
    video = open_video(path)
    assert video.problem == ""
    assert numbers_in(read_frames(video)) == list(range(FRAMES))
    assert number_in(read_frame(video, 41)) == 41


@pytest.mark.parametrize("name", ["open-gop.mp4", "b-frames.avi", "hidden-frames.webm"])
def test_selected_frames_are_those_of_the_sequence(recording, name, monkeypatch):
    video = open_video(recording(name))
    pictures = list(read_frames(video))
    wanted = [0, 1, 4, 17, 39, 40, 49]
    for gap in (0, 3, 1000):
        monkeypatch.setattr(video_read, "_LONG_GAP", gap)
        found = dict(read_selected(video, wanted))
        assert list(found) == wanted
        assert all(np.array_equal(found[i], pictures[i]) for i in wanted)
    assert numbers_in(read_frames(video, 17, 20)) == [17, 18, 19]
    assert list(read_frames(video, FRAMES)) == []
    assert list(read_selected(video, [])) == []


def test_a_container_that_cannot_seek_is_decoded_from_the_start(recording, monkeypatch):
    def refuses(self, key, *, stream):
        raise av.error.PermissionError(1, "Operation not permitted")

    class Unseekable:
        def __init__(self, container):
            self._container = container

        def __getattr__(self, name):
            return getattr(self._container, name)

        seek = refuses

    opened = video_read.opened

    @contextmanager
    def unseekable(path):
        with opened(path) as (container, track):
            yield Unseekable(container), track

    monkeypatch.setattr(video_read, "opened", unseekable)
    assert number_in(read_frame(open_video(recording("open-gop.mkv")), 45)) == 45


@pytest.fixture
def packets_read(monkeypatch):
    """The packets that went into a decoder, as a growing list."""
    read = []

    class Counted(video_read.Packets):
        def __iter__(self):
            for packet in super().__iter__():
                read.append(packet.pts)
                yield packet

    monkeypatch.setattr(video_read, "Packets", Counted)
    return read


def test_reading_is_lazy_and_a_long_gap_is_not_decoded(recording, packets_read, monkeypatch):
    video = open_video(recording("open-gop.mp4"))
    packets_read.clear()
    frames = read_frames(video)
    assert packets_read == []
    assert number_in(next(frames)) == 0
    # A decoder works ahead by its threads, of which there are 16 at most.
    assert len(packets_read) < 30
    frames.close()
    packets_read.clear()
    assert number_in(read_frame(video, 42)) == 42
    assert packets_read[0] == 40 * 512
    monkeypatch.setattr(video_read, "_LONG_GAP", 5)
    packets_read.clear()
    assert [number for number, _ in read_selected(video, [0, 49])] == [0, 49]
    assert len(set(packets_read)) < 45


def test_a_decoder_of_444_is_shown_the_first_packet(tmp_path, packets_read):
    """Old x264 says there how it coded; without it every picture after a seek is torn."""

    def prepare(track):
        track.pix_fmt = "yuv444p"

    video = open_video(record(tmp_path / "a.mp4", options=OPEN_GOP, prepare=prepare))
    packets_read.clear()
    assert number_in(read_frame(video, 42)) == 42
    assert packets_read[:2] == [0, 40 * 512]


def test_times_of_a_changing_rate_are_those_of_the_file(tmp_path):
    times = list(itertools.accumulate([0, 40, 40, 33, 90, 40, 7, 40, 40, 400, 40]))
    for name in ("a.mp4", "a.mkv"):
        video = open_video(record(tmp_path / name, options=LONG_GOP, times=times))
        np.testing.assert_allclose(video.times_s, np.array(times) / 1000, atol=1e-6)
        assert video.variable_rate
        assert video.problem == ""
        assert video.rate_hz == pytest.approx(25)
        assert numbers_in(read_frames(video)) == list(range(len(times)))


def test_a_clock_of_milliseconds_is_no_changing_rate(tmp_path):
    times = [round(1000 * number / 120) for number in range(40)]
    video = open_video(record(tmp_path / "a.mkv", options=LONG_GOP, times=times))
    assert not video.variable_rate
    assert video.rate_hz == pytest.approx(120, rel=0.01)


def test_one_frame_has_the_rate_that_the_file_claims(tmp_path):
    write_video(tmp_path / "a.mp4", [drawn(5)], rate_hz=12.5)
    video = open_video(tmp_path / "a.mp4")
    assert (video.frames, video.rate_hz, video.duration_s) == (1, 12.5, 0.08)
    assert not video.variable_rate


def _shows(turned, picture):
    return np.abs(turned.astype(float) - picture).mean() < 8


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_pictures_are_upright_as_a_player_shows_them(tmp_path, degrees, mirrored):
    """The muxer turns counter-clockwise, then mirrors left and right."""
    path = record(
        tmp_path / "a.mp4",
        options=LONG_GOP,
        prepare=lambda track: track.set_display_rotation(degrees, hflip=mirrored),
    )
    video = open_video(path)
    expected = np.rot90(drawn(37), k=degrees // 90)
    expected = expected[:, ::-1] if mirrored else expected
    picture = read_frame(video, 37)
    assert _shows(picture, expected)
    assert picture.flags.c_contiguous
    assert video.size == (expected.shape[1], expected.shape[0])
    assert video.mirrored == mirrored
    if not mirrored:
        assert video.rotation_deg == -degrees % 360


def test_a_skew_picture_is_refused(tmp_path):
    path = record(
        tmp_path / "a.mp4", prepare=lambda track: track.set_display_rotation(30), times=[0, 40]
    )
    with pytest.raises(FormatError, match="30 degrees; only quarter turns"):
        open_video(path)


@pytest.mark.parametrize(("degrees", "aspect"), [(0, 1.5), (90, 1 / 1.5)])
def test_pixels_that_are_not_square_are_told(tmp_path, degrees, aspect):
    def prepare(track):
        track.sample_aspect_ratio = Fraction(3, 2)
        track.set_display_rotation(degrees)

    video = open_video(record(tmp_path / "a.mp4", prepare=prepare, times=[0, 40]))
    assert video.pixel_aspect == pytest.approx(aspect)


# Files that break off


@pytest.mark.parametrize(
    "name",
    [
        "long-gop.mp4",
        "fast.mp4",
        "fragmented.mp4",
        "open-gop.mkv",
        "b-frames.avi",
        "pictures.avi",
        "vp9.webm",
        "windows.wmv",
        "programme.mpg",
    ],
)
def test_a_file_cut_anywhere_is_refused_or_read_up_to_there(recording, tmp_path, name):
    if name == "fast.mp4":
        whole = record(tmp_path / name, options=OPEN_GOP, container={"movflags": "faststart"})
    else:
        whole = recording(name)
    originals = {number_in(p): p for p in read_frames(open_video(whole))}
    assert missing_bytes(whole) in (0, None)
    content = whole.read_bytes()
    read = 0
    for share in (0.01, 0.1, 0.3, 0.42, 0.55, 0.61, 0.7, 0.78, 0.85, 0.93, 0.99, 0.9999):
        cut = tmp_path / f"cut-{share}-{name}"
        cut.write_bytes(content[: int(share * len(content))])
        try:
            video = open_video(cut)
        except FormatError:
            continue
        assert video.problem
        pictures = list(read_frames(video))
        assert len(pictures) == video.frames
        numbers = numbers_in(pictures)
        assert numbers == sorted(set(numbers))
        assert all(np.array_equal(originals[n], p) for n, p in zip(numbers, pictures, strict=True))
        read += video.frames
    assert read > 0


def _spoiled(source, target, packets):
    """Copy a file with the content of some packets, by their number in the file, overwritten."""
    with av.open(str(source)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    content = bytearray(source.read_bytes())
    noise = np.random.default_rng(0)
    for packet in packets:
        place, size = places[packet]
        content[place + 4 : place + size] = noise.bytes(size - 4)
    target.write_bytes(content)
    return target


@pytest.mark.parametrize("name", ["open-gop.mp4", "no-b-frames.avi"])
def test_damage_inside_ends_reading_there_and_later_frames_can_be_had(recording, tmp_path, name):
    originals = list(read_frames(open_video(recording(name))))
    video = open_video(_spoiled(recording(name), tmp_path / name, [16, 17, 18]))
    found = []
    with pytest.raises(FormatError, match=r"frame \d+ of \d+ and what follows cannot") as caught:
        found.extend(read_frames(video))
    assert 8 < len(found) <= 18
    assert f"frame {len(found)} of" in str(caught.value)
    assert all(np.array_equal(a, b) for a, b in zip(found, originals, strict=False))
    with pytest.raises(FormatError, match="cannot be decoded"):
        read_frame(video, len(found))
    last = read_frame(video, video.frames - 1)
    assert np.array_equal(last, originals[-1])


@pytest.mark.parametrize("name", ["open-gop.mp4", "b-frames.m4v"])
def test_no_frame_that_depends_on_a_damaged_one_is_given(recording, tmp_path, name):
    originals = list(read_frames(open_video(recording(name))))
    for packet in range(24, 34):
        video = open_video(_spoiled(recording(name), tmp_path / f"{packet}-{name}", [packet]))
        with pytest.raises(FormatError, match="cannot be decoded"):  # noqa: PT012
            for picture, original in zip(read_frames(video), originals, strict=True):
                assert np.array_equal(picture, original)


def test_a_damaged_picture_that_stands_for_itself_spoils_no_other(recording, tmp_path):
    name = "pictures.avi"
    originals = list(read_frames(open_video(recording(name))))
    video = open_video(_spoiled(recording(name), tmp_path / name, [20]))
    assert video.frames == FRAMES
    found = []
    with pytest.raises(FormatError, match=r"frame 20 of 50 .* frame 21 may be readable"):
        found.extend(read_frames(video))
    found += [originals[20], *read_frames(video, start=21)]
    assert np.array_equal(found, originals)


def _scripted(script):
    """A track whose decoder gives, for each packet, what the script says.

    ``K3``: key frame of time 3; ``f3``: another frame; ``x3``: a damaged one; ``!``: an error.
    """

    def frame(word):
        return SimpleNamespace(
            pts=int(word[1:]), key_frame=word[0] == "K", is_corrupt=word[0] == "x"
        )

    def decode(packet):
        words = outcome[packet.pts if packet else None].split()
        if "!" in words:
            raise av.error.InvalidDataError(1, "scripted")
        return [frame(word) for word in words]

    outcome = dict(script)
    packets = [SimpleNamespace(pts=t, is_corrupt=o == "-") for t, o in script if t is not None]
    context = SimpleNamespace(name="mpeg4", reorder_depth=1)
    track = SimpleNamespace(
        codec=SimpleNamespace(intra_only=False), codec_context=context, decode=decode
    )
    return track, packets


@pytest.mark.parametrize(
    ("script", "sound"),
    [
        # 1 is decoded after 2, which is damaged, and shown before it.
        ([(0, ""), (2, "K0"), (1, "f1"), (3, "x2"), (None, "f3")], [0]),
        # The next key frame stands for itself; what is shown before it does not.
        ([(0, "K0"), (1, "x1"), (3, ""), (2, "f2"), (None, "K3")], [0, 3]),
        # A key frame that waits while another packet fails clears nothing.
        ([(0, ""), (2, "!"), (1, "K0"), (3, "f1"), (4, "f3"), (None, "K4")], [4]),
        # What went in before a part that is missing does not need it.
        ([(0, ""), (2, "K0"), (1, "-"), (None, "f2")], [0, 2]),
        ([(0, ""), (1, "-"), (2, "K0"), (None, "f2")], [0]),
    ],
)
def test_what_is_sound_follows_from_the_order_of_decoding(script, sound):
    track, packets = _scripted(script)
    assert [frame.pts for frame, good in decoded(track, packets, sound=True) if good] == sound


def test_nothing_before_the_first_key_frame_is_sound_after_a_seek():
    track, packets = _scripted([(4, "f2"), (5, "K4"), (6, "f5"), (None, "f6")])
    found = [frame.pts for frame, good in decoded(track, packets, sound=False) if good]
    assert found == [4, 5, 6]


def test_damage_that_decoding_met_on_opening_is_a_problem(recording, tmp_path):
    name = "no-b-frames.avi"
    video = open_video(_spoiled(recording(name), tmp_path / name, [20, 21]))
    assert "damaged" in video.problem
    video = open_video(_spoiled(recording(name), tmp_path / f"b-{name}", range(41, FRAMES)))
    assert "is damaged" in video.problem
    assert numbers_in(read_frames(video)) == list(range(video.frames))
    assert video.frames < 45


# What is no video


def _audio(path, *, cover=False):
    with av.open(str(path), "w") as output:
        track = output.add_stream("aac", rate=8000, layout="mono")
        picture = output.add_stream("mjpeg", rate=25) if cover else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
            frame = av.VideoFrame.from_ndarray(drawn(1), format="rgb24")
            output.mux(picture.encode(frame) + picture.encode(None))
        for _ in range(4):
            silence = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            silence.rate = 8000
            output.mux(track.encode(silence))
        output.mux(track.encode(None))
    return path


def _without_frames(path):
    with av.open(str(path), "w") as output:
        track = output.add_stream("mpeg4", rate=25)
        track.width, track.height, track.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        output.start_encoding()
    return path


def _png(path):
    Pillow.fromarray(drawn(1)).save(path, format="PNG")
    return path


def _written(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "none.mp4", "no such file"),
        (lambda folder: folder, "is not a file"),
        (lambda folder: _written(folder / "a.mp4", b""), "empty"),
        (
            lambda folder: _written(folder / "a.mp4", b"no video at all, only a text\n" * 99),
            "not a",
        ),
        (lambda folder: _written(folder / "a.avi", bytes(range(256)) * 40), "not a video"),
        (lambda folder: _png(folder / "a.mp4"), "not a video"),
        (lambda folder: _without_frames(folder / "a.avi"), "no picture that can be decoded"),
        (lambda folder: _audio(folder / "a.mp4"), "no moving pictures, only audio"),
        (lambda folder: _audio(folder / "a.mp4", cover=True), "no moving pictures"),
        (lambda folder: _written(folder / "a.mkv", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"), "not a"),
    ],
)
def test_what_is_no_video_is_refused_in_one_sentence(tmp_path, make, says):
    path = make(tmp_path)
    with pytest.raises(FormatError, match=says) as caught:
        open_video(path)
    assert str(path) in str(caught.value)


def test_a_frame_beyond_the_end_is_refused_by_name_number_and_count(recording):
    path = recording("long-gop.mp4")
    video = open_video(path)
    for index in (FRAMES, -1):
        with pytest.raises(FormatError, match=rf"no frame {index}: it has {FRAMES}") as caught:
            read_frame(video, index)
        assert str(path) in str(caught.value)
    with pytest.raises(FormatError, match="not 3 up to 51"):
        read_frames(video, 3, FRAMES + 1)
    with pytest.raises(FormatError, match="sorted"):
        read_selected(video, [3, 3])


def test_a_file_that_changed_is_noticed(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path, [drawn(n) for n in range(4)], rate_hz=25.0)
    old = open_video(path)
    write_video(path, [drawn(n) for n in range(6)], rate_hz=25.0)
    with pytest.raises(FormatError, match="changed since"):
        next(read_frames(old))
    assert numbers_in(read_frames(open_video(path))) == list(range(6))


def test_a_picture_of_another_size_inside_is_refused(tmp_path):
    def jpeg(width, height):
        stream = io.BytesIO()
        Pillow.fromarray(drawn(9, width, height)).save(stream, format="JPEG")
        return stream.getvalue()

    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as output:
        track = output.add_stream("mjpeg", rate=25)
        track.width, track.height, track.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        output.start_encoding()
        for number, size in enumerate([(64, 48), (64, 48), (32, 24)]):
            packet = av.Packet(jpeg(*size))
            packet.stream, packet.time_base = track, Fraction(1, 25)
            packet.pts = packet.dts = number
            output.mux(packet)
    frames = read_frames(open_video(path))
    assert numbers_in(itertools.islice(frames, 2)) == [9, 9]
    with pytest.raises(FormatError, match="frame 2 is 32 x 24 px, the first is 64 x 48 px"):
        next(frames)


def test_a_file_may_have_any_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "child 1 %03d #ä.mp4", Path("pipe:1.mp4"), Path("http:a.mp4")):
        write_video(path, [drawn(n) for n in range(3)], rate_hz=25.0)
        assert numbers_in(read_frames(open_video(path))) == [0, 1, 2]


@pytest.mark.parametrize(
    "wrong",
    [
        {"times_s": np.array([])},
        {"times_s": np.array([0.1, 0.2])},
        {"times_s": np.array([0.0, 0.1, 0.1])},
        {"times_s": np.array([0.0, np.nan])},
        {"size": (0, 48)},
        {"rotation_deg": 45},
    ],
)
def test_a_video_is_checked_at_birth(tmp_path, wrong):
    right = {"path": tmp_path, "size": (64, 48), "times_s": np.array([0.0, 0.1])}
    assert Video(**right).rate_hz == pytest.approx(10)
    with pytest.raises(FormatError):
        Video(**(right | wrong))


def test_without_pyav_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    _written(tmp_path / "a.mp4", b"some")
    with pytest.raises(ConfigError, match=r"pip install 'palpate\[video\]'"):
        open_video(tmp_path / "a.mp4")
    with pytest.raises(ConfigError, match="PyAV"):
        write_video(tmp_path / "b.mp4", [drawn(1)], rate_hz=25.0)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


# Video out


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "new" / "a.mp4"
    assert write_video(path, (drawn(n) for n in range(FRAMES)), rate_hz=30000 / 1001) == FRAMES
    video = open_video(path)
    assert (video.frames, video.size, video.problem) == (FRAMES, (WIDTH, HEIGHT), "")
    assert video.rate_hz == pytest.approx(30000 / 1001, rel=1e-6)
    assert numbers_in(read_frames(video)) == list(range(FRAMES))
    assert [p.name for p in path.parent.iterdir()] == ["a.mp4"]
    assert path.stat().st_mode & 0o777 == 0o644


COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (224, 172, 140)]


@pytest.mark.parametrize("colour", COLOURS)
def test_colours_come_back(tmp_path, colour):
    picture = np.broadcast_to(np.array(colour, np.uint8), (HEIGHT, WIDTH, 3)).copy()
    write_video(tmp_path / "a.mp4", [picture] * 3, rate_hz=25.0)
    back = read_frame(open_video(tmp_path / "a.mp4"), 1)
    assert np.abs(back.astype(int) - picture).max() <= 4


@pytest.mark.parametrize("matrix", [1, 5])
@pytest.mark.parametrize("spread", [1, 2])
def test_matrix_and_range_of_the_file_are_heeded(tmp_path, matrix, spread):
    """ITU-R BT.709 and BT.601, limited and full range: the same red."""
    red = np.full((HEIGHT, WIDTH, 3), (200, 40, 30), np.uint8)
    with av.open(str(tmp_path / "a.mp4"), "w") as output:
        track = output.add_stream("libx264", rate=25, options={"crf": "1"})
        track.width, track.height, track.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        track.colorspace, track.color_range = matrix, spread
        frame = av.VideoFrame.from_ndarray(red, format="rgb24").reformat(
            format="yuv420p", dst_colorspace=matrix, dst_color_range=spread
        )
        output.mux(track.encode(frame) + track.encode(None))
    back = read_frame(open_video(tmp_path / "a.mp4"), 0)
    assert np.abs(back.astype(int) - red).max() <= 4


def test_an_odd_size_is_made_even_by_repeating_the_edge(tmp_path):
    picture = np.zeros((33, 51, 3), np.uint8)
    picture[-1] = picture[:, -1] = 230
    write_video(tmp_path / "a.mp4", [picture] * 2, rate_hz=10.0, crf=4)
    video = open_video(tmp_path / "a.mp4")
    assert video.size == (52, 34)
    back = read_frame(video, 1)
    assert back[33, :].min() > 200
    assert back[:, 51].min() > 200
    assert back[:30, :48].max() < 30


def test_frames_are_taken_one_by_one(tmp_path, monkeypatch):
    events = []
    add = VideoWriter.add
    monkeypatch.setattr(VideoWriter, "add", lambda w, f: (events.append("added"), add(w, f))[1])

    def frames():
        for number in range(5):
            events.append("taken")
            yield drawn(number)

    write_video(tmp_path / "a.mp4", frames(), rate_hz=25.0)
    assert events == ["taken", "added"] * 5


def _failing(good):
    for number in range(good):
        yield drawn(number)
    raise RuntimeError("the camera was pulled out")


def test_frames_written_before_an_error_are_kept(tmp_path):
    with pytest.raises(RuntimeError, match="camera"):
        write_video(tmp_path / "a.mp4", _failing(7), rate_hz=25.0)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    video = open_video(tmp_path / "a.mp4")
    assert video.problem == ""
    assert numbers_in(read_frames(video)) == list(range(7))


def test_an_error_before_the_first_frame_leaves_everything_as_it_was(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"as it was")
    with pytest.raises(RuntimeError, match="camera"):
        write_video(path, _failing(0), rate_hz=25.0)
    with pytest.raises(RuntimeError, match="other"), VideoWriter(path, (WIDTH, HEIGHT), 25.0):
        raise RuntimeError("other")
    with pytest.raises(OutputError, match="no frame"):
        write_video(path, [], rate_hz=25.0)
    with pytest.raises(OutputError, match="no frame"), VideoWriter(path, (WIDTH, HEIGHT), 25.0):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    assert path.read_bytes() == b"as it was"


def test_the_file_has_another_name_until_it_is_complete(tmp_path):
    with VideoWriter(tmp_path / "a.mp4", (WIDTH, HEIGHT), 25.0) as writer:
        writer.add(drawn(1))
        assert not (tmp_path / "a.mp4").exists()
        assert [p.suffix for p in tmp_path.iterdir()] == [".partial"]
    assert writer.frames == 1
    with pytest.raises(OutputError, match="inside 'with"):
        writer.add(drawn(2))
    assert open_video(tmp_path / "a.mp4").frames == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"path": "a.avi"}, "ends in .mp4"),
        ({"rate_hz": 0.0}, "rate_hz is 0"),
        ({"rate_hz": float("nan")}, "rate_hz is nan"),
        ({"rate_hz": 1e-9}, "rate_hz"),
        ({"crf": 52}, "crf is 52"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(tmp_path, change, says):
    right = {"path": "a.mp4", "rate_hz": 25.0, "crf": 18} | change
    path = tmp_path / right.pop("path")
    with pytest.raises(ConfigError, match=says):
        write_video(path, [drawn(1)], **right)
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_size_is_refused_and_those_before_are_kept(tmp_path):
    frames = [drawn(0), drawn(1), drawn(2)[:, 1:]]
    with pytest.raises(GeometryError, match=r"frame 2 is uint8 of shape \(48, 63, 3\)"):
        write_video(tmp_path / "a.mp4", frames, rate_hz=25.0)
    assert numbers_in(read_frames(open_video(tmp_path / "a.mp4"))) == [0, 1]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="could not write"):
        write_video(tmp_path / "file" / "a.mp4", [drawn(1)], rate_hz=25.0)
