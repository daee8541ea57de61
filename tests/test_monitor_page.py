"""The page of a followed stream: what it says is what the windows say."""

import json
import re
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest

from palpate.errors import GeometryError
from palpate.monitor.movement_windows import MovementWindows
from palpate.report.monitor_page import (
    Delays,
    MonitorSummary,
    StreamGap,
    monitor_page,
    render_monitor,
    write_monitor_page,
)
from palpate.report.monitor_plots import Clock
from palpate.report.monitor_pooled import (
    NO_FRAME,
    active_of,
    bins,
    coverage,
    pooled,
    symmetry_in_motion,
)
from palpate.report.monitor_sentences import length, spoken
from palpate.scheme import LandmarkScheme
from palpate.sequences.movement_amount import Amount
from palpate.sequences.movement_row import MovementRow
from palpate.sequences.movement_settings import MovementSettings

NAMES = tuple(f"{side}_{joint}" for side in ("right", "left") for joint in ("hip", "knee", "ankle"))
LEGS = LandmarkScheme(
    "legs",
    NAMES,
    mirror=tuple((f"right_{joint}", f"left_{joint}") for joint in ("hip", "knee", "ankle")),
    edges=tuple((NAMES[i], NAMES[i + 1]) for i in (0, 1, 3, 4)),
)
REST = np.array([[0.0, 0.0], [0.0, 50.0], [0.0, 100.0], [60.0, 0.0], [60.0, 50.0], [60.0, 100.0]])
HZ = 12.5


def rows(minutes: int, *, window_s: float = 20.0, silent: tuple[float, float] = (0, 0)) -> list:
    """The right leg moves half of the time, the left one a fifth; the left ankle hides at times."""
    windows = MovementWindows(
        LEGS, MovementSettings(jumps=None), window_s=window_s, step_s=window_s
    )
    found: list[MovementRow] = []
    for k in range(round(60 * minutes * HZ)):
        time_s = k / HZ
        if silent[0] <= time_s < silent[1]:
            continue
        joints = REST.copy()
        for joint, share in ((2, 0.5), (5, 0.2)):
            phase = time_s % 10.0
            if phase < 10.0 * share:
                joints[joint, 0] += 60.0 * abs(phase - 5.0 * share)
            else:
                joints[joint, 0] += 300.0 * share
        if 40.0 <= time_s < 80.0:
            joints[5] = np.nan
        whole = bool(np.isfinite(joints).all())
        found += windows.feed(time_s, joints, None, "found" if whole else "partial")
    return found + windows.finish()


@pytest.fixture(scope="module")
def summary() -> MonitorSummary:
    return MonitorSummary(
        title="Cot <4>",
        rows=tuple(rows(4, silent=(120.0, 160.0))),
        measured_by="median length of a limb's part",
        settings=MovementSettings(jumps=None),
        began=datetime(2026, 3, 1, 21, 58),
        gaps=(StreamGap(120.0, 160.0, "stall"),),
        delays=Delays(((0.02, 90), (0.04, 9), (0.08, 1)), 0.07),
        warnings=("The disk was full for 3 s.",),
        provenance={"run": "limbs & more"},
    )


@pytest.fixture(scope="module")
def text(summary) -> str:
    return render_monitor(summary)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "img", "link", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_fetches_nothing(summary, tmp_path):
    path = tmp_path / "monitor.html"
    write_monitor_page(summary, path)
    text = path.read_text("utf-8")
    page = _Page()
    page.feed(text)
    assert not page.open
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    # Drawings name their parts alike; what is referred to must be there once.
    inside = {attrs["href"][1:] for tag, attrs in page.tags if "href" in attrs}
    inside |= set(re.findall(r"url\(#([^)]+)\)", text))
    assert all(ids.count(name) == 1 for name in inside)
    assert not any(tag == "link" or "src" in attrs for tag, attrs in page.tags)
    assert not re.search(r"https?://", text)
    for word in ("Cot &lt;4&gt;", "limbs &amp; more"):
        assert word in text
    for word in ("NaN", ">nan", ">None<"):
        assert word not in text
    assert list(tmp_path.iterdir()) == [path]


def test_every_number_of_the_sentences_is_that_of_the_windows(summary):
    words = " ".join(spoken(summary))
    for k, name in enumerate(summary.limbs):
        weights = [
            (row.limbs[k].active_share.value, row.limbs[k].observed_s)
            for row in summary.rows
            if row.limbs[k].active_share.value is not None
        ]
        share = sum(a * w for a, w in weights) / sum(w for _, w in weights)
        assert f"{name} {100 * share:.1f} %" in words
        assert share == pytest.approx((0.5, 0.2)[k], abs=0.06)
    assert "The right leg moved more than the left leg" in words
    assert "symmetry index -0." in words
    assert (
        "Joints were looked for in 2,500 frames: all were found in 80.0 %, some in 20.0 %" in words
    )


def test_rest_says_nothing_of_sides(summary):
    def row(index: float, active: float):
        first = summary.rows[0]
        limbs = tuple(replace(limb, active_share=Amount(active)) for limb in first.limbs)
        side = replace(first.sides[0], symmetry_index=Amount(index))
        return replace(first, limbs=limbs, sides=(side, *first.sides[1:]))

    assert symmetry_in_motion([row(0.9, 0.0), row(-0.5, 0.4)], 0) == pytest.approx(-0.5)
    assert symmetry_in_motion([row(0.9, 0.0)], 0) is None


def test_the_page_says_what_it_is_not(text):
    assert "Not for diagnosis" in text
    assert "no assessment of general movements and no diagnosis" in text
    assert "The disk was full for 3 s." in text
    assert "For 16.7 % of the time no frame came." in text


def test_a_time_without_a_limb_is_no_number(summary):
    third = next(row for row in summary.rows if row.start_s == 40.0)
    assert third.limbs[1].active_share.value is None
    page = monitor_page(summary)
    hours = page.hours
    assert hours.head[:2] == ("from", "frames found")
    silent = [row for row in hours.rows if row[1] == "0.0 %"]
    assert all(cell.text == "–" for row in silent for cell in row if not isinstance(cell, str))


def test_coverage_is_all_of_the_time(summary):
    shares = coverage(summary.rows)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares[NO_FRAME] == pytest.approx(40.0 / 240.0, abs=0.002)
    assert coverage(()) == {}
    silent = [row for row in summary.rows if row.frames == 0]
    assert silent
    assert coverage(silent) == {NO_FRAME: 1.0}


def test_bins_hold_every_window_once(summary):
    for length_s in (None, 60.0, 90.0, 1000.0):
        parts = bins(summary, length_s=length_s)
        assert [row for part in parts for row in part.rows] == list(summary.rows)
        assert all(a.end_s == b.start_s for a, b in pairwise(parts))
    assert active_of(0)(()) is None
    assert pooled(summary.rows, 0, lambda limb: limb.mean_speed) is not None


def test_a_clock_goes_round_at_midnight_and_else_counts_hours(summary, text):
    edges = np.array([0.0, 3600.0, 7200.0])
    clock = Clock(edges, summary.began)
    assert [clock.words(hours) for hours in clock.hours] == ["21:58", "22:58", "23:58"]
    assert clock.words(float(clock.hours[-1]) + 0.5) == "00:28"
    assert Clock(edges + 86400.0, None).words(25.0) == "25:00"
    assert "21:58" in text


def test_delays_are_read_from_the_bins(summary, text):
    assert summary.delays.percentile(50.0) == 0.02
    assert summary.delays.percentile(99.0) == 0.04
    assert summary.delays.percentile(100.0) == 0.07
    assert Delays((), 0.0).percentile(50.0) is None
    assert "99 % within 40 ms; longest 70 ms" in text
    with pytest.raises(GeometryError, match="rise"):
        Delays(((0.2, 1), (0.1, 1)), 0.2)


def test_a_stream_of_which_nothing_was_found_still_has_a_page():
    windows = MovementWindows(LEGS, window_s=10.0, step_s=10.0)
    found: list[MovementRow] = []
    for k in range(300):
        found += windows.feed(k / HZ, None, None, "gap")
    found += windows.finish()
    summary = MonitorSummary(title="nothing", rows=tuple(found), measured_by="a part")
    text = render_monitor(summary)
    assert "Nothing can be said of: right leg, left leg." in text
    assert "nan" not in re.sub(r"[a-z]*nan[a-z]+|[a-z]+nan", "", text.lower())
    assert 'id="delay"' not in text


def test_one_window_alone_has_a_page(summary):
    page = monitor_page(MonitorSummary(title="short", rows=summary.rows[:1], measured_by="a part"))
    assert page.spoken[0].startswith("Followed for 20 s.")


def test_windows_that_do_not_belong_together_are_refused(summary):
    with pytest.raises(GeometryError, match="no window"):
        MonitorSummary(title="x", rows=(), measured_by="")
    with pytest.raises(GeometryError, match="order"):
        MonitorSummary(title="x", rows=summary.rows[::-1], measured_by="")


def test_a_day_is_a_page_of_a_few_hundred_kilobytes(summary):
    """A day of windows is drawn in bins, not window by window."""
    pattern = [row for row in summary.rows if row.frames]
    fields = MovementRow.__dataclass_fields__
    day = []
    for k in range(1440):
        row = pattern[k % len(pattern)]
        values = {name: getattr(row, name) for name in fields}
        day.append(MovementRow(**{**values, "start_s": 60.0 * k, "end_s": 60.0 * k + 60.0}))
    long = MonitorSummary(title="a day", rows=tuple(day), measured_by="a part")
    assert len(bins(long)) == 288
    text = render_monitor(long)
    assert len(text) < 600_000
    assert "By the hour" in text


def test_lengths_of_time_read_well():
    assert [length(s) for s in (0.4, 59.0, 60.0, 5399.0, 5400.0, 86400.0)] == [
        "0 s",
        "59 s",
        "1 min",
        "90 min",
        "1.5 h",
        "24 h",
    ]
    assert json.dumps(length(1.0)) == '"1 s"'
