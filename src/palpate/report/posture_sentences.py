"""The few sentences that matter: what a clinician reads first."""

from collections.abc import Iterator, Sequence

from palpate.evaluation.posture import PostureEvaluation
from palpate.evaluation.posture_classes import Rate
from palpate.evaluation.posture_paired import PostureDifference
from palpate.evaluation.summary import Summary
from palpate.report.posture_reported import ReportedPosture
from palpate.report.wording import number, percent, span


def sentences(report: ReportedPosture) -> tuple[str, ...]:
    """Say how far angles are off, how much misalignment is found, and how much contact."""
    return (
        _angles(report),
        _alignment(report.first),
        _contact(report.first),
        *_compared(report),
    )


def _angles(report: ReportedPosture) -> str:
    first = report.first
    headline = first.judged.table.headline
    own = first.angles.groups[headline]
    members = first.judged.table.groups[headline]
    if own.mean is None:
        return f"No angle of {_listed(members)} could be compared with a label."
    words = (
        f"Angles of {_listed(members)} are {number(own.mean, 1)} degrees off the labels on average"
        f"{_interval(own)}"
    )
    known = {
        name: first.angles.segments[name].mean
        for name in members
        if first.angles.segments[name].mean is not None
    }
    if len(known) > 1:
        best, worst = (pick(known, key=lambda name: known[name] or 0.0) for pick in (min, max))
        words += (
            f": least for {best} ({number(known[best] or 0.0, 1)}), most for {worst} "
            f"({number(known[worst] or 0.0, 1)})"
        )
    return f"{words}.{_guessed(report, headline)}"


def _guessed(report: ReportedPosture, group: str) -> str:
    if report.baseline is None:
        return ""
    mean = report.baseline.angles.groups[group].mean
    if mean is None:
        return ""
    return (
        f" {report.baseline.made_by.capitalize()}, without a look at the image: {number(mean, 1)}."
    )


def _alignment(first: PostureEvaluation) -> str:
    headline = first.judged.table.headline
    row = next(row for row in first.alignment if (row.name, row.kind) == (headline, "group"))
    found, right = row.rates["true_positive_rate"], row.rates["precision"]
    beyond = f"more than {first.threshold_deg:g} degrees from the child's reference posture"
    if found.value is None:
        return f"Misalignment ({beyond}): {found.reason} to say how well it is found."
    words = (
        f"Of {row.positives:,} segments labelled misaligned ({beyond}; each frame counts), "
        f"{_rate(found)} were found; the others were called aligned, which is the error that the "
        f"test must avoid."
    )
    if right.value is None:
        return words
    return f"{words} Of those called misaligned, {_rate(right)} were labelled so."


def _contact(first: PostureEvaluation) -> str:
    rules = first.judged.table.contact
    name = " or ".join(rule.point for rule in rules)
    of = _listed(list(dict.fromkeys(rule.of for rule in rules)))
    labelled, own = (
        next(row for row in rows if row.name == name) for rows in (first.contact, first.contact_own)
    )
    found, right = own.rates["true_positive_rate"], own.rates["precision"]
    if found.value is None:
        return f"Contact of {name}: {found.reason} to say how well it is found."
    words = (
        f"With the predicted {of}, as in use, {_rate(found)} of {own.positives:,} frames with "
        f"contact of {name} were found"
    )
    if right.value is not None:
        words += f", and {_rate(right)} of those called so were"
    paper = labelled.rates["true_positive_rate"]
    if paper.value is None:
        return f"{words}."
    return f"{words}. With the {of} of the labels, as in the paper, {_rate(paper)} were found."


def _compared(report: ReportedPosture) -> Iterator[str]:
    headline = report.first.judged.table.headline
    for other in report.evaluations[1:]:
        mean = other.angles.groups[headline].mean
        if mean is not None:
            yield (
                f"By the same measure, {other.made_by} is {number(mean, 1)} degrees off"
                f"{_interval(other.angles.groups[headline])}."
            )
    for name, differences in report.differences.items():
        yield from _difference(name, differences)


def _difference(name: str, differences: Sequence[PostureDifference]) -> Iterator[str]:
    each = next((each for each in differences if each.metric == "segment_error_deg"), None)
    if each is None or each.difference is None:
        return
    between = span(each.interval)
    sure = "" if each.clear else ": not a clear difference"
    yield (
        f"{name}: {number(each.difference)} degrees over all segments"
        + (f" ({100 * each.level:g} % interval {between})" if between else "")
        + f"{sure}."
    )


def _interval(summary: Summary) -> str:
    if summary.interval is None:
        return ""
    return (
        f" ({100 * summary.level:g} % interval over {summary.subjects} children "
        f"{span(summary.interval, 1)})"
    )


def _rate(rate: Rate) -> str:
    between = span(rate.interval, 1, 100.0)
    return percent(rate.value) + (f" ({between})" if between else "")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
