"""What was followed, in plain words: what was seen first, then what moved."""

from collections.abc import Iterator, Sequence

from palpate.report.monitor_pooled import (
    LOOKED_AT,
    NO_FRAME,
    active_of,
    coverage,
    observed,
    states,
    symmetry_in_motion,
)
from palpate.report.monitor_reported import MonitorSummary
from palpate.report.wording import number, percent
from palpate.sequences.movement_row import MovementRow

# A limb that is seen for less of the time is named among the warnings.
_SELDOM = 0.5
# Below this a difference of sides is left unsaid.
_EVEN = 0.1


def spoken(summary: MonitorSummary) -> tuple[str, ...]:
    """Say how long was followed, how active each limb was, and how the sides compare."""
    return (*_followed(summary), *_active(summary), *_sides(summary))


def warnings(summary: MonitorSummary) -> tuple[str, ...]:
    """Say what the numbers lack, the worst first; what the caller says comes before."""
    return (*summary.warnings, *_lacks(summary))


def grounds(summary: MonitorSummary) -> tuple[str, ...]:
    """Say what the numbers rest on."""
    how, rows = summary.settings, summary.rows
    widths = {row.half_width_s for row in rows if row.frames}
    wide = max(widths, default=how.half_width_s)
    grown = ""
    if wide > how.half_width_s * 1.001:
        grown = f" (up to {wide:.2f} s where frames were far apart; speeds of such times are lower)"
    yields = [
        "These numbers describe movement as the camera saw it. They are no assessment of general "
        "movements and no diagnosis; a person who was trained for it looks at the infant.",
        f"A limb is active while its end (wrist, ankle) is faster than {how.active_above:g} body "
        f"lengths a second for at least {how.shortest_bout_s:g} s; rests of up to "
        f"{how.bridge_s:g} s inside are bridged. One body length is the {summary.measured_by}, as "
        "the camera sees it.",
        f"Speeds come from a cubic through {how.half_width_s:g} s of positions to either side"
        f"{grown}. Time in which a limb is not seen counts neither as rest nor as movement.",
    ]
    if any(row.unit == "px" for row in rows):
        yields.append(
            "Movement towards the camera or away from it is not in numbers of the image plane."
        )
    return tuple(yields)


def length(seconds: float) -> str:
    """A length of time in the unit that reads best.

    Example:
        >>> length(86400.0), length(90.0), length(42.0)
        ('24 h', '1.5 min', '42 s')
    """
    if seconds >= 5400.0:
        return f"{_short(seconds / 3600.0)} h"
    return f"{_short(seconds / 60.0)} min" if seconds >= 60.0 else f"{seconds:.0f} s"


def _short(value: float) -> str:
    """One digit after the point, none where it is 0."""
    return f"{round(value, 1):g}"


def _followed(summary: MonitorSummary) -> Iterator[str]:
    rows = summary.rows
    seen = [observed(rows, k) or 0.0 for k in range(len(summary.limbs))]
    yield (
        f"Followed for {length(summary.end_s - summary.start_s)}. The movement of the limbs could "
        f"be told for {between(seen)} of that time."
    )
    counts = states(rows)
    looked = sum(counts[state] for state in LOOKED_AT)
    if looked:
        yield (
            f"Joints were looked for in {looked:,} frames: all were found in "
            f"{percent(counts['found'] / looked)}, some in {percent(counts['partial'] / looked)}, "
            f"none in {percent(counts['nothing found'] / looked)}."
        )


def between(shares: Sequence[float]) -> str:
    """The least and the greatest of some shares in words.

    Example:
        >>> between([0.5, 0.25]), between([0.5, 0.5])
        ('25.0 % to 50.0 %', '50.0 %')
    """
    low, high = percent(min(shares)), percent(max(shares))
    return low if low == high else f"{low} to {high}"


def _active(summary: MonitorSummary) -> Iterator[str]:
    said, unsaid = [], []
    for k, name in enumerate(summary.limbs):
        share = active_of(k)(summary.rows)
        if share is None:
            unsaid.append(name)
            continue
        seen_s = sum(row.limbs[k].observed_s for row in summary.rows if _has_share(row, k))
        said.append((share, f"{name} {percent(share)}", seen_s))
    if said:
        said.sort(key=lambda part: -part[0])
        shortest = length(min(seen for *_, seen in said))
        longest = length(max(seen for *_, seen in said))
        seen = longest if shortest == longest else f"{shortest} to {longest}"
        yield (
            "Active, as a share of the time in which the limb was seen "
            f"({seen} in all windows): {', '.join(words for _, words, _ in said)}."
        )
    if unsaid:
        yield f"Nothing can be said of: {', '.join(unsaid)}."


def _has_share(row: MovementRow, limb: int) -> bool:
    return row.limbs[limb].active_share.value is not None


def _sides(summary: MonitorSummary) -> Iterator[str]:
    for k, side in enumerate(summary.rows[0].sides):
        index = symmetry_in_motion(summary.rows, k)
        if index is None:
            continue
        if abs(index) < _EVEN:
            yield (
                f"{side.left.capitalize()} and {side.right}, while either was active, moved about "
                f"alike ({number(index)})."
            )
            continue
        more, less = (side.left, side.right) if index > 0.0 else (side.right, side.left)
        times = (1.0 + abs(index)) / (1.0 - abs(index))
        yield (
            f"The {more} moved more than the {less}, while either was active: "
            f"symmetry index {number(index)}, which is {number(times, 1)} times the speed."
        )


def _lacks(summary: MonitorSummary) -> Iterator[str]:
    lost = coverage(summary.rows).get(NO_FRAME, 0.0)
    if lost > 0.01:
        yield f"For {percent(lost)} of the time no frame came."
    seldom = []
    for k, name in enumerate(summary.limbs):
        share = observed(summary.rows, k)
        if share is not None and share < _SELDOM:
            seldom.append(f"{name} ({percent(share)})")
    if seldom:
        yield f"Seen for less than half of the time: {', '.join(seldom)}."
    unscaled = sum(row.scale.value is None for row in summary.rows if row.frames)
    if unscaled:
        yield (
            f"In {unscaled:,} of {len(summary.rows):,} windows one body length is not known, so "
            "nothing is said of how active the limbs were."
        )
    jumped = sum(row.jumped for row in summary.rows)
    frames = sum(row.frames for row in summary.rows)
    if frames and jumped > 0.02 * frames * len(summary.limbs):
        yield f"{jumped:,} positions jump and were left out; look at the joints in the video."
