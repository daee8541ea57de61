"""What the page of a learning curve says, as text and drawings, in the order of the page."""

from dataclasses import dataclass

from palpate.report.curve_plots import curve_svg
from palpate.report.curve_reported import ReportedCurve, ReportedSize
from palpate.report.parts import Bounded, Plot, Row, SheetHead, Table
from palpate.report.wording import figure, number, percent, span

# Of fewer images the 99th percentile is the worst of them.
_MANY = 100


@dataclass(frozen=True, slots=True)
class CurvePage(SheetHead):
    """The sections that the template prints below the head."""

    plot: Plot
    sizes: Table
    images: Table
    images_note: str
    fits: Table
    fits_note: str
    differences: Table | None


def curve_page(curve: ReportedCurve) -> CurvePage:
    """Turn a learning curve into text and drawings."""
    return CurvePage(
        title=f"Learning curve of {curve.study}",
        subtitle=f"{curve.test_images} test images of {curve.test_subjects} subjects, the same at "
        "every size",
        banner="Not for diagnosis. Accuracy of predictions against the annotation of this study.",
        warnings=tuple(f"{run} failed: {reason}" for run, reason in curve.failed.items()),
        spoken=curve.advised,
        notes=curve.caveats,
        tiles=(),
        plot=Plot(curve_svg(curve), _caption(curve)),
        sizes=_sizes(curve),
        images=_images(curve),
        images_note=_images_note(curve),
        fits=_fits(curve),
        fits_note="error = floor + amplitude × images^(−rate), least squares of relative "
        "residuals; intervals by refitting in every resample of the test subjects.",
        differences=_differences(curve) if curve.differences else None,
        provenance=tuple(curve.provenance.items()),
    )


def _caption(curve: ReportedCurve) -> str:
    caption = (
        "Left: mean over landmarks with its 95 % interval by subject; dashed, the fitted curve "
        "with its band, which ends beyond the largest size. Right: images at the largest size; "
        "one with a missed landmark is never reached."
    )
    if curve.people is not None:
        caption += (
            " The annotators' line may be compared with the hollow marks: both are distances from "
            "one person."
        )
    return caption


def _sizes(curve: ReportedCurve) -> Table:
    head: tuple[str, ...] = (
        "Training images",
        f"mean, {curve.unit}",
        "median",
        f"≤ {curve.limit}",
        "missed",
    )
    several = curve.people is not None
    if several:
        head = (*head, "from one annotator")
    rows: list[Row] = []
    for method in curve.methods:
        rows.append((method.name,))
        for size in method.sizes:
            row: Row = (
                _trained(size),
                Bounded(figure(size.mean), span(size.interval)),
                figure(size.median),
                Bounded(percent(size.success), span(size.success_interval, 1, 100.0)),
                f"{size.missed:,}",
            )
            rows.append((*row, figure(size.from_one)) if several else row)
            rows[-1] = (*rows[-1], "–" if size.minutes is None else f"{number(size.minutes, 1)}")
    if curve.people is not None:
        rows.append(("Two annotators apart",))
        rows.append(("", "–", "–", "–", "–", figure(curve.people), "–"))
    return Table((*head, "minutes of training"), tuple(rows))


def _trained(size: ReportedSize) -> str:
    least, most = size.images
    shown = f"{least}" if least == most else f"{least} to {most}"
    return shown if least == most == size.size else f"{shown} (asked for {size.size})"


def _images(curve: ReportedCurve) -> Table:
    levels = list(curve.methods[0].sizes[0].percentiles)
    rows: list[Row] = []
    for method in curve.methods:
        rows.append((method.name,))
        rows += [
            (_trained(size), *(figure(size.percentiles[q]) for q in levels))
            for size in method.sizes
        ]
    return Table(("Training images", *(f"{q} % of images" for q in levels)), tuple(rows))


def _images_note(curve: ReportedCurve) -> str:
    unit = "% of the normaliser" if curve.film_unit == "%" else curve.film_unit
    note = f"So many of the test images have at most this mean error, in {unit}"
    if any(None in size.percentiles.values() for m in curve.methods for size in m.sizes):
        note += "; a dash: an image with a missed landmark is among them"
    if curve.test_images < _MANY:
        note += f". Of {curve.test_images} images the last column is the worst"
    return note + "."


def _fits(curve: ReportedCurve) -> Table:
    rows: list[Row] = []
    for method in curve.methods:
        fit = method.fit
        if fit is None:
            rows.append((method.name, "–", "–", "–", "–", "–"))
            continue
        rows.append(
            (
                method.name,
                Bounded(figure(fit.law.floor), span(fit.floor_interval)) if fit.has_floor else "–",
                figure(fit.law.rate) if not fit.law.is_flat else "flat",
                Bounded(figure(fit.fall.value), span(fit.fall.interval)),
                Bounded(figure(fit.next_error), span(fit.next_interval)),
                Bounded(figure(fit.gain.value), span(fit.gain.interval)),
            )
        )
    more = next((m.fit.more for m in curve.methods if m.fit is not None), 0)
    unit = curve.unit
    head = ("", f"floor, {unit}", "rate", f"measured fall, {unit}", f"with {more} more, {unit}")
    return Table((*head, f"gain of these, {unit}"), tuple(rows))


def _differences(curve: ReportedCurve) -> Table:
    rows: list[Row] = []
    for row in curve.differences:
        pair = row.paired
        rows.append(
            (
                f"{row.second} less {row.first}, {row.size} images",
                pair.metric.replace("_", " "),
                figure(pair.first, 3),
                figure(pair.second, 3),
                Bounded(f"{pair.difference:+.3f}", span(pair.interval, 3)),
                "yes" if pair.clear else "no",
            )
        )
    return Table(("", "figure", "first", "second", "difference", "clear"), tuple(rows))
