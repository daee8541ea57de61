"""The page of a posture study: every figure it was given, in words a clinician can use."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from palpate.errors import OutputError, StudyError
from palpate.evaluation.posture import evaluate_posture
from palpate.evaluation.posture_alignment import Curve
from palpate.evaluation.posture_classes import RATES, Rate
from palpate.evaluation.posture_frames import PostureFrames
from palpate.evaluation.posture_paired import PostureDifference, paired_posture
from palpate.protocols.protocol import read_protocol
from palpate.report import posture_paper as paper
from palpate.report.parts import Bounded
from palpate.report.posture_cells import error_cell, rate_cell
from palpate.report.posture_children import children
from palpate.report.posture_page import posture_page
from palpate.report.posture_plots import curve_plot
from palpate.report.posture_report import ReportedPosture, render_posture, write_posture_report
from palpate.report.posture_sentences import sentences
from palpate.report.posture_tables import (
    alignment_table,
    angle_table,
    contact_table,
    curve_table,
    difference_table,
    point_table,
    reliable_table,
)

SATCO = read_protocol("satco")
# Four thresholds only: the curves of forty take a second each.
BRIEF = replace(SATCO, posture=SATCO.posture.model_copy(update={"sweep_deg": (18, 21)}))
HEADLINE = SATCO.posture.groups["reference"]
CHILD = np.array([SATCO.drawings["child"][name] for name in SATCO.scheme.names], dtype=float)
HOSTILE = "<b>net</b>\"&'</title><script>alert(1)</script>"
BASELINE = "mean pose of the other children"


def frames(
    *, seed=0, noise=5.0, wander=9.0, count=30, names=("a", "b", "c"), lost=0, made_by="net"
):
    """Children that move about their drawing, and what was predicted of them."""
    draw = np.random.default_rng(seed)
    subjects = tuple(name for name in names for _ in range(count))
    labels = CHILD + draw.normal(0, wander, (len(subjects), len(CHILD), 2))
    found = labels + draw.normal(0, noise, labels.shape)
    found[:lost, 0] = np.nan
    identifiers = tuple(f"{name}.mp4#{k}" for k, name in enumerate(subjects))
    scale = np.full(len(subjects), 0.5)
    return PostureFrames(identifiers, subjects, labels, found, scale, made_by)


def evaluated(given, protocol=BRIEF):
    return evaluate_posture(protocol, given, rng=np.random.default_rng(1), resamples=40)


@pytest.fixture(scope="module")
def report():
    first = frames(lost=7)
    other = first.predicted(frames(noise=7.0).predictions, made_by="other net")
    guess = first.predicted(np.tile(CHILD, (90, 1, 1)), made_by=BASELINE)
    done = [evaluated(each) for each in (first, other, guess)]
    apart = paired_posture(BRIEF, first, other, rng=np.random.default_rng(0), resamples=40)
    return ReportedPosture(
        "Held-out children",
        done[:2],
        done[2],
        {"other net less net": apart},
        {"split": "leave one child out"},
        ["Labels of one operator only."],
    )


@pytest.fixture(scope="module")
def html(report):
    return render_posture(report)


@pytest.fixture(scope="module")
def still():
    """Children who hardly move: nothing is misaligned, nothing touches."""
    return evaluated(frames(wander=0.05, noise=0.05, count=12, lost=12, names=("a",)))


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


def row_of(table, name):
    return next(row for row in table.rows if row[0] == name)


def flat(row):
    return " ".join(f"{c.text} {c.below}".strip() if isinstance(c, Bounded) else c for c in row)


# ---- every figure


def test_every_cell_of_every_table_is_on_the_page(report, html):
    words = Page(html).words()
    page = posture_page(report)
    tables = [
        page.angles,
        page.alignment,
        page.contact,
        page.points,
        page.children,
        page.references,
        page.curves,
        page.reliable,
        *page.differences,
        *(each.table for each in (*page.other_alignments, *page.other_contacts)),
    ]
    assert len(tables) == 13
    for table in tables:
        for row in table.rows:
            assert len(row) in (1, len(table.head))
            assert flat(row) in words


def test_angles_are_those_of_the_evaluations(report):
    table = angle_table(report)
    for part in ("segments", "groups"):
        for name, summary in getattr(report.first.angles, part).items():
            row = row_of(table, name)
            assert row[1:3] == (f"{summary.count:,}", f"{summary.missed:,}")
            for cell, each in zip(row[3:6], report.every, strict=True):
                own = getattr(each.angles, part)[name]
                assert cell.text == f"{own.mean:.1f} ± {own.sd:.1f}"
                assert cell.below.startswith(f"{own.interval[0]:.1f} to {own.interval[1]:.1f}")
    assert row_of(table, "head")[2] == "7"
    assert table.head[3:] == ("net, deg", "other net, deg", f"{BASELINE}, deg", f"{paper.CITED}*")
    assert row_of(table, "head")[6] == "9.6 ± 8.9"
    assert row_of(table, "trunk")[6] == "–"


def test_what_a_second_prediction_missed_is_said_in_its_cell():
    whole = frames(count=8)
    holes = whole.predictions.copy()
    holes[:3, 0] = np.nan
    pair = [evaluated(whole), evaluated(whole.predicted(holes, made_by="lossy"))]
    row = row_of(angle_table(ReportedPosture("t", pair)), "head")
    assert row[2] == "0"
    assert row[4].below.endswith(", 3 missed")
    row = row_of(point_table(ReportedPosture("t", pair)), "ear_tragus")
    assert row[2] == "0"
    assert row[4].below.endswith(", 3 missed")


def test_points_are_given_on_the_grid_and_in_the_image(report):
    points = report.first.points
    row = row_of(point_table(report), "all points")
    assert row[1:3] == ("1,170", "7")
    assert row[3].text == f"{points.overall_grid.mean:.2f} ± {points.overall_grid.sd:.2f}"
    assert row[6].text == f"{points.overall_px.mean:.2f} ± {points.overall_px.sd:.2f}"
    assert row[7] == "4.40 ± 3.75"
    assert row_of(point_table(report), "T7")[3].text.startswith(f"{points.grid['T7'].mean:.2f}")


def test_rates_are_those_of_the_evaluation(report):
    first = report.first
    for table, rows in (
        (alignment_table(first), first.alignment),
        (contact_table(first), (*first.contact, *first.contact_own)),
    ):
        shown = [row for row in table.rows if len(row) > 1]
        assert [row[0] for row in shown] == [row.name for row in rows]
        for cells, row in zip(shown, rows, strict=True):
            assert cells[1:4] == (f"{row.positives:,}", f"{row.negatives:,}", f"{row.unknown:,}")
            for cell, name in zip(cells[4:11], RATES, strict=True):
                assert cell == rate_cell(row.rates[name])
    assert first.contact != first.contact_own
    headings = [row[0] for row in contact_table(first).rows if len(row) == 1]
    assert headings == [
        "Compared with the ASIS of the labels, as in the paper",
        "Compared with the predicted ASIS, as in use",
    ]
    # The paper's F1 is that of the labels' ASIS: none beside the other.
    elbow = [row[-1] for row in contact_table(first).rows if row[0] == "elbow"]
    assert elbow == ["80.5", "–"]


def test_curves_are_printed_and_drawn(report):
    first = report.first
    table = curve_table(first.curves)
    assert [row[0] for row in table.rows] == ["18°", "19°", "20°", "21°"]
    k = 2
    for cell, curve in zip(table.rows[k][1:], first.curves, strict=True):
        value = curve.f1[k].value
        assert cell == ("too few" if value is None else f"{100 * value:.1f}")
    reached = row_of(reliable_table(report), "head")[1]
    assert reached == ("none" if (to := first.curves[0].reliable_to()) is None else f"{to:g}")
    drawing = curve_plot(["net"], [first.curves], threshold_deg=20.0)
    assert "var(--model)" in drawing
    for curve in first.curves:
        assert f">{curve.name}<" in drawing
    assert not re.search(r"\bnan\b", drawing, re.IGNORECASE)


def test_a_curve_lies_at_its_values():
    half, none = Rate(0.5), Rate(reason="too few (2 positives)")
    flat = Curve(
        "head", "segment", (1.0, 2.0, 3.0), (9,) * 3, (9,) * 3, (half, half, none), (half,) * 3
    )
    drawing = curve_plot(["net"], [[flat]], threshold_deg=2.0)
    # The same share of two kinds: both lines at one height, the first one threshold shorter.
    line, every = (
        re.search(
            rf'<path d="([^"]*)"[^>]*style="fill: none;[^"]*stroke: var\(--{colour}\)', drawing
        )
        for colour in ("model", "muted")
    )
    (first, second), three = (
        re.findall(r"[\d.]+ ([\d.]+)", path.group(1)) for path in (line, every)
    )
    assert {first, second} == set(three)
    assert len(three) > 1


def test_too_few_is_said_in_place_of_a_number(still):
    row = row_of(alignment_table(still), "UT")
    assert row[5] == Bounded("too few", "0 positives")
    assert row[10] == Bounded("too few", "0 positives")
    html = render_posture(ReportedPosture("t", [still]))
    words = Page(html).words()
    assert "too few (0 positives) to say how well it is found" in words
    assert "Misalignment at 20 deg, F1 too few" in words
    assert not re.search(r"\bnan\b", html, re.IGNORECASE)
    assert "None" not in words
    # The head was never found: its error is no number either.
    assert row_of(angle_table(ReportedPosture("t", [still])), "head")[3].text == "too few"


@pytest.mark.parametrize(
    ("rate", "text", "below"),
    [
        (Rate(0.5, interval=(0.25, 0.625)), "50.0", "25.0 to 62.5"),
        (Rate(0.0), "0.0", ""),
        (Rate(reason="too few (3 predicted positives)"), "too few", "3 predicted positives"),
    ],
)
def test_a_rate_reads(rate, text, below):
    assert rate_cell(rate) == Bounded(text, below)


def test_an_error_without_spread_or_interval_reads(report):
    whole = report.first.angles.segments["UT"]
    assert error_cell(replace(whole, sd=None, interval=None)).text == f"{whole.mean:.1f}"
    gone = replace(whole, mean=None, sd=None, interval=None, missed=whole.count)
    assert error_cell(gone) == Bounded("too few", "0 found")


# ---- children


def test_figures_of_children_add_up(report):
    first = report.first
    own = children(first)
    assert [child.name for child in own] == ["a", "b", "c"]
    assert sum(child.frames for child in own) == first.frames
    assert sum(child.missed for child in own) == 7
    weighted = sum(child.errors_deg.sum() for child in own) / sum(
        len(child.errors_deg) for child in own
    )
    assert weighted == pytest.approx(first.angles.groups["reference"].mean)
    row = next(row for row in first.alignment if row.name == "reference")
    assert sum(child.positives for child in own) == row.positives
    table = posture_page(report).children
    assert row_of(table, "b")[2] == f"{own[1].error_deg:.1f}"
    assert row_of(table, "b")[-1] == f"{100 * own[1].f1:.1f} %"


def test_the_f1_of_a_child_is_that_of_the_child_alone(report):
    first = frames(lost=7)
    alone = first.subjects.index("b")
    part = slice(alone, alone + 30)
    of_b = replace(
        first,
        identifiers=first.identifiers[part],
        subjects=first.subjects[part],
        labels=first.labels[part],
        predictions=first.predictions[part],
        grid_per_px=first.grid_per_px[part],
    )
    expected = next(row for row in evaluated(of_b).alignment if row.name == "reference")
    assert children(report.first)[1].f1 == pytest.approx(expected.f1.value)


def test_a_child_with_too_few_says_so(still):
    (child,) = children(still)
    assert child.f1 == "too few (0 positives)"
    assert child.missed == 12


# ---- sentences


def test_the_page_opens_with_what_matters(report, html):
    first, words = report.first, Page(html).words()
    angles = first.angles.groups["reference"]
    row = next(row for row in first.alignment if row.name == "reference")
    guess = report.baseline.angles.groups["reference"].mean
    low, high = angles.interval
    assert (
        f"Angles of head, neck, UT, MT, LT, UL, LL and pelvis are {angles.mean:.1f} degrees off "
        f"the labels on average (95 % interval over 3 children {low:.1f} to {high:.1f})"
    ) in words
    assert f"Mean pose of the other children, without a look at the image: {guess:.1f}." in words
    recall = 100 * row.rates["true_positive_rate"].value
    assert f"Of {row.positives:,} segments labelled misaligned" in words
    assert f"each frame counts), {recall:.1f} % (" in words
    assert "which is the error that the test must avoid" in words
    assert "By the same measure, other net is" in words
    for section in ("Segment angles", "Provenance"):
        assert words.index("Angles of head") < words.index(section)
    assert words.index("Labels of one operator only.") < words.index("Angles of head")


def test_best_and_worst_segment_are_named(report):
    means = {name: report.first.angles.segments[name].mean for name in HEADLINE}
    best, worst = min(means, key=means.get), max(means, key=means.get)
    said = sentences(report)[0]
    assert f"least for {best} ({means[best]:.1f}), most for {worst} ({means[worst]:.1f})" in said


def test_contact_is_told_as_in_use_first(report):
    first, said = report.first, sentences(report)[2]
    own, labelled = (
        next(row for row in rows if row.name == "elbow or wrist").rates["true_positive_rate"]
        for rows in (first.contact_own, first.contact)
    )
    assert said.startswith(f"With the predicted ASIS, as in use, {100 * own.value:.1f} %")
    assert f"as in the paper, {100 * labelled.value:.1f} %" in said


def test_an_angle_that_was_never_found_is_not_averaged():
    given = frames(count=10)
    gone = evaluated(given.predicted(np.full_like(given.predictions, np.nan), made_by="blind"))
    html = render_posture(ReportedPosture("t", [gone]))
    assert "No angle of head, neck" in sentences(ReportedPosture("t", [gone]))[0]
    assert not re.search(r"\bnan\b", html, re.IGNORECASE)
    # A baseline that knows nothing is not quoted.
    both = ReportedPosture("t", [evaluated(given)], gone)
    assert "without a look" not in sentences(both)[0]


def test_few_children_are_warned_of(report, still):
    assert any(
        "With 3 children the intervals are rough" in each for each in posture_page(report).notes
    )
    assert not any("rough" in each for each in posture_page(ReportedPosture("t", [still])).notes)
    assert any(
        "one child only" in each for each in posture_page(ReportedPosture("t", [still])).notes
    )


# ---- comparison, and the paper


def made(metric="segment_error_deg", difference=-0.5, interval=(-0.8, -0.2), **more):
    return PostureDifference(metric, difference, interval, 7.0, 6.5, 12, 300, 4, **more)


@pytest.mark.parametrize(
    ("given", "reading"),
    [
        (made(), "second is better"),
        (made(difference=0.5, interval=(0.2, 0.8)), "first is better"),
        (made(interval=(-0.8, 0.2)), "no clear difference"),
        (made(interval=None), "not known"),
        (made(metric="f1", difference=0.05, interval=(0.01, 0.1)), "second is better"),
        (made(metric="f1", difference=-0.05, interval=(-0.1, -0.01)), "first is better"),
    ],
)
def test_a_difference_is_read_the_right_way_round(given, reading):
    assert difference_table("b less a", [given]).rows[0][4] == reading


def test_a_difference_prints_its_figures():
    (row,) = difference_table("b less a", [made()]).rows
    assert row[0] == "Angle error of all segments, deg"
    assert row[1:3] == ("7.00", "6.50")
    assert row[3] == Bounded("-0.50", "-0.80 to -0.20")
    assert row[5:] == ("12", "300", "4")
    none = PostureDifference("f1", None, None, None, None, 0, 0, 9, "too few (0 positives)")
    (row,) = difference_table("b less a", [none]).rows
    assert row[1:5] == ("–", "–", Bounded("too few (0 positives)", ""), "not known")


def test_the_papers_groups_are_the_means_of_its_segments():
    for name, members in SATCO.posture.groups.items():
        if name in paper.ANGLES:
            mean = np.mean([paper.ANGLES[member][0] for member in members])
            assert paper.ANGLES[name][0] == pytest.approx(mean, abs=0.051)
    assert set(paper.ALIGNMENT) == set(HEADLINE)


def test_the_papers_figures_are_labelled_as_of_others_and_stay_with_their_protocol(report, html):
    words = Page(html).words()
    assert "other children, cameras and labels" in words
    assert "not a comparison" in words
    renamed = replace(report.first, protocol="mine 1")
    other = Page(render_posture(ReportedPosture("t", [renamed]))).words()
    assert paper.CITED not in other
    assert "in the paper*" not in other


# ---- the page itself


def test_nothing_is_fetched_and_the_markup_is_whole(report, html):
    assert "http:" not in html
    assert "https:" not in html
    page = Page(html)
    assert page.faults == []
    assert page.stack == []
    for tag, attributes in page.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form", "img"}
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    anchors = [a["id"] for tag, a in page.tags if tag == "section"]
    targets = {a["href"][1:] for tag, a in page.tags if tag == "a"}
    assert len(anchors) == len(set(anchors))
    assert targets == set(anchors)
    clips = [a["id"] for tag, a in page.tags if tag == "clippath"]
    assert len(clips) == len(set(clips))
    assert "None" not in page.words()
    assert not re.search(r"\bnan\b", html, re.IGNORECASE)
    assert render_posture(report) == html


def test_hostile_names_stay_text():
    given = frames(count=12, names=(HOSTILE, "b"), made_by=HOSTILE)
    report = ReportedPosture(
        HOSTILE,
        [evaluated(given)],
        differences={HOSTILE: [made()]},
        provenance={HOSTILE: HOSTILE},
        warnings=[HOSTILE],
    )
    html = render_posture(report)
    page = Page(html)
    assert page.faults == []
    assert html.count("<script>") == 1
    assert "<b>net" not in html
    assert "<b>net</b>" in page.words()


def test_the_page_is_whole_or_absent(still, tmp_path):
    out = tmp_path / "report.html"
    write_posture_report(ReportedPosture("t", [still]), out)
    assert out.read_text("utf-8").endswith("</html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(OutputError):
        write_posture_report(ReportedPosture("t", [still]), Path("/dev/null/report.html"))


def test_evaluations_that_do_not_belong_together_are_refused(report, still):
    first = report.first
    with pytest.raises(StudyError, match="at least one evaluation"):
        ReportedPosture("t", [])
    with pytest.raises(StudyError, match="two predictions are called 'net'"):
        ReportedPosture("t", [first, first])
    with pytest.raises(StudyError, match="different children"):
        ReportedPosture("t", [first], replace(still, made_by="still"))
    with pytest.raises(StudyError, match="different protocol"):
        ReportedPosture("t", [first, replace(first, made_by="b", protocol="mine 1")])
    with pytest.raises(StudyError, match="different threshold"):
        ReportedPosture("t", [first, replace(first, made_by="b", threshold_deg=17.0)])
    fewer = evaluated(frames(count=20, made_by="b"))
    with pytest.raises(StudyError, match="different frames"):
        ReportedPosture("t", [first, fewer])
