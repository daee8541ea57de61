"""A learning curve on disk: all figures as JSON, one row a run as CSV, a picture and a page."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from palpate.evaluation.advice import Beside
from palpate.evaluation.plain import plain
from palpate.evaluation.tables import ErrorUnit
from palpate.files import write_json, write_rows
from palpate.report.curve_report import write_curve_report
from palpate.workflows.curve import LearningCurve
from palpate.workflows.curve_figures import CurvePoint, in_unit, percentiles, success
from palpate.workflows.curve_measured import MeasuredCurve
from palpate.workflows.curve_reported import reported_curve
from palpate.workflows.curve_row import run_row


def write_curve(curve: LearningCurve, out: Path, provenance: Mapping[str, str]) -> None:
    """Write ``curve.json``, ``curve.csv``, ``curve.png`` and ``curve.html`` into a folder.

    Every figure of a recipe at a size, by landmark and subject too, goes into its folder, as
    ``metrics.json``.

    Raises:
        OutputError: one cannot be written; nothing half-written is left.
    """
    for point in (point for points in curve.points.values() for point in points):
        metrics = {"provenance": dict(provenance), **point.evaluation.to_json()}
        write_json(out / point.recipe / str(point.size) / "metrics.json", metrics)
    write_rows(out / "curve.csv", [run_row(one, curve.normaliser) for one in curve.runs])
    write_json(
        out / "curve.json",
        {
            "provenance": dict(provenance),
            "study": curve.study,
            "unit": curve.unit,
            "normaliser": plain(curve.normaliser),
            "recipes": {
                recipe: [
                    _point(point, beside, curve.unit)
                    for point, beside in zip(points, curve.fits[recipe].beside, strict=True)
                ]
                for recipe, points in curve.points.items()
            },
            "differences": [plain(asdict(row)) for row in curve.differences],
            "fits": {
                recipe: {"mean": plain(fit.mean), "median_image": plain(fit.typical)}
                for recipe, fit in curve.fits.items()
            },
            "advice": list(curve.advice.advised),
            "caveats": list(curve.advice.caveats),
            **({} if curve.measured is None else {"measured": _measured(curve.measured)}),
            "failed": {str(one.run.place): one.reason for one in curve.failed},
        },
    )
    write_curve_report(reported_curve(curve, provenance), out)


def _point(point: CurvePoint, beside: Beside | None, unit: ErrorUnit) -> dict[str, object]:
    overall = in_unit(point.evaluation, unit)
    limit, rate, interval = success(point.evaluation)
    return {
        "size": point.size,
        "training_images": [one.run.trained_on.images for one in point.runs if one.cases],
        "training_images_mean": point.images,
        "test_images": len(point.evaluation.cases),
        "test_subjects": point.evaluation.subjects,
        "mean": overall.mean,
        "mean_interval": plain(overall.interval),
        "median": overall.median,
        "missed": overall.missed,
        "success_limit": limit,
        "success": rate,
        "success_interval": plain(interval),
        "film_unit": point.film_unit,
        "film_percentiles": plain(percentiles(point.films)),
        "minutes": point.minutes,
        "beside_annotators": plain(beside),
    }


def _measured(measured: MeasuredCurve) -> dict[str, object]:
    return {
        "quantity": measured.quantity,
        "unit": measured.unit,
        "recipes": {
            recipe: [
                {
                    "size": one.size,
                    "training_images_mean": one.images,
                    "mean_absolute_error": one.error,
                    "interval": plain(one.interval),
                    "images": one.count,
                    "refused": one.refused,
                    "beside_annotators": plain(one.beside),
                }
                for one in points
            ]
            for recipe, points in measured.points.items()
        },
        "fits": {recipe: plain(fit) for recipe, fit in measured.fits.items()},
        "advice": list(measured.advice.advised),
        "caveats": list(measured.advice.caveats),
    }
