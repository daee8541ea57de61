"""Errors and success of a study as text: overall, by landmark, by group, by subject."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from palpate.evaluation.errors import (
    Errors,
    annotator_pairs,
    gather,
    model_against_each,
    model_against_truth,
)
from palpate.evaluation.evaluate import Evaluation
from palpate.evaluation.figures import Figures
from palpate.evaluation.normalised import ImageSummary
from palpate.evaluation.summary import Summary
from palpate.evaluation.tables import NO_GROUP, ErrorUnit
from palpate.report.parts import Bounded, Plot, Row, Table
from palpate.report.plots import Strip, cumulative_plot, strip_plot
from palpate.report.wording import (
    figure,
    percent,
    span,
)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The evaluation, ready to print."""

    overall: Table
    curves: tuple[Plot, ...]
    landmarks: Plot
    by_landmark: Table
    groups: Plot | None
    by_group: Table | None
    by_subject: Table
    notes: tuple[str, ...]


def accuracy_section(evaluation: Evaluation) -> Accuracy:
    """Turn an evaluation into its tables and drawings."""
    cases = list(evaluation.cases)
    unit = evaluation.unit
    model = gather(model_against_truth(cases), None)
    strips = _landmark_strips(evaluation, _values(model, unit))
    groups = _group_strips(evaluation, model, unit)
    between = None if evaluation.ceiling is None else evaluation.ceiling.between.best
    human = {} if between is None else between.by_landmark
    key = (
        "Box: quartiles; line: 5 % to 95 % of the images; dot: mean, with its interval by "
        "bootstrap over subjects"
        + ("; diamond: mean distance of two annotators." if human else ".")
    )
    return Accuracy(
        overall=_overall(evaluation),
        curves=_curves(evaluation, model),
        landmarks=Plot(strip_plot(strips, label=f"radial error, {unit}"), key),
        by_landmark=_summaries("Landmark", evaluation.by_landmark, unit, human),
        groups=Plot(strip_plot(groups, label=f"radial error, {unit}"), key) if groups else None,
        by_group=_summaries(
            "Group", evaluation.by_group, unit, {} if between is None else between.by_group
        )
        if evaluation.by_group
        else None,
        by_subject=_summaries(
            "Subject", evaluation.by_subject, unit, {} if between is None else between.by_subject
        ),
        notes=evaluation.notes,
    )


def _overall(evaluation: Evaluation) -> Table:
    columns: dict[str, Figures] = {"Model from the truth": evaluation.model}
    ceiling = evaluation.ceiling
    if ceiling is not None:
        columns["Model from one annotator"] = ceiling.model
        columns["Annotator from annotator"] = ceiling.between
        if ceiling.model_leave_one_out is not None and ceiling.leave_one_out is not None:
            columns["Model from the mean of the others"] = ceiling.model_leave_one_out
            columns["Annotator from the mean of the others"] = ceiling.leave_one_out
    parts = list(columns.values())
    every = [part.px.overall for part in parts]
    rows: list[Row] = [
        ("Landmarks compared", *(f"{part.count:,}" for part in every)),
        ("of these missed", *(f"{part.missed:,}" for part in every)),
    ]
    in_mm = [part.mm.overall for part in parts if part.mm is not None]
    in_percent = [part.percent.overall for part in parts if part.percent is not None]
    if len(in_mm) == len(parts):
        rows += [("In millimetres",), *_distances(in_mm), *_rates(in_mm, "mm")]
    rows += [("In pixels",), *_distances(every)]
    if not in_mm:
        rows += _rates(every, "px")
    if len(in_percent) == len(parts):
        rows += [("In % of the normaliser",), *_distances(in_percent), *_rates(in_percent, "%")]
    images = [part.normalised.overall for part in parts if part.normalised is not None]
    if images:
        rows += [("Whole images, normalised",), *_image_rows(images)]
    coverage = evaluation.coverage
    if coverage.inside:
        rows.append(("Stated uncertainty",))
        blank = ("",) * (len(parts) - 1)
        rows.append(("Landmarks with an ellipse", f"{coverage.count:,}", *blank))
        for level, share in coverage.inside.items():
            inside = _shared(share, coverage.intervals.get(level))
            rows.append((f"Truth inside the {100 * level:g} % ellipse", inside, *blank))
    return Table(("", *columns), tuple(rows))


def _distances(parts: Sequence[Summary]) -> list[Row]:
    return [
        ("Mean radial error", *(bounded(part.mean, part.interval) for part in parts)),
        ("Median", *(figure(part.median) for part in parts)),
        ("SD", *(figure(part.sd) for part in parts)),
    ]


def _rates(parts: Sequence[Summary], unit: str) -> list[Row]:
    limits = sorted({limit for part in parts for limit in part.success})
    return [
        (
            f"Within {limit:g} {unit}",
            *(
                _shared(part.success.get(limit), part.success_intervals.get(limit))
                for part in parts
            ),
        )
        for limit in limits
    ]


def _shared(share: float | None, interval: tuple[float, float] | None) -> Bounded:
    return Bounded(percent(share), span(interval, 1, 100.0))


def bounded(value: float | None, interval: tuple[float, float] | None, digits: int = 2) -> Bounded:
    """Return a figure with its interval below it."""
    return Bounded(figure(value, digits), span(interval, digits))


def _image_rows(parts: Sequence[ImageSummary]) -> list[Row]:
    rows: list[Row] = [
        ("Images or pairs", *(f"{part.images:,}" for part in parts)),
        ("of these with a missed landmark", *(f"{part.incomplete:,}" for part in parts)),
        (
            "Normalised mean error (NME)",
            *(bounded(part.nme, part.nme_interval, 4) for part in parts),
        ),
    ]
    for limit in sorted({limit for part in parts for limit in part.failure}):
        rows.append(
            (
                f"Failure rate at {limit:.2f}",
                *(
                    _shared(part.failure.get(limit), (part.failure_intervals or {}).get(limit))
                    for part in parts
                ),
            )
        )
    limit = parts[0].auc_limit
    rows.append(
        (
            f"Area under the curve to {limit:.2f}",
            *(bounded(p.auc, p.auc_interval, 3) for p in parts),
        )
    )
    return rows


def _summaries(
    noun: str, parts: Mapping[str, Summary], unit: ErrorUnit, human: Mapping[str, Summary]
) -> Table:
    limits = sorted({limit for part in parts.values() for limit in part.success})
    head = [noun, "n", "missed", f"mean, {unit}", "median", "SD"]
    head += [f"≤ {limit:g} {unit}" for limit in limits]
    if human:
        head.append(f"two annotators apart, {unit}")
    rows = []
    for name, part in parts.items():
        row: list[str | Bounded] = [name, f"{part.count:,}", f"{part.missed:,}"]
        row.append(bounded(part.mean, part.interval))
        row += [figure(part.median), figure(part.sd)]
        row += [percent(part.success.get(limit)) for limit in limits]
        if human:
            row.append(figure(human[name].mean if name in human else None))
        rows.append(tuple(row))
    return Table(tuple(head), tuple(rows))


def _values(errors: Errors, unit: ErrorUnit) -> np.ndarray:
    return errors.px if unit == "px" or errors.mm is None else errors.mm


def _landmark_strips(evaluation: Evaluation, values: np.ndarray) -> list[Strip]:
    human = {} if evaluation.ceiling is None else evaluation.ceiling.between.best.by_landmark
    strips = [
        _strip(name, values[:, k], part, human.get(name))
        for k, (name, part) in enumerate(evaluation.by_landmark.items())
    ]
    return sorted(strips, key=lambda strip: -(strip.mean or 0.0))


def _group_strips(evaluation: Evaluation, errors: Errors, unit: ErrorUnit) -> list[Strip]:
    human = {} if evaluation.ceiling is None else evaluation.ceiling.between.best.by_group
    groups = np.array([group or NO_GROUP for group in errors.groups], dtype=object)
    return [
        _strip(name, _values(errors, unit)[groups == name], part, human.get(name))
        for name, part in evaluation.by_group.items()
    ]


def _strip(name: str, values: np.ndarray, part: Summary, human: Summary | None) -> Strip:
    known = values[np.isfinite(values)]
    return Strip(name, known, part.mean, part.interval, None if human is None else human.mean)


def _curves(evaluation: Evaluation, model: Errors) -> tuple[Plot, ...]:
    unit, ceiling = evaluation.unit, evaluation.ceiling
    curves = {"model from the truth": _reached(model, unit)}
    if ceiling is not None:
        several = [case for case in evaluation.cases if len(case.annotators) > 1]
        between = gather(annotator_pairs(several), None)
        alone = gather(model_against_each(several), None)
        curves["annotator from annotator"] = _reached(between, unit)
        curves["model from one annotator"] = _reached(alone, unit)
    if all(len(values) == 0 for values in curves.values()):
        return ()
    known = [values[np.isfinite(values)] for values in curves.values()]
    most = max((float(np.quantile(values, 0.98)) for values in known if len(values)), default=1.0)
    marks = [limit for limit in evaluation.overall.success if limit <= 2 * most]
    caption = "Share of annotated landmarks by radial error; a missed landmark is never reached."
    if marks:
        shown = ", ".join(f"{limit:g}" for limit in marks)
        caption += f" Vertical lines: the success thresholds {shown} {unit}."
    plots = [
        Plot(
            cumulative_plot(
                curves,
                label=f"radial error, {unit}",
                limit=max(most, *marks, 1e-6) * 1.05,
                marks=marks,
            ),
            caption,
        )
    ]
    if evaluation.model.normalised is not None and len(evaluation.model.normalised.values):
        plots.append(_image_curve(evaluation))
    return tuple(plots)


def _reached(errors: Errors, unit: ErrorUnit) -> np.ndarray:
    values = _values(errors, unit)
    return np.where(np.isfinite(values), values, np.inf)[errors.wanted]


def _image_curve(evaluation: Evaluation) -> Plot:
    normalised, ceiling = evaluation.model.normalised, evaluation.ceiling
    curves = {} if normalised is None else {"model from the truth": normalised.values}
    if ceiling is not None:
        for name, part in (
            ("annotator from annotator", ceiling.between.normalised),
            ("model from one annotator", ceiling.model.normalised),
        ):
            if part is not None and len(part.values):
                curves[name] = part.values
    return Plot(
        cumulative_plot(curves, label="normalised mean error", limit=0.12, marks=(0.08, 0.10)),
        "Cumulative error distribution (CED) of whole images; an image with a missed landmark is "
        "never reached. Vertical lines: 0.08 and 0.10.",
    )
