"""The study report: what it says, that it is safe, and that it needs nothing from outside."""

import base64
import re
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner

from palpate.cli.app import app
from palpate.errors import FormatError, GeometryError, OutputError, SchemeError, StudyError
from palpate.evaluation.cases import EvaluatedCase
from palpate.evaluation.evaluate import evaluate
from palpate.evaluation.measurements import agreement
from palpate.image import Calibration, Image
from palpate.io.predictions import PredictedImage, PredictionFile
from palpate.measurement import Measurement, NormalRange, Report
from palpate.points import Points
from palpate.prediction import Prediction
from palpate.protocols.protocol import read_protocol
from palpate.report.case_view import measured_rows, view_case
from palpate.report.ellipse import uncertainty_ellipse
from palpate.report.overlay import PREDICTED, TRUE, draw_overlay, write_overlay
from palpate.report.page import page
from palpate.report.picked import pick
from palpate.report.picture import jpeg_uri, to_uint8
from palpate.report.plots import Strip, cumulative_plot, strip_plot
from palpate.report.study_report import ReportedCase, StudyReport, render, write_report
from palpate.report.wording import number, quantity
from palpate.scheme import LandmarkScheme
from palpate.trust.reasons import Reason
from palpate.workflows.abstain import Judged, Verdict
from palpate.workflows.predict import Source
from palpate.workflows.report_predictions import report_predictions

HOSTILE = "<script>alert('x')</script>\"&$\\frac{--></svg></style>.png"
SCHEME = LandmarkScheme("square", ("a", "b", "c", "d"), edges=(("a", "b"), ("b", "c")))
CORNERS = np.array([[20.0, 10.0], [80.0, 10.0], [80.0, 50.0], [20.0, 50.0]])


def prediction(coordinates, variance=4.0):
    points = Points.of(SCHEME, coordinates)
    covariance = np.where(points.present[:, None, None], variance * np.eye(2), np.nan)
    return Prediction(
        SCHEME, points.coordinates, covariance, points.present.astype(float), "net 3f9a"
    )


def without(coordinates, *rows):
    changed = np.array(coordinates, dtype=float)
    changed[list(rows)] = np.nan
    return changed


def report_of(image, value, *, subject="p1", name="Cobb"):
    items = [
        Measurement(name, "deg", value=value, interval=(value - 2.4, value + 2.4), protocol="c 1")
        if value is not None
        else Measurement(name, "deg", reason="landmark not found: d", protocol="c 1")
    ]
    return Report(subject, image, tuple(items))


def study(images=5, *, annotators=2, hostile=False, normaliser=("a", "b"), embed=12):
    rng = np.random.default_rng(0)
    cases, evaluated = [], []
    for i in range(images):
        name = f"{i:02} {HOSTILE}" if hostile else f"film_{i:02}.png"
        subject = HOSTILE if hostile and i < 2 else f"p{i}"
        group = (HOSTILE, "side")[i % 2] if hostile else ("front", "side")[i % 2]
        truth = CORNERS + rng.normal(0, 1, CORNERS.shape)
        found = truth + rng.normal(0, 1 + i, truth.shape)
        people = {
            f"reader {k} {HOSTILE if hostile else ''}": Points.of(
                SCHEME, truth + rng.normal(0, 1, truth.shape)
            )
            for k in range(annotators)
        }
        calibration = Calibration((0.5, 0.5), "user")
        shared = (Points.of(SCHEME, truth), prediction(found), people)
        evaluated.append(EvaluatedCase(name, subject, group, *shared, calibration))
        cases.append(
            ReportedCase(
                name,
                subject,
                group,
                np.full((60, 100), 90, dtype=np.uint8),
                shared[1],
                shared[0],
                people,
                report_of(name, 14.2 + i, subject=subject),
                report_of(name, 14.0 + i, subject=subject),
                calibration,
            )
        )
    return StudyReport(
        title=HOSTILE if hostile else "Square study",
        cases=cases,
        evaluation=evaluate(
            evaluated, normaliser=normaliser, rng=np.random.default_rng(1), resamples=50
        ),
        agreement=agreement(
            [case.report for case in cases], [case.truth_report for case in cases], rng=rng
        ),
        provenance={"split": HOSTILE if hostile else "by subject, seed 7"},
        warnings=[HOSTILE] if hostile else ["Ground-truth crop used."],
        embed=embed,
    )


def predictions_only(**more):
    case = ReportedCase("1.png", "", "", np.zeros((60, 100)), prediction(CORNERS), **more)
    return StudyReport("Predictions", [case])


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


@pytest.fixture(scope="module")
def html():
    return render(study())


def test_the_page_says_the_figures_beside_the_human_ceiling(html):
    report = study()
    words = Page(html).words()
    overall = report.evaluation.overall
    assert f"Mean radial error {overall.mean:.2f} mm" in words
    assert f"Within 2 mm {100 * overall.success[2.0]:.1f} %" in words
    between = report.evaluation.ceiling.between.mm.overall.mean
    assert f"Two annotators apart {between:.2f} mm" in words
    assert "Cobb: mean absolute error 0.2 deg" in words
    assert "not the same comparison" in words
    for heading in ("Accuracy", "By landmark", "By group", "Agreement of measurements", "Cases"):
        assert heading in words
    assert "Ground-truth crop used." in words
    assert "ground truth is used at test time" in words
    assert "split by subject, seed 7" in words
    assert "localiser net 3f9a" in words
    assert "percentile bootstrap over 5 subjects, 50 resamples" in words


def test_a_measurement_reads_with_its_interval_and_a_refusal_with_its_reason():
    case = ReportedCase(
        "1.png",
        "p",
        "",
        np.zeros((60, 100)),
        prediction(without(CORNERS, 3)),
        report=Report(
            "p",
            "1.png",
            (
                Measurement("C2-C7 Cobb", "deg", value=14.21, interval=(11.8, 16.6)),
                Measurement("SVA", "mm", reason="the image is not calibrated"),
            ),
        ),
    )
    words = Page(render(StudyReport("t", [case]))).words()
    assert "C2-C7 Cobb 14.2 deg (90 % interval 11.8 to 16.6)" in words
    assert "SVA not measured: the image is not calibrated" in words
    assert "3 of 4 landmarks found" in words
    assert "refused 1" in words
    assert "0 refused" not in words


def test_the_page_says_that_it_is_unsigned_until_a_person_signs(html):
    assert "Unsigned: no person has reviewed these measurements." in html
    signed = Report("p", "1.png", (), reviewed_by="Dr Example")
    assert "1 of 1 reports are signed" in render(predictions_only(report=signed))
    assert "Unsigned: no person has reviewed these landmarks." in render(predictions_only())
    for each in (html, render(predictions_only(report=signed))):
        assert "Not for diagnosis." in each


def test_nothing_is_fetched_and_no_other_script_runs(html):
    assert "http:" not in html
    assert "https:" not in html
    assert "url(" not in re.sub(r"url\(#[0-9a-z]+\)", "", html)
    tags = Page(html).tags
    assert not {"link", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in tags}
    for _, attributes in tags:
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith(("#", "data:image/jpeg;base64,"))
        assert not any(name.startswith("on") for name in attributes)
    script = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(script) == 1
    digest = base64.b64encode(sha256(script[0].encode()).digest()).decode()
    policy = next(a["content"] for tag, a in tags if a.get("http-equiv"))
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_hostile_names_stay_text():
    html = render(study(4, hostile=True, embed=2))
    parsed = Page(html)
    assert parsed.faults == []
    assert parsed.stack == []
    assert html.count("<script>") == 1
    assert "<script>alert" not in html
    assert "alert('x')" in parsed.words()


def test_the_markup_is_balanced_and_its_names_are_unique(html):
    parsed = Page(html)
    assert parsed.faults == []
    assert parsed.stack == []
    anchors = [a["id"] for tag, a in parsed.tags if tag in ("section", "article")]
    assert len(anchors) == len(set(anchors))
    targets = {a["href"][1:] for tag, a in parsed.tags if tag == "a"}
    assert targets <= set(anchors)
    clips = [a["id"] for tag, a in parsed.tags if tag == "clippath"]
    assert len(clips) == len(set(clips))
    layers = {a["data-layer"] for _, a in parsed.tags if "data-layer" in a}
    assert layers == {"predicted", "true", "error", "edge", "ellipse", "others"}


def test_a_page_holds_no_nan_and_the_same_study_gives_the_same_page(html):
    assert render(study()) == html
    assert not re.search(r"\bnan\b", html, re.IGNORECASE)
    assert "None" not in Page(html).words()


@pytest.mark.parametrize("name", ["\udcff.png", "片子.png", "a\x00b", r"$\frac$"])
def test_odd_file_names_are_written(tmp_path, name):
    cases = [
        EvaluatedCase(name, "p", name, Points.of(SCHEME, CORNERS), prediction(CORNERS + 1)),
    ]
    report = StudyReport(
        name,
        [ReportedCase(name, "p", name, np.zeros((60, 100)), prediction(CORNERS))],
        evaluate(cases, normaliser=None, rng=np.random.default_rng(0), resamples=5),
    )
    write_report(report, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").endswith("</html>")


def test_at_most_so_many_cases_are_shown_and_the_rest_is_counted():
    report = replace(study(9), evaluation=None, embed=4)
    shown = page(report)
    assert [heading for heading, _ in shown.shown] == ["Largest error", "Middle", "Smallest error"]
    assert [len(cases) for _, cases in shown.shown] == [2, 1, 1]
    assert shown.shown_note.startswith("4 of 9 images are shown; 5 are left out")
    assert len(shown.measured.rows) == 9
    html = render(report)
    assert html.count("data:image/jpeg") == 4


def test_the_worst_case_is_first_and_a_miss_is_worse_than_any_error():
    def case(name, found):
        return ReportedCase(
            name, "p", "", np.zeros((60, 100)), prediction(found), Points.of(SCHEME, CORNERS)
        )

    cases = [case("good", CORNERS), case("far", CORNERS + 50), case("miss", without(CORNERS, 0))]
    (only,) = pick(cases, 12)
    assert [one.identifier for one in only.cases] == ["miss", "far", "good"]
    parts = pick(cases, 2)
    assert [[one.identifier for one in part.cases] for part in parts] == [["miss"], ["far"]]


def test_without_truth_the_least_certain_is_first():
    def case(name, variance):
        return ReportedCase(name, "p", "", np.zeros((60, 100)), prediction(CORNERS, variance))

    (only,) = pick([case("sure", 1.0), case("doubtful", 9.0)], 12)
    assert only.heading == "All cases, least certain first"
    assert [one.identifier for one in only.cases] == ["doubtful", "sure"]


def test_a_missed_landmark_is_marked_and_an_absent_one_is_not():
    case = ReportedCase(
        "1.png",
        "p",
        "",
        np.zeros((60, 100)),
        prediction(without(CORNERS, 0)),
        Points.of(SCHEME, without(CORNERS, 1)),
    )
    html = render(StudyReport("t", [case]))
    assert html.count('class="missed"') == 1
    view = view_case(case, "x")
    assert view.landmarks[0] == ("a", "not found", "", "", "missed")
    assert view.landmarks[1][4] == ""
    assert "1 of 3 annotated landmarks missed" in view.summary
    assert view.picture.marks[0].tip == "a; not found"
    assert view_case(replace(case, truth=None), "x").landmarks[0][4] == ""


def set_aside(given, *, embed=12):
    cases = [replace(case, truth=None, annotators={}, truth_report=None) for case in study(6).cases]
    return StudyReport("Predictions", cases, embed=embed, set_aside=given)


def test_cases_that_are_set_aside_come_first_with_their_reasons_in_words():
    why = ("the picture is not like those of the calibration", "implausible shape: a", HOSTILE)
    html = render(set_aside({"film_03.png": why, "film_01.png": ("landmark not found: b",)}))
    words, faults = Page(html).words(), Page(html).faults
    assert not faults
    assert "Kept / set aside 4 / 2" in words
    first, kept = words.index("Set aside: look at these first"), words.index("Kept, least certain")
    last = words.index("All measurements", kept)
    for name in ("film_03.png", "film_01.png"):
        assert first < words.index(name, first) < kept
    assert "film_03.png" not in words[kept:last]
    assert all(words.count(f"film_0{k}.png", kept, last) == 1 for k in (0, 2, 4, 5))
    assert words.count("Set aside landmark") == 0
    assert "Set aside : landmark not found: b" in words
    assert words.count("implausible shape: a") == 1
    assert HOSTILE not in html
    # The long table says it too: a value there looks like any other.
    assert [
        row.image for row in page(set_aside({"film_01.png": why})).measured.rows if row.set_aside
    ] == ["film_01.png"]
    assert words[last:].count("set aside") == 2


def test_every_reason_is_on_the_page_also_of_cases_without_a_picture():
    given = {f"film_0{k}.png": (f"reason {k}",) for k in range(5)}
    shown = page(set_aside(given, embed=3))
    assert [(heading, len(views)) for heading, views in shown.shown] == [
        ("Set aside: look at these first", 2),
        ("Kept, least certain first", 1),
    ]
    html = render(set_aside(given, embed=3))
    assert not Page(html).faults
    words = Page(html).words()
    assert all(words.count(f"reason {k}") == 1 for k in range(5))
    assert "3 more set aside, without a picture here" in words
    none = Page(render(set_aside(given, embed=0))).words()
    assert all(none.count(f"reason {k}") == 1 for k in range(5))


def test_nothing_set_aside_is_not_the_same_as_nobody_judged():
    words = Page(render(set_aside({}))).words()
    assert "Kept / set aside 6 / 0 no check spoke against any of them" in words
    assert "look at these first" not in words
    assert "Kept, least certain first" in words
    unjudged = Page(render(set_aside(None))).words()
    assert "set aside" not in unjudged
    assert "All cases, least certain first" in unjudged


def test_kept_cases_that_are_many_are_shown_by_thirds():
    cases = set_aside({"film_03.png": ("odd",)}).cases
    assert [(part.heading, len(part.cases)) for part in pick(cases, 4, {"film_03.png"})] == [
        ("Set aside: look at these first", 1),
        ("Kept: least certain", 1),
        ("Kept: middle", 1),
        ("Kept: most certain", 1),
    ]


def test_a_case_is_set_aside_for_a_reason_and_is_in_the_report():
    with pytest.raises(StudyError, match=r"'9.png' is set aside, but not in the report"):
        set_aside({"9.png": ("odd",)})
    with pytest.raises(StudyError, match="for no reason"):
        set_aside({"film_01.png": ()})


def test_a_page_of_predictions_says_once_why_a_case_is_set_aside(tmp_path):
    names = ("1.png", "2.png")
    images = tuple(PredictedImage(name, prediction(CORNERS), (100, 60)) for name in names)
    film = Image(np.full((1, 60, 100), 90, dtype=np.uint8), "film")
    odd = Judged("2.png", (Reason("shape", "implausible shape: d"),))
    report_predictions(
        tmp_path,
        PredictionFile(SCHEME, images, {}, {"3.png": "no pixels"}),
        [Source(name, lambda: film) for name in names],
        reports={name: report_of(name, 14.2, subject="") for name in names},
        verdict=Verdict((Judged("1.png", ()), odd), ("Promised: little.",)),
    )
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    words = Page(html).words()
    assert words.count("implausible shape: d") == 1
    assert "1 of 2 cases is set aside; the reasons stand with the cases below." in words
    assert words.count("of a case that is set aside: its intervals promise nothing") == 1
    assert words.index("1 of 2 cases") < words.index("Promised: little.")
    assert "Not predicted: 3.png: no pixels" in words
    # The table that leaves the page carries the reason in every row.
    written = (tmp_path / "measurements.csv").read_text(encoding="utf-8")
    assert written.count("set aside: implausible shape: d") == 1
    assert "implausible shape" in (tmp_path / "set_aside.csv").read_text(encoding="utf-8")


def test_predictions_that_nobody_judged_are_not_called_kept(tmp_path):
    image = PredictedImage("1.png", prediction(CORNERS), (100, 60))
    film = Image(np.full((1, 60, 100), 90, dtype=np.uint8), "film")
    report_predictions(
        tmp_path,
        PredictionFile(SCHEME, (image,)),
        [Source("1.png", lambda: film)],
        reports={},
        verdict=Verdict(),
    )
    assert "Kept" not in Page((tmp_path / "report.html").read_text(encoding="utf-8")).words()
    assert not (tmp_path / "set_aside.csv").exists()


@pytest.mark.parametrize("name", ["cephalogram", "spine-cobb"])
def test_a_protocol_is_shown_with_its_classes_and_who_says_so(name):
    shown = CliRunner().invoke(app, ["protocols", name], env={"COLUMNS": "400"}).output
    quantities = [each for each in read_protocol(name).quantities if each.classes is not None]
    assert quantities
    for each in quantities:
        first, *_, last = each.classes.names
        assert f"{first}: below {each.classes.limits[0]:g}" in shown
        assert f"{last}: from {each.classes.limits[-1]:g}" in shown
        assert f"({each.classes.source.split()[0]}" in shown


def test_limits_of_agreement_are_drawn_with_the_bands_of_their_intervals():
    plot = page(study()).agreed.plots[0]
    assert "bands: their 95 % intervals" in plot.caption
    # Three bands: of the bias and of either limit.
    assert plot.drawing.count("var(--soft)") >= 3


def test_an_image_that_cannot_be_read_leaves_a_sentence():
    def broken():
        raise FormatError("1.png", "the file ends early")

    case = ReportedCase("1.png", "p", "", broken, prediction(CORNERS))
    html = render(StudyReport("t", [case]))
    assert "The image could not be read: 1.png: the file ends early" in html
    assert "data:image" not in html


def test_an_image_is_read_only_when_it_is_shown():
    read = []

    def image(name):
        def load():
            read.append(name)
            return np.zeros((60, 100), dtype=np.uint8)

        return load

    cases = [
        ReportedCase(f"{k}", "p", "", image(k), prediction(CORNERS, 1.0 + k)) for k in range(9)
    ]
    render(StudyReport("t", cases, embed=3))
    assert sorted(read) == [0, 4, 8]


def test_three_dimensional_landmarks_have_no_picture():
    scheme = LandmarkScheme("solid", ("a",), dimension=3)
    points = Points.of(scheme, [[1.0, 2.0, 3.0]])
    case = ReportedCase("1", "p", "", np.zeros((4, 4)), Prediction.exact(points, made_by="x"))
    assert "three-dimensional" in render(StudyReport("t", [case]))


def test_the_bar_keeps_the_order_of_value_interval_usual_range_and_truth():
    item = Measurement(
        "Cobb",
        "deg",
        value=40.0,
        interval=(38.0, 42.0),
        normal=NormalRange(10.0, 35.0, "Gore 1986"),
        note="at the detector plane",
    )
    true = Measurement("Cobb", "deg", value=37.0)
    (row,) = measured_rows(Report("p", "1", (item,)), Report("p", "1", (true,)))
    bar = row.bar
    places = [*bar.normal, bar.true, bar.interval[0], bar.value, bar.interval[1]]
    assert places == sorted(places)
    assert places[0] > 0
    assert places[-1] < 100
    assert row.notes == (
        "annotated: 37.0 deg",
        "outside the usual range: usual 10.0 to 35.0 deg (Gore 1986)",
        "at the detector plane",
    )


def test_words_of_numbers():
    assert number(-0.04, 1) == "0.0"
    assert quantity(Measurement("ratio", "1", value=0.5)) == "0.50 (uncertainty not known)"


def test_a_report_refuses_nothing_twice_and_other_frames():
    with pytest.raises(StudyError, match="at least one case"):
        StudyReport("t", [])
    one = study(1).cases[0]
    with pytest.raises(StudyError, match="in the report twice"):
        StudyReport("t", [one, one])
    grid = Prediction.exact(Points.of(SCHEME, CORNERS, frame="grid"), made_by="x")
    with pytest.raises(StudyError, match="the prediction is in grid"):
        render(StudyReport("t", [ReportedCase("1", "p", "", np.zeros((60, 100)), grid)]))


def test_a_page_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not write"):
        write_report(predictions_only(), tmp_path / "file" / "report.html")


class TestOverlay:
    def test_a_landmark_is_drawn_at_its_own_pixel(self):
        """A lamp a landmark: the centre of each predicted circle is lit, and nothing far off."""
        image = np.zeros((60, 100), dtype=np.uint8)
        overlay = draw_overlay(image, prediction(CORNERS, 0.0), edges=())
        for x, y in CORNERS.astype(int):
            assert tuple(overlay[y, x]) == PREDICTED
        lit = np.argwhere(overlay.any(axis=2))[:, ::-1]
        distance = np.linalg.norm(lit[:, None] - CORNERS[None], axis=2).min(axis=1)
        assert distance.max() < 5

    def test_a_true_cross_is_centred_on_the_truth(self):
        image = np.zeros((60, 100), dtype=np.uint8)
        nothing = prediction(np.full((4, 2), np.nan))
        overlay = draw_overlay(image, nothing, Points.of(SCHEME, CORNERS), edges=SCHEME.edges)
        for x, y in CORNERS.astype(int):
            assert tuple(overlay[y, x]) == TRUE
            near = np.argwhere(overlay[y - 6 : y + 7, x - 6 : x + 7].any(axis=2))
            assert near.mean(axis=0) == pytest.approx([6, 6], abs=0.26)

    def test_the_ellipse_reaches_where_the_covariance_says(self):
        image = np.zeros((200, 200), dtype=np.uint8)
        wide = np.diag([400.0, 25.0])
        cloud = Prediction(
            SCHEME,
            np.full((4, 2), 100.0),
            np.repeat(wide[None], 4, axis=0),
            np.ones(4),
            "x",
        )
        lit = np.argwhere(draw_overlay(image, cloud, edges=()).any(axis=2))
        half = (lit.max(axis=0) - lit.min(axis=0)) / 2
        assert half[1] == pytest.approx(20 * 2.146, abs=1.5)
        assert half[0] == pytest.approx(5 * 2.146, abs=1.5)

    def test_the_ellipse_leans_as_the_covariance_does(self):
        image = np.zeros((200, 200), dtype=np.uint8)
        down_right = np.array([[200.0, 180.0], [180.0, 200.0]])
        cloud = Prediction(
            SCHEME, np.full((4, 2), 100.0), np.repeat(down_right[None], 4, axis=0), np.ones(4), "x"
        )
        y, x = np.nonzero(draw_overlay(image, cloud, edges=()).any(axis=2))
        assert np.corrcoef(x, y)[0, 1] > 0.7

    def test_the_image_is_left_as_it_was_where_nothing_is_drawn(self):
        image = np.random.default_rng(0).integers(0, 255, (60, 100)).astype(np.uint8)
        before = image.copy()
        overlay = draw_overlay(image, prediction(np.full((4, 2), np.nan)), edges=SCHEME.edges)
        assert np.array_equal(overlay, np.repeat(before[:, :, None], 3, axis=2))
        assert np.array_equal(image, before)

    def test_landmarks_far_outside_do_no_harm(self):
        image = np.zeros((60, 100), dtype=np.uint8)
        far = prediction(CORNERS * 1e9)
        overlay = draw_overlay(image, far, Points.of(SCHEME, -CORNERS), edges=())
        assert overlay.shape == (60, 100, 3)
        assert not image.any()

    def test_it_is_written_as_a_png(self, tmp_path):
        image = np.zeros((60, 100), dtype=np.float32)
        write_overlay(tmp_path / "o.png", image, prediction(CORNERS), edges=SCHEME.edges)
        with Pillow.open(tmp_path / "o.png") as written:
            assert written.size == (100, 60)
            assert np.asarray(written)[10, 20].tolist() == list(PREDICTED)

    def test_an_unknown_line_a_colour_image_and_another_frame_are_refused(self):
        image = np.zeros((60, 100), dtype=np.uint8)
        with pytest.raises(SchemeError, match="no landmark 'z'"):
            draw_overlay(image, prediction(CORNERS), edges=(("a", "z"),))
        with pytest.raises(GeometryError, match="needs a grey image"):
            draw_overlay(np.zeros((3, 60, 100)), prediction(CORNERS), edges=())
        grid = Prediction.exact(Points.of(SCHEME, CORNERS, frame="mm"), made_by="x")
        with pytest.raises(GeometryError, match="in mm"):
            draw_overlay(image, grid, edges=())


class TestPicture:
    def test_bytes_stay_floats_are_scaled_and_others_are_stretched(self):
        assert to_uint8(np.array([[3]], dtype=np.uint8))[0, 0] == 3
        assert to_uint8(np.array([[0.2, 0.4]])).tolist() == [[51, 102]]
        assert to_uint8(np.array([[-1000, 1000]], dtype=np.int16)).tolist() == [[0, 255]]
        assert to_uint8(np.array([[-5.0, 5.0]])).tolist() == [[0, 255]]
        assert to_uint8(np.full((2, 2), 7, dtype=np.uint16)).tolist() == [[0, 0], [0, 0]]

    def test_a_large_image_is_shrunk_and_a_small_one_is_not(self):
        def size(image):
            data = base64.b64decode(jpeg_uri(image).split(",")[1])
            with Pillow.open(BytesIO(data)) as picture:
                return picture.size

        assert size(
            np.zeros(
                (
                    1440,
                    3,
                ),
                dtype=np.uint8,
            )
        ) == (2, 720)
        assert size(np.zeros((30, 40), dtype=np.uint8)) == (40, 30)


class TestPlots:
    def test_the_ellipse_turns_with_its_covariance(self):
        turned = np.array([[5.0, 3.0], [3.0, 5.0]])
        ellipse = uncertainty_ellipse(turned)
        assert ellipse.degrees % 180 == pytest.approx(45)
        assert ellipse.major / ellipse.minor == pytest.approx(2)
        assert uncertainty_ellipse(np.zeros((2, 2))).major == 0

    def test_the_ellipse_holds_the_stated_share(self):
        covariance = np.array([[4.0, 1.5], [1.5, 2.0]])
        draws = np.random.default_rng(0).multivariate_normal([0, 0], covariance, 20000)
        ellipse = uncertainty_ellipse(covariance)
        turn = np.radians(ellipse.degrees)
        along = draws @ [np.cos(turn), np.sin(turn)]
        across = draws @ [-np.sin(turn), np.cos(turn)]
        inside = (along / ellipse.major) ** 2 + (across / ellipse.minor) ** 2 <= 1
        assert inside.mean() == pytest.approx(0.9, abs=0.01)

    def test_colours_come_from_the_page(self):
        values = np.array([1.0, 2.0, np.inf])
        drawing = cumulative_plot({"m": values}, label="error", limit=3.0, marks=(2.0,))
        assert "var(--model)" in drawing
        assert not re.search(r"#0[1-7]0[1-7]0[1-7]", drawing)
        assert "xmlns" not in drawing

    def test_empty_rows_are_left_out_of_a_strip(self):
        empty = Strip("none", np.array([]), None, None, None)
        full = Strip("some", np.array([1.0, 2.0]), 1.5, (1.0, 2.0), 1.2)
        assert strip_plot([empty], label="px") == ""
        drawing = strip_plot([empty, full], label="px")
        assert "some" in drawing
        assert "none<" not in drawing
