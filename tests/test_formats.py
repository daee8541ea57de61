"""The contract of every annotation format: round trip, agreement, golden files, cut files."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palpate.errors import FormatError, OutputError, PalpateError
from palpate.io.annotation import AnnotatedImage, AnnotationFile
from palpate.io.formats import (
    READERS,
    WRITERS,
    format_of,
    format_to_write,
    not_carried,
    read_annotation,
    reader_of,
    writer_of,
)
from palpate.points import ABSENT, OCCLUDED, VISIBLE, Points
from palpate.scheme import LandmarkScheme

DATA = Path(__file__).parent / "data" / "formats"
# Where each writer writes; a name without suffix is a folder.
FILES = {
    "csv": "landmarks.csv",
    "coco": "labels.json",
    "deeplabcut": "CollectedData_Ann.csv",
    "deeplabcut-h5": "CollectedData_Ann.h5",
    "slicer": "markups",
    "tps": "wings.tps",
    "pts": "points",
    "labelme": "labelme",
}
SINGLE = FILES | {"slicer": "a.mrk.json", "pts": "a.pts", "labelme": "a.json"}
# What is lost by each format where a file uses everything.
LOST = {
    "csv": {"image size", "edges", "mirror pairs"},
    "coco": {"mirror pairs"},
    "deeplabcut": {
        *("subject", "group", "split", "image size", "occlusion", "edges", "mirror pairs"),
    },
    "deeplabcut-h5": {
        *("subject", "group", "split", "image size", "occlusion", "edges", "mirror pairs"),
    },
    "slicer": {"edges", "mirror pairs"},
    "tps": {"edges", "mirror pairs"},
    "pts": {
        *("image names", "subject", "annotator", "group", "split", "image size", "occlusion"),
        *("landmark names", "edges", "mirror pairs"),
    },
    "labelme": {"edges", "mirror pairs"},
}
SCHEME = LandmarkScheme(
    "head",
    ("nose", "ear_l", "ear_r"),
    mirror=(("ear_l", "ear_r"),),
    edges=(("nose", "ear_l"),),
)
NAN = (np.nan, np.nan)


def row(image: str, points: list[tuple[float, float]], visibility: list[int]) -> AnnotatedImage:
    return AnnotatedImage(
        image,
        Points(SCHEME, np.array(points), np.array(visibility)),
        subject="p01",
        annotator="Ann",
        group="lateral",
        split="train",
        size=(640, 480),
    )


def example(*, absent: bool) -> AnnotationFile:
    third = (NAN, ABSENT) if absent else ((12.0, 24.125), VISIBLE)
    rows = (
        row("b/film_1.png", [(31.0, 20.1), (40.25, 22.5), third[0]], [2, 2, third[1]]),
        row("a/film_2.png", [(0.0, 0.0), (110.5, 198.7), (639.0, 479.0)], [2, OCCLUDED, 2]),
    )
    return AnnotationFile(SCHEME, rows)


def same(a: AnnotationFile, b: AnnotationFile) -> bool:
    def plain(file: AnnotationFile) -> list[object]:
        return [
            (
                *(r.image, r.subject, r.annotator, r.group, r.split, r.size),
                *(repr(r.points.coordinates.tolist()), r.points.visibility.tolist()),
            )
            for r in file.rows
        ]

    return a.scheme.names == b.scheme.names and plain(a) == plain(b)


def test_every_format_is_under_test() -> None:
    assert set(FILES) == set(WRITERS)
    assert set(READERS) - set(WRITERS) == {"slicer-1mm"}
    assert {folder.name for folder in DATA.iterdir()} == set(READERS)


# --- golden files -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READERS)
def test_a_sample_file_holds_what_a_person_reads_in_it(name: str) -> None:
    wanted = tomllib.loads((DATA / name / "expected.toml").read_text())
    (sample,) = (DATA / name).glob("sample*")
    found = READERS[name](sample)
    assert list(found.scheme.names) == wanted["landmarks"]
    assert found.scheme.edges == tuple(map(tuple, wanted.get("edges", ())))
    assert len(found.rows) == len(wanted["rows"])
    for got, want in zip(found.rows, wanted["rows"], strict=True):
        for field in ("image", "subject", "annotator", "group", "split"):
            assert getattr(got, field) == want.get(field, "")
        assert got.size == (tuple(want["size"]) if "size" in want else None)
        if "line" in want:
            assert got.line == want["line"]
        for landmark, state in zip(found.scheme.names, got.points.visibility, strict=True):
            if landmark in want["points"]:
                assert got.points[landmark].tolist() == want["points"][landmark]
                assert state == (OCCLUDED if landmark in want.get("occluded", ()) else VISIBLE)
            else:
                assert state == ABSENT


@pytest.mark.parametrize("name", sorted(set(READERS) - {"slicer-1mm"}))
def test_the_format_of_a_sample_is_found(name: str) -> None:
    (sample,) = (DATA / name).glob("sample*")
    assert format_of(sample) == name
    assert same(read_annotation(sample), READERS[name](sample))


# --- round trips --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_written_is_read_back(name: str, tmp_path: Path) -> None:
    before = example(absent=name != "pts")
    path = tmp_path / FILES[name]
    WRITERS[name](before, path)
    after = READERS[name](path)
    assert set(not_carried(before, after, path=path)) == LOST[name]
    assert format_of(path) == name
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("name", WRITERS)
def test_all_formats_agree_on_the_pixels(name: str, tmp_path: Path) -> None:
    """A chain through every format ends where it began."""
    before = example(absent=False)
    file = before
    for step, other in enumerate([name, *WRITERS]):
        path = tmp_path / str(step) / FILES[other]
        sized = tuple(replace(r, size=(640, 480)) for r in file.rows)
        WRITERS[other](replace(file, rows=sized), path)
        file = READERS[other](path)
    by_stem = {Path(r.image).stem: r for r in file.rows}
    for r in before.rows:
        apart = by_stem[Path(r.image).stem].points.coordinates - r.points.coordinates
        assert np.abs(apart).max() < 1e-9


NAMES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8),
    min_size=1,
    max_size=4,
    unique=True,
)
IMAGES = st.lists(
    st.from_regex(r"[a-z0-9_]{1,6}( [a-z]{1,3})?", fullmatch=True),
    min_size=1,
    max_size=3,
    unique=True,
)


Drawn = tuple[list[str], dict[str, list[tuple[int, float, float]]]]


@st.composite
def drawn_files(draw: st.DrawFn, *, finite: st.SearchStrategy[float], absent: bool) -> Drawn:
    """Names, and (visibility, x, y) of each by image: plain values, no object of ours.

    The type checker of the tests draws random numbers, which a strategy must not.
    """
    names = draw(NAMES)
    states = (ABSENT, OCCLUDED, VISIBLE) if absent else (OCCLUDED, VISIBLE)
    triple = st.tuples(st.sampled_from(states), finite, finite)
    table = st.lists(triple, min_size=len(names), max_size=len(names))
    return names, {f"{image}.png": draw(table) for image in draw(IMAGES)}


def built(drawn: Drawn) -> AnnotationFile:
    names, images = drawn
    scheme = LandmarkScheme("drawn", tuple(names))
    rows = []
    for image, triples in images.items():
        visibility = np.array([v for v, _, _ in triples])
        table = np.array([(x, y) if v != ABSENT else NAN for v, x, y in triples])
        points = Points(scheme, table, visibility)
        rows.append(AnnotatedImage(image, points, annotator="Ann", size=(1000, 900)))
    return AnnotationFile(scheme, tuple(rows))


@pytest.mark.parametrize("name", ["csv", "coco", "deeplabcut", "deeplabcut-h5", "slicer"])
def test_pixel_centred_formats_lose_no_bit(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    wide = st.floats(-1e12, 1e12, allow_nan=False)

    @settings(max_examples=12 if name == "deeplabcut-h5" else 40, deadline=None)
    @given(drawn_files(finite=wide, absent=True))
    def law(drawn: Drawn) -> None:
        before = built(drawn)
        path = tmp_path_factory.mktemp("exact") / FILES[name]
        WRITERS[name](before, path)
        after = READERS[name](path)
        found = {r.image: r for r in after.rows}
        assert after.scheme.names == before.scheme.names
        for r in before.rows:
            got = found[r.image].points
            np.testing.assert_array_equal(got.coordinates, r.points.coordinates)
            if not name.startswith("deeplabcut"):
                np.testing.assert_array_equal(got.visibility, r.points.visibility)

    law()


@pytest.mark.parametrize("name", ["tps", "pts", "labelme"])
def test_shifted_formats_lose_only_rounding(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    @settings(max_examples=40, deadline=None)
    @given(drawn_files(finite=st.floats(0, 899), absent=name != "pts"))
    def law(drawn: Drawn) -> None:
        before = built(drawn)
        path = tmp_path_factory.mktemp("shifted") / FILES[name]
        WRITERS[name](before, path)
        lost = not_carried(before, READERS[name](path), path=path)
        if name != "pts":
            assert "landmark names" not in lost
            assert "occlusion" not in lost

    law()


# --- cut files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITERS)
def test_a_cut_file_is_refused_with_its_name(name: str, tmp_path: Path) -> None:
    whole = example(absent=name != "pts")
    if SINGLE[name] != FILES[name]:
        whole = replace(whole, rows=whole.rows[:1])
    path = tmp_path / "whole" / SINGLE[name]
    WRITERS[name](whole, path)
    content, complete = path.read_bytes(), READERS[name](path)
    cut = tmp_path / SINGLE[name]
    refusals = []
    for percent in range(0, 96, 5):
        cut.write_bytes(content[: len(content) * percent // 100])
        try:
            found = READERS[name](cut)
        except FormatError as error:
            refusals.append(str(error))
        else:
            assert same(found, complete), f"cut at {percent} %"
    assert len(refusals) >= 18
    assert all(cut.name in refusal for refusal in refusals)


@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"deeplabcut-h5"}))
def test_a_text_cut_at_any_byte_gives_whole_rows_or_is_refused(name: str, tmp_path: Path) -> None:
    """A table cut exactly between two rows is a shorter table; nothing else may get through."""
    whole = example(absent=name != "pts")
    tables = name in ("csv", "deeplabcut", "tps")
    if not tables:
        whole = replace(whole, rows=whole.rows[:1])
    path = tmp_path / "whole" / SINGLE[name]
    WRITERS[name](whole, path)
    content, complete = path.read_bytes(), READERS[name](path)
    cut = tmp_path / SINGLE[name]
    passed = 0
    # Every byte of a table; of JSON, which is longer and says its end, some hundreds.
    for size in range(0, len(content), 1 if tables or name == "pts" else len(content) // 150):
        cut.write_bytes(content[:size])
        try:
            found = READERS[name](cut)
        except FormatError:
            continue
        passed += 1
        assert same(found, replace(complete, rows=complete.rows[: len(found.rows)]))
    assert passed <= 2


@pytest.mark.parametrize("name", READERS)
def test_nothing_and_nonsense_are_refused(name: str, tmp_path: Path) -> None:
    (sample,) = (DATA / name).glob("sample*")
    suffix = "".join(sample.suffixes) or {"pts": ".pts", "labelme": ".json"}.get(name, ".mrk.json")
    path = tmp_path / f"file{suffix}"
    with pytest.raises(FormatError, match="no such file"):
        READERS[name](path)
    for content in (
        b"",
        b"\n",
        b"\x00\xff\x00",
        b"{}",
        b"[1, 2]",
        b'"a"',
        b"null",
        b"1\n",
        b"a,b\n",
    ):
        path.write_bytes(content)
        with pytest.raises(FormatError, match="file"):
            READERS[name](path)


# --- what a format cannot say -------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITERS)
def test_volumes_are_refused_where_only_pictures_fit(name: str, tmp_path: Path) -> None:
    scheme = LandmarkScheme("solid", ("tip",), dimension=3)
    points = Points.of(scheme, [[1.0, 2.0, 3.5]])
    before = AnnotationFile(scheme, (AnnotatedImage("a.nii", points),))
    path = tmp_path / FILES[name]
    if name == "csv":
        WRITERS[name](before, path)
        assert read_annotation(path).rows[0].points["tip"].tolist() == [1.0, 2.0, 3.5]
    else:
        with pytest.raises(OutputError, match="three axes"):
            WRITERS[name](before, path)
        assert not path.exists()


@pytest.mark.parametrize("name", WRITERS)
def test_two_annotators_are_kept_or_refused(name: str, tmp_path: Path) -> None:
    one = example(absent=False)
    two = replace(one, rows=one.rows + tuple(replace(r, annotator="Ben") for r in one.rows))
    path = tmp_path / FILES[name]
    if name in ("csv", "coco", "tps"):
        WRITERS[name](two, path)
        assert [r.annotator for r in read_annotation(path).rows] == ["Ann", "Ann", "Ben", "Ben"]
    else:
        with pytest.raises(OutputError, match="choose one"):
            WRITERS[name](two, path)
        assert not path.exists()


@pytest.mark.parametrize("name", WRITERS)
def test_an_image_given_twice_or_not_at_all_is_not_written(name: str, tmp_path: Path) -> None:
    one = example(absent=False)
    for rows in ((), one.rows + one.rows):
        with pytest.raises(OutputError):
            WRITERS[name](replace(one, rows=rows), tmp_path / FILES[name])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["pts", "labelme", "slicer"])
@pytest.mark.parametrize("image", ["../out.png", "/etc/a.png", "a/../../b.png", "..", "C:\\a.png"])
def test_an_image_name_cannot_leave_the_folder(name: str, image: str, tmp_path: Path) -> None:
    one = example(absent=False)
    hostile = replace(one, rows=(replace(one.rows[0], image=image), one.rows[1]))
    with pytest.raises(OutputError, match="no name for a file"):
        WRITERS[name](hostile, tmp_path / "inside" / "folder")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["pts", "labelme", "slicer"])
def test_a_folder_is_not_mixed_with_files_of_others(name: str, tmp_path: Path) -> None:
    one = example(absent=False)
    WRITERS[name](one, tmp_path / "a")
    WRITERS[name](one, tmp_path / "a")  # the same images again: replaced
    stranger = replace(one, rows=(replace(one.rows[0], image="other.png"),))
    with pytest.raises(OutputError, match="already holds"):
        WRITERS[name](stranger, tmp_path / "a")
    twins = tuple(replace(one.rows[0], image=image) for image in ("x.png", "x.jpg"))
    with pytest.raises(OutputError, match="two images"):
        WRITERS[name](replace(one, rows=twins), tmp_path / "b")
    with pytest.raises(OutputError, match="one image a file"):
        WRITERS[name](one, tmp_path / SINGLE[name])


# --- which format -------------------------------------------------------------------------------


def test_a_format_that_cannot_be_told_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"shapes": [], "annotations": []}')
    with pytest.raises(FormatError, match="fits coco and labelme"):
        format_of(tmp_path / "a.json")
    (tmp_path / "a.csv").write_text("film,x,y\n")
    with pytest.raises(FormatError, match=r"'image' .csv. or 'scorer'"):
        format_of(tmp_path / "a.csv")
    (tmp_path / "a.xlsx").write_text("film")
    with pytest.raises(FormatError, match="tells no annotation format"):
        format_of(tmp_path / "a.xlsx")
    (tmp_path / "both").mkdir()
    with pytest.raises(FormatError, match=r"holds no .pts"):
        format_of(tmp_path / "both")
    (tmp_path / "both" / "a.pts").write_text("version: 1\n")
    (tmp_path / "both" / "a.mrk.json").write_text("{}")
    with pytest.raises(FormatError, match=r"pts .a.pts. and|slicer .a.mrk.json. and"):
        format_of(tmp_path / "both")
    with pytest.raises(FormatError, match="no such file"):
        format_of(tmp_path / "absent.csv")
    with pytest.raises(OutputError, match="coco or labelme"):
        format_to_write(tmp_path / "a.json")
    with pytest.raises(OutputError, match="say which"):
        format_to_write(tmp_path / "folder")


def test_a_misspelt_format_is_named_with_its_neighbour() -> None:
    with pytest.raises(PalpateError, match="did you mean 'labelme'"):
        reader_of("labelmee")
    with pytest.raises(PalpateError, match="did you mean 'deeplabcut'"):
        writer_of("deeplabcutt")


def test_points_that_read_back_otherwise_are_an_error() -> None:
    before = example(absent=False)
    points = before.rows[0].points
    moved = replace(points, coordinates=points.coordinates + 0.5)
    after = replace(before, rows=(replace(before.rows[0], points=moved), before.rows[1]))
    with pytest.raises(OutputError, match="read back otherwise"):
        not_carried(before, after, path=Path("out.csv"))
